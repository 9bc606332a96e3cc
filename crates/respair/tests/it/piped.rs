//! `respair run` within a pipeline: what comes in, and both of its streams in one place.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::bin::{Home, relay};

/// `git diff | respair run "Review this." -f -`.
#[test]
fn standard_input_is_sent_along() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    for more in [&[][..], &["--tools"]] {
        let args = [&["run", "Review this.", "-f", "-"], more].concat();
        home.run_with_input(&args, b"+ one\n").exits(0);
    }
    for request in relay.requests() {
        let body = request.json().unwrap();
        let content = &body["input"][0]["content"];
        assert_eq!(content[0]["text"], "Review this.");
        assert_eq!(content[1]["text"], "standard input:\n```\n+ one\n```");
    }
    let twice = "--file: standard input can be read once";
    for args in [
        &["run", "-f", "-"][..],
        &["run", "-", "-f", "-"],
        &["run", "hi", "-f", "-", "-f", "-"],
    ] {
        home.run_with_input(args, b"x").exits(2).says(twice);
    }
    let empty = home.run_with_input(&["run", "hi", "-f", "-"], b"");
    empty.exits(2).says("--file: standard input is empty");
    assert_eq!(relay.requests().len(), 2);
}

/// `respair run … > log 2>&1`: the answer's bytes, and remarks on lines of their own.
#[test]
fn both_streams_in_one_file() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    let log = |args: &[&str]| {
        let path = home.path("log");
        let file = File::create(&path).unwrap();
        let mut command = home.command(args);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        assert!(command.status().unwrap().success());
        std::fs::read_to_string(path).unwrap()
    };
    let whole = log(&["run", "hi"]);
    let (answer, closing) = whole.split_once('\n').unwrap();
    assert_eq!(answer, "Hello from the relay.");
    assert!(closing.starts_with("completed · 1 request"), "{whole:?}");
    assert_eq!(log(&["run", "hi", "-q"]), "Hello from the relay.");
}

/// A prompt and a pipe: somebody meant the pipe to be read. They are told where they sit at a terminal, and only there.
#[cfg(unix)]
#[test]
fn a_pipe_that_is_not_read_is_told_to_who_sits_there() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    let said = "standard input is not read; `-f -` sends it along";
    let done = home.run_with_input(&["run", "Review this."], b"+ one\n");
    assert!(!done.err.contains(said), "{}", done.err);

    let (mut pty, pts) = pty_process::blocking::open().unwrap();
    let mut child = pty_process::blocking::Command::new(crate::bin::binary())
        .args(["run", "Review this."])
        .env_clear()
        .env("HOME", home.path(""))
        .stdin(Stdio::piped())
        .spawn(pts)
        .unwrap();
    child.stdin.take().unwrap().write_all(b"+ one\n").unwrap();
    let mut shown = Vec::new();
    // Linux says with an error that nobody has the terminal open any more.
    let _ = pty.read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains(said), "{shown}");
}
