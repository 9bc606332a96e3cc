//! A summary in the place of what was said, so that the conversation fits again.

mod boundary;
mod shorten;

use respair_client::{Outcome, TurnStatus};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use boundary::Why;
use boundary::boundary;
use shorten::{FIRST, Measure, SECOND, shorten};
pub(crate) use shorten::{is_long, output};

use crate::call::calls;
use crate::entry::{Body, Compacted, Entry};
use crate::fallback::{Trouble, trouble};
use crate::turn::{End, Turn};
use crate::{AgentEvent, Answer, AnswerStatus, Conversation, Totals, replay};

/// What the model is asked.
const ASK: &str = "Summarise the conversation above for yourself, so that you can go on with it without having it. \
Keep what was asked and decided, facts and figures, names of files with what was changed in them, what is still open, \
and the user's wishes. Leave out what was tried and given up, unless it must not be tried again. Answer with the summary \
alone.";

/// `/compact`.
pub(crate) async fn run(
    conversation: &mut Conversation,
    events: mpsc::Sender<AgentEvent>,
    cancel: CancellationToken,
) {
    let mut turn = Turn::new(conversation, events, cancel);
    let done = compact(&mut turn, Why::Asked).await;
    let end = match done {
        Ok(()) => End::of(AnswerStatus::Completed),
        Err(message) if turn.cancel.is_cancelled() => End {
            message: Some(message),
            ..End::of(AnswerStatus::Interrupted)
        },
        Err(message) => End {
            message: Some(message),
            ..End::failed(None)
        },
    };
    turn.conversation.count(&turn.totals);
    let answer = Answer {
        status: end.status,
        text: String::new(),
        error: None,
        message: end.message,
        steps: 0,
        totals: turn.totals,
        items: Vec::new(),
        last: turn.last.take(),
    };
    turn.tell(AgentEvent::Finished(Box::new(answer))).await;
}

/// Asks for a summary of everything but the last exchanges, and makes an entry of it.
///
/// # Errors
/// Why it was not done, in a sentence.
pub(crate) async fn compact(turn: &mut Turn<'_>, why: Why) -> Result<(), String> {
    let live = turn.conversation.live();
    let until = boundary(&live, turn.limits.kept_exchanges, why)
        .ok_or("there is nothing to compact yet: only the last exchange is there")?;
    let before = turn.totals;
    let summary = summary(turn, until).await?;
    let took = match why {
        // It is a turn's that counts it.
        Why::TooLong => Totals::default(),
        Why::Asked => turn.totals.since(&before),
    };
    let entries = summed_up(turn.conversation.live(), until)
        .filter(|entry| !matches!(entry.body, Body::ReasoningDropped))
        .count();
    let body = Body::Compacted(Compacted {
        until,
        summary: summary.clone(),
        requests: took.requests,
        input_tokens: took.input_tokens,
        output_tokens: took.output_tokens,
    });
    let kept = turn.conversation.append(body).await;
    turn.kept(kept).await;
    turn.tell(AgentEvent::Compacted { entries, summary }).await;
    Ok(())
}

/// What a summary stands for: a summary of before is summed up too, wherever its entry stands, and what is known of the
/// reasoning holds wherever that was learnt.
fn summed_up(live: Vec<&Entry>, until: u64) -> impl Iterator<Item = &Entry> {
    let stays = move |entry: &&Entry| {
        entry.seq < until || matches!(entry.body, Body::Compacted(_) | Body::ReasoningDropped)
    };
    live.into_iter().filter(stays)
}

/// Asks for a summary of what is before `until`, until there is one, or it is known that there will be none. Nothing of it is
/// shown before it is whole, so it is asked for again as an answer is of which nothing was shown.
async fn summary(turn: &mut Turn<'_>, until: u64) -> Result<String, String> {
    let (mut measure, mut truncated) = (FIRST, 0);
    turn.asked.requests = 0;
    loop {
        let outcome = ask(turn, until, measure).await?;
        let Some(error) = &outcome.error else {
            return read(&outcome).map_err(no_summary);
        };
        let again = match trouble(error) {
            _ if turn.cancel.is_cancelled() => false,
            _ if outcome.status == TurnStatus::Truncated => {
                truncated += 1;
                truncated <= turn.limits.retry_truncated && !turn.is_spent()
            }
            Trouble::Reasoning => turn.without_reasoning(error).await,
            // Once more with less of it.
            Trouble::Context => {
                turn.asked.requests = 0;
                std::mem::replace(&mut measure, SECOND) == FIRST
            }
            Trouble::Elsewhere(wait) => turn.elsewhere(error, wait).await,
            Trouble::Final => false,
        };
        if !again {
            return Err(no_summary(error.message.clone()));
        }
    }
}

fn no_summary(why: impl std::fmt::Display) -> String {
    format!("the conversation could not be summarised: {why}")
}

/// The summary that a response is, or why it is none: in place of the conversation stands nothing that is not meant to.
fn read(outcome: &Outcome) -> Result<String, String> {
    if outcome.status != TurnStatus::Completed {
        return Err(match &outcome.incomplete_reason {
            Some(reason) => format!("it was left incomplete ({reason})"),
            None => outcome.status.as_str().to_owned(),
        });
    }
    if !calls(&outcome.output).is_empty() {
        return Err("the model called a tool instead".to_owned());
    }
    let summary = outcome.text.trim();
    if outcome.output.iter().any(|item| is_refusal(item)) {
        return Err(format!("the model refused to: {summary}"));
    }
    match summary {
        "" => Err("the summary is empty".to_owned()),
        summary => Ok(summary.to_owned()),
    }
}

fn is_refusal(item: &RawValue) -> bool {
    let item: Value = serde_json::from_str(item.get()).unwrap_or_default();
    let parts = item["content"].as_array().into_iter().flatten();
    parts.into_iter().any(|part| part["type"] == "refusal")
}

async fn ask(turn: &mut Turn<'_>, until: u64, measure: Measure) -> Result<Outcome, String> {
    let before: Vec<&Entry> = summed_up(turn.conversation.live(), until).collect();
    let mut input = replay::of(&before, &turn.issuer());
    shorten(&mut input, measure);
    input.push(replay::user_text(ASK));
    let mut request = turn.request_of(input);
    request.requests_before = turn.asked.requests;
    // The calls in it are history: an endpoint may want to know the tools, and none is to be called.
    if request.fields.contains_key("tools") {
        request
            .fields
            .insert("tool_choice".to_owned(), json!("none"));
    }
    let link = &turn.conversation.agent.options().links[turn.link];
    let response = link.client.turn_until(request, turn.cancel.clone());
    let outcome = response.outcome().await;
    let outcome = outcome.ok_or("the summary did not come")?;
    // What the summary was made from is not what the context holds behind it.
    let context = turn.totals.context_tokens;
    turn.totals.add(&outcome);
    turn.totals.context_tokens = context;
    turn.asked.requests += outcome.upstream_requests;
    Ok(outcome)
}
