//! The prelude and the response object.

use serde_json::{Value, json};

use super::{
    CREATED, IN_PROGRESS, LIFECYCLE, Operator, TERMINALS, breaks, change_one, remove, replace,
};
use crate::wire::Piece;

pub(super) const OPERATORS: &[Operator] = &[
    breaks("created-missing", "no created", |wire, _| {
        wire.without(CREATED)
    }),
    breaks("created-missing", "no prelude", |wire, _| {
        wire.pieces
            .retain(|piece| !LIFECYCLE.contains(&piece.kind()));
    }),
    breaks(
        "created-not-first",
        "a vendor event comes first",
        |wire, _| {
            let limits = json!({"type": "codex.rate_limits", "plan_type": "plus", "rate_limits": {"primary": null}});
            wire.pieces.insert(0, Piece::event(limits));
        },
    ),
    breaks("created-missing", "created comes second", |wire, _| {
        if wire.pieces.len() > 1 && wire.pieces[0].kind() == CREATED {
            wire.pieces.swap(0, 1);
        }
    }),
    breaks("lifecycle-repeated", "created comes twice", |wire, _| {
        if let Some(at) = wire.places(CREATED).first() {
            let again = wire.pieces[*at].clone();
            wire.pieces.insert(at + 1, again);
        }
    }),
    breaks(
        "lifecycle-repeated",
        "a later in_progress takes the output back",
        |wire, dice| {
            let first = wire.places("response.output_item.added").first().copied();
            let (Some(from), Some(at)) = (first, wire.places(IN_PROGRESS).first().copied()) else {
                return;
            };
            let again = wire.pieces[at].clone();
            let room = wire.pieces.len() - from - 1;
            wire.pieces.insert(from + 1 + dice.below(room), again);
        },
    ),
    breaks(
        "response-object-missing",
        "a lifecycle event has no response",
        |wire, dice| {
            change_one(wire, dice, LIFECYCLE, |data| remove(data, "response"));
        },
    ),
    breaks(
        "response-object-missing",
        "a lifecycle event's response is null",
        |wire, dice| {
            change_one(wire, dice, LIFECYCLE, |data| data["response"] = Value::Null);
        },
    ),
    breaks("response-id-missing", "no response has an id", |wire, _| {
        wire.each(|data| {
            if let Some(response) = data.get_mut("response") {
                remove(response, "id");
            }
        });
    }),
    breaks(
        "response-id-missing",
        "one response has no id",
        |wire, dice| {
            change_one(wire, dice, &[CREATED, IN_PROGRESS, TERMINALS[0]], |data| {
                if let Some(response) = data.get_mut("response") {
                    replace(response, "id", Value::Null);
                }
            });
        },
    ),
    breaks(
        "response-id-changed",
        "the response's id rotates",
        |wire, _| {
            let mut turn = 0;
            wire.each(|data| {
                if let Some(response) = data.get_mut("response") {
                    replace(response, "id", format!("resp_other{turn}"));
                    turn += 1;
                }
            });
        },
    ),
    breaks(
        "response-id-changed",
        "the terminal has an id of its own",
        |wire, _| {
            wire.each_of(TERMINALS, |data| {
                if let Some(response) = data.get_mut("response") {
                    replace(response, "id", "chatcmpl-other");
                }
            });
        },
    ),
    breaks(
        "response-fields-missing",
        "responses are only id, object and status",
        |wire, _| {
            wire.each_of(LIFECYCLE, |data| {
                if let Some(response) = data["response"].as_object_mut() {
                    response.retain(|key, _| ["id", "object", "status"].contains(&key.as_str()));
                }
            });
        },
    ),
    breaks(
        "response-fields-missing",
        "created has no output",
        |wire, dice| {
            let none = [None, Some(Value::Null)];
            let none = dice.pick(&none).clone();
            wire.each_of(&[CREATED], |data| {
                let response = &mut data["response"];
                match &none {
                    Some(null) => replace(response, "output", null.clone()),
                    None => remove(response, "output"),
                }
            });
        },
    ),
    breaks(
        "response-fields-missing",
        "created_at and model are of other types",
        |wire, _| {
            wire.each(|data| {
                if let Some(response) = data.get_mut("response") {
                    replace(response, "created_at", Value::Null);
                    replace(response, "model", 7);
                }
            });
        },
    ),
    breaks(
        "response-fields-missing",
        "created lists an output",
        |wire, _| {
            wire.each_of(&[CREATED], |data| {
            let item = json!({"type": "message", "id": "msg_early", "role": "assistant", "status": "in_progress", "content": []});
            replace(&mut data["response"], "output", json!([item]));
        });
        },
    ),
];
