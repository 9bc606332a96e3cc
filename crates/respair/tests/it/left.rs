//! Nothing is left behind, however it ends: commands and servers lead sessions of their own, and hear nothing of a terminal that
//! goes away.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::bin::*;
use crate::inherited::{after, calling};

/// Holds a pipe open until it ends: whoever reads it is told when it is up, and when it is gone.
const HOLDS: &str = "exec 3> held; echo up >&3; exec sleep 1000";
/// The same, and goes on when it is told to.
const WAITS: &str = "exec 3> held; echo up >&3; read -r go < go; echo \"$go\"";

/// What this gives, unless it takes ten seconds.
pub fn within<T: Send + 'static>(wait: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, given) = mpsc::channel();
    std::thread::spawn(move || sender.send(wait()));
    given.recv_timeout(Duration::from_secs(10)).ok()
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Starts it, and waits until what it started holds the pipe.
fn held(home: &Home, command: &mut Command) -> (Child, File) {
    let path = home.path("held");
    fifo(&path);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let up = within(move || {
        let mut held = File::open(path).unwrap();
        held.read_exact(&mut [0; 3]).unwrap();
        held
    });
    (child, up.expect("it was never started"))
}

fn end(child: Child, signal: Signal) -> Output {
    let pid = Pid::from_child(&child);
    kill_process(pid, signal).unwrap();
    let output = within(move || child.wait_with_output().unwrap());
    output.unwrap_or_else(|| {
        kill_process(pid, Signal::KILL).unwrap();
        panic!("it does not end");
    })
}

/// Whoever held the pipe is gone.
fn is_gone(mut held: File) -> bool {
    within(move || held.read_to_end(&mut Vec::new()).unwrap()).is_some()
}

const ENDS: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

#[test]
fn a_command_ends_with_the_turn() {
    for signal in ENDS {
        let relay = calling(HOLDS);
        let home = Home::seed("custom", &relay);
        let mut command = home.command(&["run", "Do it.", "--tools", "--yes"]);
        let (child, held) = held(&home, &mut command);
        let done = Done::of(end(child, signal)).exits(130);
        assert!(is_gone(held), "{signal:?}\n{}", done.err);
        done.says("interrupted by the user");
    }
}

/// Ctrl-C is left out: in a conversation it ends a turn only.
#[test]
fn a_command_ends_with_the_conversation() {
    for signal in &ENDS[1..] {
        let relay = calling(HOLDS);
        let home = Home::seed("custom", &relay);
        let typed = home.write("typed", b"Do it.\n");
        let mut command = home.command(&["chat", "--yes"]);
        command.stdin(File::open(typed).unwrap());
        let (child, held) = held(&home, &mut command);
        let done = Done::of(end(child, *signal)).exits(130);
        assert!(is_gone(held), "{signal:?}\n{}", done.err);
    }
}

#[test]
fn a_server_ends_with_its_test() {
    let server = format!("mcp_servers:\n  silent: {{command: sh, args: [-c, '{HOLDS}']}}\n");
    for (signal, args) in ENDS.iter().zip(
        [&["mcp", "test"][..], &["mcp", "test", "--json"]]
            .iter()
            .cycle(),
    ) {
        let home = Home::with_config(&server);
        let (child, held) = held(&home, &mut home.command(args));
        Done::of(end(child, *signal)).exits(130);
        assert!(is_gone(held), "{signal:?}");
    }
}

/// While servers start nothing was asked yet; the last line says so all the same.
#[test]
fn a_server_ends_with_a_turn_that_has_not_begun() {
    for signal in ENDS {
        let relay = relay("text");
        let home = Home::with_config(&format!(
            "mcp_servers:\n  silent: {{command: sh, args: [-c, '{HOLDS}']}}\n{}",
            seed("custom", &relay)
        ));
        let mut command = home.command(&["run", "Do it.", "--tools", "--json"]);
        let (child, held) = held(&home, &mut command);
        let done = Done::of(end(child, signal)).exits(130);
        assert!(is_gone(held), "{signal:?}");
        let last = done.out.lines().last().unwrap_or_default();
        assert!(
            last.contains(r#""type":"turn.interrupted""#),
            "{}",
            done.out
        );
        assert_eq!(relay.requests().len(), 0);
    }
}

/// `nohup`: the terminal may go away.
#[test]
fn a_hangup_that_is_ignored_stays_so() {
    let relay = calling(WAITS);
    let home = Home::seed("custom", &relay);
    let go = home.path("go");
    fifo(&go);
    let inner = home.command(&["run", "Do it.", "--tools", "--yes"]);
    let (child, held) = held(&home, &mut after("trap '' HUP", &inner));
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    within(move || std::fs::write(go, "on\n").unwrap()).expect("nobody reads");
    let output = within(move || child.wait_with_output().unwrap()).unwrap();
    assert_eq!(Done::of(output).exits(0).out, "Done.");
    assert!(is_gone(held));
}
