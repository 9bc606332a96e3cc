//! A process namespace whose session was begun outside of it, as where a container's engine starts something in it: the
//! kernel says 0 of the session and the group there.

use std::process::{Command, Stdio};

use respair_faults::{Request, Script, Stream};
use serde_json::json;

use crate::bin::*;

/// Starts what follows in a new process namespace, with these options. None where the kernel does not let us, loudly.
fn namespaced(options: &[&str]) -> Option<Command> {
    let unshare = || {
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--pid", "--fork"]).args(options);
        command
    };
    let may = unshare().arg("true").stderr(Stdio::null()).status();
    if may.is_ok_and(|status| status.success()) {
        return Some(unshare());
    }
    respair_oracle::skip("a process namespace of its own: `unshare` makes none here");
    None
}

/// Does something there first, and runs one turn whose command leaves a process behind that hides. Then says which processes there are.
fn turn_in(mut unshare: Command, first: &str) -> (Done, String) {
    let left = "env -i setsid sh -c 'echo up; exec sleep 1000' & read -r up <&- ; echo begun";
    let relay = playing(move |request: &Request| {
        let turn = Stream::new().turn(1 + request.number as u64).prelude();
        Script::stream(&match request.number {
            0 => {
                let call = json!({"command": left}).to_string();
                turn.call("shell", [call.as_str()]).complete()
            }
            _ => turn.message(["Done."]).complete(),
        })
    });
    let home = Home::seed("custom", &relay);
    let inner = home.command(&["run", "Do it.", "--tools", "--yes"]);
    unshare
        .args([
            "sh",
            "-c",
            &format!(
                "{first} || exit 99; \"$0\" \"$@\"; code=$?; head -qn 1 /proc/[0-9]*/comm >&2; exit $code"
            ),
        ])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(home.path(""))
        .env("HOME", home.path(""))
        .stdin(Stdio::null());
    let done = Done::of(unshare.output().unwrap());
    let requests = relay.requests();
    let last = requests.last().unwrap().json().unwrap();
    let items = last["input"].as_array().unwrap();
    let output = items
        .iter()
        .find(|item| item["type"] == "function_call_output");
    (done, output.unwrap()["output"].as_str().unwrap().to_owned())
}

#[test]
fn a_session_that_was_begun_outside_is_no_obstacle() {
    let Some(unshare) = namespaced(&["--mount-proc"]) else {
        return;
    };
    let (done, output) = turn_in(unshare, "true");
    assert!(output.contains("begun"), "{output}");
    let done = done.exits(0);
    assert_eq!(done.out, "Done.");
    assert!(!done.err.contains("sleep\n"), "{}", done.err);
}

/// Numbers that /proc shows of another namespace name other processes here: none of them is ended.
#[test]
fn where_proc_shows_other_processes_nothing_is_looked_for_there() {
    let Some(unshare) = namespaced(&[]) else {
        return;
    };
    let (done, output) = turn_in(unshare, "true");
    assert!(output.contains("begun"), "{output}");
    assert_eq!(done.exits(0).out, "Done.");
}

/// A small root file system need not have devices.
#[test]
fn a_command_needs_no_devices() {
    let Some(unshare) = namespaced(&["--mount-proc"]) else {
        return;
    };
    let (done, output) = turn_in(unshare, "mount -t tmpfs none /dev");
    assert!(output.contains("begun"), "{output}");
    assert_eq!(done.exits(0).out, "Done.");
}
