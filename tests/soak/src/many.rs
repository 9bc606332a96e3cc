//! As many slow streams at once as descriptors allow: all of them open before any goes on, each judged byte by byte as it comes.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use respair_faults::{Answer, Gate, Relay, Request, Script, Step, Stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::Held;
use crate::case::{HEADER, To};
use crate::gateway::Gateway;
use crate::wire::Wire;

/// Descriptors that are no stream's.
const SPARE: u64 = 100;

/// Connections that are being made at once: a listener's queue is shorter than the streams are many.
const CONNECTING: usize = 200;

/// The longest wait between two events.
const LONGEST: u64 = 3000;

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Many {
    /// Streams at once.
    pub(crate) streams: usize,
    /// What the limit is.
    pub(crate) descriptors: u64,
    pub(crate) failures: Vec<String>,
    /// Events, and bytes of bodies.
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    /// Before, with all open, and after.
    pub(crate) before: Held,
    pub(crate) during: Held,
    pub(crate) after: Held,
}

/// Raises the limit of descriptors as far as it may be; what it is then. Child processes inherit it.
pub(crate) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum.unwrap_or(u64::MAX),
        Err(_) => limit.current.unwrap_or(u64::MAX),
    }
}

struct Slow {
    seed: u64,
    gate: Gate,
    /// Waits behind the gate are this many times as long, in percent.
    pace: u64,
}

fn stream(seed: u64, number: usize) -> Stream {
    let mut dice = Rng::with_seed(seed ^ !(number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let words: Vec<String> = (0..dice.usize(8..24))
        .map(|n| {
            let length = dice.usize(..40);
            let filler: String = (0..length).map(|_| dice.lowercase()).collect();
            format!(" c{number}.{n}{filler}")
        })
        .collect();
    Stream::new()
        .turn(number as u64 + 1)
        .model(&format!("soak-{number}"))
        .prelude()
        .message(words.iter().map(String::as_str))
        .complete()
}

impl Answer for Slow {
    fn answer(&self, request: &Request) -> Script {
        let number = request
            .header(HEADER)
            .and_then(|number| number.parse().ok());
        let number = number.unwrap_or(usize::MAX);
        let mut dice = Rng::with_seed(number as u64);
        let mut script = Script::sse();
        let stream = stream(self.seed, number);
        let first = stream.position("response.output_text.delta");
        for (at, frame) in stream.frames().into_iter().enumerate() {
            script = script.send(frame);
            if Some(at) == first {
                script = script.gate(&self.gate);
            }
            if Some(at) >= first {
                script = script.step(Step::Delay(Duration::from_millis(
                    dice.u64(..LONGEST) * self.pace / 100,
                )));
            }
        }
        script
    }
}

/// So many streams, or as many as there can be; `pace` in percent of the longest waits.
pub(crate) async fn run(binary: &Path, seed: u64, wanted: usize, pace: u64) -> io::Result<Many> {
    let descriptors = raise_limit();
    // The gateway has two for each stream; so has this process, being client and upstream.
    let most = usize::try_from(descriptors.saturating_sub(SPARE) / 2).unwrap_or(usize::MAX);
    let streams = wanted.min(most);
    let gate = Gate::new();
    let slow = Slow {
        seed,
        gate: gate.clone(),
        pace,
    };
    let relay = Relay::start(slow).await?;
    let gateway = Gateway::start(binary, &[(To::Steady, relay.address())])?;
    let mut seen = Many {
        streams,
        descriptors,
        before: gateway.settle().await?,
        ..Many::default()
    };
    let (open, opened) = watch::channel(0);
    let connecting = Arc::new(Semaphore::new(CONNECTING));
    let mut tasks = JoinSet::new();
    for number in 0..streams {
        let client = Client {
            gateway: gateway.address(),
            body: stream(seed, number).to_bytes(),
            number,
            open: open.clone(),
        };
        tasks.spawn(client.run(Arc::clone(&connecting)));
    }
    let mut opened = opened;
    tokio::select! {
        _ = opened.wait_for(|open| *open == streams) => {}
        // One ended before it began: the others are told to go on, and it is told below.
        Some(ended) = tasks.join_next() => seen.note(ended)?,
    }
    seen.during = gateway.held()?;
    gate.open();
    while let Some(ended) = tasks.join_next().await {
        seen.note(ended)?;
    }
    relay.shutdown().await;
    seen.after = gateway.settle().await?;
    seen.failures.extend(gateway.odd_lines());
    Ok(seen)
}

impl Many {
    fn note(
        &mut self,
        ended: Result<Result<(u64, u64), String>, tokio::task::JoinError>,
    ) -> io::Result<()> {
        match ended.map_err(io::Error::other)? {
            Ok((events, bytes)) => {
                self.events += events;
                self.bytes += bytes;
            }
            Err(why) => self.failures.push(why),
        }
        Ok(())
    }
}

struct Client {
    gateway: SocketAddr,
    number: usize,
    /// What has to come.
    body: Bytes,
    open: watch::Sender<usize>,
}

impl Client {
    async fn run(self, connecting: Arc<Semaphore>) -> Result<(u64, u64), String> {
        let number = self.number;
        self.read(connecting)
            .await
            .map_err(|why| format!("stream {number}: {why}"))
    }

    /// Events and bytes, where every byte was right.
    async fn read(self, connecting: Arc<Semaphore>) -> Result<(u64, u64), String> {
        const HEARTBEAT: &[u8] = b": respair\n\n";
        let said = |error: io::Error| error.to_string();
        let permit = connecting.acquire_owned().await;
        let mut wire = Wire::connect(self.gateway, None).await.map_err(said)?;
        let body =
            json!({"model": format!("soak-{}", self.number), "input": "Say it.", "stream": true})
                .to_string();
        let head = format!(
            "POST /v1/responses HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{HEADER}: {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.gateway,
            self.number,
            body.len()
        );
        wire.send(head.as_bytes()).await.map_err(said)?;
        let head = wire.head().await.map_err(said)?;
        if head.status != 200 {
            return Err(format!("status {}", head.status));
        }
        drop(permit);
        let mut framing = head.framing("POST");
        let (mut at, mut events, mut counted) = (0, 0, false);
        while let Some(chunk) = wire.next(&mut framing).await.map_err(said)? {
            if chunk == HEARTBEAT {
                continue;
            }
            if !self.body[at..].starts_with(&chunk) {
                let shown = String::from_utf8_lossy(&chunk);
                return Err(format!(
                    "another byte within {at}..{}: {shown}",
                    at + chunk.len()
                ));
            }
            at += chunk.len();
            events += 1;
            if !counted && chunk.starts_with(b"event: response.output_text.delta\n") {
                counted = true;
                self.open.send_modify(|open| *open += 1);
            }
        }
        if at != self.body.len() {
            return Err(format!("{at} of {} bytes", self.body.len()));
        }
        Ok((events, at as u64))
    }
}
