//! SIGKILL at any point: the database is whole, at most the event in flight is lost, and the conversation goes on.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::bin::*;

/// Runs a turn and kills it once this many lines came. Gives the lines.
fn killed_after(home: &Home, lines: usize) -> Vec<Value> {
    let mut child = home
        .command(&["run", "--json", "--session", "new", "Say hello."])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let told: Vec<Value> = out
        .lines()
        .take(lines)
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    told
}

/// What was told as text, or as reasoning.
fn pieces(told: &[Value], kind: &str) -> String {
    let pieces = told.iter().filter(|line| line["type"] == kind);
    pieces.map(|line| line["text"].as_str().unwrap()).collect()
}

fn kept(entries: &Value) -> (String, String) {
    let (mut text, mut reasoning) = (String::new(), String::new());
    for entry in entries.as_array().unwrap() {
        let data = &entry["data"];
        match (entry["kind"].as_str().unwrap(), data["type"].as_str()) {
            ("item", Some("message")) if data["role"] == "assistant" => {
                text.push_str(data["content"][0]["text"].as_str().unwrap());
            }
            ("item", Some("reasoning")) => {
                reasoning.push_str(data["summary"][0]["text"].as_str().unwrap());
            }
            ("partial", _) => {
                text.push_str(data["text"].as_str().unwrap_or_default());
                reasoning.push_str(data["reasoning"].as_str().unwrap_or_default());
            }
            _ => {}
        }
    }
    (text, reasoning)
}

/// How many times; more in `RESPAIR_KILLS`.
fn kills() -> usize {
    let asked = std::env::var("RESPAIR_KILLS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(20)
}

#[test]
fn a_killed_turn_loses_at_most_the_event_in_flight() {
    let relay = relay("reasoning");
    let home = Home::seed("custom", &relay);
    for time in 0..kills() {
        let told = killed_after(&home, time % 12);
        let before = told.split_last().map_or(&[][..], |(_, before)| before);
        // A turn that was killed before its first entry has left nothing to go on with.
        let list = home.run(&["sessions", "list", "--json"]).exits(0).out;
        let sessions = list.lines().count();
        if sessions == 0 {
            assert!(before.is_empty(), "{told:?}");
            continue;
        }
        // Going on finds what was shown, and keeps it.
        let next = home
            .run(&["run", "--session", "last", "And again."])
            .exits(0);
        assert_eq!(next.out, "Hello from the relay.");
        let export = home
            .run(&["sessions", "export", "--format", "json"])
            .exits(0);
        let session: Value = serde_json::from_str(&export.out).unwrap();
        let (text, reasoning) = kept(&session["entries"]);
        let shown = (
            pieces(before, "text.delta"),
            pieces(before, "reasoning.delta"),
        );
        assert!(
            text.starts_with(&shown.0) && reasoning.starts_with(&shown.1),
            "told {told:#?}\nkept {:#}",
            session["entries"]
        );
        let id = session["id"].as_str().unwrap();
        home.run(&["sessions", "delete", id]).exits(0);
    }
}
