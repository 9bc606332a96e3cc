//! A model that works with files, behind a relay that sends no `response.created`, empties the terminal's `output`, and cuts
//! its fourth answer: a conversation for agents.

use serde_json::{Value, json};

use super::Turn;
use crate::ev::{self, Item};
use crate::script::Script;
use crate::stream::Stream;

/// The request whose answer breaks off, counted from 0: the last one of the first turn, where nothing is asked twice but the
/// prelude.
const CUT: usize = 3;

pub(super) fn agent(turn: &Turn) -> Script {
    let offered = |name: &str| {
        let tools = turn.body["tools"].as_array();
        tools.is_some_and(|tools| tools.iter().any(|tool| tool["name"] == name))
    };
    let stream = turn.stream().push(ev::in_progress());
    if !offered("read_file") || !offered("write_file") {
        return broken(turn.reasoning());
    }
    let outputs = outputs(&turn.body);
    match outputs.len() {
        0 => broken(
            with_phase(
                stream.reasoning(["I look at", " what is there", " first."]),
                "commentary",
                &["Let me look", " at the files."],
            )
            .call("search_files", ["{\"name\":", "\"*.md\"}"])
            .call("read_file", ["{\"path\":", "\"README.md\"}"])
            .complete(),
        ),
        1 | 2 => {
            let notes = json!({"path": "NOTES.md", "content": "# Notes\n\n- The relay never says `created`.\n"});
            broken(
                stream
                    .call("write_file", [notes.to_string().as_str()])
                    .complete(),
            )
        }
        _ => last(turn, stream, &outputs),
    }
}

fn last(turn: &Turn, stream: Stream, outputs: &[String]) -> Script {
    let written = match outputs.last().is_some_and(|text| text.contains("not run")) {
        true => "I was **not** allowed to write `NOTES.md`.",
        false => "`NOTES.md` is new.",
    };
    let deltas = [
        "## What is here\n\n",
        "- `README.md` tells",
        " what this is.\n- ",
        written,
        "\n\nTo go on:\n\n```sh\n",
        "respair chat --continue\n```\n",
    ];
    let stream = with_phase(stream, "final_answer", &deltas).complete();
    if turn.number != CUT {
        return broken(stream);
    }
    let half = stream
        .position("response.output_text.delta")
        .map_or(0, |first| first + 2);
    Script::stream(&stream.take(half)).cut()
}

/// The outputs of the calls since the user spoke last.
fn outputs(body: &Value) -> Vec<String> {
    let items = body["input"].as_array().map_or(&[][..], Vec::as_slice);
    let since = items.iter().rposition(|item| item["role"] == "user");
    let items = &items[since.unwrap_or(0)..];
    let outputs = items
        .iter()
        .filter(|item| item["type"] == "function_call_output");
    outputs.map(|item| item["output"].to_string()).collect()
}

fn with_phase(stream: Stream, phase: &str, deltas: &[&str]) -> Stream {
    let text = deltas.concat();
    stream
        .push(ev::message_added().with("item.phase", phase))
        .push(ev::part_added())
        .extend(deltas.iter().map(|delta| ev::text_delta(delta)))
        .push(ev::text_done(&text))
        .push(ev::part_done(&text))
        .push(ev::item_done(Item::message(&text).with("phase", phase)))
}

fn broken(stream: Stream) -> Script {
    let stream = stream.drop_type("response.created");
    Script::stream(&stream.map_type("response.completed", |ev| {
        ev.with("response.output", json!([]))
    }))
}
