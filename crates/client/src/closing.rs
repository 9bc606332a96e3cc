//! The end of a turn: what it is called, what went wrong in words, and what is remembered of it.

use std::time::Duration;

use futures_util::FutureExt as _;
use respair_core::{
    Code, EndOfBody, Ending, ErrorSource, NoStream, NoStreamKind, ResponseError, RetryVerdict,
    Severity, Violation, rules,
};

use crate::body::Body;
use crate::drive::Driver;
use crate::http_error::{one_line, quoted};
use crate::memory::{MemoryEntry, MemoryProblem};
use crate::reading::Reading;
use crate::recovery::{RecoveryMode, Stop};
use crate::redact::Redactor;
use crate::retry::spell;
use crate::stream::Why;
use crate::trace::TraceBody;
use crate::{Outcome, Path, ProviderKind, TurnError, TurnStatus};

/// What is wrong with an ending; `None` for what is no error.
pub(crate) fn error(turn: &Driver<'_>, ending: &Ending, why: Option<&Why>) -> Option<TurnError> {
    let mut error = match ending {
        Ending::Completed { .. } | Ending::Incomplete { .. } => return None,
        Ending::Failed(error) => from_upstream(error),
        Ending::Truncated { cause } => {
            let message = match why {
                Some(Why::Broke(broke)) => format!("{broke} in the middle of the answer"),
                Some(Why::Said(why)) => format!("the response broke off before its end: {why}"),
                None => format!("the response broke off before its end: {cause}"),
            };
            TurnError::local("upstream_truncated", message, RetryVerdict::Never)
        }
        Ending::Empty { cause } => {
            let message = match why {
                Some(Why::Broke(broke)) => format!("{broke} before any content came"),
                Some(Why::Said(why)) => why.clone(),
                None => format!("{cause} before any content came"),
            };
            TurnError::local("empty_stream", message, RetryVerdict::Retry)
        }
        Ending::NoStream(found) => no_stream(found, &turn.shared.redactor),
        _ => TurnError::local(
            "unknown_ending",
            "the stream ended in a way that is not known here",
            RetryVerdict::Never,
        ),
    };
    let redactor = &turn.shared.redactor;
    error.message = redactor.text(&one_line(&error.message));
    error.code = redactor.option(error.code);
    error.request_id = turn.request_id.clone();
    error.cf_ray = turn.cf_ray.clone();
    Some(error)
}

/// An error in a stream, as the turn's.
pub fn from_upstream(error: &ResponseError) -> TurnError {
    let code = error.code.clone().or_else(|| error.kind.clone());
    let mut turn = TurnError::new(code, error.message.clone(), error.source, error.verdict());
    turn.retry_after = error.retry_after;
    if error.source == ErrorSource::Local {
        // What we found wrong is wrong again the next time: contradictions, limits.
        turn.retry = RetryVerdict::Never;
    }
    turn
}

/// A body that is no stream, by what it is (DEVIATIONS 5.11, 6.8).
pub fn no_stream(found: &NoStream, redactor: &Redactor) -> TurnError {
    if let Some(error) = &found.error {
        return from_upstream(error);
    }
    let excerpt = quoted(&found.excerpt, redactor);
    let (message, hint) = match found.kind {
        NoStreamKind::JsonResponse => (
            "the upstream answered with one whole JSON response although a stream was asked for"
                .to_owned(),
            "the relay ignores `stream: true`",
        ),
        NoStreamKind::ChatCompletions => (
            "the upstream answered with Chat Completions chunks instead of Responses events"
                .to_owned(),
            "the relay serves the Chat Completions API under this URL: ask its operator for the Responses API",
        ),
        NoStreamKind::Html => (
            format!("the upstream answered with an HTML page: {excerpt}"),
            "a login page, a firewall or the wrong `base_url` stands where the API should be",
        ),
        NoStreamKind::Json | NoStreamKind::JsonError => (
            format!("the upstream answered with JSON that is no event stream: {excerpt}"),
            "is `base_url` that of a Responses API?",
        ),
        _ => (
            format!("the upstream answered with text that is no event stream: {excerpt}"),
            "is `base_url` that of a Responses API?",
        ),
    };
    TurnError::local(found.kind.code().to_string(), message, RetryVerdict::Never).with_hint(hint)
}

/// What is said of rules that are switched off; `None` when none is. One is told with what it demands.
pub(crate) fn switched_off(codes: &[Code]) -> Option<String> {
    let named: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let demands = match codes {
        [] => return None,
        [code] => rules().iter().find(|rule| rule.code == *code),
        _ => None,
    };
    let demands = demands.map_or_else(String::new, |rule| format!(": {}", rule.demands));
    Some(format!(
        "switched off by `recovery.without`, and no longer guaranteed: {}{demands}",
        named.join(", ")
    ))
}

/// The error with the reason why it is final, where that is not its own.
pub(crate) fn explained(turn: &Driver<'_>, mut error: TurnError, stop: Stop) -> TurnError {
    let hint = match stop {
        Stop::Final => return error,
        Stop::Delivered => {
            "not asked again, since part of the answer was delivered already".to_owned()
        }
        Stop::Budget => match turn.at.requests {
            1 => return error,
            made => {
                format!("{made} requests were made, no more are allowed (`recovery.max_requests`)")
            }
        },
        Stop::TooLong(wait) => {
            format!(
                "the upstream asks to wait {}, longer than the {} that are waited",
                spell(wait),
                spell(turn.policy.longest_wait)
            )
        }
    };
    error.hint = Some(match error.hint {
        Some(before) if before.ends_with('?') => format!("{before} {hint}"),
        Some(before) => format!("{before}; {hint}"),
        None => hint,
    });
    error
}

/// The turn ended without a stream.
pub(crate) fn failed(turn: &Driver<'_>, error: TurnError, stop: Stop) -> Outcome {
    let error = explained(turn, error, stop);
    let ending = Ending::Empty {
        cause: EndOfBody::Eof,
    };
    outcome(turn, TurnStatus::Failed, None, &ending, Some(error))
}

/// The strict reading refused an event, and that is the result.
pub(crate) fn refused(turn: &Driver<'_>, reading: Reading, violation: &Violation) -> Outcome {
    let message = turn.shared.redactor.text(&violation.message);
    let hint = match turn.shared.endpoint.kind {
        ProviderKind::Native => format!(
            "`{}` is read strictly; a relay of your own is read tolerantly as `provider: custom`",
            turn.shared.endpoint.provider
        ),
        ProviderKind::Custom => "`recovery.mode: retry_then_fallback` reads on".to_owned(),
    };
    let ending = Ending::Failed(ResponseError::local(
        violation.code.as_str(),
        message.clone(),
    ));
    let mut error =
        TurnError::local(violation.code.as_str(), message, RetryVerdict::Never).with_hint(hint);
    error.event = Some(violation.event);
    error.request_id = turn.request_id.clone();
    error.cf_ray = turn.cf_ray.clone();
    let mut outcome = outcome(
        turn,
        TurnStatus::Failed,
        Some(reading),
        &ending,
        Some(error),
    );
    // That event was read, also when it was the first.
    outcome.stream_read = true;
    add_violation(&mut outcome.violations, violation);
    outcome
}

/// The consumer cancelled. What broke the protocol before that is known all the same.
pub(crate) async fn interrupted(turn: &mut Driver<'_>, reading: Option<Reading>) -> Outcome {
    if !turn.remembered {
        remember(turn, false).await;
    }
    let ending = Ending::Truncated {
        cause: EndOfBody::Interrupted,
    };
    outcome(turn, TurnStatus::Interrupted, reading, &ending, None)
}

/// The stream ended.
pub(crate) async fn ended(
    turn: &mut Driver<'_>,
    reading: Reading,
    ending: &Ending,
    error: Option<TurnError>,
) -> Outcome {
    let status = match ending {
        Ending::Completed { .. } => TurnStatus::Completed,
        Ending::Incomplete { .. } => TurnStatus::Incomplete,
        Ending::Truncated { .. } => TurnStatus::Truncated,
        _ => TurnStatus::Failed,
    };
    if !matches!(ending, Ending::Empty { .. } | Ending::NoStream(_)) {
        let clean = reading.reader.strict_clean()
            && matches!(status, TurnStatus::Completed | TurnStatus::Incomplete);
        remember(turn, clean).await;
    }
    outcome(turn, status, Some(reading), ending, error)
}

fn outcome(
    turn: &Driver<'_>,
    status: TurnStatus,
    reading: Option<Reading>,
    ending: &Ending,
    error: Option<TurnError>,
) -> Outcome {
    let mut outcome = Outcome {
        status,
        response_id: None,
        upstream_response_id: None,
        model: None,
        text: String::new(),
        commentary: String::new(),
        reasoning: String::new(),
        output: Vec::new(),
        usage: None,
        error,
        incomplete_reason: None,
        empty_completion: false,
        upstream_requests: turn.at.requests.saturating_sub(turn.before),
        discarded_requests: turn.discarded,
        path: if turn.is_tolerant() {
            Path::Tolerant
        } else {
            Path::Strict
        },
        remembered: turn.remembered,
        stream_read: false,
        without: turn.shared.endpoint.rules_off().to_vec(),
        violations: turn.refused.clone(),
        repairs: Vec::new(),
    };
    match ending {
        Ending::Completed { empty } => outcome.empty_completion = *empty,
        Ending::Incomplete { reason } => outcome.incomplete_reason.clone_from(reason),
        _ => {}
    }
    if let Some(reading) = reading {
        let (response, reader) = reading.response(ending);
        outcome.stream_read = reader.events_in() > 0 && !matches!(ending, Ending::NoStream(_));
        outcome.response_id = reader.response_id().map(str::to_owned).or(response.id);
        outcome.upstream_response_id = reader.upstream_response_id().map(str::to_owned);
        outcome.model = response.model;
        outcome.text = response.answer;
        outcome.commentary = response.commentary;
        outcome.reasoning = response.reasoning;
        outcome.output = response.output;
        outcome.usage = response.usage;
        if response.overflowed && matches!(status, TurnStatus::Completed | TurnStatus::Incomplete) {
            // What was delivered is whole, what is kept is not: no caller may take it for the answer.
            outcome.status = TurnStatus::Failed;
            outcome.error = Some(overflow(turn.shared.endpoint.limits.response));
        }
        outcome.repairs = reader.repairs().to_vec();
        for violation in reader
            .violations()
            .iter()
            .filter(|violation| violation.severity == Severity::Violation)
        {
            add_violation(&mut outcome.violations, violation);
        }
    }
    redact(turn, &mut outcome);
    outcome
}

/// Takes the secrets out of what the upstream says about the answer. The answer is the caller's own.
fn redact(turn: &Driver<'_>, outcome: &mut Outcome) {
    let redactor = &turn.shared.redactor;
    for violation in &mut outcome.violations {
        violation.message = redactor.text(&violation.message);
    }
    for text in [
        &mut outcome.response_id,
        &mut outcome.upstream_response_id,
        &mut outcome.incomplete_reason,
    ] {
        *text = redactor.option(text.take());
    }
    // The model that was asked for is no secret, also where a header or the address names it.
    if outcome.model.as_ref() != Some(&turn.model) {
        outcome.model = redactor.option(outcome.model.take());
    }
}

fn overflow(limit: usize) -> TurnError {
    let size = respair_core::size(limit as u64);
    let message = format!("the response is larger than `limits.response` ({size})");
    TurnError::local("response_too_large", message, RetryVerdict::Never)
        .with_hint("what came was delivered as it came; raise `limits.response` to keep all of it")
}

fn add_violation(violations: &mut Vec<Violation>, violation: &Violation) {
    let known = |other: &Violation| other.code == violation.code && other.event == violation.event;
    if !violations.iter().any(known) {
        violations.push(violation.clone());
    }
}

/// What an earlier turn learnt about this endpoint and model.
pub(crate) async fn recall(turn: &mut Driver<'_>) -> Option<MemoryEntry> {
    let memory = turn.shared.options.memory.as_ref()?;
    match memory.lookup(&turn.shared.url, &turn.model, turn.shared.clock.unix()) {
        Ok(entry) => entry,
        Err(problem) => {
            complain(turn, &problem).await;
            None
        }
    }
}

/// Notes what this turn learnt. The files are small and local, so they are written in place.
async fn remember(turn: &mut Driver<'_>, clean: bool) {
    let Some(memory) = turn.shared.options.memory.clone() else {
        return;
    };
    let (url, model, now) = (
        turn.shared.url.clone(),
        turn.model.clone(),
        turn.shared.clock.unix(),
    );
    if !turn.dropped.is_empty()
        && let Err(problem) = memory.refuses(&url, &model, &turn.dropped, now)
    {
        return complain(turn, &problem).await;
    }
    if turn.policy.mode != RecoveryMode::RetryThenFallback {
        return;
    }
    let noted = match (turn.remembered, clean) {
        (true, true) => memory.note_clean(&url, &model, now),
        (true, false) => memory.learn(&url, &model, &[], now).map(|()| false),
        // A strict retry that helped has taught nothing.
        (false, _) if !turn.is_tolerant() || turn.learnt.is_empty() => return,
        (false, _) => memory
            .learn(&url, &model, &turn.learnt, now)
            .map(|()| false),
    };
    match noted {
        Ok(false) => {}
        Ok(true) => {
            turn.notice("the endpoint kept to the protocol three times in a row: the next turn reads strictly again").await;
        }
        Err(problem) => complain(turn, &problem).await,
    }
}

async fn complain(turn: &mut Driver<'_>, problem: &MemoryProblem) {
    tracing::debug!(%problem, "endpoint memory");
    if turn
        .shared
        .options
        .memory
        .as_ref()
        .is_some_and(|memory| memory.complain())
    {
        turn.notice(&problem.to_string()).await;
    }
}

/// What may follow a terminal event is `[DONE]` and comments. A peer that sends more than this has lost the thread, and its
/// connection is not worth keeping.
const DRAIN_BYTES: usize = 64 * 1024;

/// Reads what follows the terminal event for at most `limit`, in the background, so that the connection can be used again.
pub fn drain_rest(body: Body, limit: Duration) {
    drain(body, None, limit);
}

/// Reads what follows the terminal event for at most `limit`, so that the connection can be used again and the trace holds
/// the stream's last bytes. The turn does not wait for it, and what goes wrong here is nobody's concern (DEVIATIONS 4.10).
pub(crate) fn drain(mut body: Body, mut trace: Option<TraceBody>, limit: Duration) {
    let rest = async move {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(chunk)) = body.next().await {
            if let Some(trace) = &mut trace {
                let _ = trace.push(&chunk);
            }
            left = match left.checked_sub(chunk.len()) {
                Some(left) => left,
                None => return,
            };
        }
    };
    let mut rest = Box::pin(rest);
    if rest.as_mut().now_or_never().is_none() && !limit.is_zero() {
        tokio::spawn(tokio::time::timeout(limit, rest));
    }
}
