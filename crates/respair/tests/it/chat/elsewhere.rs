//! Terminals that cannot be drawn on or take nothing, and none at all.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use pty_process::blocking::Command;
use respair_faults::{Request, Script, Step, ev};

use super::terminal::*;
use super::*;
use crate::bin::*;
use crate::streams::block_on;

#[test]
fn without_colour_and_on_a_dumb_terminal() {
    let stream = response(1)
        .reasoning(["Hm."])
        .message([MARKDOWN])
        .complete();
    let relay = plays([Script::stream(&stream)]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, (60, 24), &["chat"], &[("NO_COLOR", "1")]);
    terminal.ready();
    let screen = terminal.say("hi");
    assert!(screen.contains("A **relay** that *misbehaves*"), "{screen}");
    let raw = terminal.raw();
    let coloured = ["\x1b[2m", "\x1b[1m", "\x1b[32m", "\x1b[36m"];
    assert!(
        !coloured.iter().any(|colour| raw.contains(colour)),
        "{raw:?}"
    );

    let terminal = Terminal::start(&home, (60, 24), &["chat"], &[("TERM", "dumb")]);
    terminal.until("ready", |text| text.ends_with('>'));
    terminal.type_in("hi\r");
    terminal.shows("completed · 1 request");
    let screen = terminal.until("ready", |text| text.ends_with('>'));
    assert!(screen.contains("> hi\nHm.\n\n## What it is\n"), "{screen}");
    terminal.type_in("/usage\r");
    terminal.shows("requests   1");
    terminal.type_in("\x04");
    let (status, _) = terminal.end();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn without_a_terminal_lines_are_messages() {
    let relay = plays([says(1, "One."), says(2, "Two.\n")]);
    let home = Home::seed("custom", &relay);
    let done = home.run_with_input(&["chat"], b"first\n/usage\nsecond \\\nline\n");
    let done = done.exits(0);
    assert_eq!(done.out, "One.\nTwo.\n");
    assert!(
        done.err.contains("requests   1") && !done.err.contains('\x1b'),
        "{}",
        done.err
    );
    assert_eq!(inputs(&relay), [1, 3]);
    let body = relay.requests()[1].json().unwrap();
    assert_eq!(body["input"][2]["content"][0]["text"], "second \nline");

    let relay = playing(|_: &Request| {
        Script::stream(&response(1).push(ev::error_flat("invalid_request_error", "no")))
    });
    let home = Home::with_config(&seed("custom", &relay));
    let done: Done = home.run_with_input(&["chat"], b"hi\n");
    done.exits(1).says("the upstream says: no");
    home.run(&["chat"]).exits(0);
}

/// A terminal that takes nothing holds up neither the upstream's socket nor the end.
#[test]
fn a_terminal_that_takes_nothing() {
    let deltas: Vec<String> = (0..4000)
        .map(|n| format!("{n} {}\n\n", "x".repeat(200)))
        .collect();
    let stream = response(1)
        .message(deltas.iter().map(String::as_str))
        .complete();
    let relay = playing(Script::stream(&stream).before_first("response.completed", Step::HoldOpen));
    let home = Home::seed("custom", &relay);
    let (pty, pts) = pty_process::blocking::open().unwrap();
    let mut child = Command::new(binary())
        .args(["chat"])
        .env_clear()
        .env("HOME", home.path(""))
        .env("TERM", "dumb")
        .current_dir(home.path(""))
        .spawn(pts)
        .unwrap();
    (&pty).write_all(b"go\r").unwrap();
    block_on(relay.wait_for_requests(1));
    let mut first = [0; 256];
    (&pty).read_exact(&mut first).unwrap();
    let id = child.id().to_string();
    let kill = || {
        let mut kill = std::process::Command::new("kill");
        drop(
            kill.args(["-INT", &id])
                .stderr(std::process::Stdio::null())
                .status(),
        );
    };
    let pressed = Instant::now();
    kill();
    let exchange = block_on(relay.wait_peer_closed());
    let took = exchange.peer_closed_at().unwrap().duration_since(pressed);
    assert!(
        took <= CLOSED_WITHIN,
        "the socket was closed after {took:?}"
    );
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait().unwrap()));
    // How much was written before decides whether it is the turn's end or the prompt that the next one meets.
    let status = (0..10).find_map(|_| {
        kill();
        ended.recv_timeout(Duration::from_secs(2)).ok()
    });
    assert_eq!(status.expect("it ends").code(), Some(130));
}
