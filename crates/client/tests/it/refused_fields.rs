//! A field that an endpoint refuses by name is left out once, said, and remembered (DEVIATIONS 7.1).

use std::sync::{Arc, Mutex};

use respair_client::{Client, ClientOptions, EndpointMemory, RecoveryAction, RecoveryMode};
use respair_faults::{Request, Script, conforming_text};
use serde_json::{Value, json};

use crate::support::*;

/// Refuses the first of `fields` that a request holds.
fn picky(fields: &'static [&'static str]) -> impl Fn(&Request) -> Script {
    move |request| {
        let body = request.json().unwrap_or_default();
        match fields.iter().find(|field| body.get(**field).is_some()) {
            Some(field) => Script::error(
                400,
                "invalid_request_error",
                Some("unsupported_parameter"),
                &format!("Unsupported parameter: '{field}'."),
            ),
            None => Script::stream(&conforming_text(["Hello"])),
        }
    }
}

fn asking(fields: &Value) -> respair_client::TurnRequest {
    let mut request = request();
    request.fields = fields.as_object().unwrap().clone();
    request
}

fn refused() -> Value {
    json!({"include": ["reasoning.encrypted_content"], "prompt_cache_key": "k", "metadata": {"a": "b"}})
}

#[tokio::test(start_paused = true)]
async fn it_is_left_out_and_the_next_turn_does_not_send_it() {
    let dir = tempfile::tempdir().unwrap();
    let relay = relay(picky(&["include", "prompt_cache_key"])).await;
    let turn = || async {
        let options = ClientOptions {
            memory: Some(EndpointMemory::open(dir.path())),
            ..options(&TestClock::new())
        };
        let client = Client::new(custom(&relay), options).unwrap();
        run_request(&client, asking(&refused())).await
    };
    let first = turn().await;
    first.assert_completed("Hello");
    assert_eq!(first.outcome.upstream_requests, 3);
    assert_eq!(
        first.recoveries(),
        [
            (RecoveryAction::FieldDropped, "include", 2),
            (RecoveryAction::FieldDropped, "prompt_cache_key", 3)
        ]
    );
    let second = turn().await;
    second.assert_completed("Hello");
    assert_eq!(second.outcome.upstream_requests, 1);
    assert!(!second.outcome.remembered, "no rule was broken");
    let last = relay.requests().pop().unwrap().json().unwrap();
    assert_eq!(last["metadata"], json!({"a": "b"}));
    assert!(last.get("include").is_none());
}

#[tokio::test(start_paused = true)]
async fn what_the_question_means_is_never_left_out() {
    let relay = relay(picky(&["tools"])).await;
    let client = client(custom(&relay));
    let run = run_request(&client, asking(&json!({"tools": [{"type": "function"}]}))).await;
    assert_eq!(run.outcome.upstream_requests, 1);
    let error = run.outcome.error.unwrap();
    assert_eq!(error.refused_field.as_deref(), Some("tools"));
}

#[tokio::test(start_paused = true)]
async fn a_native_or_strict_endpoint_gets_no_second_request() {
    let relay = relay(picky(&["include"])).await;
    let mut strict = custom(&relay);
    strict.recovery.mode = RecoveryMode::Strict;
    for endpoint in [native("openai", &relay), strict] {
        let run = run_request(&client(endpoint), asking(&refused())).await;
        assert_eq!(run.outcome.upstream_requests, 1);
        assert!(run.recoveries().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_budget_ends_it() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let endless = move |request: &Request| {
        *count.lock().unwrap() += 1;
        let body = request.json().unwrap();
        let field = body
            .as_object()
            .unwrap()
            .keys()
            .find(|f| f.starts_with('x'));
        let field = field.cloned().unwrap_or_default();
        Script::error(400, "e", None, &format!("Unknown parameter: '{field}'."))
    };
    let relay = relay(endless).await;
    let many: serde_json::Map<String, Value> =
        (0..9).map(|n| (format!("x{n}"), json!(1))).collect();
    let run = run_request(&client(custom(&relay)), asking(&Value::Object(many))).await;
    assert_eq!(*asked.lock().unwrap(), 4, "recovery.max_requests");
    assert_eq!(run.outcome.upstream_requests, 4);
}
