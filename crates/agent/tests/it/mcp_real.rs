//! A server that others wrote, over both transports: `@modelcontextprotocol/server-everything`, pinned in
//! clients/mcp-everything and installed by `cargo xtask clients install`.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use respair_agent::mcp::{self, McpServer};
use respair_agent::{CallContext, ToolOutput};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio_util::sync::CancellationToken;

const NAME: &str = "mcp-everything-2026.8.31";

/// The server's program, where it is installed.
fn program() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let clients = std::env::var_os("RESPAIR_CLIENTS_DIR")
        .map_or_else(|| workspace.join("target/clients"), PathBuf::from);
    let home = clients.join(NAME);
    if home.join("installed-from.lock").is_file() {
        return Some(
            home.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js"),
        );
    }
    let required = std::env::var_os("RESPAIR_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    assert!(
        !required,
        "{NAME} is required (RESPAIR_REQUIRE_CLIENTS=1) and not installed"
    );
    respair_oracle::skip(&format!(
        "{NAME} is not installed: run `cargo xtask clients install`"
    ));
    None
}

async fn call(server: &mcp::Connected, name: &str, arguments: Value) -> ToolOutput {
    let mut tools = server.tools.iter();
    let tool = tools.find(|tool| tool.spec().name == name).unwrap();
    let (progress, _lines) = tokio::sync::mpsc::channel(16);
    let context = CallContext::new("call_1", CancellationToken::new(), progress);
    let Value::Object(arguments) = arguments else {
        panic!("{arguments}");
    };
    tool.call(arguments, context).await
}

async fn talks(server: McpServer) {
    let server = mcp::connect(vec![server]).await;
    let met = &server.servers[0];
    assert!(!met.missing && met.problems.is_empty(), "{met:?}");
    let output = call(&server, "mcp__every__echo", json!({"message": "hello"})).await;
    assert_eq!(output.content, "Echo: hello");
    let output = call(&server, "mcp__every__get-sum", json!({"a": 2, "b": 3})).await;
    assert!(output.content.as_str().unwrap().contains('5'), "{output:?}");
    let output = call(&server, "mcp__every__get-tiny-image", json!({})).await;
    let kinds = output.content.as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|part| part["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["input_text", "input_image"]);
    let output = call(&server, "mcp__every__get-sum", json!({"a": "two"})).await;
    assert!(output.failed, "{output:?}");
}

#[tokio::test]
async fn a_real_server_over_its_standard_streams() {
    let Some(program) = program() else {
        return;
    };
    let args = vec![program.display().to_string(), "stdio".to_owned()];
    talks(McpServer::command("every", "node", args, Vec::new(), "/")).await;
}

#[tokio::test]
async fn a_real_server_over_http() {
    let Some(program) = program() else {
        return;
    };
    // It cannot be asked which port it took: one is found that is free now.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut server = tokio::process::Command::new("node")
        .arg(program)
        .arg("streamableHttp")
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    while !lines
        .next_line()
        .await
        .unwrap()
        .unwrap()
        .contains("listening")
    {}
    let url = format!("http://127.0.0.1:{port}/mcp");
    talks(McpServer::url("every", url, Vec::new())).await;
}
