//! Every scenario, over the wire.

use respair_faults::{Relay, scenario, scenarios};
use serde_json::Value;

use crate::client::{Client, Close, ask};

/// Those that never end by themselves, or send more than their script holds.
fn goes_on(name: &str) -> bool {
    name.starts_with("stall-")
        || ["hold-after-terminal", "comments-forever", "endless-frame"].contains(&name)
}

#[tokio::test]
async fn what_is_sent_is_what_the_script_holds() {
    for row in scenarios().iter().filter(|row| !goes_on(row.name())) {
        let relay = Relay::start(*row).await.unwrap();
        let reply = ask(&relay).await;
        let name = row.name();
        assert_eq!(reply.status(), row.script(0).status_code(), "{name}");
        let sent = String::from_utf8(reply.body())
            .unwrap()
            .replace("\"model\":\"m\"", "\"model\":\"relay-model\"");
        assert_eq!(sent.as_bytes(), row.script(0).body(), "{name}");
        let close = match name {
            "eof-before-headers" => Close::Fin,
            _ if name.starts_with("cut-") => Close::Fin,
            _ if name.starts_with("reset-") => Close::Reset,
            _ => Close::Proper,
        };
        assert_eq!(reply.close, close, "{name}");
    }
}

#[tokio::test]
async fn those_that_never_end_hold_the_socket() {
    for row in scenarios().iter().filter(|row| goes_on(row.name())) {
        let relay = Relay::start(*row).await.unwrap();
        let mut client = Client::to(&relay).await;
        client.post("/v1/responses", "{}").await;
        let length = row.script(0).body().len();
        client.read_to(length).await.unwrap();
        drop(client);
        relay.wait_peer_closed().await;
    }
}

#[tokio::test]
async fn the_model_that_was_asked_for_is_the_one_that_answers() {
    let relay = Relay::start(*scenario("text").unwrap()).await.unwrap();
    let body = String::from_utf8(ask(&relay).await.body()).unwrap();
    assert!(body.contains("\"model\":\"m\"") && !body.contains("relay-model"));
}

#[tokio::test]
async fn the_answer_to_store_is_a_400_that_names_it() {
    let relay = Relay::start(*scenario("http-400-store").unwrap())
        .await
        .unwrap();
    assert_eq!(ask(&relay).await.status(), 200);
    let mut client = Client::to(&relay).await;
    client.post("/responses", r#"{"store":false}"#).await;
    let reply = client.reply().await;
    assert_eq!(reply.status(), 400);
    assert_eq!(reply.json()["error"]["code"], "unsupported_parameter");
}

#[test]
fn the_first_event_is_what_the_name_says() {
    for (name, first) in [
        ("text", "response.created"),
        ("no-created", "response.in_progress"),
        ("rate-limits-first", "codex.rate_limits"),
        ("item-first", "response.output_item.added"),
        ("deltas-only", "response.output_text.delta"),
        ("error-first-flat", "error"),
        ("failed-first", "response.failed"),
    ] {
        let body = scenario(name).unwrap().script(0).body();
        assert!(
            body.starts_with(format!("event: {first}\ndata: {{\"type\":\"{first}\"").as_bytes()),
            "{name}"
        );
    }
}

#[test]
fn the_seed_s_stream_has_live_reasoning_and_text_and_a_whole_end() {
    let body = scenario("no-created").unwrap().script(0).body();
    let body = std::str::from_utf8(&body).unwrap();
    let events: Vec<Value> = body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let joined = |kind: &str| -> String {
        events
            .iter()
            .filter(|event| event["type"] == kind)
            .map(|event| event["delta"].as_str().unwrap())
            .collect()
    };
    assert_eq!(
        joined("response.reasoning_summary_text.delta"),
        "Thinking about it."
    );
    assert_eq!(
        joined("response.output_text.delta"),
        "Hello from the relay."
    );
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(
        last["response"]["output"][1]["content"][0]["text"],
        "Hello from the relay."
    );
    let numbers: Vec<_> = events
        .iter()
        .map(|event| event["sequence_number"].as_u64().unwrap())
        .collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
}
