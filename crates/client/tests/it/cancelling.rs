//! Interrupts: the upstream's socket closes at once, and what came is kept.

use std::time::{Duration, Instant};

use respair_client::{TurnEvent, TurnStatus};
use respair_faults::{Gate, Relay, Script, Step};

use crate::support::*;

/// What Ctrl-C is held to; over loopback it takes well under a millisecond.
const AT_ONCE: Duration = Duration::from_millis(200);

async fn assert_closed_since(relay: &Relay, cancelled: Instant) {
    let closed = soon(relay.wait_peer_closed())
        .await
        .peer_closed_at()
        .unwrap();
    assert!(closed.saturating_duration_since(cancelled) < AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn cancelled_in_the_text() {
    for stream in [answer(), seed()] {
        let relay = relay(Script::stream(&stream).after_first(TEXT_DELTA, Step::HoldOpen)).await;
        let client = client(custom(&relay));
        let mut turn = client.turn(request());
        let mut events = Vec::new();
        until_text(&mut turn, &mut events).await;
        let cancelled = Instant::now();
        turn.cancel_token().cancel();
        let run = finish(turn, events).await;
        assert_eq!(run.outcome.status, TurnStatus::Interrupted);
        run.assert_delivered("Hel");
        assert_eq!(run.reasoning(), "Thinking");
        assert!(run.outcome.error.is_none());
        assert_eq!(run.outcome.response_id.as_deref(), Some("resp_relay1"));
        assert_closed_since(&relay, cancelled).await;
    }
}

#[tokio::test(start_paused = true)]
async fn cancelled_before_the_head() {
    let relay = relay(Script::sse().before_head(Step::HoldOpen)).await;
    let client = client(custom(&relay));
    let mut turn = client.turn(request());
    let token = turn.cancel_token();
    // The turn runs only while it is awaited, so the relay is waited for beside it.
    let (first, cancelled) =
        tokio::join!(async { (turn.next().await, turn.next().await) }, async {
            soon(relay.wait_for_requests(1)).await;
            token.cancel();
            Instant::now()
        });
    assert!(matches!(first.0, Some(TurnEvent::Started { .. })));
    let Some(TurnEvent::Finished(outcome)) = first.1 else {
        panic!("{:?}", first.1)
    };
    assert_eq!(
        (outcome.status, outcome.upstream_requests),
        (TurnStatus::Interrupted, 1)
    );
    assert_closed_since(&relay, cancelled).await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_in_a_wait() {
    let relay =
        relay(Script::error(503, "server_error", None, "Busy.").header("retry-after", "100")).await;
    let clock = TestClock::new();
    let client = respair_client::Client::new(custom(&relay), options(&clock)).unwrap();
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    until(&mut turn, &mut events, |event| {
        matches!(event, TurnEvent::Recovery { .. }).then_some(())
    })
    .await;
    turn.cancel();
    let run = finish(turn, events).await;
    assert_eq!(run.outcome.status, TurnStatus::Interrupted);
    assert!(clock.elapsed() < Duration::from_secs(1));
    assert_eq!(relay.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn cancelled_before_it_begins() {
    let relay = relay(Script::stream(&answer())).await;
    let client = client(custom(&relay));
    let turn = client.turn(request());
    turn.cancel();
    let run = finish(turn, Vec::new()).await;
    assert_eq!(run.outcome.status, TurnStatus::Interrupted);
    assert_eq!(relay.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_turn_closes_the_socket() {
    let relay = relay(Script::stream(&answer()).after_first(TEXT_DELTA, Step::HoldOpen)).await;
    let client = client(custom(&relay));
    let mut turn = client.turn(request());
    until_text(&mut turn, &mut Vec::new()).await;
    let dropped = Instant::now();
    drop(turn);
    assert_closed_since(&relay, dropped).await;
}

/// The turn ends at its terminal event. What follows is read for `limits.drain`, in the background.
#[tokio::test(start_paused = true)]
async fn a_stream_held_open_after_its_end_is_closed() {
    let relay = relay(Script::stream(&answer()).hold_open()).await;
    let clock = TestClock::new();
    let client = respair_client::Client::new(custom(&relay), options(&clock)).unwrap();
    let run = run(&client).await;
    run.assert_completed("Hello");
    assert!(
        clock.elapsed() < Duration::from_millis(100),
        "the turn did not wait"
    );
    soon(relay.wait_peer_closed()).await;
    assert!(clock.elapsed() <= Duration::from_millis(300));
}

/// An error behind the end is nobody's concern.
#[tokio::test(start_paused = true)]
async fn what_breaks_after_the_end_is_ignored() {
    for script in [
        Script::stream(&answer()).reset(),
        Script::stream(&answer()).cut(),
    ] {
        let relay = relay(script).await;
        let run = run(&client(custom(&relay))).await;
        run.assert_completed("Hello");
        assert_eq!(relay.requests().len(), 1);
    }
}

/// Cancelling after the end changes nothing, and a second turn on the same client is its own.
#[tokio::test(start_paused = true)]
async fn turns_are_apart() {
    let gate = Gate::new();
    let relay = relay([
        Script::stream(&answer()).after_first(TEXT_DELTA, Step::Gate(gate.clone())),
        Script::stream(&answer()),
    ])
    .await;
    let client = client(custom(&relay));
    let mut first = client.turn(request());
    let mut events = Vec::new();
    until_text(&mut first, &mut events).await;
    run(&client).await.assert_completed("Hello");
    let token = first.cancel_token();
    gate.open();
    let first = finish(first, events).await;
    token.cancel();
    first.assert_completed("Hello");
}
