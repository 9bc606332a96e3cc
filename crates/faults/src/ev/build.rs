//! The builders: one function for each event of the protocol that tests need.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Ev, Family, Item, response_object};

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

/// `response.output_item.added` with this item.
#[must_use]
pub fn item_added(item: Item) -> Ev {
    item_event("response.output_item.added", item)
}

/// `response.output_item.done` with this item.
#[must_use]
pub fn item_done(item: Item) -> Ev {
    item_event("response.output_item.done", item)
}

/// `response.output_item.added` for a message.
#[must_use]
pub fn message_added() -> Ev {
    item_added(Item::open_message())
}

/// `response.content_part.added` for a text part.
#[must_use]
pub fn part_added() -> Ev {
    part_event("response.content_part.added", "")
}

/// `response.output_text.delta`.
#[must_use]
pub fn text_delta(delta: &str) -> Ev {
    let fields = [
        ("content_index", 0.into()),
        ("delta", delta.into()),
        ("logprobs", json!([])),
    ];
    in_item("response.output_text.delta", Family::Message, fields)
}

/// `response.output_text.done` with the whole text of the part.
#[must_use]
pub fn text_done(text: &str) -> Ev {
    let fields = [
        ("content_index", 0.into()),
        ("text", text.into()),
        ("logprobs", json!([])),
    ];
    in_item("response.output_text.done", Family::Message, fields)
}

/// `response.output_text.annotation.added` with this annotation.
#[must_use]
pub fn annotation_added(annotation: Value) -> Ev {
    let fields = [
        ("content_index", 0.into()),
        ("annotation_index", 0.into()),
        ("annotation", annotation),
    ];
    in_item(
        "response.output_text.annotation.added",
        Family::Message,
        fields,
    )
}

/// `response.content_part.done` with the whole text of the part.
#[must_use]
pub fn part_done(text: &str) -> Ev {
    part_event("response.content_part.done", text)
}

/// `response.output_item.done` for a message with one text part.
#[must_use]
pub fn message_done(text: &str) -> Ev {
    item_done(Item::message(text))
}

/// `response.refusal.delta`.
#[must_use]
pub fn refusal_delta(delta: &str) -> Ev {
    let fields = [("content_index", 0.into()), ("delta", delta.into())];
    in_item("response.refusal.delta", Family::Message, fields)
}

/// `response.refusal.done`.
#[must_use]
pub fn refusal_done(refusal: &str) -> Ev {
    let fields = [("content_index", 0.into()), ("refusal", refusal.into())];
    in_item("response.refusal.done", Family::Message, fields)
}

/// `response.output_item.added` for a reasoning item.
#[must_use]
pub fn reasoning_added() -> Ev {
    item_added(Item::open_reasoning())
}

/// `response.reasoning_summary_part.added`.
#[must_use]
pub fn summary_part_added() -> Ev {
    summary_part_event("response.reasoning_summary_part.added", "")
}

/// `response.reasoning_summary_text.delta`.
#[must_use]
pub fn summary_delta(delta: &str) -> Ev {
    let fields = [("summary_index", 0.into()), ("delta", delta.into())];
    in_item(
        "response.reasoning_summary_text.delta",
        Family::Reasoning,
        fields,
    )
}

/// `response.reasoning_summary_text.done` with the whole text of the part.
#[must_use]
pub fn summary_done(text: &str) -> Ev {
    let fields = [("summary_index", 0.into()), ("text", text.into())];
    in_item(
        "response.reasoning_summary_text.done",
        Family::Reasoning,
        fields,
    )
}

/// `response.reasoning_summary_part.done` with the whole text of the part.
#[must_use]
pub fn summary_part_done(text: &str) -> Ev {
    summary_part_event("response.reasoning_summary_part.done", text)
}

/// `response.output_item.done` for a reasoning item with one summary part.
#[must_use]
pub fn reasoning_done(summary: &str) -> Ev {
    item_done(Item::reasoning(summary))
}

/// `response.content_part.added` for raw reasoning text.
#[must_use]
pub fn reasoning_part_added() -> Ev {
    reasoning_part_event("response.content_part.added", "")
}

/// `response.reasoning_text.delta`: raw reasoning, not a summary.
#[must_use]
pub fn reasoning_text_delta(delta: &str) -> Ev {
    let fields = [("content_index", 0.into()), ("delta", delta.into())];
    in_item("response.reasoning_text.delta", Family::Reasoning, fields)
}

/// `response.reasoning_text.done`.
#[must_use]
pub fn reasoning_text_done(text: &str) -> Ev {
    let fields = [("content_index", 0.into()), ("text", text.into())];
    in_item("response.reasoning_text.done", Family::Reasoning, fields)
}

/// `response.content_part.done` for raw reasoning text.
#[must_use]
pub fn reasoning_part_done(text: &str) -> Ev {
    reasoning_part_event("response.content_part.done", text)
}

/// `response.output_item.added` for a function call.
#[must_use]
pub fn call_added(name: &str) -> Ev {
    item_added(Item::open_call(name))
}

/// `response.function_call_arguments.delta`.
#[must_use]
pub fn arguments_delta(delta: &str) -> Ev {
    in_item(
        "response.function_call_arguments.delta",
        Family::Call,
        [("delta", delta.into())],
    )
}

/// `response.function_call_arguments.done` with the whole arguments.
#[must_use]
pub fn arguments_done(arguments: &str) -> Ev {
    in_item(
        "response.function_call_arguments.done",
        Family::Call,
        [("arguments", arguments.into())],
    )
}

/// `response.output_item.done` for a function call.
#[must_use]
pub fn call_done(name: &str, arguments: &str) -> Ev {
    item_done(Item::call(name, arguments))
}

/// `response.output_item.added` for a custom tool call.
#[must_use]
pub fn custom_call_added(name: &str) -> Ev {
    item_added(Item::custom_call(name, "")).with("item.status", "in_progress")
}

/// `response.custom_tool_call_input.delta`.
#[must_use]
pub fn custom_input_delta(delta: &str) -> Ev {
    in_item(
        "response.custom_tool_call_input.delta",
        Family::CustomCall,
        [("delta", delta.into())],
    )
}

/// `response.custom_tool_call_input.done` with the whole input.
#[must_use]
pub fn custom_input_done(input: &str) -> Ev {
    in_item(
        "response.custom_tool_call_input.done",
        Family::CustomCall,
        [("input", input.into())],
    )
}

/// `response.output_item.done` for a custom tool call.
#[must_use]
pub fn custom_call_done(name: &str, input: &str) -> Ev {
    item_done(Item::custom_call(name, input))
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

fn item_event(kind: &str, item: Item) -> Ev {
    let family = Family::of_item(&item.value);
    let mut ev = Ev::of(kind, [("output_index", 0.into()), ("item", item.value)]);
    for field in &item.pinned {
        ev.pin(&format!("item.{field}"));
    }
    ev.family = family;
    ev
}

fn in_item<const N: usize>(kind: &str, family: Family, fields: [(&str, Value); N]) -> Ev {
    let place = [
        ("item_id", family.item_id(1, 0).into()),
        ("output_index", 0.into()),
    ];
    Ev::of(kind, place.into_iter().chain(fields)).family(family)
}

fn part_event(kind: &str, text: &str) -> Ev {
    let part = json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
    in_item(
        kind,
        Family::Message,
        [("content_index", 0.into()), ("part", part)],
    )
}

fn reasoning_part_event(kind: &str, text: &str) -> Ev {
    let part = json!({"type": "reasoning_text", "text": text});
    in_item(
        kind,
        Family::Reasoning,
        [("content_index", 0.into()), ("part", part)],
    )
}

fn summary_part_event(kind: &str, text: &str) -> Ev {
    let part = json!({"type": "summary_text", "text": text});
    in_item(
        kind,
        Family::Reasoning,
        [("summary_index", 0.into()), ("part", part)],
    )
}
