//! Starting other programs, with what was started said on standard error.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// The workspace's root directory.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs to the end, output passed through; anything but success is a failure.
pub(crate) fn check(command: &mut Command) -> Result<(), Failure> {
    eprintln!("+ {}", spelt(command));
    let status = command
        .status()
        .map_err(|error| Failure::Task(format!("cannot start {}: {error}", spelt(command))))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Task(format!(
        "{} ended with {status}",
        spelt(command)
    )))
}

/// Runs to the end and gives its standard output.
pub(crate) fn read(command: &mut Command) -> Result<String, Failure> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::Task(format!("cannot start {}: {error}", spelt(command))))?;
    if !output.status.success() {
        return Err(Failure::Task(format!(
            "{} ended with {}",
            spelt(command),
            output.status
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program can be started at all.
pub(crate) fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn spelt(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned()),
    );
    words.join(" ")
}
