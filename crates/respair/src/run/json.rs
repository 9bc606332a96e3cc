//! `--json`: one object a line (CONTRACT.md, streams of `run`; docs/run-events.schema.json). `type` comes first.

use respair_client::{ErrorSource, Outcome, TurnEvent};
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

/// The last line.
pub(super) fn last_line(outcome: &Outcome) -> String {
    let error = outcome.error.as_ref().map(|error| Error {
        code: error.code.as_deref(),
        message: &error.message,
        source: match error.source {
            ErrorSource::Upstream => "upstream",
            _ => "local",
        },
        status: error.status,
    });
    let violations = outcome.violations.iter().map(|v| Violation {
        code: v.code.as_str(),
        event: v.event,
        message: &v.message,
    });
    let repairs = outcome.repairs.iter().map(|r| Repair {
        code: r.code.as_str(),
        count: r.count,
        first_event: r.first_event,
    });
    written(&Last {
        r#type: format!("turn.{}", outcome.status.as_str()),
        response_id: outcome.response_id.as_deref(),
        text: &outcome.text,
        reasoning: &outcome.reasoning,
        output: &outcome.output,
        usage: outcome.usage.as_deref(),
        error,
        incomplete_reason: outcome.incomplete_reason.as_deref(),
        upstream_requests: outcome.upstream_requests,
        path: outcome.path.as_str(),
        violations: violations.collect(),
        repairs: repairs.collect(),
        without: outcome.without.iter().map(|code| code.as_str()).collect(),
    })
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
