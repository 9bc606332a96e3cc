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
    let text = "Hello from";
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

/// 4.4.
pub(super) fn hold_after_terminal(turn: &Turn) -> Script {
    Script::stream(&turn.text()).hold_open()
}
