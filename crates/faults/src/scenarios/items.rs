//! Events that open, close and place items, missing or too many: DEVIATIONS groups 2 and 3, and what CLIENTS.md measured.

use serde_json::{Value, json};

use super::Turn;
use crate::ev::{self, Ev};
use crate::script::Script;
use crate::stream::Stream;

pub(super) fn no_in_progress(turn: &Turn) -> Script {
    without(turn, "response.in_progress")
}

pub(super) fn created_twice(turn: &Turn) -> Script {
    let stream = turn
        .stream()
        .push(ev::created())
        .push(ev::created())
        .push(ev::in_progress());
    Script::stream(&stream.message(turn.words.text()).complete())
}

/// 3.10: before everything else.
pub(super) fn extra_first_event(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().insert(0, ev::keepalive()))
}

/// 3.10: within the text.
pub(super) fn unknown_mid(turn: &Turn) -> Script {
    let stream = turn.reasoning();
    let first = stream
        .position("response.output_text.delta")
        .unwrap_or_default();
    let vendor = ev::raw_json("relay.progress", json!({"percent": 40}));
    Script::stream(&stream.insert(first + 1, vendor))
}

pub(super) fn items_done_only(turn: &Turn) -> Script {
    let kept = [
        "response.created",
        "response.in_progress",
        "response.output_item.done",
        "response.completed",
    ];
    Script::stream(&turn.everything().retain(|ev| kept.contains(&ev.kind())))
}

/// The prelude, and everything else in the terminal.
pub(super) fn completed_only(turn: &Turn) -> Script {
    let kept = [
        "response.created",
        "response.in_progress",
        "response.completed",
    ];
    Script::stream(&turn.everything().retain(|ev| kept.contains(&ev.kind())))
}

/// [`deltas_only`](super::prelude::deltas_only) with a terminal that holds the answer.
pub(super) fn deltas_only_full_completed(turn: &Turn) -> Script {
    let lost = |ev: &Ev| ev.is_delta() || ev.kind() == "response.completed";
    Script::stream(&turn.plain_text().retain(lost))
}

pub(super) fn no_content_part_added(turn: &Turn) -> Script {
    without(turn, "response.content_part.added")
}

pub(super) fn no_content_part_done(turn: &Turn) -> Script {
    without(turn, "response.content_part.done")
}

pub(super) fn no_summary_part_added(turn: &Turn) -> Script {
    without(turn, "response.reasoning_summary_part.added")
}

pub(super) fn no_text_done(turn: &Turn) -> Script {
    without(turn, "response.output_text.done")
}

pub(super) fn no_item_done(turn: &Turn) -> Script {
    Script::stream(&turn.everything().drop_type("response.output_item.done"))
}

/// 2.3.
pub(super) fn output_index_missing(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| ev.without("output_index")))
}

pub(super) fn output_index_null(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| null(ev, "output_index")))
}

/// The second item is the third.
pub(super) fn output_index_gap(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| {
        let second = ev.get("output_index").is_some_and(|index| index == 1);
        if second { ev.index(2) } else { ev }
    }))
}

/// 2.8.
pub(super) fn content_index_missing(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| ev.without("content_index")))
}

/// The items have ids, their events do not name them.
pub(super) fn item_id_missing(turn: &Turn) -> Script {
    Script::stream(&turn.everything().map(|ev| ev.without("item_id")))
}

/// Every id of an item, and of a call, is the empty string.
pub(super) fn ids_empty(turn: &Turn) -> Script {
    Script::stream(&turn.everything().map(|ev| {
        let items = items_in(&ev).into_iter();
        let places = items.flat_map(|item| [format!("{item}.id"), format!("{item}.call_id")]);
        places.chain(["item_id".to_owned()]).fold(ev, |ev, place| {
            if ev.get(&place).is_some() {
                ev.with(&place, "")
            } else {
                ev
            }
        })
    }))
}

pub(super) fn seq_null(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| null(ev, "sequence_number")))
}

/// 2.10: neighbours have changed places.
pub(super) fn seq_disorder(turn: &Turn) -> Script {
    let numbered = turn.reasoning().evs().into_iter().map(|ev| {
        let number = ev.get("sequence_number").and_then(Value::as_u64);
        match number {
            Some(number) => ev.sequence(number ^ 1),
            None => ev,
        }
    });
    let stream = numbered
        .enumerate()
        .fold(Stream::new(), |stream, (at, ev)| stream.insert(at, ev));
    Script::stream(&stream)
}

/// The places at which an event holds whole items: `item`, `response.output.0` …
pub(super) fn items_in(ev: &Ev) -> Vec<String> {
    let output = ev.get("response.output").and_then(Value::as_array);
    let count = output.map_or(0, Vec::len);
    let single = ev.get("item").map(|_| "item".to_owned());
    single
        .into_iter()
        .chain((0..count).map(|place| format!("response.output.{place}")))
        .collect()
}

fn without(turn: &Turn, kind: &str) -> Script {
    Script::stream(&turn.reasoning().drop_type(kind))
}

fn null(ev: Ev, field: &str) -> Ev {
    if ev.get(field).is_some() {
        ev.with(field, Value::Null)
    } else {
        ev
    }
}
