//! The upstreams: relays that answer each case as it says, and remember what they sent and how that ended.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use respair_faults::{
    Answer, BodyLength, Ended, Pace, Relay, RelayEvent, Request, Script, Step, Stream, ev,
};
use tokio::sync::watch;

use crate::case::{Ask, Case, HEADER, Moment, Pass};

/// Between the deltas of a stream.
const PACE: Duration = Duration::from_millis(1);

/// One answer that was begun.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// All that the script sends.
    pub(crate) sent: Bytes,
    /// How it ended; `None` while it is under way.
    pub(crate) ended: Option<Ended>,
    relay: u64,
    number: usize,
}

/// What the upstreams have done, by case.
#[derive(Default)]
pub(crate) struct Ledger {
    attempts: Mutex<HashMap<usize, Vec<Attempt>>>,
    changed: watch::Sender<()>,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Vec<Attempt>>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an answer; how many there were before it.
    fn begin(
        &self,
        case: usize,
        relay: u64,
        number: usize,
        script: impl FnOnce(bool) -> Script,
    ) -> Script {
        let mut attempts = self.lock();
        let attempts = attempts.entry(case).or_default();
        let script = script(attempts.is_empty());
        attempts.push(Attempt {
            sent: script.body(),
            ended: None,
            relay,
            number,
        });
        self.changed.send_replace(());
        script
    }

    fn end(&self, case: usize, relay: u64, number: usize, ended: Ended) {
        let mut attempts = self.lock();
        let attempts = attempts.get_mut(&case).into_iter().flatten();
        for attempt in attempts.filter(|attempt| (attempt.relay, attempt.number) == (relay, number))
        {
            attempt.ended = Some(ended);
        }
        self.changed.send_replace(());
    }

    /// Waits until the upstream has been asked.
    pub(crate) async fn begun(&self, case: usize) {
        self.wait(|attempts| attempts.contains_key(&case).then_some(()))
            .await;
    }

    /// Waits until every answer to the case has ended, and takes them out.
    pub(crate) async fn over(&self, case: usize) -> Vec<Attempt> {
        self.wait(|attempts| {
            let of = attempts.get(&case).map(Vec::as_slice).unwrap_or_default();
            let over = of.iter().all(|attempt| attempt.ended.is_some());
            over.then(|| attempts.remove(&case).unwrap_or_default())
        })
        .await
    }

    /// Waits until no answer is under way.
    pub(crate) async fn idle(&self) {
        self.wait(|attempts| {
            let mut all = attempts.values().flatten();
            all.all(|attempt| attempt.ended.is_some()).then_some(())
        })
        .await;
    }

    /// The cases whose answers are under way.
    pub(crate) fn under_way(&self) -> Vec<usize> {
        let attempts = self.lock();
        let open = attempts
            .iter()
            .filter(|(_, all)| all.iter().any(|attempt| attempt.ended.is_none()));
        open.map(|(case, _)| *case).collect()
    }

    async fn wait<T>(
        &self,
        mut find: impl FnMut(&mut HashMap<usize, Vec<Attempt>>) -> Option<T>,
    ) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            let found = find(&mut self.lock());
            if let Some(found) = found {
                return found;
            }
            // The sender lives in `self`.
            let _ = changed.changed().await;
        }
    }
}

fn case_of(request: &Request) -> Option<usize> {
    request.header(HEADER)?.parse().ok()
}

/// Answers cases.
struct Cases {
    seed: u64,
    relay: u64,
    ledger: Arc<Ledger>,
}

impl Answer for Cases {
    fn answer(&self, request: &Request) -> Script {
        let Some(number) = case_of(request) else {
            return Script::error(400, "invalid_request_error", None, "no case");
        };
        let case = Case::new(self.seed, number);
        self.ledger
            .begin(number, self.relay, request.number, |first| {
                let script = match &case.ask {
                    Ask::Stream(row) | Ask::Whole(row) => {
                        row.scenario
                            .saying(request, number, first, case.words.clone())
                    }
                    Ask::Left(moment) => left(&case, *moment),
                    Ask::Pass(_) | Ask::Refused(_) => {
                        Script::error(500, "server_error", None, "never to be asked")
                    }
                };
                let script = match case.chunk {
                    Some(size) if script.status_code() == 200 => script.in_chunks_of(size),
                    _ => script,
                };
                // What is no HTTP cannot be followed by another answer.
                if case.keep_alive && script.status_code() != 0 {
                    script.keep_alive()
                } else {
                    script
                }
            })
    }

    fn other(&self, request: &Request) -> Option<Script> {
        let case = Case::new(self.seed, case_of(request)?);
        let Ask::Pass(pass) = case.ask else {
            return None;
        };
        let bytes = match pass {
            Pass::Echo => request.body.clone(),
            _ => case.bytes().into(),
        };
        let script = Script::status(200)
            .header("content-type", "application/octet-stream")
            .header("x-request-id", &case.model());
        let script = match pass {
            Pass::Models => return None,
            Pass::Counted | Pass::Echo | Pass::Head => {
                script.length(BodyLength::Counted).send(bytes)
            }
            Pass::Chunked => script.send(bytes).in_chunks_of(case.chunk.unwrap_or(5000)),
            Pass::Cut => script.send(bytes).in_chunks_of(5000).cut(),
        };
        Some(if case.keep_alive {
            script.keep_alive()
        } else {
            script
        })
    }
}

/// A stream that only the reader's leaving ends.
fn left(case: &Case, moment: Moment) -> Script {
    let stream = Stream::new()
        .turn(case.number as u64 + 1)
        .model(&case.model())
        .prelude();
    match moment {
        Moment::InRequest => Script::stream(&stream),
        Moment::BeforeHead => Script::stream(&stream).before_head(Step::HoldOpen),
        Moment::InPrelude => Script::stream(&stream).hold_open(),
        Moment::InText(_) => {
            let stream = stream
                .push(ev::message_added())
                .push(ev::part_added())
                .extend(case.words.text().map(ev::text_delta));
            Script::stream(&stream).hold_open()
        }
    }
}

/// An upstream that can be restarted at its address.
pub(crate) struct Upstream {
    seed: u64,
    address: SocketAddr,
    ledger: Arc<Ledger>,
    relay: Option<Relay>,
    starts: u64,
}

impl Upstream {
    pub(crate) async fn start(seed: u64, ledger: &Arc<Ledger>) -> io::Result<Self> {
        let mut upstream = Self {
            seed,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ledger: Arc::clone(ledger),
            relay: None,
            starts: fastrand::u64(..) << 20,
        };
        upstream.up().await?;
        Ok(upstream)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn up(&mut self) -> io::Result<()> {
        self.starts += 1;
        let relay = self.starts;
        let answer = Cases {
            seed: self.seed,
            relay,
            ledger: Arc::clone(&self.ledger),
        };
        let ledger = Arc::clone(&self.ledger);
        let started = Relay::builder(answer)
            .listen(self.address)
            .pace(Pace(PACE))
            .watch(move |event| {
                if let RelayEvent::Ended { request, ended } = event
                    && let Some(case) = case_of(request)
                {
                    ledger.end(case, relay, request.number, *ended);
                }
            })
            .start()
            .await?;
        self.address = started.address();
        self.relay = Some(started);
        Ok(())
    }

    /// Breaks every connection, and is away for a moment.
    pub(crate) async fn restart(&mut self, away: Duration) -> io::Result<()> {
        if let Some(relay) = self.relay.take() {
            relay.shutdown().await;
        }
        tokio::time::sleep(away).await;
        self.up().await
    }
}

/// When the relay saw its peer leave.
pub(crate) fn left_at(attempts: &[Attempt]) -> Option<Instant> {
    let ended = attempts.iter().rev().find_map(|attempt| attempt.ended)?;
    match ended {
        Ended::PeerClosed(at) => Some(at),
        _ => None,
    }
}
