//! The terminal event: DEVIATIONS group 4.

use serde_json::{Value, json};

use super::Turn;
use crate::ev::{self, Item};
use crate::script::Script;

const COMPLETED: &str = "response.completed";

/// 4.2.
pub(super) fn output_null(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .reasoning()
            .map_type(COMPLETED, |ev| ev.with("response.output", Value::Null)),
    )
}

/// 4.2.
pub(super) fn output_missing(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .reasoning()
            .map_type(COMPLETED, |ev| ev.without("response.output")),
    )
}

/// 4.3.
pub(super) fn output_empty(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .reasoning()
            .map_type(COMPLETED, |ev| ev.with("response.output", json!([]))),
    )
}

/// 4.7.
pub(super) fn response_done(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .text()
            .drop_type(COMPLETED)
            .push(ev::response_done("completed")),
    )
}

/// 4.5: the item is closed as incomplete, too.
pub(super) fn incomplete(turn: &Turn) -> Script {
    let text: String = turn.words.text().take(2).collect();
    let text = text.as_str();
    let stream = turn
        .half()
        .push(ev::text_done(text))
        .push(ev::part_done(text))
        .push(ev::item_done(
            Item::message(text).with("status", "incomplete"),
        ))
        .push(ev::incomplete("max_output_tokens"));
    Script::stream(&stream)
}

pub(super) fn completed_response_missing(turn: &Turn) -> Script {
    at_the_end(turn, |ev| ev.without("response"))
}

pub(super) fn completed_response_null(turn: &Turn) -> Script {
    at_the_end(turn, |ev| ev.with("response", Value::Null))
}

pub(super) fn completed_id_status_only(turn: &Turn) -> Script {
    at_the_end(turn, |ev| {
        let id = ev.get("response.id").cloned().unwrap_or_default();
        ev.with("response", json!({"id": id, "status": "completed"}))
    })
}

pub(super) fn completed_minimal(turn: &Turn) -> Script {
    at_the_end(turn, |ev| {
        let id = ev.get("response.id").cloned().unwrap_or_default();
        ev.with("response", json!({"id": id}))
    })
}

/// 4.11.
pub(super) fn completed_no_id(turn: &Turn) -> Script {
    at_the_end(turn, |ev| ev.without("response.id"))
}

pub(super) fn completed_content_null(turn: &Turn) -> Script {
    at_the_end(turn, |ev| {
        super::items::items_in(&ev)
            .into_iter()
            .fold(ev, |ev, item| {
                let place = format!("{item}.content");
                if ev.get(&place).is_some() {
                    ev.with(&place, Value::Null)
                } else {
                    ev
                }
            })
    })
}

/// 10.1.
pub(super) fn usage_chat_names(turn: &Turn) -> Script {
    at_the_end(turn, |ev| {
        ev.with(
            "response.usage",
            json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}),
        )
    })
}

pub(super) fn usage_null(turn: &Turn) -> Script {
    at_the_end(turn, |ev| ev.with("response.usage", Value::Null))
}

pub(super) fn usage_missing(turn: &Turn) -> Script {
    at_the_end(turn, |ev| ev.without("response.usage"))
}

pub(super) fn usage_no_details(turn: &Turn) -> Script {
    at_the_end(turn, |ev| {
        ev.without("response.usage.input_tokens_details")
            .without("response.usage.output_tokens_details")
    })
}

pub(super) fn usage_details_null(turn: &Turn) -> Script {
    at_the_end(turn, |ev| {
        ev.with("response.usage.input_tokens_details", Value::Null)
            .with("response.usage.output_tokens_details", Value::Null)
    })
}

/// What a proxy echoes: 8 MB of instructions in the terminal.
pub(super) fn huge_completed(turn: &Turn) -> Script {
    at_the_end(turn, |ev| {
        ev.with("response.instructions", "x".repeat(8_000_000))
    })
}

/// 4.14: everything is there but the terminal.
pub(super) fn done_instead_terminal(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .reasoning()
            .drop_type(COMPLETED)
            .push(ev::done_sentinel()),
    )
}

pub(super) fn hold_after_done_sentinel(turn: &Turn) -> Script {
    Script::stream(&turn.text().push(ev::done_sentinel())).hold_open()
}

pub(super) fn completed_twice(turn: &Turn) -> Script {
    let stream = turn.everything();
    let again = stream.evs().pop().into_iter();
    Script::stream(&again.fold(stream, |stream, ev| stream.insert(usize::MAX, ev)))
}

/// What belongs before the terminal once more behind it.
pub(super) fn events_after_terminal(turn: &Turn) -> Script {
    let stream = turn.reasoning();
    let late = stream
        .evs()
        .into_iter()
        .filter(|ev| ["response.in_progress", "response.output_text.delta"].contains(&ev.kind()));
    let late: Vec<_> = late.take(2).collect();
    Script::stream(
        &late
            .into_iter()
            .fold(stream, |stream, ev| stream.insert(usize::MAX, ev)),
    )
}

fn at_the_end(turn: &Turn, change: impl FnMut(ev::Ev) -> ev::Ev) -> Script {
    Script::stream(&turn.everything().map_type(COMPLETED, change))
}

/// 4.4.
pub(super) fn hold_after_terminal(turn: &Turn) -> Script {
    Script::stream(&turn.text()).hold_open()
}
