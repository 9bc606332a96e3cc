//! What is streamed is delivered while it comes, on every path: the relay holds after the first delta until the test has
//! seen it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use bytes::Bytes;
use respair_client::{Endpoint, Fallback, Path, RecoveryAction, RecoveryMode};
use respair_faults::{Gate, Relay, Request, Script, Step, Stream};
use serde_json::{Value, json};
use support::*;

/// The third of the pull request's tests: the fallback makes a request of its own, and reads a stream that begins with
/// `response.in_progress`, live.
#[tokio::test(start_paused = true)]
async fn run_codex_create_stream_fallback_reads_stream_beginning_with_in_progress() {
    for output in [json!([]), Value::Null] {
        let (reasoning, text) = (Gate::new(), Gate::new());
        let gates = (reasoning.clone(), text.clone());
        let stream = seed().map_type("response.completed", |ev| {
            ev.with("response.output", output.clone())
        });
        let relay = relay(move |request: &Request| {
            let script = Script::stream(&stream);
            match request.number {
                0 | 1 => script,
                _ => script
                    .after_first(SUMMARY_DELTA, Step::Gate(gates.0.clone()))
                    .after_first(TEXT_DELTA, Step::Gate(gates.1.clone())),
            }
        })
        .await;
        let mut endpoint = custom(&relay);
        endpoint.recovery.fallback = Fallback::Request;
        let client = client(endpoint);

        let mut turn = client.turn(request());
        let mut events = Vec::new();
        assert_eq!(until_reasoning(&mut turn, &mut events).await, "Think");
        reasoning.open();
        assert_eq!(until_text(&mut turn, &mut events).await, "Hel");
        text.open();
        let run = finish(turn, events).await;

        run.assert_completed("Hello");
        assert_eq!(run.reasoning(), "Thinking");
        assert_eq!(item_types(&run.outcome), ["reasoning", "message"]);
        assert_eq!(
            run.recoveries(),
            [
                (RecoveryAction::Retry, "created-missing", 2),
                (RecoveryAction::Fallback, "created-missing", 3)
            ]
        );
        assert_eq!(
            (
                run.outcome.upstream_requests,
                run.outcome.discarded_requests
            ),
            (3, 2)
        );
        assert_eq!(run.outcome.path, Path::Tolerant);
        assert_eq!(relay.requests().len(), 3);
    }
}

/// Runs `stream` with a gate behind the first delta of each kind.
async fn live(
    relay_of: impl Fn(Script) -> Script,
    stream: Stream,
    endpoint_of: impl Fn(&Relay) -> Endpoint,
) -> Run {
    let (reasoning, text) = (Gate::new(), Gate::new());
    let script = Script::stream(&stream)
        .after_first(SUMMARY_DELTA, Step::Gate(reasoning.clone()))
        .after_first(TEXT_DELTA, Step::Gate(text.clone()));
    let relay = relay(relay_of(script)).await;
    let client = client(endpoint_of(&relay));
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    assert_eq!(until_reasoning(&mut turn, &mut events).await, "Think");
    reasoning.open();
    assert_eq!(until_text(&mut turn, &mut events).await, "Hel");
    text.open();
    let run = finish(turn, events).await;
    run.assert_completed("Hello");
    assert_eq!(run.reasoning(), "Thinking");
    assert_eq!(relay.requests().len(), 1);
    run
}

#[tokio::test(start_paused = true)]
async fn the_strict_path_is_live() {
    for endpoint in [custom, |relay: &Relay| native("openai", relay)] {
        let run = live(|script| script, answer(), endpoint).await;
        assert_eq!(run.outcome.path, Path::Strict);
        assert_eq!(run.outcome.violations, []);
        assert_eq!(run.recoveries(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn the_inline_path_is_live() {
    let run = live(
        |script| script,
        seed(),
        |relay| {
            let mut endpoint = custom(relay);
            endpoint.recovery.mode = RecoveryMode::Inline;
            endpoint
        },
    )
    .await;
    assert_eq!(run.outcome.path, Path::Tolerant);
    assert_eq!(
        (
            run.outcome.upstream_requests,
            run.outcome.discarded_requests
        ),
        (1, 0)
    );
}

/// Any rule but the prelude's is taken over where it is broken: one request, nothing twice.
#[tokio::test(start_paused = true)]
async fn a_takeover_in_the_middle_is_live() {
    let run = live(
        |script| script,
        answer().drop_type("response.content_part.added"),
        custom,
    )
    .await;
    assert_eq!(
        run.recoveries(),
        [(RecoveryAction::Takeover, "part-not-added", 1)]
    );
    assert_eq!(run.outcome.path, Path::Tolerant);
    assert_eq!(
        (
            run.outcome.upstream_requests,
            run.outcome.discarded_requests
        ),
        (1, 0)
    );
}

/// How the bytes are cut changes nothing.
#[tokio::test(start_paused = true)]
async fn one_byte_at_a_time_is_live() {
    live(|script| script.in_chunks_of(1), answer(), custom).await;
    live(
        |script| script.in_chunks_of(1),
        answer(),
        |relay| native("openai", relay),
    )
    .await;
}

/// What says nothing holds nothing up either.
#[tokio::test(start_paused = true)]
async fn a_comment_and_an_empty_chunk_hold_nothing_up() {
    let stream = answer();
    let gate = Gate::new();
    let mut script = Script::sse().send(": welcome\n\n");
    for ev in stream.evs() {
        let last = ev.kind() == TEXT_DELTA;
        script = script.send(Bytes::new()).send(ev.to_bytes());
        if last {
            script = script.gate(&gate);
        }
    }
    let relay = relay(script).await;
    let client = client(custom(&relay));
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    assert_eq!(until_text(&mut turn, &mut events).await, "Hel");
    gate.open();
    finish(turn, events).await.assert_completed("Hello");
}
