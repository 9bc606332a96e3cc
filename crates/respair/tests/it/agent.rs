//! `run` with files, tools and sessions.

use std::io::Write as _;

use respair_faults::{Relay, Request, Script, Stream};
use serde_json::{Value, json};

use crate::bin::{Home, playing};
use crate::json::lines;

/// A relay that plays these responses, one a request, and then the last again.
fn plays(scripts: impl IntoIterator<Item = Script>) -> Relay {
    let scripts: Vec<Script> = scripts.into_iter().collect();
    playing(move |request: &Request| scripts[request.number.min(scripts.len() - 1)].clone())
}

fn says(turn: u64, text: &str) -> Script {
    let stream = Stream::new().turn(turn).prelude();
    Script::stream(&stream.message([text]).complete())
}

/// A response that says something and calls a tool.
fn calls(turn: u64, name: &str, arguments: &Value) -> Script {
    let arguments = arguments.to_string();
    let stream = Stream::new().turn(turn).prelude().message(["Let me see."]);
    Script::stream(&stream.call(name, [arguments.as_str()]).complete())
}

fn input(relay: &Relay, request: usize) -> Vec<Value> {
    let body = relay.requests()[request].json().unwrap();
    body["input"].as_array().unwrap().clone()
}

#[test]
fn files_are_sent_along() {
    let relay = plays([says(1, "Nice.")]);
    let home = Home::seed("custom", &relay);
    home.write("a.txt", b"one\ntwo\n");
    home.write("b.png", b"\x89PNG\r\n\x1a\n");
    for more in [&[][..], &["--tools"]] {
        let args = ["run", "Look.", "-f", "a.txt", "--file", "b.png"];
        home.run(&[&args, more].concat()).exits(0);
    }
    for request in 0..2 {
        let content = input(&relay, request)[0]["content"].clone();
        let kinds: Vec<&str> = content
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["input_text", "input_text", "input_image"]);
        assert_eq!(content[1]["text"], "a.txt:\n```\none\ntwo\n```");
    }
    let done = home.run(&["run", "Look.", "-f", "gone.txt"]).exits(2);
    assert!(done.err.contains("--file: gone.txt: there is no such file"));
    assert_eq!(relay.requests().len(), 2);
    // A session is called by what was said, not by what the file holds.
    home.run(&["run", "Look.", "-f", "a.txt", "--session", "new"])
        .exits(0);
    let listed = home.run(&["sessions"]).exits(0).out;
    assert!(listed.ends_with("1 turn  Look.\n"), "{listed:?}");
}

/// What comes before a call is no part of the answer, and a pipe holds the answer alone.
#[test]
fn a_pipe_holds_the_answer_alone() {
    let relay = plays([calls(1, "no_such_tool", &json!({"a": 1})), says(2, "Done.")]);
    let home = Home::seed("custom", &relay);
    let done = home.run(&["run", "Do it.", "--tools"]).exits(0);
    assert_eq!(done.out, "Done.");
    let done = done
        .says("Let me see.")
        .says("tool: no_such_tool · failed: there is no tool `no_such_tool`");
    assert!(
        done.err
            .contains("completed · 2 steps · 2 requests · strict"),
        "{}",
        done.err
    );
    let second = input(&relay, 1);
    let types: Vec<&str> = second
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "message",
            "message",
            "function_call",
            "function_call_output"
        ]
    );
}

#[test]
fn every_line_of_a_conversation_follows_the_schema() {
    let relay = plays([calls(1, "no_such_tool", &json!({})), says(2, "Done.")]);
    let home = Home::seed("custom", &relay);
    let done = home.run(&["run", "Do it.", "--tools", "--json"]).exits(0);
    let lines = lines(&done.out);
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!(
        (
            of("turn.started"),
            of("step.started"),
            of("step.ended"),
            of("tool.ended")
        ),
        (1, 2, 2, 1)
    );
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["type"], &last["text"]),
        (&json!("turn.completed"), &json!("Done."))
    );
    assert_eq!(last["conversation"]["steps"], 2);
    assert_eq!(last["upstream_requests"], 2);
}

#[test]
fn an_answer_that_breaks_off_is_never_glued_to_the_next() {
    let whole = Stream::new()
        .prelude()
        .message(["Hello", " there."])
        .complete();
    let half = Script::stream(&whole.clone().before("response.output_text.done")).cut();
    let relay = plays([half.clone(), Script::stream(&whole)]);
    let home = Home::seed("custom", &relay);
    let done = home.run(&["run", "hi", "--tools"]).exits(0);
    assert_eq!(done.out, "Hello there.");
    done.says("asking again, what comes now stands in its place");

    // Once: then it is truncated, and that is said.
    let relay = plays([half]);
    let home = Home::seed("custom", &relay);
    let done = home.run(&["run", "hi", "--tools"]).exits(3);
    assert_eq!(
        (done.out.as_str(), relay.requests().len()),
        ("Hello there.", 2)
    );
    let done = home.run(&["run", "hi", "--tools", "--json"]).exits(3);
    let lines = lines(&done.out);
    let broke: Vec<&Value> = lines
        .iter()
        .filter(|line| line["type"] == "response.broke_off")
        .map(|line| &line["superseded"])
        .collect();
    assert_eq!(broke, [&json!(true), &json!(false)]);
    assert_eq!(lines.last().unwrap()["type"], "turn.truncated");
}

#[test]
fn a_bound_ends_the_turn_and_is_named() {
    let relay = playing(|request: &Request| {
        let turn = request.number as u64 + 1;
        calls(turn, "no_such_tool", &json!({"n": turn}))
    });
    let home = Home::seed("custom", &relay);
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(home.path(".config/respair/config.yaml"))
        .unwrap();
    file.write_all(b"agent: {max_steps: 2}\n").unwrap();
    home.run(&["run", "hi", "--tools"])
        .exits(1)
        .says("2 steps were taken, no more are allowed (`agent.max_steps`)");
    assert_eq!(relay.requests().len(), 2);
    let done = home.run(&["run", "hi", "--tools", "--json"]).exits(1);
    let last = lines(&done.out).pop().unwrap();
    assert_eq!(
        (
            &last["type"],
            &last["error"]["code"],
            &last["error"]["source"]
        ),
        (&json!("turn.failed"), &json!("stopped"), &json!("local"))
    );
}

#[test]
fn a_session_goes_on() {
    let relay = plays([says(1, "Hello Ada."), says(2, "Ada.")]);
    let home = Home::seed("custom", &relay);
    let done = home.run(&["run", "I am Ada.", "--session", "new", "--json"]);
    let id = lines(&done.exits(0).out).pop().unwrap()["conversation"]["session"].clone();
    let id = id.as_str().unwrap();
    home.run(&["run", "Who am I?", "--session", id])
        .exits(0)
        .says(id);
    assert_eq!(input(&relay, 1).len(), 3);
    home.run(&["run", "And now?", "--session", "last"]).exits(0);
    assert_eq!(input(&relay, 2).len(), 5);
    home.run(&["run", "hi", "--session", "nowhere"])
        .exits(2)
        .says("there is no session `nowhere`");
    // Without one nothing is kept, and nothing of it is sent.
    home.run(&["run", "hi", "--tools"]).exits(0);
    assert_eq!(input(&relay, 3).len(), 1);
}

#[test]
fn an_endpoint_stands_in() {
    let down = playing(|_: &Request| Script::error(402, "billing", None, "no credit"));
    let other = plays([says(1, "Here.")]);
    let config = format!(
        "{}agent:\n  fallback:\n    - {{provider: custom, default: other, base_url: '{}/v1'}}\n    - nowhere\n",
        crate::bin::seed("custom", &down),
        other.base_url()
    );
    let home = Home::with_config(&config);
    let done = home.run(&["run", "hi", "--tools"]).exits(0);
    assert_eq!(done.out, "Here.");
    done.says("agent.fallback[1]: no provider is called `nowhere`; it is left out")
        .says("no credit; asking custom other");
    let request = &other.requests()[0];
    assert_eq!(request.json().unwrap()["model"], "other");
    assert!(request.header("authorization").is_none());
}

#[test]
fn instructions_are_shown_as_they_are_sent() {
    let relay = plays([says(1, "Hi.")]);
    let home = Home::seed("custom", &relay);
    home.write("AGENTS.md", b"Speak like a pirate.\n");
    let shown = home.run(&["config", "instructions"]).exits(0);
    let shown = shown.says("AGENTS.md is sent along (21 bytes); `agent.agents_md: false`");
    assert!(shown.out.contains("Speak like a pirate."));
    home.run(&["run", "hi", "--tools"])
        .exits(0)
        .says("AGENTS.md is sent along");
    let sent = relay.requests()[0].json().unwrap()["instructions"].clone();
    assert_eq!(sent, shown.out.as_str());
    // Without tools nothing of it is sent.
    home.run(&["run", "hi"]).exits(0);
    let sent = relay.requests()[1].json().unwrap()["instructions"].clone();
    assert_eq!(sent, "You are a helpful assistant.");
}

/// Nobody is asked about a call that cannot work: the model is told why. Outside, why would tell what is there.
#[test]
fn what_cannot_work_is_not_asked_for() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.txt");
    std::fs::write(&secret, "s\n").unwrap();
    let gone = json!({"path": "a.txt", "old": "gone", "new": "x"});
    let there = json!({"path": secret, "old": "gone", "new": "x"});
    let refused = "not run: nobody was there to allow it";
    for (tool, arguments, said) in [
        (
            "shell",
            json!({"city": "Paris"}),
            "there is no argument `city`",
        ),
        ("shell", json!({}), "the argument `command` is missing"),
        ("shell", json!({"command": " "}), "the command is empty"),
        ("edit_file", gone, "a.txt"),
        ("edit_file", there, refused),
        (
            "write_file",
            json!({"path": "a.txt"}),
            "`content` is missing",
        ),
    ] {
        let relay = plays([calls(1, tool, &arguments), says(2, "Done.")]);
        let home = Home::seed("custom", &relay);
        home.write("a.txt", b"one\n");
        let done = home.run(&["run", "Do it.", "--tools"]).exits(0);
        let output = input(&relay, 1).pop().unwrap()["output"].clone();
        let output = output.as_str().unwrap();
        assert!(output.contains(said), "{tool} {arguments}: {output}");
        let is_asked = done.err.contains("nobody can be asked");
        assert_eq!(is_asked, said == refused, "{}", done.err);
        assert_eq!(output == refused, is_asked, "{output}");
    }
}

/// Where nobody can be asked, what would be is refused, and that is said; `--yes` allows it.
#[test]
fn without_a_terminal_yes_is_needed() {
    let arguments = json!({"path": "new.txt", "content": "x\n"});
    let relay = plays([calls(1, "write_file", &arguments), says(2, "Done.")]);
    let home = Home::seed("custom", &relay);
    home.run(&["run", "Do it.", "--tools"])
        .exits(0)
        .says("write_file is refused, since nobody can be asked: new.txt; `--yes` allows it");
    assert!(!home.path("new.txt").exists());
    let output = input(&relay, 1).pop().unwrap()["output"].clone();
    assert_eq!(output, "not run: nobody was there to allow it");

    let relay = plays([calls(1, "write_file", &arguments), says(2, "Done.")]);
    let home = Home::seed("custom", &relay);
    let done = home.run(&["run", "Do it.", "--tools=write_file", "--yes"]);
    let done = done.exits(0).says("tool: write_file new.txt");
    assert_eq!(done.out, "Done.");
    assert_eq!(
        std::fs::read_to_string(home.path("new.txt")).unwrap(),
        "x\n"
    );
    let tools = relay.requests()[0].json().unwrap()["tools"].clone();
    assert_eq!(tools.as_array().unwrap().len(), 1);
    home.run(&["run", "hi", "--tools=write_flie"])
        .exits(2)
        .says("no tool is called `write_flie` (did you mean `write_file`?)");
}

/// The configuration and the state hold keys and what was said.
#[test]
fn tools_do_not_read_the_configuration() {
    let arguments = json!({"path": ".config/respair/config.yaml"});
    let relay = plays([calls(1, "read_file", &arguments), says(2, "Done.")]);
    let home = Home::seed("custom", &relay);
    home.run(&["run", "Do it.", "--tools", "--yes"]).exits(0);
    let output = input(&relay, 1).pop().unwrap()["output"].to_string();
    assert!(!output.contains("sk-test-secret"), "{output}");
}

/// A server that cannot be started is told of, and the turn goes on without it; one that is switched off is not started.
#[test]
fn a_server_that_is_missing_is_said_to_be() {
    let relay = plays([says(1, "Done.")]);
    let home = Home::with_config(&format!(
        "{}mcp_servers:\n  gone: {{command: /nowhere/server}}\n  off: {{command: /nowhere/other, enabled: false}}\n",
        crate::bin::seed("custom", &relay)
    ));
    let done = home.run(&["run", "hi", "--tools"]).exits(0);
    assert_eq!(done.out, "Done.");
    assert!(!done.err.contains("other"), "{}", done.err);
    done.says("the MCP server `gone` is missing: ");
    let done = home.run(&["run", "hi", "--tools=off"]).exits(0);
    assert!(!done.err.contains("MCP"), "{}", done.err);
}
