//! The profile `open-responses`: the public schema (see [`schema`]) and the specification's MUSTs that no schema can say.
//!
//! The grammar of items and parts is the one of [`portable`](crate::portable), read with this profile's own names and
//! without what the specification leaves open: `response.created` first, one text in deltas and done, LF.

pub(crate) mod schema;

use crate::vocabulary::entry;
use crate::{Fault, Summary, portable};

/// Judges a body.
pub(crate) fn judge(bytes: &[u8]) -> Result<Summary, Vec<Fault>> {
    let text = String::from_utf8_lossy(bytes);
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(&text)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    // What is no UTF-8 is judged as it came.
    match std::str::from_utf8(bytes) {
        Ok(_) => portable::judge_open(text.as_bytes()),
        Err(_) => portable::judge_open(bytes),
    }
}

/// What an event's type means here.
pub(crate) enum Named {
    /// An event of the grammar, by OpenAI's name.
    Known(&'static str),
    /// A vendor's, under the vendor's prefix.
    Vendor,
    /// Neither.
    Unknown,
}

/// Names without their place in the specification have a vendor's prefix.
pub(crate) fn named(kind: &str) -> Named {
    let own = match kind {
        "response.reasoning.delta" => Some("response.reasoning_text.delta"),
        "response.reasoning.done" => Some("response.reasoning_text.done"),
        _ if schema::has_event(kind) => Some(kind),
        _ => kind
            .strip_prefix("openai:")
            .filter(|bare| !schema::has_event(bare)),
    };
    match own.and_then(entry) {
        Some((name, _, _)) => Named::Known(name),
        None if schema::is_vendors(kind) => Named::Vendor,
        None => Named::Unknown,
    }
}
