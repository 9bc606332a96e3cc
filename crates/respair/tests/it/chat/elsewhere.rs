//! Terminals that cannot be drawn on, and none at all.

use std::path::Path;

use respair_faults::{Gate, Request, Script, Step, ev};
use rustix::termios::LocalModes;

use super::terminal::*;
use super::*;
use crate::bin::*;

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

/// What is thought and what is said in between are told apart, on a dumb terminal and in a pipe.
#[test]
fn commentary_does_not_run_into_reasoning() {
    let relay = relay("agent");
    let home = Home::seed("custom", &relay);
    home.write("README.md", b"# A project\n");
    let done = home.run_with_input(&["chat"], b"What is here?\n");
    let apart = "I look at what is there first.\n\nLet me look at the files.\n";
    assert!(done.err.contains(apart), "{}", done.err);
}

/// Ctrl-Z gives the terminal back as it was, `fg` goes on: in the middle of an answer, and at the prompt.
#[test]
fn ctrl_z_stops_and_fg_goes_on() {
    let gate = Gate::new();
    let stream = response(1).message(["Hello", " there."]).complete();
    let relay =
        plays([Script::stream(&stream)
            .after_first("response.output_text.delta", Step::Gate(gate.clone()))]);
    let home = Home::seed("custom", &relay);
    let bin = binary().display();
    let script = format!(
        "set -m; PATH=/usr/bin:/bin; {bin} chat; echo stopped once; read -r go; fg; echo stopped twice; read -r go; fg"
    );
    let shell = Path::new("/bin/sh");
    let terminal = Terminal::start_program(&home, (80, 40), shell, &["-c", &script], &[]);
    let is_cooked = || {
        let modes = rustix::termios::tcgetattr(&*terminal.pty).unwrap();
        let cooked = LocalModes::ICANON | LocalModes::ECHO;
        modes.local_modes.contains(cooked)
    };
    terminal.ready();
    terminal.type_in("go\r");
    terminal.shows("Hello");
    terminal.type_in("\x1a");
    terminal.shows("stopped once");
    assert!(is_cooked());
    terminal.type_in("\r");
    // What was live is drawn again below.
    terminal.until("drawn again", |text| text.matches("Hello").count() == 2);
    assert!(!is_cooked());
    gate.open();
    terminal.shows("Hello there.");
    terminal.ready();
    terminal.type_in("half");
    terminal.shows("› half");
    terminal.type_in("\x1a");
    terminal.shows("stopped twice");
    assert!(is_cooked());
    terminal.type_in("\r");
    terminal.until("again", |text| text.ends_with("› half"));
    terminal.type_in("\x03");
    terminal.ready();
    terminal.type_in("\x04");
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(0), "{screen}");
}
