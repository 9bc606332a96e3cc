//! One request of a turn: sent, and its stream read to where it ends or is given up.

use std::io;

use bytes::Bytes;
use respair_core::{EndOfBody, Ending, RequestFacts, RetryVerdict, Violation};
use tokio::time::{Instant, sleep_until};

use crate::attempt::{self, Answer};
use crate::body::Body;
use crate::clock::Clock;
use crate::closing;
use crate::drive::Driver;
use crate::outcome::RecoveryAction;
use crate::reading::{Given, Manner, Reading};
use crate::recovery::{Happened, Next, decide};
use crate::trace::TraceBody;
use crate::transport::Break;
use crate::watch::Watch;
use crate::{TurnError, TurnEvent};

/// How one request ended.
pub(crate) enum End {
    /// The stream ended, with what is known about how its body did.
    Stream(Reading, Ending, Option<Why>),
    /// The strict reading refused an event, and that is the result.
    Refused(Reading, Violation),
    /// The same, and another request is made instead.
    GivenUp(Next, Violation),
    /// There is no stream.
    Error(TurnError),
    /// The consumer cancelled.
    Interrupted(Option<Reading>),
}

/// What came from the socket.
enum Came {
    Bytes(Bytes),
    /// The body is over, and why, where there is more to say than the cause itself.
    Over(EndOfBody, Option<Why>),
}

/// Why a body is over.
pub(crate) enum Why {
    /// The connection broke.
    Broke(Break),
    /// Something else, as a sentence.
    Said(String),
}

impl Why {
    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        if let Some(broke) = inner {
            return Self::Broke(*broke);
        }
        // The connection is well: what came does not decompress.
        tracing::debug!(%error, "the body does not decode");
        Self::Said(match error.kind() {
            io::ErrorKind::UnexpectedEof => "the compressed body ends too early".to_owned(),
            _ => "the compressed body cannot be decompressed".to_owned(),
        })
    }
}

/// Where the reading of a stream stops.
enum Halt {
    Ended(Ending),
    Refused(Violation),
    GivenUp(Next, Violation),
}

impl Driver<'_> {
    /// One request and its answer. What it holds open closes when this returns.
    pub(crate) async fn request(&mut self) -> End {
        let (shared, cancel) = (self.shared, self.cancel.clone());
        let mut watch = Watch::start(shared.clock.as_ref(), &shared.endpoint.timeouts);
        let answer = tokio::select! {
            biased;
            () = cancel.cancelled() => return End::Interrupted(None),
            answer = attempt::send(shared, self.json.clone(), self.at.requests) => answer,
            expired = watch.expired() => {
                let message = watch.sentence(expired);
                return End::Error(TurnError::local("empty_stream", message, RetryVerdict::Retry));
            }
        };
        match answer {
            Answer::Error(error) => End::Error(error),
            Answer::Body {
                body,
                request_id,
                cf_ray,
            } => {
                (self.request_id, self.cf_ray) = (request_id, cf_ray);
                self.read(body, watch).await
            }
        }
    }

    async fn read(&mut self, mut body: Body, mut watch: Watch<&dyn Clock>) -> End {
        let mut trace = self.trace().await;
        let entropy = u128::from(self.random.u64(..)) << 64 | u128::from(self.random.u64(..));
        // What a response echoes and this one may leave out: from the very body that was sent.
        let mut request = RequestFacts::from_json(&self.json).unwrap_or_default();
        request.model.get_or_insert_with(|| self.model.clone());
        let mut reading = Reading::new(self.shared, self.manner, request, entropy);
        // After an `error` event: when to stop waiting for the `response.failed` that may follow.
        let mut drained = None;
        loop {
            if drained.is_none() && reading.reader.is_draining() {
                drained = Some(Instant::now() + self.shared.endpoint.limits.drain);
            }
            let why = match self.next(&mut body, &mut watch, drained).await {
                Came::Bytes(chunk) => {
                    if let Some(finding) = body.take_finding() {
                        self.notice(&finding).await;
                    }
                    if let Some(error) = trace.as_mut().and_then(|trace| trace.push(&chunk).err()) {
                        trace = None;
                        self.trace_failed(&error).await;
                    }
                    reading.push(chunk);
                    None
                }
                Came::Over(EndOfBody::Interrupted, _) => {
                    // The socket first; then what is in hand.
                    drop(body);
                    reading.finish(EndOfBody::Interrupted);
                    self.give(&mut reading, &mut watch).await;
                    return End::Interrupted(Some(reading));
                }
                Came::Over(cause, why) => {
                    reading.finish(cause);
                    why
                }
            };
            match self.give(&mut reading, &mut watch).await {
                None => {}
                Some(Halt::Ended(ending)) => {
                    closing::drain(body, trace, self.shared.endpoint.limits.drain);
                    return End::Stream(reading, ending, why);
                }
                Some(Halt::Refused(violation)) => return End::Refused(reading, violation),
                Some(Halt::GivenUp(next, violation)) => return End::GivenUp(next, violation),
            }
        }
    }

    /// Waits for bytes, for the end of the body, or for a reason to end it ourselves.
    async fn next(
        &self,
        body: &mut Body,
        watch: &mut Watch<&dyn Clock>,
        drained: Option<Instant>,
    ) -> Came {
        let mut received = body.received();
        loop {
            let came = tokio::select! {
                biased;
                () = self.cancel.cancelled() => Came::Over(EndOfBody::Interrupted, None),
                chunk = body.next() => match chunk {
                    Some(Ok(chunk)) => {
                        watch.on_bytes();
                        Came::Bytes(chunk)
                    }
                    Some(Err(error)) => Came::Over(EndOfBody::Reset, Some(Why::of(&error))),
                    None => Came::Over(EndOfBody::Eof, None),
                },
                () = sleep_until(drained.unwrap_or_else(Instant::now)), if drained.is_some() => {
                    Came::Over(EndOfBody::Drained, None)
                }
                expired = watch.expired() => {
                    if body.received() > received {
                        // Bytes came that a decoder still holds.
                        received = body.received();
                        watch.on_bytes();
                        continue;
                    }
                    Came::Over(EndOfBody::Timeout, Some(Why::Said(watch.sentence(expired))))
                }
            };
            return came;
        }
    }

    /// Gives the consumer what the reading has, and takes over where that is the answer to a violation.
    async fn give(&mut self, reading: &mut Reading, watch: &mut Watch<&dyn Clock>) -> Option<Halt> {
        let mut given = Vec::new();
        while reading.poll(&mut given) {
            for item in given.drain(..) {
                match item {
                    Given::Event(event) => {
                        // An item that was opened shows nothing yet.
                        self.at.delivered |= !matches!(event, TurnEvent::ItemAdded { .. });
                        self.tell(event).await;
                    }
                    Given::Ended(ending) => return Some(Halt::Ended(ending)),
                    Given::Refused(violation) => {
                        if let Some(halt) = self.refuse(reading, violation).await {
                            return Some(halt);
                        }
                    }
                }
            }
        }
        if reading.take_progress() {
            watch.on_progress();
        }
        None
    }

    /// The strict reading refused an event: reads on tolerantly, or says why not.
    async fn refuse(&mut self, reading: &mut Reading, violation: Violation) -> Option<Halt> {
        self.at.delivered |= reading.reader.delivered();
        let prelude = violation.is_prelude_order();
        let next = decide(self.policy, self.at, Happened::Refused { prelude });
        tracing::debug!(code = %violation.code, event = violation.event, ?next, "event refused");
        let action = match next {
            Next::Stop(_) => return Some(Halt::Refused(violation)),
            Next::FallBackInHand => RecoveryAction::Fallback,
            Next::TakeOver => RecoveryAction::Takeover,
            _ => return Some(Halt::GivenUp(next, violation)),
        };
        self.at.fell_back |= action == RecoveryAction::Fallback;
        self.manner = Manner::Tolerant { judged: false };
        self.refusal(action, &violation, self.at.requests).await;
        reading.take_over();
        None
    }

    async fn trace(&mut self) -> Option<TraceBody> {
        let trace = self.shared.options.trace.as_ref()?;
        let (body, begun) = trace.body(self.at.requests, &self.shared.redactor);
        match begun {
            Ok(()) => Some(body),
            Err(error) => {
                self.trace_failed(&error).await;
                None
            }
        }
    }

    async fn trace_failed(&mut self, error: &io::Error) {
        self.notice(&format!(
            "the trace ends here, it cannot be written: {error}"
        ))
        .await;
    }
}
