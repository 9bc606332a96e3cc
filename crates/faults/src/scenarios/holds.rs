//! What a scenario holds, whatever it looks like on the wire: by this a client is judged.

use serde_json::Value;

use crate::words::Words;

/// The call of the scenarios that make one: name and arguments.
const WEATHER: (&str, &str) = ("get_weather", r#"{"city":"Paris"}"#);
/// The same for a client that offers no such function but a shell, as Codex CLI does.
const COMMAND: (&str, &str) = ("exec_command", r#"{"cmd":"echo Paris"}"#);

/// What a client has to come out with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holds {
    /// The text, as far as it gets.
    pub text: String,
    /// The reasoning (its summary, or raw), as far as it gets.
    pub reasoning: String,
    /// Whether there is a function call: [`Holds::WEATHER`], or [`Holds::COMMAND`] where only that is offered.
    pub call: bool,
    /// How the upstream ends it.
    pub ends: Ends,
    /// Words of the error that the upstream reports; empty where it reports none, or one without words. A scenario that
    /// is [`Ends::Completed`] and has words refuses some requests, or the first.
    pub words: &'static str,
}

impl Holds {
    /// The call: name, and arguments as JSON.
    pub const WEATHER: (&'static str, &'static str) = WEATHER;
    /// The call for a client that offers a shell only.
    pub const COMMAND: (&'static str, &'static str) = COMMAND;
    /// The answer to a request that brings the output of a call.
    #[must_use]
    pub fn after_the_call() -> String {
        Words::default().text().collect()
    }
}

/// How the upstream ends a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ends {
    /// It says completed, or means to: everything is there.
    Completed,
    /// It says incomplete.
    Incomplete,
    /// It reports an error, in the stream or as HTTP.
    Failed,
    /// It does not end it: the stream is cut, never ends, or is none.
    Cut,
}

/// The text, as a row of the table has it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Text {
    /// The text of every scenario.
    Whole,
    /// Its first two deltas.
    Half,
    /// This one, so often.
    Fixed(&'static str, usize),
}

/// [`Holds`] as a row of the table has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) text: Text,
    pub(super) reasons: bool,
    pub(super) calls: bool,
    pub(super) ends: Ends,
    pub(super) words: &'static str,
    /// It reasons if it is asked to.
    pub(super) asked: bool,
}

impl Held {
    /// The text, and `response.completed`.
    pub(super) const TEXT: Self = Self {
        text: Text::Whole,
        reasons: false,
        calls: false,
        ends: Ends::Completed,
        words: "",
        asked: false,
    };

    /// Where it says these words, for a request with this body.
    pub(super) fn holds(&self, words: &Words, body: &Value) -> Holds {
        let reasons = self.reasons || self.asked && body["reasoning"].is_object();
        Holds {
            text: match self.text {
                Text::Whole => words.text().collect(),
                Text::Half => words.text().take(2).collect(),
                Text::Fixed(text, times) => text.repeat(times),
            },
            reasoning: match reasons {
                true => words.summary().collect(),
                false => String::new(),
            },
            call: self.calls,
            ends: self.ends,
            words: self.words,
        }
    }
}
