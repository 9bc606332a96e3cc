//! What happens in a turn, in order.

use std::time::Duration;

use respair_client::TurnEvent;
use serde_json::value::RawValue;

use crate::{Answer, Approval};

/// One thing that happened. [`AgentEvent::Finished`] comes exactly once, last.
#[derive(Debug)]
#[non_exhaustive]
pub enum AgentEvent {
    /// A request goes out: the step's number, from 1, and how many there may be.
    #[non_exhaustive]
    Step {
        /// The step.
        step: u32,
        /// `agent.max_steps`.
        of: u32,
        /// Which of the agent's endpoints is asked, in their order.
        link: usize,
    },
    /// What the response under way gives: text, commentary, reasoning, a call that grows, recovery. Never its outcome.
    Response(TurnEvent),
    /// The response under way broke off. What was shown of it stays and is no answer.
    #[non_exhaustive]
    BrokeOff {
        /// Why, in a sentence.
        why: String,
        /// It is asked for again, and what comes now stands in its place.
        superseded: bool,
    },
    /// The response was left incomplete and is continued: which time this is, and how many there may be.
    #[non_exhaustive]
    Continued {
        /// Which time, from 1.
        time: u32,
        /// `agent.continue_incomplete`.
        of: u32,
        /// The upstream's reason.
        reason: Option<String>,
    },
    /// A response ended well: what it took.
    #[non_exhaustive]
    StepEnded {
        /// Tokens that went in, where the upstream says.
        input_tokens: Option<u64>,
        /// Tokens that came out.
        output_tokens: Option<u64>,
        /// Requests that were made for it.
        requests: u32,
    },
    /// A call waits for the user.
    Approval(Approval),
    /// A call runs.
    #[non_exhaustive]
    ToolStarted {
        /// The call's id.
        call_id: String,
        /// The tool.
        tool: String,
        /// What it is about.
        subject: String,
    },
    /// A line about a call's progress.
    #[non_exhaustive]
    ToolProgress {
        /// The call's id.
        call_id: String,
        /// The line.
        line: String,
    },
    /// A call ended, or was not run.
    #[non_exhaustive]
    ToolEnded {
        /// The call's id.
        call_id: String,
        /// The tool.
        tool: String,
        /// What it was about.
        subject: String,
        /// What the screen says of it.
        summary: String,
        /// What it changed, as it was previewed.
        diff: Option<String>,
        /// It did not work, or did not run.
        failed: bool,
        /// How long it ran.
        took: Duration,
        /// The `function_call_output` or `custom_tool_call_output` item.
        item: Box<RawValue>,
    },
    /// Another endpoint is asked from here on.
    #[non_exhaustive]
    Switched {
        /// The one that was asked, as `provider model`.
        from: String,
        /// The one that is asked now.
        to: String,
        /// Why.
        why: String,
        /// Which of the agent's endpoints that is, in their order.
        link: usize,
    },
    /// The conversation was compacted.
    #[non_exhaustive]
    Compacted {
        /// Entries that the summary stands for.
        entries: usize,
        /// The summary.
        summary: String,
    },
    /// A remark for the user.
    Notice(String),
    /// The turn is over.
    Finished(Box<Answer>),
}
