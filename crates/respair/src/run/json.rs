//! `--json`: one object a line (CONTRACT.md, streams of `run`; docs/run-events.schema.json). `type` comes first.

use respair_agent::{AgentEvent, Answer, AnswerStatus};
use respair_client::{ErrorSource, Outcome, TurnError, TurnEvent};
use serde::Serialize;
use serde_json::value::RawValue;

/// A line on the way.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Line<'a> {
    #[serde(rename = "turn.started")]
    Started {
        model: &'a str,
        endpoint: &'a str,
        provider: &'a str,
    },
    #[serde(rename = "text.delta")]
    Text { text: &'a str },
    #[serde(rename = "reasoning.delta")]
    Reasoning { text: &'a str },
    #[serde(rename = "commentary.delta")]
    Commentary { text: &'a str },
    #[serde(rename = "item.done")]
    Item { item: &'a RawValue },
    #[serde(rename = "recovery")]
    Recovery {
        action: &'static str,
        code: Option<&'a str>,
        event: Option<u64>,
        attempt: u32,
    },
    #[serde(rename = "step.started")]
    StepStarted { step: u32, of: u32 },
    #[serde(rename = "step.ended")]
    StepEnded {
        input_tokens: Option<u64>,
        output_tokens: Option<u64>,
        upstream_requests: u32,
    },
    #[serde(rename = "tool.started")]
    ToolStarted {
        call_id: &'a str,
        tool: &'a str,
        subject: &'a str,
    },
    #[serde(rename = "tool.progress")]
    ToolProgress { call_id: &'a str, line: &'a str },
    #[serde(rename = "tool.ended")]
    ToolEnded {
        call_id: &'a str,
        tool: &'a str,
        subject: &'a str,
        failed: bool,
        summary: &'a str,
        diff: Option<&'a str>,
        seconds: f64,
        item: &'a RawValue,
    },
    #[serde(rename = "response.broke_off")]
    BrokeOff { message: &'a str, superseded: bool },
    #[serde(rename = "response.continued")]
    Continued {
        time: u32,
        of: u32,
        reason: Option<&'a str>,
    },
    #[serde(rename = "endpoint.switched")]
    Switched {
        from: &'a str,
        to: &'a str,
        message: &'a str,
    },
    #[serde(rename = "compacted")]
    Compacted { entries: usize, summary: &'a str },
    #[serde(rename = "notice")]
    Notice { message: &'a str },
}

/// The last line.
#[derive(Serialize)]
struct Last<'a> {
    r#type: String,
    response_id: Option<&'a str>,
    text: &'a str,
    reasoning: &'a str,
    output: &'a [Box<RawValue>],
    usage: Option<&'a RawValue>,
    error: Option<Error<'a>>,
    incomplete_reason: Option<&'a str>,
    upstream_requests: u32,
    path: &'static str,
    violations: Vec<Violation<'a>>,
    repairs: Vec<Repair>,
    without: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<Talked<'a>>,
}

/// What a turn of a conversation adds.
#[derive(Serialize)]
struct Talked<'a> {
    session: Option<&'a str>,
    steps: u32,
    input_tokens: u64,
    output_tokens: u64,
    reasoning_tokens: u64,
    /// Responses whose usage was not told.
    uncounted: u32,
}

#[derive(Serialize)]
struct Error<'a> {
    code: Option<&'a str>,
    message: &'a str,
    source: &'static str,
    status: Option<u16>,
}

#[derive(Serialize)]
struct Violation<'a> {
    code: &'static str,
    event: u64,
    message: &'a str,
}

#[derive(Serialize)]
struct Repair {
    code: &'static str,
    count: u64,
    first_event: u64,
}

/// The line of an event on the way; `None` for what has none.
pub(super) fn line(event: &TurnEvent) -> Option<String> {
    let line = match event {
        TurnEvent::Started {
            model,
            endpoint,
            provider,
            ..
        } => Line::Started {
            model,
            endpoint,
            provider,
        },
        TurnEvent::Text(text) => Line::Text { text },
        TurnEvent::Reasoning(text) => Line::Reasoning { text },
        TurnEvent::Commentary(text) => Line::Commentary { text },
        TurnEvent::ItemDone(item) => Line::Item { item },
        TurnEvent::Recovery {
            action,
            code,
            event,
            attempt,
            ..
        } => Line::Recovery {
            action: action.as_str(),
            code: code.as_deref(),
            event: *event,
            attempt: *attempt,
        },
        _ => return None,
    };
    Some(written(&line))
}

/// The line of an event of a conversation; `None` for what has none.
pub(super) fn agent_line(event: &AgentEvent) -> Option<String> {
    let line = match event {
        AgentEvent::Response(event) => return line(event),
        AgentEvent::Step { step, of, .. } => Line::StepStarted {
            step: *step,
            of: *of,
        },
        AgentEvent::StepEnded {
            input_tokens,
            output_tokens,
            requests,
            ..
        } => Line::StepEnded {
            input_tokens: *input_tokens,
            output_tokens: *output_tokens,
            upstream_requests: *requests,
        },
        AgentEvent::ToolStarted {
            call_id,
            tool,
            subject,
            ..
        } => Line::ToolStarted {
            call_id,
            tool,
            subject,
        },
        AgentEvent::ToolProgress { call_id, line, .. } => Line::ToolProgress { call_id, line },
        AgentEvent::ToolEnded {
            call_id,
            tool,
            subject,
            summary,
            diff,
            failed,
            took,
            item,
            ..
        } => Line::ToolEnded {
            call_id,
            tool,
            subject,
            failed: *failed,
            summary,
            diff: diff.as_deref(),
            seconds: took.as_secs_f64(),
            item,
        },
        AgentEvent::BrokeOff {
            why, superseded, ..
        } => Line::BrokeOff {
            message: why,
            superseded: *superseded,
        },
        AgentEvent::Continued {
            time, of, reason, ..
        } => Line::Continued {
            time: *time,
            of: *of,
            reason: reason.as_deref(),
        },
        AgentEvent::Switched { from, to, why, .. } => Line::Switched {
            from,
            to,
            message: why,
        },
        AgentEvent::Compacted {
            entries, summary, ..
        } => Line::Compacted {
            entries: *entries,
            summary,
        },
        AgentEvent::Notice(message) => Line::Notice { message },
        _ => return None,
    };
    Some(written(&line))
}

/// The last line.
pub(super) fn last_line(outcome: &Outcome) -> String {
    let kind = format!("turn.{}", outcome.status.as_str());
    let error = outcome.error.as_ref().map(error);
    let mut last = Last::of(kind, Some(outcome), &outcome.output, error);
    last.text = &outcome.text;
    last.upstream_requests = outcome.upstream_requests;
    written(&last)
}

/// The last line of a turn of a conversation: its items and its text, and of the last response what is only a response's.
pub(super) fn agent_last_line(answer: &Answer, session: Option<&str>) -> String {
    let kind = match answer.status {
        // A bound of ours that ended it; the message says which.
        AnswerStatus::Stopped => "turn.failed".to_owned(),
        status => format!("turn.{}", status.as_str()),
    };
    let failed = matches!(answer.status, AnswerStatus::Stopped | AnswerStatus::Failed);
    let message = answer.message.as_ref().filter(|_| failed);
    let stopped = message.map(|message| Error {
        code: Some(answer.status.as_str()),
        message,
        source: "local",
        status: None,
    });
    let error = answer.error.as_ref().map(error).or(stopped);
    let mut last = Last::of(kind, answer.last.as_deref(), &answer.items, error);
    last.text = &answer.text;
    last.upstream_requests = answer.totals.requests;
    last.conversation = Some(Talked {
        session,
        steps: answer.steps,
        input_tokens: answer.totals.input_tokens,
        output_tokens: answer.totals.output_tokens,
        reasoning_tokens: answer.totals.reasoning_tokens,
        uncounted: answer.totals.uncounted,
    });
    written(&last)
}

fn error(error: &TurnError) -> Error<'_> {
    Error {
        code: error.code.as_deref(),
        message: &error.message,
        source: match error.source {
            ErrorSource::Upstream => "upstream",
            _ => "local",
        },
        status: error.status,
    }
}

impl<'a> Last<'a> {
    fn of(
        kind: String,
        outcome: Option<&'a Outcome>,
        output: &'a [Box<RawValue>],
        error: Option<Error<'a>>,
    ) -> Self {
        let violations = outcome.iter().flat_map(|outcome| &outcome.violations);
        let violations = violations.map(|v| Violation {
            code: v.code.as_str(),
            event: v.event,
            message: &v.message,
        });
        let repairs = outcome.iter().flat_map(|outcome| &outcome.repairs);
        let repairs = repairs.map(|r| Repair {
            code: r.code.as_str(),
            count: r.count,
            first_event: r.first_event,
        });
        let without = outcome.iter().flat_map(|outcome| &outcome.without);
        Self {
            r#type: kind,
            response_id: outcome.and_then(|outcome| outcome.response_id.as_deref()),
            text: "",
            reasoning: outcome.map_or("", |outcome| &outcome.reasoning),
            output,
            usage: outcome.and_then(|outcome| outcome.usage.as_deref()),
            error,
            incomplete_reason: outcome.and_then(|outcome| outcome.incomplete_reason.as_deref()),
            upstream_requests: 0,
            path: outcome.map_or("strict", |outcome| outcome.path.as_str()),
            violations: violations.collect(),
            repairs: repairs.collect(),
            without: without.map(|code| code.as_str()).collect(),
            conversation: None,
        }
    }
}

/// Strings, numbers and raw JSON: serialising these does not fail. An item is passed on as it came, and between its tokens
/// there may be line breaks (never within a string, where JSON has them escaped): a line stays one line.
fn written(line: &impl Serialize) -> String {
    let line = serde_json::to_string(line).unwrap_or_default();
    match line.contains(['\n', '\r']) {
        true => line.replace(['\n', '\r'], " "),
        false => line,
    }
}
