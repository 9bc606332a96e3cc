//! Which configuration file is read, and its text.
//!
//! `--config`, else `$RESPAIR_CONFIG`, else `$XDG_CONFIG_HOME/respair/config.yaml`. One file. The working directory is never
//! searched: a cloned repository must not choose where a key goes.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::problem::{Place, Problem};
use crate::paths::{self, Env};

/// Largest configuration that is read. A whole Hermes configuration is some tens of KiB.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Where the configuration is, and who said so.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) path: PathBuf,
    pub(crate) from: Chosen,
}

/// Who chose the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    Flag,
    Environment,
    Default,
}

impl Chosen {
    fn name(self) -> &'static str {
        match self {
            Chosen::Flag => "--config",
            Chosen::Environment => "RESPAIR_CONFIG",
            Chosen::Default => "the default path",
        }
    }
}

/// The file that would be read; `None` when there is no home directory either.
pub(crate) fn locate(flag: Option<&Path>, env: &Env) -> Option<Located> {
    if let Some(path) = flag {
        return Some(Located {
            path: path.to_owned(),
            from: Chosen::Flag,
        });
    }
    if let Some(path) = env.path("RESPAIR_CONFIG") {
        return Some(Located {
            path,
            from: Chosen::Environment,
        });
    }
    let path = paths::config_home(env)?.join("respair").join("config.yaml");
    Some(Located {
        path,
        from: Chosen::Default,
    })
}

/// The text of the file; `None` when nobody asked for it by name and it is not there.
///
/// # Errors
/// A [`Problem`] naming the file: missing though named, a directory, unreadable, too large, not UTF-8.
pub(super) fn read(located: &Located, shown: &str) -> Result<Option<String>, Problem> {
    let bytes = match open(&located.path) {
        Ok(bytes) => bytes,
        // `HOME=/dev/null` is how a service says that it has none.
        Err(error)
            if located.from == Chosen::Default
                && matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(located, shown, &error)),
    };
    let here = || Place {
        file: shown.into(),
        line: 0,
        column: 0,
    };
    if bytes.len() > MAX_BYTES {
        return Err(Problem::new(format!(
            "larger than {}: not a configuration",
            super::quantity::show_size(MAX_BYTES as u64)
        ))
        .at(here()));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Problem::new("UTF-16: save the file as UTF-8").at(here()));
    }
    if bytes.contains(&0) {
        return Err(Problem::new("holds NUL bytes: not a text file").at(here()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(
            text.strip_prefix('\u{feff}')
                .map_or_else(|| text.clone(), str::to_owned),
        )),
        Err(error) => {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + valid.iter().filter(|b| **b == b'\n').count() as u64;
            let column = 1 + valid.iter().rev().take_while(|b| **b != b'\n').count() as u64;
            let place = Place {
                file: shown.into(),
                line,
                column,
            };
            Err(Problem::new("not UTF-8")
                .at(place)
                .help("save the file as UTF-8"))
        }
    }
}

fn open(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(located: &Located, shown: &str, error: &io::Error) -> Problem {
    let named = located.from.name();
    let place = Place {
        file: shown.into(),
        line: 0,
        column: 0,
    };
    let problem = match error.kind() {
        io::ErrorKind::NotFound => {
            Problem::new(format!("{named} names this file, and it is not there"))
                .help("`respair config init` writes one")
        }
        io::ErrorKind::IsADirectory => Problem::new("a directory, not a configuration file")
            .help(format!("name the file in it with {named}")),
        io::ErrorKind::PermissionDenied => Problem::new("may not be read (permission denied)"),
        _ => Problem::new(format!("cannot be read: {}", crate::term::system(error))),
    };
    problem.at(place)
}
