//! A turn from its first request to its outcome.
//!
//! The loop here only carries out: it sends, reads, waits and tells. What is to be done about what happened is decided in
//! [`crate::recovery::decide`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use respair_core::{Ending, Violation};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::Shared;
use crate::outcome::{RecoveryAction, TurnEvent};
use crate::reading::Manner;
use crate::recovery::{Happened, Next, Policy, Progress, RecoveryMode, Stop, Wait, decide};
use crate::stream::End;
use crate::{Outcome, ProviderKind, TurnError, TurnRequest, closing, refused_field, retry};

/// Runs a turn. It ends after the outcome was given.
pub(crate) async fn run(
    shared: Arc<Shared>,
    request: TurnRequest,
    events: mpsc::Sender<TurnEvent>,
    cancel: CancellationToken,
) {
    let mut turn = Driver::new(&shared, &request, events, cancel);
    turn.begin(&request).await;
    let outcome = turn.requests().await;
    tracing::debug!(
        status = outcome.status.as_str(),
        path = outcome.path.as_str(),
        requests = outcome.upstream_requests,
        discarded = outcome.discarded_requests,
        "turn finished"
    );
    turn.tell(TurnEvent::Finished(Box::new(outcome))).await;
}

/// The state of a turn.
pub(crate) struct Driver<'a> {
    pub(crate) shared: &'a Shared,
    events: mpsc::Sender<TurnEvent>,
    pub(crate) cancel: CancellationToken,
    pub(crate) policy: Policy,
    pub(crate) at: Progress,
    /// Requests that were made for the same answer before the turn.
    pub(crate) before: u32,
    pub(crate) manner: Manner,
    /// The body, and as it is sent.
    body: Map<String, Value>,
    pub(crate) json: Bytes,
    /// The fields that the upstream refused by name in this turn, and that were left out.
    pub(crate) dropped: Vec<String>,
    /// The model as sent.
    pub(crate) model: String,
    pub(crate) random: fastrand::Rng,
    /// Requests given up for what they broke, and what that was.
    pub(crate) discarded: u32,
    pub(crate) refused: Vec<Violation>,
    /// The codes of every event that the strict reading refused, for the endpoint memory.
    pub(crate) learnt: Vec<String>,
    /// An earlier turn learnt that this endpoint is to be read tolerantly.
    pub(crate) remembered: bool,
    /// `x-request-id` and `cf-ray` of the answer in hand.
    pub(crate) request_id: Option<String>,
    pub(crate) cf_ray: Option<String>,
}

/// What a [`TurnEvent::Recovery`] is to say.
struct Told {
    action: RecoveryAction,
    code: Option<String>,
    message: Option<String>,
    status: Option<u16>,
    event: Option<u64>,
    attempt: u32,
    wait: Option<Duration>,
}

impl Told {
    fn new(action: RecoveryAction, attempt: u32) -> Self {
        Self {
            action,
            code: None,
            message: None,
            status: None,
            event: None,
            attempt,
            wait: None,
        }
    }
}

fn written(body: &Map<String, Value>) -> Bytes {
    serde_json::to_vec(body).unwrap_or_default().into()
}

impl<'a> Driver<'a> {
    fn new(
        shared: &'a Shared,
        request: &TurnRequest,
        events: mpsc::Sender<TurnEvent>,
        cancel: CancellationToken,
    ) -> Self {
        let body = request.body(&shared.endpoint.extra_body);
        let model = body
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or(&request.model)
            .to_owned();
        let mut policy = Policy::of(shared.endpoint.kind, &shared.endpoint.recovery);
        policy.longest_wait = request.longest_wait.min(policy.longest_wait);
        let manner = match policy.mode {
            RecoveryMode::Inline => Manner::Tolerant { judged: false },
            _ => Manner::Strict,
        };
        Self {
            json: written(&body),
            body,
            dropped: Vec::new(),
            random: shared.random(),
            at: Progress {
                requests: request.requests_before,
                ..Progress::default()
            },
            before: request.requests_before,
            discarded: 0,
            refused: Vec::new(),
            learnt: Vec::new(),
            remembered: false,
            request_id: None,
            cf_ray: None,
            shared,
            events,
            cancel,
            policy,
            manner,
            model,
        }
    }

    /// Says what the turn is, and starts tolerant where an earlier one learnt to.
    async fn begin(&mut self, request: &TurnRequest) {
        self.tell(TurnEvent::Started {
            model: self.model.clone(),
            endpoint: self.shared.url.clone(),
            provider: self.shared.endpoint.provider.clone(),
        })
        .await;
        tracing::debug!(endpoint = %self.shared.url, model = request.model, mode = %self.policy.mode, "turn begins");
        if !self.shared.endpoint.ssl_verify {
            self.notice("certificates are not verified (`ssl_verify: false`): the key can be read on the way").await;
        }
        if let Some(off) = closing::switched_off(self.shared.endpoint.rules_off()) {
            self.notice(&off).await;
        }
        if self.policy.mode == RecoveryMode::Strict {
            return;
        }
        let Some(entry) = closing::recall(self).await else {
            return;
        };
        for field in &entry.refused_fields {
            self.leave_out(field);
        }
        if !entry.codes.is_empty() && self.policy.mode == RecoveryMode::RetryThenFallback {
            self.remembered = true;
            self.manner = Manner::Tolerant { judged: true };
            self.recovery(Told {
                code: entry.codes.first().cloned(),
                ..Told::new(RecoveryAction::Remembered, self.before + 1)
            })
            .await;
        }
    }

    async fn requests(&mut self) -> Outcome {
        loop {
            if self.cancel.is_cancelled() {
                return closing::interrupted(self, None).await;
            }
            self.at.requests += 1;
            match self.request().await {
                End::Interrupted(reading) => return closing::interrupted(self, reading).await,
                End::Refused(reading, violation) => {
                    return closing::refused(self, reading, &violation);
                }
                End::GivenUp(next, violation) => {
                    self.at.refused += 1;
                    self.discarded += 1;
                    self.give_up(next, violation).await;
                }
                End::Error(error) if self.may_go_without(&error) => self.drop_field(error).await,
                End::Error(error) => {
                    let happened = Happened::Failed {
                        verdict: error.retry,
                        wait: error.retry_after,
                    };
                    if let Err(stop) = self.again(happened, &error).await {
                        return closing::failed(self, error, stop);
                    }
                }
                End::Stream(reading, ending, why) => {
                    let Some(error) = closing::error(self, &ending, why.as_ref()) else {
                        return closing::ended(self, reading, &ending, None).await;
                    };
                    let happened = match ending {
                        Ending::Empty { .. } => Happened::Empty,
                        Ending::Truncated { .. } => {
                            return closing::ended(self, reading, &ending, Some(error)).await;
                        }
                        _ => Happened::Failed {
                            verdict: error.retry,
                            wait: error.retry_after,
                        },
                    };
                    self.at.delivered |= reading.reader.delivered();
                    if let Err(stop) = self.again(happened, &error).await {
                        let error = closing::explained(self, error, stop);
                        return closing::ended(self, reading, &ending, Some(error)).await;
                    }
                }
            }
        }
    }

    /// Whether the request may go out once more without the field that the upstream refuses (DEVIATIONS 7.1).
    fn may_go_without(&self, error: &TurnError) -> bool {
        let Some(field) = &error.refused_field else {
            return false;
        };
        self.shared.endpoint.kind == ProviderKind::Custom
            && self.policy.mode != RecoveryMode::Strict
            && self.at.requests < self.policy.max_requests
            && self.body.contains_key(field)
            && refused_field::may_be_dropped(field)
    }

    async fn drop_field(&mut self, error: TurnError) {
        let Some(field) = error.refused_field else {
            return;
        };
        self.leave_out(&field);
        self.recovery(Told {
            code: Some(field.clone()),
            message: Some(error.message),
            status: error.status,
            ..Told::new(RecoveryAction::FieldDropped, self.at.requests + 1)
        })
        .await;
        self.dropped.push(field);
    }

    fn leave_out(&mut self, field: &str) {
        if self.body.remove(field).is_some() {
            self.json = written(&self.body);
        }
    }

    pub(crate) fn is_tolerant(&self) -> bool {
        self.manner != Manner::Strict
    }

    /// Another strict request, or a tolerant one, instead of the stream that broke `violation`.
    async fn give_up(&mut self, next: Next, violation: Violation) {
        let action = match next {
            Next::FallBackRequest => {
                self.manner = Manner::Tolerant { judged: false };
                RecoveryAction::Fallback
            }
            _ => RecoveryAction::Retry,
        };
        self.refusal(action, &violation, self.at.requests + 1).await;
        self.refused.push(violation);
    }

    /// Prepares another request after an error, its wait included; or says why there is none.
    async fn again(&mut self, happened: Happened, error: &TurnError) -> Result<(), Stop> {
        let next = decide(self.policy, self.at, happened);
        tracing::debug!(?happened, ?next, at = ?self.at, "decided");
        let told = Told {
            code: Some(error.label()),
            message: Some(error.message.clone()),
            status: error.status,
            ..Told::new(RecoveryAction::Retry, self.at.requests + 1)
        };
        let wait = match next {
            Next::Stop(stop) => return Err(stop),
            Next::Retry(Wait::Asked(wait)) => wait,
            Next::Retry(Wait::Backoff(n)) => retry::backoff(n, &mut self.random),
            // The stream that the fallback had kept in hand died.
            _ => {
                self.at.fell_back = false;
                let action = RecoveryAction::Fallback;
                self.recovery(Told { action, ..told }).await;
                return Ok(());
            }
        };
        self.at.retries += 1;
        self.recovery(Told {
            wait: Some(wait),
            ..told
        })
        .await;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
        Ok(())
    }

    pub(crate) async fn refusal(
        &mut self,
        action: RecoveryAction,
        violation: &Violation,
        attempt: u32,
    ) {
        let code = violation.code.to_string();
        if !self.learnt.contains(&code) {
            self.learnt.push(code.clone());
        }
        self.recovery(Told {
            code: Some(code),
            message: Some(violation.message.clone()),
            event: Some(violation.event),
            ..Told::new(action, attempt)
        })
        .await;
    }

    async fn recovery(&mut self, told: Told) {
        tracing::debug!(
            action = told.action.as_str(),
            code = told.code,
            event = told.event,
            attempt = told.attempt,
            wait = ?told.wait,
            "recovery"
        );
        self.tell(TurnEvent::Recovery {
            action: told.action,
            code: told.code,
            message: self.shared.redactor.option(told.message),
            status: told.status,
            event: told.event,
            attempt: told.attempt,
            max_requests: self.policy.max_requests,
            wait: told.wait,
        })
        .await;
    }

    pub(crate) async fn notice(&mut self, text: &str) {
        self.tell(TurnEvent::Notice(self.shared.redactor.text(text)))
            .await;
    }

    pub(crate) async fn tell(&mut self, event: TurnEvent) {
        // Fails when the consumer is gone, and then this future is about to be dropped.
        let _ = self.events.send(event).await;
    }
}
