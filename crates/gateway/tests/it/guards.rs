//! Who is turned away.

use std::time::Duration;

use respair_client::Endpoint;
use respair_faults::{Gate, Script, Step, conforming_text};
use respair_gateway::{Finish, Gateway, GatewayOptions, StartError, Upstream};

use crate::support::{before, endpoint, got, relay, serve};

fn post(host: &str, more: &str) -> String {
    format!(
        "POST /v1/responses HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: 15\r\n{more}\r\n{{\"stream\":true}}"
    )
}

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test(start_paused = true)]
async fn what_a_web_page_could_send_never_reaches_the_upstream() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = before(&relay).await;
    for (request, status, code) in [
        (post("evil.example", JSON), 403, "host_not_allowed"),
        (
            post(
                "localhost",
                &format!("{JSON}origin: https://evil.example\r\n"),
            ),
            403,
            "origin_not_allowed",
        ),
        (
            post("localhost", &format!("{JSON}origin: null\r\n")),
            403,
            "origin_not_allowed",
        ),
        (
            post("localhost", "content-type: text/plain\r\n"),
            415,
            "content_type_not_json",
        ),
        (post("localhost", ""), 415, "content_type_not_json"),
        (
            post("localhost", &format!("{JSON}host: localhost\r\n")),
            400,
            "host_invalid",
        ),
    ] {
        let answer = gateway.exchange(request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(code),
            "{request}\n{answer}"
        );
    }
    assert_eq!(relay.requests().len(), 0);
    let records = gateway.records(6).await;
    assert!(
        records
            .iter()
            .all(|record| record.finish == Finish::Refused)
    );
    // And one that may.
    let answer = gateway.exchange(post("localhost", JSON).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_allowed_origin_may() {
    let script =
        Script::stream(&conforming_text(["Hi"])).header("access-control-allow-origin", "*");
    let relay = relay(script).await;
    let gateway = serve(vec![Upstream::new("relay", endpoint(&relay))], |options| {
        options.allow_origins = vec!["http://localhost:3000".to_owned()];
    })
    .await;
    let page = "http://localhost:3000";
    let answer = got(gateway.ask().header("origin", page)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), page);
    assert!(answer.header("vary").contains("origin"));
    // The browser asks before the page may send JSON, and a key with it.
    let preflight = |origin: &str| {
        let request = gateway
            .http
            .request("OPTIONS".parse().unwrap(), gateway.url("/v1/responses"));
        got(request
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
            .header("access-control-request-private-network", "true"))
    };
    let allowed = preflight(page).await;
    assert_eq!(allowed.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", page),
        ("access-control-allow-headers", "authorization,content-type"),
        ("access-control-allow-private-network", "true"),
    ] {
        assert_eq!(allowed.header(name), value);
    }
    let refused = preflight("http://localhost:3001").await;
    assert_eq!(
        (
            refused.status,
            refused.header("access-control-allow-origin")
        ),
        (403, "")
    );
    assert!(relay.other_requests().is_empty());
    // An upstream that opens itself to every page does not open the gateway.
    assert!(
        answer
            .headers
            .get_all("access-control-allow-origin")
            .iter()
            .count()
            == 1
    );
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let upstream = || {
        Upstream::new(
            "relay",
            Endpoint::custom("http://127.0.0.1:1".parse().unwrap()),
        )
    };
    for address in ["0.0.0.0:0", "192.0.2.7:0", "[::]:0"] {
        let mut options = GatewayOptions::new(vec![upstream()]);
        options.listen = address.parse().unwrap();
        let error = Gateway::bind(options).await.unwrap_err();
        assert!(
            matches!(error, StartError::NotLoopback(_)),
            "{address}: {error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn limits_are_named() {
    let gate = Gate::new();
    let relay =
        relay(Script::stream(&conforming_text(["Hi"])).before_head(Step::Gate(gate.clone()))).await;
    let gateway = serve(vec![Upstream::new("relay", endpoint(&relay))], |options| {
        options.limits.body = 1000;
        options.limits.headers = 2000;
        options.limits.streams = 1;
        options.limits.body_wait = Duration::from_secs(3);
    })
    .await;
    let named = |got: &crate::support::Got, status: u16, limit: &str| {
        assert_eq!(
            (got.status, got.json()["error"]["param"].as_str()),
            (status, Some(limit)),
            "{}",
            got.text()
        );
        assert!(
            got.json()["error"]["message"]
                .as_str()
                .unwrap()
                .contains(limit)
        );
    };
    let long = "x".repeat(1001);
    named(
        &got(gateway.post(&serde_json::json!({ "input": long }))).await,
        413,
        "serve.limits.body",
    );
    named(
        &got(gateway.ask().header("x-long", "x".repeat(2000))).await,
        431,
        "serve.limits.headers",
    );
    // A body without a length is counted as it comes.
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(
        (0..3).map(|_| Ok::<_, std::io::Error>("x".repeat(400))),
    ));
    let request = gateway
        .http
        .post(gateway.url("/v1/responses"))
        .header("content-type", "application/json");
    named(&got(request.body(chunked)).await, 413, "serve.limits.body");
    // One that stops coming is not waited for.
    let begun = post("localhost", JSON).replace("content-length: 15", "content-length: 999");
    let answer = gateway.exchange(begun.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("serve.limits.body_wait"),
        "{answer}"
    );
    // One stream is under way.
    let first = tokio::spawn(got(gateway.ask()));
    relay.wait_for_requests(1).await;
    named(&gateway.stream().await, 503, "serve.limits.streams");
    gate.open();
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(gateway.stream().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn smuggled_and_broken_requests_reach_nobody() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = before(&relay).await;
    let head = "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let huge = format!(
        "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "x".repeat(80 << 10)
    );
    for (request, statuses) in [
        // Two lengths, both kinds of length, and a chunk that lies.
        (
            format!("{head}content-length: 2\r\ncontent-length: 15\r\n\r\n{{\"stream\":true}}"),
            &["400"][..],
        ),
        (
            format!(
                "{head}transfer-encoding: identity, chunked\r\ntransfer-encoding: x\r\n\r\n0\r\n\r\n"
            ),
            &["400"],
        ),
        (
            format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n"),
            &["400"],
        ),
        (
            format!("{head}content-length: +15\r\n\r\n{{\"stream\":true}}"),
            &["400"],
        ),
        (
            "GET /v1/../../admin HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
                .to_owned(),
            &["400"],
        ),
        (
            "GET /v1/%2e%2e/admin HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
                .to_owned(),
            &["400"],
        ),
        (
            "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx: a\r\n b\r\nconnection: close\r\n\r\n"
                .to_owned(),
            &["400"],
        ),
        ("\u{16}\u{3}\u{1}hello\r\n\r\n".to_owned(), &["400"]),
        (huge, &["431"]),
    ] {
        let answer = gateway.exchange(request.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(
            statuses.contains(&status),
            "{}\n{answer}",
            &request[..request.len().min(300)]
        );
    }
    assert_eq!(
        (relay.requests().len(), relay.other_requests().len()),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_is_not_waited_for() {
    let relay = relay(Script::sse()).await;
    let gateway = before(&relay).await;
    let began = tokio::time::Instant::now();
    gateway
        .exchange(b"POST /v1/responses HTTP/1.1\r\nhost: loc")
        .await;
    assert!(
        began.elapsed() <= Duration::from_secs(31),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_model_name_holds_is_data() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = before(&relay).await;
    let body = serde_json::json!({"model": "m\r\nx-evil: 1", "input": "hi", "stream": true});
    let got = got(gateway.post(&body).header("user-agent", "a\tb")).await;
    assert_eq!((got.status, got.header("x-evil")), (200, ""));
    assert!(relay.requests()[0].header("x-evil").is_none());
}
