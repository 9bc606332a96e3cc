//! What stands between events and is none, and events of other protocols.

use serde_json::json;

use super::{Ends, Operator, REASONING_NAMES, breaks, one_of};
use crate::dice::Dice;
use crate::wire::{Piece, Wire};

pub(super) const OPERATORS: &[Operator] = &[
    breaks("data-empty", "an empty data line", |wire, dice| {
        insert(wire, dice, "data:\n\n")
    }),
    breaks("data-empty", "a block of only event:", |wire, dice| {
        insert(wire, dice, "event: response.in_progress\n\n");
    }),
    breaks("data-null", "an event that is null", |wire, dice| {
        insert(wire, dice, "data: null\n\n")
    }),
    breaks(
        "data-not-object",
        "an event that is a number",
        |wire, dice| {
            insert(wire, dice, "data: 42\n\n");
        },
    ),
    breaks("data-not-json", "an event that is no JSON", |wire, dice| {
        insert(wire, dice, "data: {\"type\": oops\n\n");
    }),
    breaks("unknown-event", "a keep-alive event", |wire, dice| {
        put(
            wire,
            dice,
            Piece::event(json!({"type": "keepalive", "sequence_number": 3})),
        );
    }),
    breaks("unknown-event", "a vendor's event", |wire, dice| {
        let event =
            json!({"type": "response.vendor_trace.delta", "delta": "zzz", "output_index": 0});
        put(wire, dice, Piece::event(event));
    }),
    breaks(
        "unknown-event",
        "a chunk of another protocol",
        |wire, dice| {
            let chunk =
                json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}}]});
            put(wire, dice, Piece::event(chunk));
        },
    )
    // As the first of all it says that the stream is of that protocol.
    .ends(Ends::SameOrFailed),
    breaks("event-alias", "reasoning by its older name", |wire, _| {
        for (now, then) in REASONING_NAMES {
            wire.each_of(&[now], |data| data["type"] = json!(then));
        }
    }),
];

fn insert(wire: &mut Wire, dice: &mut Dice<'_>, text: &str) {
    put(wire, dice, Piece::raw(text));
}

/// Puts a piece behind the first event and not behind the terminal.
fn put(wire: &mut Wire, dice: &mut Dice<'_>, piece: Piece) {
    let places: Vec<usize> = (1..wire.pieces.len()).collect();
    if let Some(at) = one_of(&places, dice) {
        wire.pieces.insert(at, piece);
    }
}
