//! The regression tests of the original's pull request, under its names: what a relay that leaves out
//! `response.created` leads to, for a custom provider and for any other.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use respair_client::{Path, RecoveryAction, RetryVerdict, TurnStatus};
use respair_core::ErrorSource;
use respair_faults::{Gate, Request, Script, Step};
use serde_json::{Value, json};
use support::*;

/// Custom: the strict reading refuses the first event, one strict retry, then the tolerant reading of the stream in hand,
/// with reasoning and text as they come.
#[tokio::test(start_paused = true)]
async fn run_codex_stream_custom_retries_then_falls_back_when_response_created_is_missing() {
    let (reasoning, text) = (Gate::new(), Gate::new());
    let gates = (reasoning.clone(), text.clone());
    let relay = relay(move |request: &Request| {
        let script = Script::stream(&seed());
        match request.number {
            // Never ends by itself: it is the client that gives it up.
            0 => script.before_first(SUMMARY_DELTA, Step::HoldOpen),
            _ => script
                .after_first(SUMMARY_DELTA, Step::Gate(gates.0.clone()))
                .after_first(TEXT_DELTA, Step::Gate(gates.1.clone())),
        }
    })
    .await;

    let client = client(custom(&relay));
    let mut turn = client.turn(request());
    let mut events = Vec::new();

    // The relay holds after the first delta of each until the test has seen it.
    assert_eq!(until_reasoning(&mut turn, &mut events).await, "Think");
    reasoning.open();
    assert_eq!(until_text(&mut turn, &mut events).await, "Hel");
    text.open();
    let run = finish(turn, events).await;

    run.assert_completed("Hello");
    assert_eq!(run.reasoning(), "Thinking");
    assert_eq!(
        item_types(&run.outcome),
        ["reasoning", "message"],
        "backfilled from what was done"
    );
    assert!(run.outcome.usage.is_some());

    assert_eq!(
        run.recoveries(),
        [
            (RecoveryAction::Retry, "created-missing", 2),
            (RecoveryAction::Fallback, "created-missing", 2)
        ]
    );
    assert_eq!(run.waits(), [], "the strict retry does not wait");
    assert_eq!(
        (
            run.outcome.upstream_requests,
            run.outcome.discarded_requests
        ),
        (2, 1)
    );
    assert_eq!(run.outcome.path, Path::Tolerant);
    let violation = &run.outcome.violations[0];
    assert_eq!(
        (
            violation.code.as_str(),
            violation.event,
            violation.message.as_str()
        ),
        ("created-missing", 0, SEED)
    );

    let exchanges = soon(relay.wait_closed(2)).await;
    assert_eq!(exchanges.len(), 2);
    assert!(
        exchanges[0].peer_closed_at().is_some(),
        "the refused stream was cancelled"
    );
    assert_eq!(exchanges[0].request.body, exchanges[1].request.body);
}

/// Any other provider gets the error, once, as the strict reading states it.
#[tokio::test(start_paused = true)]
async fn run_codex_stream_non_custom_still_raises_on_the_same_stream() {
    for provider in ["openai", "openai-codex"] {
        let relay = relay(Script::stream(&seed())).await;
        let run = run(&client(native(provider, &relay))).await;
        assert_eq!(run.outcome.status, TurnStatus::Failed);
        let error = run.error();
        assert_eq!(error.message, SEED);
        assert_eq!(error.code.as_deref(), Some("created-missing"));
        assert_eq!(
            (error.source, error.retry, error.event),
            (ErrorSource::Local, RetryVerdict::Never, Some(0))
        );
        assert!(error.hint.as_ref().unwrap().contains("provider: custom"));
        run.assert_delivered("");
        assert_eq!(run.recoveries(), []);
        assert_eq!(
            (
                run.outcome.upstream_requests,
                run.outcome.discarded_requests
            ),
            (1, 0)
        );
        assert_eq!(run.outcome.path, Path::Strict);
        assert_eq!(run.outcome.violations.len(), 1);
        assert_eq!(relay.requests().len(), 1);
    }
}

/// The terminal of the native service's Codex backend holds no items; the whole response is there all the same.
#[tokio::test(start_paused = true)]
async fn native_output_empty_or_null_gives_the_whole_response() {
    for provider in ["openai", "openai-codex"] {
        for output in [json!([]), Value::Null] {
            let stream = answer().map_type("response.completed", |ev| {
                ev.with("response.output", output.clone())
            });
            let relay = relay(Script::stream(&stream)).await;
            let run = run(&client(native(provider, &relay))).await;
            run.assert_completed("Hello");
            assert_eq!(run.reasoning(), "Thinking");
            assert_eq!(item_types(&run.outcome), ["reasoning", "message"]);
            assert_eq!(
                (run.outcome.path, run.outcome.upstream_requests),
                (Path::Strict, 1)
            );
            assert_eq!(run.outcome.response_id.as_deref(), Some("resp_relay1"));
        }
    }
}
