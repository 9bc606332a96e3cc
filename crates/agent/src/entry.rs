//! What a conversation is made of. The list only grows: taking something back is an entry too.

use respair_core::is_interim;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One entry of a conversation.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place, from 0, without gaps.
    pub seq: u64,
    /// The turn of the user's that it belongs to, from 1.
    pub turn: u64,
    /// When it was made, in seconds since 1970.
    pub at: u64,
    /// What it is.
    pub body: Body,
}

impl Entry {
    /// It is a message of the user's.
    pub(crate) fn is_of_the_user(&self) -> bool {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            role: Option<std::borrow::Cow<'a, str>>,
        }
        let Body::Item(item) = &self.body else {
            return false;
        };
        let message = serde_json::from_str::<Message<'_>>(item.raw.get());
        item.issuer.is_none()
            && message.is_ok_and(|message| message.role.as_deref() == Some("user"))
    }
}

/// What an entry is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Body {
    /// An item of the conversation, as it was said or came.
    Item(StoredItem),
    /// What was shown of a response that broke off. It is never sent.
    Partial(Partial),
    /// A turn is over.
    Ended(Ended),
    /// Entries were taken back: they are neither shown nor sent.
    Undone(Undone),
    /// A summary stands for entries: those are shown, and not sent.
    Compacted(Compacted),
    /// An upstream could not read the encrypted reasoning before this: it is sent to nobody any more.
    ReasoningDropped,
    /// A response ended here, and the next one goes on from it.
    Continued(Continued),
    /// Of the long outputs before this the heads and tails are sent.
    Shortened,
}

/// An item: a message, a call, its output, reasoning.
#[derive(Clone, Debug)]
pub struct StoredItem {
    /// Its JSON, as it came.
    pub raw: Box<RawValue>,
    /// Which endpoint, model and account made it; `None` for what did not come from a model.
    pub issuer: Option<String>,
}

/// What was shown of a response that broke off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// Why: `truncated`, `interrupted` or `failed`.
    pub status: String,
    /// The answer as far as it came.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The reasoning as far as it came, and what was said in between.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// It was asked for again, and what came then stands in its place.
    #[serde(default)]
    pub superseded: bool,
}

impl Partial {
    /// Takes out what stands in an item: that is kept as the item.
    pub(crate) fn without(&mut self, item: &RawValue) {
        let read: serde_json::Value = serde_json::from_str(item.get()).unwrap_or_default();
        let aside = read["type"] == "reasoning" || is_interim(item.get());
        for text in texts(&read) {
            // Where it was shown is looked first: the same words may stand in both.
            let mut places = [&mut self.text, &mut self.reasoning];
            if aside {
                places.reverse();
            }
            for place in places {
                if let Some(at) = place.find(text) {
                    place.replace_range(at..at + text.len(), "");
                    break;
                }
            }
        }
        self.reasoning = self.reasoning.trim().to_owned();
    }
}

/// The texts of an item's parts.
fn texts(item: &serde_json::Value) -> impl Iterator<Item = &str> {
    let lists = [&item["content"], &item["summary"]];
    let parts = lists.into_iter().filter_map(serde_json::Value::as_array);
    parts
        .flatten()
        .filter_map(|part| part["text"].as_str().or_else(|| part["refusal"].as_str()))
        .filter(|text| !text.is_empty())
}

/// How a turn ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// `completed`, `incomplete`, `failed`, `truncated`, `interrupted` or `stopped`.
    pub status: String,
    /// What went wrong, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The model that was asked last.
    pub model: String,
    /// Its endpoint, without anything secret.
    pub endpoint: String,
    /// Requests that were made.
    pub requests: u32,
    /// Tokens that went in, as the upstreams count them.
    pub input_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// Tokens of the last request and its answer: what the context holds.
    pub context_tokens: u64,
}

/// Which entries were taken back: those from `from` up to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The first of them.
    pub from: u64,
}

/// What a summary stands for: the entries before `until` that were not taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacted {
    /// The first entry that is still sent as it is.
    pub until: u64,
    /// The summary.
    pub summary: String,
    /// Requests that were made for it, where it was asked for by itself: those within a turn are counted there.
    #[serde(default)]
    pub requests: u32,
    /// Tokens that went in for it.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens that came out.
    #[serde(default)]
    pub output_tokens: u64,
}

/// A response that was left incomplete, or gave no answer yet, and is continued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continued {
    /// The upstream's reason, or ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A stored entry that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("entry of kind `{kind}`: {why}")]
pub struct UnreadableEntry {
    kind: String,
    why: String,
}

impl Body {
    /// The kind's name, as it is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Item(_) => "item",
            Self::Partial(_) => "partial",
            Self::Ended(_) => "ended",
            Self::Undone(_) => "undone",
            Self::Compacted(_) => "compacted",
            Self::ReasoningDropped => "reasoning_dropped",
            Self::Continued(_) => "continued",
            Self::Shortened => "shortened",
        }
    }

    /// The rest of it, as the JSON that is stored beside the kind and the issuer.
    pub fn data(&self) -> String {
        // Strings, numbers, booleans: writing these does not fail.
        match self {
            Self::Item(item) => return item.raw.get().to_owned(),
            Self::Partial(partial) => serde_json::to_string(partial),
            Self::Ended(ended) => serde_json::to_string(ended),
            Self::Undone(undone) => serde_json::to_string(undone),
            Self::Compacted(compacted) => serde_json::to_string(compacted),
            Self::ReasoningDropped | Self::Shortened => return "{}".to_owned(),
            Self::Continued(continued) => serde_json::to_string(continued),
        }
        .unwrap_or_default()
    }

    /// The issuer of an item.
    pub fn issuer(&self) -> Option<&str> {
        match self {
            Self::Item(item) => item.issuer.as_deref(),
            _ => None,
        }
    }

    /// What was stored.
    ///
    /// # Errors
    /// When the kind is not known, or the data are not those of its kind.
    pub fn read(kind: &str, data: &str, issuer: Option<String>) -> Result<Self, UnreadableEntry> {
        let wrong = |why: serde_json::Error| UnreadableEntry {
            kind: kind.to_owned(),
            why: why.to_string(),
        };
        Ok(match kind {
            "item" => {
                let raw = RawValue::from_string(data.to_owned()).map_err(wrong)?;
                Self::Item(StoredItem { raw, issuer })
            }
            "partial" => Self::Partial(serde_json::from_str(data).map_err(wrong)?),
            "ended" => Self::Ended(serde_json::from_str(data).map_err(wrong)?),
            "undone" => Self::Undone(serde_json::from_str(data).map_err(wrong)?),
            "compacted" => Self::Compacted(serde_json::from_str(data).map_err(wrong)?),
            "reasoning_dropped" => Self::ReasoningDropped,
            "shortened" => Self::Shortened,
            "continued" => Self::Continued(serde_json::from_str(data).map_err(wrong)?),
            _ => {
                return Err(UnreadableEntry {
                    kind: kind.to_owned(),
                    why: "written by a newer version".to_owned(),
                });
            }
        })
    }
}
