//! The binary's dependency tree stays small: what is built into it is counted before the tests run.

use std::collections::BTreeSet;

use crate::Failure;
use crate::run::{cargo, read};

/// Crates in `cargo tree -p respair -e normal`, respair's own included. A conversation brought thirty: SQLite for its sessions,
/// reedline and crossterm to type in, pulldown-cmark to show what comes. Its tools brought two dozen: ripgrep's crates to
/// search as it does, landlock, process-wrap for a session of a child's own (setsid needs `unsafe`), similar for diffs. rmcp, without its
/// defaults, brought fifteen more: chrono and what its streams are made of.
const MOST: usize = 221;

pub(crate) fn check() -> Result<(), Failure> {
    let mut tree = cargo();
    tree.args([
        "tree", "--locked", "-p", "respair", "-e", "normal", "--prefix", "none", "--format", "{p}",
    ]);
    let listed = read(&mut tree)?;
    // `name version`, without the path, the mark of a proc macro or of a repetition behind it.
    let crates: BTreeSet<String> = listed
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect();
    if crates.len() > MOST {
        return Err(Failure::Task(format!(
            "respair is built from {} crates; at most {MOST} are allowed",
            crates.len()
        )));
    }
    eprintln!(
        "xtask: respair is built from {} crates (at most {MOST})",
        crates.len()
    );
    Ok(())
}
