//! Whether an endpoint did what a probe asked, and how the answer was carried.
//!
//! In: an [`Answer`]. Out: an [`Outcome`], one line for a person, and findings by the codes of core's rules. The stream's
//! own grammar is not judged here: that is core's, over [`Answer::body`].

use respair_core::{Code, Ending, ErrorSource, NoStreamKind, Response};
use serde_json::Value;

use super::ask::TOOL;
use super::{Answer, BodyEnd, Probe, carried, limit};
use crate::http_error::{is_readable, one_line, quoted};
use crate::redact::Redactor;
use crate::{Endpoint, TurnError};

/// How a probe came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The endpoint did what it was asked.
    Done,
    /// It did something else; a finding says what.
    NotDone,
    /// It does not do this, and may well not; or there was nothing to see.
    Unsupported,
    /// Nothing can be said: it was busy, refused the key, or could not be reached.
    Undecided,
}

/// Something that the stream itself does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub code: Code,
    /// What was found, in one line.
    pub message: String,
}

impl Finding {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// What is said of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// How it came out.
    pub outcome: Outcome,
    /// Why, in a few words.
    pub says: String,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Whether no further probe can tell more: the endpoint is not there, or lets nobody in.
    pub is_final: bool,
}

impl Judgement {
    pub(super) fn new(outcome: Outcome, says: impl Into<String>) -> Self {
        Self {
            outcome,
            says: says.into(),
            findings: Vec::new(),
            is_final: false,
        }
    }

    pub(super) fn found(code: Code, says: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Outcome::NotDone, says).with(Finding::new(code, message))
    }

    fn with(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }

    fn last(self) -> Self {
        Self {
            is_final: true,
            ..self
        }
    }
}

/// Judges one answer of `endpoint`. `model` is the one that was asked for.
#[must_use]
pub fn judge(answer: &Answer, endpoint: &Endpoint, model: &str) -> Judgement {
    let redactor = Redactor::of(endpoint);
    let mut judgement = match &answer.head {
        None => unanswered(answer),
        Some(head) if answer.end == BodyEnd::Interrupted => Judgement::new(
            Outcome::Undecided,
            format!("interrupted behind HTTP {}", head.status),
        ),
        Some(head) if !head.is_success() => refused(answer, head.status),
        Some(_) => match answer.probe {
            Probe::Models => listed(answer, model),
            Probe::NotStreamed => object(answer),
            Probe::WrongModel | Probe::WrongKey => answered_all_the_same(answer, endpoint),
            _ => streamed(answer),
        },
    };
    judgement.findings.extend(carried::findings(answer));
    judgement.says = redactor.text(&one_line(&judgement.says));
    for finding in &mut judgement.findings {
        finding.message = redactor.text(&one_line(&finding.message));
    }
    judgement
}

/// The models that the answer to [`Probe::Models`] lists, in its order.
#[must_use]
pub fn models(answer: &Answer) -> Option<Vec<String>> {
    let list: Value = serde_json::from_slice(&answer.body).ok()?;
    let entries = list
        .get("data")
        .or_else(|| list.get("models"))
        .unwrap_or(&list);
    let name = |entry: &Value| {
        let id = entry
            .get("id")
            .or_else(|| entry.get("slug"))
            .unwrap_or(entry);
        id.as_str().map(str::to_owned)
    };
    Some(entries.as_array()?.iter().filter_map(name).collect())
}

/// No head came.
fn unanswered(answer: &Answer) -> Judgement {
    if answer.end == BodyEnd::Interrupted {
        return Judgement::new(Outcome::Undecided, "interrupted");
    }
    let Some(error) = &answer.error else {
        return Judgement::new(Outcome::Undecided, "no answer");
    };
    let is_first = answer.probe == Probe::Text;
    // Asked, and not answered; anything else is no endpoint that could be judged.
    let judgement = match error.code.as_deref() {
        Some("empty_stream") => {
            let message = format!("No answer: {}", error.message);
            Judgement::found(Code::NO_ANSWER, "no answer", message)
        }
        _ => Judgement::new(Outcome::Undecided, &error.message).last(),
    };
    if is_first {
        judgement.last()
    } else {
        judgement
    }
}

/// An answer that is no success.
fn refused(answer: &Answer, status: u16) -> Judgement {
    let said = answer.error.as_ref().map(said).unwrap_or_default();
    let readable = is_readable(&answer.body);
    let unreadable = || {
        let begins = match said.is_empty() {
            true => "is empty".to_owned(),
            false => format!("is no JSON error: {said}"),
        };
        Finding::new(
            Code::ERROR_BODY_UNREADABLE,
            format!("The body of HTTP {status} {begins}"),
        )
    };
    let says = match said.is_empty() {
        true => format!("HTTP {status}"),
        false => format!("HTTP {status}: {said}"),
    };
    let refusal = match said.is_empty() {
        true => "refused, without a word".to_owned(),
        false => format!("refused: {said}"),
    };
    if answer.probe.is_wrong() && matches!(status, 400..=499) && !matches!(status, 408 | 425 | 429)
    {
        return match answer.probe {
            // Not the key's matter, by its status.
            Probe::WrongKey if matches!(status, 404 | 405 | 422) => {
                Judgement::new(Outcome::Unsupported, format!("not about the key: {says}"))
            }
            _ if readable => Judgement::new(Outcome::Done, refusal),
            _ => Judgement::new(Outcome::NotDone, says).with(unreadable()),
        };
    }
    match (answer.probe, status) {
        (Probe::Text, _) => Judgement::new(Outcome::Undecided, says).last(),
        (Probe::Models, 404 | 405 | 501) => Judgement::new(
            Outcome::Unsupported,
            format!("HTTP {status}: there is no list"),
        ),
        // For information only, whatever comes.
        (Probe::Models, _) => Judgement::new(Outcome::Unsupported, says),
        (Probe::WrongModel | Probe::WrongKey, _) => Judgement::new(Outcome::Undecided, says),
        // It answered the text: this is about the feature.
        (_, 400 | 404 | 405 | 413 | 415 | 422 | 501) => {
            Judgement::new(Outcome::Unsupported, refusal)
        }
        _ => Judgement::new(Outcome::Undecided, says),
    }
}

/// A success where a stream was asked for.
fn streamed(answer: &Answer) -> Judgement {
    if let Some(refusal) = in_band(answer) {
        return refusal;
    }
    let Some(response) = answer.response.as_ref().filter(|_| answer.ending.is_some()) else {
        return Judgement::new(Outcome::Undecided, "nothing that can be read");
    };
    match answer.ending.as_ref() {
        Some(Ending::Completed { .. } | Ending::Incomplete { .. }) => {}
        Some(Ending::NoStream(_)) => return Judgement::new(Outcome::Undecided, "no event stream"),
        Some(Ending::Failed(error)) => {
            return Judgement::new(Outcome::Undecided, format!("failed: {}", error.message));
        }
        // The stream's own finding.
        Some(Ending::Empty { .. }) => {
            return Judgement::new(Outcome::Undecided, "an empty stream");
        }
        _ => return Judgement::new(Outcome::Undecided, "cut short"),
    }
    match answer.probe {
        Probe::ToolCall => forced_call(response),
        Probe::ParallelCalls => parallel_calls(response),
        Probe::OutputLimit => limit::judge(answer, response),
        Probe::Reasoning if response.reasoning.is_empty() && !has_reasoning(response) => {
            Judgement::new(Outcome::Unsupported, "answered without reasoning")
        }
        _ if response.text.is_empty() => Judgement::found(
            Code::EMPTY_ANSWER,
            "no text",
            "The response is completed and holds no text, though one was asked for",
        ),
        Probe::Reasoning => Judgement::new(Outcome::Done, "reasoning and an answer"),
        _ => Judgement::new(Outcome::Done, characters(response)),
    }
}

/// An error behind HTTP 200 and before any output.
fn in_band(answer: &Answer) -> Option<Judgement> {
    let (error, how) = match answer.ending.as_ref()? {
        Ending::Failed(error) if error.source == ErrorSource::Upstream => {
            (error, "an error in the stream")
        }
        Ending::NoStream(found) => (found.error.as_ref()?, "a JSON error"),
        _ => return None,
    };
    let delivered = answer.timing.first_text.is_some()
        || answer
            .response
            .as_ref()
            .is_some_and(|response| !response.output.is_empty());
    if delivered {
        return None;
    }
    let status = answer.head.as_ref().map_or(200, |head| head.status);
    let message = format!("HTTP {status}, and then {how}: {error}");
    let outcome = match answer.probe {
        Probe::WrongModel | Probe::WrongKey => Outcome::NotDone,
        // It may be busy, or not have the feature; what it does not do is say so in time.
        Probe::Text => Outcome::Undecided,
        _ => Outcome::Unsupported,
    };
    let judgement = Judgement::new(outcome, format!("refused in the stream: {}", error.message));
    Some(judgement.with(Finding::new(Code::IN_BAND_ERROR, message)))
}

fn characters(response: &Response) -> String {
    match response.text.chars().count() {
        1 => "1 character".to_owned(),
        n => format!("{n} characters"),
    }
}

/// The output items of one type.
fn items(response: &Response, kind: &str) -> Vec<Value> {
    response
        .output
        .iter()
        .filter_map(|item| serde_json::from_str::<Value>(item.get()).ok())
        .filter(|item| item["type"] == kind)
        .collect()
}

fn has_reasoning(response: &Response) -> bool {
    !items(response, "reasoning").is_empty()
}

fn forced_call(response: &Response) -> Judgement {
    let calls = items(response, "function_call");
    let Some(call) = calls.iter().find(|call| call["name"] == TOOL) else {
        let instead = match calls.first().and_then(|call| call["name"].as_str()) {
            Some(name) => format!("a call of `{}`", quoted(name, &Redactor::default())),
            None if response.text.is_empty() => "nothing".to_owned(),
            None => "text".to_owned(),
        };
        return Judgement::found(
            Code::TOOL_CHOICE_IGNORED,
            format!("{instead} in place of the call"),
            format!("`tool_choice` names `{TOOL}`, and the answer is {instead}"),
        );
    };
    let arguments = call["arguments"].as_str().unwrap_or_default();
    match serde_json::from_str::<Value>(arguments) {
        Ok(Value::Object(_)) => Judgement::new(Outcome::Done, format!("called {TOOL}")),
        // The stream's own finding, where it is one.
        _ => Judgement::new(
            Outcome::Done,
            format!("called {TOOL}, but its arguments are no JSON object"),
        ),
    }
}

fn parallel_calls(response: &Response) -> Judgement {
    let calls = items(response, "function_call");
    match calls.len() {
        0 => Judgement::new(Outcome::Unsupported, "no call was made"),
        1 => Judgement::new(Outcome::Unsupported, "one call, not two"),
        n => Judgement::new(Outcome::Done, format!("{n} calls")),
    }
}

/// A success where one JSON object was asked for.
fn object(answer: &Answer) -> Judgement {
    if let Some(refusal) = in_band(answer) {
        return refusal;
    }
    if answer.is_stream() {
        return Judgement::found(
            Code::SSE_INSTEAD_OF_JSON,
            "an event stream",
            "An event stream came, though `stream: false` was asked for",
        );
    }
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let is_response = body["object"] == "response" && body["output"].is_array();
    if is_response {
        return Judgement::new(Outcome::Done, "one response object");
    }
    let what = match &answer.ending {
        Some(Ending::NoStream(found)) if found.kind == NoStreamKind::Html => "a page of HTML",
        _ if body.is_object() => {
            "a JSON object without `object: \"response\"` and an `output` list"
        }
        _ if answer.body.is_empty() => "an empty body",
        _ => "something that is no JSON object",
    };
    Judgement::found(
        Code::RESPONSE_NOT_JSON,
        what,
        format!("`stream: false` is answered with {what}"),
    )
}

/// A success where an HTTP error was asked for.
fn answered_all_the_same(answer: &Answer, endpoint: &Endpoint) -> Judgement {
    if let Some(refusal) = in_band(answer) {
        return refusal;
    }
    if !matches!(
        answer.ending,
        Some(Ending::Completed { .. } | Ending::Incomplete { .. })
    ) {
        return Judgement::new(Outcome::Undecided, "neither refused nor answered");
    }
    let says = match (answer.probe, &endpoint.api_key) {
        (Probe::WrongModel, _) => "answered: any model's name will do",
        (_, Some(_)) => "answered: any key will do, yours is not looked at",
        (_, None) => "answered: no key is needed",
    };
    Judgement::new(Outcome::Unsupported, says)
}

/// A success where the list of models was asked for.
fn listed(answer: &Answer, model: &str) -> Judgement {
    let Some(models) = models(answer) else {
        return Judgement::new(Outcome::Unsupported, "no JSON list of models");
    };
    let count = match models.len() {
        1 => "1 model".to_owned(),
        n => format!("{n} models"),
    };
    let missing = !model.is_empty() && !models.iter().any(|listed| listed == model);
    Judgement::new(
        Outcome::Done,
        match missing {
            // What matters first: a table has room for its beginning.
            true => format!("{model} is not among {count}"),
            false => count,
        },
    )
}

/// What an error says, without what we would add to it.
fn said(error: &TurnError) -> String {
    let plain = error
        .message
        .split_once(": ")
        .filter(|(status, _)| status.starts_with("HTTP "));
    match plain {
        Some((_, rest)) => rest.to_owned(),
        None if error.message.starts_with("HTTP ") => String::new(),
        None => error.message.clone(),
    }
}
