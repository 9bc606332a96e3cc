//! How long an event is held up: from its last byte in to its first byte out.

use std::hint::black_box;

use bytes::Bytes;
use respair_core::{Context, Reader, ReaderOptions, Step};

use super::clock::now;
use super::streams::Shape;

/// The distribution over one stream, as a row of a table. Every event is pushed by itself, as a slow upstream sends it.
pub(crate) fn row(shape: Shape, events: usize) -> String {
    // A reading of the clock takes time itself: what is least of it is taken off.
    let clock = (0..1000)
        .map(|_| -(now() - now()))
        .fold(f64::INFINITY, f64::min);
    let mut reader = Reader::new(ReaderOptions::tolerant(), Context::new(0, 1));
    let mut delays = Vec::with_capacity(events);
    for at in 0..events {
        let bytes = Bytes::from(shape.event(at));
        let start = now();
        reader.push(bytes);
        let first = reader.poll();
        delays.push((now() - start - clock).max(0.0) / 1000.0);
        assert!(matches!(first, Some(Step::Event(_))), "{first:?}");
        black_box(first);
        while let Some(step) = reader.poll() {
            black_box(step);
        }
    }
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    let cells: String = [0.5, 0.9, 0.99, 0.999, 1.0]
        .iter()
        .map(|share| format!(" {:.1} |", at(*share)))
        .collect();
    format!("| {} |{cells}", shape.name())
}
