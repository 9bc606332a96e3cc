//! What is asked: the argument, or standard input.

use std::io::{self, IsTerminal, Read};

use crate::{USAGE, term};

/// A prompt beyond this is a mistake: `respair run < /dev/zero`.
const LARGEST: u64 = 16 << 20;

/// Where the prompt is.
pub(super) enum Source {
    Given(String),
    StandardInput,
}

/// Says where the prompt is, without reading it.
///
/// # Errors
/// Exit code 2, told, when there is none.
pub(super) fn source(argument: Option<&str>) -> Result<Source, u8> {
    match argument {
        Some("-") => Ok(Source::StandardInput),
        Some(text) if text.trim().is_empty() => Err(empty("the prompt is empty")),
        Some(text) => Ok(Source::Given(text.to_owned())),
        None if io::stdin().is_terminal() => Err(empty("there is nothing to ask")),
        None => Ok(Source::StandardInput),
    }
}

/// Reads it. The line feed that `echo` adds is left out.
///
/// # Errors
/// Exit code 2, told.
pub(super) fn read(source: Source) -> Result<String, u8> {
    if let Source::Given(text) = source {
        return Ok(text);
    }
    let mut bytes = Vec::new();
    if let Err(error) = io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes) {
        term::error(&format!("standard input: {}", term::system(&error)));
        return Err(USAGE);
    }
    if bytes.len() as u64 > LARGEST {
        term::error(&format!(
            "the prompt on standard input is larger than {} MiB",
            LARGEST >> 20
        ));
        return Err(USAGE);
    }
    let Ok(text) = String::from_utf8(bytes) else {
        term::error("the prompt on standard input is not UTF-8");
        return Err(USAGE);
    };
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(&text)
        .trim_end_matches(['\n', '\r']);
    if text.trim().is_empty() {
        return Err(empty("the prompt on standard input is empty"));
    }
    Ok(text.to_owned())
}

fn empty(what: &str) -> u8 {
    term::error(what);
    term::help("`respair run \"Why is the sky blue?\"`, or pipe the prompt in");
    USAGE
}
