//! What the screen is told.

use std::time::Duration;

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) enum Draw {
    /// A piece of the answer.
    Text(String),
    /// A piece of what is said in between.
    Commentary(String),
    /// A piece of the reasoning.
    Reasoning(String),
    /// The response under way is over: its blocks are.
    EndResponse,
    /// What was shown of it is asked for again.
    Superseded,
    ToolStarted {
        call_id: String,
        what: String,
    },
    ToolProgress {
        call_id: String,
        line: String,
    },
    ToolEnded {
        call_id: String,
        line: String,
        failed: bool,
        diff: Option<String>,
    },
    /// A remark.
    Notice(String),
    /// What went wrong.
    Error(String),
    /// What to do about it.
    Help(String),
    /// A line as it is.
    Plain(String),
    /// What the user said, where the terminal does not hold it already.
    Said(String),
    /// A call is asked about: what it is, line by line.
    Ask(Vec<String>),
    /// What is typed from here on is the answer.
    Question,
    /// The question was answered, or is none any more.
    Asked,
    /// How it ended.
    Closing(String),
    /// A text of Markdown of our own, or of before.
    Document(String),
    /// Reasoning that was folded before.
    Unfolded(String),
    /// What is being typed, and what waits to be sent.
    Typed {
        text: String,
        queued: usize,
    },
    /// The turn is under way: what the status says besides the time. `None`: it is over.
    Status(Option<String>),
    /// Whether reasoning is shown.
    Fold(bool),
    /// Time goes on: since the turn began.
    Tick(Duration),
    /// The terminal, in columns and rows.
    Size(usize, usize),
}
