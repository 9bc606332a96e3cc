//! One step: a response, and what is done about one that failed.

use respair_client::{Outcome, TurnEvent, TurnRequest, TurnStatus};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::call::{Call, calls};
use crate::entry::{Body, Partial, Undone};
use crate::journal::ShownKind;
use crate::turn::{End, Turn};
use crate::{AgentEvent, AnswerStatus, replay};

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
pub(crate) struct Came {
    pub(crate) outcome: Outcome,
    items: Vec<Box<RawValue>>,
    from: u64,
    /// Something of it was shown.
    pub(crate) shown: bool,
}

impl Turn<'_> {
    /// Asks until a response came that the turn can go on from, or until it is known that none will.
    pub(crate) async fn step(&mut self) -> Result<Step, End> {
        self.asked.clear();
        loop {
            let mut came = self.response().await?;
            self.totals.add(&came.outcome);
            self.asked.requests += came.outcome.upstream_requests;
            match came.outcome.status {
                TurnStatus::Completed | TurnStatus::Incomplete => {
                    self.complete(&mut came).await;
                    // What comes next may grow too long again.
                    self.compacted = false;
                    return Ok(step(came));
                }
                TurnStatus::Truncated => {
                    let calls = !calls(&came.items).is_empty();
                    if calls || !self.ask_again(&came).await {
                        let why = sentence(&came.outcome);
                        self.broke_off(&came, false, why).await;
                        if calls {
                            return Ok(step(came));
                        }
                        return Err(self.ended(came, AnswerStatus::Truncated));
                    }
                }
                TurnStatus::Interrupted => return Err(self.interrupted(came).await),
                _ => {
                    if !self.remedied(&came).await {
                        if self.cancel.is_cancelled() {
                            return Err(self.interrupted(came).await);
                        }
                        if came.shown {
                            self.broke_off(&came, false, sentence(&came.outcome)).await;
                        }
                        self.not_run(&calls(&came.items), "the response failed")
                            .await;
                        return Err(self.ended(came, AnswerStatus::Failed));
                    }
                }
            }
        }
    }

    async fn interrupted(&mut self, came: Came) -> End {
        self.broke_off(&came, false, "interrupted".to_owned()).await;
        self.not_run(&calls(&came.items), "interrupted").await;
        self.came(came.outcome, false);
        End::of(AnswerStatus::Interrupted)
    }

    fn ended(&mut self, came: Came, status: AnswerStatus) -> End {
        let error = came.outcome.error.clone();
        self.came(came.outcome, false);
        End {
            error,
            message: self.asked.in_vain(),
            ..End::of(status)
        }
    }

    /// One response. Items become entries as they come.
    async fn response(&mut self) -> Result<Came, End> {
        let (request, issuer) = self.request();
        let link = &self.conversation.agent.options().links[self.link];
        let mut response = link.client.turn_until(request, self.cancel.clone());
        let from = self.conversation.next_seq();
        let (mut items, mut shown) = (Vec::new(), false);
        loop {
            match response.next().await {
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
                        let item = well_formed(item);
                        items.push(item.clone());
                        let kept = self
                            .conversation
                            .append_item(item, Some(issuer.clone()))
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
        let mut request = self.request_of(input);
        request.requests_before = self.asked.requests;
        (request, issuer)
    }

    /// Who would answer a request.
    pub(crate) fn issuer(&self) -> String {
        let link = &self.conversation.agent.options().links[self.link];
        link.issuer_of(&self.model())
    }

    /// A request with this input.
    pub(crate) fn request_of(&self, input: Vec<Value>) -> TurnRequest {
        let options = self.conversation.agent.options();
        let link = &options.links[self.link];
        let mut request = TurnRequest::new(self.model(), Value::Array(input));
        request.instructions = Some(options.instructions.clone());
        request.max_output_tokens = link.max_output_tokens;
        if self.another().is_some() {
            request.longest_wait = self.limits.patience;
        }
        request.reasoning_summary = link.reasoning_summary.clone();
        // As with the model: chosen for the endpoint that is preferred.
        let effort = self.conversation.effort.as_ref();
        let effort = effort.filter(|_| self.link == 0);
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
        let output: Vec<_> = came
            .outcome
            .output
            .iter()
            .map(|raw| well_formed(raw))
            .collect();
        for item in missing(&came.items, &output) {
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
        let spent = self.asked.truncated >= self.limits.retry_truncated || self.is_spent();
        if spent || self.cancel.is_cancelled() {
            return false;
        }
        self.asked.truncated += 1;
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
        let mut partial = Partial {
            status: outcome.status.as_str().to_owned(),
            text: outcome.text.clone(),
            reasoning: outcome.reasoning.clone(),
            superseded,
        };
        if !outcome.commentary.is_empty() {
            // What was said in between is kept with the reasoning, as it is while it is shown.
            let gap = if partial.reasoning.is_empty() {
                ""
            } else {
                "\n\n"
            };
            partial.reasoning = format!("{}{gap}{}", partial.reasoning, outcome.commentary);
        }
        if !superseded {
            // What was closed stands as it is.
            came.items.iter().for_each(|item| partial.without(item));
        }
        let kept = self.conversation.append(Body::Partial(partial)).await;
        self.kept(kept).await;
        self.tell(AgentEvent::BrokeOff { why, superseded }).await;
    }
}

fn step(came: Came) -> Step {
    Step {
        calls: calls(&came.items),
        outcome: came.outcome,
    }
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
}

/// An item that can be read whatever escapes are in it.
fn well_formed(raw: &RawValue) -> Box<RawValue> {
    let json = respair_core::well_formed(raw.get()).into_owned();
    // JSON stays JSON.
    RawValue::from_string(json).unwrap_or_default()
}

/// The items of `output` that are none of `items`: by id, else by how many of its type there are. Ids that changed on the way
/// make no second item (DEVIATIONS 2.9), and no call is among them: those came as items, or not whole.
fn missing(items: &[Box<RawValue>], output: &[Box<RawValue>]) -> Vec<Box<RawValue>> {
    let known = |raw: &RawValue| serde_json::from_str::<Known>(raw.get()).unwrap_or_default();
    let mut left: Vec<Known> = items.iter().map(|item| known(item)).collect();
    let mut missing: Vec<(Known, &Box<RawValue>)> =
        output.iter().map(|raw| (known(raw), raw)).collect();
    missing.retain(|(item, _)| !item.r#type.ends_with("_call"));
    let same_id = |a: &Known, b: &Known| a.id.is_some() && a.id == b.id;
    let same_type = |a: &Known, b: &Known| a.r#type == b.r#type;
    for same in [same_id as fn(&Known, &Known) -> bool, same_type] {
        missing.retain(|(item, _)| {
            let found = left.iter().position(|other| same(item, other));
            found.map(|at| left.remove(at)).is_none()
        });
    }
    missing.into_iter().map(|(_, raw)| raw.clone()).collect()
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
            raw(r#"{"type":"message","id":"msg_1"}"#),
            raw(r#"{"type":"function_call","id":"fc_1","call_id":"c1"}"#),
        ];
        let output = [
            raw(r#"{"type":"reasoning","id":"rs_other"}"#),
            raw(r#"{"type":"message","id":"msg_2"}"#),
            raw(r#"{"type":"message","id":"msg_1"}"#),
            raw(r#"{"type":"function_call","id":"fc_9","call_id":"c9"}"#),
            raw(r#"{"type":"function_call","id":"fc_2","call_id":"c2"}"#),
        ];
        let missing: Vec<_> = missing(&closed, &output)
            .iter()
            .map(|item| item.get().to_owned())
            .collect();
        assert_eq!(missing, [output[1].get()]);
    }
}
