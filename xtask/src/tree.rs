//! The binary's dependency tree stays small: what is built into it is counted before the tests run.

use std::collections::BTreeSet;

use crate::Failure;
use crate::run::{cargo, read};

/// Crates in `cargo tree -p respair -e normal`, respair's own included. A conversation brought thirty: SQLite for its sessions,
/// reedline and crossterm to type in, pulldown-cmark to show what comes.
const MOST: usize = 182;

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
