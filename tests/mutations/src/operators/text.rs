//! Text and reasoning: deltas, their sums, and where else they stand.

use serde_json::{Value, json};

use super::{
    ADDED, DONE, Operator, PART, PART_DONE, SUMMARY, SUMMARY_DONE, SUMMARY_PART, SUMMARY_PART_DONE,
    TEXT, TEXT_DONE, breaks, legal, one_of, replace,
};
use crate::said::Content;
use crate::wire::{Piece, Wire};

const DELTAS: &[&str] = &[
    TEXT,
    SUMMARY,
    "response.reasoning_text.delta",
    "response.refusal.delta",
];

pub(super) const OPERATORS: &[Operator] = &[
    breaks(
        "delta-not-string",
        "deltas are objects with a text",
        |wire, _| {
            wire.each_of(&[TEXT], |data| {
                data["delta"] = json!({"text": data["delta"]})
            });
        },
    ),
    breaks(
        "delta-not-string",
        "an extra delta is null",
        |wire, dice| {
            if let Some(at) = one_of(&wire.places(TEXT), dice) {
                let mut again = wire.pieces[at].clone();
                if let Some(data) = again.data_mut() {
                    data["delta"] = Value::Null;
                }
                wire.pieces.insert(at, again);
            }
        },
    ),
    legal("empty deltas", |wire, dice| {
        if let Some(at) = one_of(&wire.places(TEXT), dice) {
            let mut again = wire.pieces[at].clone();
            if let Some(data) = again.data_mut() {
                data["delta"] = json!("");
            }
            wire.pieces.insert(at, again);
        }
        wire.number();
    }),
    breaks(
        "done-text-mismatch",
        "the last delta of a text is missing",
        |wire, _| {
            if let Some(at) = wire.places(TEXT_DONE).first().copied()
                && at > 0
                && wire.pieces[at - 1].kind() == TEXT
            {
                wire.pieces.remove(at - 1);
            }
        },
    ),
    breaks(
        "done-text-mismatch",
        "text comes only when it is done",
        |wire, _| {
            wire.pieces.retain(|piece| !DELTAS.contains(&piece.kind()));
        },
    ),
    breaks(
        "part-done-missing",
        "text comes only with its item",
        |wire, _| {
            let gone = [
                TEXT,
                TEXT_DONE,
                PART,
                PART_DONE,
                SUMMARY,
                SUMMARY_DONE,
                SUMMARY_PART,
                SUMMARY_PART_DONE,
            ];
            wire.pieces.retain(|piece| !gone.contains(&piece.kind()));
        },
    ),
    breaks(
        "done-text-mismatch",
        "done events say nothing",
        |wire, _| {
            wire.each_of(&[TEXT_DONE, SUMMARY_DONE], |data| data["text"] = json!(""));
            wire.each_of(&[PART_DONE, SUMMARY_PART_DONE], |data| {
                replace(&mut data["part"], "text", "")
            });
        },
    ),
    breaks(
        "done-text-mismatch",
        "a done text is another one",
        |wire, _| {
            wire.each_of(&[TEXT_DONE], |data| data["text"] = json!("other words"));
        },
    )
    .loses(&[Content::Text]),
    breaks(
        "done-text-mismatch",
        "the first delta of a text is missing",
        |wire, _| {
            if let Some(at) = wire.places(TEXT).first().copied() {
                wire.pieces.remove(at);
            }
        },
    )
    .loses(&[Content::Text]),
    breaks(
        "done-text-mismatch",
        "deltas repeat what was said before",
        |wire, _| cumulative(wire),
    )
    .loses(&[Content::Text]),
    breaks(
        "prefilled-added",
        "items are added with their text, and it comes again",
        |wire, _| {
            prefill(wire);
        },
    ),
    breaks(
        "prefilled-added",
        "items are added with their text, and it comes no more",
        |wire, _| {
            prefill(wire);
            wire.pieces.retain(|piece| !DELTAS.contains(&piece.kind()));
        },
    ),
    breaks(
        "prefilled-added",
        "a part is added with the first words, and they come no more",
        |wire, _| {
            let (Some(part), Some(delta)) = (
                wire.places(PART).first().copied(),
                wire.places(TEXT).first().copied(),
            ) else {
                return;
            };
            if part + 1 == delta {
                let words = wire.data(delta)["delta"].clone();
                replace(&mut wire.data(part)["part"], "text", words);
                wire.pieces.remove(delta);
            }
        },
    ),
    breaks(
        "delta-after-done",
        "a text is done before its last delta",
        |wire, _| {
            if let Some(at) = wire.places(TEXT_DONE).first().copied()
                && at > 0
                && wire.pieces[at - 1].kind() == TEXT
            {
                wire.pieces.swap(at - 1, at);
            }
        },
    )
    // The done says all of it, so the delta behind it cannot be told from more text.
    .loses(&[Content::Text]),
    breaks("event-repeated", "a frame comes twice", |wire, dice| {
        if let Some(at) = one_of(
            &wire.places_that(|piece| DELTAS.contains(&piece.kind())),
            dice,
        ) {
            let again = wire.pieces[at].clone();
            wire.pieces.insert(at + 1, again);
        }
    })
    // Where other damage keeps the numbers from rising, nobody can tell it from the same words once more.
    .loses(&[Content::Text, Content::Reasoning, Content::Refusal]),
    breaks("delta-after-done", "a text is done twice", |wire, dice| {
        if let Some(at) = one_of(&wire.places(TEXT_DONE), dice) {
            let again = wire.pieces[at].clone();
            wire.pieces.insert(at + 1, again);
            wire.number();
        }
    }),
    breaks("delta-after-done", "an item is done twice", |wire, dice| {
        if let Some(at) = one_of(&wire.places(DONE), dice) {
            let again = wire.pieces[at].clone();
            wire.pieces.insert(at + 1, again);
            wire.number();
        }
    }),
    breaks(
        "output-index-duplicate",
        "an item is added twice",
        |wire, dice| {
            if let Some(at) = one_of(&wire.places(ADDED), dice) {
                let again = wire.pieces[at].clone();
                wire.pieces.insert(at + 1, again);
                wire.number();
            }
        },
    ),
];

/// Each delta holds everything said so far.
fn cumulative(wire: &mut Wire) {
    let mut sum = String::new();
    for at in wire.places(TEXT) {
        if at == 0 || wire.pieces[at - 1].kind() != TEXT {
            sum.clear();
        }
        let data = wire.data(at);
        sum.push_str(data["delta"].as_str().unwrap_or_default());
        data["delta"] = json!(sum);
    }
}

/// Items are added as they are when they are done.
fn prefill(wire: &mut Wire) {
    let done: Vec<Value> = wire
        .pieces
        .iter()
        .filter(|piece| piece.kind() == DONE)
        .filter_map(Piece::data)
        .cloned()
        .collect();
    wire.each_of(&[ADDED], |data| {
        let whole = done
            .iter()
            .find(|done| done["output_index"] == data["output_index"]);
        if let Some(whole) = whole.filter(|whole| whole["item"]["type"] == "message") {
            data["item"]["content"] = whole["item"]["content"].clone();
        }
    });
}
