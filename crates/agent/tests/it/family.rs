//! Processes that leave the group they were started in: what the machine has to show of them, and tests that need a process of
//! their own to take them in.

use std::process::Command;

/// Set in the process that a test runs in alone.
const ALONE: &str = "RESPAIR_TEST_ALONE";

/// Whether they can be found here. Where /proc shows another process namespace, it names others by their numbers.
pub(crate) fn is_shown() -> bool {
    let own = std::fs::read_link("/proc/self").ok();
    let shown = own.is_some_and(|own| own.to_str() == Some(&std::process::id().to_string()));
    if !shown {
        eprintln!("SKIPPED: /proc does not show the processes of this namespace");
    }
    shown
}

/// Whether this is the process in which the test of this name is alone; otherwise it has passed in one that was made for it.
///
/// What a process takes in (`adopt_orphans`) it takes from all tests that run in it, and what hides is nobody's in particular:
/// it is ended with whichever call ends first.
pub(crate) fn is_alone(test: &str) -> bool {
    if !is_shown() {
        return false;
    }
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    false
}
