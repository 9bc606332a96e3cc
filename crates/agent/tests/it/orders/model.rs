//! What a conversation has to hold, from what its consumer was told: kept apart from the code that keeps it.

use std::collections::BTreeMap;

use serde_json::Value;

/// What stands in a request, in short.
pub(super) type Short = String;

/// An output that no event told: of a call that was not run.
pub(super) const NOT_RUN: &str = "~";

/// An item of a response.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Text(String),
    /// For its issuer alone.
    Aside(String),
    Thought(String),
    Call(String),
    /// Nothing that is sent.
    Nothing,
}

impl Said {
    pub(super) fn of(item: &Value) -> Self {
        let text = said(item);
        match item["type"].as_str().unwrap_or_default() {
            "message" if text.trim().is_empty() => Self::Nothing,
            "message" if item["phase"] == "commentary" => Self::Aside(text.to_owned()),
            "message" => Self::Text(text.to_owned()),
            "reasoning" => Self::Thought(item["encrypted_content"].as_str().unwrap().to_owned()),
            "function_call" | "custom_tool_call" => Self::Call(city(item)),
            _ => Self::Nothing,
        }
    }
}

/// The text of a message of one part.
fn said(message: &Value) -> &str {
    let part = &message["content"][0];
    let text = part["text"].as_str().or(part["refusal"].as_str());
    text.unwrap_or_default()
}

fn city(call: &Value) -> String {
    if let Some(input) = call["input"].as_str() {
        return input.to_owned();
    }
    let arguments: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
    arguments["city"].as_str().unwrap().to_owned()
}

#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    /// What tells it from every other.
    pub(super) serial: u64,
    pub(super) issuer: String,
    pub(super) items: Vec<Said>,
    /// The outputs of its calls, in order.
    pub(super) outputs: Vec<String>,
}

impl Response {
    /// What of it is sent to `issuer`.
    fn sent(&self, issuer: &str, unreadable: &[String]) -> Vec<Short> {
        let own = self.issuer == issuer;
        // Groups of an item with its thoughts: what is said before the first call and behind it, and the calls.
        let (mut said, mut calls, mut thoughts) = (Vec::new(), Vec::new(), Vec::new());
        for item in &self.items {
            match item {
                Said::Thought(thought) if own && !unreadable.contains(thought) => {
                    thoughts.push(thought.clone());
                }
                Said::Text(text) => {
                    said.append(&mut thoughts);
                    said.push(text.clone());
                }
                Said::Aside(text) if own => {
                    said.append(&mut thoughts);
                    said.push(text.clone());
                }
                Said::Call(city) => {
                    calls.append(&mut thoughts);
                    calls.push(city.clone());
                }
                _ => {}
            }
        }
        let count = self.calls();
        let outputs = (0..count).map(|at| self.outputs.get(at).cloned());
        let outputs = outputs.map(|output| output.unwrap_or_else(|| NOT_RUN.to_owned()));
        said.into_iter().chain(calls).chain(outputs).collect()
    }

    pub(super) fn calls(&self) -> usize {
        let calls = self.items.iter();
        calls.filter(|item| matches!(item, Said::Call(_))).count()
    }
}

#[derive(Clone, Debug)]
pub(super) enum Entry {
    Turn(Turn),
    Compaction(Short),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    pub(super) serial: u64,
    pub(super) user: String,
    pub(super) responses: Vec<Response>,
    /// The summaries that were made in it.
    pub(super) summaries: Vec<Short>,
}

/// The whole of it.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) entries: Vec<Entry>,
    /// Thoughts that an upstream could not read.
    pub(super) unreadable: Vec<String>,
    /// Where each summary ends: the turn and the response that come behind it.
    cuts: BTreeMap<Short, (u64, Option<u64>)>,
    serial: u64,
}

/// A response by its serial, and what of it is sent.
type Sent = (u64, Vec<Short>);

/// What a request has to be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expected {
    summary: Option<Short>,
    /// Every turn, what the user said in it, and its responses.
    turns: Vec<(u64, Short, Vec<Sent>)>,
}

impl History {
    pub(super) fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn begin(&mut self, user: &str) {
        let turn = Turn {
            serial: self.next(),
            user: user.to_owned(),
            ..Turn::default()
        };
        self.entries.push(Entry::Turn(turn));
    }

    pub(super) fn turns(&self) -> Vec<&Turn> {
        let turns = self.entries.iter().filter_map(|entry| match entry {
            Entry::Turn(turn) => Some(turn),
            Entry::Compaction(_) => None,
        });
        turns.collect()
    }

    pub(super) fn turn(&mut self) -> &mut Turn {
        match self.entries.last_mut() {
            Some(Entry::Turn(turn)) => turn,
            other => panic!("no turn is under way: {other:?}"),
        }
    }

    /// Everything that was thought so far is read by nobody any more.
    pub(super) fn forget(&mut self) {
        let turns = self.turns().into_iter();
        let items = turns.flat_map(|turn| turn.responses.iter().flat_map(|one| &one.items));
        let thoughts = items.filter_map(|item| match item {
            Said::Thought(thought) => Some(thought.clone()),
            _ => None,
        });
        let thoughts: Vec<String> = thoughts.collect();
        self.unreadable.extend(thoughts);
    }

    /// The summary that stands for what was before.
    pub(super) fn summary(&self) -> Option<&Short> {
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Turn(turn) => turn.summaries.last(),
            Entry::Compaction(summary) => Some(summary),
        })
    }

    /// What a request to `issuer` has to be.
    pub(super) fn expected(&self, issuer: &str) -> Expected {
        let summary = self.summary().cloned();
        let turns = self.turns().into_iter().map(|turn| {
            let responses = turn.responses.iter();
            let responses = responses.map(|one| (one.serial, one.sent(issuer, &self.unreadable)));
            (turn.serial, turn.user.clone(), responses.collect())
        });
        Expected {
            summary,
            turns: turns.collect(),
        }
    }

    /// Whether a request is what was expected. Where a summary ends is the code's choice, and once it is known it stays.
    pub(super) fn is(&mut self, expected: &Expected, actual: &[Short]) -> bool {
        let Some(summary) = &expected.summary else {
            return fits(&expected.from(None), actual);
        };
        let Some((first, rest)) = actual.split_first() else {
            return false;
        };
        if first != summary {
            return false;
        }
        if let Some(cut) = self.cuts.get(summary) {
            return fits(&expected.from(Some(*cut)), rest);
        }
        let found = expected
            .cuts()
            .into_iter()
            .find(|cut| fits(&expected.from(Some(*cut)), rest));
        if let Some(cut) = found {
            self.cuts.insert(summary.clone(), cut);
        }
        found.is_some()
    }
}

impl Expected {
    /// Where a summary may end: before a turn, or before a response.
    fn cuts(&self) -> Vec<(u64, Option<u64>)> {
        let turns = self.turns.iter().map(|(turn, ..)| (*turn, None));
        let responses = self.turns.iter().flat_map(|(turn, _, responses)| {
            let of = |(response, _): &Sent| (*turn, Some(*response));
            responses.iter().map(of)
        });
        turns.chain(responses).collect()
    }

    fn from(&self, cut: Option<(u64, Option<u64>)>) -> Vec<Short> {
        let mut out = Vec::new();
        for (turn, user, responses) in &self.turns {
            if cut.is_some_and(|(first, _)| *turn < first) {
                continue;
            }
            out.push(user.clone());
            for (response, sent) in responses {
                let before = cut.is_some_and(|(first, within)| {
                    *turn == first && within.is_some_and(|within| *response < within)
                });
                if !before {
                    out.extend(sent.iter().cloned());
                }
            }
        }
        out
    }

    pub(super) fn shown(&self) -> String {
        format!("{:?} {:?}", self.summary, self.from(None))
    }
}

fn fits(expected: &[Short], actual: &[Short]) -> bool {
    let same = |(one, other): (&Short, &Short)| match one.as_str() {
        NOT_RUN => other.starts_with("not run:") || other.starts_with("no output:"),
        // A long output may be sent by its head and its tail.
        one if one.len() > 2_000 && other.contains("characters left out") => {
            one[..100] == other[..100] && one.len() > other.len()
        }
        one => one == other,
    };
    expected.len() == actual.len() && expected.iter().zip(actual).all(same)
}

/// An input in short.
pub(super) fn short(input: &[Value]) -> Vec<Short> {
    let short = input
        .iter()
        .map(|item| match item["type"].as_str().unwrap() {
            "message" => {
                let text = said(item);
                let summary = text.strip_prefix("Summary of the conversation so far:\n\n");
                summary.unwrap_or(text).to_owned()
            }
            "reasoning" => item["encrypted_content"].as_str().unwrap().to_owned(),
            "function_call" | "custom_tool_call" => city(item),
            _ => item["output"].as_str().unwrap().to_owned(),
        });
    short.collect()
}
