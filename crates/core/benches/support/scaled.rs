//! Short streams made long: each delta comes many times, with what is odd about it.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use bytes::Bytes;
use respair_core::sse::{Decoder, Frame};
use respair_core::{Class, Event};

/// `body` with each of its deltas `times` times, and the numbers moved on where there are any.
pub fn scaled(body: &[u8], times: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() * times);
    let mut more = 0;
    for frame in frames(body) {
        let delta = matches!(
            Event::read(frame.clone()).kind().class(),
            Class::TextDelta | Class::CallDelta
        );
        for turn in 0..if delta { times } else { 1 } {
            more += u64::from(turn > 0);
            out.extend_from_slice(&moved_on(frame.raw(), more));
        }
    }
    out
}

/// The frames of a body, the last one too.
pub fn frames(body: &[u8]) -> Vec<Frame> {
    let mut decoder = Decoder::new(64 << 20);
    decoder.push(Bytes::copy_from_slice(body));
    let mut frames: Vec<Frame> = std::iter::from_fn(|| decoder.next_frame())
        .map(Result::unwrap)
        .collect();
    frames.extend(std::iter::from_fn(|| decoder.finish()).map(Result::unwrap));
    frames
}

fn moved_on(raw: &[u8], by: u64) -> Vec<u8> {
    const KEY: &str = "\"sequence_number\":";
    let Ok(text) = std::str::from_utf8(raw) else {
        return raw.to_vec();
    };
    let Some(at) = text.find(KEY).map(|at| at + KEY.len()) else {
        return raw.to_vec();
    };
    let blank = text[at..].len() - text[at..].trim_start().len();
    let start = at + blank;
    let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
    match text[start..start + digits].parse::<u64>() {
        Ok(number) => format!(
            "{}{}{}",
            &text[..start],
            number + by,
            &text[start + digits..]
        )
        .into_bytes(),
        Err(_) => raw.to_vec(),
    }
}
