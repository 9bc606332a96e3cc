//! A [`Conversation`]: what was said, and how it goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::entry::{Body, Entry, StoredItem, Undone};
use crate::journal::{Journal, JournalError, Shown, ShownKind};
use crate::{Agent, Compacted, Ended, Totals, Work, compact, replay, turn};

/// What the user says.
#[derive(Clone, Debug)]
pub struct Input {
    parts: Vec<Value>,
}

impl Input {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            parts: vec![json!({"type": "input_text", "text": text.into()})],
        }
    }

    /// Adds a part: `input_text`, `input_image`, `input_file`.
    #[must_use]
    pub fn with(mut self, part: Value) -> Self {
        self.parts.push(part);
        self
    }

    fn item(&self) -> Value {
        // Beside a picture no words are none: some endpoints refuse an empty text.
        let says = |part: &&Value| part["text"].as_str() != Some("");
        let mut parts: Vec<&Value> = self.parts.iter().filter(says).collect();
        if parts.is_empty() {
            parts = self.parts.iter().collect();
        }
        json!({"type": "message", "role": "user", "content": parts})
    }

    /// The words of a message of the user's. What files hold that go with it stands behind them.
    pub(crate) fn said(item: &str) -> Option<String> {
        let item: Value = serde_json::from_str(item).ok()?;
        let parts = item["content"].as_array()?;
        let said = parts.iter().find_map(|part| part["text"].as_str());
        Some(said.unwrap_or_default().to_owned())
    }
}

/// What [`Conversation::undo`] took back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenBack {
    /// A turn, and the text of what the user had said: none where that was a picture alone.
    Turn(String),
    /// A compaction: what it summed up stands as it was said.
    Compaction,
}

/// A conversation with an agent.
pub struct Conversation {
    pub(crate) agent: Agent,
    entries: Vec<Entry>,
    journal: Option<Arc<dyn Journal>>,
    /// Why nothing is kept any more, where nobody was told yet.
    untold: Option<JournalError>,
    /// The user's turns so far.
    turn: u64,
    totals: Totals,
    /// The tools that the user allowed for good.
    pub(crate) allowed: BTreeSet<String>,
    /// `prompt_cache_key` of its requests.
    pub(crate) cache_key: Option<String>,
    /// Another model than the endpoint's own.
    pub(crate) model: Option<String>,
    /// Another `reasoning.effort`.
    pub(crate) effort: Option<String>,
}

impl Conversation {
    /// A new one, kept nowhere.
    pub fn new(agent: Agent) -> Self {
        Self::resume(agent, Vec::new())
    }

    /// One that began earlier.
    pub fn resume(agent: Agent, entries: Vec<Entry>) -> Self {
        let mut totals = Totals::default();
        for entry in &entries {
            match &entry.body {
                Body::Ended(ended) => totals.add_turn(&of_ended(ended)),
                Body::Compacted(compacted) => totals.add_turn(&of_compacted(compacted)),
                _ => {}
            }
        }
        Self {
            agent,
            turn: entries.iter().map(|entry| entry.turn).max().unwrap_or(0),
            totals,
            entries,
            journal: None,
            untold: None,
            allowed: BTreeSet::new(),
            cache_key: None,
            model: None,
            effort: None,
        }
    }

    /// Keeps what is said from here on.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Sends this as `prompt_cache_key`, by which an endpoint finds what it has computed of the conversation already: the same
    /// for each request of it, and another for another conversation. At most 64 characters.
    #[must_use]
    pub fn with_cache_key(mut self, key: impl Into<String>) -> Self {
        self.cache_key = Some(key.into());
        self
    }

    /// Says something: one turn, to its end.
    pub fn send(&mut self, input: Input) -> Work<'_> {
        Work::new(|events, cancel| {
            let item = input.item();
            Box::pin(turn::run(self, Some(item), events, cancel))
        })
    }

    /// Puts a summary in the place of what was said, but for the last exchanges.
    pub fn compact(&mut self) -> Work<'_> {
        Work::new(|events, cancel| Box::pin(compact::run(self, events, cancel)))
    }

    /// Takes back the last turn, or the compaction that came after it.
    pub async fn undo(&mut self) -> Option<TakenBack> {
        let live = self.live();
        // What is known of an upstream stays known.
        let mut live = live
            .iter()
            .filter(|entry| !matches!(entry.body, Body::ReasoningDropped));
        let last = live.next_back()?;
        if let Body::Compacted(_) = last.body {
            let from = last.seq;
            self.take_back(from).await;
            return Some(TakenBack::Compaction);
        }
        let turn = last.turn;
        let first = live.find(|entry| entry.turn == turn).unwrap_or(last);
        let (from, said) = (first.seq, said(first));
        self.take_back(from).await;
        Some(TakenBack::Turn(said.unwrap_or_default()))
    }

    /// What the user said last, as it is sent.
    pub fn last_input(&self) -> Option<Input> {
        let live = self.live();
        let item = live.iter().rev().find_map(|entry| match &entry.body {
            Body::Item(item) if item.issuer.is_none() => {
                let item: Value = serde_json::from_str(item.raw.get()).ok()?;
                (item["role"] == "user").then_some(item)
            }
            _ => None,
        })?;
        let parts = item["content"].as_array()?.clone();
        Some(Input { parts })
    }

    /// The entries that were not taken back, in order.
    pub fn live(&self) -> Vec<&Entry> {
        replay::live(&self.entries)
    }

    /// Every entry.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the conversation took so far, and what its context holds as it stands: nothing is known of that behind a
    /// compaction, until an endpoint tells again.
    pub fn totals(&self) -> Totals {
        let live = self.live();
        let known = live.iter().rev().find_map(|entry| match &entry.body {
            Body::Compacted(_) => Some(0),
            Body::Ended(ended) => Some(ended.context_tokens).filter(|tokens| *tokens > 0),
            _ => None,
        });
        Totals {
            context_tokens: known.unwrap_or(0),
            ..self.totals
        }
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Another agent from the next request on.
    pub fn set_agent(&mut self, agent: Agent) {
        self.agent = agent;
    }

    /// Asks another model from the next request on; `None` is the endpoint's own.
    pub fn set_model(&mut self, model: Option<String>) {
        self.model = model;
    }

    /// Another `reasoning.effort` from the next request on; `None` is the configured one.
    pub fn set_reasoning_effort(&mut self, effort: Option<String>) {
        self.effort = effort;
    }

    async fn take_back(&mut self, from: u64) {
        // It is taken back here in any case; that it could not be written is said with the next turn.
        let kept = self.append(Body::Undone(Undone { from })).await;
        self.untold = kept.err();
    }

    pub(crate) fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn count(&mut self, totals: &Totals) {
        self.totals.add_turn(totals);
    }

    /// Adds an entry; an error is given once, and the conversation goes on without its journal.
    pub(crate) async fn append(&mut self, body: Body) -> Result<(), JournalError> {
        let entry = Entry {
            seq: self.next_seq(),
            turn: self.turn,
            at: self.agent.options().clock.unix(),
            body,
        };
        self.entries.push(entry);
        let (Some(journal), Some(entry)) = (self.journal.clone(), self.entries.last()) else {
            return self.untold.take().map_or(Ok(()), Err);
        };
        let kept = journal.append(entry).await;
        if kept.is_err() {
            self.journal = None;
        }
        kept
    }

    pub(crate) async fn append_item(
        &mut self,
        raw: Box<RawValue>,
        issuer: Option<String>,
    ) -> Result<(), JournalError> {
        self.append(Body::Item(StoredItem { raw, issuer })).await
    }

    pub(crate) async fn shown(&self, kind: ShownKind, text: &str) {
        if let Some(journal) = &self.journal {
            let (turn, text) = (self.turn, text.to_owned());
            journal.shown(Shown { turn, kind, text }).await;
        }
    }
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation")
            .field("entries", &self.entries.len())
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

fn of_ended(ended: &Ended) -> Totals {
    Totals {
        requests: ended.requests,
        input_tokens: ended.input_tokens,
        output_tokens: ended.output_tokens,
        context_tokens: ended.context_tokens,
        ..Totals::default()
    }
}

fn of_compacted(compacted: &Compacted) -> Totals {
    Totals {
        requests: compacted.requests,
        input_tokens: compacted.input_tokens,
        output_tokens: compacted.output_tokens,
        ..Totals::default()
    }
}

/// The text of an entry of the user's.
fn said(entry: &Entry) -> Option<String> {
    match &entry.body {
        Body::Item(item) => Input::said(item.raw.get()),
        _ => None,
    }
}
