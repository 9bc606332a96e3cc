//! The four kinds of streamed text and what belongs to each on the wire.

use crate::event::{EventKind, Field};
use crate::json;

use super::{ItemType, Part, Slot};

/// What a part's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKind {
    Output,
    Refusal,
    Reasoning,
    Summary,
}

impl TextKind {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = 4;

    /// The text that an event of this kind carries, or whose part it opens or closes.
    pub(crate) fn of(kind: EventKind) -> Option<Self> {
        Some(match kind {
            EventKind::OutputTextDelta
            | EventKind::OutputTextDone
            | EventKind::OutputTextAnnotationAdded => Self::Output,
            EventKind::RefusalDelta | EventKind::RefusalDone => Self::Refusal,
            EventKind::ReasoningTextDelta
            | EventKind::ReasoningTextDone
            | EventKind::ReasoningDelta
            | EventKind::ReasoningDone => Self::Reasoning,
            EventKind::ReasoningSummaryTextDelta
            | EventKind::ReasoningSummaryTextDone
            | EventKind::ReasoningSummaryPartAdded
            | EventKind::ReasoningSummaryPartDone => Self::Summary,
            _ => return None,
        })
    }

    /// The kind of text in a part of this `type`.
    pub(crate) fn of_part(type_name: &str) -> Option<Self> {
        Some(match type_name {
            "output_text" => Self::Output,
            "refusal" => Self::Refusal,
            "reasoning_text" => Self::Reasoning,
            "summary_text" => Self::Summary,
            _ => return None,
        })
    }

    pub(crate) fn part_type(self) -> &'static str {
        match self {
            Self::Output => "output_text",
            Self::Refusal => "refusal",
            Self::Reasoning => "reasoning_text",
            Self::Summary => "summary_text",
        }
    }

    /// The field that holds the text, in a part and in its done event.
    pub(crate) fn text_field(self) -> Field {
        if self == Self::Refusal {
            Field::Refusal
        } else {
            Field::Text
        }
    }

    pub(crate) fn index_field(self) -> Field {
        if self == Self::Summary {
            Field::SummaryIndex
        } else {
            Field::ContentIndex
        }
    }

    pub(crate) fn item_type(self) -> ItemType {
        match self {
            Self::Output | Self::Refusal => ItemType::Message,
            Self::Reasoning | Self::Summary => ItemType::Reasoning,
        }
    }

    pub(crate) fn part_added(self) -> EventKind {
        if self == Self::Summary {
            EventKind::ReasoningSummaryPartAdded
        } else {
            EventKind::ContentPartAdded
        }
    }

    pub(crate) fn part_done(self) -> EventKind {
        if self == Self::Summary {
            EventKind::ReasoningSummaryPartDone
        } else {
            EventKind::ContentPartDone
        }
    }

    pub(crate) fn delta(self) -> EventKind {
        match self {
            Self::Output => EventKind::OutputTextDelta,
            Self::Refusal => EventKind::RefusalDelta,
            Self::Reasoning => EventKind::ReasoningTextDelta,
            Self::Summary => EventKind::ReasoningSummaryTextDelta,
        }
    }

    pub(crate) fn text_done(self) -> EventKind {
        match self {
            Self::Output => EventKind::OutputTextDone,
            Self::Refusal => EventKind::RefusalDone,
            Self::Reasoning => EventKind::ReasoningTextDone,
            Self::Summary => EventKind::ReasoningSummaryTextDone,
        }
    }

    /// A part of this kind with nothing in it, as raw JSON.
    pub(crate) fn empty_part(self) -> &'static str {
        match self {
            Self::Output => r#"{"type":"output_text","text":"","annotations":[],"logprobs":[]}"#,
            Self::Refusal => r#"{"type":"refusal","refusal":""}"#,
            Self::Reasoning => r#"{"type":"reasoning_text","text":""}"#,
            Self::Summary => r#"{"type":"summary_text","text":""}"#,
        }
    }
}

impl Part {
    /// A part as it was added; what text it already holds counts as delivered.
    pub(crate) fn from_raw(index: u64, raw: &str) -> Self {
        let object = json::Object::parse(raw).unwrap_or_default();
        let kind = object
            .string("type")
            .and_then(|name| TextKind::of_part(&name));
        let text = kind
            .and_then(|kind| object.string(kind.text_field().name()))
            .unwrap_or_default()
            .into_owned();
        Self {
            index,
            kind,
            raw: raw.to_owned(),
            text,
            seed: String::new(),
            owed: String::new(),
            annotations: Vec::new(),
            text_done: false,
            done: false,
            untyped: false,
            upstream_index: index,
            made_up: false,
            again: false,
        }
    }

    /// What of a delta a done event has not brought already (DEVIATIONS 2.5: deltas that come behind it).
    pub(crate) fn not_owed<'a>(&mut self, delta: &'a str) -> &'a str {
        if self.owed.is_empty() || delta.is_empty() {
            return delta;
        }
        if let Some(from) = self.owed.find(delta) {
            self.owed.replace_range(from..from + delta.len(), "");
            return "";
        }
        match delta.strip_prefix(self.owed.as_str()) {
            Some(rest) => {
                self.owed.clear();
                rest
            }
            None => delta,
        }
    }

    /// What it already holds is not shown yet.
    pub(crate) fn wait(&mut self) {
        self.seed = std::mem::take(&mut self.text);
    }

    /// The same part. The text of one that has no place in such an item, or in this list of it, is the item's own kind of
    /// text: the item says what it is.
    pub(crate) fn fitting(mut self, item: ItemType, list: TextKind) -> Self {
        let fits = |kind: TextKind| {
            kind.item_type() == item && (kind == TextKind::Summary) == (list == TextKind::Summary)
        };
        let own = match (item, list) {
            (ItemType::Message, TextKind::Summary) => None,
            (ItemType::Message, _) => Some(TextKind::Output),
            (ItemType::Reasoning, TextKind::Summary) => Some(TextKind::Summary),
            (ItemType::Reasoning, _) => Some(TextKind::Reasoning),
            _ => None,
        };
        self.kind = self
            .kind
            .and_then(|kind| if fits(kind) { Some(kind) } else { own });
        self
    }

    /// The same part, whose kind is `kind` if it does not say so itself.
    pub(crate) fn or_kind(mut self, kind: TextKind) -> Self {
        let object = json::Object::parse(&self.raw).unwrap_or_default();
        if object.filled("type").is_none() {
            self.kind = Some(kind);
            self.untyped = true;
            self.text = object
                .string(kind.text_field().name())
                .unwrap_or_default()
                .into_owned();
        }
        self
    }

    pub(crate) fn empty(index: u64, kind: TextKind) -> Self {
        Self::from_raw(index, kind.empty_part())
    }
}

impl Slot {
    /// A done event brought text that the upstream's own deltas may still bring.
    pub(crate) fn is_owed(&self) -> bool {
        let mut parts = self.summary.iter().chain(&self.content);
        parts.any(|part| !part.owed.is_empty())
    }
}
