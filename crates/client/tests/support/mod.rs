//! What the integration tests share: a relay, an endpoint for it, a clock that does not tick by itself, and a finished
//! turn to look at.
//!
//! Every test runs on tokio's paused clock, in one thread with its relay: waits pass in no time, and only when nothing else
//! can happen.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use respair_client::{
    Client, ClientOptions, Clock, Endpoint, Outcome, RecoveryAction, Turn, TurnError, TurnEvent,
    TurnRequest, TurnStatus,
};
use respair_faults::{Answer, Relay, Stream, ev};

/// The sentence that openai-python raises when the stream begins with `response.in_progress`.
pub const SEED: &str = "Expected to have received `response.created` before `response.in_progress`";

/// 2026-01-01, as the relay has it.
pub const NOW: u64 = 1_767_225_600;

/// A relay that answers so.
pub async fn relay(answer: impl Answer) -> Relay {
    Relay::start(answer).await.unwrap()
}

/// The relay as the user's own endpoint.
pub fn custom(relay: &Relay) -> Endpoint {
    Endpoint::custom(format!("{}/v1", relay.base_url()).parse().unwrap())
}

/// The relay in the place of a native provider.
pub fn native(provider: &str, relay: &Relay) -> Endpoint {
    Endpoint::native(
        provider,
        format!("{}/v1", relay.base_url()).parse().unwrap(),
    )
}

/// tokio's clock, plus what a test adds or takes.
#[derive(Debug)]
pub struct TestClock {
    origin: tokio::time::Instant,
    /// Seconds added to the time, negative ones taken.
    pub leap: Mutex<i64>,
    pub unix: Mutex<u64>,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        // Far from zero, so that it can go back.
        Arc::new(Self {
            origin: tokio::time::Instant::now(),
            leap: Mutex::new(1_000_000),
            unix: Mutex::new(NOW),
        })
    }

    pub fn leap(&self, seconds: i64) {
        *self.leap.lock().unwrap() += seconds;
    }

    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        let leap = Duration::from_secs(u64::try_from(*self.leap.lock().unwrap()).unwrap());
        self.origin.elapsed() + leap
    }

    fn unix(&self) -> u64 {
        *self.unix.lock().unwrap()
    }
}

/// Options with the test clock and a fixed seed.
pub fn options(clock: &Arc<TestClock>) -> ClientOptions {
    ClientOptions {
        seed: Some(7),
        clock: Some(Arc::<TestClock>::clone(clock)),
        ..ClientOptions::default()
    }
}

pub fn client(endpoint: Endpoint) -> Client {
    Client::new(endpoint, options(&TestClock::new())).unwrap()
}

pub fn request() -> TurnRequest {
    TurnRequest::new("relay-model", "Say hello.")
}

/// A finished turn.
#[derive(Debug)]
pub struct Run {
    pub events: Vec<TurnEvent>,
    pub outcome: Outcome,
}

impl Run {
    /// The text as it was delivered, piece after piece.
    pub fn text(&self) -> String {
        self.events.iter().filter_map(text_of).collect()
    }

    pub fn reasoning(&self) -> String {
        self.events.iter().filter_map(reasoning_of).collect()
    }

    pub fn notices(&self) -> Vec<&str> {
        self.events.iter().filter_map(notice_of).collect()
    }

    /// Action, code and attempt of each recovery.
    pub fn recoveries(&self) -> Vec<(RecoveryAction, &str, u32)> {
        let recovery = |event| match event {
            &TurnEvent::Recovery {
                action,
                ref code,
                attempt,
                ..
            } => Some((action, code.as_deref().unwrap_or_default(), attempt)),
            _ => None,
        };
        self.events.iter().filter_map(recovery).collect()
    }

    /// The waits before each retry.
    pub fn waits(&self) -> Vec<Duration> {
        let wait = |event: &TurnEvent| {
            if let TurnEvent::Recovery { wait, .. } = event {
                *wait
            } else {
                None
            }
        };
        self.events.iter().filter_map(wait).collect()
    }

    pub fn error(&self) -> &TurnError {
        self.outcome
            .error
            .as_ref()
            .expect("the turn should have failed")
    }

    pub fn code(&self) -> &str {
        self.error().code.as_deref().unwrap_or_default()
    }

    /// What every completed turn has to satisfy: what was delivered is what the outcome holds, once.
    #[track_caller]
    pub fn assert_completed(&self, text: &str) {
        assert_eq!(
            self.outcome.status,
            TurnStatus::Completed,
            "{:?}",
            self.outcome.error
        );
        self.assert_delivered(text);
        assert!(self.outcome.error.is_none());
        assert_eq!(
            item_types(&self.outcome)
                .iter()
                .filter(|kind| *kind == "message")
                .count(),
            1
        );
    }

    #[track_caller]
    pub fn assert_delivered(&self, text: &str) {
        assert_eq!(self.text(), text);
        assert_eq!(self.outcome.text, text);
        assert_eq!(self.outcome.reasoning, self.reasoning());
    }
}

pub fn text_of(event: &TurnEvent) -> Option<&str> {
    if let TurnEvent::Text(text) = event {
        Some(text)
    } else {
        None
    }
}

pub fn reasoning_of(event: &TurnEvent) -> Option<&str> {
    if let TurnEvent::Reasoning(text) = event {
        Some(text)
    } else {
        None
    }
}

pub fn notice_of(event: &TurnEvent) -> Option<&str> {
    if let TurnEvent::Notice(text) = event {
        Some(text)
    } else {
        None
    }
}

/// The types of the output items.
pub fn item_types(outcome: &Outcome) -> Vec<String> {
    let kind = |item: &serde_json::Value| item["type"].as_str().unwrap_or_default().to_owned();
    outcome
        .output
        .iter()
        .map(|item| kind(&serde_json::from_str(item.get()).unwrap()))
        .collect()
}

/// Runs a turn to its end.
pub async fn run(client: &Client) -> Run {
    finish(client.turn(request()), Vec::new()).await
}

/// The same for another request.
pub async fn run_request(client: &Client, request: TurnRequest) -> Run {
    finish(client.turn(request), Vec::new()).await
}

/// Runs the rest of a turn of which `events` came already.
pub async fn finish(mut turn: Turn, mut events: Vec<TurnEvent>) -> Run {
    let outcome = soon(async {
        loop {
            match turn.next().await.expect("a turn ends with its outcome") {
                TurnEvent::Finished(outcome) => break *outcome,
                event => events.push(event),
            }
        }
    })
    .await;
    assert!(turn.next().await.is_none(), "the outcome is the last event");
    Run { events, outcome }
}

/// Takes events until one is found; all of them go to `events`.
pub async fn until<T>(
    turn: &mut Turn,
    events: &mut Vec<TurnEvent>,
    find: impl Fn(&TurnEvent) -> Option<T>,
) -> T {
    soon(async {
        loop {
            let event = turn.next().await.expect("the turn ended too soon");
            assert!(
                !matches!(event, TurnEvent::Finished(_)),
                "the turn ended too soon: {event:?} after {events:?}"
            );
            let found = find(&event);
            events.push(event);
            if let Some(found) = found {
                return found;
            }
        }
    })
    .await
}

pub async fn until_text(turn: &mut Turn, events: &mut Vec<TurnEvent>) -> String {
    until(turn, events, |event| text_of(event).map(str::to_owned)).await
}

pub async fn until_reasoning(turn: &mut Turn, events: &mut Vec<TurnEvent>) -> String {
    until(turn, events, |event| reasoning_of(event).map(str::to_owned)).await
}

/// A future that must not wait for ever: a day on the paused clock.
pub async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(24 * 3600), future)
        .await
        .expect("it waits for ever")
}

/// Reasoning and text, conforming but for what the tests take out.
pub fn answer() -> Stream {
    Stream::new()
        .prelude()
        .reasoning(["Think", "ing"])
        .message(["Hel", "lo"])
        .complete()
}

/// The seed's stream: `response.in_progress` first, `response.created` never; and nothing in the terminal's `output`.
pub fn seed() -> Stream {
    answer()
        .drop_type("response.created")
        .map_type("response.completed", |ev| {
            ev.with("response.output", serde_json::json!([]))
        })
}

pub const TEXT_DELTA: &str = "response.output_text.delta";
pub const SUMMARY_DELTA: &str = "response.reasoning_summary_text.delta";

/// A terminal event that needs no stream around it.
pub fn text_only(text: &str) -> Stream {
    Stream::new()
        .push(ev::created())
        .push(ev::in_progress())
        .message([text])
        .complete()
}

/// Runs one ignored test in a process of its own, with these variables and no others about proxies.
pub fn in_a_process_with(test: &str, variables: &[(&str, String)]) {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command
            .env_remove(name)
            .env_remove(name.to_ascii_uppercase());
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}
