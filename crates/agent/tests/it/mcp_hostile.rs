//! Servers that do what none should, over both transports. The scripts of the processes are in [`super::mcp`].

#![cfg(unix)]

use std::future::Future;
use std::io::Read as _;
use std::time::{Duration, Instant};

use respair_agent::mcp::{self, McpReach, McpServer};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::family;
use super::mcp::{call, meet, named, request, said};
use super::mcp_script::{answer, process};

/// What it asks of us is refused or empty; nobody is asked for a key.
#[tokio::test]
async fn requests_of_its_own_get_it_nothing() {
    let connected = meet("asks").await;
    assert!(!connected.servers[0].missing, "{:?}", connected.servers[0]);
    let output = call(&connected.tools[0], json!({"text": "x"})).await;
    assert_eq!(said(&output), "echo x");
    let stderr = connected.servers[0].stderr.clone();
    for method in ["sampling/createMessage", "no/such"] {
        let told = stderr
            .lines()
            .find(|line| line.contains(&format!("\"id\":\"{method}\"")));
        assert!(
            told.is_none_or(|told| told.contains("\"error\"")),
            "{stderr}"
        );
    }
    assert!(!stderr.contains("accept"), "{stderr}");
}

#[tokio::test]
async fn floods_beside_the_answers_are_withstood() {
    for script in ["notifies", "loud"] {
        let connected = meet(script).await;
        assert!(
            !connected.servers[0].missing,
            "{script}: {:?}",
            connected.servers[0].problems
        );
        let output = call(&connected.tools[0], json!({"text": "x"})).await;
        assert_eq!(said(&output), "echo x", "{script}");
        assert!(connected.servers[0].stderr.len() <= 8 << 10);
    }
}

#[tokio::test]
async fn what_an_endpoint_would_refuse_is_left_out() {
    let connected = meet("misshapen").await;
    assert_eq!(named(&connected), ["mcp__s__recursive"]);
    let problems = connected.servers[0].problems.join("\n");
    for why in [
        "`list` of the MCP server `s` is left out: its `properties` are no schemas",
        "`texts` of the MCP server `s` is left out: its `properties` are no schemas",
        "`required` of the MCP server `s` is left out: its `required` are no names",
        "`deep` of the MCP server `s` is left out: its schema is nested too deep",
    ] {
        assert!(problems.contains(why), "{problems}");
    }
}

/// None of them stands for a tool of ours, or for another of its own.
#[tokio::test]
async fn names_are_made_valid_and_apart() {
    let connected = meet("same-names").await;
    let names = named(&connected);
    assert_eq!(names.len(), 5, "{:?}", connected.servers[0].problems);
    for (at, name) in names.iter().enumerate() {
        assert!(name.starts_with("mcp__s__") && name.len() <= 64, "{name}");
        assert!(
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)),
            "{name}"
        );
        assert!(!names[..at].contains(name), "{names:?}");
    }
}

/// A picture that is none would be refused with every request to come; its own key is not for the model.
#[tokio::test]
async fn what_poisons_a_conversation_is_left_out() {
    let output = call(&meet("poisons").await.tools[0], json!({})).await;
    assert_eq!(
        said(&output),
        "[an image that is none is left out]\n[an image that is none is left out]\nthe key is ********"
    );
}

/// Closed streams are nothing to it, nor polite signals, and what it started hides.
#[tokio::test]
async fn one_that_stays_is_ended_with_all_it_started() {
    if !family::is_alone("mcp_hostile::one_that_stays_is_ended_with_all_it_started") {
        return;
    }
    respair_agent::tools::adopt_orphans();
    let dir = tempfile::tempdir().unwrap();
    let held = dir.path().join("held");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&held)
            .status()
            .unwrap()
            .success()
    );
    let mut server = process("s", "stays");
    if let McpReach::Command { env, .. } = &mut server.reach {
        env.push(("HELD".to_owned(), held.display().to_string().into()));
    }
    let reader = std::thread::spawn(move || {
        let mut file = std::fs::File::open(held).unwrap();
        file.read_to_end(&mut Vec::new()).unwrap();
        Instant::now()
    });
    let connected = mcp::connect(vec![server]).await;
    assert!(
        !connected.servers[0].missing,
        "{:?}",
        connected.servers[0].problems
    );
    let begun = Instant::now();
    drop(connected);
    let ended = tokio::task::spawn_blocking(|| reader.join().unwrap())
        .await
        .unwrap();
    let took = ended.saturating_duration_since(begun);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// A listener that replies to each request as `reply` says, and tells of every head that came.
async fn listener<F, R>(reply: F) -> (String, mpsc::UnboundedReceiver<String>)
where
    F: Fn(String, Value, BufReader<TcpStream>) -> R + Clone + Send + 'static,
    R: Future<Output = Option<BufReader<TcpStream>>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/mcp?api_key=the-query",
        listener.local_addr().unwrap()
    );
    let (heard, heads) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (heard, reply) = (heard.clone(), reply.clone());
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                while let Some((head, body)) = request(&mut stream).await {
                    let _ = heard.send(head.clone());
                    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                    match reply(head, body, stream).await {
                        Some(next) => stream = next,
                        None => return,
                    }
                }
            });
        }
    });
    (url, heads)
}

async fn sends(
    mut stream: BufReader<TcpStream>,
    head: &str,
    body: &str,
) -> Option<BufReader<TcpStream>> {
    let reply = format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.get_mut().write_all(reply.as_bytes()).await.ok()?;
    Some(stream)
}

/// What a good server replies.
async fn good(
    head: &str,
    body: &Value,
    stream: BufReader<TcpStream>,
) -> Option<BufReader<TcpStream>> {
    match answer("good", body) {
        Some(answer) => {
            sends(
                stream,
                "200 OK\r\ncontent-type: application/json\r\nmcp-session-id: 1",
                &answer.to_string(),
            )
            .await
        }
        None if head.starts_with("POST") => sends(stream, "202 Accepted", "").await,
        None => sends(stream, "405 Method Not Allowed", "").await,
    }
}

async fn meets(url: String) -> mcp::Connected {
    let headers = vec![("x-key".to_owned(), "the-header".to_owned().into())];
    let mut server = McpServer::url("net", url, headers);
    server.start = Duration::from_secs(2);
    server.call = Duration::from_secs(1);
    let connected = mcp::connect(vec![server]).await;
    let told = format!("{:?}", connected.servers);
    assert!(
        !told.contains("the-header") && !told.contains("the-query"),
        "{told}"
    );
    connected
}

/// The headers are for the address that was configured.
#[tokio::test]
async fn no_redirect_is_followed() {
    let (elsewhere, mut heads) =
        listener(|head, body, stream| async move { good(&head, &body, stream).await }).await;
    let (url, _heads) = listener(move |_, _, stream| {
        let elsewhere = elsewhere.clone();
        async move {
            sends(
                stream,
                &format!("307 Temporary Redirect\r\nlocation: {elsewhere}"),
                "",
            )
            .await
        }
    })
    .await;
    assert!(meets(url).await.servers[0].missing);
    assert!(heads.try_recv().is_err());
}

#[tokio::test]
async fn answers_that_are_none_are_named() {
    for (head, body) in [
        (
            "200 OK\r\ncontent-type: text/html",
            "<html>the-header</html>",
        ),
        ("200 OK\r\ncontent-type: application/json", "{\"jsonrpc\": "),
        ("200 OK\r\ncontent-type: application/json", "[]"),
        ("200 OK", ""),
        (
            "401 Unauthorized\r\nwww-authenticate: Bearer realm=\"the-header\"",
            "no",
        ),
        ("500 Internal Server Error", "the-header"),
        ("204 No Content", ""),
    ] {
        let (url, _heads) = listener(move |_, _, stream| sends(stream, head, body)).await;
        let connected = meets(url).await;
        let problem = &connected.servers[0].problems[0];
        assert!(
            problem.starts_with("the MCP server `net` is missing: "),
            "{problem}"
        );
        assert!(problem.len() < 600, "{problem}");
    }
}

/// The stream of a call never ends, or nothing comes at all.
#[tokio::test]
async fn a_call_over_http_that_hangs_is_given_up() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: still here\n\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        "",
    ] {
        let (url, _heads) = listener(move |request, body, mut stream| async move {
            if body["method"] != "tools/call" {
                return good(&request, &body, stream).await;
            }
            stream.get_mut().write_all(head.as_bytes()).await.ok()?;
            // It is held until the other side closes it.
            super::mcp::request(&mut stream).await;
            None
        })
        .await;
        let connected = meets(url).await;
        let output = call(&connected.tools[0], json!({})).await;
        assert_eq!(
            said(&output),
            "the MCP server `net` did not answer within 1 s",
            "{head:?}"
        );
    }
}

/// Its session is forgotten in the middle: the call is not made twice, and the next one works or says why not.
#[tokio::test]
async fn a_session_that_expires_is_said() {
    let (url, mut heads) = listener(move |head, body, stream| async move {
        match body["method"] == "tools/call" {
            true => sends(stream, "404 Not Found", "no such session").await,
            false => good(&head, &body, stream).await,
        }
    })
    .await;
    let connected = meets(url).await;
    let output = call(&connected.tools[0], json!({})).await;
    assert!(
        output.failed && said(&output).starts_with("the MCP server `net`"),
        "{output:?}"
    );
    drop(connected);
    let mut count = 0;
    while let Ok(head) = heads.try_recv() {
        count += 1;
        assert!(head.contains("x-key: the-header"));
    }
    assert!(count < 20, "{count} requests");
}
