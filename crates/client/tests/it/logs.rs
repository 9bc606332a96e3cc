//! What is logged, at any verbosity, holds no secret.

use std::fmt;
use std::sync::{Arc, Mutex};

use respair_client::{Client, Endpoint};
use respair_faults::Script;
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Metadata, Subscriber};

use crate::support::*;

/// Writes down everything, from every crate.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Visit for Everything {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0
            .lock()
            .unwrap()
            .push_str(&format!(" {field}={value:?}"));
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut self.clone());
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
        self.0.lock().unwrap().push('\n');
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// tracing caches for the whole process which call sites are listened to, so the listener gets one to itself.
#[test]
fn logs_tell_the_decisions_and_no_secret() {
    in_a_process_with("logs::logs_of_a_turn", &[]);
}

#[tokio::test(start_paused = true)]
#[ignore = "run by logs_tell_the_decisions_and_no_secret"]
async fn logs_of_a_turn() {
    const KEY: &str = "sk-live-0123456789abcdef";
    let everything = Everything::default();
    let _guard = tracing::subscriber::set_default(everything.clone());

    let echo = format!("Slow down, {KEY}.");
    let relay = relay([
        Script::error(429, "rate_limit_exceeded", Some(KEY), &echo).header("x-request-id", KEY),
        Script::stream(&seed()),
    ])
    .await;
    let mut endpoint = Endpoint::custom(
        format!("{}/v1?key={KEY}", relay.base_url())
            .parse()
            .unwrap(),
    );
    endpoint.api_key = Some(KEY.to_owned().into());
    let client = Client::new(endpoint, options(&TestClock::new())).unwrap();
    run(&client).await.assert_completed("Hello");

    let logs = everything.0.lock().unwrap().clone();
    assert!(!logs.contains(KEY), "{logs}");
    for told in [
        "request sent",
        "headers came",
        "recovery",
        "event refused",
        "turn finished",
    ] {
        assert!(logs.contains(told), "{told}: {logs}");
    }
}
