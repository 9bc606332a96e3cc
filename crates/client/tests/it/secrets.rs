//! Keys appear nowhere: not in errors, notices, logs, traces, state or debug output, also when the upstream echoes them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use respair_client::{Client, ClientOptions, Endpoint, EndpointMemory, Trace, TurnStatus};
use respair_core::EndOfBody;
use respair_core::{Context, Reader, ReaderOptions, Step};
use respair_faults::{Relay, Script, Stream, ev};
use serde_json::json;

use crate::support::*;

const KEY: &str = "sk-live-0123456789abcdef";
const HEADER: &str = "tok-9876543210";
const PASSWORD: &str = "hunter2-password";
const QUERY: &str = "query-code-42";
const SECRETS: [&str; 4] = [KEY, HEADER, PASSWORD, QUERY];

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn with_secrets(relay: &Relay) -> Endpoint {
    let mut url: respair_client::Url = format!("{}/v1?code={QUERY}", relay.base_url())
        .parse()
        .unwrap();
    url.set_username("me").unwrap();
    url.set_password(Some(PASSWORD)).unwrap();
    let mut endpoint = Endpoint::custom(url);
    endpoint.api_key = Some(KEY.to_owned().into());
    endpoint.key_source = Some("$RELAY_KEY".to_owned());
    endpoint
        .extra_headers
        .push(("X-Token".to_owned(), format!("Token {HEADER}").into()));
    endpoint
}

fn echo() -> String {
    format!("You sent {KEY}, {HEADER}, {PASSWORD} and {QUERY}.")
}

#[track_caller]
fn assert_none(text: &str, where_: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {where_}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_echoes_them_is_not_repeated() {
    let echo = echo();
    let mut cases = vec![
        Script::error(401, "invalid_request_error", Some(KEY), &echo).header("x-request-id", KEY),
        Script::text(403, "text/html", format!("<title>{echo}</title>")),
        Script::text(400, "text/plain", echo.clone()),
        Script::status(302).header("location", &format!("/{KEY}/responses?{QUERY}")),
        Script::json(200, &json!({"error": {"message": echo, "code": KEY}})),
        Script::text(200, "text/html", format!("<title>{echo}</title>")),
        Script::error(503, "server_error", None, &echo),
        Script::stream(&Stream::new().push(ev::error_flat(KEY, &echo))),
        Script::stream(&Stream::new().prelude().push(ev::failed(KEY, &echo))),
        // A vendor event whose type is the key: it stands in the violation's sentence.
        Script::stream(&answer().insert(0, ev::raw_json(KEY, json!({})))),
    ];
    cases.push(Script::sse().before_head(respair_faults::Step::Reset));
    for script in cases {
        let relay = relay(script).await;
        let run = run(&client(with_secrets(&relay))).await;
        assert_none(&format!("{run:?}"), "the turn");
        if run.outcome.status == TurnStatus::Failed && run.error().status == Some(401) {
            assert!(
                run.error()
                    .message
                    .contains("You sent [redacted], [redacted]"),
                "{}",
                run.error().message
            );
            assert_eq!(
                run.error().hint.as_deref(),
                Some("the key from $RELAY_KEY was used")
            );
        }
    }
}

/// Escaped and encoded, as an address, a header or a JSON writer has them.
#[tokio::test(start_paused = true)]
async fn an_upstream_that_echoes_them_encoded_is_not_repeated() {
    const CODE: &str = "AbC%2FdefGHIjkl123456%3D%3D";
    const BASIC: &str = "bWU6aHVudGVyMi9wYXNzd29yZA";
    let echo = format!("Cannot POST /v1/responses?code={CODE}");
    let basic = format!("You sent Basic {BASIC}== (hunter2%2Fpassword, hunter2/password)");
    let json = r#"{"error":{"message":"no","sent":"hunter2\/password AbC\/defGHIjkl123456=="}}"#;
    for script in [
        Script::text(404, "text/plain", echo.clone()),
        Script::text(404, "text/html", format!("<title>{echo}</title>")),
        Script::text(401, "text/plain", basic.clone()),
        Script::text(400, "application/json", json),
        // The excerpt ends within the secret.
        Script::text(404, "text/plain", format!("{}{CODE}", "x".repeat(290))),
        Script::stream(&Stream::new().prelude().push(ev::failed("no", &basic))),
    ] {
        let relay = relay(script).await;
        let mut url: respair_client::Url = format!("{}/v1?code={CODE}", relay.base_url())
            .parse()
            .unwrap();
        url.set_username("me").unwrap();
        url.set_password(Some("hunter2/password")).unwrap();
        let shared = Shared::default();
        let options = ClientOptions {
            trace: Some(Trace::new(shared.clone())),
            ..options(&TestClock::new())
        };
        let run = run(&Client::new(Endpoint::custom(url), options).unwrap()).await;
        assert_eq!(
            relay.requests()[0].header("authorization"),
            Some(format!("Basic {BASIC}==").as_str())
        );
        let said = format!("{run:?} {}", shared.text());
        for secret in ["AbC", BASIC, "hunter2"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
}

/// What is neither the answer nor an error.
#[tokio::test(start_paused = true)]
async fn the_outcomes_names_hold_none() {
    let mut stream = Stream::new()
        .prelude()
        .message(["Hello"])
        .push(ev::incomplete(KEY));
    for kind in [
        "response.created",
        "response.in_progress",
        "response.incomplete",
    ] {
        stream = stream.map_type(kind, |ev| {
            ev.with("response.id", format!("resp_{KEY}"))
                .with("response.model", HEADER)
        });
    }
    let relay = relay(Script::stream(&stream)).await;
    let outcome = run(&client(with_secrets(&relay))).await.outcome;
    assert_eq!(outcome.status, TurnStatus::Incomplete);
    assert_eq!(outcome.response_id.as_deref(), Some("resp_[redacted]"));
    assert_eq!(outcome.model.as_deref(), Some("[redacted]"));
    assert_eq!(outcome.incomplete_reason.as_deref(), Some("[redacted]"));
}

#[tokio::test(start_paused = true)]
async fn debug_and_state_hold_none() {
    let relay = relay(Script::stream(&seed())).await;
    let dir = tempfile::tempdir().unwrap();
    let options = ClientOptions {
        memory: Some(EndpointMemory::open(dir.path())),
        ..options(&TestClock::new())
    };
    let client = Client::new(with_secrets(&relay), options).unwrap();
    let run = run(&client).await;
    run.assert_completed("Hello");
    assert_none(
        &format!("{client:?} {:?} {run:?}", client.endpoint()),
        "debug output",
    );
    assert_none(
        &std::fs::read_to_string(dir.path().join("endpoints.json")).unwrap(),
        "the state",
    );
    // They did go where they belong.
    let asked = &relay.requests()[0];
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
    assert!(asked.path.contains(QUERY));
}

/// The trace is what came, byte for byte but for secrets, however the bytes were cut.
#[tokio::test(start_paused = true)]
async fn the_trace_is_the_body_without_secrets() {
    for size in [1, 7, 100_000] {
        let stream = Stream::new()
            .prelude()
            .message(["You sent ", KEY, "."])
            .complete();
        let script = Script::stream(&stream).in_chunks_of(size);
        let body = String::from_utf8(script.body().to_vec()).unwrap();
        let relay = relay(script).await;
        let shared = Shared::default();
        let options = ClientOptions {
            trace: Some(Trace::new(shared.clone())),
            ..options(&TestClock::new())
        };
        let run = run(&Client::new(with_secrets(&relay), options).unwrap()).await;
        // The answer is the caller's own and is not touched.
        run.assert_completed(&format!("You sent {KEY}."));
        soon(relay.wait_closed(1)).await;
        tokio::task::yield_now().await;
        assert_eq!(
            shared.text(),
            body.replace(KEY, "[redacted]"),
            "chunks of {size}"
        );
    }
}

/// Several requests of a turn in one trace, which still reads as event streams.
#[tokio::test(start_paused = true)]
async fn requests_are_set_off_in_the_trace() {
    let relay = relay([
        Script::error(503, "server_error", None, &echo()),
        Script::stream(&seed().take(1)).hold_open(),
        Script::stream(&answer()),
    ])
    .await;
    let shared = Shared::default();
    let options = ClientOptions {
        trace: Some(Trace::new(shared.clone())),
        ..options(&TestClock::new())
    };
    let run = run(&Client::new(with_secrets(&relay), options).unwrap()).await;
    run.assert_completed("Hello");
    let trace = shared.text();
    assert_none(&trace, "the trace");
    assert!(
        trace.starts_with(": respair attempt 1 HTTP 503\n: {"),
        "{trace}"
    );
    assert!(
        trace.contains("\n\n: respair attempt 3\n\nevent: response.created\n"),
        "{trace}"
    );

    // The last stream in it is whole.
    let last = trace.split(": respair attempt 3").nth(1).unwrap();
    let mut reader = Reader::new(ReaderOptions::strict(), Context::new(NOW, 1));
    reader.push(bytes::Bytes::copy_from_slice(last.as_bytes()));
    reader.finish(EndOfBody::Eof);
    let steps: Vec<Step> = std::iter::from_fn(|| reader.poll()).collect();
    assert!(
        matches!(
            steps.last(),
            Some(Step::Ended(respair_core::Ending::Completed { .. }))
        ),
        "{steps:?}"
    );
}

/// A trace that cannot be written is told once, and the turn goes on.
#[tokio::test(start_paused = true)]
async fn a_trace_that_fails_is_told_once() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let relay = relay(Script::stream(&seed())).await;
    let options = ClientOptions {
        trace: Some(Trace::new(Full)),
        ..options(&TestClock::new())
    };
    let run = run(&Client::new(custom(&relay), options).unwrap()).await;
    run.assert_completed("Hello");
    assert_eq!(run.notices().len(), 1, "{:?}", run.notices());
}

#[cfg(unix)]
#[test]
fn a_trace_file_is_the_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.sse");
    Trace::file(&path).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// The beginning of a secret is not known again: what is quoted of a body is cut after the secrets are out of it.
#[tokio::test(start_paused = true)]
async fn a_secret_at_the_cut_of_a_quoted_body_leaves_no_beginning() {
    let body = format!("{} {KEY}", "x".repeat(285));
    let relay = relay(Script::text(200, "text/plain", body)).await;
    let run = run(&client(with_secrets(&relay))).await;
    let said = run.error().message.clone();
    assert!(said.contains("xxx") && !said.contains("sk-live"), "{said}");
}
