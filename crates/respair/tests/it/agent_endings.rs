//! How `run --tools` ends: exit codes, what a pipe holds, the last line of `--json`.

use std::io::Read as _;
use std::process::Stdio;

use respair_faults::ev::{self, Item};
use respair_faults::{Gate, Relay, Request, Scenario, Script, Step, Stream, scenarios};
use serde_json::{Value, json};

use crate::bin::{Done, Home, playing, seed};
use crate::json::lines;

/// One run at a relay of its own.
fn run(scenario: &'static Scenario, args: &[&str]) -> (Done, Relay) {
    let relay = playing(*scenario);
    let home = Home::with_config(&format!(
        "recovery: {{max_requests: 1}}\nagent: {{max_steps: 6}}\n{}",
        seed("custom", &relay)
    ));
    let done = home.run(&[&["run", "hi", "--tools=read_file"], args].concat());
    (done, relay)
}

/// The last line, after it was looked at.
fn last(name: &str, done: &Done) -> Value {
    let lines = lines(&done.out);
    let turns = lines.iter().filter_map(|line| line["type"].as_str());
    let turns: Vec<&str> = turns.filter(|kind| kind.starts_with("turn.")).collect();
    assert_eq!(turns.len(), 2, "{name}: {turns:?}");
    assert_eq!(turns[0], "turn.started", "{name}");
    let last = lines.last().unwrap().clone();
    let code = match last["type"].as_str().unwrap() {
        "turn.completed" => 0,
        "turn.failed" => 1,
        "turn.truncated" => 3,
        "turn.incomplete" => 4,
        "turn.interrupted" => 130,
        other => panic!("{name}: {other}"),
    };
    assert_eq!(done.code, code, "{name}: {last}\n{}", done.err);
    assert_eq!(
        last["error"].is_null(),
        matches!(code, 0 | 4 | 130),
        "{name}: {last}"
    );
    last
}

/// A pipe holds what the last line calls the answer, and every reader gets the same exit code.
#[test]
fn every_scenario_ends_the_same_for_every_reader() {
    // The last two are slow, not other: size and timing are no matter of the reader's.
    let skipped = ["stall", "forever", "endless", "-once", "huge", "buffered"];
    let scenarios = scenarios().iter();
    for scenario in scenarios.filter(|s| !skipped.iter().any(|part| s.name().contains(part))) {
        let name = scenario.name();
        let (as_json, relay) = run(scenario, &["--json"]);
        let last = last(name, &as_json);
        assert_eq!(last["upstream_requests"], relay.requests().len(), "{name}");
        let (plain, _) = run(scenario, &[]);
        assert_eq!(
            (plain.code, plain.out.as_str()),
            (as_json.code, last["text"].as_str().unwrap()),
            "{name}\n{}",
            plain.err
        );
        let (quiet, _) = run(scenario, &["-q"]);
        assert_eq!((quiet.code, &quiet.out), (plain.code, &plain.out), "{name}");
        let silent = matches!(quiet.code, 0 | 4);
        assert!(silent || !quiet.err.is_empty(), "{name}");
        assert!(
            quiet.code != 0 || quiet.err.is_empty(),
            "{name}: {}",
            quiet.err
        );
    }
}

fn prelude(turn: u64) -> Stream {
    Stream::new().turn(turn).prelude()
}

fn says(turn: u64, text: &str) -> Script {
    Script::stream(&prelude(turn).message([text]).complete())
}

fn calls(turn: u64) -> Stream {
    let arguments = json!({"path": format!("{turn}.txt")}).to_string();
    prelude(turn)
        .message(["Let me see."])
        .call("read_file", [arguments.as_str()])
}

fn half(stream: Stream) -> Stream {
    stream
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta("Half"))
}

/// Each row of the contract's table, in the second response of a turn: the answer is the last response's alone.
#[test]
fn every_row_of_the_table_after_a_call() {
    let incomplete = |stream: Stream| stream.push(ev::incomplete("max_output_tokens"));
    for (name, second, code, text) in [
        ("completed", says(2, "Done."), 0, "Done."),
        ("empty", Script::stream(&prelude(2).complete()), 0, ""),
        (
            "failed",
            Script::stream(&prelude(2).push(ev::failed("invalid_prompt", "No."))),
            1,
            "",
        ),
        (
            "failed after text",
            Script::stream(&half(prelude(2)).push(ev::failed("invalid_prompt", "No."))),
            1,
            "Half",
        ),
        (
            "refused",
            Script::error(400, "invalid_request_error", None, "No."),
            1,
            "",
        ),
        (
            "no stream",
            Script::text(200, "text/html", "<html></html>"),
            1,
            "",
        ),
        ("cut", Script::stream(&half(prelude(2))), 3, "Half"),
        (
            "incomplete",
            Script::stream(&incomplete(prelude(2).message(["On, "]))),
            4,
            "On, On, On, On, ",
        ),
        (
            "filtered",
            Script::stream(
                &prelude(2)
                    .message(["I can"])
                    .push(ev::incomplete("content_filter")),
            ),
            4,
            "I can",
        ),
        (
            "calls on and on",
            Script::stream(&calls(2).complete()),
            1,
            "",
        ),
    ] {
        for args in [&["--json"][..], &[], &["-q"]] {
            let first = Script::stream(&calls(1).complete());
            let second = second.clone();
            let relay = playing(move |request: &Request| match request.number {
                0 => first.clone(),
                _ => second.clone(),
            });
            let home = Home::with_config(&format!(
                "recovery: {{max_requests: 2}}\nagent: {{max_steps: 6}}\n{}",
                seed("custom", &relay)
            ));
            let done = home.run(&[&["run", "hi", "--tools=read_file"], args].concat());
            let given = match args {
                ["--json"] => last(name, &done)["text"].as_str().unwrap().to_owned(),
                _ => done.out.clone(),
            };
            assert_eq!(
                (done.code, given.as_str()),
                (code, text),
                "{name} {args:?}\n{}",
                done.err
            );
        }
    }
}

/// What only its end shows to be commentary is in no answer: not on a pipe, and not in the last line.
#[test]
fn commentary_is_in_no_answer() {
    let message = |stream: Stream, text: &str, added: bool, phase: &str| {
        let open = Item::open_message();
        let open = if added {
            open.with("phase", phase)
        } else {
            open
        };
        stream
            .push(ev::item_added(open))
            .push(ev::part_added())
            .push(ev::text_delta(text))
            .push(ev::text_done(text))
            .push(ev::part_done(text))
            .push(ev::item_done(Item::message(text).with("phase", phase)))
    };
    for added in [true, false] {
        let stream = message(prelude(1), "Hm. ", added, "commentary");
        let stream = message(stream, "Hi.", added, "final_answer").complete();
        let relay = playing(Script::stream(&stream));
        let home = Home::seed("custom", &relay);
        assert_eq!(home.run(&["run", "hi", "--tools=off"]).exits(0).out, "Hi.");
        let done = home.run(&["run", "hi", "--tools=off", "--json"]).exits(0);
        assert_eq!(last("commentary", &done)["text"], "Hi.");
        // The session's export tells them apart.
        let done = home
            .run(&["run", "hi", "--session", "new", "--json"])
            .exits(0);
        let id = last("session", &done)["conversation"]["session"].clone();
        let shown = home
            .run(&["sessions", "export", id.as_str().unwrap()])
            .exits(0);
        assert!(
            shown.out.contains("## Commentary\n\nHm.\n"),
            "{}",
            shown.out
        );
        assert!(shown.out.contains("## Answer\n\nHi.\n"), "{}", shown.out);
    }
}

/// Ctrl-C, wherever the turn stands: 130, the last line of `--json`, the upstream's socket closed.
#[cfg(unix)]
#[test]
fn an_interrupt_has_its_last_line() {
    let text = || Script::stream(&prelude(2).message(["Half", " it."]).complete());
    type Shut = fn(Script, Step) -> Script;
    let table: [(&str, Shut); 2] = [
        ("before the head", Script::before_head),
        ("in the text", |script, gate| {
            script.after_first("response.output_text.delta", gate)
        }),
    ];
    for (name, shut) in table {
        let gate = Gate::new();
        let first = Script::stream(&calls(1).complete());
        let second = shut(text(), Step::Gate(gate.clone()));
        let relay = playing(move |request: &Request| match request.number {
            0 => first.clone(),
            _ => second.clone(),
        });
        let home = Home::seed("custom", &relay);
        let mut command = home.command(&["run", "hi", "--tools=read_file", "--json"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(gate.reached());
        let killed = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        let done = Done::of(child.wait_with_output().unwrap()).exits(130);
        let last = last(name, &done);
        assert_eq!(last["upstream_requests"], 2, "{name}");
        runtime.block_on(relay.wait_peer_closed());
    }
}

/// A reader that has enough is no error, and ends the turn: nothing more is asked.
#[test]
fn a_closed_pipe_ends_the_turn() {
    let relay =
        playing(|request: &Request| Script::stream(&calls(request.number as u64 + 1).complete()));
    let home = Home::seed("custom", &relay);
    let mut command = home.command(&["run", "hi", "--tools=read_file", "--json"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut begin = [0; 40];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut begin).unwrap();
    drop(out);
    let done = Done::of(child.wait_with_output().unwrap()).exits(0);
    assert!(!done.err.contains("error"), "{}", done.err);
    assert!(relay.requests().len() < 20, "{}", relay.requests().len());
}
