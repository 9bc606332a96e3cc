//! The line behind the frames: typed events, judging, taking in, collecting; CPU time per event.
//!
//! `cargo bench -p respair-core --bench line`
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use respair_core::sse::{Decoder, Frame};
use respair_core::{
    Accumulator, Context, EndOfBody, Event, Limits, Model, Profile, Reader, ReaderOptions, Step,
};
use support::{EVENTS, ThreadCpu, chunks, deltas, each, group};

/// A whole conforming stream: the lifecycle, one message of `count` deltas, its ends.
fn stream(count: usize) -> Bytes {
    let whole = respair_faults::conforming_text(["x"]);
    let frames = whole.frames();
    let first = frames
        .iter()
        .position(|frame| frame.starts_with(b"event: response.output_text.delta"))
        .unwrap();
    let item = "msg_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b";
    let head: Vec<u8> = frames[..first].concat();
    let head = String::from_utf8(head)
        .unwrap()
        .replace("msg_relay1_0", item);
    let body = String::from_utf8(deltas(count).to_vec()).unwrap();
    // The deltas are numbered from 0; the lifecycle before them has the numbers 0 to 3.
    let mut out = head;
    for (number, frame) in body.split_inclusive("\n\n").enumerate() {
        let old = format!("\"sequence_number\":{number},");
        out.push_str(&frame.replace(&old, &format!("\"sequence_number\":{},", number + 4)));
    }
    Bytes::from(out)
}

fn frames(body: &Bytes) -> Vec<Frame> {
    let mut decoder = Decoder::new(64 << 20);
    decoder.push(body.clone());
    std::iter::from_fn(|| decoder.next_frame())
        .map(Result::unwrap)
        .collect()
}

fn read(options: ReaderOptions, pieces: &[Bytes], collect: bool) -> usize {
    let limits = options.limits;
    let mut reader = Reader::new(options, Context::new(0, 1));
    let mut accumulator = Accumulator::new(&limits);
    let mut events = 0;
    let mut drain = |reader: &mut Reader| {
        while let Some(step) = reader.poll() {
            match step {
                Step::Event(event) if collect => {
                    black_box(accumulator.fold(&event));
                    events += 1;
                }
                Step::Event(event) => {
                    black_box(event);
                    events += 1;
                }
                Step::Refused(violation) => panic!("{violation}"),
                _ => {}
            }
        }
    };
    for piece in pieces {
        reader.push(piece.clone());
        drain(&mut reader);
    }
    reader.finish(EndOfBody::Eof);
    drain(&mut reader);
    events
}

fn steps(criterion: &mut Criterion<ThreadCpu>) {
    let body = stream(EVENTS);
    let all = frames(&body);
    let events: Vec<Event> = all.iter().cloned().map(Event::read).collect();
    let mut group = group(criterion, "step", None);
    group.bench_function("event", |bencher| {
        each(bencher, all.len(), || {
            for frame in &all {
                black_box(Event::read(frame.clone()));
            }
        });
    });
    for profile in [Profile::OpenAiSdk, Profile::Portable] {
        group.bench_function(format!("inspect {profile}"), |bencher| {
            // The model as it is after the item's first part was added: every delta is judged against it.
            let mut model = Model::new(Context::new(0, 1), &Limits::default());
            let mut sink = Vec::new();
            for event in &events[..4] {
                model.apply(event.clone(), &[], profile, &[], &mut sink);
            }
            each(bencher, events.len(), || {
                for event in &events[4..] {
                    black_box(model.inspect(event, profile, &[]));
                }
            });
        });
    }
    group.bench_function("apply", |bencher| {
        each(bencher, events.len(), || {
            let mut model = Model::new(Context::new(0, 1), &Limits::default());
            let mut sink = Vec::new();
            for event in &events {
                model.apply(event.clone(), &[], Profile::OpenAiSdk, &[], &mut sink);
                sink.clear();
            }
        });
    });
    group.bench_function("accumulate", |bencher| {
        each(bencher, events.len(), || {
            let mut accumulator = Accumulator::new(&Limits::default());
            for event in &events {
                black_box(accumulator.fold(event));
            }
        });
    });
    group.finish();
}

/// What a step adds on the way from chunks: the bytes are as warm as a transport leaves them.
fn way(criterion: &mut Criterion<ThreadCpu>) {
    let body = stream(EVENTS);
    let pieces = chunks(&body, 16 << 10);
    let walk = |each_frame: &mut dyn FnMut(Frame)| {
        let mut decoder = Decoder::new(64 << 20);
        for piece in &pieces {
            decoder.push(piece.clone());
            while let Some(frame) = decoder.next_frame() {
                each_frame(frame.unwrap());
            }
        }
    };
    let mut group = group(criterion, "way", None);
    group.bench_function("frames", |bencher| {
        each(bencher, EVENTS, || {
            walk(&mut |frame| drop(black_box(frame)))
        });
    });
    group.bench_function("frames, typed", |bencher| {
        each(bencher, EVENTS, || {
            walk(&mut |frame| drop(black_box(Event::read(frame))))
        });
    });
    for profile in [Profile::OpenAiSdk, Profile::Portable] {
        let mut model = Model::new(Context::new(0, 1), &Limits::default());
        let mut sink = Vec::new();
        for frame in frames(&stream(1)).into_iter().take(4) {
            model.apply(Event::read(frame), &[], profile, &[], &mut sink);
        }
        group.bench_function(format!("frames, typed and judged, {profile}"), |bencher| {
            each(bencher, EVENTS, || {
                walk(&mut |frame| {
                    let event = Event::read(frame);
                    black_box(model.inspect(&event, profile, &[]));
                });
            });
        });
    }
    group.finish();
}

fn line(criterion: &mut Criterion<ThreadCpu>) {
    let mut group = group(criterion, "line", None);
    for count in [EVENTS / 10, EVENTS] {
        let body = stream(count);
        let pieces = chunks(&body, 16 << 10);
        let mut bench = |name: &str, options: ReaderOptions, collect: bool| {
            group.bench_function(format!("{name}, {count} events"), |bencher| {
                each(bencher, count, || {
                    assert!(read(options.clone(), &pieces, collect) >= count)
                });
            });
        };
        bench("strict", ReaderOptions::strict(), false);
        bench("strict and collected", ReaderOptions::strict(), true);
        bench(
            "tolerant, nothing to mend",
            ReaderOptions::tolerant(),
            false,
        );
        let headless = body.slice(frames(&body)[0].raw().len()..);
        let pieces = chunks(&headless, 16 << 10);
        group.bench_function(
            format!("tolerant, created missing, {count} events"),
            |bencher| {
                each(bencher, count, || {
                    assert!(read(ReaderOptions::tolerant(), &pieces, false) >= count)
                });
            },
        );
    }
    group.finish();
}

criterion_group!(name = benches; config = support::criterion(); targets = steps, way, line);
criterion_main!(benches);
