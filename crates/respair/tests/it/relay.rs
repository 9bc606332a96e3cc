//! `respair relay`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::bin::Home;

/// A relay process, and the address from its first line.
fn start(home: &Home, args: &[&str]) -> (Child, String) {
    let mut all = vec!["relay", "--listen", "127.0.0.1:0"];
    all.extend(args);
    let mut child = home
        .command(&all)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let url = first
        .trim_end()
        .strip_prefix("listening on ")
        .unwrap_or_else(|| panic!("{first}"))
        .to_owned();
    (child, url)
}

#[test]
fn it_plays_a_scenario_and_tells_what_it_was_asked() {
    let home = Home::new();
    let (mut child, url) = start(&home, &["--scenario", "no_created"]);
    home.run(&[
        "run",
        "hi",
        "--base-url",
        &format!("{url}/v1"),
        "--model",
        "m",
    ])
    .exits(0)
    .says("2 requests");
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    assert_eq!(line, "POST /v1/responses -> 200 (request 1)\n");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn it_replays_a_file() {
    let home = Home::new();
    let body = respair_faults::scenario("text").unwrap().script(0).body();
    home.write("stream.sse", &body);
    let (mut child, url) = start(&home, &["--replay", "stream.sse"]);
    let done = home
        .run(&[
            "run",
            "hi",
            "--base-url",
            &url,
            "--model",
            "m",
            "--trace",
            "again.sse",
        ])
        .exits(0);
    assert_eq!(done.out, "Hello from the relay.");
    assert!(std::fs::read(home.path("again.sse")).unwrap() == body);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let home = Home::new();
    let (mut child, url) = start(&home, &["--scenario", "text"]);
    let address = url.strip_prefix("http://").unwrap();
    home.run(&["relay", "--scenario", "text", "--listen", address])
        .exits(1)
        .says("is in use")
        .says("--listen");
    child.kill().unwrap();
    child.wait().unwrap();
    home.run(&["relay", "--scenario", "text", "--listen", "nonsense"])
        .exits(2)
        .says("--listen");
    home.run(&["relay", "--replay", "no-such-file"])
        .exits(2)
        .says("no-such-file");
}
