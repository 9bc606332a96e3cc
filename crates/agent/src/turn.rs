//! One turn of the user's: steps until nothing is left to call.

use respair_client::{Outcome, TurnError, TurnStatus};
use serde_json::Value;
use serde_json::value::to_raw_value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::call::Call;
use crate::calls::Called;
use crate::entry::{Body, Continued, Ended};
use crate::remedy::Asked;
use crate::repeats::Repeats;
use crate::{AgentEvent, Answer, AnswerStatus, Conversation, Limits, Totals};

/// The model says that it will act, or thinks aloud, and ends there.
const NO_ANSWER: &str = "commentary without an answer";

/// Runs a turn. `input` is what the user says; without one the conversation goes on as it stands.
pub(crate) async fn run(
    conversation: &mut Conversation,
    input: Option<Value>,
    events: mpsc::Sender<AgentEvent>,
    cancel: CancellationToken,
) {
    let mut turn = Turn::new(conversation, events, cancel);
    turn.conversation.next_turn();
    if let Some(raw) = input.and_then(|item| to_raw_value(&item).ok()) {
        let kept = turn.conversation.append_item(raw, None).await;
        turn.kept(kept).await;
    }
    turn.from = turn.conversation.next_seq();
    turn.told_who_is_asked().await;
    let end = turn.steps().await;
    turn.finish(end).await;
}

/// The state of a turn.
pub(crate) struct Turn<'a> {
    pub(crate) conversation: &'a mut Conversation,
    events: mpsc::Sender<AgentEvent>,
    pub(crate) cancel: CancellationToken,
    pub(crate) limits: Limits,
    pub(crate) totals: Totals,
    /// The endpoint in use.
    pub(crate) link: usize,
    /// What is done once in a turn.
    pub(crate) compacted: bool,
    pub(crate) reasoning_dropped: bool,
    /// What was asked for the response of the step under way.
    pub(crate) asked: Asked,
    pub(crate) repeats: Repeats,
    steps: u32,
    continued: u32,
    failed_steps: u32,
    /// The first entry of the turn after the user's.
    from: u64,
    /// Text of responses that the last one continues.
    before: String,
    /// The answer as it stands.
    text: String,
    pub(crate) last: Option<Box<Outcome>>,
}

/// How a turn ends.
pub(crate) struct End {
    pub(crate) status: AnswerStatus,
    pub(crate) error: Option<TurnError>,
    pub(crate) message: Option<String>,
}

impl End {
    pub(crate) fn of(status: AnswerStatus) -> Self {
        Self {
            status,
            error: None,
            message: None,
        }
    }

    pub(crate) fn failed(error: Option<TurnError>) -> Self {
        Self {
            error,
            ..Self::of(AnswerStatus::Failed)
        }
    }

    /// A response that ends without its outcome: a fault of ours.
    pub(crate) fn without_a_result() -> Self {
        Self {
            message: Some("the response ended without a result".to_owned()),
            ..Self::failed(None)
        }
    }

    fn stopped(message: String) -> Self {
        Self {
            message: Some(message),
            ..Self::of(AnswerStatus::Stopped)
        }
    }
}

impl<'a> Turn<'a> {
    pub(crate) fn new(
        conversation: &'a mut Conversation,
        events: mpsc::Sender<AgentEvent>,
        cancel: CancellationToken,
    ) -> Self {
        let limits = conversation.agent.options().limits.clone();
        Self {
            link: conversation.agent.link(),
            conversation,
            events,
            cancel,
            repeats: Repeats::default(),
            limits,
            totals: Totals::default(),
            compacted: false,
            reasoning_dropped: false,
            asked: Asked::default(),
            steps: 0,
            continued: 0,
            failed_steps: 0,
            from: 0,
            before: String::new(),
            text: String::new(),
            last: None,
        }
    }

    async fn steps(&mut self) -> End {
        loop {
            if let Some(end) = self.bound() {
                return end;
            }
            self.steps += 1;
            self.tell(AgentEvent::Step {
                step: self.steps,
                of: self.limits.steps,
                link: self.link,
            })
            .await;
            let before = self.totals.requests;
            let step = match self.step().await {
                Ok(step) => step,
                Err(end) => return end,
            };
            let ended = AgentEvent::StepEnded {
                input_tokens: step.tokens("input_tokens"),
                output_tokens: step.tokens("output_tokens"),
                requests: self.totals.requests - before,
            };
            self.tell(ended).await;
            let left_off = next(&step.outcome);
            let cut = step.outcome.status == TurnStatus::Incomplete;
            self.came(step.outcome, !step.calls.is_empty());
            if !step.calls.is_empty() {
                match self.called(step.calls, cut).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(end) => return end,
                }
            }
            match left_off {
                After::End => return self.completed(),
                After::Filtered(reason) => return self.incomplete(Some(reason)),
                After::Continue(reason) => {
                    if let Some(end) = self.go_on(reason).await {
                        return end;
                    }
                }
            }
        }
    }

    /// Runs the calls of a response. Says no when it was `cut` in the middle of them, so that it counts as left incomplete.
    async fn called(&mut self, calls: Vec<Call>, cut: bool) -> Result<bool, End> {
        match self.run_calls(calls).await {
            Called::Interrupted => return Err(End::of(AnswerStatus::Interrupted)),
            Called::Repeating(message) => return Err(End::stopped(message)),
            Called::Ran => self.failed_steps = 0,
            // No fault of theirs.
            Called::None if cut => return Ok(false),
            Called::None => self.failed_steps += 1,
        }
        if self.failed_steps < self.limits.failed_steps {
            return Ok(true);
        }
        Err(End::stopped(format!(
            "{} steps in a row held no call that could be run; the model was told why each time",
            self.failed_steps
        )))
    }

    /// A response that the turn goes on from, or ends with. The text of one that calls tools is no part of the answer.
    pub(crate) fn came(&mut self, outcome: Outcome, calls: bool) {
        match calls {
            true => {
                self.before.clear();
                self.text.clear();
            }
            false => self.text = format!("{}{}", self.before, outcome.text),
        }
        self.last = Some(Box::new(outcome));
    }

    /// A bound that was reached.
    fn bound(&self) -> Option<End> {
        if self.cancel.is_cancelled() {
            return Some(End::of(AnswerStatus::Interrupted));
        }
        if self.steps >= self.limits.steps {
            let steps = self.limits.steps;
            return Some(End::stopped(format!(
                "{steps} steps were taken, no more are allowed (`agent.max_steps`); raise it, or ask to go on from here"
            )));
        }
        let used = self.totals.input_tokens + self.totals.output_tokens;
        let most = self.limits.tokens;
        (most > 0 && used >= most).then(|| {
            End::stopped(format!(
                "{used} tokens were used, {most} are allowed (`agent.max_tokens`); raise it, or ask to go on from here"
            ))
        })
    }

    /// Continues a response that was left incomplete, or says that it was continued often enough.
    async fn go_on(&mut self, reason: Option<String>) -> Option<End> {
        if self.continued >= self.limits.continuations {
            return Some(self.incomplete(reason));
        }
        self.continued += 1;
        self.before.clone_from(&self.text);
        let continued = Continued {
            reason: reason.clone(),
        };
        let kept = self.conversation.append(Body::Continued(continued)).await;
        self.kept(kept).await;
        self.tell(AgentEvent::Continued {
            time: self.continued,
            of: self.limits.continuations,
            reason,
        })
        .await;
        None
    }

    /// The upstream says that it is all. Where that is no answer, the user is told.
    fn completed(&self) -> End {
        let last = self.last.as_deref();
        let said = last.is_some_and(|outcome| outcome.empty_completion);
        let blank = self.text.trim().is_empty() && !said;
        End {
            message: blank
                .then(|| "the upstream completed its response without an answer".to_owned()),
            ..End::of(AnswerStatus::Completed)
        }
    }

    fn incomplete(&self, reason: Option<String>) -> End {
        let why = reason.unwrap_or_else(|| "no reason was given".to_owned());
        End {
            message: Some(match self.continued {
                0 => format!("the answer is incomplete: {why}"),
                n => format!("the answer is still incomplete after {n} continuations: {why}"),
            }),
            ..End::of(AnswerStatus::Incomplete)
        }
    }

    async fn finish(mut self, end: End) {
        let link = &self.conversation.agent.options().links[self.link];
        let ended = Ended {
            status: end.status.as_str().to_owned(),
            message: end
                .message
                .clone()
                .or_else(|| end.error.as_ref().map(|error| error.message.clone())),
            model: self.model(),
            endpoint: link.client.endpoint().display_url(),
            requests: self.totals.requests,
            input_tokens: self.totals.input_tokens,
            output_tokens: self.totals.output_tokens,
            context_tokens: self.totals.context_tokens,
        };
        let kept = self.conversation.append(Body::Ended(ended)).await;
        self.kept(kept).await;
        self.conversation.count(&self.totals);
        let items = self.conversation.live().into_iter();
        let items = items
            .filter(|entry| entry.seq >= self.from)
            .filter_map(|entry| match &entry.body {
                Body::Item(item) => Some(item.raw.clone()),
                _ => None,
            })
            .collect();
        let answer = Answer {
            status: end.status,
            text: std::mem::take(&mut self.text),
            error: end.error,
            message: end.message,
            steps: self.steps,
            totals: self.totals,
            items,
            last: self.last.take(),
        };
        self.tell(AgentEvent::Finished(Box::new(answer))).await;
    }

    /// The model that is asked.
    pub(crate) fn model(&self) -> String {
        let link = &self.conversation.agent.options().links[self.link];
        // Another model was chosen for the endpoint that is preferred, not for the one that stands in.
        let chosen = self.conversation.model.as_ref().filter(|_| self.link == 0);
        chosen.unwrap_or(&link.model).clone()
    }

    pub(crate) async fn tell(&self, event: AgentEvent) {
        // Fails when the consumer is gone, and then this future is about to be dropped.
        let _ = self.events.send(event).await;
    }

    pub(crate) fn events(&self) -> mpsc::Sender<AgentEvent> {
        self.events.clone()
    }

    /// Says once that the conversation is not kept.
    pub(crate) async fn kept(&self, kept: Result<(), crate::JournalError>) {
        if let Err(error) = kept {
            self.tell(AgentEvent::Notice(error.to_string())).await;
        }
    }
}

/// What follows a response without calls.
enum After {
    End,
    /// A filter gives the same answer again.
    Filtered(String),
    Continue(Option<String>),
}

fn next(outcome: &Outcome) -> After {
    match outcome.status {
        TurnStatus::Incomplete => match outcome.incomplete_reason.as_deref() {
            Some(reason @ "content_filter") => After::Filtered(reason.to_owned()),
            reason => After::Continue(reason.map(str::to_owned)),
        },
        TurnStatus::Completed
            if outcome.text.trim().is_empty() && !outcome.commentary.is_empty() =>
        {
            After::Continue(Some(NO_ANSWER.to_owned()))
        }
        _ => After::End,
    }
}
