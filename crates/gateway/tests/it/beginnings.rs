//! Until the first output event nothing is committed (DEVIATIONS 1.8, 5.1).

use std::time::Duration;

use respair_client::Endpoint;
use respair_faults::{Gate, Script, Step, Stream, conforming_text, ev};
use respair_gateway::{Finish, Upstream};
use tokio::time::Instant;

use crate::support::{before, endpoint, got, relay, serve};

#[tokio::test(start_paused = true)]
async fn an_upstreams_error_keeps_its_status_its_body_and_its_wait() {
    let body = r#"{"error":{"message":"Slow down","type":"requests","param":null,"code":"rate_limit_exceeded","x":1.50}}"#;
    let script = Script::text(429, "application/json", body)
        .header("retry-after", "33")
        .header("x-request-id", "req_up")
        .header("x-ratelimit-remaining-requests", "0");
    let relay = relay(script).await;
    let gateway = before(&relay).await;
    let began = Instant::now();
    let got = gateway.stream().await;
    assert_eq!((got.status, got.text().as_str()), (429, body));
    assert_eq!(got.header("retry-after"), "33");
    assert_eq!(got.header("x-request-id"), "req_up");
    assert_eq!(got.header("x-ratelimit-remaining-requests"), "0");
    // The wait is the client's to decide about.
    assert_eq!(relay.requests().len(), 1);
    assert!(began.elapsed() < Duration::from_secs(1));
    let record = &gateway.records(1).await[0];
    assert_eq!(
        (record.status, record.finish, record.error.as_deref()),
        (429, Finish::Failed, Some("rate_limit_exceeded"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_asked_again_within_the_budget() {
    let busy = Script::error(503, "server_error", Some("server_is_overloaded"), "busy");
    let relay = relay([busy.clone(), busy, Script::stream(&conforming_text(["Hi"]))]).await;
    let gateway = before(&relay).await;
    assert_eq!(gateway.stream().await.judged().text, "Hi");
    let record = &gateway.records(1).await[0];
    assert_eq!(
        (record.upstream_requests, record.finish),
        (3, Finish::Completed)
    );
    assert!(record.terminal_seen && record.terminal_delivered);
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_the_endpoints_own() {
    let relay = relay(Script::error(500, "server_error", None, "no")).await;
    let mut endpoint = endpoint(&relay);
    endpoint.recovery.max_requests = 2;
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    assert_eq!(gateway.stream().await.status, 500);
    assert_eq!(relay.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_stream_becomes_the_status_that_it_stands_for() {
    for (code, message, status, wait) in [
        ("rate_limit_exceeded", "Please try again in 61s.", 429, "61"),
        ("server_is_overloaded", "busy", 503, ""),
        ("insufficient_quota", "no money", 429, ""),
        ("context_length_exceeded", "too long", 400, ""),
        ("invalid_api_key", "who?", 401, ""),
    ] {
        let stream = Stream::new().prelude().push(ev::failed(code, message));
        let relay = relay(Script::stream(&stream)).await;
        let gateway = before(&relay).await;
        let got = gateway.stream().await;
        assert_eq!(got.status, status, "{code}");
        assert_eq!(got.json()["error"]["code"], code);
        assert_eq!(got.json()["error"]["message"], message);
        assert_eq!(got.header("retry-after"), wait, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_behind_the_first_output_stays_in_the_stream() {
    let stream = conforming_text(["Hi"])
        .before("response.completed")
        .push(ev::error_nested("rate_limit_exceeded", "no"));
    let relay = relay(Script::stream(&stream)).await;
    let gateway = before(&relay).await;
    let got = gateway.stream().await;
    let summary = got.judged();
    assert_eq!(
        (summary.text.as_str(), summary.terminal),
        ("Hi", Some(respair_oracle::Terminal::Failed))
    );
    assert_eq!(relay.requests().len(), 1);
}

/// When the head came, with the relay silent behind `stream`.
async fn committed_after(stream: &Stream) -> Option<Duration> {
    let relay = relay(Script::stream(stream).step(Step::HoldOpen)).await;
    let gateway = before(&relay).await;
    let began = Instant::now();
    let head = tokio::time::timeout(Duration::from_secs(60), gateway.ask().send()).await;
    head.is_ok().then(|| began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_status_waits_for_output_but_not_for_ever() {
    let about = |waited: Option<Duration>, seconds: u64| {
        let waited = waited.expect("no head came");
        assert!(
            waited >= Duration::from_secs(seconds) && waited < Duration::from_secs(seconds + 1),
            "{waited:?}"
        );
    };
    about(
        committed_after(&conforming_text(["Hi"]).through("response.output_item.added")).await,
        0,
    );
    about(committed_after(&Stream::new().prelude()).await, 2);
    about(
        committed_after(&Stream::new().push(ev::comment("wait"))).await,
        5,
    );
    // Silence says nothing: the status stays open.
    assert_eq!(committed_after(&Stream::new()).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_named_and_holds_no_secret() {
    let page = "<html><title>Sign in, Bearer sk-configured-key</title></html>";
    let relay = relay(Script::text(200, "text/html", page)).await;
    let mut endpoint: Endpoint = endpoint(&relay);
    endpoint.api_key = Some("sk-configured-key".to_owned().into());
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    let got = gateway.stream().await;
    assert_eq!(got.status, 502);
    let message = got.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("Sign in") && !message.contains("sk-configured-key"),
        "{message}"
    );
    assert_eq!(gateway.records(1).await[0].finish, Finish::NoStream);
}

#[tokio::test(start_paused = true)]
async fn an_echoed_key_is_not_told_to_the_client() {
    let relay = relay(Script::error(
        401,
        "invalid_request_error",
        Some("invalid_api_key"),
        "Incorrect: sk-configured-key",
    ))
    .await;
    let mut endpoint = endpoint(&relay);
    endpoint.api_key = Some("sk-configured-key".to_owned().into());
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    let got = got(gateway
        .ask()
        .header("authorization", "Bearer of-the-client"))
    .await;
    assert_eq!(
        (got.status, got.json()["error"]["message"].as_str()),
        (401, Some("Incorrect: [redacted]"))
    );
    assert_eq!(
        relay.requests()[0].header("authorization"),
        Some("Bearer sk-configured-key")
    );
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_upstream_is_a_502() {
    let gone = relay(Script::sse()).await;
    let endpoint = endpoint(&gone);
    gone.shutdown().await;
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    let got = gateway.stream().await;
    assert_eq!(
        (got.status, got.json()["error"]["code"].as_str()),
        (502, Some("connect_failed"))
    );
    assert_eq!(gateway.records(1).await[0].upstream_requests, 4);
}

#[tokio::test(start_paused = true)]
async fn redirects_are_not_followed_and_not_passed_on() {
    let relay = relay(Script::status(307).header("location", "http://127.0.0.1:1/elsewhere")).await;
    let gateway = before(&relay).await;
    let got = gateway.stream().await;
    assert_eq!(
        (got.status, got.json()["error"]["code"].as_str()),
        (502, Some("upstream_redirects"))
    );
    assert_eq!(got.header("location"), "");
}

#[tokio::test(start_paused = true)]
async fn a_refused_field_is_left_out_once() {
    let relay = relay(*respair_faults::scenario("http-400-store").unwrap()).await;
    let gateway = before(&relay).await;
    let request = serde_json::json!({"model": "m", "input": "hi", "stream": true, "store": false});
    let got = got(gateway.post(&request)).await;
    assert_eq!(
        got.judged().terminal,
        Some(respair_oracle::Terminal::Completed)
    );
    assert_eq!(relay.requests().len(), 2);
    assert_eq!(
        relay.requests()[1].json().unwrap(),
        serde_json::json!({"model": "m", "input": "hi", "stream": true})
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_before_the_head_takes_the_upstream_with_it() {
    let gate = Gate::new();
    let relay = relay(Script::sse().before_head(Step::Gate(gate.clone()))).await;
    let gateway = before(&relay).await;
    let asked = tokio::spawn(gateway.ask().send());
    relay.wait_for_requests(1).await;
    asked.abort();
    let record = &gateway.records(1).await[0];
    assert_eq!((record.finish, record.status), (Finish::ClientGone, 0));
    gate.open();
    relay.wait_closed(1).await;
}
