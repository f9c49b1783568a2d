//! The kill driver, for a short while: fifty kills (`tests/src/bin/kill/`).

use std::process::Command;

#[test]
fn fifty_kills_lose_nothing_double_nothing_and_keep_nothing_from_starting() {
    let driver = Command::new(env!("CARGO_BIN_EXE_kill"))
        .args(["--kills", "50", "--alerts", "100", "--steady", "300", "--seed", "7"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&driver.stdout);
    assert!(driver.status.success(), "{said}\n{}", String::from_utf8_lossy(&driver.stderr));
    assert!(said.contains("kills                      50 ("), "{said}");
}
