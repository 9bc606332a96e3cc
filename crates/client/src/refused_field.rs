//! A field of the request that an upstream does not take, found in its refusal, so that the user can be told how to leave it
//! out.

use reqwest::StatusCode;
use respair_core::ResponseError;
use serde_json::{Map, Value};

/// How upstreams say that they do not know a field (DEVIATIONS 5.10, 7.1, 7.5).
const UNKNOWN_FIELD: &[&str] = &[
    "unsupported parameter",
    "unsupported_parameter",
    "unknown parameter",
    "unknown_parameter",
    "unknown field",
    "unknown_field",
    "unrecognized request argument",
    "extra inputs are not permitted",
    "extra fields not permitted",
];

/// What a request cannot do without.
const NEEDED: &[&str] = &["model", "input", "stream"];

/// What is never left out unasked: without these the model is asked something else.
const MEANT: &[&str] = &["instructions", "tools", "tool_choice", "text"];

/// Whether a refused field may be left out without asking the user: where the answer stays an answer to what was asked.
pub(crate) fn may_be_dropped(field: &str) -> bool {
    !NEEDED.contains(&field) && !MEANT.contains(&field)
}

/// The field that a refusal says it does not know; `None` when it names none of those that were `sent`.
pub fn find(status: StatusCode, error: &ResponseError, body: &[u8], sent: &[u8]) -> Option<String> {
    if !matches!(status.as_u16(), 400 | 422) {
        return None;
    }
    let words = [Some(&error.message), error.code.as_ref()];
    let mut words = words.into_iter().flatten().map(|w| w.to_ascii_lowercase());
    if !words.any(|w| UNKNOWN_FIELD.iter().any(|known| w.contains(known))) {
        return None;
    }
    let sent: Map<String, Value> = serde_json::from_slice(sent).ok()?;
    let droppable = |name: &&str| sent.contains_key(*name) && !NEEDED.contains(name);
    // Where it is said: the parameter, FastAPI's place of the fault, the words of the message. `reasoning.effort` is a part
    // of the field `reasoning`.
    let param = error
        .param
        .as_deref()
        .and_then(|param| param.split(['.', '[']).next());
    let place = fault_place(body);
    let named = error
        .message
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let candidates = param.into_iter().chain(place.as_deref()).chain(named);
    candidates.into_iter().find(droppable).map(str::to_owned)
}

/// The field in FastAPI's `{"detail": [{"loc": ["body", FIELD]}]}`.
fn fault_place(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(body.pointer("/detail/0/loc/1")?.as_str()?.to_owned())
}
