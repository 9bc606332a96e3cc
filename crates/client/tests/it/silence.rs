//! Silences: what each timer ends, and what a clock that leaps does not.

use std::time::Duration;

use respair_client::{Client, TurnStatus};
use respair_faults::{Gate, Script, Step, Stream, ev};

use crate::support::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A relay's script, and how a turn with it ends: the time that passed, and the error's sentence.
async fn ends(script: Script) -> (Duration, Run) {
    let relay = relay(script).await;
    let clock = TestClock::new();
    let mut endpoint = custom(&relay);
    endpoint.recovery.max_requests = 1;
    let run = run(&Client::new(endpoint, options(&clock)).unwrap()).await;
    (clock.elapsed(), run)
}

fn begun() -> Stream {
    Stream::new()
        .prelude()
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta("Hel"))
}

fn every(bytes: impl Into<bytes::Bytes>, wait: u64) -> Step {
    Step::Repeat {
        bytes: bytes.into(),
        every: seconds(wait),
        times: None,
    }
}

#[tokio::test(start_paused = true)]
async fn each_timer_ends_what_it_should_and_names_itself() {
    let comment = || every(": ping\n\n", 15);
    let keepalive = || every(ev::keepalive().to_bytes(), 15);
    for (name, script, code, bound, sentence) in [
        (
            "no head",
            Script::sse().before_head(Step::HoldOpen),
            "empty_stream",
            120,
            "no byte came (`timeouts.first_byte 120 s`)",
        ),
        (
            "no byte",
            Script::sse().hold_open(),
            "empty_stream",
            120,
            "no byte came (`timeouts.first_byte 120 s`)",
        ),
        (
            "silent behind the prelude",
            Script::stream(&Stream::new().prelude()).hold_open(),
            "empty_stream",
            300,
            "no further byte came (`timeouts.idle 300 s`)",
        ),
        (
            "silent in the text",
            Script::stream(&begun()).hold_open(),
            "upstream_truncated",
            300,
            "the response broke off before its end: no further byte came (`timeouts.idle 300 s`)",
        ),
        (
            "comments only",
            Script::sse().step(comment()),
            "empty_stream",
            900,
            "no event came that carries the response on (`timeouts.progress 900 s`)",
        ),
        (
            "comments in the text",
            Script::stream(&begun()).step(comment()),
            "upstream_truncated",
            900,
            "the response broke off before its end: no event came that carries the response on (`timeouts.progress 900 s`)",
        ),
        (
            "keep-alive events in the text",
            Script::stream(&begun()).step(keepalive()),
            "upstream_truncated",
            900,
            "the response broke off before its end: no event came that carries the response on (`timeouts.progress 900 s`)",
        ),
    ] {
        let (passed, run) = ends(script).await;
        assert_eq!(
            (run.code(), run.error().message.as_str()),
            (code, sentence),
            "{name}"
        );
        let bound = seconds(bound);
        assert!(
            passed >= bound && passed < bound + seconds(5),
            "{name}: {passed:?}"
        );
    }
}

/// A stream that moves is never ended, however slow it is and however long it takes.
#[tokio::test(start_paused = true)]
async fn a_slow_stream_is_not_ended() {
    let mut script = Script::sse();
    for (n, ev) in answer().evs().iter().enumerate() {
        // Just within `idle`; in sum far beyond every timer.
        script = script
            .send(ev.to_bytes())
            .delay(seconds(if n % 2 == 0 { 299 } else { 1 }));
    }
    let (passed, run) = ends(script).await;
    run.assert_completed("Hello");
    assert!(passed > seconds(1800));
}

#[tokio::test(start_paused = true)]
async fn comments_are_a_sign_of_life() {
    let comments = Step::Repeat {
        bytes: ": ping\n\n".into(),
        every: seconds(100),
        times: Some(8),
    };
    let (_, run) = ends(Script::stream(&answer()).before_first(TEXT_DELTA, comments)).await;
    run.assert_completed("Hello");
}

#[tokio::test(start_paused = true)]
async fn timers_can_be_off() {
    let relay =
        relay(Script::stream(&answer()).before_first(TEXT_DELTA, Step::Delay(seconds(20_000))))
            .await;
    let mut endpoint = custom(&relay);
    endpoint.timeouts.first_byte = None;
    endpoint.timeouts.idle = None;
    endpoint.timeouts.progress = None;
    run(&client(endpoint)).await.assert_completed("Hello");
}

/// A suspend of two hours in the middle of a stream that is still there: the turn goes on.
#[tokio::test(start_paused = true)]
async fn a_leap_forward_does_not_end_a_stream_that_is_alive() {
    let gate = Gate::new();
    let relay =
        relay(Script::stream(&answer()).after_first(TEXT_DELTA, Step::Gate(gate.clone()))).await;
    let clock = TestClock::new();
    let client = Client::new(custom(&relay), options(&clock)).unwrap();
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    until_text(&mut turn, &mut events).await;
    clock.leap(7200);
    // The upstream is heard of a second after the machine woke up.
    tokio::spawn(async move {
        tokio::time::sleep(seconds(1)).await;
        gate.open();
    });
    finish(turn, events).await.assert_completed("Hello");
}

/// The same with a stream that died meanwhile: noticed within seconds, not when tokio's clock has caught up.
#[tokio::test(start_paused = true)]
async fn a_leap_forward_ends_a_dead_stream_soon() {
    let relay = relay(Script::stream(&begun()).hold_open()).await;
    let clock = TestClock::new();
    let client = Client::new(custom(&relay), options(&clock)).unwrap();
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    until_text(&mut turn, &mut events).await;
    clock.leap(7200);
    let run = finish(turn, events).await;
    assert_eq!(run.outcome.status, TurnStatus::Truncated);
    assert!(clock.elapsed() <= seconds(15), "{:?}", clock.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_goes_back_neither_ends_nor_saves_a_stream() {
    let relay = relay(Script::stream(&begun()).hold_open()).await;
    let clock = TestClock::new();
    let client = Client::new(custom(&relay), options(&clock)).unwrap();
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    until_text(&mut turn, &mut events).await;
    clock.leap(-500_000);
    let run = finish(turn, events).await;
    assert_eq!(run.outcome.status, TurnStatus::Truncated);
    assert!(
        clock.elapsed() >= seconds(300) && clock.elapsed() < seconds(320),
        "{:?}",
        clock.elapsed()
    );
}

/// A consumer that takes its time is not the upstream's silence.
#[tokio::test(start_paused = true)]
async fn a_slow_consumer_does_not_end_the_stream() {
    let gate = Gate::new();
    let relay =
        relay(Script::stream(&answer()).after_first(TEXT_DELTA, Step::Gate(gate.clone()))).await;
    let clock = TestClock::new();
    let client = Client::new(custom(&relay), options(&clock)).unwrap();
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    until_text(&mut turn, &mut events).await;
    gate.open();
    tokio::time::sleep(seconds(3600)).await;
    finish(turn, events).await.assert_completed("Hello");
}
