//! `--json`: one object a line (CONTRACT.md, streams of `run`; docs/run-events.schema.json).

use respair_client::{ErrorSource, Outcome, TurnEvent};
use serde_json::{Value, json};

/// The line of an event on the way; `None` for what has none.
pub(super) fn line(event: &TurnEvent) -> Option<String> {
    let value = match event {
        TurnEvent::Started {
            model,
            endpoint,
            provider,
            ..
        } => {
            json!({ "type": "turn.started", "model": model, "endpoint": endpoint, "provider": provider })
        }
        TurnEvent::Text(text) => json!({ "type": "text.delta", "text": text }),
        TurnEvent::Reasoning(text) => json!({ "type": "reasoning.delta", "text": text }),
        TurnEvent::ItemDone(item) => json!({ "type": "item.done", "item": item }),
        TurnEvent::Recovery {
            action,
            code,
            event,
            attempt,
            ..
        } => json!({
            "type": "recovery", "action": action.as_str(), "code": code, "event": event, "attempt": attempt
        }),
        _ => return None,
    };
    Some(value.to_string())
}

/// The last line.
pub(super) fn last_line(outcome: &Outcome) -> String {
    let error = outcome.error.as_ref().map(|error| {
        let source = match error.source {
            ErrorSource::Upstream => "upstream",
            _ => "local",
        };
        json!({ "code": error.code, "message": error.message, "source": source, "status": error.status })
    });
    let violations: Vec<Value> = outcome
        .violations
        .iter()
        .map(|v| json!({ "code": v.code.as_str(), "event": v.event, "message": v.message }))
        .collect();
    let repairs: Vec<Value> = outcome
        .repairs
        .iter()
        .map(|r| json!({ "code": r.code.as_str(), "count": r.count, "first_event": r.first_event }))
        .collect();
    json!({
        "type": format!("turn.{}", outcome.status.as_str()),
        "response_id": outcome.response_id,
        "text": outcome.text,
        "reasoning": outcome.reasoning,
        "output": outcome.output,
        "usage": outcome.usage,
        "error": error,
        "incomplete_reason": outcome.incomplete_reason,
        "upstream_requests": outcome.upstream_requests,
        "path": outcome.path.as_str(),
        "violations": violations,
        "repairs": repairs,
    })
    .to_string()
}
