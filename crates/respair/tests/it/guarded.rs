//! What a model, a repository and a server are kept from: keys, our own files, our own process.

use std::os::unix::fs::symlink;

use respair_faults::{Relay, Request, Script, Stream};
use serde_json::{Value, json};

use crate::bin::*;

/// A relay that asks for these calls, one a request, and then says that it is done.
fn asking(calls: Vec<(&'static str, Value)>) -> Relay {
    playing(move |request: &Request| {
        let turn = Stream::new().turn(1 + request.number as u64).prelude();
        Script::stream(&match calls.get(request.number) {
            Some((name, arguments)) => turn.call(name, [arguments.to_string().as_str()]).complete(),
            None => turn.message(["Done."]).complete(),
        })
    })
}

/// What each call gave, as the relay was told.
fn outputs(relay: &Relay) -> Vec<String> {
    let requests = relay.requests();
    let last = requests.last().unwrap().json().unwrap();
    let items = last["input"].as_array().unwrap().iter();
    let outputs = items.filter(|item| item["type"] == "function_call_output");
    outputs
        .map(|item| item["output"].as_str().unwrap().to_owned())
        .collect()
}

/// How many of `calls` are held to it: the last one is the shell's, which needs a kernel with Landlock.
fn held(done: &Done, calls: usize) -> usize {
    calls - usize::from(!done.err.contains("runs under Landlock"))
}

/// Whatever the file names a key's variable in, and a copy of one by another name.
#[test]
fn no_key_is_in_what_tools_and_servers_start_from() {
    let relay = asking(vec![
        ("shell", json!({"command": "env"})),
        ("mcp__e__env", json!({})),
    ]);
    let server = r#"printf '%s\n' "$(env)" >&2
while read -r line; do
  id=$(printf %s "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  say() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
  case $line in
    *'"method":"initialize"'*) say '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"e","version":"1"}}' ;;
    *'"method":"tools/list"'*) say '{"tools":[{"name":"env","inputSchema":{"type":"object"}}]}' ;;
    *'"method":"tools/call"'*) say "{\"content\":[{\"type\":\"text\",\"text\":\"$(env | tr '\n"\\' '   ')\"}]}" ;;
  esac
done
"#;
    let more = "agent: {fallback: [{base_url: 'https://b.example/v1', api_key_env: RELAY_B}, c]}
providers: {c: {api: 'https://c.example/v1', key_env: RELAY_C}}
custom_providers: [{name: d, base_url: 'https://d.example/v1', api_key: '${RELAY_D}'}]
mcp_servers:
  e: {command: sh, args: [server.sh], env: {OWN: given}}
  f: {url: 'http://127.0.0.1:9/', headers: {X: '${HEAD_F}'}}
";
    let home = Home::with_config(&(seed("custom", &relay) + more));
    home.write("server.sh", server.as_bytes());
    let mut command = home.command(&[
        "run",
        "Do it.",
        "--tools",
        "--yes",
        "--api-key-env",
        "FLAG_A",
    ]);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    for name in ["RELAY_B", "RELAY_C", "RELAY_D", "HEAD_F", "FLAG_A"] {
        command.env(name, format!("the-value-of-{name}"));
    }
    command
        .env("COPY", "x:the-value-of-RELAY_B")
        .env("HARMLESS", "stays");
    Done::of(command.output().unwrap()).exits(0);
    for output in outputs(&relay) {
        assert!(output.contains("HARMLESS=stays"), "{output}");
        assert!(!output.contains("the-value-of"), "{output}");
    }
    let server = &outputs(&relay)[1];
    assert!(server.contains("OWN=given"), "{server}");
}

/// In a home directory that is kept in a repository the configuration is a link.
#[test]
fn a_configuration_that_is_a_link_is_closed_where_it_lies() {
    let relay = asking(vec![
        ("read_file", json!({"path": "dotfiles/respair.yaml"})),
        ("read_file", json!({"path": ".config/respair/config.yaml"})),
        ("search_files", json!({"pattern": "sk-test"})),
        (
            "edit_file",
            json!({"path": "dotfiles/respair.yaml", "old": "sk-", "new": "x"}),
        ),
        (
            "shell",
            json!({"command": "cat dotfiles/respair.yaml .config/respair/config.yaml"}),
        ),
    ]);
    let home = Home::new();
    let file = home.write("dotfiles/respair.yaml", seed("custom", &relay).as_bytes());
    std::fs::create_dir_all(home.path(".config/respair")).unwrap();
    symlink(&file, home.path(".config/respair/config.yaml")).unwrap();
    let done = home.run(&["run", "Do it.", "--tools", "--yes"]).exits(0);
    let outputs = outputs(&relay);
    assert_eq!(outputs.len(), 5);
    for output in &outputs[..held(&done, 5)] {
        assert!(!output.contains("sk-test"), "{output}");
    }
    for at in [0, 1, 3] {
        assert!(outputs[at].contains("closed to tools"), "{}", outputs[at]);
    }
}

/// Without a sandbox our environment is one `cat` away, but for a process that is nobody's to look into. Root looks anywhere.
#[cfg(target_os = "linux")]
#[test]
fn our_own_process_is_closed_without_a_sandbox_too() {
    if !are_shown() {
        return;
    }
    let look = "cat /proc/$PPID/environ || echo closed; test -O /proc/$PPID/environ && echo ours";
    let relay = asking(vec![("shell", json!({"command": look}))]);
    let home = Home::with_config(&(seed("custom", &relay) + "agent: {sandbox: false}\n"));
    home.run(&["run", "Do it.", "--tools", "--yes"]).exits(0);
    let output = &outputs(&relay)[0];
    match rustix::process::geteuid().is_root() {
        true => assert!(output.contains("ours"), "{output}"),
        false => assert!(
            output.contains("closed") && !output.contains("ours"),
            "{output}"
        ),
    }
}

/// The login of another program is a key that respair uses.
#[test]
fn the_login_is_closed() {
    let relay = asking(vec![
        ("read_file", json!({"path": ".codex/auth.json"})),
        ("shell", json!({"command": "cat .codex/auth.json"})),
    ]);
    let home = Home::seed("custom", &relay);
    home.write(".codex/auth.json", b"the-login");
    let done = home.run(&["run", "Do it.", "--tools", "--yes"]).exits(0);
    for output in &outputs(&relay)[..held(&done, 2)] {
        assert!(!output.contains("the-login"), "{output}");
    }
}
