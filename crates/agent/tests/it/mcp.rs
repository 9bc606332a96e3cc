//! Servers of the Model Context Protocol, well-behaved and not, over both transports.
//!
//! The server is that of `mcp_script`; over HTTP its answers come from a listener in the test.

#![cfg(unix)]
#![allow(unreachable_pub)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use respair_agent::mcp::{self, Connected, McpReach, McpServer};
use respair_agent::{CallContext, Tool, ToolOutput};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::mcp_script::{answer, process};

pub async fn meet(script: &str) -> Connected {
    mcp::connect(vec![process("s", script)]).await
}

async fn call_with(
    tool: &Arc<dyn Tool>,
    arguments: Value,
    cancel: &CancellationToken,
) -> ToolOutput {
    let (progress, _lines) = mpsc::channel(16);
    let context = CallContext::new("call_1", cancel.clone(), progress);
    let Value::Object(arguments) = arguments else {
        panic!("{arguments}");
    };
    tool.call(arguments, context).await
}

pub async fn call(tool: &Arc<dyn Tool>, arguments: Value) -> ToolOutput {
    call_with(tool, arguments, &CancellationToken::new()).await
}

pub fn named(connected: &Connected) -> Vec<&str> {
    let tools = connected.tools.iter();
    tools.map(|tool| tool.spec().name.as_str()).collect()
}

pub fn said(output: &ToolOutput) -> &str {
    output.content.as_str().unwrap()
}

#[tokio::test]
async fn a_process_gives_its_tools_and_answers() {
    let connected = meet("good").await;
    let met = &connected.servers[0];
    assert!(!met.missing && met.problems.is_empty(), "{met:?}");
    assert_eq!(met.title, "scripted 1.0");
    assert_eq!(named(&connected), ["mcp__s__echo", "mcp__s__e_cho"]);
    let spec = connected.tools[0].spec();
    assert_eq!(spec.description, "Does echo.");
    assert_eq!(spec.parameters["properties"]["text"]["type"], "string");
    assert!(!spec.parallel && spec.permission == respair_agent::Permission::Ask);
    let output = call(&connected.tools[0], json!({"text": "hello"})).await;
    assert_eq!((said(&output), output.failed), ("echo hello", false));
    let preview = connected.tools[0].preview(&Map::from_iter([("text".to_owned(), json!("x"))]));
    assert_eq!(preview.subject, r#"{"text":"x"}"#);
    let long = Map::from_iter([("text".to_owned(), json!("x".repeat(9_000) + "the end"))]);
    let preview = connected.tools[0].preview(&long);
    assert!(preview.subject.ends_with("the end\"}"));
}

#[tokio::test]
async fn what_a_server_gives_is_mapped_and_bounded() {
    let output = call(&meet("fails").await.tools[0], json!({})).await;
    assert_eq!((said(&output), output.failed), ("it broke", true));
    let output = call(&meet("refuses").await.tools[0], json!({})).await;
    assert_eq!(
        said(&output),
        "the MCP server `s`: it says: no such thing (-32602)"
    );
    let output = call(&meet("floods").await.tools[0], json!({})).await;
    assert!(said(&output).len() < 33_000, "{}", said(&output).len());
    assert!(said(&output).contains("bytes left out"));
    let output = call(&meet("pictures").await.tools[0], json!({})).await;
    assert_eq!(
        output.content,
        json!([
            {"type": "input_text", "text": "look:\n[an image of 2000000 bytes is left out]\n[file:///a]\ninside\n[sound is left out]"},
            {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
        ])
    );
}

#[tokio::test]
async fn servers_that_do_not_come_up_are_named_and_the_others_work() {
    let mut servers = vec![
        process("crashes", "crashes"),
        process("silent", "silent"),
        process("list", "hangs-on-list"),
        process("schema", "no-schema"),
        process("odd", "odd-schemas"),
        process("many", "many"),
        process("babbles", "babbles"),
        process("good", "good"),
        McpServer::command("none", "/no/such/program", Vec::new(), Vec::new(), "/"),
        McpServer::url("closed", "http://127.0.0.1:9/mcp", Vec::new()),
    ];
    for server in &mut servers {
        if ["silent", "list"].contains(&server.name.as_str()) {
            server.start = Duration::from_millis(300);
        }
    }
    let connected = mcp::connect(servers).await;
    let mut problems = connected.servers.iter().map(|met| met.problems.join("; "));
    let mut problem = || problems.next().unwrap();
    assert_eq!(
        problem(),
        "the MCP server `crashes` is missing: it ended before it answered (exit status: 0)"
    );
    assert_eq!(
        problem(),
        "the MCP server `silent` is missing: it did not name its tools within 0 s"
    );
    assert_eq!(
        problem(),
        "the MCP server `list` is missing: it did not name its tools within 0 s"
    );
    assert_eq!(
        problem(),
        "the MCP server `schema` is missing: it answered with something else"
    );
    let odd = problem();
    assert!(
        odd.contains(
            "the tool `text` of the MCP server `odd` is left out: its arguments are no object"
        ),
        "{odd}"
    );
    assert!(
        odd.contains("the tool `huge` of the MCP server `odd` is left out: its schema has"),
        "{odd}"
    );
    assert_eq!(
        problem(),
        "the MCP server `many` has more than 128 tools; the rest is left out"
    );
    assert_eq!(problem(), "");
    assert_eq!(problem(), "");
    assert_eq!(
        problem(),
        "the MCP server `none` is missing: /no/such/program: No such file or directory"
    );
    assert_eq!(
        problem(),
        "the MCP server `closed` is missing: no connection: Connection refused"
    );
    let stderr = &connected.servers[0].stderr;
    assert!(
        stderr.contains("the key is Ok(\"********\")\nno database\n"),
        "{stderr}"
    );
    let names = named(&connected);
    assert_eq!(names.len(), 1 + 128 + 2 + 2);
    assert!(names.contains(&"mcp__odd__good") && names.contains(&"mcp__babbles__echo"));
    let good = connected.tools.last().unwrap();
    assert_eq!(said(&call(good, json!({"text": "x"})).await), "echo x");
}

/// A line without an end is dropped as it comes: neither memory nor the turn goes with it.
#[tokio::test]
async fn a_flood_without_an_end_is_not_held() {
    let mut server = process("s", "no-end-of-line");
    server.start = Duration::from_secs(2);
    let connected = mcp::connect(vec![server]).await;
    assert!(connected.servers[0].missing);
    let connected = meet("floods-more").await;
    let output = call(&connected.tools[0], json!({}));
    let output = tokio::time::timeout(Duration::from_secs(2), output).await;
    // Too long a message is no answer; the call's own limit ends it.
    assert!(output.is_err() || output.unwrap().failed);
}

#[tokio::test]
async fn one_that_ends_is_started_once_more() {
    let connected = meet("ends-in-a-call").await;
    for expected in [
        "ended in the middle",
        "ended in the middle",
        "was started a second time before",
    ] {
        let output = call(&connected.tools[0], json!({})).await;
        assert!(
            output.failed && said(&output).contains(expected),
            "{output:?}"
        );
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up() {
    let mut server = process("s", "hangs");
    server.call = Duration::from_millis(100);
    let connected = mcp::connect(vec![server]).await;
    let output = call(&connected.tools[0], json!({})).await;
    assert_eq!(
        said(&output),
        "the MCP server `s` did not answer within 0 s"
    );
    let connected = meet("hangs").await;
    let cancel = CancellationToken::new();
    let begun = Instant::now();
    let (output, ()) = tokio::join!(call_with(&connected.tools[0], json!({}), &cancel), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    assert_eq!(said(&output), "interrupted");
    assert!(begun.elapsed() < Duration::from_millis(200));
}

/// Serves the same answers over HTTP; gives the address and the headers that came.
async fn over_http(script: &'static str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (heard, headers) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                while let Some((head, body)) = request(&mut stream).await {
                    heard.send(head.clone()).unwrap();
                    let answer = serde_json::from_slice(&body)
                        .ok()
                        .and_then(|r| answer(script, &r));
                    let reply = match (&answer, head.starts_with("POST")) {
                        (_, false) => {
                            "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n"
                                .to_owned()
                        }
                        (None, _) => {
                            "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned()
                        }
                        (Some(answer), _) if script == "events" => {
                            let event = format!("event: message\ndata: {answer}\n\n");
                            format!(
                                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{event}",
                                event.len()
                            )
                        }
                        (Some(answer), _) => {
                            let body = answer.to_string();
                            format!(
                                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                                body.len()
                            )
                        }
                    };
                    if stream.get_mut().write_all(reply.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (url, headers)
}

pub async fn request(stream: &mut BufReader<tokio::net::TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let length = head.to_ascii_lowercase();
    let length = length
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

#[tokio::test]
async fn the_same_goes_over_http() {
    for script in ["good", "events"] {
        let (url, mut headers) = over_http(script).await;
        let key = vec![("x-key".to_owned(), "the-key".to_owned().into())];
        let connected = mcp::connect(vec![McpServer::url("net", url, key)]).await;
        assert_eq!(connected.servers[0].problems, Vec::<String>::new());
        assert_eq!(named(&connected), ["mcp__net__echo", "mcp__net__e_cho"]);
        let output = call(&connected.tools[1], json!({"text": "far"})).await;
        assert_eq!(said(&output), "echo far");
        assert!(headers.recv().await.unwrap().contains("x-key: the-key\r\n"));
    }
    let (url, _headers) = over_http("floods-more").await;
    let connected = mcp::connect(vec![McpServer::url("net", url, Vec::new())]).await;
    let output = call(&connected.tools[0], json!({})).await;
    assert!(output.failed, "{output:?}");
}

/// The configured environment goes over ours, which is without keys.
#[test]
fn a_debug_print_shows_no_key() {
    let server = process("s", "good");
    assert!(matches!(server.reach, McpReach::Command { .. }));
    assert!(!format!("{server:?}").contains("given"));
}
