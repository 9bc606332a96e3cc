//! Whether all that hold a conversation hold the same: what was told of it, what is stored, what is written, what is sent.

use respair_agent::{Answer, AnswerStatus, Body, Entry, transcript};
use serde_json::Value;

use super::model::{Expected, Response, Said, short};
use super::{Break, World, standing};
use crate::support::wire::faults;

impl World {
    /// Looks at a turn that ended.
    pub(super) fn ended(&mut self, answer: &Answer, breaks: Break, from: usize) {
        let name = format!("{}: {:?}", self.name, self.log);
        let turn = self.history.turn().clone();
        // Every item is told, and each call has an output.
        let items: usize = turn.responses.iter().map(|one| one.items.len()).sum();
        let calls: usize = turn.responses.iter().map(Response::calls).sum();
        assert_eq!(answer.items.len(), items + calls, "{name}");
        // What was closed was shown, once.
        for text in turn.responses.iter().flat_map(texts) {
            assert_eq!(self.shown.matches(&text).count(), 1, "{name}: {text}");
        }
        let lost = answer.text.contains("lost>");
        assert!(
            !lost || answer.status != AnswerStatus::Completed,
            "{name}: {}",
            answer.text
        );
        let asked = self.plan.lock().unwrap().asked[from..].to_vec();
        // One of an operation that was broken off may have come late.
        if breaks == Break::Never && std::mem::take(&mut self.settled) {
            assert_eq!(answer.totals.requests as usize, asked.len(), "{name}");
        }
        self.settled = breaks == Break::Never;
        let asked = asked.iter().filter(|asked| {
            let mut users = asked.input.iter().filter(|item| item["role"] == "user");
            let last = users.next_back().unwrap();
            !asked.summary && last["content"][0]["text"] == *turn.user
        });
        let raw: Vec<&Vec<Value>> = asked.map(|asked| &asked.input).collect();
        let asked: Vec<Vec<String>> = raw.iter().map(|input| short(input)).collect();
        // What is sent again is sent the same again: it is in the upstream's cache.
        for (at, pair) in asked.windows(2).enumerate() {
            if pair[1].starts_with(&pair[0]) {
                // A phase is for its issuer alone.
                let bare = |item: &Value| {
                    let mut item = item.clone();
                    item["phase"] = Value::Null;
                    item
                };
                let before: Vec<Value> = raw[at].iter().map(bare).collect();
                let again = raw[at + 1].iter().take(before.len()).map(bare);
                assert_eq!(again.collect::<Vec<_>>(), before, "{name}");
            }
        }
        let snapshots = std::mem::take(&mut self.snapshots);
        let mut at = 0;
        for request in &asked {
            while at < snapshots.len() && !self.history.is(&snapshots[at], request) {
                at += 1;
            }
            let expected: Vec<_> = snapshots.iter().map(Expected::shown).collect();
            assert!(
                at < snapshots.len(),
                "{name}\nasked {request:?}\nof {asked:?}\nexpected one of {expected:#?}"
            );
        }
        for (at, snapshot) in snapshots.iter().enumerate() {
            let was_asked = asked.iter().any(|one| self.history.is(snapshot, one));
            let on_its_way = at + 1 == snapshots.len() && breaks != Break::Never;
            assert!(
                was_asked || on_its_way,
                "{name}: never asked: {}",
                snapshot.shown()
            );
        }
    }

    /// What a process that died left is what its session holds.
    pub(super) fn rebuild(&mut self, text: &str) {
        let live = self.conversation.as_ref().unwrap().live();
        let turn = live.last().map_or(0, |entry| entry.turn);
        let of_turn = live.iter().filter(|entry| entry.turn == turn);
        let entries: Vec<Entry> = of_turn.map(|entry| (*entry).clone()).collect();
        let told = self.history.turn().clone();
        self.history.entries.pop();
        let Some(Body::Item(first)) = entries.first().map(|entry| &entry.body) else {
            return;
        };
        if !first.raw.get().contains(text) {
            return assert!(told.responses.is_empty(), "{}", self.name);
        }
        self.history.begin(text);
        let mut begins = true;
        for entry in &entries[1..] {
            match &entry.body {
                Body::Item(item) => {
                    let raw: Value = serde_json::from_str(item.raw.get()).unwrap();
                    let Some(issuer) = &item.issuer else {
                        begins = true;
                        let output = raw["output"].as_str().unwrap().to_owned();
                        let turn = self.history.turn();
                        turn.responses.last_mut().unwrap().outputs.push(output);
                        continue;
                    };
                    let serial = self.history.next();
                    let turn = self.history.turn();
                    if std::mem::take(&mut begins) {
                        turn.responses.push(Response {
                            serial,
                            issuer: issuer.clone(),
                            ..Response::default()
                        });
                    }
                    let response = turn.responses.last_mut().unwrap();
                    response.items.push(Said::of(&raw));
                }
                Body::Compacted(compacted) => {
                    let summary = compacted.summary.clone();
                    self.history.turn().summaries.push(summary);
                }
                Body::Continued(_) | Body::Partial(_) => begins = true,
                _ => {}
            }
        }
        // What was told is there.
        let kept = self.history.turn().clone();
        let kept: Vec<&Said> = kept.responses.iter().flat_map(|one| &one.items).collect();
        for item in told.responses.iter().flat_map(|one| &one.items) {
            let superseded = !kept.contains(&item);
            let calls = matches!(item, Said::Call(_));
            assert!(!superseded || !calls, "{}: {item:?} is lost", self.name);
        }
        self.rebuild_unreadable();
    }

    pub(super) fn rebuild_unreadable(&mut self) {
        let live = self.conversation.as_ref().unwrap().live();
        let dropped = live
            .iter()
            .rposition(|entry| matches!(entry.body, Body::ReasoningDropped));
        for entry in &live[..dropped.unwrap_or(0)] {
            if let Body::Item(item) = &entry.body {
                let raw: Value = serde_json::from_str(item.raw.get()).unwrap();
                if let Some(thought) = raw["encrypted_content"].as_str() {
                    self.history.unreadable.push(thought.to_owned());
                }
            }
        }
    }

    /// The requests, the database and the transcript hold the same.
    pub(super) async fn agree(&mut self) {
        let name = format!("{}: {:?}", self.name, self.log);
        for asked in &self.plan.lock().unwrap().asked {
            assert_eq!(faults(&asked.input), [""; 0], "{name}");
            for output in asked.input.iter().filter(|item| item["output"].is_string()) {
                let call = asked.input.iter().find(|item| {
                    let kind = item["type"].as_str().unwrap();
                    item["call_id"] == output["call_id"] && kind.ends_with("_call")
                });
                let city = call.unwrap()["arguments"].as_str().unwrap_or_default();
                if let Some(of) = output["output"].as_str().unwrap().strip_prefix("out ") {
                    let of = of.split_inclusive('>').next().unwrap();
                    assert!(city.contains(of), "{name}: {city} gave {of}");
                }
            }
        }
        let (sessions, id) = (self.sessions(), self.id.clone());
        let stored = standing(async move { sessions.entries(&id).await })
            .await
            .unwrap();
        let line = |entry: &Entry| {
            let body = &entry.body;
            let issuer = body.issuer().unwrap_or_default();
            format!(
                "{} {} {} {issuer} {}",
                entry.seq,
                entry.turn,
                body.kind(),
                body.data()
            )
        };
        let stored: Vec<String> = stored.iter().map(line).collect();
        let conversation = self.conversation.as_ref().unwrap();
        let held: Vec<String> = conversation.entries().iter().map(line).collect();
        let same = stored
            .iter()
            .zip(&held)
            .take_while(|(one, other)| one == other);
        let same = same.count();
        assert_eq!(stored[same..], held[same..], "{name}");
        let text = transcript::markdown("T", conversation.entries());
        let mut from = 0;
        for turn in self.history.turns() {
            let words = turn.responses.iter().flat_map(texts);
            for words in std::iter::once(turn.user.clone()).chain(words) {
                assert_eq!(
                    text.matches(&words).count(),
                    1,
                    "{name}: {words} in\n{text}"
                );
                let at = text.find(&words).unwrap();
                assert!(at >= from, "{name}: {words} in\n{text}");
                from = at;
            }
        }
        for gone in &self.gone {
            assert!(!text.contains(gone), "{name}: {gone} in\n{text}");
        }
        let called = self
            .tools
            .iter()
            .map(|tool| tool.called.lock().unwrap().clone());
        let called: Vec<Value> = called.flatten().collect();
        for (at, call) in called.iter().enumerate() {
            assert!(!called[..at].contains(call), "{name}: {call} ran twice");
        }
    }
}

/// What a response says.
pub(super) fn texts(response: &Response) -> Vec<String> {
    let texts = response.items.iter().filter_map(|item| match item {
        Said::Text(text) | Said::Aside(text) => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}
