//! `respair mcp`, and the tools of MCP servers in a turn.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use respair_faults::{Relay, Request, Script, Stream};
use serde_json::{Value, json};

use crate::bin::*;

/// A server in a dozen lines: it reads a line and answers by what is in it.
pub const SERVER: &str = r#"
echo "starting, key $MY_KEY" >&2
say() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
while read -r line; do
  id=$(printf %s "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case $line in
    *'"method":"initialize"'*) say '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"small","version":"1"}}' ;;
    *'"method":"tools/list"'*) say '{"tools":[{"name":"echo","description":"Echo.","inputSchema":{"type":"object"}}]}' ;;
    *'"method":"tools/call"'*) say '{"content":[{"type":"text","text":"from the server"}]}' ;;
  esac
done
"#;

fn home(relay: &Relay) -> Home {
    let servers = "mcp_servers:
  small: {command: sh, args: [server.sh, --root, '${HOME}'], env: {MY_KEY: hush}}
  gone: {command: sh, args: [-c, 'echo no database >&2; exit 3']}
  off: {url: 'https://me:hush@mcp.example/mcp', headers: {x-key: hush}, enabled: false}
";
    let home = Home::with_config(&format!("{}{servers}", seed("custom", relay)));
    home.write("server.sh", SERVER.as_bytes());
    home
}

#[test]
fn servers_are_listed_and_tried() {
    let home = home(&relay("reasoning"));
    let listed = home.run(&["mcp", "list"]).exits(0).out;
    assert_eq!(
        listed,
        "small  process  sh server.sh --root ${HOME}\n\
         gone  process  sh -c echo no database >&2; exit 3\n\
         off (off)  http  https://mcp.example/mcp\n"
    );
    let tried = home.run(&["mcp", "test"]).exits(1);
    // Whichever is known first.
    let small = "small  small 1  1 tool\n  mcp__small__echo\n";
    assert_eq!(tried.out.replace(small, ""), "gone\n");
    let tried = tried
        .says("the MCP server `gone` is missing: it ended before it answered (exit status: 3)");
    tried.says("no database");
    let tried = home.run(&["mcp", "test", "small", "--json"]).exits(0).out;
    let tried: Value = serde_json::from_str(&tried).unwrap();
    assert_eq!(tried[0]["tools"], json!(["mcp__small__echo"]));
    assert_eq!(tried[0]["stderr"], "starting, key ********\n");
    home.run(&["mcp", "test", "smal"])
        .exits(2)
        .says("no MCP server is called `smal`")
        .says("did you mean `small`?");
    home.run(&["mcp", "test", "nothing-like-it"])
        .exits(2)
        .says("there are: small, gone, off");
    let none = Home::new();
    none.run(&["mcp", "list"])
        .exits(0)
        .says("no MCP server is configured");
    let wrong = Home::with_config("mcp_servers: {a: {}}\n");
    wrong
        .run(&["mcp", "test"])
        .exits(2)
        .says("has neither `command` nor `url`");
}

/// A server that says nothing keeps nobody waiting for what is known of the others.
#[test]
fn each_server_is_told_of_when_it_is_known() {
    let servers = "mcp_servers:\n  silent: {command: cat}\n  gone: {command: /no/such/program}\n";
    let home = Home::with_config(servers);
    let mut child = home
        .command(&["mcp", "test"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "gone");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A server that takes its time: who waits is told for whom.
#[test]
fn what_a_turn_waits_for_is_said() {
    let relay = relay("text");
    let servers = "mcp_servers:\n  slow: {command: sh, args: [-c, 'read -r go < gate']}\n";
    let home = Home::with_config(&format!("{}{servers}", seed("custom", &relay)));
    let gate = home.path("gate");
    let made = std::process::Command::new("mkfifo").arg(&gate).status();
    assert!(made.unwrap().success());
    let mut child = home
        .command(&["run", "hi", "--tools"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = "notice: waiting for MCP servers: slow";
    assert!(lines.any(|line| line.unwrap() == said));
    std::fs::write(gate, "go\n").unwrap();
    let missing = "the MCP server `slow` is missing";
    assert!(lines.any(|line| line.unwrap().contains(missing)));
    assert!(lines.last().unwrap().unwrap().starts_with("completed"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_turn_calls_what_a_server_offers() {
    let relay = playing(|request: &Request| {
        let turn = Stream::new().turn(1 + request.number as u64).prelude();
        Script::stream(&match request.number {
            0 => turn.call("mcp__small__echo", ["{}"]).complete(),
            _ => turn.message(["Done."]).complete(),
        })
    });
    let home = home(&relay);
    let done = home.run(&["run", "Do it.", "--tools", "--yes"]).exits(0);
    assert_eq!(done.out, "Done.");
    done.says("the MCP server `gone` is missing");
    let requests = relay.requests();
    let second = requests[1].json().unwrap();
    let output = second["input"].as_array().unwrap().last().unwrap()["output"].clone();
    assert_eq!(output, "from the server");
    let tools = requests[0].json().unwrap()["tools"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(tools, 6);
    // Without tools none is started.
    home.run(&["run", "Do it."]).exits(0);
}
