//! What a turn says on standard error, word for word.

use crate::bin::{Done, Home, relay, seed};

/// The lines of standard error, the relay's address taken out.
fn told(done: &Done, relay: &respair_faults::Relay) -> Vec<String> {
    let host = relay.base_url().replace("http://", "");
    let lines = done.err.lines();
    lines.map(|line| line.replace(&host, "HOST")).collect()
}

#[test]
fn a_retry_says_what_went_wrong_once_and_in_one_sentence() {
    let relay = relay("http-500-once");
    let done = Home::seed("custom", &relay).run(&["run", "hi"]).exits(0);
    let told = told(&done, &relay);
    let rest = told[0]
        .strip_prefix(
            "notice: The relay failed on purpose (HTTP 500, server_error); asking again in ",
        )
        .unwrap_or_else(|| panic!("{}", told[0]));
    assert!(rest.ends_with(" ms (request 2 of at most 4)"), "{rest}");
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn the_same_again_is_told_shortly() {
    const SENTENCE: &str =
        "Expected to have received `response.created` before `response.in_progress`";
    let relay = relay("no-created");
    for (fallback, requests, second) in [
        (
            "in_hand",
            2,
            "notice: the same again; reading on tolerantly (request 2)",
        ),
        (
            "request",
            3,
            "notice: the same again; asking again, to read tolerantly (request 3)",
        ),
    ] {
        let home = Home::with_config(&format!(
            "recovery: {{fallback: {fallback}}}\n{}",
            seed("custom", &relay)
        ));
        let done = home
            .run(&["run", "hi"])
            .exits(0)
            .says(&format!("{requests} requests"));
        let told = told(&done, &relay);
        assert_eq!(
            told[0],
            format!("notice: {SENTENCE} (created-missing, event 0); asking again (request 2)")
        );
        assert_eq!(told[1], second);
    }
}

#[test]
fn a_takeover_says_where_the_strict_reading_stopped() {
    let relay = relay("index-missing");
    let done = Home::seed("custom", &relay).run(&["run", "hi"]).exits(0);
    assert!(
        told(&done, &relay).contains(
            &"notice: the strict reading stopped at event 10 (output-index-duplicate), reading on tolerantly from there: Duplicate response output index None."
                .to_owned()
        ),
        "{}",
        done.err
    );
}

/// Nothing was read, so nothing is said of a reading: also where one was remembered.
#[test]
fn without_a_stream_there_is_no_reading() {
    let relay = relay("no-created");
    let config = format!("recovery: {{max_requests: 2}}\n{}", seed("custom", &relay));
    let home = Home::with_config(&config);
    home.run(&["run", "hi"]).exits(0);
    drop(relay);
    let done = home.run(&["run", "hi"]).exits(1);
    assert_eq!(done.err.lines().last(), Some("failed · 2 requests"));
    let done = home.run(&["run", "hi", "--recovery", "strict"]).exits(1);
    assert_eq!(done.err.lines().last(), Some("failed · 2 requests"));
}

#[test]
fn a_rule_that_is_switched_off_is_no_guarantee() {
    let relay = relay("no-parts");
    let home = Home::with_config(&format!(
        "recovery: {{mode: inline, without: [part-not-added]}}\n{}",
        seed("custom", &relay)
    ));
    let done = home
        .run(&["run", "hi", "--json"])
        .exits(0)
        .says("notice: switched off by `recovery.without`, and no longer guaranteed: `part-not-added`: ")
        .says(" · not guaranteed: part-not-added");
    let last: serde_json::Value = serde_json::from_str(done.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["without"], serde_json::json!(["part-not-added"]));
}

#[test]
fn a_refused_field_is_left_out() {
    let relay = relay("http-400-store");
    let home = Home::seed("custom", &relay);
    let done = home.run(&["run", "hi"]).exits(0).says(
        "notice: Unsupported parameter: 'store' is not supported by this relay (HTTP 400); \
         asking again without `store`, here and later (request 2)\n",
    );
    assert!(told(&done, &relay).last().unwrap().contains("2 requests"));
    let done = home.run(&["run", "hi"]).exits(0);
    assert!(told(&done, &relay).last().unwrap().contains("1 request "));
    let known = home.run(&["endpoints", "list"]).exits(0);
    assert!(known.out.contains("without `store`"), "{}", known.out);
}

#[test]
fn a_strict_endpoint_is_not_asked_again_without_a_refused_field() {
    let relay = relay("http-400-store");
    let home = Home::seed("custom", &relay);
    let done = home
        .run(&["run", "hi", "--recovery", "strict"])
        .exits(1)
        .says("help: `compat: {drop_fields: [store]}` leaves it out\n");
    assert_eq!(told(&done, &relay).last().unwrap(), "failed · 1 request");
    let config = seed("custom", &relay) + "  compat: {drop_fields: [store]}\n";
    Home::with_config(&config).run(&["run", "hi"]).exits(0);
    // It is left out also where it was put in.
    let config = config + "  extra_body: {store: true}\n";
    Home::with_config(&config).run(&["run", "hi"]).exits(0);
}

/// `--trace` is input for other commands: the bodies of two requests can be told apart.
#[test]
fn a_trace_sets_its_bodies_apart() {
    let relay = relay("no-created");
    let home = Home::seed("custom", &relay);
    home.run(&["run", "hi", "--trace", "t.sse"]).exits(0);
    let trace = std::fs::read_to_string(home.path("t.sse")).unwrap();
    let (first, second) = trace.split_once("\n\n: respair attempt 2\n\n").unwrap();
    for body in [first, second] {
        assert!(body.starts_with("event: response.in_progress\n"), "{trace}");
        assert!(!body.contains("respair attempt"), "{trace}");
    }
    assert!(second.contains("event: response.completed\n"));
}

/// What the system says comes without its number, and a proxy is named where it may be at fault.
#[test]
fn no_numbers_of_the_system_and_a_word_about_the_proxy() {
    let home = Home::with_config("recovery: {max_requests: 1}\n");
    let args = ["run", "hi", "--model", "m", "--base-url"];
    let run = |address: &str, more: &[&str], proxy: &str| {
        let mut command = home.command(&args);
        command.arg(address).args(more).env("HTTP_PROXY", proxy);
        Done::of(command.output().unwrap())
    };
    run("http://127.0.0.1:1", &["--trace", "no/such"], "")
        .exits(2)
        .says("error: --trace no/such: No such file or directory\n");
    run("http://127.0.0.1:1", &[], "nonsense")
        .exits(1)
        .says("error: no connection to 127.0.0.1:1: connection refused (connect_failed)\n")
        .says("help: is the endpoint running, and is `base_url` right?");
    run("http://relay.invalid", &[], "http://127.0.0.1:1")
        .exits(1)
        .says("error: no connection to relay.invalid: connection refused (connect_failed)\n")
        .says("help: `HTTP_PROXY` names a proxy, which may be what cannot be reached\n");
}

/// An end that is missing is said once, and is nothing that was repaired.
#[test]
fn a_cut_answer_was_not_repaired() {
    let relay = relay("cut-mid-text");
    let home = Home::with_config(&seed("custom", &relay));
    let cut = "truncated: what came is shown, the rest is missing · 1 request · tolerant";
    let done = home.run(&["run", "--recovery", "inline", "hi"]).exits(3);
    let line = done.err.lines().last().unwrap();
    assert!(line.starts_with(cut) && !line.contains("repair"), "{line}");
}

#[test]
fn init_asks_to_fill_in_only_what_is_empty() {
    let home = Home::new();
    home.run(&["config", "init"]).exits(0).says("fill it in");
    let done = home
        .run(&[
            "config",
            "init",
            "--force",
            "--base-url",
            "http://127.0.0.1:1/v1",
            "--model",
            "m",
        ])
        .exits(0);
    assert!(!done.err.contains("fill it in"), "{}", done.err);
    home.run(&["config", "check"]).exits(0);
}
