//! How the cost of an event grows with the stream, and how long an event is held up: CPU time of this thread.
//!
//! `cargo bench -p respair-core --bench growth -- [--svg FILE] [--most EVENTS]`. The streams are made piece by piece, so a
//! million events take no more memory than a thousand. Each figure is the best of three runs: other work on the machine
//! only ever adds.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod delay;
mod plot;
mod streams;
mod worst;

#[path = "../support/clock.rs"]
mod clock;
#[path = "../support/scaled.rs"]
mod scaled;

use std::hint::black_box;

use bytes::Bytes;
use respair_core::{Accumulator, Context, Reader, ReaderOptions, Step};

use clock::now;
use streams::Shape;

/// Events of the streams that are measured, up to `--most`.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// One line of the plot: nanoseconds an event, by events.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(usize, f64)>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        args.iter()
            .position(|arg| arg == name)
            .and_then(|at| args.get(at + 1))
    };
    let most = value("--most").map_or(SIZES[3], |most| {
        most.parse().expect("--most takes a number")
    });
    let sizes: Vec<usize> = SIZES.into_iter().filter(|size| *size <= most).collect();
    let mut curves: Vec<Curve> = Shape::ALL
        .iter()
        .map(|shape| Curve {
            name: shape.name(),
            points: Vec::new(),
        })
        .collect();
    // One size after the other and every shape in turn, so that what else goes on meets them all.
    for &size in &sizes {
        for (shape, curve) in Shape::ALL.iter().zip(&mut curves) {
            let best = (0..3)
                .map(|_| cost(*shape, size))
                .fold(f64::INFINITY, f64::min);
            curve.points.push((size, best));
        }
    }
    println!("CPU time an event, in nanoseconds, the response collected\n");
    println!(
        "| stream |{}",
        sizes
            .iter()
            .map(|size| format!(" {size} |"))
            .collect::<String>()
    );
    println!("|---|{}", "---|".repeat(sizes.len()));
    for curve in &curves {
        let cells: String = curve
            .points
            .iter()
            .map(|(_, cost)| format!(" {cost:.0} |"))
            .collect();
        println!("| {} |{cells}", curve.name);
    }
    println!(
        "\nAdded delay: from the last byte of an event in to its bytes out, in microseconds\n"
    );
    println!("| stream | p50 | p90 | p99 | p99.9 | longest |\n|---|---|---|---|---|---|");
    for shape in Shape::ALL {
        println!("{}", delay::row(*shape, 50_000.min(most)));
    }
    let most = 100_000.min(most);
    println!(
        "\nFixtures whose deltas come {most} times, the dearest: nanoseconds an event, and as a ratio\n"
    );
    println!("| fixture | CPU time | ratio |\n|---|---|---|");
    let conforming: Vec<u8> = Shape::OneText.pieces(most, 16 << 10).flatten().collect();
    print!("{}", worst::rows(&conforming, most, 12));
    if let Some(path) = value("--svg") {
        std::fs::write(path, plot::svg(&curves)).expect("the plot is written");
        println!("\n{path}");
    }
}

/// Nanoseconds an event of a whole stream, read tolerantly and collected.
fn cost(shape: Shape, events: usize) -> f64 {
    let mut reader = Reader::new(ReaderOptions::tolerant(), Context::new(0, 1));
    let mut accumulator = Accumulator::new(reader.limits());
    let (mut spent, mut out) = (0.0, 0);
    for piece in shape.pieces(events, 16 << 10) {
        let start = now();
        reader.push(Bytes::from(piece));
        while let Some(step) = reader.poll() {
            if let Step::Event(event) = step {
                black_box(accumulator.fold(&event));
                black_box(event);
                out += 1;
            }
        }
        spent += now() - start;
    }
    assert!(out >= events, "{out} events of {events} came out");
    spent / events as f64
}
