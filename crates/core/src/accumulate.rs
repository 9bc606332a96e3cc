//! Folding events into the final response, with live updates on the way: the same for both readings.
//!
//! Backfill is done here: where the terminal's `output` is empty, null or missing, the final response holds the items
//! that were done, else what the deltas made.

use serde_json::value::RawValue;

use crate::context::is_made_up;
use crate::ending::Ending;
use crate::event::{Class, Event, EventKind, Field};
use crate::json::{self, Object};
use crate::limits::Limits;
use crate::mend::concord;
use crate::model::{effective_kind, text_kind_of};
use crate::slots::{Address, Change, ItemType, Part, Slot, Slots, TextKind};
use crate::usage::{self, Details, Usage};

/// Something that came just now.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Update {
    /// An item was opened: its type, a call's name, a message's phase are known from here on.
    ItemAdded {
        /// The item, as it came.
        item: Box<RawValue>,
        /// Its output index.
        output_index: u64,
    },
    /// Output text, also of a refusal.
    Text {
        /// The text that was added.
        text: String,
        /// The output index of its item.
        output_index: u64,
    },
    /// Reasoning, or a reasoning summary. A new part of it begins with an empty line.
    Reasoning {
        /// The text that was added.
        text: String,
        /// The output index of its item.
        output_index: u64,
    },
    /// A call's arguments, or its input.
    Arguments {
        /// The text that was added.
        text: String,
        /// The output index of its item.
        output_index: u64,
    },
    /// An item was closed.
    ItemDone {
        /// The item, as it came.
        item: Box<RawValue>,
    },
}

/// The final response.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Response {
    /// Its id.
    pub id: Option<String>,
    /// The model that answered, as the upstream says.
    pub model: Option<String>,
    /// Output text, refusals too, in the order of the items.
    pub text: String,
    /// What of `text` is the answer: that of every message whose `phase` is not one of [`INTERIM_PHASES`].
    pub answer: String,
    /// What of `text` is not the answer.
    pub commentary: String,
    /// Reasoning and its summaries, their parts apart by an empty line.
    pub reasoning: String,
    /// The output items.
    pub output: Vec<Box<RawValue>>,
    /// Token counts, the upstream's own under the protocol's names; `None` where they are not whole.
    pub usage: Option<Box<RawValue>>,
    /// `limits.response` was passed: text and output are what came before.
    pub overflowed: bool,
}

/// The phases of a message that is not the answer: what the model says while it works.
pub const INTERIM_PHASES: [&str; 2] = ["commentary", "analysis"];

/// Whether this message is said while the model works, and is not the answer.
#[must_use]
pub fn is_interim(item: &str) -> bool {
    let item = Object::parse(item).unwrap_or_default();
    item.string("phase").is_some_and(|phase| {
        INTERIM_PHASES
            .iter()
            .any(|interim| phase.eq_ignore_ascii_case(interim))
    })
}

fn says_phase(item: &str) -> bool {
    Object::parse(item).is_some_and(|item| item.string("phase").is_some())
}

/// Folds events into a [`Response`].
#[derive(Debug)]
pub struct Accumulator {
    slots: Slots,
    id: Option<String>,
    model: Option<String>,
    /// The terminal event's `response`, as raw JSON.
    terminal: Option<(EventKind, String)>,
    /// Reasoning was shown: its next part begins with an empty line.
    reasoned: bool,
}

impl Accumulator {
    /// Nothing was folded yet. Text beyond `limits.response` is still given live, but not kept.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let mut slots = Slots::new(limits.response);
        slots.patient = true;
        Self {
            slots,
            id: None,
            model: None,
            terminal: None,
            reasoned: false,
        }
    }

    /// Takes an event in and tells what it brought.
    pub fn fold(&mut self, event: &Event) -> Vec<Update> {
        let kind = effective_kind(event);
        match kind.class() {
            Class::Prelude => {
                self.lifecycle(event, kind);
                return Vec::new();
            }
            Class::Terminal => {
                self.lifecycle(event, kind);
                self.catch_up(event, kind);
                return self.updates();
            }
            Class::ItemAdded => {
                let opened = self.added(event);
                let updates = self.updates();
                return opened.into_iter().chain(updates).collect();
            }
            _ if !kind.is_of_item() => return Vec::new(),
            _ => {}
        }
        let item = event
            .field(Field::Item)
            .and_then(Object::parse)
            .unwrap_or_default();
        let address = Address::of(event, kind, &item);
        let Some(at) = self
            .slots
            .resolve(&address)
            .or_else(|| self.open(event, kind, &item))
        else {
            return Vec::new();
        };
        self.slots.commit(at, event, kind, None);
        if self.slots.overflowed {
            self.slots.changes.clear();
            return self.unkept(at, event, kind);
        }
        self.updates()
    }

    fn lifecycle(&mut self, event: &Event, kind: EventKind) {
        let raw = event
            .field(Field::Response)
            .filter(|raw| json::is_object(raw))
            .unwrap_or_else(|| event.data());
        let response = Object::parse(raw).unwrap_or_default();
        if let Some(id) = response
            .filled("id")
            .filter(|id| self.id.is_none() || !is_made_up(id))
        {
            self.id.get_or_insert_with(|| id.into_owned());
        }
        if let Some(model) = response.filled("model") {
            self.model = Some(model.into_owned());
        }
        if kind.class() == Class::Terminal {
            self.terminal = Some((kind, raw.to_owned()));
        }
    }

    /// Takes from the terminal's `output` what no event before it brought: the end of a text, a whole item.
    fn catch_up(&mut self, event: &Event, kind: EventKind) {
        if !matches!(kind, EventKind::Completed | EventKind::Incomplete) || self.slots.overflowed {
            return;
        }
        let response = event
            .field(Field::Response)
            .and_then(Object::parse)
            .unwrap_or_default();
        let listed = response
            .present("output")
            .or_else(|| event.present(Field::Output));
        let outputs = listed.and_then(json::elements).unwrap_or_default();
        let found = concord(&self.slots, &outputs);
        for (raw, slot) in outputs.iter().zip(found.slots) {
            let typed = Object::parse(raw).is_some_and(|item| item.filled("type").is_some());
            match slot {
                Some(at) if self.slots.list[at].is_open() => self.slots.close(at, raw),
                None if typed => {
                    let index = self.slots.next_index();
                    let mut slot = Slot::from_item(raw, index, None);
                    slot.forget();
                    let at = self.slots.open(slot);
                    self.slots.close(at, raw);
                }
                _ => {}
            }
        }
    }

    fn added(&mut self, event: &Event) -> Option<Update> {
        let raw = event
            .field(Field::Item)
            .filter(|raw| json::is_object(raw))?;
        let upstream = event.integer(Field::OutputIndex);
        let slot = Slot::from_item(
            raw,
            upstream.unwrap_or_else(|| self.slots.next_index()),
            upstream,
        );
        let output_index = slot.index;
        self.slots.open(slot);
        let item = RawValue::from_string(raw.to_owned()).ok()?;
        Some(Update::ItemAdded { item, output_index })
    }

    /// A slot for an item that was never added: the strict profile allows that for some types.
    fn open(&mut self, event: &Event, kind: EventKind, item: &Object<'_>) -> Option<usize> {
        let upstream = event.integer(Field::OutputIndex);
        let index = upstream.unwrap_or_else(|| self.slots.next_index());
        let mut slot = match kind.class() {
            Class::ItemDone => Slot::from_item(
                event
                    .field(Field::Item)
                    .filter(|_| item.get("type").is_some())?,
                index,
                upstream,
            ),
            _ => {
                let base = format!(
                    r#"{{"type":"{}"}}"#,
                    text_kind_of(event, kind, None)?.item_type().name()
                );
                Slot::from_item(&base, index, upstream)
            }
        };
        slot.forget();
        slot.id = slot
            .id
            .or_else(|| event.text(Field::ItemId).map(std::borrow::Cow::into_owned));
        Some(self.slots.open(slot))
    }

    fn updates(&mut self) -> Vec<Update> {
        let changes = std::mem::take(&mut self.slots.changes);
        let mut out = Vec::with_capacity(changes.len());
        for change in &changes {
            match *change {
                Change::Text {
                    slot,
                    kind,
                    part,
                    from,
                } => {
                    let slot = &self.slots.list[slot];
                    let text = slot.parts(kind)[part].text[from..].to_owned();
                    if text.is_empty() {
                        continue;
                    }
                    out.push(update(&mut self.reasoned, slot, kind, from, text));
                }
                Change::Payload { slot, from } => {
                    let slot = &self.slots.list[slot];
                    out.push(Update::Arguments {
                        text: slot.payload[from..].to_owned(),
                        output_index: slot.index,
                    });
                }
                Change::Done { slot } => {
                    let raw = self.slots.list[slot].done.clone().unwrap_or_default();
                    if let Ok(item) = RawValue::from_string(raw) {
                        out.push(Update::ItemDone { item });
                    }
                }
            }
        }
        self.slots.changes = changes;
        self.slots.changes.clear();
        out
    }

    /// What an event brought after the limit was passed: live, and not kept.
    fn unkept(&mut self, at: usize, event: &Event, kind: EventKind) -> Vec<Update> {
        let slot = &self.slots.list[at];
        let delta = event
            .text(Field::Delta)
            .filter(|delta| !delta.is_empty())
            .map(std::borrow::Cow::into_owned);
        match (kind.class(), text_kind_of(event, kind, None), delta) {
            (Class::TextDelta, Some(text), Some(delta)) => {
                vec![update(&mut self.reasoned, slot, text, 1, delta)]
            }
            (Class::CallDelta, _, Some(text)) => vec![Update::Arguments {
                text,
                output_index: slot.index,
            }],
            (Class::ItemDone, _, _) => {
                let raw = event.field(Field::Item).unwrap_or("null").to_owned();
                RawValue::from_string(raw)
                    .map(|item| vec![Update::ItemDone { item }])
                    .unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// The final response. For an ending that is not the upstream's own, what was open stays out of `output` unless it
    /// is text; it is marked incomplete.
    #[must_use]
    pub fn finish(self, ending: &Ending) -> Response {
        let terminal = self
            .terminal
            .as_ref()
            .and_then(|(_, raw)| Object::parse(raw))
            .unwrap_or_default();
        let own = matches!(ending, Ending::Completed { .. } | Ending::Incomplete { .. });
        let listed = terminal
            .get("output")
            .and_then(json::elements)
            .filter(|list| own && !list.is_empty());
        let output: Vec<String> = match listed {
            Some(list) => list.into_iter().map(str::to_owned).collect(),
            None => self.backfill(ending),
        };
        let mut texts = self.texts();
        if texts.all.is_empty() {
            for raw in &output {
                texts.add(&text_of(raw), is_interim(raw));
            }
        }
        let raw = |value: &str| RawValue::from_string(value.to_owned()).ok();
        Response {
            id: self
                .id
                .or_else(|| terminal.filled("id").map(std::borrow::Cow::into_owned)),
            model: self.model,
            text: texts.all,
            answer: texts.answer,
            commentary: texts.commentary,
            reasoning: texts.reasoning.join("\n\n"),
            output: output.iter().filter_map(|item| raw(item)).collect(),
            usage: terminal.present("usage").and_then(|given| {
                match usage::judge(given, Details::Optional) {
                    Usage::Whole => raw(given),
                    Usage::Mended(whole) => raw(&whole),
                    Usage::Lost => None,
                }
            }),
            overflowed: self.slots.overflowed,
        }
    }

    /// The items that were done, and of the others what may be kept.
    fn backfill(&self, ending: &Ending) -> Vec<String> {
        let status = if matches!(ending, Ending::Completed { .. }) {
            "completed"
        } else {
            "incomplete"
        };
        let order = self.slots.ordered();
        let kept = order
            .iter()
            .map(|&at| &self.slots.list[at])
            .filter_map(|slot| match &slot.done {
                Some(done) => Some(done.clone()),
                // A call that was not finished is nothing that anybody may run.
                None if slot.kind.is_call() && (status != "completed" || !slot.can_be_closed()) => {
                    None
                }
                None if slot.kind == ItemType::Other => None,
                None => Some(slot.to_json(status)),
            });
        kept.filter(|raw| !raw.is_empty()).collect()
    }

    /// Output text and reasoning as they were delivered.
    fn texts(&self) -> Texts {
        let mut texts = Texts::default();
        for at in self.slots.ordered() {
            let slot = &self.slots.list[at];
            // Some say the phase only where the item is added.
            let done = slot.done.as_deref().filter(|done| says_phase(done));
            let interim = is_interim(done.unwrap_or(&slot.added));
            for part in slot
                .summary
                .iter()
                .chain(&slot.content)
                .filter(|part| !part.text.is_empty())
            {
                match part.kind {
                    Some(TextKind::Output | TextKind::Refusal) => texts.add(&part.text, interim),
                    Some(TextKind::Reasoning | TextKind::Summary) => {
                        texts.reasoning.push(part.text.clone());
                    }
                    None => {}
                }
            }
        }
        texts
    }
}

/// The texts of a response.
#[derive(Default)]
struct Texts {
    all: String,
    answer: String,
    commentary: String,
    reasoning: Vec<String>,
}

impl Texts {
    fn add(&mut self, text: &str, interim: bool) {
        self.all.push_str(text);
        let part = match interim {
            true => &mut self.commentary,
            false => &mut self.answer,
        };
        part.push_str(text);
    }
}

fn update(reasoned: &mut bool, slot: &Slot, kind: TextKind, from: usize, text: String) -> Update {
    let output_index = slot.index;
    match kind {
        TextKind::Output | TextKind::Refusal => Update::Text { text, output_index },
        TextKind::Reasoning | TextKind::Summary => {
            let apart = from == 0 && std::mem::replace(reasoned, true);
            Update::Reasoning {
                text: if apart { format!("\n\n{text}") } else { text },
                output_index,
            }
        }
    }
}

/// The text of a message item.
fn text_of(raw: &str) -> String {
    let item = Object::parse(raw).unwrap_or_default();
    if item.string("type").as_deref() != Some("message") {
        return String::new();
    }
    let parts = item
        .get("content")
        .and_then(json::elements)
        .unwrap_or_default();
    parts
        .iter()
        .map(|raw| Part::from_raw(0, raw))
        .filter(|part| part.kind.is_some())
        .map(|part| part.text)
        .collect()
}
