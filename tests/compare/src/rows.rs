//! The rows: what the relay does, and what is right then.

use respair_faults::ev::{self, Item};
use respair_faults::{Answer as _, Request, Script, Stream, scenario};
use serde_json::{Value, json};

/// One way to behave.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    /// The answer to a request for a response.
    pub(crate) answer: fn(&Request) -> Script,
    pub(crate) right: Right,
    pub(crate) setup: Setup,
    /// The run before this one in the same home counts for nothing: what is measured is what was learnt.
    pub(crate) again: bool,
}

/// What is right.
#[derive(Clone, Copy)]
pub(crate) enum Right {
    /// This answer once, exit code 0.
    Answer(&'static str),
    /// There is half an answer: that it is one is said, and the exit code is not 0.
    Cut,
    /// The upstream's own `response.incomplete`, the same.
    Incomplete,
    /// An error: these words of the upstream's, and not 0.
    Told(&'static str),
}

impl Right {
    pub(crate) fn answer(self) -> Option<&'static str> {
        match self {
            Self::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    /// What the answer begins with, where there is one.
    pub(crate) fn first_word(self) -> &'static str {
        let answer = self.answer().unwrap_or(HELLO);
        answer.split(' ').next().unwrap_or(answer)
    }
}

/// How the programs are configured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    /// `model:` with `provider: custom` and `api_mode: codex_responses`; Hermes gets the named entry too, without which it
    /// does not read `api_mode`.
    Named,
    /// The `model:` block alone.
    Seed,
    /// Another endpoint stands in, below `/second/v1`.
    Fallback,
}

const HELLO: &str = "Hello from the relay.";
const LAB: &str = "The command said lab-ok.";
const ANSWER: Right = Right::Answer(HELLO);

const fn row(
    name: &'static str,
    summary: &'static str,
    answer: fn(&Request) -> Script,
    right: Right,
) -> Row {
    Row {
        name,
        summary,
        answer,
        right,
        setup: Setup::Named,
        again: false,
    }
}

impl Row {
    const fn with(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }

    const fn again(self) -> Self {
        Self {
            again: true,
            ..self
        }
    }
}

/// A scenario of `respair relay`.
macro_rules! play {
    ($name:literal) => {
        |request| play($name, request)
    };
}

pub(crate) const ROWS: &[Row] = &[
    row("conforming", "a conforming answer", play!("text"), ANSWER),
    row(
        "no-created",
        "the archetype: `response.in_progress` first",
        play!("no-created"),
        ANSWER,
    ),
    row(
        "no-created-again",
        "the same, the second time",
        play!("no-created"),
        ANSWER,
    )
    .again(),
    row(
        "seed",
        "the archetype, configured as the `model:` block alone",
        play!("no-created"),
        ANSWER,
    )
    .with(Setup::Seed),
    row(
        "rate-limits-first",
        "`codex.rate_limits` first",
        play!("rate-limits-first"),
        ANSWER,
    ),
    row(
        "item-first",
        "`response.output_item.added` first",
        play!("item-first"),
        ANSWER,
    ),
    row(
        "output-null",
        "`completed` with `output: null`",
        play!("output-null"),
        ANSWER,
    ),
    row(
        "deltas-only",
        "deltas and a terminal, nothing else",
        play!("deltas-only"),
        ANSWER,
    ),
    row(
        "completed-only",
        "everything in `completed`",
        play!("completed-only"),
        ANSWER,
    ),
    row(
        "response-done",
        "`response.done` as the terminal",
        play!("response-done"),
        ANSWER,
    ),
    row(
        "held-open",
        "held open behind `completed`",
        play!("hold-after-terminal"),
        ANSWER,
    ),
    row(
        "commentary",
        "commentary, then the answer",
        |request| {
            let stream = start(request);
            let stream = phase(stream, "commentary", "I look first.");
            Script::stream(&phase(stream, "final_answer", HELLO).complete())
        },
        ANSWER,
    ),
    row(
        "tool",
        "a call of the shell, then the answer",
        |request| tool(request, |stream| stream),
        Right::Answer(LAB),
    ),
    row(
        "tool-broken",
        "the same without `created`, terminal `output: []`",
        |request| tool(request, broken),
        Right::Answer(LAB),
    ),
    row(
        "tool-broken-again",
        "the call over that relay, the second time",
        |request| tool(request, broken),
        Right::Answer(LAB),
    )
    .again(),
    row(
        "fallback",
        "the quota is used up; a second endpoint is configured",
        |request| match request.path.starts_with("/second/") {
            true => play("text", request),
            false => play("http-429-quota", request),
        },
        ANSWER,
    )
    .with(Setup::Fallback),
    row(
        "cut-once",
        "cut in the middle of the text, the first time",
        |request| match request.number {
            0 => play("eof-mid-text", request),
            _ => play("text", request),
        },
        ANSWER,
    ),
    row(
        "cut",
        "cut in the middle of the text, always",
        play!("eof-mid-text"),
        Right::Cut,
    ),
    row(
        "reset",
        "reset in the middle of the text, always",
        play!("reset-mid-text"),
        Right::Cut,
    ),
    row(
        "incomplete",
        "`response.incomplete`, always",
        play!("incomplete"),
        Right::Incomplete,
    ),
    row(
        "error-flat",
        "a flat `error` event",
        play!("error-flat"),
        Right::Told("on purpose"),
    ),
    row(
        "error-nested",
        "a nested `error` event",
        play!("error-nested"),
        Right::Told("on purpose"),
    ),
    row(
        "failed",
        "`response.failed`",
        play!("failed"),
        Right::Told("on purpose"),
    ),
    row(
        "http-400",
        "HTTP 400 for a field that nobody needs",
        play!("http-400-store"),
        ANSWER,
    ),
    row(
        "http-401",
        "HTTP 401",
        play!("http-401"),
        Right::Told("Incorrect API key"),
    ),
    row("http-429", "HTTP 429, once", play!("http-429-once"), ANSWER),
    row(
        "http-500",
        "HTTP 500",
        play!("http-500"),
        Right::Told("on purpose"),
    ),
];

fn start(request: &Request) -> Stream {
    let body = request.json().unwrap_or_default();
    Stream::new()
        .turn(request.number as u64 + 1)
        .model(body["model"].as_str().unwrap_or_default())
        .prelude()
}

/// A message with its phase, as the native service sends it.
fn phase(stream: Stream, phase: &str, text: &str) -> Stream {
    stream
        .push(ev::item_added(Item::open_message().with("phase", phase)))
        .push(ev::part_added())
        .push(ev::text_delta(text))
        .push(ev::text_done(text))
        .push(ev::part_done(text))
        .push(ev::item_done(Item::message(text).with("phase", phase)))
}

fn play(name: &str, request: &Request) -> Script {
    scenario(name).map_or_else(|| Script::status(500), |scenario| scenario.answer(request))
}

/// A conversation with one call of whatever shell is offered.
fn tool(request: &Request, bend: fn(Stream) -> Stream) -> Script {
    let body = request.json().unwrap_or_default();
    let stream = start(request);
    let input = body["input"].to_string();
    if input.contains("function_call_output") {
        let said = match input.contains("lab-ok") {
            true => LAB,
            false => "The command said nothing.",
        };
        return Script::stream(&bend(stream.message([said]).complete()));
    }
    let tools = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let offered = |name: &str| tools.iter().any(|tool| tool["name"] == name);
    let name = ["terminal", "shell"].into_iter().find(|name| offered(name));
    let arguments = json!({"command": "echo lab-ok"}).to_string();
    let called = stream.call(name.unwrap_or("shell"), [arguments.as_str()]);
    Script::stream(&bend(called.complete()))
}

fn broken(stream: Stream) -> Stream {
    stream
        .drop_type("response.created")
        .map_type("response.completed", |ev| {
            ev.with("response.output", Value::Array(Vec::new()))
        })
}
