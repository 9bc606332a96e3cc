//! Each answer is named, and told in the log under that name.

use respair_faults::{Script, conforming_text};

use crate::support::{before, relay};

/// The request's name, from an answer's head.
fn id(answer: &str) -> &str {
    let head = answer.split("\r\n\r\n").next().unwrap();
    head.lines()
        .find_map(|line| line.strip_prefix("x-respair-request-id: "))
        .unwrap_or_else(|| panic!("no id: {answer}"))
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_named_and_told() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = before(&relay).await;
    let post = |body: &str| {
        format!(
            "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n")
    };
    let long = "x".repeat(200 << 10);
    let requests = [
        (post(r#"{"stream":true}"#), 200),
        (post(r#"{"stream":false}"#), 200),
        (post("{"), 400),
        (get("/healthz", ""), 200),
        (get("/readyz", ""), 200),
        (get("/metrics", ""), 200),
        (get("/nowhere", ""), 404),
        (get("/v1/../x", ""), 400),
        (get("/v1/models", ""), 200),
        (get("/v1/models", "origin: null\r\n"), 403),
        (
            get("/v1/models", &format!("x: {}\r\n", "y".repeat(40 << 10))),
            431,
        ),
        (get("/v1/responses", "upgrade: websocket\r\n"), 426),
        // What never becomes a request.
        ("no HTTP\r\n\r\n".to_owned(), 400),
        (get("/v1/models", "x : y\r\n"), 400),
        (get("/v1/models", &format!("x: {long}\r\n")), 431),
        (get("/v1/models", &"a: b\r\n".repeat(200)), 431),
        (get(&format!("/v1/{long}"), ""), 431),
    ];
    for (n, (request, status)) in requests.iter().enumerate() {
        let answer = gateway.exchange(request.as_bytes()).await;
        let shown = &request[..request.len().min(200)];
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{shown}\n{answer}"
        );
        let record = &gateway.records(n + 1).await[n];
        assert_eq!(
            (id(&answer), record.status),
            (record.id.as_str(), *status),
            "{shown}"
        );
        if *status >= 400 && *status != 404 {
            let body = answer.split("\r\n\r\n").nth(1).unwrap();
            let json: serde_json::Value = serde_json::from_str(body).unwrap();
            assert!(
                !json["error"]["message"].as_str().unwrap().is_empty(),
                "{answer}"
            );
        }
    }
}

/// A head that cannot be read may stand behind requests that could be.
#[tokio::test(start_paused = true)]
async fn so_is_what_follows_on_the_same_connection() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let relay = relay(Script::sse()).await;
    let gateway = before(&relay).await;
    let mut socket = gateway
        .raw(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    let mut first = Vec::new();
    while !first.ends_with(b"ok\n") {
        first.push(socket.read_u8().await.unwrap());
    }
    socket.write_all(b"GET / HTTP/9.9\r\n\r\n").await.unwrap();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).await.unwrap();
    let first = String::from_utf8(first).unwrap();
    assert!(
        rest.starts_with("HTTP/1.1 400 ") && rest.contains("http_invalid"),
        "{rest}"
    );
    assert_ne!(id(&first), id(&rest));
    let records = gateway.records(2).await;
    assert_eq!(
        (records[1].status, records[1].id.as_str()),
        (400, id(&rest))
    );
}
