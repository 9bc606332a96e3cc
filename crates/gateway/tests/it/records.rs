//! Copies of what passes: `serve.record` and `--log-bodies`.

use std::path::Path;

use respair_client::Endpoint;
use respair_faults::{Script, Step, conforming_text, scenario};
use respair_gateway::{Finish, RecordOptions, Upstream};

use crate::support::{Running, endpoint, got, relay, serve};

async fn recording(upstream: Upstream, dir: &Path) -> Running {
    serve(vec![upstream], |options| {
        options.record = Some(RecordOptions::new(dir));
    })
    .await
}

/// The file of the record of a request that ends in this.
fn file(dir: &Path, id: &str, end: &str) -> String {
    let mut entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let named = |name: &str| name.ends_with(&format!("-{id}.{end}"));
    let entry = entries.find(|entry| named(entry.file_name().to_str().unwrap()));
    let entry = entry.unwrap_or_else(|| panic!("no record of {id} ends in {end}"));
    std::fs::read_to_string(entry.path()).unwrap()
}

#[tokio::test]
async fn both_sides_are_kept_as_they_passed() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = scenario("no-created").unwrap();
    let relay = relay(*scenario).await;
    let mut gateway = recording(Upstream::new("relay", endpoint(&relay)), dir.path()).await;
    let got = gateway.stream().await;
    let id = got.header("x-respair-request-id").to_owned();
    gateway.stop();
    gateway.stopped().await;
    let sent = scenario.script(0).body();
    assert_eq!(
        file(dir.path(), &id, "upstream.sse").as_bytes(),
        sent.as_ref()
    );
    assert_eq!(file(dir.path(), &id, "client.sse"), got.text());
}

#[tokio::test]
async fn neither_side_holds_a_key() {
    // It echoes what it was sent, as relays do in errors.
    let echo = |request: &respair_faults::Request| {
        let key = request
            .header("authorization")
            .unwrap_or_default()
            .to_owned();
        let more = request.header("x-api-key").unwrap_or_default().to_owned();
        match request.number {
            0 => Script::text(
                401,
                "application/json",
                format!("{{\"error\":{{\"message\":\"bad key {key} {more}\"}}}}"),
            ),
            _ => Script::stream(&conforming_text([key.as_str(), more.as_str()])),
        }
    };
    for configured in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let relay = relay(echo).await;
        let mut endpoint = endpoint(&relay);
        endpoint.api_key = configured.then(|| "sk-of-the-gateway".to_owned().into());
        let mut gateway = serve(vec![Upstream::new("relay", endpoint)], |options| {
            options.record = Some(RecordOptions::new(dir.path()));
            options.log_bodies = true;
        })
        .await;
        let ask = || {
            gateway
                .ask()
                .header("authorization", "Bearer sk-of-the-client")
                .header("x-api-key", "another-of-the-client")
        };
        let ids = [got(ask()).await, got(ask()).await]
            .map(|got| got.header("x-respair-request-id").to_owned());
        for record in gateway.records(2).await {
            let line = record.json();
            assert!(line.contains("[redacted]"), "{line}");
            assert!(
                !line.contains("of-the-client") && !line.contains("of-the-gateway"),
                "{line}"
            );
        }
        gateway.stop();
        gateway.stopped().await;
        for id in ids {
            for end in ["upstream.sse", "client.sse"] {
                let text = file(dir.path(), &id, end);
                assert!(text.contains("[redacted]"), "{text}");
                assert!(
                    !text.contains("of-the-client") && !text.contains("of-the-gateway"),
                    "{text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn retries_whole_answers_and_native_streams_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let whole =
        r#"{"id":"resp_1","object":"response","status":"completed","model":"m","output":[]}"#;
    let scripts = [
        Script::text(503, "text/plain", "busy"),
        Script::stream(&conforming_text(["Hi"])),
        Script::text(200, "application/json", whole),
        Script::stream(&conforming_text(["Hi"])),
    ];
    let relay = relay(scripts).await;
    let native = Endpoint::native(
        "native",
        format!("{}/v1", relay.base_url()).parse().unwrap(),
    );
    let upstreams = vec![
        Upstream::new("relay", endpoint(&relay)),
        Upstream::new("native", native),
    ];
    let mut gateway = serve(upstreams, |options| {
        options.record = Some(RecordOptions::new(dir.path()));
    })
    .await;
    let retried = gateway.stream().await;
    let json = got(gateway.post(&serde_json::json!({"model": "m", "input": "x"}))).await;
    let body = r#"{"stream":true}"#;
    let request = gateway.http.post(gateway.url("/native/v1/responses"));
    let passed = got(request
        .header("content-type", "application/json")
        .header("accept-encoding", "gzip")
        .body(body))
    .await;
    assert_eq!(
        relay.requests()[3].header("accept-encoding"),
        Some("identity")
    );
    gateway.stop();
    gateway.stopped().await;
    let of = |got: &crate::support::Got, end: &str| {
        file(dir.path(), got.header("x-respair-request-id"), end)
    };
    let upstream = of(&retried, "upstream.sse");
    assert!(upstream.starts_with(": HTTP 503\n: busy\n\n"), "{upstream}");
    assert_eq!(of(&retried, "client.sse"), retried.text());
    assert_eq!(of(&json, "upstream.json"), whole);
    assert_eq!(of(&json, "client.json"), json.text());
    for end in ["upstream.sse", "client.sse"] {
        assert_eq!(of(&passed, end), passed.text());
    }
}

/// The directory goes away, or cannot be written to any more: streams do not notice.
#[tokio::test]
async fn a_disk_that_refuses_disturbs_no_stream() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("records");
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let (sender, said) = std::sync::mpsc::channel();
    let mut gateway = serve(vec![Upstream::new("relay", endpoint(&relay))], |options| {
        options.record = Some(RecordOptions::new(&dir));
        options.notice =
            std::sync::Arc::new(move |text: &str| sender.send(text.to_owned()).unwrap());
    })
    .await;
    std::fs::remove_dir(&dir).unwrap();
    std::fs::write(&dir, "a file").unwrap();
    for n in 1..=3 {
        assert_eq!(gateway.stream().await.judged().text, "Hi");
        assert_eq!(gateway.records(n).await[n - 1].finish, Finish::Completed);
    }
    gateway.stop();
    gateway.stopped().await;
    let said: Vec<String> = said.try_iter().collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("records cannot be written to"), "{said:?}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_told_at_start() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let relay = relay(Script::sse()).await;
    let mut options =
        respair_gateway::GatewayOptions::new(vec![Upstream::new("relay", endpoint(&relay))]);
    options.listen = "127.0.0.1:0".parse().unwrap();
    options.record = Some(RecordOptions::new(file.join("records")));
    let error = respair_gateway::Gateway::bind(options).await.unwrap_err();
    assert!(
        error.to_string().starts_with("records cannot be kept in "),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn bodies_are_logged_where_that_was_asked_for_and_nowhere_else() {
    for log_bodies in [false, true] {
        let relay = relay([
            Script::stream(&conforming_text(["a secret answer"])),
            Script::text(
                400,
                "application/json",
                r#"{"error":{"message":"no secret answer"}}"#,
            ),
            Script::stream(
                &conforming_text(["a secret answer"]).through("response.output_text.delta"),
            )
            .step(Step::Cut),
        ])
        .await;
        let gateway = serve(vec![Upstream::new("relay", endpoint(&relay))], |options| {
            options.log_bodies = log_bodies;
        })
        .await;
        let body = serde_json::json!({"model": "m", "input": "a secret prompt", "stream": true});
        for n in 1..=3 {
            got(gateway.post(&body)).await;
            let record = &gateway.records(n).await[n - 1];
            for line in [record.json(), record.human()] {
                assert!(log_bodies || !line.contains("secret"), "{line}");
            }
            assert_eq!(record.bodies.is_some(), log_bodies);
            if let Some(bodies) = &record.bodies {
                assert!(bodies.request.contains("a secret prompt"), "{bodies:?}");
                assert!(bodies.answer.contains("secret answer"), "{bodies:?}");
            }
        }
    }
}
