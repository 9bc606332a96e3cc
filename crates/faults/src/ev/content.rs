//! Builders of the events of an item: its added and done, its parts, its deltas.

use serde_json::{Value, json};

use super::{Ev, Family, Item};

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

/// An event of a hosted tool's item at output index 0, with these fields: `hosted("web_search_call.searching", "ws_1",
/// json!({}))`. The events of `shell_call_command` have no item id.
#[must_use]
pub fn hosted(name: &str, item_id: &str, fields: &Value) -> Ev {
    let id = (!name.starts_with("shell_call_command")).then(|| ("item_id", item_id.into()));
    let own = fields.as_object().into_iter().flatten();
    let own = own.map(|(name, value)| (name.as_str(), value.clone()));
    let place = id.into_iter().chain([("output_index", 0.into())]);
    Ev::of(&format!("response.{name}"), place.chain(own))
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
