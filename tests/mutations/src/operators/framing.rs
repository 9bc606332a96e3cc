//! How the bytes are framed.

use super::{Operator, breaks, legal, one_of};
use crate::wire::{Names, Piece, Wire};

pub(super) const OPERATORS: &[Operator] = &[
    breaks("bom", "a byte order mark", |wire, _| {
        wire.framing.bom = true
    }),
    breaks("bare-cr", "CR ends the lines", |wire, _| {
        wire.framing.line_end = "\r"
    }),
    breaks("crlf", "CR LF ends the lines", |wire, _| {
        wire.framing.line_end = "\r\n"
    }),
    breaks("blank-line-missing", "no blank lines", |wire, _| {
        wire.framing.blank_lines = false;
    }),
    breaks(
        "final-blank-line-missing",
        "no blank line at the end",
        |wire, _| {
            wire.framing.last_blank_line = false;
        },
    ),
    legal("data on several lines", |wire, dice| {
        wire.framing.data_lines = 2 + dice.below(3);
    }),
    legal("no space behind the colons", |wire, _| {
        wire.framing.space = false
    }),
    legal("comments between events", |wire, dice| {
        let at = dice.below(wire.pieces.len());
        wire.pieces.insert(at, Piece::raw(": keep-alive\n\n"));
    }),
    legal("a field that nobody knows", |wire, _| {
        wire.each(|data| data["obfuscation"] = "xYz1".into());
    }),
    breaks("event-name-mismatch", "no event: lines", |wire, _| {
        wire.framing.names = Names::Absent
    }),
    breaks(
        "event-name-mismatch",
        "every event: line says message",
        |wire, _| {
            wire.framing.names = Names::Given("message");
        },
    ),
    breaks(
        "event-name-mismatch",
        "one event: line names another event",
        |wire, dice| {
            let events = wire.places_that(|piece| piece.data().is_some());
            if let Some(at) = one_of(&events, dice)
                && let Piece::Event { name, .. } = &mut wire.pieces[at]
            {
                *name = Some("response.completed".to_owned());
            }
        },
    ),
    breaks(
        "type-missing",
        "the type stands only in event:",
        |wire, _| {
            wire.framing.names = Names::Only;
            for piece in &mut wire.pieces {
                if let Piece::Event { name, .. } = piece {
                    *name = None;
                }
            }
        },
    ),
    breaks("duplicate-key", "a key stands twice", |wire, dice| {
        let events = wire.places_that(|piece| piece.data().is_some_and(|data| data.is_object()));
        if let Some(at) = one_of(&events, dice) {
            let number = wire.data(at)["sequence_number"].to_string();
            more(
                wire,
                at,
                format!(",\"sequence_number\":{number}").as_bytes(),
            );
        }
    }),
    breaks("lone-surrogate", "half a surrogate pair", |wire, dice| {
        let events = wire.places_that(|piece| piece.data().is_some());
        if let Some(at) = one_of(&events, dice) {
            note(wire, at, br#""\ud83d""#);
        }
    }),
    breaks("invalid-utf8", "a byte that is no UTF-8", |wire, dice| {
        let events = wire.places_that(|piece| piece.data().is_some());
        if let Some(at) = one_of(&events, dice) {
            note(wire, at, b"\"\xff\"");
        }
    }),
];

fn more(wire: &mut Wire, at: usize, member: &[u8]) {
    if let Piece::Event { more, .. } = &mut wire.pieces[at] {
        more.extend_from_slice(member);
    }
}

/// Adds a member that no other is called like.
fn note(wire: &mut Wire, at: usize, value: &[u8]) {
    let mut member = format!(",\"note_{}\":", wire.write().len()).into_bytes();
    member.extend_from_slice(value);
    more(wire, at, &member);
}
