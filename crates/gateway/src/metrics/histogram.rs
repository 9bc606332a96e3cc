//! Waits, counted by how long they were.

use std::time::Duration;

use tokio::time::Instant;

/// The upper bounds of the waits for a first byte, in seconds.
pub(super) const FIRST_BYTE: [f64; 11] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// The same for the pauses between events: models write 20 to 500 of them a second.
pub(super) const GAP: [f64; 11] = [
    0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0,
];

/// Counts by upper bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Histogram {
    /// How many were within each bound and in none before it; the last is beyond all.
    counts: [u64; 12],
    sum: f64,
}

impl Histogram {
    pub(super) fn add(&mut self, bounds: &[f64; 11], wait: Duration) {
        let seconds = wait.as_secs_f64();
        let at = bounds.iter().position(|bound| seconds <= *bound);
        self.counts[at.unwrap_or(bounds.len())] += 1;
        self.sum += seconds;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }

    pub(super) fn counts(&self) -> [u64; 12] {
        self.counts
    }

    pub(super) fn sum(&self) -> f64 {
        self.sum
    }
}

/// The pauses between the events of one stream, as the upstream makes them. Events that come together count once.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Gaps {
    pub(super) histogram: Histogram,
    last: Option<Instant>,
}

impl Gaps {
    /// Events came.
    pub(crate) fn event(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            self.histogram.add(&GAP, now - last);
        }
    }
}
