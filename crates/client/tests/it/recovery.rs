//! The three modes, the fallback in its forms, and the budget.

use respair_client::{
    Code, Endpoint, Fallback, Path, ProviderKind, RecoveryAction, RecoveryMode, TurnStatus,
};
use respair_faults::{Relay, Script, ev};
use serde_json::json;

use crate::support::*;

/// Runs scripts against a custom endpoint with this recovery.
async fn with(scripts: Vec<Script>, change: impl FnOnce(&mut Endpoint)) -> (Run, Relay) {
    let relay = relay(scripts).await;
    let mut endpoint = custom(&relay);
    change(&mut endpoint);
    let run = run(&client(endpoint)).await;
    assert_eq!(relay.requests().len() as u32, run.outcome.upstream_requests);
    (run, relay)
}

fn bad() -> Script {
    Script::stream(&seed())
}

fn good() -> Script {
    Script::stream(&answer())
}

fn unavailable() -> Script {
    Script::error(503, "server_error", None, "Try later.")
}

const RETRY: RecoveryAction = RecoveryAction::Retry;
const FALLBACK: RecoveryAction = RecoveryAction::Fallback;
const MISSING: &str = "created-missing";

#[tokio::test(start_paused = true)]
async fn a_relay_that_misbehaves_once_is_read_strictly_the_second_time() {
    let (run, _relay) = with(vec![bad(), good()], |_| {}).await;
    run.assert_completed("Hello");
    assert_eq!(run.recoveries(), [(RETRY, MISSING, 2)]);
    assert_eq!(
        (run.outcome.path, run.outcome.discarded_requests),
        (Path::Strict, 1)
    );
    assert_eq!(
        run.outcome.violations.len(),
        1,
        "the discarded request's is told"
    );
}

#[tokio::test(start_paused = true)]
async fn strict_mode_gives_the_error_once() {
    let (run, _relay) = with(vec![bad()], |endpoint| {
        endpoint.recovery.mode = RecoveryMode::Strict
    })
    .await;
    assert_eq!(
        (run.outcome.status, run.error().message.as_str()),
        (TurnStatus::Failed, SEED)
    );
    assert!(run.error().hint.as_ref().unwrap().contains("recovery.mode"));
    assert_eq!(
        (
            run.outcome.upstream_requests,
            run.outcome.discarded_requests
        ),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn inline_mode_makes_one_request() {
    let (run, _relay) = with(vec![bad()], |endpoint| {
        endpoint.recovery.mode = RecoveryMode::Inline
    })
    .await;
    run.assert_completed("Hello");
    assert_eq!(run.recoveries(), []);
    assert_eq!(
        (run.outcome.path, run.outcome.upstream_requests),
        (Path::Tolerant, 1)
    );
    assert!(
        run.outcome
            .repairs
            .iter()
            .any(|repair| repair.code.as_str() == MISSING)
    );
}

#[tokio::test(start_paused = true)]
async fn strict_retries_and_the_budget_bound_the_strict_path() {
    for (strict_retries, max_requests, requests, discarded) in [
        (0, 4, 1, 0),
        (1, 4, 2, 1),
        (2, 4, 3, 2),
        (9, 4, 4, 3),
        (1, 1, 1, 0),
        (1, 0, 1, 0),
    ] {
        let (run, _relay) = with(vec![bad()], |endpoint| {
            endpoint.recovery.strict_retries = strict_retries;
            endpoint.recovery.max_requests = max_requests;
        })
        .await;
        run.assert_completed("Hello");
        assert_eq!(
            (
                run.outcome.upstream_requests,
                run.outcome.discarded_requests
            ),
            (requests, discarded)
        );
        assert_eq!(
            run.recoveries().last(),
            Some(&(FALLBACK, MISSING, requests))
        );
    }
}

/// Without budget for a request of its own the fallback takes the stream in hand.
#[tokio::test(start_paused = true)]
async fn the_fallback_request_is_within_the_budget() {
    let (run, _relay) = with(vec![bad()], |endpoint| {
        endpoint.recovery.fallback = Fallback::Request;
        endpoint.recovery.max_requests = 2;
    })
    .await;
    run.assert_completed("Hello");
    assert_eq!(
        run.recoveries(),
        [(RETRY, MISSING, 2), (FALLBACK, MISSING, 2)]
    );
}

/// The stream that was kept in hand dies before content: one tolerant request, at once.
#[tokio::test(start_paused = true)]
async fn a_stream_in_hand_that_dies_without_content_is_asked_for_once_more() {
    let dies = || Script::stream(&seed().before("response.output_item.added")).reset();
    let (run, _relay) = with(vec![bad(), dies(), bad()], |_| {}).await;
    run.assert_completed("Hello");
    assert_eq!(
        run.recoveries(),
        [
            (RETRY, MISSING, 2),
            (FALLBACK, MISSING, 2),
            (FALLBACK, "empty_stream", 3)
        ]
    );
    assert_eq!(run.waits(), []);
    assert_eq!(run.outcome.path, Path::Tolerant);

    // It dies again: from there on by the rules of transport, waits included.
    let (run, _relay) = with(vec![bad(), dies()], |_| {}).await;
    assert_eq!(
        (run.outcome.status, run.code()),
        (TurnStatus::Failed, "empty_stream")
    );
    assert_eq!(run.outcome.upstream_requests, 4);
    assert_eq!(run.waits().len(), 1);
}

/// It dies after content: what came stands, and nothing is asked again.
#[tokio::test(start_paused = true)]
async fn a_stream_in_hand_that_dies_after_content_is_truncated() {
    let (run, _relay) = with(
        vec![Script::stream(&seed().through(TEXT_DELTA)).cut()],
        |_| {},
    )
    .await;
    assert_eq!(
        (run.outcome.status, run.code()),
        (TurnStatus::Truncated, "upstream_truncated")
    );
    run.assert_delivered("Hel");
    assert_eq!(run.outcome.upstream_requests, 2);
}

/// Transport and prelude share one budget, and a retry in between does not make the reading forget.
#[tokio::test(start_paused = true)]
async fn transport_retries_and_strict_retries_share_the_budget() {
    let (run, _relay) = with(vec![unavailable(), bad(), unavailable(), bad()], |_| {}).await;
    run.assert_completed("Hello");
    assert_eq!(
        run.recoveries(),
        [
            (RETRY, "server_error", 2),
            (RETRY, MISSING, 3),
            (RETRY, "server_error", 4),
            (FALLBACK, MISSING, 4)
        ]
    );
    assert_eq!(
        (
            run.outcome.upstream_requests,
            run.outcome.discarded_requests
        ),
        (4, 1)
    );

    let (run, _relay) = with(vec![bad(), unavailable()], |_| {}).await;
    assert_eq!(
        (run.outcome.status, run.error().status),
        (TurnStatus::Failed, Some(503))
    );
    assert_eq!(
        (
            run.outcome.upstream_requests,
            run.outcome.discarded_requests
        ),
        (4, 1)
    );
}

/// A first event `error` or `response.failed` is the upstream's verdict, not an ordering violation.
#[tokio::test(start_paused = true)]
async fn an_error_first_is_no_violation() {
    for first in [
        ev::error_flat("invalid_prompt", "No."),
        ev::error_nested("invalid_prompt", "No."),
        ev::failed("invalid_prompt", "No."),
    ] {
        let stream = respair_faults::Stream::new().push(first);
        let (run, _relay) = with(vec![Script::stream(&stream)], |_| {}).await;
        assert_eq!(
            (run.code(), run.error().message.as_str()),
            ("invalid_prompt", "No.")
        );
        assert_eq!(
            (run.outcome.upstream_requests, run.outcome.path),
            (1, Path::Strict)
        );
        assert_eq!(run.recoveries(), []);
    }
}

/// A rule that is switched off is not mended.
#[tokio::test(start_paused = true)]
async fn without_switches_a_repair_off() {
    let code = Code::parse("terminal-output-missing").unwrap();
    let (run, _relay) = with(vec![bad()], |endpoint| {
        endpoint.recovery.mode = RecoveryMode::Inline;
        endpoint.recovery.without.push(code);
    })
    .await;
    run.assert_completed("Hello");
    assert!(
        !run.outcome.repairs.iter().any(|repair| repair.code == code),
        "{:?}",
        run.outcome.repairs
    );
}

/// What was configured decides, never the host's name: a native provider is never repaired.
#[tokio::test(start_paused = true)]
async fn native_ignores_recovery() {
    for mode in [RecoveryMode::RetryThenFallback, RecoveryMode::Inline] {
        let (run, _relay) = with(vec![bad()], |endpoint| {
            endpoint.kind = ProviderKind::Native;
            endpoint.recovery.mode = mode;
        })
        .await;
        assert_eq!(
            (run.error().message.as_str(), run.outcome.upstream_requests),
            (SEED, 1)
        );
        assert_eq!(run.outcome.path, Path::Strict);
    }
}

/// The upstream's `output` is what counts when it holds something.
#[tokio::test(start_paused = true)]
async fn what_the_terminal_holds_is_not_doubled() {
    for output in [json!([]), json!(null)] {
        let stream = seed().map_type("response.completed", |ev| {
            ev.with("response.output", output.clone())
        });
        let (run, _relay) = with(vec![Script::stream(&stream)], |_| {}).await;
        run.assert_completed("Hello");
        assert_eq!(item_types(&run.outcome), ["reasoning", "message"]);
    }
    let (run, _relay) = with(
        vec![Script::stream(&answer().drop_type("response.created"))],
        |_| {},
    )
    .await;
    run.assert_completed("Hello");
    assert_eq!(item_types(&run.outcome), ["reasoning", "message"]);
}
