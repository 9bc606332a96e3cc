//! One step: a response, and what is done about one that failed.

use respair_client::{Outcome, TurnError, TurnEvent, TurnRequest, TurnStatus};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::calls::Call;
use crate::entry::{Body, Partial, Undone};
use crate::fallback::{Trouble, trouble};
use crate::journal::ShownKind;
use crate::turn::{End, Turn};
use crate::{AgentEvent, AnswerStatus, compact, replay};

/// A response that the turn can go on from.
pub(crate) struct Step {
    pub(crate) outcome: Outcome,
    /// The calls that it asks for, in order.
    pub(crate) calls: Vec<Call>,
}

impl Step {
    /// A count of its usage.
    pub(crate) fn tokens(&self, name: &str) -> Option<u64> {
        let usage: Value = serde_json::from_str(self.outcome.usage.as_ref()?.get()).ok()?;
        usage[name].as_u64()
    }
}

/// A response as it came: its outcome, the items that the upstream closed, and where their entries begin.
struct Came {
    outcome: Outcome,
    items: Vec<Box<RawValue>>,
    from: u64,
    /// Something of it was shown.
    shown: bool,
}

impl Turn<'_> {
    /// Asks until a response came that the turn can go on from, or until it is known that none will.
    pub(crate) async fn step(&mut self) -> Result<Step, End> {
        loop {
            let mut came = self.response().await?;
            self.totals.add(&came.outcome);
            match came.outcome.status {
                TurnStatus::Completed | TurnStatus::Incomplete => {
                    self.complete(&mut came).await;
                    // What comes next may grow too long again.
                    self.compacted = false;
                    return Ok(step(came));
                }
                TurnStatus::Truncated => {
                    let calls = !step_calls(&came.items).is_empty();
                    if calls || !self.ask_again(&came).await {
                        let why = sentence(&came.outcome);
                        self.broke_off(&came, false, why).await;
                        if calls {
                            return Ok(step(came));
                        }
                        return Err(self.ended(came, AnswerStatus::Truncated));
                    }
                }
                TurnStatus::Interrupted => {
                    self.broke_off(&came, false, "interrupted".to_owned()).await;
                    return Err(self.ended(came, AnswerStatus::Interrupted));
                }
                _ => {
                    if !self.otherwise(&came).await {
                        let why = sentence(&came.outcome);
                        if came.shown {
                            self.broke_off(&came, false, why).await;
                        }
                        return Err(self.ended(came, AnswerStatus::Failed));
                    }
                }
            }
        }
    }

    fn ended(&mut self, came: Came, status: AnswerStatus) -> End {
        let error = came.outcome.error.clone();
        self.last = Some(Box::new(came.outcome));
        End {
            error,
            ..End::of(status)
        }
    }

    /// One response. Items become entries as they come.
    async fn response(&mut self) -> Result<Came, End> {
        let (request, issuer) = self.request();
        let link = &self.conversation.agent.options().links[self.link];
        let mut response = link.client.turn(request);
        let cancelled = response.cancel_token();
        let from = self.conversation.next_seq();
        let (mut items, mut shown) = (Vec::new(), false);
        let cancel = self.cancel.clone();
        loop {
            let event = tokio::select! {
                biased;
                () = cancel.cancelled(), if !cancelled.is_cancelled() => {
                    // The socket closes the next time the response is polled, which is at once.
                    cancelled.cancel();
                    continue;
                }
                event = response.next() => event,
            };
            match event {
                None => return Err(End::without_a_result()),
                Some(TurnEvent::Finished(outcome)) => {
                    return Ok(Came {
                        outcome: *outcome,
                        items,
                        from,
                        shown,
                    });
                }
                Some(event) => {
                    shown |= self.note(&event).await;
                    if let TurnEvent::ItemDone(item) = &event {
                        items.push(item.clone());
                        let kept = self
                            .conversation
                            .append_item(item.clone(), Some(issuer.clone()))
                            .await;
                        self.kept(kept).await;
                    }
                    self.tell(AgentEvent::Response(event)).await;
                }
            }
        }
    }

    /// Notes what is shown, for the case that nothing follows it. Says whether it is something that is shown.
    async fn note(&self, event: &TurnEvent) -> bool {
        let (kind, text) = match event {
            TurnEvent::Text(text) => (ShownKind::Text, text),
            TurnEvent::Reasoning(text) | TurnEvent::Commentary(text) => {
                (ShownKind::Reasoning, text)
            }
            TurnEvent::ItemDone(_) => return true,
            _ => return false,
        };
        self.conversation.shown(kind, text).await;
        true
    }

    /// The request as the conversation stands, and who it goes to.
    fn request(&self) -> (TurnRequest, String) {
        let issuer = self.issuer();
        let input = replay::input(self.conversation.entries(), &issuer);
        (self.request_of(input), issuer)
    }

    /// Who would answer a request.
    pub(crate) fn issuer(&self) -> String {
        let mut link = self.conversation.agent.options().links[self.link].clone();
        link.model = self.model();
        link.issuer()
    }

    /// A request with this input.
    pub(crate) fn request_of(&self, input: Vec<Value>) -> TurnRequest {
        let options = self.conversation.agent.options();
        let link = &options.links[self.link];
        let mut request = TurnRequest::new(self.model(), Value::Array(input));
        request.instructions = Some(options.instructions.clone());
        request.max_output_tokens = link.max_output_tokens;
        request.reasoning_summary = link.reasoning_summary.clone();
        let effort = self.conversation.effort.as_ref();
        request.reasoning_effort = effort.or(link.reasoning_effort.as_ref()).cloned();
        let fields = &mut request.fields;
        if !options.tools.is_empty() {
            let tools = options.tools.iter().map(|tool| tool.spec().to_json());
            fields.insert("tools".to_owned(), tools.collect());
            fields.insert("tool_choice".to_owned(), json!("auto"));
            fields.insert("parallel_tool_calls".to_owned(), json!(true));
        }
        if !self.reasoning_dropped {
            fields.insert("include".to_owned(), json!(["reasoning.encrypted_content"]));
        }
        if let Some(key) = &self.conversation.cache_key {
            fields.insert("prompt_cache_key".to_owned(), json!(key));
        }
        request
    }

    /// Makes entries of the items that only the end of the response showed.
    async fn complete(&mut self, came: &mut Came) {
        let issuer = self.issuer();
        for item in missing(&came.items, &came.outcome.output) {
            let kept = self
                .conversation
                .append_item(item.clone(), Some(issuer.clone()))
                .await;
            self.kept(kept).await;
            came.items.push(item);
        }
    }

    /// Whether a response that was cut is asked for again: what was shown of it is superseded then.
    async fn ask_again(&mut self, came: &Came) -> bool {
        if self.truncated >= self.limits.retry_truncated || self.cancel.is_cancelled() {
            return false;
        }
        self.truncated += 1;
        // What it had closed is asked for again too.
        if self.conversation.next_seq() > came.from {
            let kept = self
                .conversation
                .append(Body::Undone(Undone { from: came.from }))
                .await;
            self.kept(kept).await;
        }
        self.broke_off(came, true, sentence(&came.outcome)).await;
        true
    }

    /// Keeps what was shown of a response, marked, and says so.
    async fn broke_off(&mut self, came: &Came, superseded: bool, why: String) {
        let outcome = &came.outcome;
        let partial = Partial {
            status: outcome.status.as_str().to_owned(),
            text: outcome.text.clone(),
            reasoning: outcome.reasoning.clone(),
            superseded,
        };
        let kept = self.conversation.append(Body::Partial(partial)).await;
        self.kept(kept).await;
        self.tell(AgentEvent::BrokeOff { why, superseded }).await;
    }

    /// What else can be done about a response that failed: another request is worth it when this says yes.
    async fn otherwise(&mut self, came: &Came) -> bool {
        let Some(error) = came.outcome.error.as_ref().filter(|_| !came.shown) else {
            return false;
        };
        if self.cancel.is_cancelled() {
            return false;
        }
        match trouble(error) {
            Trouble::Final => false,
            Trouble::Reasoning => self.without_reasoning(error).await,
            Trouble::Context => self.compacted(error).await,
            Trouble::Elsewhere(wait) => self.elsewhere(error, wait).await,
        }
    }

    async fn without_reasoning(&mut self, error: &TurnError) -> bool {
        if std::mem::replace(&mut self.reasoning_dropped, true) {
            return false;
        }
        let kept = self.conversation.append(Body::ReasoningDropped).await;
        self.kept(kept).await;
        let notice = format!(
            "{}; asking again without the encrypted reasoning of before",
            error.message.trim_end_matches('.')
        );
        self.tell(AgentEvent::Notice(notice)).await;
        true
    }

    async fn compacted(&mut self, error: &TurnError) -> bool {
        if std::mem::replace(&mut self.compacted, true) {
            return false;
        }
        let notice = format!("{}; compacting", error.message.trim_end_matches('.'));
        self.tell(AgentEvent::Notice(notice)).await;
        match compact::compact(self, compact::Why::TooLong).await {
            Ok(()) => true,
            Err(why) => {
                self.tell(AgentEvent::Notice(why)).await;
                false
            }
        }
    }

    async fn elsewhere(&mut self, error: &TurnError, wait: Option<std::time::Duration>) -> bool {
        let rest = wait.unwrap_or(self.limits.cool_down);
        let agent = &self.conversation.agent;
        let Some(next) = agent.rest(self.link, rest) else {
            return false;
        };
        let links = &agent.options().links;
        let (from, to) = (links[self.link].label(), links[next].label());
        if next == self.link {
            return false;
        }
        self.link = next;
        self.switched = true;
        let why = error.message.clone();
        self.tell(AgentEvent::Switched { from, to, why }).await;
        true
    }
}

fn step(came: Came) -> Step {
    Step {
        calls: step_calls(&came.items),
        outcome: came.outcome,
    }
}

/// The calls among items, each once.
fn step_calls(items: &[Box<RawValue>]) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for call in items.iter().filter_map(|item| Call::of(item.get())) {
        if !calls.iter().any(|other| other.call_id == call.call_id) {
            calls.push(call);
        }
    }
    calls
}

fn sentence(outcome: &Outcome) -> String {
    match &outcome.error {
        Some(error) => error.message.clone(),
        None => outcome.status.as_str().to_owned(),
    }
}

/// What tells an item from another.
#[derive(Default, Deserialize)]
struct Known {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    call_id: Option<String>,
}

/// The items of `output` that are none of `items`: by id, by call id, else by how many of its type there are.
fn missing(items: &[Box<RawValue>], output: &[Box<RawValue>]) -> Vec<Box<RawValue>> {
    let known = |raw: &RawValue| serde_json::from_str::<Known>(raw.get()).unwrap_or_default();
    let mut left: Vec<Known> = items.iter().map(|item| known(item)).collect();
    let mut missing = Vec::new();
    for raw in output {
        let item = known(raw);
        let same_id = |other: &Known| item.id.is_some() && other.id == item.id;
        let same_call = |other: &Known| item.call_id.is_some() && other.call_id == item.call_id;
        let same_type = |other: &Known| {
            other.r#type == item.r#type && (item.call_id.is_none() || other.call_id.is_none())
        };
        let found = left
            .iter()
            .position(same_id)
            .or_else(|| left.iter().position(same_call))
            .or_else(|| left.iter().position(same_type));
        match found {
            Some(at) => drop(left.remove(at)),
            None => missing.push(raw.clone()),
        }
    }
    missing
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn only_what_was_never_closed_is_missing() {
        let closed = [
            raw(r#"{"type":"reasoning","id":"rs_1"}"#),
            raw(r#"{"type":"function_call","id":"fc_1","call_id":"c1"}"#),
        ];
        let output = [
            raw(r#"{"type":"reasoning","id":"rs_other"}"#),
            raw(r#"{"type":"function_call","id":"fc_9","call_id":"c1"}"#),
            raw(r#"{"type":"function_call","id":"fc_2","call_id":"c2"}"#),
            raw(r#"{"type":"message"}"#),
        ];
        let missing: Vec<_> = missing(&closed, &output)
            .iter()
            .map(|item| item.get().to_owned())
            .collect();
        assert_eq!(missing, [output[2].get(), output[3].get()]);
    }
}
