//! An endpoint that does what it is asked: for tests that ask one in several ways.
//!
//! The scenarios play one misbehaviour whatever is asked. An obedient endpoint looks at the request: it makes the call that
//! is forced, two that may be parallel, reasons when asked to, runs into a small `max_output_tokens`, counts as far as it
//! is told, and refuses a model and a key by their names. What it sends, a test may bend.

use serde_json::Value;

use crate::ev::{self, Ev, Item, MODEL};
use crate::relay::Request;
use crate::script::Script;
use crate::stream::Stream;
use crate::words::Words;

/// What a model's name holds that nobody has.
const NO_MODEL: &str = "no-such-model";
/// What a key holds that nobody gave out.
const NO_KEY: &str = "no-such-key";
/// The largest `max_output_tokens` that is run into.
const SMALL: u64 = 16;

/// The conforming answer to a request: a refusal, a stream, or one JSON object.
#[must_use]
pub fn obedient(request: &Request) -> Script {
    obedient_but(request, |stream| stream)
}

/// The same with its stream bent.
#[must_use]
pub fn obedient_but(request: &Request, bend: impl FnOnce(Stream) -> Stream) -> Script {
    if let Some(refusal) = refusal(request) {
        return refusal;
    }
    let stream = obedient_stream(request);
    match request.field("stream") {
        Some(Value::Bool(true)) => Script::stream(&bend(stream)),
        _ => Script::json(200, &stream.response().unwrap_or(Value::Null)),
    }
}

/// The refusal of a request whose key or model does not exist, by its name.
#[must_use]
pub fn refusal(request: &Request) -> Option<Script> {
    let key = request.header("authorization").unwrap_or_default();
    if key.contains(NO_KEY) {
        let message = "Incorrect API key provided.";
        let kind = "invalid_request_error";
        return Some(Script::error(401, kind, Some("invalid_api_key"), message));
    }
    let model = request.field("model").unwrap_or_default();
    let model = model.as_str().filter(|model| model.contains(NO_MODEL))?;
    let message = format!("The requested model '{model}' does not exist.");
    let kind = "invalid_request_error";
    Some(Script::error(404, kind, Some("model_not_found"), &message))
}

/// The conforming stream that answers a request.
#[must_use]
pub fn obedient_stream(request: &Request) -> Stream {
    answer_saying(
        request.number,
        &request.json().unwrap_or_default(),
        &Words::default(),
    )
}

/// The same for the turn with this number, by the request's body alone.
pub(crate) fn answer_saying(number: usize, body: &Value, words: &Words) -> Stream {
    let stream = Stream::new()
        .turn(number as u64 + 1)
        .model(body["model"].as_str().unwrap_or(MODEL))
        .prelude();
    if let Some(name) = forced(body) {
        return call(stream, &name, "Paris").complete();
    }
    // The output of calls has its answer, and what is said here of cities is nothing to run in a shell.
    let calls = !has_output(body) && !offers_only_a_shell(body);
    if let Some(tool) = body["tools"][0]["name"].as_str()
        && body["parallel_tool_calls"] == true
        && calls
    {
        return call(call(stream, tool, "Paris"), tool, "Oslo").complete();
    }
    if is_cut(body) {
        return cut(stream);
    }
    if body["reasoning"].is_object() {
        return stream
            .reasoning(words.summary())
            .message(words.text())
            .complete();
    }
    match counted(body) {
        Some(to) => {
            let numbers = numbers(to);
            stream
                .message(numbers.iter().map(String::as_str))
                .complete()
        }
        None => stream.message(words.text()).complete(),
    }
}

/// The function that `tool_choice` names.
pub(crate) fn forced(body: &Value) -> Option<String> {
    body["tool_choice"]["name"].as_str().map(str::to_owned)
}

/// Whether the request brings the output of a call.
pub(crate) fn has_output(body: &Value) -> bool {
    let input = body["input"].as_array().into_iter().flatten();
    input
        .map(|item| &item["type"])
        .any(|kind| kind == "function_call_output")
}

/// Whether the functions that the request offers are a shell's, as Codex CLI's are.
pub(crate) fn offers_only_a_shell(body: &Value) -> bool {
    let tools = body["tools"].as_array().into_iter().flatten();
    let names: Vec<&Value> = tools.map(|tool| &tool["name"]).collect();
    names.iter().any(|name| **name == "exec_command")
        && !names.iter().any(|name| **name == "get_weather")
}

/// Whether the answer runs into `max_output_tokens`.
pub(crate) fn is_cut(body: &Value) -> bool {
    body["max_output_tokens"]
        .as_u64()
        .is_some_and(|most| most <= SMALL)
}

/// A whole call about one city.
pub(crate) fn call(stream: Stream, name: &str, city: &str) -> Stream {
    let whole = ["{\"", "city", "\":\"", city, "\"}"];
    stream.call(name, whole)
}

/// An answer that was cut by its limit, as the native service writes it.
pub(crate) fn cut(stream: Stream) -> Stream {
    cut_with(stream, "incomplete", ev::incomplete("max_output_tokens"))
}

/// The same, called completed.
pub(crate) fn cut_and_completed(stream: Stream) -> Stream {
    cut_with(stream, "completed", ev::completed_with_done_items())
}

fn cut_with(stream: Stream, status: &str, terminal: Ev) -> Stream {
    let numbers = numbers(8);
    let text = numbers.concat();
    stream
        .push(ev::message_added())
        .push(ev::part_added())
        .extend(numbers.iter().map(|number| ev::text_delta(number)))
        .push(ev::text_done(&text))
        .push(ev::part_done(&text))
        .push(ev::item_done(Item::message(&text).with("status", status)))
        .push(
            terminal
                .with("response.usage.output_tokens", SMALL)
                .with("response.usage.total_tokens", SMALL + 11),
        )
}

/// How far the prompt says to count: the number behind `from 1 to`.
fn counted(body: &Value) -> Option<u64> {
    let prompt = match &body["input"] {
        Value::String(text) => text.as_str(),
        list => list[0]["content"][0]["text"].as_str()?,
    };
    let (_, rest) = prompt.split_once("from 1 to ")?;
    rest.split(' ').next()?.parse().ok()
}

/// `1`, `, 2`, `, 3` …
fn numbers(to: u64) -> Vec<String> {
    (1..=to)
        .map(|n| match n {
            1 => n.to_string(),
            _ => format!(", {n}"),
        })
        .collect()
}
