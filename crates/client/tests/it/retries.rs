//! Transport: what is asked again, how long it waits, and what the errors say.

use std::time::Duration;

use respair_client::{Endpoint, ErrorSource, RetryVerdict, TurnEvent, TurnStatus};
use respair_faults::{Script, Step, Stream, ev};
use serde_json::json;

use crate::support::*;

/// Script, code, requests.
type Case = (&'static str, Script, &'static str, u32);

fn error(status: u16, code: Option<&str>, message: &str) -> Script {
    Script::error(status, "some_error", code, message)
}

fn in_band(code: &str, message: &str) -> Script {
    Script::stream(&Stream::new().prelude().push(ev::failed(code, message)))
}

/// Once nothing more is delivered, the table of ARCHITECTURE.md: again or not.
#[tokio::test(start_paused = true)]
async fn what_is_asked_again() {
    let mut cases: Vec<Case> = vec![
        (
            "in band: overloaded",
            in_band("server_is_overloaded", "Busy."),
            "server_is_overloaded",
            4,
        ),
        (
            "in band: rate limit",
            in_band("rate_limit_exceeded", "Slow."),
            "rate_limit_exceeded",
            4,
        ),
        (
            "in band: server error",
            in_band("server_error", "Oops."),
            "server_error",
            4,
        ),
        (
            "in band: quota",
            in_band("insufficient_quota", "No."),
            "insufficient_quota",
            1,
        ),
        (
            "in band: context",
            in_band("context_length_exceeded", "Long."),
            "context_length_exceeded",
            1,
        ),
        (
            "in band: prompt",
            in_band("invalid_prompt", "No."),
            "invalid_prompt",
            1,
        ),
        (
            "JSON with 200: rate limit",
            error(200, Some("rate_limit_exceeded"), "Slow."),
            "rate_limit_exceeded",
            4,
        ),
        (
            "JSON with 200: auth",
            error(200, Some("invalid_api_key"), "No."),
            "invalid_api_key",
            1,
        ),
        (
            "429 quota",
            error(429, Some("insufficient_quota"), "No."),
            "insufficient_quota",
            1,
        ),
        (
            "429 usage limit",
            error(429, Some("usage_limit_reached"), "No."),
            "usage_limit_reached",
            1,
        ),
        (
            "500 context",
            error(500, Some("context_length_exceeded"), "Long."),
            "context_length_exceeded",
            1,
        ),
    ];
    for status in [408, 409, 425, 429, 500, 502, 503, 504, 529] {
        cases.push((
            "a passing status",
            error(status, Some("x"), "Not now."),
            "x",
            4,
        ));
    }
    for status in [400, 401, 402, 403, 404, 405, 413, 415, 422, 451] {
        cases.push(("a final status", error(status, Some("x"), "No."), "x", 1));
    }
    for (name, script, code, requests) in cases {
        for native_provider in [false, true] {
            let relay = relay(script.clone()).await;
            let endpoint = if native_provider {
                native("openai", &relay)
            } else {
                custom(&relay)
            };
            let run = run(&client(endpoint)).await;
            assert_eq!(
                (run.outcome.status, run.code()),
                (TurnStatus::Failed, code),
                "{name}"
            );
            assert_eq!(run.outcome.upstream_requests, requests, "{name}");
            assert_eq!(relay.requests().len() as u32, requests, "{name}");
            assert_eq!(run.error().source, ErrorSource::Upstream, "{name}");
            assert_eq!(
                run.error().retry == RetryVerdict::Retry,
                requests == 4,
                "{name}"
            );
        }
    }
}

/// The wait before the second request.
async fn wait_for(script: Script) -> (Option<Duration>, Run) {
    let relay = relay([script, Script::stream(&answer())]).await;
    let clock = TestClock::new();
    let client = respair_client::Client::new(custom(&relay), options(&clock)).unwrap();
    let run = run(&client).await;
    let wait = run.waits().first().copied();
    if let Some(wait) = wait {
        assert!(clock.elapsed() >= wait, "the wait was kept");
        assert!(
            clock.elapsed() < wait + Duration::from_secs(1),
            "and not prolonged"
        );
    }
    (wait, run)
}

#[tokio::test(start_paused = true)]
async fn waits_are_the_upstreams_where_it_asks() {
    // The clock stands at Thu, 01 Jan 2026 00:00:00 GMT.
    for (name, value, seconds) in [
        ("retry-after", "7", 7.0),
        ("retry-after", "0", 0.0),
        ("retry-after", "120", 120.0),
        ("retry-after-ms", "1500", 1.5),
        ("retry-after", "Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
    ] {
        let (wait, run) = wait_for(error(429, None, "Slow.").header(name, value)).await;
        assert_eq!(
            wait,
            Some(Duration::from_secs_f64(seconds)),
            "{name}: {value}"
        );
        run.assert_completed("Hello");
        let told = run.events.iter().find_map(|event| match event {
            TurnEvent::Recovery {
                status,
                attempt,
                max_requests,
                message,
                ..
            } => Some((*status, *attempt, *max_requests, message.as_deref())),
            _ => None,
        });
        assert_eq!(told, Some((Some(429), 2, 4, Some("Slow."))));
    }
    for script in [
        error(
            429,
            Some("rate_limit_exceeded"),
            "Please try again in 6.57s.",
        ),
        in_band("rate_limit_exceeded", "Please try again in 6.57s."),
    ] {
        assert_eq!(
            wait_for(script).await.0,
            Some(Duration::from_secs_f64(6.57))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn too_long_a_wait_is_told_instead() {
    let fortnight = "1209600";
    for script in [
        error(429, None, "Slow.").header("retry-after", "121"),
        error(503, None, "Slow.").header("retry-after", fortnight),
        error(429, None, "Slow.").header("retry-after", "99999999999999999999999999"),
        error(429, None, "Slow.").header("retry-after", "3600, 3600"),
        error(429, None, "Slow.").header("retry-after", "Fri, 02 Jan 2026 00:00:00 GMT"),
        in_band("rate_limit_exceeded", "Please try again in 10 minutes."),
    ] {
        let (wait, run) = wait_for(script).await;
        assert_eq!(wait, None);
        assert_eq!(
            (run.outcome.status, run.outcome.upstream_requests),
            (TurnStatus::Failed, 1)
        );
        assert!(
            run.error()
                .hint
                .as_ref()
                .unwrap()
                .contains("longer than the 120 s"),
            "{:?}",
            run.error()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn our_own_waits_grow() {
    let relay = relay(error(503, None, "Busy.")).await;
    let run = run(&client(custom(&relay))).await;
    let waits: Vec<f64> = run.waits().iter().map(Duration::as_secs_f64).collect();
    for (wait, full) in waits.iter().zip([0.5, 1.0, 2.0]) {
        assert!(*wait <= full && *wait >= full * 0.75, "{waits:?}");
    }
    assert_eq!(waits.len(), 3);
    assert!(
        run.error()
            .hint
            .as_ref()
            .unwrap()
            .contains("recovery.max_requests")
    );
}

/// After the first word nothing is asked again, whatever it is.
#[tokio::test(start_paused = true)]
async fn nothing_is_asked_again_after_content() {
    let begun = Stream::new()
        .prelude()
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta("Hel"));
    let passing = begun.clone().push(ev::failed("server_error", "Oops."));
    for (script, status) in [
        (Script::stream(&passing), TurnStatus::Failed),
        (Script::stream(&begun), TurnStatus::Truncated),
        (Script::stream(&begun).cut(), TurnStatus::Truncated),
        (Script::stream(&begun).reset(), TurnStatus::Truncated),
        (Script::stream(&begun).hold_open(), TurnStatus::Truncated),
    ] {
        let relay = relay(script).await;
        let run = run(&client(custom(&relay))).await;
        assert_eq!(run.outcome.status, status);
        run.assert_delivered("Hel");
        assert_eq!(run.outcome.upstream_requests, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn no_connection_is_named_and_tried_again() {
    // A port that was free a moment ago.
    let address = relay(Script::sse()).await.base_url();
    let run = run(&client(Endpoint::custom(address.parse().unwrap()))).await;
    assert_eq!(
        (run.outcome.status, run.code()),
        (TurnStatus::Failed, "connect_failed")
    );
    assert!(
        run.error().message.contains("127.0.0.1:"),
        "{}",
        run.error().message
    );
    assert_eq!(
        (run.error().source, run.outcome.upstream_requests),
        (ErrorSource::Local, 4)
    );
    assert_eq!(
        run.error().hint.as_deref(),
        Some(
            "is the endpoint running, and is `base_url` right? 4 requests were made, no more are allowed (`recovery.max_requests`)"
        )
    );
}

/// What an error's headers and body say is kept, whatever the body is.
#[tokio::test(start_paused = true)]
async fn errors_keep_what_the_upstream_said() {
    let page = "<html><head><title>Attention Required! | Cloudflare</title>";
    for (script, status, message) in [
        (
            Script::json(400, &json!({"detail": "Unsupported parameter: store"})),
            400,
            "Unsupported parameter: store",
        ),
        (
            Script::text(403, "text/html", page),
            403,
            "HTTP 403 Forbidden: Attention Required! | Cloudflare",
        ),
        (
            Script::text(400, "text/plain", "no\nway"),
            400,
            "HTTP 400 Bad Request: no way",
        ),
        (Script::status(401), 401, "HTTP 401 Unauthorized"),
    ] {
        let relay = relay(
            script
                .header("x-request-id", "req_7")
                .header("cf-ray", "8f-FRA"),
        )
        .await;
        let run = run(&client(custom(&relay))).await;
        let error = run.error();
        assert_eq!(
            (error.status, error.message.as_str()),
            (Some(status), message)
        );
        assert_eq!(
            (error.request_id.as_deref(), error.cf_ray.as_deref()),
            (Some("req_7"), Some("8f-FRA"))
        );
    }
}

/// The body of an error may be huge, or never end; the turn ends all the same.
#[tokio::test(start_paused = true)]
async fn an_error_body_without_end_is_cut_off() {
    let endless = Script::status(400).send(vec![b'x'; 200_000]).hold_open();
    let silent = Script::status(400).send("{\"error\":").hold_open();
    for script in [endless, silent] {
        let relay = relay(script).await;
        let run = run(&client(custom(&relay))).await;
        assert_eq!(
            (run.error().status, run.outcome.upstream_requests),
            (Some(400), 1)
        );
        assert!(run.error().message.len() < 500);
        soon(relay.wait_peer_closed()).await;
    }
}

/// After `error` a `response.failed` may follow; it is waited for as long as `limits.drain` says, comments or not.
#[tokio::test(start_paused = true)]
async fn an_error_event_does_not_wait_for_the_end_of_the_body() {
    let comments = Step::Repeat {
        bytes: ": ping\n\n".into(),
        every: Duration::from_millis(100),
        times: None,
    };
    let stream = Stream::new()
        .prelude()
        .push(ev::error_flat("invalid_prompt", "No."));
    for script in [
        Script::stream(&stream).hold_open(),
        Script::stream(&stream).step(comments),
    ] {
        let relay = relay(script).await;
        let clock = TestClock::new();
        let client = respair_client::Client::new(custom(&relay), options(&clock)).unwrap();
        let run = run(&client).await;
        assert_eq!(
            (run.code(), run.error().message.as_str()),
            ("invalid_prompt", "No.")
        );
        assert!(
            clock.elapsed() >= Duration::from_millis(250)
                && clock.elapsed() < Duration::from_secs(1)
        );
    }
}
