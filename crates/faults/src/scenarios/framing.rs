//! The same events in other bytes: DEVIATIONS 4.8, 6.10 to 6.15.

use std::time::Duration;

use bytes::Bytes;

use super::{Turn, prelude};
use crate::ev::{self, Ev, Framing};
use crate::script::{Script, Step};
use crate::stream::Stream;

pub(super) fn crlf(turn: &Turn) -> Script {
    Script::stream(&turn.text().map(|ev| ev.framing(Framing::CRLF)))
}

pub(super) fn bare_cr(turn: &Turn) -> Script {
    Script::stream(&turn.text().map(|ev| ev.framing(Framing::CR)))
}

pub(super) fn bom(turn: &Turn) -> Script {
    Script::stream(&turn.text().insert(0, ev::bytes(&b"\xef\xbb\xbf"[..])))
}

pub(super) fn comments(turn: &Turn) -> Script {
    Script::stream(&interleaved(&turn.text(), |_| ev::comment("keep-alive")))
}

pub(super) fn no_event_names(turn: &Turn) -> Script {
    Script::stream(&turn.text().map(Ev::no_event_line))
}

/// 4.8: the block that WHATWG says not to dispatch.
pub(super) fn no_final_blank_line(turn: &Turn) -> Script {
    Script::stream(
        &turn
            .text()
            .map_type("response.completed", |ev| ev.framing(Framing::UNTERMINATED)),
    )
}

/// 6.15.
pub(super) fn junk_frames(turn: &Turn) -> Script {
    const JUNK: [&str; 4] = ["{ \"wrong format\"", "null", "", "[1, 2]"];
    let stream = turn.text();
    // Behind the prelude, so that it is the junk that is judged and not the order.
    let (prelude, rest) = (stream.clone().take(2), stream.evs().into_iter().skip(2));
    let junk = |at: usize| ev::data(JUNK[at % JUNK.len()]);
    let mut evs = prelude.evs();
    for (at, event) in rest.enumerate() {
        evs.extend([junk(at), event]);
    }
    Script::stream(&raw(evs))
}

pub(super) fn tiny_chunks(turn: &Turn) -> Script {
    prelude::no_created(turn).in_chunks_of(1)
}

/// For the limits: 64 KiB a chunk, for ever, and not one line ending.
pub(super) fn endless_frame(turn: &Turn) -> Script {
    let step = Step::Repeat {
        bytes: Bytes::from(vec![b'x'; 64 * 1024]),
        every: Duration::ZERO,
        times: None,
    };
    Script::stream(&turn.text().take(2))
        .send("event: response.output_text.delta\ndata: {\"delta\":\"")
        .step(step)
}

/// A stream with something before each event.
fn interleaved(stream: &Stream, between: impl Fn(usize) -> Ev) -> Stream {
    let evs = stream.evs().into_iter().enumerate();
    raw(evs.flat_map(|(at, event)| [between(at), event]).collect())
}

/// A stream of events that agree already.
fn raw(evs: Vec<Ev>) -> Stream {
    evs.into_iter()
        .enumerate()
        .fold(Stream::new(), |stream, (at, ev)| stream.insert(at, ev))
}
