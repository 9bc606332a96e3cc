//! A turn in words: notices on the way, the error, the closing line.

use std::time::Duration;

use respair_client::{
    ErrorSource, Outcome, Path, RecoveryAction, TurnError, TurnEvent, TurnStatus,
};
use serde::Deserialize;

use super::screen::Show;
use crate::term::one_line;

/// How a turn ended whose end is missing.
pub(crate) const CUT: &str = "truncated: what came is shown, the rest is missing";
/// Codes that the closing line names one by one.
const NAMED: usize = 4;

/// The notices of a turn. What went wrong twice in a row is told in full once.
#[derive(Default)]
pub(crate) struct Notices {
    /// What the last one said had gone wrong.
    last: Option<String>,
    /// The request that the last one led to; none yet is the first.
    request: Option<u32>,
}

impl Notices {
    /// What an event has to say besides the answer.
    pub(crate) fn of(&mut self, event: &TurnEvent) -> Option<Show> {
        match event {
            // Another response of a conversation: its requests are counted anew.
            TurnEvent::Started { .. } => {
                self.request = None;
                None
            }
            TurnEvent::Notice(text) => Some(Show::Notice(one_line(text))),
            TurnEvent::Recovery {
                action,
                code,
                message,
                status,
                event,
                attempt,
                max_requests,
                wait,
                ..
            } => {
                let asks_again = *attempt > self.request.replace(*attempt).unwrap_or(1);
                let message = message.as_deref().map(one_line).unwrap_or_default();
                let next = match (action, wait) {
                    (RecoveryAction::Retry, Some(wait)) => format!(
                        "asking again in {} (request {attempt} of at most {max_requests})",
                        spelt(*wait)
                    ),
                    (RecoveryAction::Retry, None) => format!("asking again (request {attempt})"),
                    (RecoveryAction::Fallback, _) if asks_again => {
                        format!("asking again, to read tolerantly (request {attempt})")
                    }
                    (RecoveryAction::Fallback, _) => {
                        format!("reading on tolerantly (request {attempt})")
                    }
                    (RecoveryAction::Takeover, _) => {
                        let at =
                            event.map_or_else(String::new, |event| format!(" at event {event}"));
                        let code = code.as_deref().unwrap_or("violation");
                        return Some(Show::Notice(format!(
                            "the strict reading stopped{at} ({code}), reading on tolerantly from there: {message}"
                        )));
                    }
                    (RecoveryAction::FieldDropped, _) => {
                        let field = code.as_deref().map(one_line).unwrap_or_default();
                        return Some(Show::Notice(format!(
                            "{}; asking again without `{field}`, here and later (request {attempt})",
                            marked(&message, *status, None)
                        )));
                    }
                    // The closing line says it.
                    _ => return None,
                };
                let what = match (code, event) {
                    (Some(code), Some(event)) => format!("{message} ({code}, event {event})"),
                    (code, _) => marked(&message, *status, code.as_deref()),
                };
                let again = self.last.as_ref() == Some(&what);
                let shown = if again { "the same again" } else { &what };
                let notice = Show::Notice(format!("{shown}; {next}"));
                self.last = Some(what);
                Some(notice)
            }
            _ => None,
        }
    }
}

/// `450 ms`, `1.7 s`, `30 s`.
fn spelt(wait: Duration) -> String {
    match wait.as_millis() {
        ms @ 0..1000 => format!("{ms} ms"),
        ms if ms < 10_000 && !ms.is_multiple_of(1000) => format!("{:.1} s", wait.as_secs_f64()),
        _ => format!("{} s", wait.as_secs_f64().round()),
    }
}

/// A message with its status and code behind it, unless it holds them; its full stop would stand in the middle then.
fn marked(message: &str, status: Option<u16>, code: Option<&str>) -> String {
    let status = status.map(|status| status.to_string());
    let status = status.filter(|status| !message.contains(status));
    let code = code.map(one_line).filter(|code| !message.contains(code));
    let marks: Vec<String> = status
        .map(|status| format!("HTTP {status}"))
        .into_iter()
        .chain(code)
        .collect();
    let clause = match message.strip_suffix('.') {
        Some(clause) if !clause.ends_with('.') => clause,
        _ => message,
    };
    match marks.is_empty() {
        true => clause.to_owned(),
        false => format!("{clause} ({})", marks.join(", ")),
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
                "the answer is a call of {names}; `--tools` runs such calls, `--json` shows it"
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
    let said = marked(
        &one_line(&error.message),
        error.status,
        error.code.as_deref(),
    );
    match error.source {
        ErrorSource::Upstream => format!("the upstream says: {said}"),
        _ => said,
    }
}

/// How the turn ended and what it cost, on one line.
pub(crate) fn closing_line(outcome: &Outcome) -> String {
    let mut parts = Vec::new();
    parts.push(match (&outcome.status, &outcome.incomplete_reason) {
        (TurnStatus::Incomplete, Some(reason)) => format!("incomplete: {}", one_line(reason)),
        (TurnStatus::Truncated, _) => CUT.to_owned(),
        (status, _) => status.as_str().to_owned(),
    });
    parts.push(match outcome.upstream_requests {
        1 => "1 request".to_owned(),
        n => format!("{n} requests"),
    });
    if outcome.stream_read {
        parts.push(reading(outcome));
        if outcome.remembered {
            parts.push("remembered".to_owned());
        }
    }
    if !outcome.without.is_empty() {
        let off = outcome.without.iter().map(|code| code.as_str()).collect();
        parts.push(format!("not guaranteed: {}", some(off)));
    }
    parts.extend(discarded(outcome.discarded_requests));
    parts.extend(usage(outcome));
    parts.join(" · ")
}

/// Requests that may have been paid for, and gave nothing.
pub(crate) fn discarded(requests: u32) -> Option<String> {
    let counted = match requests {
        0 => return None,
        1 => "1 request".to_owned(),
        n => format!("{n} requests"),
    };
    Some(format!(
        "{counted} discarded; `--recovery inline` avoids it"
    ))
}

/// How the last stream of a turn was read, where there was one.
pub(crate) fn reading_of(outcome: &Outcome) -> Option<String> {
    let remembered = if outcome.remembered {
        " · remembered"
    } else {
        ""
    };
    outcome.stream_read.then(|| reading(outcome) + remembered)
}

fn reading(outcome: &Outcome) -> String {
    if outcome.path == Path::Strict {
        return "strict".to_owned();
    }
    // That the end is missing is how such a turn ended; nothing was put in its place.
    let endless = matches!(
        outcome.status,
        TurnStatus::Truncated | TurnStatus::Interrupted
    );
    let mut codes: Vec<&str> = Vec::new();
    for repair in &outcome.repairs {
        let code = repair.code.as_str();
        let told = endless && code == "terminal-missing";
        if !told && !codes.contains(&code) {
            codes.push(code);
        }
    }
    match codes.is_empty() {
        true if endless => "tolerant".to_owned(),
        true => "tolerant, nothing to repair".to_owned(),
        false => format!("repaired: {}", some(codes)),
    }
}

/// The first few of these.
fn some(names: Vec<&str>) -> String {
    match names.len() {
        n if n <= NAMED => names.join(", "),
        n => format!("{} and {} more", names[..NAMED].join(", "), n - NAMED),
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
