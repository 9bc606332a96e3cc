//! Streams as the native service sends them.

use super::Turn;
use crate::ev;
use crate::script::Script;

pub(super) fn text(turn: &Turn) -> Script {
    Script::stream(&turn.text())
}

pub(super) fn reasoning(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning())
}

pub(super) fn reasoning_text(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .stream()
            .prelude()
            .reasoning_text(turn.words.summary())
            .message(turn.words.text())
            .complete(),
    )
}

pub(super) fn tool_call(turn: &Turn) -> Script {
    Script::stream(&turn.call())
}

pub(super) fn queued(turn: &Turn) -> Script {
    let stream = turn
        .stream()
        .push(ev::created())
        .push(ev::queued())
        .push(ev::in_progress());
    Script::stream(&stream.message(turn.words.text()).complete())
}

pub(super) fn done_sentinel(turn: &Turn) -> Script {
    Script::stream(&turn.text().push(ev::done_sentinel()))
}
