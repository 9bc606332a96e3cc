//! Items and parts: their first and last events, and their fields.

use serde_json::{Value, json};

use super::identity::{added_of, each_item, is_terminal};
use super::{
    ADDED, ARGUMENTS_DONE, DONE, Ends, Operator, PART, PART_DONE, SUMMARY_DONE, SUMMARY_PART,
    SUMMARY_PART_DONE, TEXT_DONE, breaks, drop_one, one_of, remove,
};
use crate::wire::Wire;

pub(super) const OPERATORS: &[Operator] = &[
    breaks("item-not-added", "no item is added", |wire, _| {
        wire.without(ADDED)
    })
    .reorders(),
    breaks("item-not-added", "an item is not added", |wire, dice| {
        drop_one(wire, dice, &[ADDED])
    })
    .reorders(),
    breaks(
        "item-not-added",
        "no message is added, nor its part",
        |wire, _| {
            drop_all(wire, &added_of(wire, "message"));
            wire.without(PART);
        },
    )
    .reorders(),
    breaks("item-not-added", "no call is added", |wire, _| {
        drop_all(wire, &added_of(wire, "function_call"));
    }),
    breaks("part-not-added", "no part is added", |wire, _| {
        wire.without(PART)
    }),
    breaks("part-not-added", "no summary part is added", |wire, _| {
        wire.without(SUMMARY_PART)
    }),
    breaks(
        "part-not-added",
        "a part is added behind its first delta",
        |wire, _| {
            if let Some(at) = wire.places(PART).first().copied()
                && at + 1 < wire.pieces.len()
            {
                wire.pieces.swap(at, at + 1);
            }
        },
    ),
    breaks(
        "item-fields-missing",
        "items are added with nothing but their type",
        |wire, _| {
            wire.each_of(&[ADDED], |data| {
                if let Some(item) = data["item"].as_object_mut() {
                    item.retain(|key, _| ["type", "id", "call_id", "name"].contains(&key.as_str()));
                }
            });
        },
    ),
    breaks(
        "item-fields-missing",
        "content and summary are null",
        |wire, _| {
            wire.each_of(&[ADDED], |data| {
                for field in ["content", "summary"] {
                    super::replace(&mut data["item"], field, Value::Null);
                }
            });
        },
    ),
    breaks("item-fields-missing", "no status and no role", |wire, _| {
        wire.each(|data| {
            each_item(data, |item| {
                remove(item, "status");
                remove(item, "role");
            });
        });
    }),
    breaks(
        "item-fields-missing",
        "an item is added as null",
        |wire, dice| {
            super::change_one(wire, dice, &[ADDED], |data| data["item"] = Value::Null);
        },
    )
    .reorders(),
    breaks(
        "part-fields-missing",
        "parts are added with nothing but their type",
        |wire, _| {
            wire.each_of(&[PART, SUMMARY_PART], |data| {
                data["part"] = json!({"type": data["part"]["type"]});
            });
        },
    ),
    breaks(
        "part-fields-missing",
        "parts are added as null",
        |wire, _| {
            wire.each_of(&[PART, SUMMARY_PART], |data| data["part"] = Value::Null);
        },
    ),
    breaks("text-done-missing", "no text is done", |wire, _| {
        wire.without(TEXT_DONE);
        wire.without(SUMMARY_DONE);
        wire.without("response.refusal.done");
        wire.without("response.reasoning_text.done");
    }),
    breaks("part-done-missing", "no part is done", |wire, _| {
        wire.without(PART_DONE);
        wire.without(SUMMARY_PART_DONE);
    }),
    breaks(
        "arguments-done-missing",
        "no arguments are done",
        |wire, _| {
            wire.without(ARGUMENTS_DONE);
            wire.without("response.custom_tool_call_input.done");
        },
    ),
    breaks("item-done-missing", "no item is done", |wire, _| {
        wire.without(DONE)
    }),
    breaks("item-done-missing", "an item is not done", |wire, dice| {
        drop_one(wire, dice, &[DONE])
    }),
    breaks("item-done-missing", "nothing is done", |wire, _| {
        wire.pieces.retain(|piece| !piece.kind().ends_with(".done"));
    }),
    breaks(
        "item-done-missing",
        "nothing is done, and the output is empty",
        |wire, _| {
            wire.pieces.retain(|piece| !piece.kind().ends_with(".done"));
            wire.each(|data| {
                if is_terminal(data) {
                    super::replace(&mut data["response"], "output", json!([]));
                }
            });
        },
    )
    // A custom call is whole only when its `input.done` came.
    .ends(Ends::SameOrFailed),
    breaks(
        "item-not-added",
        "an item's first event comes behind its second",
        |wire, dice| {
            let places: Vec<usize> = wire.places(ADDED);
            if let Some(at) = one_of(&places, dice)
                && at + 1 < wire.pieces.len()
            {
                wire.pieces.swap(at, at + 1);
            }
        },
    )
    .reorders(),
];

fn drop_all(wire: &mut Wire, places: &[usize]) {
    for at in places.iter().rev() {
        wire.pieces.remove(*at);
    }
}
