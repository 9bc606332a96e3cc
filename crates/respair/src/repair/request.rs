//! `--request FILE`: the request that the stream answers.

use std::path::Path;

use respair_core::RequestFacts;

use crate::input::unreadable;
use crate::{USAGE, term};

/// What it says of what the response echoes.
///
/// # Errors
/// Exit code 2, told.
pub(super) fn facts(path: &Path) -> Result<RequestFacts, u8> {
    let name = format!("--request {}", term::one_line(&path.display().to_string()));
    let body = std::fs::read(path).map_err(|error| unreadable(&name, &error))?;
    RequestFacts::from_json(&body).map_err(|error| {
        term::error(&format!("{name}: {}", term::one_line(&error.to_string())));
        term::help("a request is what was posted: {\"model\": …, \"input\": …}");
        USAGE
    })
}
