//! Token counts, on the wire and in the final response: the upstream's own, or none (DEVIATIONS, group 10).

use respair_core::{Ending, Profile};
use serde_json::{Value, json};

use crate::corpus;
use crate::run::{strict, tolerant};

fn body(name: &str) -> Vec<u8> {
    let stream = corpus::rules()
        .into_iter()
        .find(|stream| stream.name == name);
    stream
        .unwrap_or_else(|| panic!("no fixture {name}.sse"))
        .body
}

/// The response object of the last event.
fn terminal(wire: &[u8]) -> Value {
    let text = String::from_utf8_lossy(wire);
    let data = text
        .lines()
        .rev()
        .filter_map(|line| line.strip_prefix("data: "))
        .find(|data| *data != "[DONE]");
    let event: Value = serde_json::from_str(data.unwrap()).unwrap();
    event["response"].clone()
}

#[test]
fn usage_is_the_upstreams_own_or_none() {
    let bare = json!({"input_tokens": 11, "output_tokens": 7, "total_tokens": 18});
    let whole = json!({
        "input_tokens": 11, "output_tokens": 7, "total_tokens": 18,
        "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0},
    });
    let mut cached = whole.clone();
    cached["input_tokens_details"]["cached_tokens"] = json!(4);
    for (name, expected) in [
        // 10.1
        ("usage-details-empty", bare.clone()),
        // 10.2
        ("usage-chat-names", cached),
        // 10.3
        ("usage-absent", Value::Null),
        ("usage-half", Value::Null),
        // 10.4
        ("usage-on-incomplete", bare),
        // 10.5: what `created` says is not what the response cost.
        ("usage-early", whole),
    ] {
        let body = body(name);
        let healed = tolerant(Profile::Portable, &body);
        assert_eq!(terminal(&healed.out)["usage"], expected, "{name}");
        // `run` prints the same, whichever way the stream was read.
        for outcome in [healed, strict(Profile::OpenAiSdk, &body)] {
            let told = outcome.response.usage.as_deref();
            let told = told.map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap());
            assert_eq!(told, expected, "{name}");
        }
    }
}

#[test]
fn usage_of_an_incomplete_response_is_kept() {
    let outcome = tolerant(Profile::Portable, &body("usage-on-incomplete"));
    let reason = Some("max_output_tokens".to_owned());
    assert_eq!(outcome.ending, Some(Ending::Incomplete { reason }));
    assert!(outcome.response.usage.is_some());
}

#[test]
fn usage_of_a_failed_response_is_kept() {
    let body = String::from_utf8(body("usage-chat-names")).unwrap();
    let (before, end) = body.split_once("event: response.completed").unwrap();
    let end = end
        .replace("response.completed", "response.failed")
        .replace(
            r#""status":"completed","store""#,
            r#""status":"failed","store""#,
        )
        .replace(
            r#""error":null"#,
            r#""error":{"code":"server_error","message":"no"}"#,
        );
    let failed = format!("{before}event: response.failed{end}");
    let outcome = tolerant(Profile::Portable, failed.as_bytes());
    assert!(matches!(outcome.ending, Some(Ending::Failed(_))));
    assert_eq!(terminal(&outcome.out)["usage"]["input_tokens"], 11);
    assert!(outcome.response.usage.is_some());
}

/// `end_turn: false` makes codex-rs send again; nobody here knows it, and it survives with its value.
#[test]
fn what_no_rule_knows_of_a_response_survives() {
    let body = String::from_utf8(body("usage-chat-names")).unwrap();
    let unknown = r#""end_turn":false,"x_relay":{"shard":[1,2]},"usage":{"#;
    let body = body.replace(r#""usage":{"#, unknown);
    for profile in [Profile::OpenAiSdk, Profile::Portable] {
        let response = terminal(&tolerant(profile, body.as_bytes()).out);
        assert_eq!(response["end_turn"], false, "{profile}");
        assert_eq!(response["x_relay"], json!({"shard": [1, 2]}), "{profile}");
    }
}
