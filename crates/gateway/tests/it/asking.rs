//! An upstream on this machine is asked straight over a socket, every other by the HTTP library: what comes back is the same.

use respair_client::Endpoint;
use respair_core::Limits;
use respair_faults::{Relay, scenario};
use respair_gateway::Upstream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Got, got, relay, serve};

/// Ways in which an answer is carried, breaks off, or is none.
const CARRIED: [&str; 19] = [
    "buffered",
    "content-type-missing",
    "cut-after-terminal",
    "done-sentinel",
    "empty-200",
    "eof-before-headers",
    "eof-mid-frame",
    "gzip-sse",
    "hold-after-terminal",
    "http-401",
    "http-429",
    "http-500-once",
    "one-chunk",
    "reset-before-headers",
    "reset-mid-text",
    "sse-for-json",
    "stall-before-headers",
    "stall-mid-text",
    "tiny-chunks",
];

/// The relay's answer through a gateway that asks at this address.
async fn through(relay: &Relay, user: &str) -> Got {
    let url = relay.base_url().to_string();
    let url = url.replacen("http://", &format!("http://{user}"), 1);
    let mut endpoint = Endpoint::custom(format!("{url}/base").parse().unwrap());
    endpoint.limits = Limits::default().with_frame(12 << 20);
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    got(gateway.ask()).await
}

#[tokio::test(start_paused = true)]
async fn both_ways_of_asking_give_the_same() {
    for name in CARRIED {
        let straight = through(&relay(*scenario(name).expect(name)).await, "").await;
        // With a user in the address it is the library that asks.
        let library = through(&relay(*scenario(name).expect(name)).await, "user@").await;
        let told = |got: &Got| (got.status, got.whole, got.header("content-type").to_owned());
        assert_eq!(told(&straight), told(&library), "{name}");
        let port = |text: String| {
            let mut parts = text.split("127.0.0.1:");
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |text, part| {
                text + part.trim_start_matches(|c: char| c.is_ascii_digit())
            })
        };
        assert_eq!(port(straight.text()), port(library.text()), "{name}");
    }
}

#[tokio::test]
async fn an_upstream_may_answer_before_it_has_read_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = [0; 16];
        socket.read_exact(&mut head).await.unwrap();
        let body =
            r#"{"error":{"message":"too much","type":"invalid_request_error","code":"too_large"}}"#;
        let answer = format!(
            "HTTP/1.1 413 Too Large\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(answer.as_bytes()).await.unwrap();
        // The rest of the request is left unread until the gateway has let go.
        socket.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest).await;
        rest.len()
    });
    let endpoint = Endpoint::custom(format!("http://{address}/v1").parse().unwrap());
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    let body = format!(
        r#"{{"model":"m","stream":true,"input":"{}"}}"#,
        "x".repeat(32 << 20)
    );
    let answer = got(gateway.ask().body(body)).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "too_large");
    assert!(upstream.await.unwrap() < 32 << 20);
}
