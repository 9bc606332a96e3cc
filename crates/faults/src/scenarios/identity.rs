//! Ids, indices, numbers, and the events that open and close items: DEVIATIONS groups 2 and 3.

use serde_json::json;

use super::Turn;
use crate::ev::{self, Ev};
use crate::script::Script;
use crate::stream::Stream;

/// 1.9.
pub(super) fn response_id_changes(turn: &Turn) -> Script {
    let other = format!("resp_other{}", turn.number + 1);
    Script::stream(&turn.text().map_type("response.completed", |ev| {
        ev.with("response.id", other.as_str())
    }))
}

pub(super) fn response_ids_missing(turn: &Turn) -> Script {
    Script::stream(&turn.text().map(|ev| ev.without("response.id")))
}

pub(super) fn ids_missing(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().map(|ev| {
        let items = items_in_output(&ev);
        let ev = ev.without("item_id").without("item.id");
        (0..items).fold(ev, |ev, item| {
            ev.without(&format!("response.output.{item}.id"))
        })
    }))
}

/// 2.1, as GitHub Copilot sends it.
pub(super) fn rotating_ids(turn: &Turn) -> Script {
    let mut count = 0;
    Script::stream(&turn.reasoning().map(|mut ev| {
        let items = items_in_output(&ev);
        let places = ["item_id".to_owned(), "item.id".to_owned()].into_iter();
        for place in places.chain((0..items).map(|item| format!("response.output.{item}.id"))) {
            if ev.get(&place).is_some() {
                count += 1;
                ev = ev.with(&place, format!("rotated{}_{count}", turn.number + 1));
            }
        }
        ev
    }))
}

/// 2.3, 2.7, 2.8.
pub(super) fn index_missing(turn: &Turn) -> Script {
    let bare = |ev: Ev| {
        ev.without("output_index")
            .without("content_index")
            .without("summary_index")
    };
    Script::stream(&turn.reasoning().map(bare))
}

/// 2.4: a chat bridge's index.
pub(super) fn index_collision(turn: &Turn) -> Script {
    let zero = |ev: Ev| {
        if ev.get("output_index").is_some() {
            ev.index(0)
        } else {
            ev
        }
    };
    Script::stream(&turn.reasoning().map(zero))
}

/// 2.2.
pub(super) fn sequence_missing(turn: &Turn) -> Script {
    Script::stream(&turn.text().map(|ev| ev.without("sequence_number")))
}

/// 3.1.
pub(super) fn no_items(turn: &Turn) -> Script {
    Script::stream(&turn.text().drop_type("response.output_item.added"))
}

/// 3.7.
pub(super) fn no_parts(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .text()
            .retain(|ev| !ev.kind().starts_with("response.content_part.")),
    )
}

/// 3.8.
pub(super) fn no_dones(turn: &Turn) -> Script {
    Script::stream(&without_dones(turn.reasoning()))
}

/// 3.8 and 4.3: the answer is in the deltas, and nowhere else.
pub(super) fn no_dones_output_empty(turn: &Turn) -> Script {
    let stream = turn
        .stream()
        .prelude()
        .message(turn.words.text())
        .complete();
    Script::stream(&without_dones(stream).map_type("response.completed", |ev| {
        ev.with("response.output", json!([]))
    }))
}

fn without_dones(stream: Stream) -> Stream {
    stream.retain(|ev| !ev.kind().ends_with(".done"))
}

fn items_in_output(ev: &ev::Ev) -> usize {
    ev.get("response.output")
        .and_then(|output| output.as_array())
        .map_or(0, Vec::len)
}
