//! A summary in the place of what was said, so that the conversation fits again.

mod boundary;
mod shorten;

use respair_client::{Outcome, TurnError, TurnStatus};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use boundary::Why;
use boundary::boundary;
use shorten::{FIRST, Measure, SECOND, shorten};

use crate::entry::{Body, Compacted, Entry};
use crate::fallback::{Trouble, trouble};
use crate::turn::{End, Turn};
use crate::{AgentEvent, Answer, AnswerStatus, Conversation, replay};

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
    // A summary of before is summed up too, wherever its entry stands.
    let before: Vec<&Entry> = live
        .into_iter()
        .filter(|entry| entry.seq < until || matches!(entry.body, Body::Compacted(_)))
        .collect();
    let entries = before.len();
    let input = replay::of(&before, &turn.issuer());
    let summary = summary(turn, input).await?;
    let body = Body::Compacted(Compacted {
        until,
        summary: summary.clone(),
    });
    let kept = turn.conversation.append(body).await;
    turn.kept(kept).await;
    turn.tell(AgentEvent::Compacted { entries, summary }).await;
    Ok(())
}

/// Asks for a summary of this input; once more with less of it where it is too long for that too.
async fn summary(turn: &mut Turn<'_>, input: Vec<Value>) -> Result<String, String> {
    let outcome = ask(turn, input.clone(), FIRST).await?;
    let too_long = |error: &TurnError| trouble(error) == Trouble::Context;
    let outcome = match outcome.error.as_ref().is_some_and(too_long) {
        true => ask(turn, input, SECOND).await?,
        false => outcome,
    };
    let summary = outcome.text.trim();
    if outcome.status == TurnStatus::Completed && !summary.is_empty() {
        return Ok(summary.to_owned());
    }
    let why = match outcome.error {
        Some(error) => error.message,
        None if outcome.status == TurnStatus::Completed => "the summary is empty".to_owned(),
        None => outcome.status.as_str().to_owned(),
    };
    Err(format!("the conversation could not be summarised: {why}"))
}

async fn ask(
    turn: &mut Turn<'_>,
    mut input: Vec<Value>,
    measure: Measure,
) -> Result<Outcome, String> {
    shorten(&mut input, measure);
    input.push(replay::user_text(ASK));
    let mut request = turn.request_of(input);
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
    turn.totals.add(&outcome);
    Ok(outcome)
}
