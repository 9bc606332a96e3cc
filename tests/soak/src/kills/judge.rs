//! What a killed turn has to leave behind.

use std::collections::BTreeSet;

use respair_faults::{Relay, Request};
use rusqlite::Connection;
use serde_json::Value;

use super::model::{self, AFTER, BEFORE, SAID};
use super::process::{Home, Killed};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) failures: Vec<String>,
    /// The database was not whole.
    pub(super) broken: bool,
    /// There was something to go on with, and it was gone on with.
    pub(super) resumed: bool,
    /// Items that were told and not kept.
    pub(super) items_lost: usize,
    /// The event in flight was told, and not kept.
    pub(super) in_flight: bool,
}

impl Judged {
    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(what());
        }
    }
}

pub(super) fn judge(home: &Home, killed: &Killed) -> Judged {
    let mut judged = Judged::default();
    whole(home, &mut judged, "before it was gone on with");
    let nothing = !home.has_past() && sessions(home).is_none_or(|sessions| sessions == 0);
    if nothing {
        // What the user said is kept before it is sent.
        judged.expect(!killed.asked, || "what was sent is not kept".to_owned());
        return judged;
    }
    match go_on(home) {
        Ok(relay) => {
            judged.resumed = true;
            let requests = relay.requests();
            judged.expect(requests.len() == 1, || {
                format!("{} requests to go on", requests.len())
            });
            for request in &requests {
                check_request(home, killed, request, &mut judged);
            }
        }
        Err(why) => judged.failures.push(why),
    }
    whole(home, &mut judged, "after it was gone on with");
    match exported(home) {
        Ok(session) => kept(home, killed, &session, &mut judged),
        Err(why) => judged.failures.push(why),
    }
    ran_once(home, &mut judged);
    judged
}

/// SQLite's own judgement.
fn whole(home: &Home, judged: &mut Judged, when: &str) {
    if !home.database().exists() {
        return;
    }
    let checked = Connection::open(home.database()).and_then(|connection| {
        let integrity: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        let mut keys = connection.prepare("PRAGMA foreign_key_check")?;
        Ok((integrity, keys.exists([])?))
    });
    let is_whole = matches!(&checked, Ok((integrity, false)) if integrity == "ok");
    judged.broken |= !is_whole;
    judged.expect(is_whole, || format!("{when}, the database is {checked:?}"));
}

fn sessions(home: &Home) -> Option<i64> {
    let connection = Connection::open(home.database()).ok()?;
    let count = connection.query_row("SELECT count(*) FROM session", [], |row| row.get(0));
    // It may have no tables yet.
    count.ok()
}

/// The next turn of the same session.
fn go_on(home: &Home) -> Result<Relay, String> {
    let relay = model::relay(false).map_err(|error| error.to_string())?;
    let command = home.command(&relay.base_url(), &["--session", "last", AFTER]);
    let out = command
        .and_then(|mut command| command.stderr(std::process::Stdio::piped()).output())
        .map_err(|error| error.to_string())?;
    match out.status.success() {
        true => Ok(relay),
        false => Err(format!(
            "it did not go on: {}\n{}",
            out.status,
            String::from_utf8_lossy(&out.stderr)
        )),
    }
}

/// The request that goes on: valid, complete, and nothing in it twice.
fn check_request(home: &Home, killed: &Killed, request: &Request, judged: &mut Judged) {
    let input = request.json().unwrap_or_default()["input"].clone();
    let items = input.as_array().cloned().unwrap_or_default();
    let said = texts_of(&items, "user");
    let mut expected = vec![SAID, AFTER];
    if home.has_past() {
        expected.insert(0, BEFORE);
    }
    if !killed.asked && said.len() < expected.len() {
        expected.retain(|text| *text != SAID);
    }
    judged.expect(said == expected, || format!("the user said {said:?}"));
    let answers = texts_of(&items, "assistant");
    let known = model::texts();
    judged.expect(
        answers.iter().all(|text| known.contains(text)) && unique(&answers),
        || format!("the model said {:?}", shortened(&answers)),
    );
    let mut open: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for item in &items {
        let id = item["call_id"].as_str().unwrap_or_default();
        match item["type"].as_str().unwrap_or("message") {
            "function_call" => {
                judged.expect(seen.insert(id), || format!("the call {id} is sent twice"));
                open.push(id);
            }
            "function_call_output" => {
                let of = open.iter().position(|other| *other == id);
                judged.expect(of.is_some(), || format!("an output of no call: {id}"));
                of.map(|at| open.remove(at));
            }
            "reasoning" => {
                let encrypted = item["encrypted_content"].as_str().unwrap_or_default();
                judged.expect(seen.insert(encrypted), || {
                    "reasoning is sent twice".to_owned()
                });
            }
            _ => {}
        }
        judged.expect(item.get("id").is_none(), || {
            format!("an id is sent: {item}")
        });
    }
    judged.expect(open.is_empty(), || {
        format!("calls without output: {open:?}")
    });
    // What was told to be done is in it; what was cut and asked for again is in it once, which was seen above.
    for item in items_told(killed) {
        let there = match item["type"].as_str() {
            Some("function_call") => seen.contains(item["call_id"].as_str().unwrap_or_default()),
            Some("message") => answers.contains(&text_of(item)),
            _ => true,
        };
        judged.expect(there || was_cut(killed), || format!("not sent: {item}"));
    }
}

fn was_cut(killed: &Killed) -> bool {
    let mut kinds = killed.told.iter().map(|line| &line["type"]);
    kinds.any(|kind| kind == "response.broke_off")
}

/// What is kept of the turn: everything that was told, but for the last event.
fn kept(home: &Home, killed: &Killed, session: &Value, judged: &mut Judged) {
    let entries = session["entries"].as_array().cloned().unwrap_or_default();
    let counted = entries.iter().zip(0_u64..);
    judged.expect(
        counted.clone().all(|(entry, seq)| entry["seq"] == seq),
        || "the entries have gaps".to_owned(),
    );
    let turn = if home.has_past() { 2 } else { 1 };
    let entries: Vec<&Value> = entries.iter().filter(|e| e["turn"] == turn).collect();
    let items: Vec<&Value> = entries
        .iter()
        .filter(|entry| entry["kind"] == "item")
        .map(|entry| &entry["data"])
        .collect();
    for item in items_told(killed) {
        let times = items.iter().filter(|kept| **kept == item).count();
        judged.items_lost += usize::from(times == 0);
        judged.expect(times == 1, || format!("kept {times} times: {item}"));
    }
    let last = killed.told.len().saturating_sub(1);
    for (kind, kept) in [
        ("text.delta", shown(&entries, "text", "message")),
        ("reasoning.delta", shown(&entries, "reasoning", "reasoning")),
    ] {
        let told = |lines: &[Value]| -> String {
            let lines = lines.iter().filter(|line| line["type"] == kind);
            lines.filter_map(|line| line["text"].as_str()).collect()
        };
        let (all, sure) = (told(&killed.told), told(&killed.told[..last]));
        judged.in_flight |= !kept.starts_with(&all);
        judged.expect(kept.starts_with(&sure), || {
            format!("{kind}: told {sure:?}, kept {kept:?}")
        });
    }
}

/// What the entries show, as it would have been told: a part that broke off, and items.
fn shown(entries: &[&Value], partial: &str, kind: &str) -> String {
    let texts = entries.iter().filter_map(|entry| {
        let data = &entry["data"];
        match entry["kind"].as_str()? {
            "partial" => data[partial].as_str().map(str::to_owned),
            "item" if data["type"] == kind && data["role"] != "user" => Some(text_of(data)),
            _ => None,
        }
    });
    texts.collect()
}

/// The items that were told to be over.
fn items_told(killed: &Killed) -> impl Iterator<Item = &Value> {
    let lines = killed.told.iter();
    let done = lines.filter(|line| line["type"] == "item.done" || line["type"] == "tool.ended");
    done.map(|line| &line["item"])
}

fn exported(home: &Home) -> Result<Value, String> {
    let out = home
        .plain(&["sessions", "export", "--format", "json"])
        .output()
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&out.stdout).map_err(|error| format!("no export: {error}"))
}

/// No command ran twice.
fn ran_once(home: &Home, judged: &mut Judged) {
    let ran = std::fs::read_to_string(home.ran()).unwrap_or_default();
    let lines: Vec<String> = ran.lines().map(str::to_owned).collect();
    judged.expect(unique(&lines), || format!("commands ran twice: {lines:?}"));
}

fn texts_of(items: &[Value], role: &str) -> Vec<String> {
    let items = items.iter().filter(|item| item["role"] == role);
    items.map(text_of).collect()
}

/// The text of an item's parts.
fn text_of(item: &Value) -> String {
    let parts = item["content"].as_array().into_iter();
    let parts = parts.chain(item["summary"].as_array()).flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

fn unique(texts: &[String]) -> bool {
    texts.iter().collect::<BTreeSet<_>>().len() == texts.len()
}

fn shortened(texts: &[String]) -> Vec<String> {
    let short = texts.iter().map(|text| text.chars().take(40).collect());
    short.collect()
}
