//! The arguments.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::rows::{ROWS, Row};

/// Three of Hermes take a quarter of an hour; twenty of respair are what an aim in wall time asks for.
const HERMES_RUNS: usize = 3;
const RESPAIR_RUNS: usize = 20;

pub(crate) struct Arguments {
    pub(crate) hermes: PathBuf,
    pub(crate) respair: PathBuf,
    pub(crate) hermes_runs: usize,
    pub(crate) respair_runs: usize,
    pub(crate) write: Option<PathBuf>,
    pub(crate) commit: String,
    pub(crate) date: String,
    rows: Vec<String>,
}

impl Arguments {
    pub(crate) fn read(args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut read = Self {
            hermes: PathBuf::new(),
            respair: PathBuf::new(),
            hermes_runs: HERMES_RUNS,
            respair_runs: RESPAIR_RUNS,
            write: None,
            commit: String::new(),
            date: String::new(),
            rows: Vec::new(),
        };
        let mut args = args;
        while let Some(arg) = args.next() {
            let arg = text(arg)?;
            let mut value = || args.next().ok_or_else(|| format!("{arg} takes a value"));
            match arg.as_str() {
                "--hermes" => read.hermes = absolute(value()?)?,
                "--respair" => read.respair = absolute(value()?)?,
                "--hermes-runs" => read.hermes_runs = count(value()?)?,
                "--respair-runs" => read.respair_runs = count(value()?)?,
                "--write" => read.write = Some(value()?.into()),
                "--commit" => read.commit = text(value()?)?,
                "--date" => read.date = text(value()?)?,
                _ if ROWS.iter().any(|row| row.name == arg) => read.rows.push(arg),
                _ => {
                    let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
                    return Err(format!("no row `{arg}`; there are: {}", names.join(", ")));
                }
            }
        }
        if read.hermes.as_os_str().is_empty() || read.respair.as_os_str().is_empty() {
            return Err("--hermes FILE and --respair FILE are needed".to_owned());
        }
        Ok(read)
    }

    /// Whether a row is asked for.
    pub(crate) fn takes(&self, row: &Row) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|name| name == row.name)
    }
}

fn text(arg: OsString) -> Result<String, String> {
    arg.into_string()
        .map_err(|arg| format!("`{}` is no text", arg.display()))
}

/// A program is started in another directory than this one.
fn absolute(arg: OsString) -> Result<PathBuf, String> {
    std::path::absolute(&arg).map_err(|error| format!("{}: {error}", arg.display()))
}

fn count(arg: OsString) -> Result<usize, String> {
    match text(arg)?.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err("a number of runs is at least 1".to_owned()),
    }
}
