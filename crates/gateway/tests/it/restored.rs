//! Calls that are given back, from streams that are damaged, cut, chopped or slow: whole, once and the upstream's own, or not.

use std::time::Duration;

use respair_client::Endpoint;
use respair_faults::{Gate, Relay, Script, Step, Stream, ev};
use respair_gateway::Upstream;
use serde_json::{Value, json};

use crate::support::{Got, Running, endpoint, got, relay, serve};

const PIECES: [&str; 6] = [
    "{\"input\"",
    ": \"*** Begin\\",
    "n+\\ud83d",
    "\\ude00",
    "é\\\\ end\"",
    " }",
];
const INPUT: &str = "*** Begin\n+😀é\\ end";

/// A gateway that knows what its relay refuses.
async fn knowing(relay: &Relay, change: impl FnOnce(&mut Endpoint)) -> Running {
    let mut endpoint = endpoint(relay);
    endpoint.refused_tools = vec!["custom".to_owned(), "namespace".to_owned()];
    change(&mut endpoint);
    serve(vec![Upstream::new("relay", endpoint)], |_| {}).await
}

fn request() -> Value {
    json!({"model": "m", "stream": true, "input": "x", "tools": [{"type": "custom", "name": "patch"}]})
}

fn call() -> Stream {
    Stream::new()
        .prelude()
        .message(["I", " patch."])
        .call("patch", PIECES)
        .complete()
}

/// What holds of every answer; `true` where the call was done.
fn honest(got: &Got, what: &str) -> bool {
    if got.status != 200 {
        assert!(got.status >= 500, "{what}");
        return false;
    }
    let text = got.text();
    got.judged();
    assert!(!text.contains("function_call"), "{what}: {text}");
    let events = got.events();
    let of = |kind: &str| -> Vec<&Value> {
        events
            .iter()
            .filter(|event| event["type"] == kind)
            .collect()
    };
    let said: String = of("response.custom_tool_call_input.delta")
        .iter()
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    assert!(INPUT.starts_with(&said), "{what}: {said}");
    let done: Vec<&Value> = of("response.output_item.done")
        .into_iter()
        .map(|event| &event["item"])
        .filter(|item| item["type"] == "custom_tool_call")
        .collect();
    assert!(done.len() <= 1, "{what}: twice");
    for item in &done {
        assert_eq!(
            (&item["input"], said.as_str()),
            (&json!(INPUT), INPUT),
            "{what}"
        );
    }
    let last = events.last().unwrap();
    if last["type"] == "response.completed" {
        let output = last["response"]["output"].as_array().unwrap();
        let listed: Vec<&Value> = output
            .iter()
            .filter(|item| item["type"] == "custom_tool_call")
            .collect();
        assert_eq!(listed, done, "{what}");
    }
    done.len() == 1
}

#[tokio::test(start_paused = true)]
async fn whatever_is_missing_the_call_is_whole_or_not_done() {
    let kinds = [
        "response.created",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    let mut done = 0;
    for first in kinds {
        for second in kinds {
            let relay = relay(Script::stream(&call().drop_type(first).drop_type(second))).await;
            let gateway = knowing(&relay, |_| {}).await;
            let got = got(gateway.post(&request())).await;
            done += usize::from(honest(&got, &format!("without {first} and {second}")));
        }
    }
    assert!(done > 20, "{done} of 36");
}

#[tokio::test(start_paused = true)]
async fn wherever_it_is_cut_nothing_is_invented() {
    let whole = call();
    let count = whole.frames().len();
    for at in 0..=count {
        let relay = relay(Script::stream(&whole.clone().take(at))).await;
        let gateway = knowing(&relay, |_| {}).await;
        let got = got(gateway.post(&request())).await;
        let done = honest(&got, &format!("cut at {at}"));
        assert!(!done || at + 1 >= count, "cut at {at}");
        let completed = got.text().contains("event: response.completed");
        assert_eq!(completed, at == count, "cut at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_chunks_give_the_same_events() {
    let bytes = call().to_bytes();
    let mut answers = Vec::new();
    for size in [1, 7, 64, bytes.len()] {
        let mut script = Script::sse();
        for chunk in bytes.chunks(size) {
            script = script.send(chunk.to_vec());
        }
        let relay = relay(script).await;
        let gateway = knowing(&relay, |_| {}).await;
        let got = got(gateway.post(&request())).await;
        assert!(honest(&got, &format!("{size} bytes at once")));
        answers.push(got.body);
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]));
}

/// What arguments the model may come up with, in pieces of any size.
#[tokio::test(start_paused = true)]
async fn arguments_are_an_input_or_an_error() {
    let mut dice = fastrand::Rng::with_seed(7);
    let parts = [
        "{",
        "}",
        "\"",
        "input",
        ":",
        "\\",
        "n",
        "u00e9",
        "ud83d",
        "ude00",
        " ",
        "é",
        "[",
        ",",
        "x",
        "{\"input\":\"",
        "\"}",
    ];
    let (mut whole, mut failed) = (0, 0);
    for _ in 0..150 {
        let mut arguments = String::new();
        if dice.u8(..) < 200 {
            arguments.push_str("{\"input\":\"");
        }
        for _ in 0..dice.usize(..8) {
            arguments.push_str(parts[dice.usize(..parts.len())]);
        }
        if dice.u8(..) < 200 {
            arguments.push_str("\"}");
        }
        let mut pieces = Vec::new();
        let chars: Vec<char> = arguments.chars().collect();
        let mut rest = chars.as_slice();
        while !rest.is_empty() {
            let (piece, left) = rest.split_at(dice.usize(1..=rest.len().min(4)));
            pieces.push(piece.iter().collect::<String>());
            rest = left;
        }
        let stream = Stream::new()
            .prelude()
            .call("patch", pieces.iter().map(String::as_str))
            .complete();
        let relay = relay(Script::stream(&stream)).await;
        let gateway = knowing(&relay, |_| {}).await;
        let got = got(gateway.post(&request())).await;
        let expected: Option<Value> = serde_json::from_str(&arguments).ok();
        let fields = expected
            .as_ref()
            .and_then(Value::as_object)
            .map_or(0, serde_json::Map::len);
        let input = expected
            .as_ref()
            .and_then(|value| value["input"].as_str())
            .filter(|_| fields == 1);
        let item = got
            .events()
            .into_iter()
            .find(|event| event["type"] == "response.output_item.done");
        match (input, item) {
            (Some(input), Some(done)) => {
                got.judged();
                assert_eq!(done["item"]["input"], input, "{arguments}");
                whole += 1;
            }
            // Half of a pair alone is JSON to some and not to others.
            (None, Some(done)) => assert!(arguments.contains("\\ud"), "{arguments}: {done}"),
            (Some(_), None) => panic!("{arguments}: {}", got.text()),
            (None, None) => {
                assert!(
                    got.status == 502 || got.text().contains("response.failed"),
                    "{arguments}"
                );
                failed += 1;
            }
        }
    }
    assert!(whole > 30 && failed > 30, "{whole} and {failed}");
}

/// Codex needs an event to stay. What it carries of an open call is what was said of it.
#[tokio::test(start_paused = true)]
async fn a_heartbeat_carries_the_call_as_the_client_knows_it() {
    let whole = call();
    let at = whole
        .position("response.function_call_arguments.delta")
        .unwrap()
        + 3;
    let frames = whole.frames();
    let mut script = Script::sse();
    for (n, frame) in frames.iter().enumerate() {
        if n == at {
            script = script.step(Step::Delay(Duration::from_secs(20)));
        }
        script = script.send(frame.clone());
    }
    let relay = relay(script).await;
    let gateway = knowing(&relay, |_| {}).await;
    let request = gateway
        .post(&request())
        .header("user-agent", "codex_exec/0.169.0");
    let got = got(request).await;
    assert!(honest(&got, "with a heartbeat"));
    let events = got.events();
    let beat = events
        .iter()
        .rfind(|event| event["type"] == "response.in_progress")
        .unwrap();
    let item = beat["response"]["output"]
        .as_array()
        .unwrap()
        .last()
        .unwrap();
    assert_eq!(
        (&item["type"], &item["input"]),
        (&json!("custom_tool_call"), &json!("*** Begin\n+")),
        "{beat}"
    );
}

/// With every rule off that would have mended the stream first, a call is given back or it is not, and nothing breaks.
#[tokio::test(start_paused = true)]
async fn without_the_reader_s_mends_nothing_is_promised_and_nothing_is_done_by_halves() {
    let kinds = [
        "response.output_item.added",
        "response.function_call_arguments.done",
        "response.function_call_arguments.delta",
    ];
    for kind in kinds {
        let stream = call()
            .drop_type(kind)
            .map(|ev| ev.without("item_id").without("output_index"));
        let relay = relay(Script::stream(&stream)).await;
        let gateway = knowing(&relay, |endpoint| {
            endpoint.recovery.without = respair_core::Code::all().collect();
        })
        .await;
        let got = got(gateway.post(&request())).await;
        for event in got.events() {
            if event["item"]["type"] == "custom_tool_call"
                && event["type"] == "response.output_item.done"
            {
                assert_eq!(event["item"]["input"], INPUT);
            }
        }
    }
}

/// Two calls at once, and a function of the client's own between them.
#[tokio::test(start_paused = true)]
async fn calls_that_interleave_are_kept_apart() {
    let at = |ev: respair_faults::ev::Ev, index: u64| {
        ev.with("output_index", index)
            .with("item_id", format!("fc_{index}"))
    };
    let item = |ev: respair_faults::ev::Ev, index: u64| {
        ev.with("output_index", index)
            .with("item.id", format!("fc_{index}"))
            .with("item.call_id", format!("call_{index}"))
    };
    let stream = Stream::new()
        .prelude()
        .push(item(ev::call_added("patch"), 0))
        .push(item(ev::call_added("own"), 1))
        .push(item(ev::call_added("patch"), 2))
        .push(at(ev::arguments_delta("{\"input\":\"a"), 0))
        .push(at(ev::arguments_delta("{\"input\":\"own"), 1))
        .push(at(ev::arguments_delta("{\"input\":\"b"), 2))
        .push(at(ev::arguments_delta("A\"}"), 0))
        .push(at(ev::arguments_delta("\"}"), 1))
        .push(at(ev::arguments_delta("B\"}"), 2))
        .push(at(ev::arguments_done("{\"input\":\"bB\"}"), 2))
        .push(item(ev::call_done("patch", "{\"input\":\"bB\"}"), 2))
        .push(at(ev::arguments_done("{\"input\":\"aA\"}"), 0))
        .push(item(ev::call_done("patch", "{\"input\":\"aA\"}"), 0))
        .push(at(ev::arguments_done("{\"input\":\"own\"}"), 1))
        .push(item(ev::call_done("own", "{\"input\":\"own\"}"), 1))
        .push(ev::completed_with_done_items());
    let relay = relay(Script::stream(&stream)).await;
    let gateway = knowing(&relay, |_| {}).await;
    let got = got(gateway.post(&request())).await;
    got.judged();
    let events = got.events();
    let done: Vec<(Value, Value, Value)> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| {
            let item = &event["item"];
            let said = item.get("input").or_else(|| item.get("arguments")).unwrap();
            (
                event["output_index"].clone(),
                item["type"].clone(),
                said.clone(),
            )
        })
        .collect();
    assert_eq!(
        done,
        [
            (json!(2), json!("custom_tool_call"), json!("bB")),
            (json!(0), json!("custom_tool_call"), json!("aA")),
            (
                json!(1),
                json!("function_call"),
                json!("{\"input\":\"own\"}")
            ),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn deltas_are_not_held_back() {
    let gate = Gate::new();
    let whole = call();
    let at = whole
        .position("response.function_call_arguments.delta")
        .unwrap()
        + 3;
    let mut script = Script::sse();
    for (n, frame) in whole.frames().iter().enumerate() {
        if n == at {
            script = script.step(Step::Gate(gate.clone()));
        }
        script = script.send(frame.clone());
    }
    let relay = relay(script).await;
    let gateway = knowing(&relay, |_| {}).await;
    let mut response = gateway.post(&request()).send().await.unwrap();
    let mut seen = String::new();
    while !seen.contains("*** Begin") {
        let chunk = response.chunk().await.unwrap().unwrap();
        seen.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(!seen.contains("custom_tool_call_input.done"));
    gate.open();
    while let Some(chunk) = response.chunk().await.unwrap() {
        seen.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(seen.contains("response.completed"));
}
