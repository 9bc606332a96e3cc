//! The rows: what the relay does.

use respair_faults::{Answer as _, Request, Script, Stream, scenario};
use serde_json::{Value, json};

/// One way to behave.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    /// The answer to a request for a response.
    pub(crate) answer: fn(&Request) -> Script,
    /// What a true answer holds; `None` where there is no whole one.
    pub(crate) whole: Option<&'static str>,
    /// What has to be told where there is none: words of the upstream's, or nothing for a cut.
    pub(crate) words: &'static str,
    /// The run before this one in the same home counts for nothing: what is measured is what was learnt.
    pub(crate) again: bool,
}

const HELLO: &str = "Hello from the relay.";

macro_rules! row {
    ($name:literal, $summary:literal, $scenario:literal, $whole:expr, $words:literal) => {
        Row {
            name: $name,
            summary: $summary,
            answer: |request| play($scenario, request),
            whole: $whole,
            words: $words,
            again: false,
        }
    };
}

pub(crate) const ROWS: &[Row] = &[
    row!("conforming", "a conforming answer", "text", Some(HELLO), ""),
    row!(
        "no-created",
        "the archetype: `response.in_progress` first",
        "no-created",
        Some(HELLO),
        ""
    ),
    Row {
        name: "no-created-again",
        summary: "the same, the second time",
        answer: |request| play("no-created", request),
        whole: Some(HELLO),
        words: "",
        again: true,
    },
    row!(
        "rate-limits-first",
        "`codex.rate_limits` first",
        "rate-limits-first",
        Some(HELLO),
        ""
    ),
    row!(
        "output-null",
        "`completed` with `output: null`",
        "output-null",
        Some(HELLO),
        ""
    ),
    row!(
        "deltas-only",
        "deltas and a terminal, nothing else",
        "deltas-only",
        Some(HELLO),
        ""
    ),
    row!(
        "held-open",
        "held open behind `completed`",
        "hold-after-terminal",
        Some(HELLO),
        ""
    ),
    Row {
        name: "tool",
        summary: "a call of the shell, then the answer",
        answer: |request| tool(request, |stream| stream),
        whole: Some("The command said lab-ok."),
        words: "",
        again: false,
    },
    Row {
        name: "tool-broken",
        summary: "the same without `created`, terminal `output: []`",
        answer: |request| tool(request, broken),
        whole: Some("The command said lab-ok."),
        words: "",
        again: false,
    },
    Row {
        name: "cut-once",
        summary: "cut in the middle of the text, the first time",
        answer: |request| match request.number {
            0 => play("eof-mid-text", request),
            _ => play("text", request),
        },
        whole: Some(HELLO),
        words: "",
        again: false,
    },
    row!(
        "cut",
        "cut in the middle of the text, always",
        "eof-mid-text",
        None,
        ""
    ),
    row!(
        "error-flat",
        "a flat `error` event",
        "error-flat",
        None,
        "on purpose"
    ),
    row!("failed", "`response.failed`", "failed", None, "on purpose"),
    row!(
        "http-400",
        "HTTP 400 for a field that nobody needs",
        "http-400-store",
        Some(HELLO),
        ""
    ),
    row!(
        "http-401",
        "HTTP 401",
        "http-401",
        None,
        "Incorrect API key"
    ),
    row!("http-500", "HTTP 500", "http-500", None, "on purpose"),
];

fn play(name: &str, request: &Request) -> Script {
    scenario(name).map_or_else(|| Script::status(500), |scenario| scenario.answer(request))
}

/// A conversation with one call of whatever shell is offered.
fn tool(request: &Request, bend: fn(Stream) -> Stream) -> Script {
    let body = request.json().unwrap_or_default();
    let stream = Stream::new()
        .turn(request.number as u64 + 1)
        .model(body["model"].as_str().unwrap_or_default())
        .prelude();
    let input = body["input"].to_string();
    if input.contains("function_call_output") {
        let said = match input.contains("lab-ok") {
            true => "The command said lab-ok.",
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
