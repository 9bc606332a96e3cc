//! A turn in words: notices on the way, the error, the closing line.

use respair_client::{
    ErrorSource, Outcome, Path, RecoveryAction, TurnError, TurnEvent, TurnStatus,
};
use serde::Deserialize;

use super::screen::Show;
use crate::term::one_line;

/// Codes that the closing line names one by one.
const NAMED: usize = 4;

/// What an event has to say besides the answer.
pub(crate) fn notice(event: &TurnEvent) -> Option<Show> {
    match event {
        TurnEvent::Notice(text) => Some(Show::Notice(one_line(text))),
        TurnEvent::Recovery {
            action,
            code,
            message,
            event,
            attempt,
            wait,
            ..
        } => {
            // A wait comes with a notice of the client's own.
            if wait.is_some() {
                return None;
            }
            let next = match action {
                RecoveryAction::Retry => format!("asking again (request {attempt})"),
                RecoveryAction::Fallback => format!("reading on tolerantly (request {attempt})"),
                RecoveryAction::Takeover => "reading on tolerantly".to_owned(),
                RecoveryAction::FieldDropped => {
                    format!("asking again without that field (request {attempt})")
                }
                // The closing line says it.
                _ => return None,
            };
            let place = match (code, event) {
                (Some(code), Some(event)) => format!(" ({code}, event {event})"),
                (Some(code), None) => format!(" ({code})"),
                (None, _) => String::new(),
            };
            let what = message
                .as_deref()
                .map(one_line)
                .unwrap_or_else(|| "the request failed".into());
            Some(Show::Notice(format!("{what}{place}; {next}")))
        }
        _ => None,
    }
}

/// The error of an outcome: what, where, what to do.
pub(crate) fn errors(outcome: &Outcome) -> Vec<Show> {
    let mut shows = Vec::new();
    if let Some(error) = &outcome.error {
        match (&error.code, error.event) {
            // A broken rule: its sentence stands alone on its line, verbatim, so that it can be searched for.
            (Some(code), Some(event)) => {
                shows.push(Show::Error(format!(
                    "the stream broke the protocol: {code}, at event {event}"
                )));
                shows.push(Show::Plain(one_line(&error.message)));
            }
            _ => shows.push(Show::Error(sentence(error))),
        }
        if let Some(hint) = &error.hint {
            shows.push(Show::Help(one_line(hint)));
        }
        let ids = [("request id", &error.request_id), ("cf-ray", &error.cf_ray)];
        for (name, id) in ids {
            if let Some(id) = id {
                shows.push(Show::Notice(format!("{name}: {}", one_line(id))));
            }
        }
    }
    if outcome.status == TurnStatus::Completed && outcome.empty_completion {
        shows.push(Show::Notice(
            "the upstream completed an empty answer".into(),
        ));
    }
    if outcome.text.is_empty() {
        let calls: Vec<String> = outcome
            .output
            .iter()
            .filter_map(|item| call(item.get()))
            .collect();
        if !calls.is_empty() {
            let names = calls.join(", ");
            shows.push(Show::Notice(format!(
                "the answer is a call of {names}; `run` has no tools, `--json` shows it"
            )));
        }
    }
    shows
}

/// The name of the tool that an item calls.
fn call(item: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Call {
        r#type: String,
        name: String,
    }
    let call: Call = serde_json::from_str(item).ok()?;
    matches!(call.r#type.as_str(), "function_call" | "custom_tool_call")
        .then(|| format!("`{}`", one_line(&call.name)))
}

fn sentence(error: &TurnError) -> String {
    let message = one_line(&error.message);
    let mut marks = Vec::new();
    if let Some(status) = error
        .status
        .filter(|status| !message.contains(&status.to_string()))
    {
        marks.push(format!("HTTP {status}"));
    }
    if let Some(code) = error
        .code
        .as_deref()
        .filter(|code| !message.contains(*code))
    {
        marks.push(one_line(code));
    }
    let marks = if marks.is_empty() {
        String::new()
    } else {
        format!(" ({})", marks.join(", "))
    };
    match error.source {
        ErrorSource::Upstream => format!("the upstream says: {message}{marks}"),
        _ => format!("{message}{marks}"),
    }
}

/// How the turn ended and what it cost, on one line.
pub(crate) fn closing_line(outcome: &Outcome) -> String {
    let mut parts = Vec::new();
    parts.push(match (&outcome.status, &outcome.incomplete_reason) {
        (TurnStatus::Incomplete, Some(reason)) => format!("incomplete: {}", one_line(reason)),
        (TurnStatus::Truncated, _) => {
            "truncated: what came is shown, the rest is missing".to_owned()
        }
        (status, _) => status.as_str().to_owned(),
    });
    parts.push(match outcome.upstream_requests {
        1 => "1 request".to_owned(),
        n => format!("{n} requests"),
    });
    parts.push(reading(outcome));
    if outcome.remembered {
        parts.push("remembered".to_owned());
    }
    match outcome.discarded_requests {
        0 => {}
        1 => parts.push("1 request discarded; `--recovery inline` avoids it".to_owned()),
        n => parts.push(format!(
            "{n} requests discarded; `--recovery inline` avoids it"
        )),
    }
    parts.extend(usage(outcome));
    parts.join(" · ")
}

fn reading(outcome: &Outcome) -> String {
    if outcome.path == Path::Strict {
        return "strict".to_owned();
    }
    let mut codes: Vec<&str> = Vec::new();
    for repair in &outcome.repairs {
        let code = repair.code.as_str();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    match codes.len() {
        0 => "tolerant, nothing to repair".to_owned(),
        n if n <= NAMED => format!("repaired: {}", codes.join(", ")),
        n => format!(
            "repaired: {} and {} more",
            codes[..NAMED].join(", "),
            n - NAMED
        ),
    }
}

#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

fn usage(outcome: &Outcome) -> Option<String> {
    let usage: Usage = serde_json::from_str(outcome.usage.as_ref()?.get()).ok()?;
    Some(format!(
        "{} tokens in, {} out",
        usage.input_tokens?, usage.output_tokens?
    ))
}
