//! Small traces, written by hand: one that is right, and each way in which one can be wrong.

use super::*;

const READ: &str = r#"101 1.1 recvfrom(12<socket:[900]>, "POST /hooks/alertmanager HTTP/1.1\r\n\r\n{\"instance\":\"synced-000007\"}", 8192, 0, NULL, NULL) = 240"#;
const WRITE: &str =
    r#"102 1.2 pwrite64(9</srv/data/journal/1.log>, "{\"instance\":\"synced-000007\"} a) = b", 400, 0) = 400"#;
const SYNC: &str = "102 1.3 fdatasync(9</srv/data/journal/1.log>) = 0";
const ANSWER: &str =
    r#"101 1.4 sendto(12<socket:[900]>, "HTTP/1.1 200 OK\r\n\r\nkept\n", 130, MSG_NOSIGNAL, NULL, 0) = 130"#;

fn check(lines: &[&str]) -> Result<(), String> {
    Trace::read(&lines.join("\n")).check(&marker(7), "/srv/data")
}

fn problem(lines: &[&str]) -> String {
    check(lines).expect_err("it is wrong")
}

#[test]
fn read_written_synced_answered_is_right() {
    assert_eq!(check(&[READ, WRITE, SYNC, ANSWER]), Ok(()));
    assert_eq!(Trace::read(&[READ, WRITE, SYNC, ANSWER].join("\n")).syncs("/srv/data"), 1);
}

#[test]
fn calls_that_are_interrupted_are_put_together() {
    let trace = [
        r#"101 1.1 recvfrom(12<socket:[900]>,  <unfinished ...>"#,
        r#"103 1.1 recvfrom(13<socket:[901]>, 0x7f00, 8192, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)"#,
        r#"101 1.1 <... recvfrom resumed>"POST /hooks/alertmanager HTTP/1.1\r\n\r\nsynced-000007", 8192, 0, NULL, NULL) = 240"#,
        r#"102 1.2 write(9</srv/data/journal/1.log>, "synced-000007", 400 <unfinished ...>"#,
        "103 1.2 fdatasync(10</srv/data/outbox>) = 0",
        "102 1.2 <... write resumed>)      = 400",
        "102 1.3 fdatasync(9</srv/data/journal/1.log> <unfinished ...>",
        r#"103 1.3 sendto(13<socket:[901]>, "HTTP/1.1 200 OK\r\n", 20, MSG_NOSIGNAL, NULL, 0) = 20"#,
        "102 1.3 <... fdatasync resumed>)  = 0",
        r#"101 1.4 writev(12<socket:[900]>, [{iov_base="HTTP/1.1 200 OK\r\n", iov_len=17}, {iov_base="kept\n", iov_len=5}], 2) = 22"#,
        "102 1.5 +++ exited with 0 +++",
    ];
    assert_eq!(check(&trace), Ok(()));
}

#[test]
fn without_a_sync_it_is_wrong() {
    assert!(problem(&[READ, WRITE, ANSWER]).contains("(0 began before it)"));
}

#[test]
fn a_sync_that_began_before_the_write_was_done_is_none() {
    assert!(problem(&[READ, SYNC, WRITE, ANSWER]).contains("no sync of /srv/data/journal/1.log"));
    let [began, ended] =
        ["103 1.2 fdatasync(9</srv/data/journal/1.log> <unfinished ...>", "103 1.3 <... fdatasync resumed>) = 0"];
    assert!(problem(&[READ, began, WRITE, ended, ANSWER]).contains("no sync of"));
}

#[test]
fn a_sync_that_failed_is_none() {
    let failed = "102 1.3 fdatasync(9</srv/data/journal/1.log>) = -1 EIO (Input/output error)";
    assert!(problem(&[READ, WRITE, failed, ANSWER]).contains("(1 began before it)"));
}

#[test]
fn an_answer_before_the_sync_is_over_is_wrong() {
    assert!(problem(&[READ, WRITE, ANSWER, SYNC]).contains("(0 began before it)"));
    let [began, ended] =
        ["102 1.3 fdatasync(9</srv/data/journal/1.log> <unfinished ...>", "102 1.5 <... fdatasync resumed>) = 0"];
    assert!(problem(&[READ, WRITE, began, ANSWER, ended]).contains("(1 began before it)"));
    assert!(problem(&[READ, WRITE, began, ANSWER]).contains("(1 began before it)"), "and so is one that never ended");
}

#[test]
fn another_file_that_is_synced_is_not_the_one_that_was_written() {
    let other = "102 1.3 fdatasync(10</srv/data/journal/2.log>) = 0";
    assert!(problem(&[READ, WRITE, other, ANSWER]).contains("no sync of /srv/data/journal/1.log"));
}

#[test]
fn what_is_written_must_hold_the_request_and_lie_in_the_data() {
    let others = WRITE.replace("000007", "000008");
    let elsewhere = WRITE.replace("/srv/data/", "/srv/database/");
    let failed = WRITE.replace(") = 400", ") = -1 ENOSPC (No space left on device)");
    for write in [others.as_str(), elsewhere.as_str(), failed.as_str()] {
        assert!(problem(&[READ, write, SYNC, ANSWER]).contains("nothing that holds it was written"), "{write}");
    }
    assert!(problem(&[WRITE, READ, SYNC, ANSWER]).contains("nothing that holds it"), "written before it was read");
}

#[test]
fn a_request_that_was_not_read_or_not_answered_is_an_exception() {
    assert!(problem(&[WRITE, SYNC, ANSWER]).contains("never read"));
    assert!(problem(&[READ, WRITE, SYNC]).contains("never answered"));
    let refused = ANSWER.replace("200 OK", "503 Service Unavailable");
    assert!(problem(&[READ, WRITE, SYNC, &refused]).contains("not answered with 2xx"));
    let of_another = ANSWER.replace("socket:[900]", "socket:[901]");
    assert!(problem(&[READ, WRITE, SYNC, &of_another]).contains("never answered"));
}
