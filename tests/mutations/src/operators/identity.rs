//! Indices, ids and numbers.

use serde_json::{Value, json};

use super::{
    ADDED, ARGUMENTS, DONE, Ends, Operator, PART, PART_DONE, TERMINALS, TEXT, TEXT_DONE, breaks,
    remove, replace,
};
use crate::wire::Wire;

pub(super) const OPERATORS: &[Operator] = &[
    breaks("sequence-missing", "no sequence numbers", |wire, _| {
        wire.each(|data| remove(data, "sequence_number"));
    }),
    breaks(
        "sequence-missing",
        "sequence numbers are strings",
        |wire, _| {
            wire.each(|data| {
                let number = data["sequence_number"].to_string();
                replace(data, "sequence_number", number);
            });
        },
    ),
    breaks(
        "sequence-not-increasing",
        "every sequence number is 0",
        |wire, _| {
            wire.each(|data| replace(data, "sequence_number", 0));
        },
    ),
    breaks(
        "sequence-not-increasing",
        "sequence numbers count down",
        |wire, _| {
            let mut number = 1000;
            wire.each(|data| {
                number -= 1;
                replace(data, "sequence_number", number);
            });
        },
    ),
    breaks("output-index-missing", "no output indices", |wire, _| {
        wire.each(|data| remove(data, "output_index"));
    }),
    breaks(
        "output-index-missing",
        "output indices are null",
        |wire, _| {
            wire.each(|data| replace(data, "output_index", Value::Null));
        },
    ),
    breaks(
        "output-index-missing",
        "only items have output indices",
        |wire, _| {
            wire.each(|data| {
                if data["item"].is_null() {
                    remove(data, "output_index");
                }
            });
        },
    ),
    breaks(
        "output-index-duplicate",
        "every output index is 0",
        |wire, _| {
            wire.each(|data| replace(data, "output_index", 0));
        },
    ),
    breaks(
        "output-index-gap",
        "output indices begin at 1",
        |wire, _| shift(wire, 0, 1),
    ),
    breaks(
        "output-index-gap",
        "output indices leave one out",
        |wire, _| shift(wire, 1, 2),
    ),
    breaks(
        "output-index-changed",
        "deltas carry another output index",
        |wire, _| {
            wire.each_of(&[TEXT, ARGUMENTS], |data| {
                let index = data["output_index"].as_u64().unwrap_or_default();
                replace(data, "output_index", index + 7);
            });
        },
    ),
    breaks(
        "output-index-changed",
        "done items carry another output index",
        |wire, _| {
            wire.each_of(&[DONE], |data| {
                let index = data["output_index"].as_u64().unwrap_or_default();
                replace(data, "output_index", index + 9);
            });
        },
    ),
    breaks("item-id-missing", "no item_id", |wire, _| {
        wire.each(|data| remove(data, "item_id"))
    }),
    breaks("item-id-missing", "no ids of items at all", |wire, _| {
        wire.each(|data| {
            remove(data, "item_id");
            each_item(data, |item| remove(item, "id"));
        });
    }),
    breaks("item-id-missing", "ids of items are empty", |wire, _| {
        wire.each(|data| {
            replace(data, "item_id", "");
            each_item(data, |item| replace(item, "id", ""));
        });
    }),
    breaks(
        "item-id-changed",
        "an item has another id on every event",
        |wire, _| {
            let mut turn = 0;
            wire.each(|data| {
                turn += 1;
                replace(data, "item_id", format!("rotated_{turn}"));
                if let Some(item) = data.get_mut("item") {
                    replace(item, "id", format!("rotated_{turn}"));
                }
            });
        },
    ),
    breaks("item-id-changed", "done items have other ids", |wire, _| {
        wire.each_of(&[DONE], |data| {
            let id = format!("{}_done", data["item"]["id"].as_str().unwrap_or_default());
            replace(&mut data["item"], "id", id);
        });
    }),
    breaks("item-id-duplicate", "all items have one id", |wire, _| {
        wire.each(|data| {
            replace(data, "item_id", "item_same");
            each_item(data, |item| replace(item, "id", "item_same"));
        });
    }),
    breaks("content-index-missing", "no content indices", |wire, _| {
        wire.each_of(&[PART, TEXT, TEXT_DONE, PART_DONE], |data| {
            remove(data, "content_index")
        });
    }),
    breaks(
        "content-index-missing",
        "content indices begin at 1",
        |wire, _| {
            wire.each_of(&[PART, TEXT, TEXT_DONE, PART_DONE], |data| {
                let index = data["content_index"].as_u64().unwrap_or_default();
                replace(data, "content_index", index + 1);
            });
        },
    ),
    breaks(
        "item-fields-missing",
        "a done item is of another type",
        |wire, dice| {
            super::change_one(wire, dice, &[DONE], |data| {
                let item = &mut data["item"];
                let other = if item["type"] == "message" {
                    "reasoning"
                } else {
                    "message"
                };
                replace(item, "type", other);
            });
        },
    )
    .ends(Ends::SameOrFailed),
    breaks(
        "call-identity-changed",
        "a done call has another call_id",
        |wire, _| {
            wire.each_of(&[DONE], |data| {
                replace(&mut data["item"], "call_id", "call_other")
            });
        },
    )
    .ends(Ends::SameOrFailed),
];

/// Every item that an event carries.
pub(super) fn each_item(data: &mut Value, mut change: impl FnMut(&mut Value)) {
    if let Some(item) = data.get_mut("item") {
        change(item);
    }
    let output = data.pointer_mut("/response/output");
    output
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .for_each(change);
}

/// Adds to every output index from `from` on.
fn shift(wire: &mut Wire, from: u64, by: u64) {
    wire.each(|data| {
        if let Some(index) = data["output_index"].as_u64().filter(|index| *index >= from) {
            data["output_index"] = json!(index.saturating_add(by));
        }
    });
}

/// Whether the event is a terminal one.
pub(super) fn is_terminal(data: &Value) -> bool {
    data["type"]
        .as_str()
        .is_some_and(|kind| TERMINALS.contains(&kind) || kind == "response.done")
}

/// The place of an item's first event, and the events of the same output index.
pub(super) fn added_of(wire: &Wire, item_type: &str) -> Vec<usize> {
    wire.places_that(|piece| {
        piece.kind() == ADDED
            && piece
                .data()
                .is_some_and(|data| data["item"]["type"] == item_type)
    })
}
