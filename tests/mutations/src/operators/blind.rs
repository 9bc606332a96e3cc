//! Damage that is blind to what it hits: nothing is promised of the content but that it is not made up.

use serde_json::{Value, json};

use super::{Ends, Operator, legal};
use crate::dice::Dice;
use crate::said::Content;
use crate::wire::{Piece, Wire};

const fn blind(name: &'static str, apply: fn(&mut Wire, &mut Dice<'_>)) -> Operator {
    legal(name, apply)
        .loses(Content::ALL)
        .reorders()
        .ends(Ends::Any)
}

pub(super) const OPERATORS: &[Operator] = &[
    blind("any event is dropped", |wire, dice| {
        let at = dice.below(wire.pieces.len());
        if at < wire.pieces.len() {
            wire.pieces.remove(at);
        }
    }),
    blind("any event comes again", |wire, dice| {
        if let Some((from, to)) = two(wire, dice) {
            let again = wire.pieces[from].clone();
            wire.pieces.insert(to, again);
        }
    }),
    blind("any two events change places", |wire, dice| {
        if let Some((one, other)) = two(wire, dice) {
            wire.pieces.swap(one, other);
        }
    }),
    blind("neighbours change places", |wire, dice| {
        if wire.pieces.len() > 1 {
            let at = dice.below(wire.pieces.len() - 1);
            wire.pieces.swap(at, at + 1);
        }
    }),
    blind("any event gets another type", |wire, dice| {
        if let Some((at, from)) = two(wire, dice) {
            let kind = wire.pieces[from].kind().to_owned();
            if let Some(data) = wire.pieces[at].data_mut() {
                data["type"] = json!(kind);
            }
        }
    }),
    blind("any field is changed or gone", |wire, dice| {
        field(wire, dice)
    })
    .garbles(),
    blind("any field is changed or gone in its place", |wire, dice| {
        field(wire, dice)
    })
    .garbles(),
    blind("a field is gone everywhere", |wire, dice| {
        let name = *dice.pick(FIELDS);
        wire.each(|data| gone(data, name));
    })
    .garbles(),
    blind("any event takes a field of another", |wire, dice| {
        if let Some((to, from)) = two(wire, dice) {
            let name = *dice.pick(FIELDS);
            let value = wire.pieces[from]
                .data()
                .and_then(|data| data.get(name))
                .cloned();
            if let (Some(value), Some(data)) = (value, wire.pieces[to].data_mut()) {
                super::replace(data, name, value);
            }
        }
    })
    .garbles(),
    blind("something is inserted", |wire, dice| {
        let at = dice.below(wire.pieces.len() + 1);
        let text = *dice.pick(INSERTS);
        wire.pieces.insert(at, Piece::raw(text));
    }),
    blind("the stream is cut", |wire, dice| {
        let keep = dice.below(wire.pieces.len() + 1);
        wire.pieces.truncate(keep);
        wire.framing.cut = dice.below(200);
    }),
    blind("any bytes are written over", |wire, dice| {
        let mut body = wire.write();
        for _ in 0..=dice.below(3) {
            let at = dice.below(body.len());
            let byte = *dice.pick(b"\n\r:{}\",x0[]\\ \xff\xc3");
            if let Some(place) = body.get_mut(at) {
                *place = byte;
            }
        }
        *wire = Wire::new(vec![Piece::Raw(body)]);
    })
    .garbles(),
    blind(
        "a second response follows in the same body",
        |wire, dice| {
            let turn = dice.below(2) as u64;
            let mut again: Vec<Piece> = wire.pieces.clone();
            for data in again.iter_mut().filter_map(Piece::data_mut) {
                if let Some(response) = data.get_mut("response") {
                    super::replace(response, "id", format!("resp_second{turn}"));
                }
            }
            if turn == 0 {
                wire.pieces.pop();
            }
            wire.pieces.extend(again);
        },
    ),
];

const FIELDS: &[&str] = &[
    "type",
    "output_index",
    "item_id",
    "sequence_number",
    "content_index",
    "summary_index",
    "delta",
    "text",
    "arguments",
    "item",
    "part",
    "response",
    "id",
    "call_id",
    "name",
    "status",
    "content",
    "summary",
    "output",
    "role",
    "annotations",
    "usage",
];

const INSERTS: &[&str] = &[
    "event: codex.rate_limits\ndata: {\"type\":\"codex.rate_limits\"}\n\n",
    "data: {\"type\":\"keepalive\"}\n\n",
    ": ping\n\n",
    "data: null\n\n",
    "data: oops\n\n",
    "id: 7\nretry: 3000\n\n",
    "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"boom\"}\n\n",
    "data: {\"type\":\"error\",\"error\":{\"message\":\"boom\"}}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\" late\"}\n\n",
    "event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":4,\"delta\":\"{}\"}\n\n",
    "data: {\"type\":\"response.output_item.done\",\"output_index\":2,\"item\":{\"type\":\"message\",\"content\":[]}}\n\n",
    "data: {\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\"}}\n\n",
    "data: [DONE]\n\n",
];

/// Two places; `None` where there is nothing.
fn two(wire: &Wire, dice: &mut Dice<'_>) -> Option<(usize, usize)> {
    let count = wire.pieces.len();
    (count > 0).then(|| (dice.below(count), dice.below(count)))
}

fn field(wire: &mut Wire, dice: &mut Dice<'_>) {
    let at = dice.below(wire.pieces.len());
    if let Some(data) = wire.pieces.get_mut(at).and_then(Piece::data_mut) {
        descend(data, dice);
    }
}

/// Changes a field somewhere in the value, or takes it out.
fn descend(value: &mut Value, dice: &mut Dice<'_>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let at = dice.below(fields.len());
            let Some(key) = fields.keys().nth(at).cloned() else {
                return;
            };
            let nested = fields[&key].is_object() || fields[&key].is_array();
            if nested && dice.below(4) > 0 {
                return descend(&mut fields[&key], dice);
            }
            match other(dice) {
                Some(other) => fields[&key] = other,
                None => drop(fields.remove(&key)),
            }
        }
        Value::Array(values) if !values.is_empty() => {
            let at = dice.below(values.len());
            descend(&mut values[at], dice);
        }
        place => *place = other(dice).unwrap_or_default(),
    }
}

fn other(dice: &mut Dice<'_>) -> Option<Value> {
    let values = [
        Value::Null,
        json!(0),
        json!(1),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(true),
        json!(""),
        json!("x"),
        json!("other"),
        json!([]),
        json!([null]),
        json!({}),
        json!({"text": "t"}),
        json!("completed"),
        json!("incomplete"),
        json!("failed"),
        json!("function_call"),
        json!("custom_tool_call"),
        json!("message"),
        json!("reasoning"),
    ];
    match dice.below(values.len() + 1) {
        at if at < values.len() => Some(values[at].clone()),
        _ => None,
    }
}

fn gone(value: &mut Value, name: &str) {
    match value {
        Value::Object(fields) => {
            fields.remove(name);
            fields.values_mut().for_each(|value| gone(value, name));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| gone(value, name)),
        _ => {}
    }
}
