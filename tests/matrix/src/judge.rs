//! What an outcome is worth: held against what the scenario holds, not against whether anything was raised.

use respair_faults::{Ends, Holds};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::columns::{Column, Kind};
use crate::heard::{Heard, Outcome, Told};

/// What became of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The whole answer, live and at the end.
    Whole,
    /// The upstream's own error, with its words (or a legal `incomplete` that the client calls an error, by name).
    Surfaced,
    /// The stream was cut, or was none, and the client says so.
    Cut,
    /// An answer that lacks something of what was sent, or has something twice, and no error.
    Degraded,
    /// An error where there was an answer, or one that has lost the upstream's words.
    Error,
    /// Nothing, or half an answer for a whole one, without any error.
    Silent,
    /// The time limit passed.
    Hang,
}

impl Class {
    /// Every class, right ones first.
    pub const ALL: [Self; 7] = [
        Self::Whole,
        Self::Surfaced,
        Self::Cut,
        Self::Degraded,
        Self::Error,
        Self::Silent,
        Self::Hang,
    ];

    /// Whether a client's user has got what there was to get.
    #[must_use]
    pub fn is_right(self) -> bool {
        matches!(self, Self::Whole | Self::Surfaced | Self::Cut)
    }

    /// One letter for the grid: capitals are right.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Whole => 'W',
            Self::Surfaced => 'E',
            Self::Cut => 'C',
            Self::Degraded => 'd',
            Self::Error => 'x',
            Self::Silent => 's',
            Self::Hang => 'h',
        }
    }

    /// Its name in the table's head.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Surfaced => "error surfaced",
            Self::Cut => "cut surfaced",
            Self::Degraded => "degraded",
            Self::Error => "error",
            Self::Silent => "silent",
            Self::Hang => "hang",
        }
    }
}

/// A cell's class, and what was wrong (empty for a right one).
#[must_use]
pub fn judge(column: &Column, holds: &Holds, outcome: &Outcome) -> (Class, String) {
    let heard = match outcome {
        Outcome::Heard(heard) => heard,
        Outcome::Hang => return (Class::Hang, "no end within the time limit".to_owned()),
        Outcome::Died(how) => return (Class::Error, short(how)),
    };
    match (&heard.error, holds.ends) {
        (Some(error), Ends::Failed) => match error.contains(holds.words) {
            true => right(Class::Surfaced),
            false => (
                Class::Error,
                format!("the upstream's words are lost: {}", raised(heard, error)),
            ),
        },
        (Some(error), Ends::Cut) => match unsaid(column, holds, heard) {
            Some(fault) => (
                Class::Degraded,
                format!("{fault}, then {}", raised(heard, error)),
            ),
            None => right(Class::Cut),
        },
        (Some(error), Ends::Incomplete) => {
            let named =
                error.contains("max_output_tokens") || heard.ended.as_deref() == Some("incomplete");
            match named {
                true => right(Class::Surfaced),
                false => (Class::Error, raised(heard, error)),
            }
        }
        (Some(error), _) => match !holds.words.is_empty() && error.contains(holds.words) {
            true => right(Class::Surfaced),
            false => (Class::Error, raised(heard, error)),
        },
        (None, Ends::Failed | Ends::Cut) => (
            Class::Silent,
            format!("no error, {} for an answer", amount(heard)),
        ),
        (None, Ends::Incomplete) if heard.ended.as_deref() != Some("incomplete") => (
            Class::Silent,
            format!("not said to be incomplete, {} for an answer", amount(heard)),
        ),
        (None, _) => match differs(column, holds, heard) {
            None => right(Class::Whole),
            Some(fault) if is_empty(heard) => (Class::Silent, fault),
            Some(fault) => (Class::Degraded, fault),
        },
    }
}

fn right(class: Class) -> (Class, String) {
    (class, String::new())
}

/// What a client has told that the upstream never said.
fn unsaid(_: &Column, holds: &Holds, heard: &Heard) -> Option<String> {
    let text = heard.live.text.as_deref().unwrap_or_default();
    (!holds.text.starts_with(text)).then(|| format!("text that nobody sent: {}", short(text)))
}

/// What is not as the scenario holds it.
fn differs(column: &Column, holds: &Holds, heard: &Heard) -> Option<String> {
    let live = told(column, &heard.live, holds, &holds.text, "live");
    // An agent's last word is the one behind the call.
    let behind = column.agent && holds.call;
    let last = if behind {
        Holds::after_the_call()
    } else {
        holds.text.clone()
    };
    let end = heard
        .r#final
        .as_ref()
        .and_then(|end| told(column, end, holds, &last, "final"));
    let unheard = behind && heard.r#final.is_none();
    live.or(end)
        .or_else(|| unheard.then(|| "no answer behind the call".to_owned()))
}

fn told(column: &Column, told: &Told, holds: &Holds, text: &str, when: &str) -> Option<String> {
    if let Some(had) = told.text.as_deref().filter(|had| *had != text) {
        let (had, all) = (had.chars().count(), text.chars().count());
        return Some(format!("{when} text: {had} characters of {all}"));
    }
    if let Some(had) = told
        .reasoning
        .as_deref()
        .filter(|had| *had != holds.reasoning)
    {
        let (had, all) = (had.chars().count(), holds.reasoning.chars().count());
        return Some(format!("{when} reasoning: {had} characters of {all}"));
    }
    let calls = told.calls.as_ref()?;
    if calls.len() != usize::from(holds.call) {
        return Some(format!(
            "{when}: {} calls of {}",
            calls.len(),
            usize::from(holds.call)
        ));
    }
    let (name, arguments) = if column.kind == Kind::Codex {
        Holds::COMMAND
    } else {
        Holds::WEATHER
    };
    let wrong = calls
        .iter()
        .find(|(had, given)| *had != name || !same(given, arguments));
    wrong.map(|(name, given)| format!("{when} call: {}", short(&format!("{name} {given}"))))
}

/// Arguments are JSON text; how it is spaced is the client's own matter where it has parsed it.
fn same(given: &Value, arguments: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    given
        .as_str()
        .is_some_and(|given| parsed(given).is_some() && parsed(given) == parsed(arguments))
}

fn is_empty(heard: &Heard) -> bool {
    let empty = |told: &Told| {
        told.text.as_deref().unwrap_or_default().is_empty()
            && told.calls.as_ref().is_none_or(Vec::is_empty)
    };
    empty(&heard.live) && heard.r#final.as_ref().is_none_or(empty)
}

fn amount(heard: &Heard) -> String {
    let length = |told: &Told| told.text.as_deref().unwrap_or_default().chars().count();
    let most = length(&heard.live).max(heard.r#final.as_ref().map_or(0, length));
    format!("{most} characters")
}

fn raised(heard: &Heard, error: &str) -> String {
    match &heard.exception {
        Some(class) => format!("{class}: {}", short(error)),
        None => short(error),
    }
}

/// One line, as far as a table has room.
fn short(text: &str) -> String {
    const MOST: usize = 140;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut cut: String = line.chars().take(MOST).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}
