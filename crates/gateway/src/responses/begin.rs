//! Until the first output event nothing is committed: the upstream is asked, and asked again where that can help, and what it
//! says meanwhile is held.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use respair_client::ProviderKind;
use respair_client::wire::{self, Happened, Next, Policy, Progress, Redactor, Wait, decide};
use respair_core::{Class, EndOfBody, Ending, Event, EventKind, RetryVerdict};
use tokio::time::{Instant, sleep};

use super::Turn;
use super::failure::Failure;
use super::fold::{Folded, fold};
use super::reading::{Came, Reading, timers};
use crate::ongoing::Ongoing;
use crate::recorder::Side;
use crate::reply::Refusal;
use crate::request::{self, Outgoing};
use crate::upstream::Ready;
use crate::{Finish, pass};

/// How much of an upstream's error is passed on. Error pages are a few KiB.
const ERROR_BODY: usize = 1 << 20;

/// How much is held before the status is sent: lifecycle events echo instructions and tools.
const HELD: usize = 4 << 20;

/// A stream whose first output event has come.
pub(super) struct Begun {
    pub(super) reading: Reading,
    pub(super) held: Vec<Event>,
    /// The upstream's headers.
    pub(super) headers: HeaderMap,
}

/// The requests made for one turn.
pub(super) struct Beginning<'a> {
    turn: &'a Turn<'a>,
    policy: Policy,
    at: Progress,
    outgoing: Outgoing<'a>,
    random: fastrand::Rng,
}

/// An answer that claims success.
struct Answer {
    reading: Reading,
    headers: HeaderMap,
}

impl<'a> Beginning<'a> {
    pub(super) fn new(turn: &'a Turn<'a>) -> Self {
        Self {
            turn,
            policy: Policy::of(ProviderKind::Custom, &turn.upstream.endpoint.recovery),
            at: Progress::default(),
            outgoing: Outgoing::new(
                &turn.upstream.terms,
                &turn.prepared,
                turn.shared.clock.unix(),
            ),
            random: fastrand::Rng::new(),
        }
    }

    /// Asks until a stream has begun.
    pub(super) async fn stream(&mut self, ongoing: &mut Ongoing) -> Result<Begun, Failure> {
        loop {
            let failure = match self.ask(ongoing).await {
                Ok(answer) => match self.hold(answer, ongoing).await {
                    Ok(begun) => {
                        self.outgoing.accepted(self.turn.shared.clock.unix());
                        return Ok(begun);
                    }
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            let failure = self.mended(failure, ongoing);
            self.decide(failure).await?;
        }
    }

    /// Asks until there is a whole response.
    pub(super) async fn whole(&mut self, ongoing: &mut Ongoing) -> Result<Folded, Failure> {
        loop {
            let failure = match self.ask(ongoing).await {
                Ok(answer) => {
                    let folded = fold(self.turn, answer.reading, answer.headers, ongoing).await;
                    match folded {
                        Ok(folded) => match self.settled(&folded) {
                            Some(Ok(())) => return Ok(folded),
                            Some(Err(failure)) => return Err(failure),
                            None => continue,
                        },
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            let failure = self.mended(failure, ongoing);
            self.decide(failure).await?;
        }
    }

    /// Whether a whole response is the answer; `None` where it says that it failed for something that can be changed.
    fn settled(&mut self, folded: &Folded) -> Option<Result<(), Failure>> {
        let now = self.turn.shared.clock.unix();
        let Some(error) = &folded.failed else {
            self.outgoing.accepted(now);
            return Some(Ok(()));
        };
        let budget = self.at.requests < self.policy.max_requests;
        let refusal = request::refusal_of(error);
        match self
            .outgoing
            .refused(StatusCode::BAD_REQUEST, &refusal, now)
        {
            request::Next::Again if budget => None,
            request::Next::Stuck(which) => Some(Err(self.stuck(&which, &error.message))),
            _ => Some(Ok(())),
        }
    }

    /// One more request, after a wait; or the failure is the result.
    async fn decide(&mut self, failure: Failure) -> Result<(), Failure> {
        let next = decide(self.policy, self.at, failure.happened);
        tracing::debug!(?next, requests = self.at.requests, "no response yet");
        let longest = self.turn.shared.limits.retry_wait;
        let wait = match next {
            Next::Retry(Wait::Asked(wait)) if wait <= longest => wait,
            Next::Retry(Wait::Backoff(n)) if failure.asked_wait().is_none() => {
                wire::backoff(n, &mut self.random)
            }
            _ => return Err(failure),
        };
        self.at.retries += 1;
        tokio::select! {
            () = sleep(wait) => Ok(()),
            () = self.turn.shared.ending.cancelled() => Err(failure),
        }
    }

    /// One request, and what it leads to before its body.
    async fn ask(&mut self, ongoing: &mut Ongoing) -> Result<Answer, Failure> {
        let (turn, endpoint) = (self.turn, &self.turn.upstream.endpoint);
        self.at.requests += 1;
        ongoing.record.upstream_requests = self.at.requests;
        ongoing.record.request = self.outgoing.mends();
        let mut watch = timers(turn);
        let request = turn.upstream.http.request(Method::POST, turn.url.clone());
        let sending = request
            .headers(turn.headers.clone())
            .body(self.outgoing.body().clone())
            .send();
        let response = tokio::select! {
            biased;
            response = sending => response.map_err(|error| {
                Failure::unreachable(&wire::transport_error(error, endpoint, &turn.upstream.redactor))
            })?,
            expired = watch.expired() => {
                let why = watch.sentence(expired);
                let ending = Ending::Empty { cause: EndOfBody::Timeout };
                return Err(Failure::of_ending(&ending, Some(&why), &turn.upstream.redactor));
            }
            () = turn.shared.ending.cancelled() => {
                let ending = Ending::Empty { cause: EndOfBody::Interrupted };
                return Err(Failure::of_ending(&ending, Some("the gateway is stopping"), &turn.upstream.redactor));
            }
        };
        if let Some(refusal) = pass::redirected(response.status()) {
            let happened = Happened::Failed {
                verdict: RetryVerdict::Never,
                wait: None,
            };
            return Err(Failure::ours(happened, Finish::Failed, refusal));
        }
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let headers = response.headers().clone();
        let reading = Reading::new(turn, response, watch, self.outgoing.tools());
        Ok(Answer { reading, headers })
    }

    /// The upstream refused.
    async fn refused(&self, response: reqwest::Response) -> Failure {
        let upstream = self.turn.upstream;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = error_body(response, upstream.redactor.clone()).await;
        if let Some(tap) = &self.turn.tap {
            tap.answer(Side::Upstream, status.as_u16(), &body);
        }
        let now = self.turn.shared.clock.unix();
        let error = wire::read_refusal(
            status,
            &headers,
            &body,
            self.outgoing.body(),
            &upstream.endpoint,
            &upstream.redactor,
            now,
        );
        Failure::refused(status, &headers, redacted(body, upstream), &error)
    }

    /// Where the upstream says what it does not take, and that can be changed, the next request does so. Nothing was sent
    /// downstream yet, so it may as well say it in a stream.
    fn mended(&mut self, mut failure: Failure, ongoing: &mut Ongoing) -> Failure {
        let Some((status, body)) = failure.said.take() else {
            return failure;
        };
        let now = self.turn.shared.clock.unix();
        match self.outgoing.refused(status, &body, now) {
            request::Next::Told => failure,
            request::Next::Again => {
                failure.happened = Happened::Failed {
                    verdict: RetryVerdict::Retry,
                    wait: Some(Duration::ZERO),
                };
                failure
            }
            request::Next::Stuck(which) => {
                ongoing.record.request = self.outgoing.mends();
                self.stuck(&which, failure.message())
            }
        }
    }

    /// A tool is refused that must not be lost: said with its name and the upstream's.
    fn stuck(&self, which: &str, said: &str) -> Failure {
        let message = format!(
            "the upstream `{}` does not take the tool {which}; it says: {}",
            self.turn.upstream.name,
            self.turn.upstream.redactor.text(said)
        );
        let mut refusal = Refusal::new(
            StatusCode::BAD_REQUEST,
            "tool_not_supported",
            wire::one_line(&message),
        );
        refusal.param = Some("tools".to_owned());
        let happened = Happened::Failed {
            verdict: RetryVerdict::Never,
            wait: None,
        };
        Failure::ours(happened, Finish::Refused, refusal)
    }

    /// Reads on until the first output event, as long as that may take; an ending before it is no stream yet.
    async fn hold(&self, answer: Answer, ongoing: &mut Ongoing) -> Result<Begun, Failure> {
        let Answer {
            mut reading,
            headers,
        } = answer;
        let limits = self.turn.shared.limits;
        let mut held: Vec<Event> = Vec::new();
        let mut size = 0;
        let mut commit: Option<(Instant, bool)> = None;
        loop {
            let by = commit
                .map(|(at, _)| at)
                .filter(|_| !reading.reader.is_draining());
            let came = reading.next_until(by).await;
            if reading.began {
                ongoing.first_byte();
            }
            match came {
                Some(Came::Event(event)) => {
                    size += event.raw().len();
                    let decides = is_output(event.kind());
                    let lifecycle = event.kind().class() == Class::Prelude;
                    held.push(event);
                    if decides || size > HELD {
                        return Ok(Begun {
                            reading,
                            held,
                            headers,
                        });
                    }
                    let now = Instant::now();
                    match commit {
                        None if lifecycle => commit = Some((now + limits.commit_after, true)),
                        None => commit = Some((now + limits.commit_after_comments, false)),
                        Some((at, false)) if lifecycle => {
                            commit = Some((at.min(now + limits.commit_after), true))
                        }
                        Some(_) => {}
                    }
                }
                Some(Came::Due) => {
                    return Ok(Begun {
                        reading,
                        held,
                        headers,
                    });
                }
                Some(Came::Ended(how)) => {
                    return Err(Failure::of_ending(
                        &how,
                        reading.why.as_deref(),
                        &self.turn.upstream.redactor,
                    ));
                }
                None => {
                    let how = Ending::Empty {
                        cause: EndOfBody::Eof,
                    };
                    return Err(Failure::of_ending(&how, None, &self.turn.upstream.redactor));
                }
            }
        }
    }
}

/// Whether an event of this kind settles that the status is 200: output, or an ending that is no failure.
fn is_output(kind: EventKind) -> bool {
    !matches!(
        kind.class(),
        Class::Prelude | Class::Comment | Class::Sentinel | Class::Error | Class::Junk
    ) && kind != EventKind::Failed
}

/// The body of a refusal, as far as it comes soon: its status says enough in any case.
async fn error_body(response: reqwest::Response, redactor: Redactor) -> Bytes {
    let headers = response.headers().clone();
    let bytes = response
        .bytes_stream()
        .map_err(move |error| wire::body_error(error, &redactor));
    let mut body = wire::Body::new(&headers, bytes);
    let mut whole = BytesMut::new();
    let read = async {
        while let Some(Ok(chunk)) = body.next().await {
            whole.extend_from_slice(&chunk);
            if whole.len() >= ERROR_BODY {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(wire::BODY_PATIENCE, read).await;
    whole.freeze()
}

/// Without the configured key, which upstreams echo: it is not the client's.
fn redacted(body: Bytes, upstream: &Ready) -> Bytes {
    match std::str::from_utf8(&body) {
        Ok(text) if !upstream.headers.is_empty() => upstream.redactor.text(text).into(),
        _ => body,
    }
}
