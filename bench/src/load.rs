//! The load: many requests at once, each read to its end, every delta's delay taken, every gap and every lack told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use memchr::memmem;

use crate::chunked::Chunked;
use crate::stream::MARK;
use crate::{Failure, now};

const STACK: usize = 128 << 10;

/// What is read at once: more than a proxy writes at once.
const READ: usize = 32 << 10;

/// How long a stream may say nothing before it counts as lost.
const SILENCE: Duration = Duration::from_secs(60);

/// What is asked of the upstream, for one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Deltas.
    pub(crate) events: u64,
    /// Microseconds from one to the next; 0: as fast as it goes.
    pub(crate) gap: u64,
    /// In a shape that has to be mended.
    pub(crate) deviant: bool,
}

impl Ask {
    /// From `KEY=N` pairs; what they do not say stays as it is by default, and other keys are another's.
    pub(crate) fn from_pairs<'a>(pairs: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut ask = Self {
            events: 100,
            gap: 20_000,
            deviant: false,
        };
        for (key, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            let number = || {
                let parsed: Result<u64, _> = value.parse();
                parsed.map_err(|_| format!("`{key}` is no number: `{value}`"))
            };
            match key {
                "events" => ask.events = number()?,
                "gap" => ask.gap = number()?,
                "deviant" => ask.deviant = number()? != 0,
                _ => {}
            }
        }
        Ok(ask)
    }

    fn query(self) -> String {
        let Self {
            events,
            gap,
            deviant,
        } = self;
        format!("events={events}&gap={gap}&deviant={}", u8::from(deviant))
    }
}

/// What a load has come to.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Streams that were whole, in order and completed.
    pub(crate) whole: u64,
    /// What was wrong with the others, one line each.
    pub(crate) wrong: Vec<String>,
    /// Deltas that came.
    pub(crate) events: u64,
    /// Nanoseconds from written to read, sorted.
    pub(crate) delays: Vec<u64>,
    /// Nanoseconds from the first request to the last end.
    pub(crate) wall: u64,
}

impl Seen {
    /// The delay that this share of all deltas had at most, in nanoseconds.
    pub(crate) fn delay(&self, share: f64) -> u64 {
        let last = self.delays.len().saturating_sub(1);
        // Rounding to the nearest rank; far below 2^52.
        let rank = (last as f64 * share).round() as usize;
        self.delays.get(rank).copied().unwrap_or(0)
    }
}

/// A load under way.
pub(crate) struct Load {
    threads: Vec<JoinHandle<()>>,
    seen: Arc<Mutex<Seen>>,
    /// Streams whose first delta has come.
    begun: Arc<AtomicU64>,
    started: u64,
}

impl Load {
    /// Asks `to` for so many streams, one connection each.
    pub(crate) fn start(to: SocketAddr, streams: u64, ask: Ask) -> Result<Self, Failure> {
        let mut load = Self {
            threads: Vec::new(),
            seen: Arc::default(),
            begun: Arc::default(),
            started: now(),
        };
        for _ in 0..streams {
            let (seen, begun) = (Arc::clone(&load.seen), Arc::clone(&load.begun));
            let run = move || {
                let mut one = One::default();
                let outcome = one.run(to, ask, &begun);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.events += one.delays.len() as u64;
                seen.delays.append(&mut one.delays);
                match outcome {
                    Ok(()) => seen.whole += 1,
                    Err(error) => seen.wrong.push(error.to_string()),
                }
            };
            let thread = thread::Builder::new().stack_size(STACK).spawn(run)?;
            load.threads.push(thread);
        }
        Ok(load)
    }

    /// Streams whose first delta has come.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether every stream has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for all of them.
    pub(crate) fn wait(self) -> Result<Seen, Failure> {
        for thread in self.threads {
            thread.join().map_err(|_| "a reader panicked")?;
        }
        let mut seen =
            std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        seen.wall = now() - self.started;
        seen.delays.sort_unstable();
        Ok(seen)
    }
}

/// One stream being read.
#[derive(Default)]
struct One {
    delays: Vec<u64>,
    completed: bool,
    /// What was read of the body and not looked at yet.
    held: Vec<u8>,
}

impl One {
    fn run(&mut self, to: SocketAddr, ask: Ask, begun: &AtomicU64) -> Result<(), Failure> {
        let mut socket = TcpStream::connect(to)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(SILENCE))?;
        let body = r#"{"model":"bench","input":"Count.","stream":true}"#;
        let request = format!(
            "POST /v1/responses?{} HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n\
             content-length: {}\r\n\r\n{body}",
            ask.query(),
            body.len()
        );
        socket.write_all(request.as_bytes())?;
        let mut buffer = vec![0; READ];
        let mut head = Vec::new();
        let (mut chunked, mut over) = (Chunked::default(), false);
        let mut in_body = false;
        while !over {
            let read = socket.read(&mut buffer)?;
            let at = now();
            if read == 0 {
                return Err(format!("cut after {} deltas", self.delays.len()).into());
            }
            let mut bytes = &buffer[..read];
            if !in_body {
                head.extend_from_slice(bytes);
                let Some(end) = memmem::find(&head, b"\r\n\r\n") else {
                    continue;
                };
                if !head.starts_with(b"HTTP/1.1 200 ") {
                    return Err(String::from_utf8_lossy(&head).into());
                }
                bytes = &buffer[read - (head.len() - end - 4)..read];
                in_body = true;
            }
            over = chunked.read(bytes, &mut self.held)?;
            let before = self.delays.len();
            self.look(at)?;
            if before == 0 && !self.delays.is_empty() {
                begun.fetch_add(1, Ordering::Relaxed);
            }
        }
        match (self.completed, self.delays.len() as u64 == ask.events) {
            (true, true) => Ok(()),
            (false, _) => Err("not completed".into()),
            (true, false) => Err(format!("{} of {} deltas", self.delays.len(), ask.events).into()),
        }
    }

    /// Finds the deltas of what was read at `at`, and keeps what is not whole yet.
    fn look(&mut self, at: u64) -> Result<(), Failure> {
        let mut done = 0;
        while let Some(end) = memmem::find(&self.held[done..], b"\n\n") {
            let block = &self.held[done..done + end];
            done += end + 2;
            if let Some(mark) = memmem::find(block, MARK) {
                let (written, ordinal) =
                    stamp(&block[mark + MARK.len()..]).ok_or("a delta without its time")?;
                if ordinal != self.delays.len() as u64 {
                    return Err(
                        format!("delta {ordinal} where {} was due", self.delays.len()).into(),
                    );
                }
                self.delays.push(at.saturating_sub(written));
            } else if block.starts_with(b"event: response.completed\n") {
                self.completed = true;
            }
        }
        self.held.drain(..done);
        Ok(())
    }
}

/// `TIME#ORDINAL`, in fixed widths.
fn stamp(text: &[u8]) -> Option<(u64, u64)> {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse().ok();
    match (text.get(..19), text.get(19), text.get(20..28)) {
        (Some(time), Some(b'#'), Some(ordinal)) => Some((number(time)?, number(ordinal)?)),
        _ => None,
    }
}

pub(crate) fn command(args: &[String]) -> Result<(), Failure> {
    let (to, pairs) = args.split_first().ok_or("the address to ask is missing")?;
    let ask = Ask::from_pairs(pairs.iter().map(String::as_str))?;
    let streams = pairs.iter().find_map(|pair| pair.strip_prefix("streams="));
    let streams = streams.map_or(Ok(64), str::parse)?;
    let seen = Load::start(to.parse()?, streams, ask)?.wait()?;
    let per_second = seen.events as f64 / (seen.wall as f64 / 1e9);
    println!(
        "{} of {streams} streams whole, {} deltas, {per_second:.0} a second; p50 {} µs, p99 {} µs",
        seen.whole,
        seen.events,
        seen.delay(0.5) / 1_000,
        seen.delay(0.99) / 1_000,
    );
    match seen.wrong.first() {
        Some(wrong) => Err(wrong.as_str().into()),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    #[test]
    fn deltas_are_found_in_any_pieces_and_a_lost_one_is_missed() {
        let mut stream = Stream::new(false);
        let mut wire = stream.beginning();
        let mut blocks = Vec::new();
        for n in 0..3 {
            let mut block = Vec::new();
            stream.delta(&mut block, 1_000 + n);
            wire.extend_from_slice(&block);
            blocks.push(block);
        }
        wire.extend(stream.ending());
        let mut one = One::default();
        for byte in wire {
            one.held.push(byte);
            one.look(5_000).unwrap();
        }
        assert_eq!(one.delays, [4_000, 3_999, 3_998]);
        assert!(one.completed && one.held.is_empty());

        let held = [&blocks[0][..], &blocks[2][..]].concat();
        let mut one = One {
            held,
            ..One::default()
        };
        let lost = one.look(5_000).unwrap_err().to_string();
        assert_eq!(lost, "delta 2 where 1 was due");
    }

    #[test]
    fn an_ask_survives_its_query() {
        let ask = Ask {
            events: 7,
            gap: 0,
            deviant: true,
        };
        assert_eq!(Ask::from_pairs(ask.query().split('&')), Ok(ask));
        assert!(Ask::from_pairs(["events=x"].into_iter()).is_err());
    }
}
