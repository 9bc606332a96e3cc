//! How a stream begins: DEVIATIONS group 1.

use super::Turn;
use crate::ev::{self, Ev};
use crate::script::Script;

/// The stream of Hermes issue 8133 (1.3): everything is there but `response.created`.
pub(super) fn no_created(turn: &Turn) -> Script {
    Script::stream(&turn.reasoning().drop_type("response.created"))
}

pub(super) fn no_created_once(turn: &Turn) -> Script {
    if turn.is_first() {
        no_created(turn)
    } else {
        Script::stream(&turn.reasoning())
    }
}

/// 1.4, as codex-lb sends it.
pub(super) fn rate_limits_first(turn: &Turn) -> Script {
    Script::stream(&turn.text().insert(0, ev::rate_limits()))
}

pub(super) fn item_first(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .text()
            .drop_type("response.created")
            .drop_type("response.in_progress"),
    )
}

/// 1.5: no lifecycle, no item, no part; the terminal holds nothing either.
pub(super) fn deltas_only(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .stream()
            .extend(turn.words.text().map(ev::text_delta))
            .push(ev::completed([])),
    )
}

/// 1.6: also without `output`, which several readers index into.
pub(super) fn thin_response(turn: &Turn) -> Script {
    Script::stream(&turn.text().map(|ev| {
        if ev.kind() == "response.completed" {
            ev
        } else {
            thin(ev)
        }
    }))
}

fn thin(ev: Ev) -> Ev {
    let Some(response) = ev.get("response").and_then(|response| response.as_object()) else {
        return ev;
    };
    let fat: Vec<_> = response
        .keys()
        .filter(|name| !["id", "object", "status"].contains(&name.as_str()))
        .cloned()
        .collect();
    fat.into_iter()
        .fold(ev, |ev, name| ev.without(&format!("response.{name}")))
}
