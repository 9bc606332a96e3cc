//! No key anywhere, at any verbosity.

use crate::bin::{Home, playing, relay};
use respair_faults::Script;

const KEY: &str = "sk-test-secret";

#[test]
fn the_key_is_sent_and_seen_nowhere() {
    // The upstream echoes it, as real ones do.
    let echo = Script::error(
        401,
        "invalid_request_error",
        Some("invalid_api_key"),
        &format!("Incorrect API key provided: {KEY}."),
    );
    for (relay, code) in [
        (relay("no-created"), 0),
        (playing(echo), 1),
        (relay("cut-mid-text"), 3),
    ] {
        let home = Home::seed("custom", &relay);
        let done = home
            .run(&["run", "hi", "-vv", "--json", "--trace", "trace.sse"])
            .exits(code);
        assert_eq!(
            relay.requests()[0].header("authorization"),
            Some("Bearer sk-test-secret")
        );
        assert!(
            !done.out.contains(KEY) && !done.err.contains(KEY),
            "{}\n{}",
            done.out,
            done.err
        );
        let mut files = vec![home.path("trace.sse")];
        files.push(home.path(".local/state/respair/endpoints.json"));
        for file in files {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            assert!(!text.contains(KEY), "{text}");
        }
    }
}

#[test]
fn show_and_check_mask_it() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    for args in [
        &["config", "show"][..],
        &["config", "show", "--json"],
        &["config", "check"],
    ] {
        let done = home.run(args).exits(0);
        assert!(
            !done.out.contains("secret") && !done.err.contains("secret"),
            "{}",
            done.out
        );
    }
}

#[test]
fn another_address_gets_no_key() {
    let (configured, other) = (relay("text"), relay("text"));
    let home = Home::seed("custom", &configured);
    home.run(&["run", "hi", "--base-url", &other.base_url()])
        .exits(0)
        .says("kept back");
    assert_eq!(other.requests()[0].header("authorization"), None);
    assert!(configured.requests().is_empty());
    let output = home
        .command(&[
            "run",
            "hi",
            "--base-url",
            &other.base_url(),
            "--api-key-env",
            "K",
        ])
        .env("K", "k2")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(
        other.requests()[1].header("authorization"),
        Some("Bearer k2")
    );
}

#[test]
fn userinfo_is_sent_as_basic_and_never_stored() {
    let relay = relay("no-created");
    let url = relay.base_url().replace("http://", "http://me:hunter2@");
    let home = Home::new();
    let done = home
        .run(&["run", "hi", "-vv", "--base-url", &url, "--model", "m"])
        .exits(0);
    assert_eq!(
        relay.requests()[0].header("authorization"),
        Some("Basic bWU6aHVudGVyMg==")
    );
    let state = std::fs::read_to_string(home.path(".local/state/respair/endpoints.json")).unwrap();
    assert!(state.contains(&relay.base_url()), "{state}");
    for text in [&done.out, &done.err, &state] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn the_trace_is_the_streams_bytes() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    let model = respair_faults::ev::MODEL;
    home.run(&["run", "hi", "--model", model, "--trace", "trace.sse"])
        .exits(0);
    let trace = std::fs::read_to_string(home.path("trace.sse")).unwrap();
    let sent = respair_faults::scenario("text").unwrap().script(0).body();
    assert!(trace.as_bytes() == sent, "{trace}");
    home.run(&["run", "hi", "--trace", "no/such/dir"])
        .exits(2)
        .says("--trace");
}
