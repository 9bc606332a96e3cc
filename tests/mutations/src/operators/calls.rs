//! Function calls and custom tool calls.

use serde_json::{Value, json};

use super::identity::{added_of, each_item};
use super::{
    ADDED, ARGUMENTS, ARGUMENTS_DONE, DONE, Ends, Operator, breaks, one_of, remove, replace,
};
use crate::said::Content;
use crate::wire::{Piece, Wire};

const INPUT: &str = "response.custom_tool_call_input.delta";
const INPUT_DONE: &str = "response.custom_tool_call_input.done";

pub(super) const OPERATORS: &[Operator] = &[
    breaks(
        "done-text-mismatch",
        "arguments come only when they are done",
        |wire, _| {
            wire.without(ARGUMENTS);
            wire.without(INPUT);
        },
    ),
    breaks(
        "done-text-mismatch",
        "arguments come only with the item",
        |wire, _| {
            for kind in [ARGUMENTS, ARGUMENTS_DONE, INPUT, INPUT_DONE] {
                wire.without(kind);
            }
        },
    ),
    breaks(
        "item-not-added",
        "calls come only when they are done",
        |wire, _| {
            for kind in [ARGUMENTS, ARGUMENTS_DONE, INPUT, INPUT_DONE] {
                wire.without(kind);
            }
            for item_type in ["function_call", "custom_tool_call"] {
                for at in added_of(wire, item_type).into_iter().rev() {
                    wire.pieces.remove(at);
                }
            }
        },
    ),
    breaks(
        "prefilled-added",
        "arguments stand in the added item, and come again",
        |wire, _| {
            prefill(wire);
        },
    ),
    breaks(
        "prefilled-added",
        "arguments stand in the added item, and come no more",
        |wire, _| {
            prefill(wire);
            wire.without(ARGUMENTS);
            wire.without(INPUT);
        },
    ),
    breaks(
        "done-text-mismatch",
        "done calls have no arguments",
        |wire, _| {
            wire.each_of(&[DONE], |data| {
                replace(&mut data["item"], "arguments", "");
                replace(&mut data["item"], "input", "");
            });
            wire.each_of(&[ARGUMENTS_DONE], |data| data["arguments"] = json!(""));
            wire.each_of(&[INPUT_DONE], |data| data["input"] = json!(""));
        },
    ),
    breaks(
        "item-fields-missing",
        "done arguments are an object",
        |wire, _| {
            wire.each(|data| {
                let is_done = data["type"] == DONE || data.get("response").is_some();
                if is_done {
                    each_item(data, as_object);
                }
            });
        },
    ),
    breaks(
        "done-text-mismatch",
        "arguments come as an object",
        |wire, _| {
            for at in wire.places(ARGUMENTS_DONE) {
                let data = wire.data(at);
                as_object(data);
            }
        },
    ),
    breaks(
        "item-fields-missing",
        "a call has its name only when it is done",
        |wire, _| {
            wire.each_of(&[ADDED], |data| remove(&mut data["item"], "name"));
        },
    ),
    breaks(
        "item-fields-missing",
        "a call has its call_id only when it is done",
        |wire, _| {
            wire.each_of(&[ADDED], |data| remove(&mut data["item"], "call_id"));
        },
    ),
    breaks("item-fields-missing", "no call has a call_id", |wire, _| {
        wire.each(|data| each_item(data, |item| remove(item, "call_id")));
    })
    .loses(&[Content::CallIds]),
    breaks(
        "call-id-duplicate",
        "all calls have one call_id",
        |wire, _| {
            wire.each(|data| each_item(data, |item| replace(item, "call_id", "call_same")));
        },
    )
    .loses(&[Content::CallIds])
    .ends(Ends::SameOrFailed),
    breaks(
        "done-text-mismatch",
        "argument deltas hold other bytes than the done event",
        |wire, _| {
            wire.each_of(&[ARGUMENTS], |data| data["delta"] = json!("q7Zx"));
        },
    )
    .ends(Ends::SameOrFailed),
    breaks(
        "done-text-mismatch",
        "the last argument delta is missing",
        |wire, dice| {
            let last: Vec<usize> = wire
                .places(ARGUMENTS_DONE)
                .into_iter()
                .filter(|at| *at > 0 && wire.pieces[at - 1].kind() == ARGUMENTS)
                .collect();
            if let Some(at) = one_of(&last, dice) {
                wire.pieces.remove(at - 1);
            }
        },
    ),
];

fn as_object(item: &mut Value) {
    let read = item["arguments"]
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(object) = read {
        item["arguments"] = object;
    }
}

fn prefill(wire: &mut Wire) {
    let done: Vec<Value> = wire
        .pieces
        .iter()
        .filter(|piece| piece.kind() == DONE)
        .filter_map(Piece::data)
        .cloned()
        .collect();
    wire.each_of(&[ADDED], |data| {
        for field in ["arguments", "input"] {
            let whole = done
                .iter()
                .find(|done| done["output_index"] == data["output_index"]);
            if let Some(whole) = whole {
                let payload = whole["item"][field].clone();
                replace(&mut data["item"], field, payload);
            }
        }
    });
}
