//! `chat` on a terminal, through a pty, as a person would see it: the screen is a vt100's.

mod blocked;
mod commands;
mod elsewhere;
mod servers;
mod terminal;
mod tools;
mod turns;

use std::time::Duration;

use respair_faults::{Relay, Request, Script, Stream};

use crate::bin::playing;

/// CONTRACT.md says 200 ms; shared machines get five times that.
const CLOSED_WITHIN: Duration = Duration::from_millis(200 * 5);

/// A relay that plays these responses, one a request, and then the last again.
fn plays(scripts: impl IntoIterator<Item = Script>) -> Relay {
    let scripts: Vec<Script> = scripts.into_iter().collect();
    playing(move |request: &Request| scripts[request.number.min(scripts.len() - 1)].clone())
}

fn response(turn: u64) -> Stream {
    Stream::new().turn(turn).prelude()
}

fn says(turn: u64, text: &str) -> Script {
    Script::stream(&response(turn).message([text]).complete())
}

const MARKDOWN: &str = "## What it is\n\nA **relay** that *misbehaves* on purpose, with `names`, a list and code, said in a paragraph that needs more than one line.\n\n- 日本語のテキスト\n- שלום עולם\n\n```sh\nrespair relay --list\n```\n";

fn inputs(relay: &Relay) -> Vec<usize> {
    let requests = relay.requests();
    let lengths = requests.iter().map(|request| {
        let body = request.json().unwrap();
        body["input"].as_array().unwrap().len()
    });
    lengths.collect()
}
