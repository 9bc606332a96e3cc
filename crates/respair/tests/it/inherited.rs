//! What whoever started us left behind for us: signals that are ignored or blocked, streams that take nothing, a home that is
//! none.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use nix::sys::signal::SigSet;
use respair_faults::{Relay, Request, Script, Stream};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::bin::*;
use crate::left::within;

/// A relay whose model calls the shell with this, and then says what it was told.
pub fn calling(command: &'static str) -> Relay {
    playing(move |request: &Request| {
        let turn = Stream::new().turn(1 + request.number as u64).prelude();
        Script::stream(&match request.number {
            0 => {
                let call = json!({ "command": command }).to_string();
                turn.call("shell", [call.as_str()]).complete()
            }
            _ => turn.message(["Done."]).complete(),
        })
    })
}

/// The output of the call in the last request.
fn told(relay: &Relay) -> String {
    let last = relay.requests().last().unwrap().json().unwrap();
    let items = last["input"].as_array().unwrap();
    let output = items
        .iter()
        .find(|item| item["type"] == "function_call_output");
    output.unwrap()["output"].as_str().unwrap().to_owned()
}

/// The same, started by a shell that does this first. Not every `sh` lets children be ignored.
pub fn after(first: &str, inner: &Command) -> Command {
    let mut outer = Command::new("bash");
    outer
        .args(["-c", &format!("{first}; exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(inner.get_current_dir().unwrap())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in inner.get_envs() {
        outer.env(name, value.unwrap());
    }
    outer
}

#[test]
fn a_command_is_waited_for_where_children_are_ignored() {
    let relay = calling("echo begun; exit 3");
    let home = Home::seed("custom", &relay);
    let inner = home.command(&["run", "Do it.", "--tools", "--yes"]);
    Done::of(after("trap '' CHLD", &inner).output().unwrap()).exits(0);
    assert!(
        told(&relay).ends_with("begun\n[exit 3]"),
        "{}",
        told(&relay)
    );
}

#[test]
fn a_server_is_waited_for_where_children_are_ignored() {
    let home = Home::with_config("mcp_servers:\n  gone: {command: sh, args: [-c, exit 3]}\n");
    let inner = home.command(&["mcp", "test"]);
    Done::of(after("trap '' CHLD", &inner).output().unwrap())
        .exits(1)
        .says("it ended before it answered (exit status: 3)");
}

/// Some start others with everything blocked: the signals that they wait for themselves.
#[test]
fn a_blocked_signal_is_heard() {
    let home = Home::new();
    let blocked = std::thread::spawn(move || {
        SigSet::all().thread_block().unwrap();
        home.command(&["relay", "--scenario", "text", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    });
    let mut relay = blocked.join().unwrap();
    let mut out = BufReader::new(relay.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let pid = Pid::from_child(&relay);
    kill_process(pid, Signal::TERM).unwrap();
    let ended = within(move || out.read_to_end(&mut Vec::new()));
    if ended.is_none() {
        kill_process(pid, Signal::KILL).unwrap();
    }
    assert_eq!(relay.wait().unwrap().code(), Some(130));
}

/// It says what it can, and ends as it would have.
#[test]
fn a_full_standard_error_changes_no_exit_code() {
    let home = Home::new();
    for (args, code) in [
        (&["run", "Hi."][..], 2),
        (&["chat"], 2),
        (&["config", "check"], 2),
        (&["--no-such-flag"], 2),
        (&["mcp", "test", "no-such-server"], 2),
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let status = home
            .command(args)
            .stdout(Stdio::null())
            .stderr(full)
            .status();
        assert_eq!(status.unwrap().code(), Some(code), "{args:?}");
    }
}

#[test]
fn what_nobody_got_is_an_error() {
    let home = Home::new();
    for args in [
        &["--help"][..],
        &["--version"],
        &["run", "--help"],
        &["help", "chat"],
        &["demo"],
        &[],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = home
            .command(args)
            .stdout(full)
            .stderr(Stdio::piped())
            .output();
        Done::of(output.unwrap())
            .exits(1)
            .says("error: standard output: No space left on device");
    }
}

/// A home that is relative would be the working directory's, and a cloned repository has no say in where a key goes.
#[test]
fn a_home_that_is_none_holds_no_configuration() {
    let home = Home::with_config("model: {provider: custom, base_url: 'http://127.0.0.1:9/v1'}\n");
    for value in [".", "", "/dev/null", "/nonexistent"] {
        let mut command = home.command(&["run", "Hi."]);
        let done = Done::of(command.env("HOME", value).output().unwrap());
        done.exits(2).says("no endpoint is configured");
    }
}

/// A small container has no certificates. What is plain does without; what is not says what it needs.
#[test]
fn a_system_that_trusts_nobody_is_named() {
    let relay = relay("text");
    // Not loopback by its name.
    let address = relay.base_url().replace("127.0.0.1", "0.0.0.0");
    let ask = |url: &str, named: &str| {
        let home = Home::new();
        let mut command = home.command(&["run", "Hi.", "--model", "m", "--base-url", url]);
        Done::of(command.env(named, "/nonexistent").output().unwrap())
    };
    ask(&format!("{address}/v1"), "SSL_CERT_FILE").exits(0);
    for named in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        ask("https://127.0.0.1:1/v1", named).exits(2).says(&format!(
            "where {named} points there are none: `ssl_ca_cert` names"
        ));
    }
    let home = Home::with_config("mcp_servers:\n  far: {url: 'http://127.0.0.1:1/mcp'}\n");
    let mut command = home.command(&["mcp", "test"]);
    let done = Done::of(
        command
            .env("SSL_CERT_FILE", "/nonexistent")
            .output()
            .unwrap(),
    );
    done.exits(1)
        .says("`far` is missing: no connection: Connection refused");
}
