//! The table of ready-made scenarios: what `respair relay --scenario NAME` plays.
//!
//! A scenario is a function from the turn (which request it is, which model was asked for) to a
//! [`Script`]. One more scenario is one function in the file of its group and one row in the table.

mod conforming;
mod endings;
mod errors;
mod framing;
mod identity;
mod prelude;
mod table;
mod terminal;
mod transport;

use serde_json::Value;

use crate::ev::MODEL;
use crate::relay::{Answer, Request};
use crate::script::Script;
use crate::stream::Stream;

/// The answer of every scenario, delta by delta.
const TEXT: [&str; 4] = ["Hello", " from", " the", " relay."];
/// The reasoning summary of those that reason.
const SUMMARY: [&str; 3] = ["Thinking", " about", " it."];

/// One named way to behave.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    name: &'static str,
    summary: &'static str,
    build: fn(&Turn) -> Script,
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

    /// The script for the request with this number (from 0): scenarios that end in `-once` behave
    /// from the second on, and the ids of no two turns are equal.
    #[must_use]
    pub fn script(&self, number: usize) -> Script {
        (self.build)(&Turn {
            number,
            model: MODEL.to_owned(),
            body: Value::Null,
        })
    }
}

impl Answer for Scenario {
    fn answer(&self, request: &Request) -> Script {
        let body = request.json().unwrap_or_default();
        let model = body
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or(MODEL)
            .to_owned();
        (self.build)(&Turn {
            number: request.number,
            model,
            body,
        })
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
    model: String,
    body: Value,
}

impl Turn {
    /// An empty stream with this turn's ids and model.
    fn stream(&self) -> Stream {
        Stream::new()
            .turn(self.number as u64 + 1)
            .model(&self.model)
    }

    /// The conforming text stream.
    fn text(&self) -> Stream {
        self.stream().prelude().message(TEXT).complete()
    }

    /// The conforming stream with reasoning and text.
    fn reasoning(&self) -> Stream {
        self.stream()
            .prelude()
            .reasoning(SUMMARY)
            .message(TEXT)
            .complete()
    }

    /// The conforming text stream up to the second text delta: something was shown, much is open.
    fn half(&self) -> Stream {
        let stream = self.text();
        let first = stream
            .position("response.output_text.delta")
            .unwrap_or_default();
        stream.take(first + 2)
    }

    /// Whether this is the first request.
    fn is_first(&self) -> bool {
        self.number == 0
    }
}
