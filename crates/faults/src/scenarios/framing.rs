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

/// A frame like this behind each event but the prelude's.
fn with_frames(turn: &Turn, frame: &'static str) -> Script {
    let evs = turn.everything().evs().into_iter().enumerate();
    Script::stream(&raw(evs
        .flat_map(|(at, event)| {
            let behind = (at > 1).then(|| ev::bytes(frame.as_bytes()));
            [Some(event), behind]
        })
        .flatten()
        .collect()))
}

pub(super) fn data_garbage_frame(turn: &Turn) -> Script {
    with_frames(turn, "data: { \"wrong format\"\n\n")
}

pub(super) fn data_null_frame(turn: &Turn) -> Script {
    with_frames(turn, "data: null\n\n")
}

pub(super) fn empty_data_frames(turn: &Turn) -> Script {
    with_frames(turn, "data:\n\n")
}

pub(super) fn empty_data_event_frames(turn: &Turn) -> Script {
    with_frames(turn, "event: keepalive\ndata:\n\n")
}

pub(super) fn event_only_frames(turn: &Turn) -> Script {
    with_frames(turn, "event: keepalive\n\n")
}

/// 6.12.
pub(super) fn single_newline_frames(turn: &Turn) -> Script {
    framed(turn, Framing::NO_BLANK_LINE)
}

pub(super) fn data_before_event(turn: &Turn) -> Script {
    framed(turn, Framing::DATA_FIRST)
}

pub(super) fn data_no_space(turn: &Turn) -> Script {
    framed(turn, Framing::NO_SPACE)
}

pub(super) fn multiline_data(turn: &Turn) -> Script {
    framed(turn, Framing::MULTI_LINE)
}

fn framed(turn: &Turn, framing: Framing) -> Script {
    Script::stream(&turn.everything().map(|ev| ev.framing(framing)))
}

pub(super) fn event_line_wrong(turn: &Turn) -> Script {
    Script::stream(&turn.everything().map(|ev| ev.event_name(Some("message"))))
}

pub(super) fn id_retry_fields(turn: &Turn) -> Script {
    let stream = turn.everything().map(|ev| ev.id_line("7"));
    Script::stream(&stream.insert(0, ev::bytes(&b"retry: 3000\n\n"[..])))
}

pub(super) fn one_chunk(turn: &Turn) -> Script {
    Script::sse().send(turn.everything().to_bytes())
}

/// Text beyond ASCII, with chunks that end within its characters.
pub(super) fn utf8_split(turn: &Turn) -> Script {
    let stream = turn.stream().prelude().message(UNICODE).complete();
    Script::stream(&stream).in_chunks_of(1)
}

/// The whole answer in one delta of 8 MB.
pub(super) fn huge_delta(turn: &Turn) -> Script {
    let text = "Hello. ".repeat(HUGE);
    Script::stream(&turn.stream().prelude().message([text.as_str()]).complete())
}

/// How often [`huge_delta`] says its word.
pub(super) const HUGE: usize = 1_200_000;
/// What [`utf8_split`] says, in two deltas.
const UNICODE: [&str; 2] = ["Grüße, 世", "界 \u{1f44b}"];

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
