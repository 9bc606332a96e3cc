//! Framing: CPU time per event and per byte, with two public decoders beside it.
//!
//! `cargo bench -p respair-core --bench frames`
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::hint::black_box;
use std::num::NonZeroUsize;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use eventsource_stream::Eventsource;
use futures_util::{FutureExt, StreamExt, stream};
use memchr::memchr2;
use respair_core::sse::Decoder;
use sse_core::SseDecoder;
use support::{EVENTS, ThreadCpu, chunks, deltas, each, group};

const LIMIT: usize = 64 << 20;

fn ours(chunks: &[Bytes]) -> usize {
    let mut decoder = Decoder::new(LIMIT);
    let mut frames = 0;
    for chunk in chunks {
        decoder.push(chunk.clone());
        while let Some(frame) = decoder.next_frame() {
            black_box(frame.unwrap());
            frames += 1;
        }
    }
    frames
}

fn sse_core(chunks: &[Bytes]) -> usize {
    let mut decoder = SseDecoder::with_limit(NonZeroUsize::new(LIMIT).unwrap());
    let mut events = 0;
    for chunk in chunks {
        let mut chunk = chunk.clone();
        while let Some(event) = decoder.next(&mut chunk) {
            black_box(event.unwrap());
            events += 1;
        }
    }
    events
}

fn eventsource(chunks: &[Bytes]) -> usize {
    let body = stream::iter(
        chunks
            .iter()
            .cloned()
            .map(Ok::<_, std::convert::Infallible>),
    );
    let events = body.eventsource().fold(0, |events, event| {
        black_box(event.unwrap());
        std::future::ready(events + 1)
    });
    events.now_or_never().unwrap()
}

/// What no decoder can be faster than: every line found, every chunk's text checked.
fn floor(chunks: &[Bytes]) -> usize {
    let mut lines = 0;
    for chunk in chunks {
        black_box(std::str::from_utf8(chunk).is_ok());
        let mut rest: &[u8] = chunk;
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            rest = &rest[at + 1..];
            lines += 1;
        }
    }
    black_box(lines);
    EVENTS
}

/// Per event of 360 bytes.
fn events(criterion: &mut Criterion<ThreadCpu>) {
    let body = deltas(EVENTS);
    println!("{} bytes, {} per event", body.len(), body.len() / EVENTS);
    type Run = fn(&[Bytes]) -> usize;
    let runs: [(&str, Run); 4] = [
        ("floor", floor),
        ("respair", ours),
        ("sse-core", sse_core),
        ("eventsource-stream", eventsource),
    ];
    for (size, runs) in [(16 << 10, &runs[..]), (300, &runs[1..3])] {
        let chunks = chunks(&body, size);
        let mut group = group(criterion, &format!("event/{size}-byte chunks"), None);
        for (name, run) in runs {
            group.bench_function(*name, |bencher| {
                each(bencher, EVENTS, || assert_eq!(run(&chunks), EVENTS));
            });
        }
        group.finish();
    }
}

/// Per KiB of one long data line: the same at every size, or time is not linear.
fn lines(criterion: &mut Criterion<ThreadCpu>) {
    for (size, name) in [(16 << 10, "16-KiB chunks"), (1, "1-byte chunks")] {
        let mut group = group(criterion, &format!("line, KiB/{name}"), None);
        for mebibytes in [1, 8] {
            let line = [
                b"data: \"",
                "é".repeat(mebibytes << 19).as_bytes(),
                b"\"\n\n",
            ]
            .concat();
            // Slices, as a million one-byte buffers of their own would measure the allocator.
            let body = Bytes::from(line);
            let chunks: Vec<Bytes> = (0..body.len())
                .step_by(size)
                .map(|at| body.slice(at..(at + size).min(body.len())))
                .collect();
            group.bench_function(format!("{mebibytes} MiB"), |bencher| {
                each(bencher, mebibytes << 10, || assert_eq!(ours(&chunks), 1));
            });
        }
        group.finish();
    }
}

criterion_group! { name = frames; config = support::criterion(); targets = events, lines }
criterion_main!(frames);
