//! A function call runs only when it is whole, and once.

use respair_agent::AnswerStatus;
use respair_faults::ev::{self, Item};
use respair_faults::{Script, Stream};
use serde_json::{Value, json};

use crate::support::*;

pub(crate) const OSLO: &str = "{\"city\":\"Oslo\"}";
const ROME: &str = "{\"city\":\"Rome\"}";

/// A call that names itself, so that a stream leaves it as it is.
pub(crate) fn named(id: &str, arguments: Value) -> Item {
    Item::raw(json!({
        "type": "function_call",
        "id": format!("fc_{id}"),
        "call_id": format!("call_{id}"),
        "name": "weather",
        "arguments": arguments,
        "status": "completed",
    }))
}

pub(crate) fn opened(id: &str) -> ev::Ev {
    ev::item_added(named(id, json!("")).with("status", "in_progress"))
}

/// A response whose call is closed as this item; its end is still to come.
pub(crate) fn closed(item: Item) -> Stream {
    response(1).push(opened("1")).push(ev::item_done(item))
}

/// A response with a call whose arguments came so far, and which was not closed.
pub(crate) fn open(arguments: &str) -> Stream {
    let deltas = Some(arguments).filter(|text| !text.is_empty());
    response(1)
        .push(ev::call_added("weather"))
        .extend(deltas.map(ev::arguments_delta))
}

pub(crate) fn incomplete() -> ev::Ev {
    ev::incomplete("max_output_tokens")
}

/// What a case is to lead to: the cities that the tool was called for (`""` is none), and what the model is told.
struct Case(&'static str, Stream, &'static [&'static str], Told);

enum Told {
    /// Outputs in the next request that hold these.
    Outputs(&'static [&'static str]),
    /// Another request, in which nothing of the call is left.
    Nothing,
    /// The turn fails with this code.
    Failed(&'static str),
}

use Told::{Failed, Nothing, Outputs};

/// Calls as an upstream closes them, at the end of a response that completed.
fn closed_calls() -> Vec<Case> {
    let one = |arguments: Value| closed(named("1", arguments)).complete();
    let status = |arguments: &str, status: &str| {
        closed(named("1", json!(arguments)).with("status", status)).complete()
    };
    let echo = Outputs(&["echo Oslo"]);
    vec![
        Case("whole", one(json!(OSLO)), &["Oslo"], echo),
        Case("empty", one(json!("")), &[""], Outputs(&["echo nothing"])),
        Case("null", one(json!(null)), &[""], Outputs(&["echo nothing"])),
        Case(
            "an object",
            one(json!({"city": "Oslo"})),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "the text null",
            one(json!("null")),
            &[],
            Outputs(&["are no JSON object"]),
        ),
        Case(
            "an array",
            one(json!("[1]")),
            &[],
            Outputs(&["are no JSON object"]),
        ),
        Case(
            "half",
            one(json!("{\"city\":\"Os")),
            &[],
            Outputs(&["are no JSON: "]),
        ),
        Case(
            "more behind it",
            one(json!("{\"city\":\"Oslo\"} ok")),
            &[],
            Outputs(&["are no JSON: trailing"]),
        ),
        Case(
            "two objects",
            one(json!(format!("{OSLO}{ROME}"))),
            &[],
            Outputs(&["are no JSON: trailing"]),
        ),
        Case(
            "a name twice",
            one(json!("{\"city\":\"Oslo\",\"city\":\"Rome\"}")),
            &[],
            Outputs(&["`city` is there twice"]),
        ),
        Case(
            "said to be incomplete",
            status(OSLO, "incomplete"),
            &[],
            Outputs(&["not run: "]),
        ),
        Case(
            "nothing yet",
            status("", "in_progress"),
            &[],
            Outputs(&["not run: "]),
        ),
        Case(
            "in progress and whole",
            status(OSLO, "in_progress"),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "deltas of another one",
            open(ROME)
                .push(ev::arguments_done(OSLO))
                .push(ev::call_done("weather", OSLO))
                .complete(),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "no call id",
            response(1)
                .push(opened("1").without("item.call_id"))
                .push(ev::item_done(named("1", json!(OSLO)).without("call_id")))
                .complete(),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "no name",
            response(1)
                .push(opened("1").without("item.name"))
                .push(ev::item_done(named("1", json!(OSLO)).without("name")))
                .complete(),
            &[],
            Nothing,
        ),
        Case(
            "a custom call",
            response(1)
                .push(ev::custom_call_added("weather"))
                .push(ev::custom_input_delta(OSLO))
                .push(ev::custom_input_done(OSLO))
                .push(ev::custom_call_done("weather", OSLO))
                .complete(),
            &[],
            Outputs(&["there is no tool `weather`"]),
        ),
    ]
}

/// Calls at ends that are none, or not theirs.
fn ends() -> Vec<Case> {
    let whole = || response(1).call("weather", [OSLO]);
    let other = Item::call("weather", OSLO)
        .with("call_id", "call_other")
        .with("id", "fc_other");
    vec![
        Case(
            "incomplete, nothing yet",
            closed(named("1", json!("")).with("status", "incomplete")).push(incomplete()),
            &[],
            Outputs(&["not run: "]),
        ),
        Case(
            "incomplete, open, half",
            open("{\"city\":\"Os").push(incomplete()),
            &[],
            Nothing,
        ),
        Case(
            "incomplete, open, whole",
            open(OSLO).push(incomplete()),
            &[],
            Nothing,
        ),
        Case(
            "incomplete, open, empty",
            open("").push(incomplete()),
            &[],
            Nothing,
        ),
        Case(
            "incomplete, closed and whole",
            whole().push(incomplete()),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "completed, open, half",
            open("{\"city\":\"Os").complete(),
            &[],
            Failed("upstream_call_incomplete"),
        ),
        Case(
            "completed, open, empty",
            open("").complete(),
            &[],
            Failed("upstream_call_incomplete"),
        ),
        Case(
            "completed, open, whole",
            open(OSLO).complete(),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "in the output alone",
            response(1).push(ev::completed([named("1", json!(OSLO))])),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "in the output alone, in progress",
            response(1).push(ev::completed([
                named("1", json!("")).with("status", "in_progress")
            ])),
            &[],
            Outputs(&["not run: "]),
        ),
        Case(
            "other ids in the output",
            whole().push(ev::completed([other])),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "done twice",
            whole()
                .push(ev::call_done("weather", OSLO).index(0))
                .complete(),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "two items, one call",
            closed(named("1", json!(OSLO)))
                .push(opened("1").item_id("fc_2"))
                .push(ev::item_done(named("1", json!(OSLO)).with("id", "fc_2")))
                .complete(),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "two calls, one id",
            closed(named("1", json!(OSLO)))
                .push(opened("1").item_id("fc_2"))
                .push(ev::item_done(named("1", json!(ROME)).with("id", "fc_2")))
                .complete(),
            &["Oslo", "Rome"],
            Outputs(&["echo Oslo", "echo Rome"]),
        ),
        Case("cut, open, whole", open(OSLO), &[], Nothing),
        Case(
            "cut, arguments done, not closed",
            open(OSLO).push(ev::arguments_done(OSLO)),
            &[],
            Nothing,
        ),
        Case(
            "cut after the next item began",
            open(OSLO)
                .push(ev::message_added().index(1))
                .push(ev::part_added().index(1))
                .push(ev::text_delta("Hm").index(1)),
            &[],
            Nothing,
        ),
        Case("cut, closed", whole(), &["Oslo"], Outputs(&["echo Oslo"])),
        Case(
            "cut, closed, [DONE]",
            whole().push(ev::done_sentinel()),
            &["Oslo"],
            Outputs(&["echo Oslo"]),
        ),
        Case(
            "failed, closed",
            whole().push(ev::failed("server_error", "no")),
            &[],
            Failed("server_error"),
        ),
        Case(
            "an error, closed",
            whole().push(ev::error_flat("server_error", "no")),
            &[],
            Failed("server_error"),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_call_runs_when_it_is_whole_and_once() {
    for Case(name, stream, cities, told) in closed_calls().into_iter().chain(ends()) {
        for cut in [
            Script::in_chunks_of as fn(Script, usize) -> Script,
            |s, _| s,
        ] {
            let script = cut(Script::stream(&stream), 7);
            let relay = plays([script, says(2, "The end.")]).await;
            let tool = Made::echo("weather");
            let mut conversation = conversation(&relay, [tool.clone() as _]);
            let run = say(&mut conversation, "Go").await;
            let called = tool.called.lock().unwrap().clone();
            let called: Vec<&str> = called
                .iter()
                .map(|arguments| arguments["city"].as_str().unwrap_or_default())
                .collect();
            assert_eq!(called, cities, "{name}");
            if let Failed(code) = told {
                assert_eq!(run.answer.status, AnswerStatus::Failed, "{name}");
                let error = run.answer.error.as_ref().unwrap();
                assert_eq!(error.code.as_deref(), Some(code), "{name}");
                assert_eq!(relay.requests().len(), 1, "{name}");
                // What follows holds no call without an output.
                say(&mut conversation, "Well?").await;
            } else {
                assert_eq!(run.answer.status, AnswerStatus::Completed, "{name}");
                assert_eq!(run.answer.text, "The end.", "{name}");
            }
            let next = input(relay.requests().last().unwrap());
            let outputs = joined(&next, name);
            match told {
                Outputs(expected) => {
                    assert_eq!(outputs.len(), expected.len(), "{name}: {next:?}");
                    for (output, expected) in outputs.iter().zip(expected) {
                        assert!(output.contains(expected), "{name}: {output}");
                    }
                }
                Nothing => assert_eq!(next.len(), 1, "{name}: {next:?}"),
                Failed(_) => {}
            }
        }
    }
}
