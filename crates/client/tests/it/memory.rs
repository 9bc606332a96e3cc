//! What a turn learns for the next one.

use std::fs;
use std::path::Path as File;
use std::sync::Arc;

use respair_client::{
    Client, ClientOptions, Endpoint, EndpointMemory, Path, RecoveryAction, RecoveryMode,
};
use respair_faults::{Relay, Script};

use crate::support::*;

const DAY: u64 = 24 * 60 * 60;

struct Home {
    dir: tempfile::TempDir,
    clock: Arc<TestClock>,
    relay: Relay,
    memory: EndpointMemory,
}

impl Home {
    async fn new(script: impl respair_faults::Answer) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let memory = EndpointMemory::open(dir.path());
        Self {
            dir,
            clock: TestClock::new(),
            relay: relay(script).await,
            memory,
        }
    }

    fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("endpoints.json")
    }

    /// A turn of another process: nothing is shared but the file.
    async fn turn(&self) -> Run {
        self.turn_at(custom(&self.relay)).await
    }

    async fn turn_at(&self, endpoint: Endpoint) -> Run {
        self.turn_with(endpoint, EndpointMemory::open(self.dir.path()))
            .await
    }

    async fn turn_with(&self, endpoint: Endpoint, memory: EndpointMemory) -> Run {
        let options = ClientOptions {
            memory: Some(memory),
            ..options(&self.clock)
        };
        let run = run(&Client::new(endpoint, options).unwrap()).await;
        run.assert_completed("Hello");
        run
    }

    fn days(&self, days: u64) {
        *self.clock.unix.lock().unwrap() += days * DAY;
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_turn_costs_one_request() {
    let home = Home::new(Script::stream(&seed())).await;
    let first = home.turn().await;
    assert_eq!(
        (first.outcome.upstream_requests, first.outcome.remembered),
        (2, false)
    );

    let second = home.turn().await;
    assert_eq!(
        second.recoveries(),
        [(RecoveryAction::Remembered, "created-missing", 1)]
    );
    assert_eq!(
        (
            second.outcome.upstream_requests,
            second.outcome.discarded_requests
        ),
        (1, 0)
    );
    assert_eq!(
        (second.outcome.path, second.outcome.remembered),
        (Path::Tolerant, true)
    );
    assert!(second.notices().is_empty(), "{:?}", second.notices());
    assert_eq!(home.relay.requests().len(), 3);

    let entry = &home.memory.list(NOW).unwrap()[0];
    assert_eq!(
        (entry.url.as_str(), entry.model.as_str()),
        (custom(&home.relay).display_url().as_str(), "relay-model")
    );
    assert_eq!(
        (entry.codes.as_slice(), entry.learnt_at),
        (["created-missing".to_owned()].as_slice(), NOW)
    );
}

#[tokio::test(start_paused = true)]
async fn a_takeover_is_learnt_too() {
    let home = Home::new(Script::stream(
        &answer().drop_type("response.content_part.added"),
    ))
    .await;
    assert_eq!(home.turn().await.outcome.upstream_requests, 1);
    assert_eq!(
        home.turn().await.recoveries(),
        [(RecoveryAction::Remembered, "part-not-added", 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn three_clean_turns_forget_and_say_so() {
    let mut scripts = vec![Script::stream(&seed()); 2];
    scripts.extend([Script::stream(&answer()), Script::stream(&answer())]);
    // One more that breaks the rule begins the count again.
    scripts.push(Script::stream(&seed()));
    scripts.push(Script::stream(&answer()));
    let home = Home::new(scripts).await;
    home.turn().await;
    for turn in 0..6 {
        let run = home.turn().await;
        assert!(run.outcome.remembered, "turn {turn}");
        let told = run
            .notices()
            .iter()
            .any(|notice| notice.contains("three times in a row"));
        assert_eq!(told, turn == 5, "turn {turn}: {:?}", run.notices());
    }
    let after = home.turn().await;
    assert_eq!(
        (after.outcome.path, after.outcome.remembered),
        (Path::Strict, false)
    );
}

#[tokio::test(start_paused = true)]
async fn seven_days_forget() {
    let home = Home::new(Script::stream(&seed())).await;
    home.turn().await;
    home.days(6);
    assert!(home.turn().await.outcome.remembered);
    home.days(1);
    let run = home.turn().await;
    assert_eq!(
        (run.outcome.remembered, run.outcome.upstream_requests),
        (false, 2)
    );
    home.days(6);
    assert!(home.turn().await.outcome.remembered, "learnt anew");
}

#[tokio::test(start_paused = true)]
async fn only_the_same_endpoint_and_model_is_remembered() {
    let home = Home::new(Script::stream(&seed())).await;
    let mut secret: respair_client::Url = format!("{}/v1?key=query-secret", home.relay.base_url())
        .parse()
        .unwrap();
    secret.set_username("me").unwrap();
    secret.set_password(Some("hunter2")).unwrap();
    home.turn_at(Endpoint::custom(secret)).await;
    let stored = fs::read_to_string(home.file()).unwrap();
    for secret in ["query-secret", "hunter2", "me@", "key="] {
        assert!(!stored.contains(secret), "{stored}");
    }

    assert!(
        home.turn().await.outcome.remembered,
        "the same address, bare"
    );
    let mut other = custom(&home.relay);
    other.base_url.set_path("/v2");
    assert!(!home.turn_at(other).await.outcome.remembered);
    let mut model = custom(&home.relay);
    model.extra_body.insert("model".to_owned(), "other".into());
    assert!(
        !home.turn_at(model).await.outcome.remembered,
        "the model as it is sent counts"
    );
}

/// The other modes neither read nor write it.
#[tokio::test(start_paused = true)]
async fn inline_and_strict_do_without() {
    let home = Home::new(Script::stream(&seed())).await;
    let mut inline = custom(&home.relay);
    inline.recovery.mode = RecoveryMode::Inline;
    assert!(!home.turn_at(inline).await.outcome.remembered);
    assert!(!home.file().exists());
}

/// A relay that misbehaves once has taught nothing.
#[tokio::test(start_paused = true)]
async fn a_retry_that_helps_teaches_nothing() {
    let home = Home::new([Script::stream(&seed()), Script::stream(&answer())]).await;
    assert_eq!(home.turn().await.outcome.upstream_requests, 2);
    assert!(!home.file().exists());
}

/// Whatever is wrong with the file: one notice, and the turn goes on.
#[tokio::test(start_paused = true)]
async fn a_memory_that_cannot_be_used_is_told_once() {
    type Break = fn(&File);
    let cases: [(&str, Break, &str, bool); 5] = [
        (
            "damaged",
            |file| fs::write(file, "{").unwrap(),
            "damaged",
            true,
        ),
        (
            "not text",
            |file| fs::write(file, [0xff; 64]).unwrap(),
            "damaged",
            true,
        ),
        (
            "newer",
            |file| fs::write(file, r#"{"schema":99}"#).unwrap(),
            "newer version",
            false,
        ),
        (
            "a directory",
            |file| fs::create_dir(file).unwrap(),
            "cannot be read",
            false,
        ),
        (
            "the directory is a file",
            |file| {
                fs::remove_dir(file.parent().unwrap()).unwrap();
                fs::write(file.parent().unwrap(), "").unwrap();
            },
            "cannot be",
            false,
        ),
    ];
    for (name, break_it, said, mended) in cases {
        let home = Home::new(Script::stream(&seed())).await;
        let state = home.dir.path().join("state");
        fs::create_dir(&state).unwrap();
        break_it(&state.join("endpoints.json"));
        let memory = EndpointMemory::open(&state);
        let first = home.turn_with(custom(&home.relay), memory.clone()).await;
        assert_eq!(first.notices().len(), 1, "{name}: {:?}", first.notices());
        assert!(
            first.notices()[0].contains(said),
            "{name}: {:?}",
            first.notices()
        );
        // In this process it is known, whatever became of the file.
        let second = home.turn_with(custom(&home.relay), memory).await;
        assert_eq!(second.notices(), Vec::<&str>::new(), "{name}");
        assert!(second.outcome.remembered, "{name}");
        let later = EndpointMemory::open(&state);
        let third = home.turn_with(custom(&home.relay), later).await;
        assert_eq!(third.outcome.remembered, mended, "{name}");
    }
}

/// `/proc` takes no new files, whoever asks: what a read-only or full disk looks like.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_state_directory_that_cannot_be_written_is_told_once() {
    let home = Home::new(Script::stream(&seed())).await;
    let memory = EndpointMemory::open(File::new("/proc/self"));
    let run = home.turn_with(custom(&home.relay), memory).await;
    assert_eq!(run.notices().len(), 1, "{:?}", run.notices());
    assert!(
        run.notices()[0].contains("cannot be written"),
        "{:?}",
        run.notices()
    );
}
