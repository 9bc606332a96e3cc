//! The table of ready-made scenarios: what `respair relay --scenario NAME` plays.
//!
//! A scenario is a function from the turn (which request it is, which model was asked for) to a
//! [`Script`]. One more scenario is one function in the file of its group and one row in the table.

mod agent;
mod asked;
mod calls;
mod conforming;
mod endings;
mod errors;
mod fields;
mod framing;
mod holds;
mod identity;
mod items;
mod prelude;
mod table;
mod terminal;
mod transport;

use serde_json::Value;

use crate::ev::{self, MODEL};
use crate::obedient::{self, refusal};
use crate::relay::{Answer, Request};
use crate::script::Script;
use crate::stream::Stream;
use crate::words::Words;

use holds::Held;
pub use holds::{Ends, Holds};

/// One named way to behave.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    name: &'static str,
    summary: &'static str,
    build: fn(&Turn) -> Script,
    /// It sees to refusals and `stream: false` itself.
    alone: bool,
    held: Held,
}

impl Scenario {
    /// The name, in kebab-case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does, in one line without a full stop.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.summary
    }

    /// What it holds: what a client has to come out with.
    #[must_use]
    pub fn holds(&self) -> Holds {
        self.holds_of(&Words::default())
    }

    /// The same where the scenario says these words ([`Scenario::saying`]).
    #[must_use]
    pub fn holds_of(&self, words: &Words) -> Holds {
        self.held.holds(words, &Value::Null)
    }

    /// What its answer to a request with this body holds: some do what they are asked.
    #[must_use]
    pub fn holds_for(&self, body: &Value) -> Holds {
        self.held.holds(&Words::default(), body)
    }

    /// The script for the request with this number (from 0): scenarios that end in `-once` behave
    /// from the second on, and the ids of no two turns are equal.
    #[must_use]
    pub fn script(&self, number: usize) -> Script {
        (self.build)(&Turn {
            number,
            first: number == 0,
            words: Words::default(),
            model: MODEL.to_owned(),
            body: Value::Null,
            refusal: None,
        })
    }

    /// The script for a request, with the ids of the turn of this number (from 0), saying these words: so that the answers to
    /// many at once can be told apart. `first` is what scenarios that end in `-once` ask.
    #[must_use]
    pub fn saying(&self, request: &Request, number: usize, first: bool, words: Words) -> Script {
        let body = request.json().unwrap_or_default();
        let model = body
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or(MODEL)
            .to_owned();
        let turn = Turn {
            number,
            first,
            words,
            model,
            body,
            refusal: refusal(request),
        };
        let script = (self.build)(&turn);
        if self.alone {
            return script;
        }
        // A scenario breaks one thing. A model and a key that do not exist are refused all the same, and `stream: false`
        // is answered as it should be.
        if let Some(refusal) = turn.refusal {
            return refusal;
        }
        match turn.body.get("stream") {
            Some(Value::Bool(false)) if script.is_stream() => turn.object(),
            _ => script,
        }
    }
}

impl Answer for Scenario {
    fn answer(&self, request: &Request) -> Script {
        let number = request.number;
        self.saying(request, number, number == 0, Words::default())
    }
}

/// Every scenario, in the order of the list that a person reads.
///
/// ```
/// for scenario in respair_faults::scenarios() {
///     println!("{:24} {}", scenario.name(), scenario.summary());
/// }
/// ```
#[must_use]
pub fn scenarios() -> &'static [Scenario] {
    table::SCENARIOS
}

/// The scenario of this name. Underscores count as hyphens, capitals as small letters.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    let name = name.trim().to_ascii_lowercase().replace('_', "-");
    scenarios().iter().find(|scenario| scenario.name == name)
}

/// What a scenario knows of the request that it answers.
struct Turn {
    number: usize,
    /// Nothing was asked before.
    first: bool,
    words: Words,
    model: String,
    body: Value,
    /// What a model or key that does not exist is answered.
    refusal: Option<Script>,
}

impl Turn {
    /// An empty stream with this turn's ids and model.
    fn stream(&self) -> Stream {
        Stream::new()
            .turn(self.number as u64 + 1)
            .model(&self.model)
    }

    /// The conforming text stream; a call, or a cut text, where the request leaves no choice.
    fn text(&self) -> Stream {
        self.forced().unwrap_or_else(|| self.plain_text())
    }

    fn plain_text(&self) -> Stream {
        self.stream()
            .prelude()
            .message(self.words.text())
            .complete()
    }

    /// The conforming stream with reasoning and text; else the same.
    fn reasoning(&self) -> Stream {
        let stream = self
            .stream()
            .prelude()
            .reasoning(self.words.summary())
            .message(self.words.text());
        self.forced().unwrap_or_else(|| stream.complete())
    }

    /// The conforming stream with reasoning, text and a call.
    fn everything(&self) -> Stream {
        let stream = self
            .stream()
            .prelude()
            .reasoning(self.words.summary())
            .message(self.words.text());
        self.calling(stream)
    }

    /// The conforming stream with a call and nothing else.
    fn call(&self) -> Stream {
        self.calling(self.stream().prelude())
    }

    /// With the call at its end; the text where the request brings the call's output, so that an agent comes to an end.
    fn calling(&self, stream: Stream) -> Stream {
        if self.forced().is_some() || obedient::has_output(&self.body) {
            return self.text();
        }
        match obedient::offers_only_a_shell(&self.body) {
            true => stream.call(
                Holds::COMMAND.0,
                ["{\"", "cmd", "\":\"echo ", "Paris", "\"}"],
            ),
            false => obedient::call(stream, Holds::WEATHER.0, "Paris"),
        }
        .complete()
    }

    fn forced(&self) -> Option<Stream> {
        let stream = self.stream().prelude();
        if let Some(name) = obedient::forced(&self.body) {
            return Some(obedient::call(stream, &name, "Paris").complete());
        }
        obedient::is_cut(&self.body).then(|| obedient::cut(stream))
    }

    /// The answer to `stream: false`.
    fn object(&self) -> Script {
        Script::json(200, &self.text().response().unwrap_or(Value::Null))
    }

    /// The conforming text stream up to the second text delta: something was shown, much is open, and nothing is done.
    fn half(&self) -> Stream {
        self.stream()
            .prelude()
            .push(ev::message_added())
            .push(ev::part_added())
            .extend(self.words.text().take(2).map(ev::text_delta))
    }

    /// Whether this is the first request.
    fn is_first(&self) -> bool {
        self.first
    }
}
