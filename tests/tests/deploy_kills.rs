//! The kill driver of deploys, for a short while: thirty kills (`tests/src/bin/deploys/`).

use std::process::Command;

#[test]
fn thirty_kills_around_dispatches_start_nothing_twice_and_leave_nothing_on_its_way() {
    let driver = Command::new(env!("CARGO_BIN_EXE_deploys"))
        .args(["--kills", "30", "--deploys", "14", "--seed", "7", "--hurry"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&driver.stdout);
    assert!(driver.status.success(), "{said}\n{}", String::from_utf8_lossy(&driver.stderr));
    assert!(said.contains("kills                      30 ("), "{said}");
}
