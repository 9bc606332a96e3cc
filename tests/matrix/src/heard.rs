//! What a client made of one cell, as its runner says it.

use serde::Deserialize;
use serde_json::Value;

/// What the client told its user. `None` is what this client does not tell.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Told {
    /// The text.
    pub text: Option<String>,
    /// The reasoning, summary or raw.
    pub reasoning: Option<String>,
    /// Each call: its name, and its arguments as JSON text (or whatever came in its place).
    pub calls: Option<Vec<(Value, Value)>>,
}

/// One cell's answer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Heard {
    /// What came while it streamed.
    pub live: Told,
    /// What was there at its end.
    pub r#final: Option<Told>,
    /// `completed`, `incomplete` or `failed` where the client says how the response ended.
    pub ended: Option<String>,
    /// What the client raised or reported as an error, word for word.
    pub error: Option<String>,
    /// The class of what it raised.
    pub exception: Option<String>,
}

/// One cell's outcome.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The client was done in time.
    Heard(Box<Heard>),
    /// It was not.
    Hang,
    /// The client's process died.
    Died(String),
}

/// What came of asking a column.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// What the client made of it.
    pub outcome: Outcome,
    /// The body of its first request at the relay; null where there was none.
    pub asked: Value,
}
