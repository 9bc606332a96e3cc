//! Errors in sentences of our own: no library's wording, and what to do where something can be done.

use respair_client::{Code, Endpoint, RecoveryMode, TurnEvent};
use respair_faults::{Script, scenario};
use serde_json::json;

use crate::support::*;

/// What an HTTP library, a TLS library or the system would say.
const FOREIGN: &[&str] = &[
    "client error",
    "SendRequest",
    "os error",
    "tcp connect",
    "reading a body",
    "chunk size",
    "EOF",
];

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_told_in_plain_sentences() {
    for (name, message) in [
        (
            "eof-before-headers",
            "HOST closed the connection before any answer came",
        ),
        (
            "reset-before-headers",
            "HOST reset the connection before any answer came",
        ),
        (
            "reset-before-content",
            "the connection was reset before any content came",
        ),
        (
            "cut-mid-text",
            "the connection closed in the middle of the answer",
        ),
        (
            "reset-mid-text",
            "the connection was reset in the middle of the answer",
        ),
        (
            "eof-mid-text",
            "the response broke off before its end: the upstream closed the stream",
        ),
    ] {
        let relay = relay(*scenario(name).unwrap()).await;
        let host = relay.base_url().replace("http://", "");
        let run = run(&client(custom(&relay))).await;
        assert_eq!(
            run.error().message,
            message.replace("HOST", &host),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_called_that() {
    // A port that was free a moment ago, with nothing behind it that could still close.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let run = run(&client(Endpoint::custom(address.parse().unwrap()))).await;
    let host = address.replace("http://", "");
    assert_eq!(
        run.error().message,
        format!("no connection to {host}: connection refused")
    );
    for event in &run.events {
        if let TurnEvent::Recovery { message, .. } = event {
            assert_eq!(message.as_deref(), Some(run.error().message.as_str()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_known_and_a_peer_without_tls() {
    let relay = relay(Script::sse()).await;
    let tls = relay.base_url().replace("http://", "https://");
    for address in ["http://relay.invalid", &tls] {
        let mut endpoint = Endpoint::custom(address.parse().unwrap());
        endpoint.recovery.max_requests = 1;
        let message = run(&client(endpoint)).await.error().message.clone();
        assert!(message.starts_with("no connection to "), "{message}");
        assert!(FOREIGN.iter().all(|f| !message.contains(f)), "{message}");
    }
}

/// Where no stream was read there is no reading to speak of.
#[tokio::test(start_paused = true)]
async fn whether_a_stream_was_read() {
    for (name, read) in [
        ("text", true),
        ("cut-mid-text", true),
        ("eof-before-content", true),
        ("eof-before-headers", false),
        ("empty-200", false),
        ("html", false),
        ("http-401", false),
    ] {
        let relay = relay(*scenario(name).unwrap()).await;
        let run = run(&client(custom(&relay))).await;
        assert_eq!(run.outcome.stream_read, read, "{name}");
    }
}

/// A refusal that names a field says how to leave it out; one that names none of ours does not guess.
#[tokio::test(start_paused = true)]
async fn a_refused_field_can_be_left_out() {
    for (status, body, field) in [
        (
            400,
            json!({"error": {"message": "Unsupported parameter: 'store' is not supported with this model.",
                "code": "unsupported_parameter", "param": "store", "type": "invalid_request_error"}}),
            Some("store"),
        ),
        (
            400,
            json!({"detail": "Unsupported parameter: store"}),
            Some("store"),
        ),
        (
            400,
            json!({"error": {"message": "Unsupported parameter(s): `metadata`"}}),
            Some("metadata"),
        ),
        (
            400,
            json!({"error": {"message": "Unknown parameter: 'reasoning.summary'.", "param": "reasoning.summary"}}),
            Some("reasoning"),
        ),
        (
            422,
            json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "store"],
                "msg": "Extra inputs are not permitted", "input": false}]}),
            Some("store"),
        ),
        // Not sent, needed, not about a field, no refusal of a request.
        (400, json!({"detail": "Unsupported parameter: top_k"}), None),
        (400, json!({"detail": "Unknown parameter: 'model'"}), None),
        (400, json!({"detail": "store is down"}), None),
        (500, json!({"detail": "Unsupported parameter: store"}), None),
    ] {
        let relay = relay(Script::json(status, &body)).await;
        let mut endpoint = custom(&relay);
        endpoint.recovery.max_requests = 1;
        endpoint.extra_body = json!({"metadata": {}}).as_object().unwrap().clone();
        let mut request = request();
        request.reasoning_summary = Some("auto".to_owned());
        let turn = client(endpoint).turn(request);
        let error = finish(turn, Vec::new()).await.error().clone();
        let hint = field.map(|field| format!("`compat: {{drop_fields: [{field}]}}` leaves it out"));
        assert_eq!(error.hint, hint, "{body}");
    }
}

/// A rule that is switched off takes its guarantee with it, and the turn says so (ARCHITECTURE.md).
#[tokio::test(start_paused = true)]
async fn what_is_switched_off_is_told() {
    let code = Code::parse("part-not-added").unwrap();
    let relay = relay(*scenario("no-parts").unwrap()).await;
    let mut endpoint = custom(&relay);
    endpoint.recovery.mode = RecoveryMode::Inline;
    assert!(
        run(&client(endpoint.clone()))
            .await
            .outcome
            .without
            .is_empty()
    );

    endpoint.recovery.without = vec![code];
    let off = run(&client(endpoint)).await;
    assert_eq!(off.outcome.without, [code]);
    let notices = off.notices();
    assert!(
        notices[0].contains("`part-not-added`") && notices[0].contains("recovery.without"),
        "{notices:?}"
    );
    // A native endpoint has every rule.
    let mut endpoint = native("openai", &relay);
    endpoint.recovery.without = vec![code];
    let native = run(&client(endpoint)).await;
    assert!(native.outcome.without.is_empty() && native.notices().is_empty());
}
