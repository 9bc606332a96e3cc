//! Function calls that are told in another way: DEVIATIONS 3.2, 9.1 to 9.5.

use serde_json::Value;

use super::Turn;
use super::items::items_in;
use crate::ev::Ev;
use crate::script::Script;
use crate::stream::Stream;

const DELTA: &str = "response.function_call_arguments.delta";
const DONE: &str = "response.function_call_arguments.done";

/// JSON where its text is due, wherever the arguments are told as a whole.
pub(super) fn fc_arguments_object(turn: &Turn) -> Script {
    let parsed = |ev: Ev, place: &str| {
        let text = ev.get(place).and_then(Value::as_str).unwrap_or_default();
        let object =
            serde_json::from_str(text).unwrap_or_else(|_| Value::Object(serde_json::Map::new()));
        ev.with(place, object)
    };
    Script::stream(&turn.everything().map(|ev| {
        let ev = if ev.kind() == DONE {
            parsed(ev, "arguments")
        } else {
            ev
        };
        of_call(&ev)
            .into_iter()
            .fold(ev, |ev, item| parsed(ev, &format!("{item}.arguments")))
    }))
}

pub(super) fn fc_added_no_arguments(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .everything()
            .map_type("response.output_item.added", |ev| {
                ev.without("item.arguments")
            }),
    )
}

pub(super) fn fc_no_call_id(turn: &Turn) -> Script {
    Script::stream(&turn.everything().map(|ev| {
        of_call(&ev)
            .into_iter()
            .fold(ev, |ev, item| ev.without(&format!("{item}.call_id")))
    }))
}

/// The deltas have told them; the item that is done has none.
pub(super) fn item_done_empty_args(turn: &Turn) -> Script {
    Script::stream(&turn.everything().map(|ev| {
        let open = ev.kind() == "response.output_item.added";
        let items = if open { Vec::new() } else { of_call(&ev) };
        items
            .into_iter()
            .fold(ev, |ev, item| ev.with(&format!("{item}.arguments"), ""))
    }))
}

/// Told at once, by the arguments' own done event.
pub(super) fn args_only_done(turn: &Turn) -> Script {
    Script::stream(&turn.everything().drop_type(DELTA))
}

/// Told at once, by the item that is done.
pub(super) fn args_only_item_done(turn: &Turn) -> Script {
    let stream: Stream = turn.everything();
    Script::stream(&stream.drop_type(DELTA).drop_type(DONE))
}

/// Where an event holds a call as a whole.
fn of_call(ev: &Ev) -> Vec<String> {
    let mut places = items_in(ev);
    places.retain(|place| {
        ev.get(&format!("{place}.type"))
            .is_some_and(|kind| kind == "function_call")
    });
    places
}
