//! Builders of events that concern the response as a whole, and of what is no event of the protocol.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Ev, Item, response_object};

/// `response.created`.
#[must_use]
pub fn created() -> Ev {
    lifecycle(
        "response.created",
        response_object("in_progress", Vec::new()),
    )
}

/// `response.queued`.
#[must_use]
pub fn queued() -> Ev {
    lifecycle("response.queued", response_object("queued", Vec::new()))
}

/// `response.in_progress`.
#[must_use]
pub fn in_progress() -> Ev {
    lifecycle(
        "response.in_progress",
        response_object("in_progress", Vec::new()),
    )
}

/// `response.completed` with this `output`. [`Stream::complete`](crate::Stream::complete) takes the
/// items that were done instead.
#[must_use]
pub fn completed(items: impl IntoIterator<Item = Item>) -> Ev {
    terminal("response.completed", "completed", items)
}

/// `response.completed` whose `output` a stream fills with the items that were done (`[]` alone).
#[must_use]
pub fn completed_with_done_items() -> Ev {
    Ev {
        output_from_stream: true,
        ..completed([])
    }
}

/// `response.incomplete` for this reason (`max_output_tokens`, `content_filter`). In a stream its
/// `output` is the items that were done.
#[must_use]
pub fn incomplete(reason: &str) -> Ev {
    let mut ev = terminal("response.incomplete", "incomplete", []);
    ev.output_from_stream = true;
    ev.with("response.incomplete_details", json!({"reason": reason}))
}

/// `response.failed` with this error. In a stream its `output` is the items that were done.
#[must_use]
pub fn failed(code: &str, message: &str) -> Ev {
    let mut ev = terminal("response.failed", "failed", []);
    ev.output_from_stream = true;
    ev.with("response.error", json!({"code": code, "message": message}))
}

/// `response.done`, the alias that is no event of the protocol. In a stream its `output` is the
/// items that were done.
#[must_use]
pub fn response_done(status: &str) -> Ev {
    let mut ev = terminal("response.done", status, []);
    ev.output_from_stream = true;
    ev
}

/// `error` as the SDKs document it: the fields at the top level.
#[must_use]
pub fn error_flat(code: &str, message: &str) -> Ev {
    Ev::of(
        "error",
        [
            ("code", code.into()),
            ("message", message.into()),
            ("param", Value::Null),
        ],
    )
}

/// `error` as the native service sends it: the fields in an `error` object.
#[must_use]
pub fn error_nested(code: &str, message: &str) -> Ev {
    let error = json!({"type": code, "code": code, "message": message, "param": null});
    Ev::of("error", [("error", error)])
}

/// `codex.rate_limits`: a vendor event, without a sequence number.
#[must_use]
pub fn rate_limits() -> Ev {
    let window = json!({
        "used_percent": 12, "window_minutes": 300, "reset_after_seconds": 9000, "reset_at": 1_767_234_600,
    });
    let limits =
        json!({"allowed": true, "limit_reached": false, "primary": window, "secondary": null});
    Ev::of(
        "codex.rate_limits",
        [("plan_type", "plus".into()), ("rate_limits", limits)],
    )
    .without("sequence_number")
}

/// `keepalive`, which the native service sends on long turns though no schema has it.
#[must_use]
pub fn keepalive() -> Ev {
    Ev::of("keepalive", [])
}

/// Any event: the fields of `value` behind the `type` and the sequence number.
#[must_use]
pub fn raw_json(kind: &str, value: Value) -> Ev {
    let mut ev = Ev::of(kind, []);
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            ev = ev.with(&name, value);
        }
    }
    ev
}

/// A block with this data, JSON or not (`not json`, `null`, a duplicate key), and no `event:` line.
#[must_use]
pub fn data(text: &str) -> Ev {
    Ev::of_data(text.to_owned())
}

/// `data: [DONE]`.
#[must_use]
pub fn done_sentinel() -> Ev {
    data("[DONE]")
}

/// A comment block: `: text`.
#[must_use]
pub fn comment(text: &str) -> Ev {
    Ev::of_comment(text.to_owned())
}

/// Bytes as they are: a BOM, half a block, invalid UTF-8.
#[must_use]
pub fn bytes(bytes: impl Into<Bytes>) -> Ev {
    Ev::of_bytes(bytes.into())
}

fn lifecycle(kind: &str, response: Value) -> Ev {
    Ev::of(kind, [("response", response)])
}

fn terminal(kind: &str, status: &str, items: impl IntoIterator<Item = Item>) -> Ev {
    let items: Vec<Item> = items.into_iter().collect();
    let output = items.iter().map(|item| item.value.clone()).collect();
    let mut ev = lifecycle(kind, response_object(status, output));
    for (index, item) in items.iter().enumerate() {
        for field in &item.pinned {
            ev.pin(&format!("response.output.{index}.{field}"));
        }
    }
    ev
}
