//! Sizes: what is large and allowed, and what is too large.

use respair_client::TurnStatus;
use respair_faults::{Script, Step, Stream};

use crate::support::*;

/// A response may echo images: one event of many MiB is nothing special.
#[tokio::test(start_paused = true)]
async fn an_event_of_sixty_mebibytes_is_read() {
    let image = "x".repeat(60 << 20);
    let stream = answer().map_type("response.completed", |ev| {
        ev.with("response.metadata.image", image.as_str())
    });
    let relay = relay(Script::stream(&stream)).await;
    run(&client(custom(&relay))).await.assert_completed("Hello");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_never_ends_is_a_typed_error() {
    let endless = Step::Repeat {
        bytes: vec![b'x'; 1 << 16].into(),
        every: std::time::Duration::ZERO,
        times: None,
    };
    let relay = relay(
        Script::stream(&Stream::new().prelude())
            .send("data: ")
            .step(endless),
    )
    .await;
    let mut endpoint = custom(&relay);
    endpoint.limits = endpoint.limits.with_frame(1 << 20);
    let run = run(&client(endpoint)).await;
    assert_eq!(
        (run.outcome.status, run.code()),
        (TurnStatus::Failed, "oversized")
    );
    assert_eq!(run.outcome.upstream_requests, 1);
    soon(relay.wait_peer_closed()).await;
}

#[tokio::test(start_paused = true)]
async fn a_response_beyond_its_limit_is_delivered_and_fails() {
    let pieces = vec!["0123456789abcdef"; 256];
    let relay = relay(Script::stream(
        &Stream::new().prelude().message(pieces.clone()).complete(),
    ))
    .await;
    for mode in [
        respair_client::RecoveryMode::RetryThenFallback,
        respair_client::RecoveryMode::Inline,
    ] {
        let mut endpoint = custom(&relay);
        endpoint.recovery.mode = mode;
        endpoint.limits = endpoint.limits.with_response(1024);
        let run = run(&client(endpoint)).await;
        assert_eq!(run.outcome.status, TurnStatus::Failed, "{mode}");
        assert!(
            run.error().message.contains("limits.response"),
            "{mode}: {}",
            run.error().message
        );
        assert_eq!(run.text(), pieces.concat(), "{mode}");
    }
}

/// A peer that goes on and on behind its terminal event holds nobody up.
#[tokio::test(start_paused = true)]
async fn a_flood_behind_the_end_is_cut_off() {
    let flood = Step::Repeat {
        bytes: vec![b':'; 1 << 16].into(),
        every: std::time::Duration::ZERO,
        times: None,
    };
    let relay = relay(Script::stream(&answer()).step(flood)).await;
    run(&client(custom(&relay))).await.assert_completed("Hello");
    soon(relay.wait_peer_closed()).await;
}
