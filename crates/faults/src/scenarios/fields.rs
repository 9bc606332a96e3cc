//! Fields that are missing, null or of another type: DEVIATIONS 1.6, 3.3 to 3.6, 3.12, 11.

use serde_json::{Value, json};

use super::Turn;
use super::items::items_in;
use crate::ev::Ev;
use crate::script::Script;
use crate::stream::Stream;

const ADDED: &str = "response.output_item.added";
const TEXT_DELTA: &str = "response.output_text.delta";

pub(super) fn created_response_null(turn: &Turn) -> Script {
    null_in(turn.reasoning(), "response.created", "response")
}

pub(super) fn in_progress_response_null(turn: &Turn) -> Script {
    null_in(turn.reasoning(), "response.in_progress", "response")
}

/// A number with a fraction first, a string at the end.
pub(super) fn created_at_float_string(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| match ev.kind() {
        "response.created" => ev.with("response.created_at", 1_767_225_600.25),
        "response.completed" => ev.with("response.created_at", "1767225600"),
        _ => ev,
    }))
}

/// The type is in the `event:` line only.
pub(super) fn no_type_in_data(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| {
        let kind = ev.kind().to_owned();
        ev.event_name(Some(&kind)).without("type")
    }))
}

/// 3.12.
pub(super) fn delta_object(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map_type(TEXT_DELTA, |ev| {
        let text = ev.get("delta").cloned().unwrap_or_default();
        ev.with("delta", json!({"type": "output_text", "text": text}))
    }))
}

/// The text is in its done events only.
pub(super) fn delta_null(turn: &Turn) -> Script {
    null_in(turn.reasoning(), TEXT_DELTA, "delta")
}

pub(super) fn item_null(turn: &Turn) -> Script {
    null_in(turn.reasoning(), ADDED, "item")
}

pub(super) fn part_null(turn: &Turn) -> Script {
    null_in(turn.reasoning(), "response.content_part.added", "part")
}

pub(super) fn item_content_missing(turn: &Turn) -> Script {
    Script::stream(&of_messages(turn.reasoning(), |ev| {
        ev.without("item.content")
    }))
}

pub(super) fn item_content_null(turn: &Turn) -> Script {
    Script::stream(&of_messages(turn.reasoning(), |ev| {
        ev.with("item.content", Value::Null)
    }))
}

pub(super) fn item_summary_missing(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map_type(ADDED, |ev| {
        let reasons = ev.get("item.summary").is_some();
        if reasons {
            ev.without("item.summary")
        } else {
            ev
        }
    }))
}

/// In every event that holds the item.
pub(super) fn item_summary_null_all(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| {
        items_in(&ev).into_iter().fold(ev, |ev, item| {
            let place = format!("{item}.summary");
            if ev.get(&place).is_some() {
                ev.with(&place, Value::Null)
            } else {
                ev
            }
        })
    }))
}

pub(super) fn annotations_null(turn: &Turn) -> Script {
    Script::stream(&of_parts(turn.reasoning(), |ev, part| {
        ev.with(&format!("{part}.annotations"), Value::Null)
    }))
}

pub(super) fn no_annotations(turn: &Turn) -> Script {
    Script::stream(&of_parts(turn.reasoning(), |ev, part| {
        ev.without(&format!("{part}.annotations"))
    }))
}

pub(super) fn no_logprobs(turn: &Turn) -> Script {
    let bare = of_parts(turn.reasoning(), |ev, part| {
        ev.without(&format!("{part}.logprobs"))
    });
    Script::stream(&bare.map(|ev| ev.without("logprobs")))
}

fn null_in(stream: Stream, kind: &str, field: &str) -> Script {
    Script::stream(&stream.map_type(kind, |ev| ev.with(field, Value::Null)))
}

/// Changes the events that open a message.
fn of_messages(stream: Stream, change: impl Fn(Ev) -> Ev) -> Stream {
    stream.map_type(ADDED, |ev| {
        let message = ev.get("item.type").is_some_and(|kind| kind == "message");
        if message { change(ev) } else { ev }
    })
}

/// Changes each text part, wherever an event holds it.
fn of_parts(stream: Stream, change: impl Fn(Ev, &str) -> Ev) -> Stream {
    stream.map(|ev| {
        let in_items = items_in(&ev)
            .into_iter()
            .map(|item| format!("{item}.content.0"));
        let places: Vec<String> = in_items
            .chain(["part".to_owned()])
            .filter(|place| {
                ev.get(&format!("{place}.type"))
                    .is_some_and(|kind| kind == "output_text")
            })
            .collect();
        places.iter().fold(ev, |ev, place| change(ev, place))
    })
}
