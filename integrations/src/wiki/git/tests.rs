//! Wikis in temporary folders, with people who edit them.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::*;

fn wiki() -> (TempDir, Wiki) {
    let folder = tempfile::tempdir().expect("a folder");
    let wiki = Wiki::open_or_create(folder.path(), "Muster").expect("a wiki");
    (folder, wiki)
}

fn history(folder: &Path) -> Vec<String> {
    let repository = Repository::open(folder).expect("a repository");
    let mut walk = repository.revwalk().expect("a walk");
    walk.set_sorting(git2::Sort::TOPOLOGICAL).expect("an order");
    walk.push_head().expect("a head");
    let commits = walk.map(|id| repository.find_commit(id.expect("an id")).expect("a commit"));
    commits.map(|commit| commit.summary().expect("text").unwrap_or_default().to_owned()).collect()
}

fn is_clean(folder: &Path) -> bool {
    let repository = Repository::open(folder).expect("a repository");
    let mut options = StatusOptions::new();
    options.include_untracked(true);
    repository.statuses(Some(&mut options)).expect("a status").is_empty()
}

#[test]
fn pages_are_written_read_listed_and_committed() {
    let (folder, wiki) = wiki();
    assert_eq!(wiki.read("a.md").expect("readable"), None);
    let first = wiki.write("postmortems/inc-1.md", "one\n", "Write INC-1").expect("written");
    let same = wiki.write("postmortems/inc-1.md", "one\n", "Write INC-1").expect("written");
    assert_eq!((first.changed, same.changed, &first.commit), (true, false, &same.commit));
    let second = wiki.write("README.md", "two\n", "Write the index").expect("written");
    assert_ne!(second.commit, first.commit);
    assert_eq!(wiki.read("postmortems/inc-1.md").expect("readable").as_deref(), Some("one\n"));
    assert_eq!(wiki.list().expect("a list"), ["README.md", "postmortems/inc-1.md"]);
    assert_eq!(history(folder.path()), ["Write the index", "Write INC-1"]);
    assert!(is_clean(folder.path()));
    let head = Repository::open(folder.path()).expect("a repository").head().expect("a head").name().map(str::to_owned);
    assert_eq!(head.as_deref(), Ok("refs/heads/main"));
    drop(wiki);
    let wiki = Wiki::open_or_create(folder.path(), "Muster").expect("opened again");
    assert!(!wiki.write("README.md", "two\n", "x").expect("written").changed);
}

#[test]
fn a_repository_that_was_half_made_when_muster_was_killed_is_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let half = folder.path().join(MAKING).join(".git/hooks");
    fs::create_dir_all(&half).expect("a folder");
    fs::write(half.join("pre-push.sample"), "half of it").expect("a file");
    let wiki = Wiki::open_or_create(folder.path(), "Muster").expect("a wiki");
    wiki.write("README.md", "one\n", "Write the index").expect("written");
    assert_eq!(history(folder.path()), ["Write the index"]);
    assert!(is_clean(folder.path()) && !folder.path().join(MAKING).exists());
}

#[test]
fn checkpoints_are_added_line_by_line_and_the_newest_are_kept() {
    let (folder, wiki) = wiki();
    let read = || fs::read_to_string(folder.path().join(CHECKPOINTS)).expect("it is there");
    assert!(wiki.add_checkpoint("one", "Checkpoint at record 1").expect("written").changed);
    assert!(!wiki.add_checkpoint("one", "Checkpoint at record 1").expect("written").changed, "a repeat adds nothing");
    wiki.add_checkpoint("two", "Checkpoint at record 2").expect("written");
    assert_eq!(read(), "one\ntwo\n");
    assert_eq!(history(folder.path()), ["Checkpoint at record 2", "Checkpoint at record 1"]);
    for number in 3..60 {
        wiki.add_checkpoint(&number.to_string(), "More").expect("written");
    }
    assert_eq!((read().lines().count(), read().lines().last()), (50, Some("59")));
    assert!(is_clean(folder.path()) && wiki.list().expect("a list").is_empty());
    assert!(wiki.read(CHECKPOINTS).is_err(), "it is no page");
}

#[test]
fn no_path_leaves_the_wiki() {
    let (_folder, wiki) = wiki();
    let deep = "a/".repeat(20) + "b.md";
    for path in [
        "",
        ".md",
        "a",
        "/a.md",
        "../a.md",
        "a/../b.md",
        "a//b.md",
        "./a.md",
        ".git/config.md",
        "A.md",
        "a b.md",
        "a.md/",
        "a\\b.md",
        "a\0.md",
        "ä.md",
        "readme.MD",
        "a/.md",
        "README.md/x",
        &deep,
    ] {
        assert!(matches!(wiki.read(path), Err(WikiError::BadPath(_))), "{path:?}");
        assert!(matches!(wiki.write(path, "x", "x"), Err(WikiError::BadPath(_))), "{path:?}");
    }
}

#[test]
#[cfg(unix)]
fn symbolic_links_are_never_followed() {
    let (folder, wiki) = wiki();
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("secret.md"), "secret").expect("written");
    std::os::unix::fs::symlink(outside.path().join("secret.md"), folder.path().join("a.md")).expect("linked");
    std::os::unix::fs::symlink(outside.path(), folder.path().join("b")).expect("linked");
    for path in ["a.md", "b/secret.md", "b/new.md"] {
        assert!(matches!(wiki.read(path), Err(WikiError::NotPlain(_))), "{path}");
        assert!(matches!(wiki.write(path, "x", "x"), Err(WikiError::NotPlain(_))), "{path}");
    }
    assert_eq!(fs::read_to_string(outside.path().join("secret.md")).expect("readable"), "secret");
    assert!(!outside.path().join("new.md").exists());
    assert_eq!(wiki.list().expect("a list"), Vec::<String>::new());
}

#[test]
fn what_people_left_uncommitted_is_committed_first() {
    let (folder, wiki) = wiki();
    wiki.write("a.md", "one\n", "Write a").expect("written");
    wiki.write("gone.md", "x\n", "Write gone").expect("written");
    fs::write(folder.path().join("a.md"), "by hand\n").expect("edited");
    fs::write(folder.path().join("Photo of Ann.txt"), "new\n").expect("added");
    fs::remove_file(folder.path().join("gone.md")).expect("removed");
    let mut seen = None;
    let change = |now: Option<&str>| {
        seen = now.map(str::to_owned);
        "two\n".to_owned()
    };
    wiki.update("a.md", "Write a again", change).expect("written");
    assert_eq!(seen.as_deref(), Some("by hand\n"));
    assert_eq!(history(folder.path()), ["Write a again", "Edited outside Muster", "Write gone", "Write a"]);
    assert!(is_clean(folder.path()));
    let repository = Repository::open(folder.path()).expect("a repository");
    let before = repository
        .head()
        .and_then(|head| head.peel_to_commit())
        .and_then(|commit| commit.parent(0))
        .expect("the parent");
    let tree = before.tree().expect("a tree");
    let blob = tree.get_name("a.md").and_then(|entry| entry.to_object(&repository).ok()).expect("the page");
    assert_eq!(blob.as_blob().expect("a file").content(), b"by hand\n");
    assert!(tree.get_name("gone.md").is_none() && tree.get_name("Photo of Ann.txt").is_some());
}

#[test]
fn a_folder_with_files_becomes_a_wiki() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("notes.md"), "mine\n").expect("written");
    let wiki = Wiki::open_or_create(folder.path(), "Muster").expect("a wiki");
    wiki.write("a.md", "one\n", "Write a").expect("written");
    assert_eq!(history(folder.path()), ["Write a", "Edited outside Muster"]);
}

#[test]
fn a_crash_in_the_middle_is_taken_up() {
    let (folder, wiki) = wiki();
    wiki.write("a.md", "one\n", "Write a").expect("written");
    // Killed after the file was renamed and before it was committed, with a half-written next one.
    fs::write(folder.path().join("a.md"), "two\n").expect("renamed");
    fs::write(folder.path().join(".git/muster-page.new"), "thr").expect("begun");
    let lock = folder.path().join(".git/index.lock");
    fs::write(&lock, "").expect("locked");
    assert!(
        matches!(wiki.write("a.md", "two\n", "Write a"), Err(WikiError::Busy(_))),
        "a young lock may be somebody at work"
    );
    let file = fs::File::options().write(true).open(&lock).expect("the lock");
    let made = file.metadata().and_then(|found| found.modified()).expect("a time");
    file.set_modified(made - STALE_LOCK * 2).expect("aged");
    let written = wiki.write("a.md", "two\n", "Write a").expect("written");
    assert!(!written.changed && is_clean(folder.path()));
    assert_eq!(history(folder.path()), ["Edited outside Muster", "Write a"]);
    assert_eq!(wiki.read("a.md").expect("readable").as_deref(), Some("two\n"));
}

#[test]
fn nothing_is_written_into_the_middle_of_a_merge_or_off_a_branch() {
    let (folder, wiki) = wiki();
    let written = wiki.write("a.md", "one\n", "Write a").expect("written");
    fs::write(folder.path().join(".git/MERGE_HEAD"), format!("{}\n", written.commit)).expect("merging");
    assert!(matches!(wiki.write("a.md", "two\n", "x"), Err(WikiError::Busy(_))));
    fs::remove_file(folder.path().join(".git/MERGE_HEAD")).expect("done");
    let repository = Repository::open(folder.path()).expect("a repository");
    repository.set_head_detached(Oid::from_str(&written.commit).expect("an id")).expect("detached");
    assert!(matches!(wiki.write("a.md", "two\n", "x"), Err(WikiError::Busy(_))));
    assert_eq!(wiki.read("a.md").expect("readable").as_deref(), Some("one\n"));
}

#[test]
fn what_is_no_text_or_too_large_is_left_alone() {
    let (folder, wiki) = wiki();
    fs::write(folder.path().join("a.md"), b"\xff").expect("written");
    assert!(matches!(wiki.write("a.md", "x", "x"), Err(WikiError::NotText(_))));
    fs::write(folder.path().join("b.md"), "x".repeat(files::LARGEST + 1)).expect("written");
    assert!(matches!(wiki.read("b.md"), Err(WikiError::TooLarge(_))));
    assert!(matches!(wiki.write("c.md", &"x".repeat(files::LARGEST + 1), "x"), Err(WikiError::TooLarge(_))));
}

#[test]
fn a_push_reaches_the_remote_and_errors_hold_no_credentials() {
    let (folder, wiki) = wiki();
    wiki.write("a.md", "one\n", "Write a").expect("written");
    if Command::new("git").arg("--version").output().is_err() {
        let words = wiki.push("https://a.example/x").expect_err("no git").to_string();
        assert!(words.contains("not installed"), "{words}");
        return;
    }
    let remote = tempfile::tempdir().expect("a folder");
    Repository::init_bare(remote.path()).expect("a remote");
    let address = remote.path().to_str().expect("text");
    wiki.push(address).expect("pushed");
    let there = Repository::open(remote.path()).expect("a repository");
    assert!(there.find_reference("refs/heads/main").is_ok());
    let gone = folder.path().join("no-such");
    let words = wiki.push(&format!("file://ann:s3cret@{}", gone.display())).expect_err("no remote").to_string();
    assert!(words.starts_with("git push failed: ") && !words.contains("s3cret"), "{words}");
    for remote in ["", "--upload-pack=touch x", "ext::sh -c touch% x"] {
        assert!(wiki.push(remote).is_err(), "{remote}");
    }
    assert!(!folder.path().join("x").exists());
}

#[test]
#[cfg(unix)]
fn a_push_that_hangs_is_ended() {
    let (folder, _wiki) = wiki();
    // The shell in the place of git takes `-C script` for an option and a script to run.
    let script = folder.path().join(".git/hangs");
    fs::write(&script, "exec sleep 30\n").expect("written");
    let ended = push::push_with("sh", &script, "x", "refs/heads/main", Duration::from_millis(50));
    assert!(ended.expect_err("too long").to_string().contains("longer than"));
    let missing = push::push_with("no-such-program", folder.path(), "x", "refs/heads/main", Duration::from_secs(1));
    assert!(missing.expect_err("missing").to_string().contains("not installed"));
}

#[test]
fn credentials_are_taken_out_of_addresses() {
    for (text, clean) in [
        ("fatal: 'https://ann:p@ss@a.example/x': no", "fatal: 'https://a.example/x': no"),
        ("https://token@a.example", "https://a.example"),
        ("https://a.example/x@y", "https://a.example/x@y"),
        ("ssh://git@a.example b://c:d@e", "ssh://a.example b://e"),
        ("none", "none"),
    ] {
        assert_eq!(push::without_credentials(text), clean);
    }
}
