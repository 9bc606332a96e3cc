//! Requests: which are answered, how they are read, what is recorded.

use std::sync::{Arc, Mutex};

use respair_faults::{Relay, Request, Script, conforming_text};
use serde_json::json;

use crate::client::{Client, Close, ask};

fn ok() -> Script {
    Script::json(200, &json!({"ok": true}))
}

#[tokio::test]
async fn any_path_that_ends_in_responses_is_answered() {
    let relay = Relay::start(ok()).await.unwrap();
    for path in [
        "/responses",
        "/v1/responses",
        "/backend-api/codex/responses/",
        "/openai/responses?api-version=1",
    ] {
        let mut client = Client::to(&relay).await;
        client.post(path, "{}").await;
        assert_eq!(client.reply().await.json(), json!({"ok": true}), "{path}");
    }
    let paths: Vec<_> = relay
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths.len(), 4);
    assert_eq!(relay.requests()[3].number, 3);
}

#[tokio::test]
async fn other_paths_get_models_or_a_404_in_the_api_s_shape() {
    let relay = Relay::start(ok()).await.unwrap();
    let mut client = Client::to(&relay).await;
    client.get("/v1/models").await;
    assert_eq!(client.reply().await.json()["data"][0]["id"], "relay-model");
    for (method, path) in [("GET", "/v1/responses"), ("POST", "/v1/chat/completions")] {
        let mut client = Client::to(&relay).await;
        client
            .send(&format!(
                "{method} {path} HTTP/1.1\r\nHost: r\r\nContent-Length: 0\r\n\r\n"
            ))
            .await;
        let reply = client.reply().await;
        assert_eq!(reply.status(), 404);
        assert_eq!(
            reply.json()["error"]["message"],
            format!("Unknown request URL: {method} {path}.")
        );
    }
    assert!(relay.requests().is_empty());
    assert_eq!(relay.other_requests().len(), 3);
}

#[tokio::test]
async fn the_listing_holds_what_was_asked_without_keys() {
    let relay = Relay::start(ok()).await.unwrap();
    let mut client = Client::to(&relay).await;
    client.get("/v1/models").await;
    client.reply().await;
    ask(&relay).await;
    let mut client = Client::to(&relay).await;
    client.get("/_relay/requests").await;
    let reply = client.reply().await;
    let listing = reply.json();
    assert_eq!(listing.as_array().unwrap().len(), 2);
    assert_eq!(listing[0]["path"], "/v1/models");
    assert_eq!(listing[1]["body"]["input"], "hi");
    assert_eq!(listing[1]["headers"]["authorization"], "[redacted]");
    assert!(
        !String::from_utf8(reply.body())
            .unwrap()
            .contains("sk-secret")
    );
    let request = &relay.requests()[0];
    assert_eq!(request.header("Authorization"), Some("Bearer sk-secret"));
    assert!(!format!("{request:?}").contains("sk-secret"));
}

#[tokio::test]
async fn chunked_bodies_and_expect_continue_are_read() {
    let relay = Relay::start(|request: &Request| Script::json(200, &request.json().unwrap()))
        .await
        .unwrap();
    let mut client = Client::to(&relay).await;
    let head = "POST /responses HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    client.send(head).await;
    assert_eq!(client.head().await.unwrap(), "HTTP/1.1 100 Continue\n");
    client
        .send("4;x=1\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\nTrailer: t\r\n\r\n")
        .await;
    assert_eq!(client.reply().await.json(), json!({"a": 1}));
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let relay = Relay::start(ok()).await.unwrap();
    for (bytes, status) in [
        ("not http at all\r\n\r\n".to_owned(), 400),
        (
            "POST /responses HTTP/1.1\r\nContent-Length: many\r\n\r\n".to_owned(),
            400,
        ),
        (
            "POST /responses HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n".to_owned(),
            413,
        ),
        (
            "POST /responses HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned(),
            400,
        ),
        (
            format!("POST /responses HTTP/1.1\r\nX: {}", "x".repeat(70_000)),
            431,
        ),
    ] {
        let mut client = Client::to(&relay).await;
        client.send(&bytes).await;
        assert_eq!(
            client.reply().await.status(),
            status,
            "{}",
            &bytes[..20.min(bytes.len())]
        );
    }
    assert!(relay.requests().is_empty());
}

#[tokio::test]
async fn a_sequence_ends_with_its_last_script_for_ever() {
    let relay = Relay::start([Script::error(500, "server_error", None, "no"), ok()])
        .await
        .unwrap();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(ask(&relay).await.status());
    }
    assert_eq!(statuses, [500, 200, 200]);
}

#[tokio::test]
async fn an_answer_may_depend_on_the_request() {
    let relay = Relay::start(
        |request: &Request| match request.field("reasoning.effort") {
            Some(_) => Script::error(
                400,
                "invalid_request_error",
                Some("unsupported_parameter"),
                "no",
            ),
            None => ok(),
        },
    )
    .await
    .unwrap();
    let mut client = Client::to(&relay).await;
    client
        .post("/responses", r#"{"reasoning":{"effort":"low"}}"#)
        .await;
    assert_eq!(client.reply().await.status(), 400);
    assert_eq!(ask(&relay).await.status(), 200);
}

#[tokio::test]
async fn a_connection_is_kept_only_where_the_script_says_so() {
    let relay = Relay::start(Script::stream(&conforming_text(["Hi"])).keep_alive())
        .await
        .unwrap();
    let mut client = Client::to(&relay).await;
    for _ in 0..2 {
        client.post("/responses", "{}").await;
        let reply = client.reply().await;
        assert!(reply.head.contains("connection: keep-alive"));
        assert_eq!(reply.close, Close::Proper);
    }
    assert_eq!((relay.connections(), relay.requests().len()), (1, 2));
    assert_eq!(relay.requests()[1].connection, 0);

    let relay = Relay::start(ok()).await.unwrap();
    let mut client = Client::to(&relay).await;
    client.post("/responses", "{}").await;
    assert!(client.reply().await.head.contains("connection: close"));
    assert_eq!(client.read_to(1).await, Err(Close::Fin));
}

#[tokio::test]
async fn a_watcher_hears_of_each_request_and_its_end() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&lines);
    let relay = Relay::builder(ok())
        .watch(move |event| heard.lock().unwrap().push(event.to_string()))
        .start()
        .await
        .unwrap();
    ask(&relay).await;
    relay.wait_closed(1).await;
    relay.shutdown().await;
    let lines = lines.lock().unwrap();
    assert_eq!(lines[0], "POST /v1/responses -> 200 (request 1)");
    assert!(
        lines[1].starts_with("request 1 finished after "),
        "{}",
        lines[1]
    );
}

#[test]
fn a_relay_runs_on_a_thread_of_its_own() {
    use std::io::{Read, Write};
    let relay = Relay::builder(ok()).start_on_thread().unwrap();
    let mut socket = std::net::TcpStream::connect(relay.address()).unwrap();
    socket
        .write_all(b"POST /responses HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}")
        .unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    assert!(reply.ends_with("{\"ok\":true}"), "{reply}");
    let mut idle = std::net::TcpStream::connect(relay.address()).unwrap();
    drop(relay);
    // FIN or RST, as the relay had accepted it or not; but never a hang.
    let _ = idle.read(&mut [0]);
}
