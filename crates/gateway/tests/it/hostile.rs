//! Clients and upstreams that mean harm. What is refused by its Host, Origin or type is in `guards`; bodies that decompress
//! without end in `requests`; a client that never reads in `endings`.

use std::time::Duration;

use respair_faults::{Answer, Request, Script, Step, conforming_text, ev};
use respair_gateway::{Finish, RecordOptions, Upstream};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep};

use crate::support::{Running, before, endpoint, got, relay, serve};

/// What is answered to a client that sends these bytes one by one, with such a pause before each; and when it was cut off.
async fn trickled(gateway: &Running, bytes: &[u8], pause: Duration) -> (String, Duration) {
    let began = Instant::now();
    let (mut from, mut to) = gateway.raw(b"").await.into_split();
    let bytes = bytes.to_vec();
    let writing = tokio::spawn(async move {
        for byte in bytes {
            sleep(pause).await;
            if to.write_all(&[byte]).await.is_err() {
                break;
            }
        }
        // Its side stays open.
        to
    });
    let mut answer = Vec::new();
    // A reset ends it as well.
    let _ = from.read_to_end(&mut answer).await;
    let took = began.elapsed();
    writing.abort();
    (String::from_utf8_lossy(&answer).into_owned(), took)
}

const HEAD: &str =
    "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[tokio::test(start_paused = true)]
async fn slow_heads_and_idle_connections_end_at_their_limit() {
    let relay = relay(Script::sse()).await;
    let gateway = serve(vec![Upstream::new("relay", endpoint(&relay))], |options| {
        options.limits.header_wait = Duration::from_secs(20);
    })
    .await;
    let limit = Duration::from_secs(20)..Duration::from_secs(22);
    // A byte a second: the wait is for the whole head.
    let (answer, took) = trickled(&gateway, HEAD.as_bytes(), Duration::from_secs(1)).await;
    assert!(
        answer.is_empty() && limit.contains(&took),
        "{took:?} {answer}"
    );
    let (answer, took) = trickled(&gateway, b"", Duration::ZERO).await;
    assert!(
        answer.is_empty() && limit.contains(&took),
        "{took:?} {answer}"
    );
    // The same behind a request.
    let began = Instant::now();
    let mut socket = gateway
        .raw(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.ends_with("ok\n") && limit.contains(&began.elapsed()),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_bodies_end_at_their_limit() {
    let relay = relay(Script::sse()).await;
    let gateway = serve(vec![Upstream::new("relay", endpoint(&relay))], |options| {
        options.limits.body_wait = Duration::from_secs(7);
    })
    .await;
    for path in ["/v1/responses", "/v1/files"] {
        let head = format!("{HEAD}content-length: 99\r\n\r\n{{\"a").replace("/v1/responses", path);
        let began = Instant::now();
        let answer = gateway.exchange(head.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 408 ") && answer.contains("`serve.limits.body_wait`"),
            "{answer}"
        );
        let took = began.elapsed();
        assert!(
            (Duration::from_secs(7)..Duration::from_secs(9)).contains(&took),
            "{took:?}"
        );
    }
    assert!(relay.requests().is_empty());
}

/// What is only passed on is held back by a client that does not read as well, and it is cut by the same limit.
#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_cut_wherever_it_asks() {
    struct Endless;
    impl Answer for Endless {
        fn answer(&self, _: &Request) -> Script {
            Script::sse()
        }

        fn other(&self, _: &Request) -> Option<Script> {
            Some(Script::status(200).step(Step::Repeat {
                bytes: vec![b'x'; 64 << 10].into(),
                every: Duration::ZERO,
                times: None,
            }))
        }
    }
    let relay = relay(Endless).await;
    let gateway = before(&relay).await;
    let socket = gateway
        .raw(b"GET /v1/files/f/content HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    let record = &gateway.records(1).await[0];
    assert_eq!(
        (record.finish, record.error.as_deref()),
        (Finish::ClientStalled, Some("serve.limits.write_stall"))
    );
    assert!(record.bytes < 32 << 20, "{}", record.bytes);
    drop(socket);
}

/// However the end of a request is said, and however often: what goes upstream is one request of one length, or none.
#[tokio::test(start_paused = true)]
async fn nothing_is_smuggled() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = before(&relay).await;
    let smuggled = "GET /v1/smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let body = r#"{"stream":true}"#;
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let length = |n: usize| format!("content-length: {n}\r\n");
    let te = "transfer-encoding: chunked\r\n";
    // What is sent, and whether it is a request all the same.
    for (n, (request, is_one)) in [
        (format!("{HEAD}{}\r\n{body}", length(15)), true),
        // Both lengths: the chunks count (RFC 9112, 6.3), whatever the number says and wherever it stands.
        (format!("{HEAD}{}{te}\r\n{chunked}", length(4)), true),
        (format!("{HEAD}{te}{}\r\n{chunked}", length(400)), true),
        // Two lengths that agree are one.
        (format!("{HEAD}{0}{0}\r\n{body}", length(15)), true),
        (
            format!("{HEAD}{}{}\r\n{body}", length(15), length(2)),
            false,
        ),
        (format!("{HEAD}content-length: 15, 2\r\n\r\n{body}"), false),
        (format!("{HEAD}content-length: -1\r\n\r\n{body}"), false),
        (format!("{HEAD}content-length: 0x0f\r\n\r\n{body}"), false),
        (format!("{HEAD}content-length: 15 15\r\n\r\n{body}"), false),
        (
            format!("{HEAD}content-length: 99999999999999999999\r\n\r\n{body}"),
            false,
        ),
        (
            format!("{HEAD}transfer-encoding: chunked, identity\r\n\r\n{chunked}"),
            false,
        ),
        (
            format!("{HEAD}transfer-encoding: xchunked\r\n\r\n{chunked}"),
            false,
        ),
        (
            format!("{HEAD}transfer-encoding : chunked\r\n\r\n{chunked}"),
            false,
        ),
        (
            format!("{HEAD}transfer-encoding:\u{b}chunked\r\n\r\n{chunked}"),
            false,
        ),
        (
            format!("{HEAD}{te}\r\nffffffffffffffff0\r\n{body}\r\n0\r\n\r\n"),
            false,
        ),
        (format!("{HEAD}{te}\r\n-f\r\n{body}\r\n0\r\n\r\n"), false),
        (format!("{HEAD}{te}\r\nf\r\n{body}XX0\r\n\r\n"), false),
        // A field that is folded, a name with a blank, a lone carriage return, a zero.
        (
            format!("{HEAD}x: a\r\n b\r\n{}\r\n{body}", length(15)),
            false,
        ),
        (format!("{HEAD}x y: a\r\n{}\r\n{body}", length(15)), false),
        (
            format!("{HEAD}x: a\rb: c\r\n{}\r\n{body}", length(15)),
            false,
        ),
        (format!("{HEAD}x: a\0b\r\n{}\r\n{body}", length(15)), false),
        // An older version has no chunks.
        (
            format!("{HEAD}{te}\r\n{chunked}").replace("HTTP/1.1", "HTTP/1.0"),
            false,
        ),
        // Bare line feeds end lines (RFC 9112, 2.2), and no more than lines.
        (
            format!("{HEAD}{}\r\n{body}", length(15)).replace("\r\n", "\n"),
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = relay.requests().len();
        let others = relay.other_requests().len();
        let answer = gateway
            .exchange(format!("{request}{smuggled}").as_bytes())
            .await;
        let ours = relay.requests();
        let new = &ours[asked..];
        assert_eq!(new.len(), usize::from(is_one), "{n} {request}\n{answer}");
        if is_one {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{n} {answer}");
            assert_eq!(new[0].body, body, "{n}");
            let lengths: Vec<&str> = new[0].header("content-length").into_iter().collect();
            assert_eq!(
                (lengths.as_slice(), new[0].header("transfer-encoding")),
                (&["15"][..], None),
                "{n}"
            );
        } else {
            assert!(
                answer.starts_with("HTTP/1.1 400 "),
                "{n} {request}\n{answer}"
            );
        }
        // The stream closes its connection, and a broken request does: nothing behind them is read.
        assert_eq!(
            relay.other_requests().len(),
            others,
            "{n} {request}\n{answer}"
        );
    }
    // A GET has a body too, where it says so.
    let hidden = smuggled.len();
    let get = format!(
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: {hidden}\r\n\r\n{smuggled}"
    );
    let answer = gateway.exchange(get.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(relay.other_requests().is_empty());
    let get = get.replace("/healthz", "/v1/models");
    gateway.exchange(get.as_bytes()).await;
    let passed = relay.other_requests();
    assert_eq!((passed.len(), passed[0].path.as_str()), (1, "/base/models"));
    assert_eq!(passed[0].body, smuggled);
}

/// Names, ids, codes and agents are data wherever they come out again.
#[tokio::test(start_paused = true)]
async fn nothing_is_injected() {
    let evil = "x\r\nx-evil: 1\r\n\r\nupstream=\"evil\" ending=completed\n\u{1b}[2J\u{202e}{evil=\"1\"} 9\n";
    let failed = json!({"error": {"message": evil, "code": evil, "type": evil, "param": evil}});
    let named = conforming_text([evil]).map_type("response.created", |event| {
        event
            .with("response.id", json!(evil))
            .with("response.model", json!(evil))
    });
    let relay = relay([
        Script::stream(&named),
        Script::json(400, &failed),
        Script::stream(&conforming_text(["Hi"]).through("response.output_text.delta").push(ev::error_nested(evil, evil))),
        Script::stream(&respair_faults::Stream::new().push(ev::error_flat(evil, evil))),
        Script::json(400, &json!({"error": {"message": format!("Unknown parameter: 'upstream\" x={evil}'."), "param": evil}})),
    ])
    .await;
    let dir = tempfile::tempdir().unwrap();
    let gateway = serve(vec![Upstream::new("relay", endpoint(&relay))], |options| {
        options.record = Some(RecordOptions::new(dir.path()));
    })
    .await;
    for n in 1..=5 {
        let body = json!({"model": evil, "input": evil, "stream": true, "tools": [{"type": evil, "name": evil}], evil: 1});
        let request = gateway
            .post(&body)
            .header("user-agent", "evil=\"1\",upstream=evil")
            .header("te", "trailers");
        let got = got(request).await;
        assert_eq!(got.header("x-evil"), "", "{n}");
        let record = &gateway.records(n).await[n - 1];
        let line = record.human();
        assert!(
            !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
        assert_eq!(line.matches(" upstream=").count(), 1, "{line}");
        assert!(line.contains(" upstream=relay "), "{line}");
        let json = record.json();
        assert_eq!(json.lines().count(), 1);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["upstream"], "relay");
    }
    let page = got(gateway.http.get(gateway.url("/metrics"))).await.text();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        assert!(
            line.starts_with("respair_") && !line.contains("evil"),
            "{line}"
        );
    }
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_path_leads_elsewhere() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = before(&relay).await;
    for path in [
        "/v1/../admin",
        "/v1/..",
        "/v1/../../admin",
        "/v1/models/../../admin",
        "/v1/%2e%2e/admin",
        "/v1/%2E./admin",
        "/v1/..%2fadmin",
        "/v1/%2e%2e%2fadmin",
        "/v1/..%5cadmin",
        "/v1/..\\admin",
        "/v1/%00/admin",
        "/v1/./models",
        "/relay/../v1/models",
        "/relay/v1/../../admin",
        "//v1/models",
        "/v1//../admin",
        "/%2e%2e/v1/models",
        "/v1/..;/admin",
        "/v1/%252e%252e/admin",
        "/v1%2f..%2fadmin",
        "/admin",
        "/relay/admin",
        "/v1x/admin",
    ] {
        let others = relay.other_requests().len();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let answer = gateway.exchange(request.as_bytes()).await;
        let passed = relay.other_requests();
        match passed.get(others) {
            // Encoded twice it is a name like any other.
            Some(asked) => {
                assert!(
                    asked.path.starts_with("/base/") && !asked.path.contains("/../"),
                    "{path}: {}",
                    asked.path
                );
                assert!(
                    matches!(path, "/v1/%252e%252e/admin" | "/v1/..;/admin"),
                    "{path}: {}",
                    asked.path
                );
            }
            None => assert!(
                answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 404 "),
                "{path}: {answer}"
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_text_is_refused_or_passed_as_bytes() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = before(&relay).await;
    let head = |more: &[u8], body: &[u8]| {
        let mut bytes = HEAD.as_bytes().to_vec();
        bytes.extend_from_slice(more);
        bytes.extend_from_slice(
            format!(
                "connection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            )
            .as_bytes(),
        );
        bytes.extend_from_slice(body);
        bytes
    };
    let json = br#"{"stream":true}"#;
    for (request, status) in [
        (
            head(b"", b"{\"input\":\"\xff\xfe\",\"stream\":true}"),
            "400",
        ),
        (
            head(b"", b"{\"input\":\"\xed\xa0\x80\",\"stream\":true}"),
            "400",
        ),
        (head(b"", b"\xff\xfe{\0}\0"), "400"),
        // Old clients put Latin-1 into fields.
        (head(b"user-agent: caf\xe9/1\r\n", json), "200"),
        (head(b"x-caf\xe9: 1\r\n", json), "400"),
        (head(b"origin: http://caf\xe9\r\n", json), "403"),
        (head(b"content-type: \xff\r\n", json), "200"),
        (
            b"POST /v1/\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
            "400",
        ),
        (
            b"P\xffST / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
            "400",
        ),
        (
            b"GET /healthz HTTP/1.1\r\nhost: \xff\r\n\r\n".to_vec(),
            "400",
        ),
    ] {
        let answer = gateway.exchange(&request).await;
        let shown = String::from_utf8_lossy(&request);
        assert_eq!(answer.split(' ').nth(1), Some(status), "{shown}\n{answer}");
        assert!(answer.contains("x-respair-request-id: "), "{answer}");
    }
    for record in gateway.records(10).await {
        assert!(!record.human().contains(char::is_control));
    }
}

/// Whatever resolves to this machine is none of its names (DNS rebinding).
#[tokio::test(start_paused = true)]
async fn only_its_own_names_are_answered() {
    let relay = relay(Script::sse()).await;
    let gateway = before(&relay).await;
    for (host, status) in [
        ("localhost", 200),
        ("localhost:1", 200),
        ("LocalHost.", 200),
        ("localhost.:8484", 200),
        ("127.0.0.1:99", 200),
        ("127.9.9.9", 200),
        ("[::1]", 200),
        ("[::1]:8484", 200),
        ("[0:0:0:0:0:0:0:1]", 200),
        ("", 400),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:8484", 403),
        ("localhost..", 403),
        ("127.0.0.1.", 403),
        ("127.1", 403),
        ("2130706433", 403),
        ("0x7f.0.0.1", 403),
        ("0", 403),
        ("0.0.0.0", 403),
        ("[::]", 403),
        ("[::ffff:192.0.2.7]", 403),
        ("[fe80::1]", 403),
        ("[::1].evil.example", 400),
        ("::1", 400),
        ("localhost:99999", 400),
        ("localhost:x", 400),
        ("localhost@evil.example", 403),
        ("evil.example@localhost", 403),
        ("localhost/evil", 400),
        ("localhost, evil.example", 400),
        ("localhost evil.example", 400),
    ] {
        let request = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let answer = gateway.exchange(request.as_bytes()).await;
        let got: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(got, status, "{host}: {answer}");
    }
    // The request line may name a host as well, and an older client none.
    for (request, status) in [
        (
            "GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            403,
        ),
        (
            "GET http://localhost/healthz HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
            403,
        ),
        (
            "GET http://localhost:8484/healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            200,
        ),
        ("GET /healthz HTTP/1.0\r\n\r\n", 400),
        (
            "CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            403,
        ),
        (
            "OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            400,
        ),
    ] {
        let answer = gateway.exchange(request.as_bytes()).await;
        let got: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(got, status, "{request}: {answer}");
    }
    assert!(relay.other_requests().is_empty());
}
