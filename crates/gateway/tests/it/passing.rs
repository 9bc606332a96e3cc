//! What is not ours to touch.

use bytes::Bytes;
use respair_client::Endpoint;
use respair_faults::{Answer, Gate, Request, Script, Step, conforming_text};
use respair_gateway::{Finish, Upstream};

use crate::support::{before, endpoint, got, relay, serve};

/// Answers a response with one script and everything else with another.
struct Both(Script, Script);

impl Answer for Both {
    fn answer(&self, _: &Request) -> Script {
        self.0.clone()
    }

    fn other(&self, _: &Request) -> Option<Script> {
        Some(self.1.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn everything_else_passes_unchanged() {
    let answer = Script::text(418, "text/x-tea; v=1", "short\0stout")
        .header("x-codex-primary-used-percent", "12")
        .header("cf-ray", "ray-1")
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2")
        .header("keep-alive", "timeout=5");
    let relay = relay(Both(Script::sse(), answer)).await;
    let gateway = before(&relay).await;
    for (method, path) in [
        ("GET", "/v1/models?limit=2&after=a%20b"),
        ("GET", "/v1/responses/resp_1?include[]=x"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/relay/v1/responses/resp_1/input_items"),
        ("GET", "/v1/files/file_1/content"),
    ] {
        let before = relay.other_requests().len();
        let request = gateway
            .http
            .request(method.parse().unwrap(), gateway.url(path));
        let got = got(request
            .header("x-mine", "1")
            .header("authorization", "Bearer mine")
            .header("te", "trailers"))
        .await;
        assert_eq!(
            (got.status, got.body.as_ref()),
            (418, b"short\0stout".as_slice()),
            "{path}"
        );
        assert_eq!(got.header("content-type"), "text/x-tea; v=1");
        assert_eq!(
            (
                got.header("x-codex-primary-used-percent"),
                got.header("cf-ray")
            ),
            ("12", "ray-1")
        );
        assert_eq!(got.headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(got.header("keep-alive"), "");
        let asked = &relay.other_requests()[before];
        let expected = path.replacen("/relay", "", 1).replacen("/v1", "/base", 1);
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str()),
            (method, expected.as_str())
        );
        assert_eq!(
            (asked.header("x-mine"), asked.header("te")),
            (Some("1"), None)
        );
        assert_eq!(asked.header("authorization"), Some("Bearer mine"));
        assert_eq!(
            asked.header("host").map(str::to_owned),
            Some(relay.address().to_string())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_passed_on_is_told_as_such() {
    let relay = relay(Both(
        Script::sse(),
        Script::text(200, "text/plain", "whole"),
    ))
    .await;
    let gateway = before(&relay).await;
    for (n, method) in ["GET", "HEAD", "DELETE"].into_iter().enumerate() {
        let method = method.parse().unwrap();
        got(gateway.http.request(method, gateway.url("/v1/models"))).await;
        let record = &gateway.records(n + 1).await[n];
        assert_eq!(
            (record.finish, record.status, record.route),
            (Finish::Passed, 200, "pass")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_stream_both_ways() {
    let gate = Gate::new();
    let answer = Script::status(200)
        .send("first")
        .step(Step::Gate(gate.clone()))
        .send("second");
    let relay = relay(Both(Script::sse(), answer)).await;
    let gateway = before(&relay).await;
    let upload = Bytes::from(vec![7; 3 << 20]);
    let request = gateway
        .http
        .post(gateway.url("/v1/files"))
        .header("content-type", "multipart/form-data; boundary=x");
    let mut response = request.body(upload.clone()).send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "first");
    gate.open();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "second");
    let asked = &relay.other_requests()[0];
    assert_eq!(
        (&asked.body, asked.header("content-length")),
        (&upload, Some("3145728"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_passed_on_as_one() {
    let relay = relay(Both(
        Script::sse(),
        Script::status(200).send("half").step(Step::Cut),
    ))
    .await;
    let gateway = before(&relay).await;
    let got = got(gateway.http.get(gateway.url("/v1/models"))).await;
    assert_eq!((got.body.as_ref(), got.whole), (b"half".as_slice(), false));
    assert_eq!(gateway.records(1).await[0].finish, Finish::Truncated);
}

/// An upstream that is not there is no fault of the request's.
#[tokio::test(start_paused = true)]
async fn an_upstream_that_gives_nothing_fails() {
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    let redirects = relay(Both(
        Script::sse(),
        Script::text(302, "text/plain", "").header("location", "http://elsewhere.example/"),
    ))
    .await;
    let upstreams = vec![
        Upstream::new(
            "away",
            Endpoint::custom(format!("http://{address}").parse().unwrap()),
        ),
        Upstream::new("redirects", endpoint(&redirects)),
    ];
    let gateway = serve(upstreams, |_| {}).await;
    for (n, (path, code)) in [
        ("/away/v1/models", "connect_failed"),
        ("/redirects/v1/models", "upstream_redirects"),
    ]
    .into_iter()
    .enumerate()
    {
        let got = got(gateway.http.get(gateway.url(path))).await;
        assert_eq!(
            (got.status, got.json()["error"]["code"].as_str()),
            (502, Some(code))
        );
        let record = &gateway.records(n + 1).await[n];
        assert_eq!(
            (record.finish, record.error.as_deref()),
            (Finish::Failed, Some(code))
        );
    }
}

/// What is passed on cannot be ended in its own words: it is cut, and told as that.
#[tokio::test(start_paused = true)]
async fn stopping_cuts_what_is_passed_on() {
    let relay = relay(Both(
        Script::sse(),
        Script::status(200).send("half").step(Step::HoldOpen),
    ))
    .await;
    let mut gateway = before(&relay).await;
    let mut response = gateway
        .http
        .get(gateway.url("/v1/models"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "half");
    gateway.stop();
    gateway.hurry();
    assert!(response.chunk().await.is_err());
    let record = &gateway.records(1).await[0];
    assert_eq!(
        (record.finish, record.error.as_deref()),
        (Finish::Truncated, Some("gateway_stopping"))
    );
    gateway.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_native_provider_is_passed_on_byte_for_byte() {
    let scenario = respair_faults::scenario("no-created").unwrap();
    let relay = relay(*scenario).await;
    let native = Endpoint::native(
        "openai",
        format!("{}/v1", relay.base_url()).parse().unwrap(),
    );
    let gateway = serve(vec![Upstream::new("openai", native)], |_| {}).await;
    let got = gateway.stream().await;
    assert_eq!(got.body, scenario.script(0).body());
}

#[tokio::test(start_paused = true)]
async fn upstreams_are_chosen_by_path_and_by_model_and_never_by_address() {
    let (one, two) = (
        relay(Script::stream(&conforming_text(["one"]))).await,
        relay(Script::stream(&conforming_text(["two"]))).await,
    );
    let upstreams = vec![
        Upstream::new("one", endpoint(&one)),
        Upstream::new("two", endpoint(&two)).for_model(Some("m2".to_owned())),
    ];
    let gateway = serve(upstreams, |_| {}).await;
    let ask = |path: &str, model: &str| {
        let body = serde_json::json!({"model": model, "input": "x", "stream": true});
        let request = gateway
            .http
            .post(gateway.url(path))
            .header("content-type", "application/json");
        got(request.body(body.to_string()))
    };
    for (path, model, expected) in [
        ("/v1/responses", "m", "one"),
        ("/v1/responses", "m2", "two"),
        ("/two/v1/responses", "m", "two"),
        ("/one/v1/responses", "m2", "one"),
        ("/responses", "m", "one"),
    ] {
        assert_eq!(
            ask(path, model).await.judged().text,
            expected,
            "{path} {model}"
        );
    }
    let got = ask("/three/v1/responses", "m").await;
    assert_eq!(
        (got.status, got.json()["error"]["code"].as_str()),
        (404, Some("unknown_url"))
    );
    let address = two.address();
    let answer = gateway
        .exchange(format!("GET http://{address}/v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())
        .await;
    assert!(two.other_requests().is_empty(), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_websocket_is_told_to_fall_back() {
    let relay = relay(Script::sse()).await;
    let gateway = before(&relay).await;
    let upgrade = "GET /v1/responses HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
    let answer = gateway.exchange(upgrade.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 426") && answer.contains("websocket_not_served"),
        "{answer}"
    );
    assert!(relay.other_requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_says_how_it_is() {
    let relay = relay(Script::stream(&conforming_text(["Hi"])).step(Step::HoldOpen)).await;
    let mut gateway = before(&relay).await;
    assert_eq!(
        got(gateway.http.get(gateway.url("/healthz"))).await.text(),
        "ok\n"
    );
    assert_eq!(
        got(gateway.http.get(gateway.url("/readyz"))).await.text(),
        "ready\n"
    );
    gateway.stop();
    let address = gateway.address;
    gateway.stopped().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

/// Keeps its connections, and closes one of them where its second request is due.
struct Dies;

impl Answer for Dies {
    fn answer(&self, _: &Request) -> Script {
        Script::sse()
    }

    fn other(&self, request: &Request) -> Option<Script> {
        Some(match request.number {
            1 => Script::raw(),
            _ => Script::text(200, "text/plain", "here").keep_alive(),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_idempotent_is_asked_again_where_a_kept_connection_has_died() {
    for (method, status, asked) in [("GET", 200, 3), ("DELETE", 200, 3), ("POST", 502, 2)] {
        let relay = relay(Dies).await;
        let gateway = before(&relay).await;
        let ask = || {
            let url = gateway.url("/v1/responses/resp_1/cancel");
            got(gateway.http.request(method.parse().unwrap(), url))
        };
        assert_eq!(ask().await.status, 200, "{method}");
        let second = ask().await;
        assert_eq!(second.status, status, "{method}: {}", second.text());
        let others = relay.other_requests();
        assert_eq!(others.len(), asked, "{method}");
        assert_eq!(others[0].connection, others[1].connection, "{method}");
        let made = gateway.records(2).await[1].upstream_requests;
        assert_eq!(made as usize, asked - 1, "{method}");
    }
}
