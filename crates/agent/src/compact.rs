//! A summary in the place of what was said, so that the conversation fits again.

use respair_client::{TurnRequest, TurnStatus};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::entry::{Body, Compacted, Entry};
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
    let done = compact(&mut turn).await;
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
pub(crate) async fn compact(turn: &mut Turn<'_>) -> Result<(), String> {
    let live = turn.conversation.live();
    let until = boundary(&live, turn.limits.kept_exchanges)
        .ok_or("there is nothing to compact yet: only the last exchanges are there")?;
    let before: Vec<&Entry> = live.into_iter().filter(|entry| entry.seq < until).collect();
    let entries = before.len();
    let options = turn.conversation.agent.options();
    let link = &options.links[turn.link];
    let mut input = replay::of(&before, &link.issuer());
    input.push(replay::user_text(ASK));
    let mut request = TurnRequest::new(turn.model(), Value::Array(input));
    request.instructions = Some(options.instructions.clone());
    let mut response = link.client.turn(request);
    let cancelled = response.cancel_token();
    let cancel = turn.cancel.clone();
    let outcome = loop {
        let event = tokio::select! {
            biased;
            () = cancel.cancelled(), if !cancelled.is_cancelled() => {
                cancelled.cancel();
                continue;
            }
            event = response.next() => event,
        };
        match event {
            Some(respair_client::TurnEvent::Finished(outcome)) => break *outcome,
            Some(_) => {}
            None => return Err("the summary did not come".to_owned()),
        }
    };
    turn.totals.add(&outcome);
    let summary = outcome.text.trim().to_owned();
    if outcome.status != TurnStatus::Completed || summary.is_empty() {
        let why = outcome
            .error
            .map_or_else(|| outcome.status.as_str().to_owned(), |error| error.message);
        return Err(format!("the conversation could not be summarised: {why}"));
    }
    let body = Body::Compacted(Compacted {
        until,
        summary: summary.clone(),
    });
    let kept = turn.conversation.append(body).await;
    turn.kept(kept).await;
    turn.tell(AgentEvent::Compacted { entries, summary }).await;
    Ok(())
}

/// The first entry of the last exchanges, when something stands before it that is not summed up yet.
fn boundary(live: &[&Entry], exchanges: usize) -> Option<u64> {
    let done = live
        .iter()
        .rev()
        .find_map(|entry| match &entry.body {
            Body::Compacted(compacted) => Some(compacted.until),
            _ => None,
        })
        .unwrap_or(0);
    let mut turns: Vec<(u64, u64)> = Vec::new();
    for entry in live
        .iter()
        .filter(|entry| matches!(entry.body, Body::Item(_)))
    {
        if turns.last().is_none_or(|(turn, _)| *turn != entry.turn) {
            turns.push((entry.turn, entry.seq));
        }
    }
    // Where the last exchanges are all there is, the last one alone is kept.
    let kept = exchanges.min(turns.len().saturating_sub(1)).max(1);
    let (_, until) = turns.get(turns.len().checked_sub(kept)?)?;
    let before = live.iter().any(|entry| {
        entry.seq >= done && entry.seq < *until && matches!(entry.body, Body::Item(_))
    });
    before.then_some(*until)
}
