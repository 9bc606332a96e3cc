//! Requests that do not ask for a stream.

use respair_faults::{Relay, Script, Step, Stream, conforming_text, ev};
use respair_gateway::Finish;
use serde_json::{Value, json};

use crate::support::{Got, before, got, relay};

async fn asked(script: Script) -> (Got, Relay, respair_gateway::Record) {
    let relay = relay(script).await;
    let gateway = before(&relay).await;
    let got = got(gateway.post(&json!({"model": "asked-model", "input": "hi"}))).await;
    let record = gateway.records(1).await[0].clone();
    (got, relay, record)
}

fn whole() -> Value {
    conforming_text(["Hi"]).response().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_conforming_response_passes_byte_for_byte() {
    let body = serde_json::to_string_pretty(&whole()).unwrap();
    let (got, _, record) =
        asked(Script::text(200, "application/json", body.clone()).header("x-request-id", "r"))
            .await;
    assert_eq!((got.status, got.text()), (200, body));
    assert_eq!(
        (got.header("content-type"), got.header("x-request-id")),
        ("application/json", "r")
    );
    assert_eq!(
        (record.finish, record.repairs.len()),
        (Finish::Completed, 0)
    );
    assert!(record.tokens.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_thin_response_is_filled_by_the_same_rules() {
    let mut thin = whole();
    for field in ["model", "created_at"] {
        thin.as_object_mut().unwrap().remove(field);
    }
    let (got, _, record) = asked(Script::json(200, &thin)).await;
    assert_eq!(got.json()["model"], "asked-model", "{}", got.text());
    assert_eq!(got.json()["output"], thin["output"]);
    assert!(!record.repairs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_folded() {
    let stream = Stream::new()
        .push(ev::in_progress())
        .message(["Hel", "lo"])
        .complete();
    let stream = stream.map_type("response.completed", |event| {
        event.with("response.output", json!([]))
    });
    for script in [
        Script::stream(&stream),
        Script::stream(&stream).step(Step::HoldOpen),
        Script::stream(&stream).step(Step::Reset),
    ] {
        let (got, _, record) = asked(script).await;
        assert_eq!(got.status, 200, "{}", got.text());
        assert_eq!(got.json()["output"][0]["content"][0]["text"], "Hello");
        assert_eq!(got.header("content-type"), "application/json");
        assert_eq!(record.finish, Finish::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_terminal_there_is_no_response() {
    let stream = conforming_text(["Hel", "lo"]).before("response.completed");
    let (got, relay, record) = asked(Script::stream(&stream)).await;
    assert_eq!(
        (got.status, got.json()["error"]["code"].as_str()),
        (502, Some("upstream_truncated"))
    );
    assert_eq!(record.finish, Finish::Truncated);
    // Nothing was delivered, so it was asked again.
    assert_eq!(relay.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_or_failed_is_passed_on() {
    for status in ["queued", "in_progress", "failed", "cancelled"] {
        let mut response = whole();
        response["status"] = json!(status);
        response["output"] = json!([]);
        if status == "failed" {
            response["error"] = json!({"code": "server_error", "message": "no"});
        }
        let (got, relay, _) = asked(Script::json(200, &response)).await;
        assert_eq!(
            (got.status, got.json()["status"].as_str()),
            (200, Some(status)),
            "{}",
            got.text()
        );
        assert_eq!(relay.requests().len(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_errors() {
    let page = Script::text(200, "text/html", "<html><title>Sign in</title>");
    let (got, ..) = asked(page).await;
    assert_eq!(
        (got.status, got.json()["error"]["code"].as_str()),
        (502, Some("html-instead-of-sse"))
    );
    let (got, ..) = asked(Script::json(
        200,
        &json!({"error": {"message": "no", "code": "invalid_api_key"}}),
    ))
    .await;
    assert_eq!(
        (got.status, got.json()["error"]["message"].as_str()),
        (401, Some("no"))
    );
    let (got, ..) = asked(Script::json(200, &Value::Null)).await;
    assert_eq!(got.status, 502);
    let failed = Stream::new()
        .prelude()
        .push(ev::failed("context_length_exceeded", "too long"));
    let (got, ..) = asked(Script::stream(&failed)).await;
    assert_eq!(
        (got.status, got.json()["error"]["code"].as_str()),
        (400, Some("context_length_exceeded"))
    );
}
