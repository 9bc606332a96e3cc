//! Standard input, output and error of `run`.

use std::io::Read;
use std::process::Stdio;

use respair_faults::{Gate, Script, Step, Stream};

use crate::bin::{Done, Home, playing, relay};

fn asked(relay: &respair_faults::Relay) -> serde_json::Value {
    relay.requests()[0].json().unwrap()
}

#[test]
fn the_prompt_comes_from_where_it_is() {
    for (args, input) in [
        (&["run", "What is this?"][..], ""),
        (&["run", "-"], "What is this?\n"),
        (&["run"], "What is this?"),
    ] {
        let relay = relay("text");
        let home = Home::seed("custom", &relay);
        home.run_with_input(args, input.as_bytes()).exits(0);
        let body = asked(&relay);
        assert_eq!(body["input"][0]["content"][0]["text"], "What is this?");
        assert_eq!(
            (&body["stream"], &body["store"], &body["model"]),
            (&true.into(), &false.into(), &"gpt-5.4".into())
        );
    }
}

#[test]
fn no_prompt_is_a_usage_error() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    home.run(&["run"])
        .exits(2)
        .says("the prompt on standard input is empty");
    home.run(&["run", " "]).exits(2).says("the prompt is empty");
    home.run_with_input(&["run", "-"], b"\xff\xfe")
        .exits(2)
        .says("not UTF-8");
    assert!(relay.requests().is_empty());
}

#[test]
fn flags_work_before_and_after_the_command() {
    for args in [
        ["--model", "other", "run", "hi"],
        ["run", "--model", "other", "hi"],
        ["run", "hi", "--model", "other"],
    ] {
        let relay = relay("text");
        Home::seed("custom", &relay).run(&args).exits(0);
        assert_eq!(asked(&relay)["model"], "other");
    }
}

#[test]
fn a_pipe_gets_the_exact_bytes() {
    let text = "a\u{1b}[31mb\r\nc\u{0}\u{9b}d\té\u{202e}";
    let relay = playing(Script::stream(
        &Stream::new().prelude().message([text]).complete(),
    ));
    let done = Home::seed("custom", &relay)
        .run(&["run", "hi", "--color", "always"])
        .exits(0);
    assert_eq!(done.out, text);
}

#[test]
fn a_closed_pipe_is_no_error_and_closes_the_upstream() {
    let gate = Gate::new();
    let deltas: Vec<String> = (0..2000)
        .map(|n| format!("{n} {}\n", "x".repeat(100)))
        .collect();
    let stream = Stream::new()
        .prelude()
        .message(deltas.iter().map(String::as_str))
        .complete();
    let script = Script::stream(&stream)
        .after_first("response.output_text.delta", Step::Gate(gate.clone()))
        .before_first("response.completed", Step::HoldOpen);
    let relay = playing(script);
    let home = Home::seed("custom", &relay);
    let mut child = home
        .command(&["run", "hi"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 2];
    out.read_exact(&mut first).unwrap();
    drop(out);
    gate.open();
    let done = Done::of(child.wait_with_output().unwrap()).exits(0);
    assert!(!done.err.contains("error"), "{}", done.err);
    block_on(relay.wait_peer_closed());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = home.command(&["run", "hi"]).stdout(full).output().unwrap();
    Done::of(output)
        .exits(1)
        .says("error: standard output: No space left");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let relay = relay("reasoning");
    let home = Home::seed("custom", &relay);
    assert!(!home.run(&["run", "hi"]).err.contains('\u{1b}'));
    assert!(
        home.run(&["run", "hi", "--color", "always"])
            .err
            .contains("\u{1b}[2m")
    );
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let limit = std::time::Duration::from_secs(10);
    runtime
        .block_on(async { tokio::time::timeout(limit, future).await })
        .expect("nothing happened for 10 s")
}
