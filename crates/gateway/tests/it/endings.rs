//! Behind the head: endings, silences, and parties that go away.

use std::time::Duration;

use respair_faults::{Gate, Script, Step, Stream, conforming_text, ev};
use respair_gateway::{Finish, Upstream};
use respair_oracle::Terminal;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::support::{before, endpoint, got, relay, serve};

/// A request for a stream, as bytes.
fn head() -> String {
    let body = r#"{"input":1,"stream":true}"#;
    format!(
        "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn failed_with(body: &str) -> Value {
    let data = body
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("data: {"))
        .expect("no event");
    let event: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
    assert_eq!(event["type"], "response.failed");
    event["response"]["error"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_told_and_never_completed() {
    for step in [Step::End, Step::Cut, Step::Reset, Step::HoldOpen] {
        let stream = conforming_text(["Hel", "lo"]).through("response.output_text.delta");
        let relay = relay(Script::stream(&stream).step(step)).await;
        let gateway = before(&relay).await;
        let got = gateway.stream().await;
        let summary = got.judged();
        assert_eq!(
            (summary.text.as_str(), summary.terminal),
            ("Hel", Some(Terminal::Failed))
        );
        assert_eq!(failed_with(&got.text())["code"], "upstream_truncated");
        let record = &gateway.records(1).await[0];
        assert_eq!(
            (record.finish, record.terminal_seen),
            (Finish::Truncated, true)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_turn_ends_at_its_terminal_event() {
    let relay = relay(Script::stream(&conforming_text(["Hi"])).step(Step::HoldOpen)).await;
    let gateway = before(&relay).await;
    let began = Instant::now();
    let got = gateway.stream().await;
    assert_eq!(got.judged().terminal, Some(Terminal::Completed));
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(got.header("connection"), "close");
    relay.wait_closed(1).await;
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_comments_and_ends_at_its_limit() {
    let stream = conforming_text(["Hi"]).through("response.output_text.delta");
    let relay = relay(Script::stream(&stream).step(Step::HoldOpen)).await;
    let gateway = before(&relay).await;
    let began = Instant::now();
    let got = gateway.stream().await;
    assert!(
        began.elapsed() >= Duration::from_secs(300) && began.elapsed() < Duration::from_secs(310)
    );
    assert_eq!(
        got.text().matches(": respair\n\n").count(),
        19,
        "{}",
        got.text()
    );
    assert!(
        failed_with(&got.text())["message"]
            .as_str()
            .unwrap()
            .contains("silent")
    );
    got.judged();
}

#[tokio::test(start_paused = true)]
async fn each_event_is_sent_as_soon_as_it_is_decided() {
    let gate = Gate::new();
    let script = Script::stream(&conforming_text(["Hel", "lo"]))
        .after_first("response.output_text.delta", Step::Gate(gate.clone()));
    let relay = relay(script).await;
    let gateway = before(&relay).await;
    let mut response = gateway.ask().send().await.unwrap();
    let mut body = Vec::new();
    // The relay stands at the gate: all of this comes while nothing else can.
    while !String::from_utf8_lossy(&body).contains("\"Hel\"") {
        body.extend_from_slice(&response.chunk().await.unwrap().unwrap());
    }
    assert!(body.ends_with(b"\n\n"));
    gate.open();
    while let Some(chunk) = response.chunk().await.unwrap() {
        assert!(chunk.ends_with(b"\n\n"), "{chunk:?}");
        body.extend_from_slice(&chunk);
    }
    respair_oracle::judge(&body, respair_oracle::Profile::Portable).unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_takes_the_upstream_with_it() {
    let gate = Gate::new();
    let script = Script::stream(&conforming_text(["Hel", "lo"]))
        .after_first("response.output_text.delta", Step::Gate(gate.clone()));
    let relay = relay(script).await;
    let gateway = before(&relay).await;
    let mut response = gateway.ask().send().await.unwrap();
    gate.reached().await;
    response.chunk().await.unwrap();
    let gone = std::time::Instant::now();
    drop(response);
    let exchange = relay.wait_peer_closed().await;
    let took = exchange.peer_closed_at().unwrap().duration_since(gone);
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert_eq!(gateway.records(1).await[0].finish, Finish::ClientGone);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_cut_and_holds_little() {
    // Far more than the sockets hold.
    let delta = "x".repeat(64 << 10);
    let event = ev::text_delta(&delta).to_bytes();
    let script = Script::stream(&conforming_text(["Hi"]).through("response.content_part.added"))
        .step(Step::Repeat {
            bytes: event,
            every: Duration::ZERO,
            times: None,
        });
    let relay = relay(script).await;
    let gateway = before(&relay).await;
    let socket = gateway.raw(head().as_bytes()).await;
    let record = &gateway.records(1).await[0];
    assert_eq!(
        (record.finish, record.error.as_deref()),
        (Finish::ClientStalled, Some("serve.limits.write_stall"))
    );
    // What was taken from the upstream is what the kernel's buffers and one connection's own hold.
    assert!(record.bytes < 32 << 20, "{}", record.bytes);
    drop(socket);
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_streams_and_then_ends_them_honestly() {
    let gate = Gate::new();
    let whole = Script::stream(&conforming_text(["Hel", "lo"]))
        .after_first("response.output_text.delta", Step::Gate(gate.clone()));
    let stuck = Script::stream(&conforming_text(["Hel"]).through("response.output_text.delta"))
        .step(Step::HoldOpen);
    let relay = relay([whole, stuck]).await;
    let mut gateway = before(&relay).await;
    let first = tokio::spawn(got(gateway.ask()));
    gate.reached().await;
    let mut second = gateway.raw(head().as_bytes()).await;
    relay.wait_for_requests(2).await;
    let mut head = [0; 12];
    second.read_exact(&mut head).await.unwrap();
    gateway.stop();
    let began = Instant::now();
    gate.open();
    assert_eq!(first.await.unwrap().judged().text, "Hello");
    let mut rest = String::new();
    second.read_to_string(&mut rest).await.unwrap();
    assert!(
        rest.contains("upstream_truncated") && rest.ends_with("0\r\n\r\n"),
        "{rest}"
    );
    gateway.stopped().await;
    assert!(
        began.elapsed() >= Duration::from_secs(30) && began.elapsed() < Duration::from_secs(32)
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_hurries_ends_streams_at_once_and_honestly() {
    let stuck = Script::stream(&conforming_text(["Hel"]).through("response.output_text.delta"))
        .step(Step::HoldOpen);
    let relay = relay(stuck).await;
    let mut gateway = before(&relay).await;
    let mut response = gateway.ask().send().await.unwrap();
    gateway.stop();
    gateway.hurry();
    let began = Instant::now();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    assert_eq!(
        failed_with(&String::from_utf8(body).unwrap())["code"],
        "upstream_truncated"
    );
    gateway.stopped().await;
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn two_hundred_streams_at_once_are_each_their_own() {
    let answer = |request: &respair_faults::Request| {
        let said = request.json().unwrap()["input"]
            .as_str()
            .unwrap()
            .to_owned();
        let turn = u64::try_from(request.number).unwrap();
        let stream = Stream::new()
            .turn(turn)
            .push(ev::in_progress())
            .message([said.as_str(), " and", " more"])
            .complete();
        Script::stream(&stream)
    };
    let relay = relay(answer).await;
    let gateway = before(&relay).await;
    let asked: Vec<_> = (0..200)
        .map(|n| {
            let body =
                serde_json::json!({"model": "m", "input": format!("stream {n}"), "stream": true});
            tokio::spawn(got(gateway.post(&body)))
        })
        .collect();
    for (n, asked) in asked.into_iter().enumerate() {
        let got = asked.await.unwrap();
        assert_eq!(got.judged().text, format!("stream {n} and more"));
    }
    let records = gateway.records(200).await;
    assert!(
        records
            .iter()
            .all(|record| record.terminal_delivered && !record.repairs.is_empty())
    );
    let page = got(gateway.http.get(gateway.url("/metrics"))).await.text();
    for line in [
        "respair_endings_total{upstream=\"relay\",ending=\"completed\"} 200",
        "respair_terminal_seen_total{upstream=\"relay\"} 200",
        "respair_terminal_delivered_total{upstream=\"relay\"} 200",
        "respair_repairs_total{upstream=\"relay\",code=\"created-missing\"} 200",
        "respair_open_streams 0",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[tokio::test(start_paused = true)]
async fn switched_off_rules_stay_off() {
    let relay = relay(*respair_faults::scenario("no-created").unwrap()).await;
    let mut endpoint = endpoint(&relay);
    endpoint.recovery.without = vec![respair_client::Code::parse("created-missing").unwrap()];
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    assert!(!gateway.stream().await.text().contains("response.created"));
}

#[tokio::test(start_paused = true)]
async fn codex_is_kept_alive_by_events_and_others_by_comments() {
    let stream = conforming_text(["Hel", "lo"]);
    let script = Script::stream(&stream).after_first(
        "response.output_text.delta",
        Step::Delay(Duration::from_secs(100)),
    );
    let relay = relay(script).await;
    let gateway = before(&relay).await;
    let codex = got(gateway
        .ask()
        .header("user-agent", "codex_exec/0.169.0 (Linux)"))
    .await;
    let other = got(gateway.ask().header("user-agent", "OpenAI/JS 7.57.0")).await;
    let beats =
        |got: &crate::support::Got| got.text().matches("event: response.in_progress\n").count() - 1;
    assert_eq!((beats(&codex), beats(&other)), (6, 0));
    assert_eq!(other.text().matches(": respair\n\n").count(), 6);
    assert_eq!(codex.judged(), other.judged());
}

/// Codex closes its side as soon as it has the terminal event, while the upstream is still drained.
#[tokio::test]
async fn a_client_that_leaves_behind_the_terminal_event_has_its_answer() {
    let gate = Gate::new();
    let script = Script::stream(&conforming_text(["Hel", "lo"]))
        .after_first("response.completed", Step::Gate(gate.clone()));
    let relay = relay(script).await;
    let gateway = before(&relay).await;
    let mut response = gateway.ask().send().await.unwrap();
    let mut body = Vec::new();
    while !String::from_utf8_lossy(&body).contains("event: response.completed") {
        body.extend_from_slice(&response.chunk().await.unwrap().unwrap());
    }
    drop(response);
    let record = &gateway.records(1).await[0];
    assert_eq!(record.finish, Finish::Completed);
    assert!(record.terminal_seen);
}

/// A client that is still sending when it is turned away would be reset by what nobody reads, and not every client looks
/// for an answer then.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_turned_away_can_send_on_and_read_why() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = serve(vec![Upstream::new("relay", endpoint(&relay))], |options| {
        options.limits.body = 1000;
    })
    .await;
    let body = vec![b' '; 8 << 20];
    let head = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = gateway.raw(head.as_bytes()).await;
    socket.write_all(&body).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("serve.limits.body"), "{answer}");
}
