//! Every ending has its exit code, and the answer's text is what came.

use respair_faults::Relay;

use crate::bin::{Done, Home, relay};

const ANSWER: &str = "Hello from the relay.";
const SENTENCE: &str = "Expected to have received `response.created` before `response.in_progress`";

/// One request, so that no test waits for a retry.
fn once(provider: &str, relay: &Relay) -> Done {
    let home = Home::with_config(&format!(
        "recovery: {{max_requests: 1}}\n{}",
        crate::bin::seed(provider, relay)
    ));
    home.run(&["run", "hi"])
}

#[test]
fn the_seed_custom_asks_twice_and_then_once() {
    let relay = relay("no-created");
    let home = Home::seed("custom", &relay);
    let first = home
        .run(&["run", "hi"])
        .exits(0)
        .says("2 requests")
        .says("1 request discarded; `--recovery inline` avoids it");
    assert_eq!(first.out, ANSWER);
    // The sentence stands on one line, whole.
    assert!(
        first.err.lines().any(|line| line.contains(SENTENCE)),
        "{}",
        first.err
    );
    assert!(first.err.contains("Thinking about it."), "{}", first.err);
    assert_eq!(relay.requests().len(), 2);

    let second = home
        .run(&["run", "hi"])
        .exits(0)
        .says("remembered")
        .says("1 request ·");
    assert_eq!(second.out, ANSWER);
    assert_eq!(relay.requests().len(), 3);
}

#[test]
fn the_seed_native_is_the_sdks_error() {
    for provider in ["openai", "openai-codex"] {
        let relay = relay("no-created");
        let home = Home::seed(provider, &relay);
        let done = home
            .run(&["run", "hi"])
            .exits(1)
            .says("created-missing")
            .says("provider: custom");
        assert!(
            done.err.lines().any(|line| line == SENTENCE),
            "{}",
            done.err
        );
        assert_eq!(done.out, "");
        assert_eq!(relay.requests().len(), 1);
    }
}

#[test]
fn inline_asks_once() {
    let relay = relay("no-created");
    let home = Home::seed("custom", &relay);
    let done = home.run(&["run", "hi", "--recovery", "inline"]).exits(0);
    assert_eq!(done.out, ANSWER);
    assert_eq!(relay.requests().len(), 1);
}

#[test]
fn completed() {
    for name in [
        "text",
        "reasoning",
        "output-null",
        "output-empty",
        "response-done",
        "rate-limits-first",
        "hold-after-terminal",
        "tiny-chunks",
    ] {
        let relay = relay(name);
        let done = Home::seed("custom", &relay).run(&["run", "hi"]).exits(0);
        assert_eq!(done.out, ANSWER, "{name}");
    }
}

#[test]
fn failed() {
    for name in [
        "failed",
        "failed-first",
        "error-flat",
        "error-nested",
        "error-first-flat",
        "error-then-failed",
        "http-429-quota",
        "html-as-sse",
        "json-error-200",
        "empty-200",
        "comments-only",
        "eof-before-headers",
        "eof-before-content",
    ] {
        let relay = relay(name);
        let done = once("custom", &relay).exits(1).says("error: ");
        assert!(
            done.err
                .lines()
                .last()
                .unwrap()
                .starts_with("failed · 1 request"),
            "{name}: {}",
            done.err
        );
    }
}

#[test]
fn unreachable() {
    let relay = relay("text");
    let seed = crate::bin::seed("custom", &relay);
    drop(relay);
    let home = Home::with_config(&format!("recovery: {{max_requests: 1}}\n{seed}"));
    home.run(&["run", "hi"]).exits(1).says("error: ");
}

#[test]
fn truncated() {
    for name in [
        "cut-mid-text",
        "eof-mid-text",
        "eof-after-item-done",
        "reset-after-item-done",
    ] {
        let relay = relay(name);
        let done = once("custom", &relay).exits(3).says("truncated");
        assert!(
            !done.out.is_empty() && ANSWER.starts_with(&done.out),
            "{name}: {:?}",
            done.out
        );
    }
}

#[test]
fn incomplete() {
    let relay = relay("incomplete");
    once("custom", &relay)
        .exits(4)
        .says("incomplete: max_output_tokens");
}

#[test]
fn quiet_says_nothing_but_the_answer() {
    let relay = relay("no-created");
    let done = Home::seed("custom", &relay)
        .run(&["-q", "run", "hi"])
        .exits(0);
    assert_eq!((done.out.as_str(), done.err.as_str()), (ANSWER, ""));
}

#[test]
fn a_call_is_said_to_be_one() {
    let relay = relay("tool-call");
    let done = Home::seed("custom", &relay)
        .run(&["run", "hi"])
        .exits(0)
        .says("a call of `get_weather`");
    assert_eq!(done.out, "");
}

#[test]
fn a_retry_is_told_once() {
    let relay = relay("http-429-once");
    let done = Home::seed("custom", &relay).run(&["run", "hi"]).exits(0);
    assert_eq!(done.err.matches("asking again").count(), 1, "{}", done.err);
}
