//! A server of the Model Context Protocol that plays a script: this test binary, started again with `RESPAIR_MCP_SCRIPT` saying
//! which.

#![cfg(unix)]
#![allow(unreachable_pub)]

use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use respair_agent::mcp::McpServer;
use serde_json::{Value, json};

const SCRIPT: &str = "RESPAIR_MCP_SCRIPT";

fn tool(name: &str, schema: Value) -> Value {
    json!({"name": name, "description": format!("Does {name}."), "inputSchema": schema})
}

/// What the server says to a request; `None` is nothing.
pub fn answer(script: &str, request: &Value) -> Option<Value> {
    let object = json!({"type": "object", "properties": {"text": {"type": "string"}}});
    let result = match (request["method"].as_str()?, script) {
        ("initialize", "silent") => return None,
        ("initialize", _) => json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "scripted", "version": "1.0"},
        }),
        ("tools/list", "hangs-on-list") => return None,
        ("tools/list", "no-schema") => json!({"tools": [tool("bad", json!([1]))]}),
        ("tools/list", "odd-schemas") => json!({"tools": [
            tool("good", object),
            tool("text", json!({"type": "string"})),
            tool("huge", json!({"type": "object", "description": "x".repeat(100_000)})),
        ]}),
        ("tools/list", "misshapen") => {
            let mut deep = json!({"type": "object"});
            for _ in 0..40 {
                deep = json!({"type": "object", "properties": {"x": deep}});
            }
            json!({"tools": [
                tool("recursive", json!({"type": "object", "properties": {"x": {"$ref": "#"}}})),
                tool("list", json!({"type": "object", "properties": ["x"]})),
                tool("texts", json!({"type": "object", "properties": {"x": "string"}})),
                tool("required", json!({"type": "object", "required": "x"})),
                tool("deep", deep),
            ]})
        }
        ("tools/list", "same-names") => json!({"tools": [
            tool("shell", object.clone()),
            tool("shell", object.clone()),
            tool("\u{1b}[2J\u{202e}", object.clone()),
            tool("", object.clone()),
            tool(&"long".repeat(100_000), object),
        ]}),
        ("tools/list", "many") => {
            let from: usize = request["params"]["cursor"]
                .as_str()
                .map_or(0, |at| at.parse().unwrap());
            let tools: Vec<_> = (from..from + 50)
                .map(|n| tool(&format!("t{n}"), object.clone()))
                .collect();
            json!({"tools": tools, "nextCursor": (from + 50).to_string()})
        }
        ("tools/list", _) => {
            json!({"tools": [tool("echo", object.clone()), tool("e.cho", object)]})
        }
        ("tools/call", "refuses") => {
            let error = json!({"code": -32602, "message": "no such\u{1b}[31m thing"});
            return Some(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}));
        }
        ("tools/call", "hangs") => return None,
        ("tools/call", "fails") => {
            json!({"content": [{"type": "text", "text": "it broke"}], "isError": true})
        }
        ("tools/call", "floods") => {
            json!({"content": [{"type": "text", "text": "x".repeat(3_000_000)}]})
        }
        ("tools/call", "floods-more") => {
            json!({"content": [{"type": "text", "text": "x".repeat(9_000_000)}]})
        }
        ("tools/call", "pictures") => json!({"content": [
            {"type": "text", "text": "look:"},
            {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "image", "data": "a".repeat(2_000_000), "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}},
            {"type": "audio", "data": "aGk=", "mimeType": "audio/wav"},
        ]}),
        ("tools/call", "poisons") => json!({"content": [
            {"type": "image", "data": "not base64 at all", "mimeType": "image/png"},
            {"type": "image", "data": "aGk=", "mimeType": "image/png;base64,x\"/>"},
            {"type": "text", "text": "the key is given\u{1b}[2J"},
        ]}),
        ("tools/call", _) => {
            let text = format!(
                "echo {}",
                request["params"]["arguments"]["text"]
                    .as_str()
                    .unwrap_or("nothing")
            );
            json!({"content": [{"type": "text", "text": text}]})
        }
        _ => return None,
    };
    Some(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
}

/// The server itself, when it is asked for.
#[test]
fn scripted_server() {
    let Ok(script) = std::env::var(SCRIPT) else {
        return;
    };
    let mut out = std::io::stdout();
    eprintln!(
        "scripted: {script}; the key is {:?}",
        std::env::var("MCP_KEY")
    );
    if script == "crashes" {
        eprintln!("no database");
        return;
    }
    for line in std::io::stdin().lock().lines() {
        let Ok(request) = serde_json::from_str::<Value>(&line.unwrap()) else {
            continue;
        };
        if request["method"] == "tools/call" && script == "ends-in-a-call" {
            return;
        }
        if request["method"] == "tools/list" {
            misbehave(&script, &mut out);
        }
        if script == "asks" && request.get("method").is_none() {
            eprintln!("told: {request}");
        }
        if script == "babbles" {
            writeln!(out, "not JSON at all\n{{\"jsonrpc\": \"1.0\"}}").unwrap();
        }
        if script == "no-end-of-line" && request["method"] == "tools/list" {
            let junk = vec![b'x'; 1 << 20];
            while out.write_all(&junk).is_ok() {}
            return;
        }
        if let Some(answer) = answer(&script, &request) {
            writeln!(out, "{answer}").unwrap();
            out.flush().unwrap();
        }
    }
}

/// What a server does besides answering.
#[allow(clippy::zombie_processes, reason = "what it leaves is what is tested")]
fn misbehave(script: &str, out: &mut std::io::Stdout) {
    match script {
        "asks" => {
            for method in [
                "sampling/createMessage",
                "roots/list",
                "elicitation/create",
                "ping",
                "no/such",
            ] {
                let params = json!({"messages": [], "maxTokens": 9, "message": "your key?", "requestedSchema": {}});
                let asked =
                    json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params});
                writeln!(out, "{asked}").unwrap();
            }
        }
        "notifies" => {
            let notes = [
                "notifications/tools/list_changed",
                "notifications/message",
                "notifications/no/such",
            ];
            for note in notes.iter().cycle().take(20_000) {
                let params = json!({"level": "error", "data": "x".repeat(100)});
                writeln!(
                    out,
                    "{}",
                    json!({"jsonrpc": "2.0", "method": note, "params": params})
                )
                .unwrap();
            }
        }
        "loud" => {
            let junk = vec![b'e'; 1 << 20];
            (0..20).for_each(|_| std::io::stderr().write_all(&junk).unwrap());
            eprintln!("the last words");
        }
        "stays" => {
            // Closed streams and polite signals are nothing to it; and it has a child that hides.
            let held = std::fs::File::options()
                .write(true)
                .open(std::env::var("HELD").unwrap())
                .unwrap();
            let script =
                "trap '' TERM HUP; env -i setsid sleep 1000 & while :; do sleep 1000; done";
            std::process::Command::new("sh")
                .args(["-c", script])
                .stderr(held)
                .spawn()
                .unwrap();
        }
        _ => {}
    }
}

pub fn process(name: &str, script: &str) -> McpServer {
    let this = std::env::current_exe().unwrap().display().to_string();
    let args = [
        "--exact",
        "mcp_script::scripted_server",
        "--nocapture",
        "--quiet",
    ];
    let env = vec![
        (SCRIPT.to_owned(), script.to_owned().into()),
        ("MCP_KEY".to_owned(), "given".to_owned().into()),
    ];
    let args = args.map(str::to_owned).to_vec();
    let mut server = McpServer::command(name, this, args, env, std::env::temp_dir());
    server.start = Duration::from_secs(20);
    server
}
