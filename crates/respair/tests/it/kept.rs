//! What is kept of a conversation, by several processes, and where it cannot be.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use respair_faults::{Gate, Relay, Request, Script, Step, Stream};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::bin::*;

const DATABASE: &str = ".local/state/respair/sessions.db";

fn database(home: &Home) -> PathBuf {
    home.path(DATABASE)
}

fn check(home: &Home) -> String {
    let connection = Connection::open(database(home)).unwrap();
    let check = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    check.unwrap()
}

/// A relay whose model says this, then calls a tool that there is not, then says that.
fn talks(first: String, last: String) -> Relay {
    playing(move |request: &Request| {
        let stream = Stream::new().turn(request.number as u64).prelude();
        let body = request.json().unwrap();
        let items = body["input"].as_array().unwrap();
        let stream = match items.last().unwrap()["type"].as_str() {
            Some("function_call_output") => stream.message([last.as_str()]),
            _ => stream.message([first.as_str()]).call("nothing", ["{}"]),
        };
        Script::stream(&stream.complete())
    })
}

/// The disk is full in mid-turn: the process may not write beyond this size of a file. The turn goes on, that is said once, and
/// what was written before is whole and can be gone on with. (A limit of the process's own needs neither root nor a disk.)
#[test]
fn a_disk_that_fills_up_in_mid_turn() {
    let relay = talks("Let me see.".into(), "word ".repeat(400_000));
    let home = Home::seed("custom", &relay);
    let limited = "trap '' XFSZ; ulimit -c 0; ulimit -f 600; exec \"$0\" \"$@\"";
    let args = ["run", "--tools", "--session", "new", "Do it."];
    let plain = home.command(&args);
    let mut command = Command::new("sh");
    command
        .args(["-c", limited])
        .arg(binary())
        .args(args)
        .env_clear()
        .envs(
            plain
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", std::env::var_os("PATH").unwrap())
        .current_dir(plain.get_current_dir().unwrap())
        .stdin(Stdio::null());
    let done = Done::of(command.output().unwrap()).exits(0);
    assert_eq!(done.out.len(), 2_000_000);
    let notice = "what is said from here on is not kept";
    assert_eq!(done.err.matches(notice).count(), 1, "{}", done.err);
    assert_eq!(check(&home), "ok");
    // Everything before it is there, and nothing behind it.
    let shown = home.run(&["sessions", "show"]).exits(0).out;
    assert!(
        shown.contains("Do it.") && shown.contains("Let me see."),
        "{shown}"
    );
    assert!(!shown.contains("word word"));
    let relay = talks("Going on.".into(), "Done.".into());
    home.write(
        ".config/respair/config.yaml",
        seed("custom", &relay).as_bytes(),
    );
    home.run(&["run", "--session", "last", "And again."])
        .exits(0);
    let input = relay.requests()[0].json().unwrap()["input"].clone();
    let types: Vec<&str> = input
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["role"].as_str().or(item["type"].as_str()).unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "user",
            "assistant",
            "function_call",
            "function_call_output",
            "user"
        ]
    );
}

/// A database that cannot be used: a new conversation is one notice, the turn goes on, and the file stays as it is.
#[test]
fn a_database_that_cannot_be_used() {
    let newer = |home: &Home| {
        home.write(DATABASE, b"");
        let newer = Connection::open(database(home)).unwrap();
        newer
            .execute_batch("CREATE TABLE a (b); PRAGMA user_version = 99")
            .unwrap();
    };
    let noise = |home: &Home| drop(home.write(DATABASE, &[7; 5_000]));
    for (is_newer, says) in [
        (true, "was written by a newer version"),
        (false, "is damaged"),
    ] {
        let relay = relay("text");
        let home = Home::seed("custom", &relay);
        if is_newer {
            newer(&home);
        } else {
            noise(&home);
        }
        let before = fs::read(database(&home)).unwrap();
        let done = home.run(&["run", "--session", "new", "hi"]).exits(0);
        assert!(!done.out.is_empty());
        assert_eq!(done.err.matches(says).count(), 1, "{}", done.err);
        assert_eq!(done.err.matches("not kept").count(), 1, "{}", done.err);
        let done = home.run_with_input(&["chat"], b"hi\n").exits(0);
        assert_eq!(done.err.matches(says).count(), 1, "{}", done.err);
        // What is to be gone on with is not there: nothing is asked.
        let asked = relay.requests().len();
        home.run(&["run", "--session", "last", "hi"])
            .exits(2)
            .says(says);
        home.run_with_input(&["chat", "--continue"], b"hi\n")
            .exits(2)
            .says(says);
        assert_eq!(relay.requests().len(), asked);
        for command in [&["sessions", "list"][..], &["sessions", "delete", "a"]] {
            home.run(command).exits(1).says(says);
        }
        assert!(before == fs::read(database(&home)).unwrap());
    }
}

#[test]
fn a_state_directory_that_cannot_be_made() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    // A file stands where the directory should be: this fails for root too.
    let state = home.write("state", b"");
    let state = state.to_str().unwrap();
    let done = home
        .run(&["run", "--session", "new", "hi", "--state-dir", state])
        .exits(0);
    assert_eq!(done.err.matches("sessions.db").count(), 1, "{}", done.err);
    home.run(&["sessions", "list", "--state-dir", state])
        .exits(0);
}

/// A turn that waits amid its answer, and what it told so far.
fn amid_a_turn(home: &Home, args: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = home
        .command(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // Once the second piece is told the first is written.
    for _ in 0..2 {
        line.clear();
        while !line.contains("\"text.delta\"") {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "it ended");
        }
    }
    (child, out)
}

/// A relay whose answers wait at a gate behind their first words.
fn waiting(gate: &Gate) -> Relay {
    let gate = gate.clone();
    playing(move |request: &Request| {
        let stream = Stream::new().turn(request.number as u64).prelude();
        let stream = stream.message(["Hello", " there."]).complete();
        let step = Step::Gate(gate.clone());
        Script::stream(&stream).before_first("response.output_text.done", step)
    })
}

#[test]
fn a_session_that_another_process_is_in() {
    let gate = Gate::new();
    let relay = waiting(&gate);
    let home = Home::seed("custom", &relay);
    let args = ["run", "--json", "--session", "new", "Hi"];
    let (mut first, mut out) = amid_a_turn(&home, &args);
    let says = "another process goes on with session ";
    home.run(&["run", "--session", "last", "Me too"])
        .exits(2)
        .says(says);
    home.run_with_input(&["chat", "--continue"], b"Me too\n")
        .exits(2)
        .says(says);
    let list = home.run(&["sessions", "list", "--json"]).exits(0).out;
    let id: Value = serde_json::from_str(&list).unwrap();
    let id = id["id"].as_str().unwrap();
    home.run(&["sessions", "delete", id]).exits(1).says(says);
    let shown = home.run(&["sessions", "show"]).exits(0).out;
    assert!(
        shown.contains("## Answer (under way)\n\n> Hello"),
        "{shown}"
    );
    assert_eq!(relay.requests().len(), 1);
    gate.open();
    while out.read_line(&mut String::new()).unwrap() > 0 {}
    assert!(first.wait().unwrap().success());
    let shown = home.run(&["sessions", "show"]).exits(0).out;
    assert!(shown.ends_with("## Answer\n\nHello there.\n"), "{shown}");
    home.run(&["run", "--session", "last", "Now me"]).exits(0);
    assert_eq!(
        relay.requests()[1].json().unwrap()["input"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

/// Several at once, on a database that none of them made yet: each keeps all of its own.
#[test]
fn many_processes_on_one_database() {
    let gate = Gate::new();
    let relay = waiting(&gate);
    let home = Home::seed("custom", &relay);
    let names: Vec<String> = (0..6).map(|n| format!("Number {n}")).collect();
    let begun: Vec<Child> = names
        .iter()
        .map(|name| {
            let args = ["run", "--json", "--session", "new", name];
            let mut command = home.command(&args);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    gate.open();
    for child in begun {
        Done::of(child.wait_with_output().unwrap()).exits(0);
    }
    assert_eq!(check(&home), "ok");
    let list = home.run(&["sessions", "list", "--json"]).exits(0).out;
    let mut titles = Vec::new();
    for line in list.lines() {
        let info: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&info["turns"], &info["entries"]), (&json!(1), &json!(3)));
        titles.push(info["title"].as_str().unwrap().to_owned());
        let shown = home.run(&["sessions", "show", info["id"].as_str().unwrap()]);
        assert!(shown.exits(0).out.contains("Hello there."));
    }
    titles.sort();
    assert_eq!(titles, names);
}

/// The key is sent, and stands in no file: neither it, nor the header, nor what an upstream echoes of it.
#[test]
fn no_key_is_kept() {
    const KEY: &str = "sk-test-secret";
    let answers = [
        Script::stream(
            &Stream::new()
                .prelude()
                .message(["Hello."])
                .call("nothing", ["{}"])
                .complete(),
        ),
        Script::error(
            401,
            "invalid_request_error",
            None,
            &format!("Incorrect API key provided: {KEY}."),
        ),
    ];
    let relay = playing(move |request: &Request| answers[request.number.min(1)].clone());
    let home = Home::seed("custom", &relay);
    home.run(&["run", "--tools", "--session", "new", "hi"])
        .exits(1);
    let sent = format!("Bearer {KEY}");
    assert_eq!(
        relay.requests()[0].header("authorization"),
        Some(sent.as_str())
    );
    let shown = home.run(&["sessions", "show"]).exits(0).out;
    assert!(shown.contains("*failed: "), "{shown}");
    for file in fs::read_dir(database(&home).parent().unwrap()).unwrap() {
        let file = file.unwrap().path();
        let bytes = fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(KEY) && !text.contains("Bearer"), "{file:?}");
    }
}
