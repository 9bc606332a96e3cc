//! The conforming streams that damage starts from. Every word of theirs stands once in a stream, so that what is said twice shows.

use std::sync::LazyLock;

use respair_faults::{Stream, ev};
use serde_json::{Value, json};

use crate::said::Said;
use crate::wire::{Piece, Wire};

/// A conforming stream.
#[derive(Debug)]
pub struct Base {
    /// Its name.
    pub name: &'static str,
    /// Its events.
    pub wire: Wire,
    /// What it says.
    pub said: Said,
}

/// Every one of them. The first has text, a reasoning summary and a function call, which most damage needs.
#[must_use]
pub fn bases() -> &'static [Base] {
    static BASES: LazyLock<Vec<Base>> = LazyLock::new(|| {
        type Named = (&'static str, fn() -> Wire);
        let all: [Named; 14] = [
            ("several", several),
            ("text", text),
            ("reasoning-text", reasoning_text),
            ("parallel-calls", parallel_calls),
            ("custom-call", custom_call),
            ("refusal", refusal),
            ("annotations", annotations),
            ("hosted-tool", hosted_tool),
            ("two-parts", two_parts),
            ("interleaved", interleaved),
            ("encrypted-reasoning", encrypted_reasoning),
            ("incomplete", incomplete),
            ("queued", queued),
            ("nothing", nothing),
        ];
        let base = |(name, wire): Named| {
            let wire = wire();
            let said = Said::by(&wire.write());
            Base { name, wire, said }
        };
        all.into_iter().map(base).collect()
    });
    &BASES
}

/// Reasoning, a message and a function call.
fn several() -> Wire {
    let stream = begun()
        .reasoning(["alder ", "birch"])
        .message(["cedar ", "dogwood ", "elm"])
        .call("look_up", ["{\"fir\":", "\"ginkgo\"", "}"]);
    wire(&stream.complete())
}

fn begun() -> Stream {
    Stream::new().prelude()
}

/// One message, every field there.
fn text() -> Wire {
    whole(
        &begun()
            .message(["hazel ", "ivy \u{1f332} ", "juniper"])
            .complete(),
    )
}

fn reasoning_text() -> Wire {
    let stream = begun()
        .reasoning_text(["kapok ", "larch"])
        .message(["maple ", "nutmeg"]);
    wire(&stream.complete())
}

fn parallel_calls() -> Wire {
    let stream = begun()
        .message(["oak"])
        .call("plant", ["{\"pine\":", "[1,2]}"])
        .call("plant", ["{\"quince\":", "[3]}"])
        .call("rest", ["{}"]);
    wire(&stream.complete())
}

fn custom_call() -> Wire {
    let input = ["rowan ", "--spruce"];
    let stream = begun()
        .push(ev::custom_call_added("shell"))
        .extend(input.map(ev::custom_input_delta))
        .push(ev::custom_input_done(&input.concat()))
        .push(ev::custom_call_done("shell", &input.concat()));
    wire(&stream.message(["teak"]).complete())
}

fn refusal() -> Wire {
    let said = ["umbrella ", "pine"];
    let part = json!({"type": "refusal", "refusal": ""});
    let whole = json!({"type": "refusal", "refusal": said.concat()});
    let stream = begun()
        .push(ev::message_added())
        .push(ev::part_added().with("part", part))
        .extend(said.map(ev::refusal_delta))
        .push(ev::refusal_done(&said.concat()))
        .push(ev::part_done("").with("part", whole.clone()))
        .push(ev::message_done("").with("item.content", json!([whole])));
    wire(&stream.complete())
}

fn annotations() -> Wire {
    let cited = json!({"type": "url_citation", "url": "https://example.org/", "title": "viburnum",
        "start_index": 0, "end_index": 6});
    let text = "willow yew";
    let stream = begun()
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta("willow "))
        .push(ev::annotation_added(cited.clone()))
        .push(ev::text_delta("yew"))
        .push(ev::text_done(text))
        .push(ev::part_done(text).with("part.annotations", json!([cited])))
        .push(ev::message_done(text).with("item.content.0.annotations", json!([cited])));
    wire(&stream.complete())
}

fn hosted_tool() -> Wire {
    let call =
        |status: &str| json!({"id": "ws_relay1_0", "type": "web_search_call", "status": status});
    let status = |state: &str| {
        ev::raw_json(
            &format!("response.web_search_call.{state}"),
            json!({"item_id": "ws_relay1_0", "output_index": 0, "sequence_number": 0}),
        )
    };
    let stream = begun()
        .push(ev::item_added(ev::Item::raw(call("in_progress"))))
        .extend(["in_progress", "searching", "completed"].map(status))
        .push(ev::item_done(ev::Item::raw(call("completed"))))
        .message(["zelkova"]);
    wire(&stream.complete())
}

fn two_parts() -> Wire {
    let (one, two) = ("acacia ", "baobab");
    let content = json!([text_part(one), text_part(two)]);
    let mut stream = begun().push(ev::message_added());
    for text in [one, two] {
        stream = stream
            .push(ev::part_added())
            .push(ev::text_delta(text))
            .push(ev::text_done(text))
            .push(ev::part_done(text));
    }
    wire(
        &stream
            .push(ev::message_done("").with("item.content", content))
            .complete(),
    )
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

/// The events of two messages and a call in turn, closed in another order than opened: legal.
fn interleaved() -> Wire {
    let mut whole = wire(
        &begun()
            .message(["cypress ", "deodar"])
            .message(["ebony ", "fig"])
            .call("gather", ["{\"gum\":", "\"holly\"}"])
            .complete(),
    );
    let last = whole.pieces.len() - 1;
    let terminal = whole.pieces.split_off(last);
    let mut rest = whole.pieces.split_off(2);
    // One event of each item in turn, from the last item to the first.
    let mut lanes: Vec<Vec<Piece>> = Vec::new();
    for index in (0..3u64).rev() {
        let of_item = |piece: &Piece| {
            piece
                .data()
                .is_some_and(|data| data["output_index"] == index)
        };
        let (lane, others) = rest.into_iter().partition(of_item);
        lanes.push(lane);
        rest = others;
    }
    // Items are added in their order: openai-python 2.24 reads `output` by position.
    for lane in lanes.iter_mut().rev() {
        whole.pieces.push(lane.remove(0));
    }
    while lanes.iter().any(|lane| !lane.is_empty()) {
        for lane in lanes.iter_mut().filter(|lane| !lane.is_empty()) {
            whole.pieces.push(lane.remove(0));
        }
    }
    whole.pieces.extend(terminal);
    whole.number();
    whole
}

fn encrypted_reasoning() -> Wire {
    let stream = begun()
        .push(ev::reasoning_added())
        .push(
            ev::reasoning_done("")
                .with("item.summary", json!([]))
                .with("item.encrypted_content", "opaque"),
        )
        .message(["ironwood"]);
    wire(&stream.complete())
}

fn incomplete() -> Wire {
    let text = "jacaranda ";
    let stream = begun()
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta(text))
        .push(ev::text_done(text))
        .push(ev::part_done(text))
        .push(ev::message_done(text).with("item.status", "incomplete"));
    let output = stream
        .evs()
        .last()
        .and_then(|done| done.get("item").cloned())
        .unwrap_or_default();
    wire(&stream.push(ev::incomplete("max_output_tokens").with("response.output", json!([output]))))
}

fn queued() -> Wire {
    let stream = Stream::new()
        .push(ev::created())
        .push(ev::queued())
        .push(ev::in_progress())
        .message(["linden"]);
    wire(&stream.complete())
}

fn nothing() -> Wire {
    wire(&begun().complete())
}

/// What every strict reader needs of a response. The rest is left out: long objects make slow tests.
const NEEDED: &[&str] = &[
    "id",
    "object",
    "created_at",
    "status",
    "model",
    "output",
    "usage",
    "error",
    "incomplete_details",
];

fn wire(stream: &Stream) -> Wire {
    let mut wire = whole(stream);
    wire.each(|data| {
        if let Some(response) = data.get_mut("response").and_then(Value::as_object_mut) {
            response.retain(|field, _| NEEDED.contains(&field.as_str()));
        }
    });
    wire
}

/// With every field that the public schema requires.
fn whole(stream: &Stream) -> Wire {
    let events = stream.evs();
    let pieces = events
        .iter()
        .filter_map(|event| serde_json::from_str(&event.data()).ok())
        .map(Piece::event);
    let mut wire = Wire::new(pieces.collect());
    wire.number();
    wire
}
