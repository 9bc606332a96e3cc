//! Terminals that take nothing, and terminals that went away.

use std::io::{Read, Write};
use std::os::fd::AsFd as _;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use pty_process::blocking::{Command, Pty};
use respair_faults::{Script, Step};

use super::terminal::HANGS;
use super::*;
use crate::bin::*;
use crate::streams::block_on;

/// The binary on a terminal that is read only as far as the test wants.
struct Unread {
    pty: Pty,
    id: String,
    ended: mpsc::Receiver<ExitStatus>,
}

impl Unread {
    fn chat(home: &Home, term: &str) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(24, 80)).unwrap();
        let child = Command::new(binary())
            .args(["chat"])
            .env_clear()
            .env("HOME", home.path(""))
            .env("TERM", term)
            .current_dir(home.path(""))
            .spawn(pts)
            .unwrap();
        Self::of(pty, child, term)
    }

    /// On a terminal that is not its own: when it goes away, nobody says so.
    fn apart(home: &Home) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(24, 80)).unwrap();
        let side = || Stdio::from(pts.as_fd().try_clone_to_owned().unwrap());
        let child = home
            .command(&["chat"])
            .env("TERM", "xterm")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        Self::of(pty, child, "xterm")
    }

    fn of(pty: Pty, mut child: Child, term: &str) -> Self {
        let id = child.id().to_string();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait().unwrap()));
        let unread = Self { pty, id, ended };
        if term != "dumb" {
            // The line editor asks where the cursor is.
            unread.read_to("\x1b[6n");
            unread.type_in("\x1b[5;1R");
            unread.read_to("›");
        }
        unread
    }

    fn type_in(&self, keys: &str) {
        (&self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Reads as far as this.
    fn read_to(&self, words: &str) {
        let mut read = Vec::new();
        while !read.ends_with(words.as_bytes()) {
            let mut byte = [0];
            (&self.pty).read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
    }

    fn signal(&self, name: &str) {
        let mut kill = std::process::Command::new("kill");
        let kill = kill.args([name, &self.id]);
        drop(kill.stderr(std::process::Stdio::null()).status());
    }
}

/// Far more than a terminal's buffer.
fn flood() -> Stream {
    let deltas: Vec<String> = (0..4000)
        .map(|n| format!("{n} {}\n\n", "x".repeat(200)))
        .collect();
    let deltas = deltas.iter().map(String::as_str);
    response(1).message(deltas).complete()
}

/// The partial turn is kept, and nothing else of it.
fn keeps_the_part(home: &Home, part: &str) {
    let told = home.run(&["sessions", "list"]).exits(0).out;
    let id = told.split_whitespace().next().unwrap_or_default();
    let told = home.run(&["sessions", "show", id]).exits(0).out;
    assert!(told.contains("go") && told.contains(part), "{told}");
    assert!(told.contains("interrupted"), "{told}");
}

/// A terminal that takes nothing holds up neither the upstream's socket nor the end.
#[test]
fn a_terminal_that_takes_nothing() {
    for term in ["dumb", "xterm"] {
        let held = Script::stream(&flood()).before_first("response.completed", Step::HoldOpen);
        let relay = playing(held);
        let home = Home::seed("custom", &relay);
        let terminal = Unread::chat(&home, term);
        terminal.type_in("go\r");
        block_on(relay.wait_for_requests(1));
        terminal.read_to("xxx");
        let pressed = Instant::now();
        terminal.signal("-INT");
        let exchange = block_on(relay.wait_peer_closed());
        let took = exchange.peer_closed_at().unwrap().duration_since(pressed);
        assert!(
            took <= CLOSED_WITHIN,
            "{term}: the socket was closed after {took:?}"
        );
        // How much was written before decides whether it is the turn's end or the prompt that the next one meets.
        let status = (0..10).find_map(|_| {
            terminal.signal("-INT");
            terminal.ended.recv_timeout(Duration::from_secs(2)).ok()
        });
        assert_eq!(status.expect("it ends").code(), Some(130), "{term}");
        keeps_the_part(&home, "0 xxx");
    }
}

/// A terminal that takes nothing while a whole turn is written: the end does not wait for it, once it is told to end.
#[test]
fn an_end_that_nobody_reads() {
    let relay = playing(Script::stream(&flood()));
    let home = Home::seed("custom", &relay);
    let terminal = Unread::chat(&home, "xterm");
    terminal.type_in("go\r");
    terminal.read_to("xxx");
    terminal.signal("-TERM");
    let status = terminal.ended.recv_timeout(HANGS).expect("it ends");
    assert_eq!(status.code(), Some(130));
    keeps_the_part(&home, "0 xxx");
}

/// A terminal that was closed ends the conversation; what came of the turn is kept.
#[test]
fn a_terminal_that_went_away() {
    for term in ["dumb", "xterm"] {
        let stream = response(1).message(["Hello", " there"]).complete();
        let relay = playing(
            Script::stream(&stream).after_first("response.output_text.delta", Step::HoldOpen),
        );
        let home = Home::seed("custom", &relay);
        let terminal = Unread::chat(&home, term);
        terminal.type_in("go\r");
        terminal.read_to("Hello");
        let Unread { pty, ended, .. } = terminal;
        drop(pty);
        block_on(relay.wait_peer_closed());
        ended.recv_timeout(HANGS).expect("it ends");
        keeps_the_part(&home, "Hello");
    }
}

/// One that went away without a signal, while nothing runs: who reads from it would do so for ever.
#[test]
fn a_terminal_that_went_away_at_the_prompt() {
    let relay = plays([says(1, "Hello.")]);
    let home = Home::seed("custom", &relay);
    let Unread { pty, ended, .. } = Unread::apart(&home);
    drop(pty);
    ended.recv_timeout(HANGS).expect("it ends");
}

/// Its tools, which are in sessions of their own, do not outlive it.
#[test]
fn a_terminal_that_went_away_ends_the_tools() {
    let command = "exec 9> alive; sleep 1000";
    let arguments = serde_json::json!({"command": command}).to_string();
    let call = response(1).call("shell", [arguments.as_str()]).complete();
    let relay = plays([Script::stream(&call)]);
    let more = "agent: {approval: {shell: allow}, sandbox: off}\n";
    let home = Home::with_config(&format!("{}{more}", seed("custom", &relay)));
    let alive = home.path("alive");
    let made = std::process::Command::new("mkfifo").arg(&alive).status();
    assert!(made.unwrap().success());
    // Its end comes when nobody has it open for writing: the command does, as long as it is there.
    let (sender, gone) = mpsc::channel();
    std::thread::spawn(move || {
        let mut alive = std::fs::File::open(alive).unwrap();
        sender.send(()).unwrap();
        let _ = alive.read_to_end(&mut Vec::new());
        sender.send(())
    });
    let terminal = Unread::chat(&home, "xterm");
    terminal.type_in("go\r");
    gone.recv_timeout(HANGS).expect("it runs");
    let Unread { pty, ended, .. } = terminal;
    drop(pty);
    ended.recv_timeout(HANGS).expect("it ends");
    gone.recv_timeout(HANGS).expect("it is ended");
}
