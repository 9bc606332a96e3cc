//! What `/metrics` says, in Prometheus' text format: a handful of families, written by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Record;

/// The upper bounds of the waits for a first byte, in seconds.
const BOUNDS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

#[derive(Default)]
struct Histogram {
    /// How many were within each bound and in none before it; the last is beyond all.
    counts: [u64; BOUNDS.len() + 1],
    sum: f64,
}

impl Histogram {
    fn add(&mut self, wait: Duration) {
        let seconds = wait.as_secs_f64();
        let at = BOUNDS
            .iter()
            .position(|bound| seconds <= *bound)
            .unwrap_or(BOUNDS.len());
        self.counts[at] += 1;
        self.sum += seconds;
    }
}

#[derive(Default)]
struct Counted {
    /// By route, upstream and status.
    requests: BTreeMap<(&'static str, String, u16), u64>,
    /// By upstream and name.
    endings: BTreeMap<(String, &'static str), u64>,
    /// By upstream: terminal events read, and delivered.
    terminals: BTreeMap<String, (u64, u64)>,
    /// By upstream and code.
    repairs: BTreeMap<(String, &'static str), u64>,
    retries: BTreeMap<String, u64>,
    bytes: BTreeMap<String, u64>,
    first_byte: BTreeMap<String, Histogram>,
}

/// The registry of one gateway.
#[derive(Default)]
pub(crate) struct Metrics {
    open: AtomicUsize,
    counted: Mutex<Counted>,
}

impl Metrics {
    /// One more stream is under way; `None` when there are as many as `most`. It counts until what is given is dropped.
    pub(crate) fn open(self: &std::sync::Arc<Self>, most: usize) -> Option<Open> {
        let took = self
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                (now < most).then_some(now + 1)
            });
        took.ok().map(|_| Open(std::sync::Arc::clone(self)))
    }

    /// A request is over.
    pub(crate) fn count(&self, record: &Record) {
        let upstream = record.upstream.clone().unwrap_or_default();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        *counted
            .requests
            .entry((record.route, upstream.clone(), record.status))
            .or_default() += 1;
        if record.route != "responses" {
            return;
        }
        *counted
            .endings
            .entry((upstream.clone(), record.finish.name()))
            .or_default() += 1;
        for repair in &record.repairs {
            *counted
                .repairs
                .entry((upstream.clone(), repair.code.as_str()))
                .or_default() += repair.count;
        }
        for mend in &record.request {
            *counted
                .repairs
                .entry((upstream.clone(), mend.code))
                .or_default() += mend.count;
        }
        let terminals = counted.terminals.entry(upstream.clone()).or_default();
        terminals.0 += u64::from(record.terminal_seen);
        terminals.1 += u64::from(record.terminal_delivered);
        *counted.retries.entry(upstream.clone()).or_default() +=
            u64::from(record.upstream_requests.saturating_sub(1));
        *counted.bytes.entry(upstream.clone()).or_default() += record.bytes;
        if let Some(wait) = record.first_byte {
            counted.first_byte.entry(upstream).or_default().add(wait);
        }
    }

    /// The page.
    pub(crate) fn text(&self) -> String {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut page = Page::default();
        page.family(
            "respair_requests_total",
            "counter",
            "Requests, by the status that was sent.",
        );
        for ((route, upstream, status), count) in &counted.requests {
            page.line(
                "respair_requests_total",
                &[
                    ("route", route),
                    ("upstream", upstream),
                    ("status", &status.to_string()),
                ],
                *count,
            );
        }
        page.family(
            "respair_endings_total",
            "counter",
            "How requests for a response ended.",
        );
        for ((upstream, ending), count) in &counted.endings {
            page.line(
                "respair_endings_total",
                &[("upstream", upstream), ("ending", ending)],
                *count,
            );
        }
        page.family(
            "respair_terminal_seen_total",
            "counter",
            "Terminal events of streams, read from the upstream or made for a cut one.",
        );
        for (upstream, (seen, _)) in &counted.terminals {
            page.line(
                "respair_terminal_seen_total",
                &[("upstream", upstream)],
                *seen,
            );
        }
        page.family(
            "respair_terminal_delivered_total",
            "counter",
            "The same, delivered to the client's connection.",
        );
        for (upstream, (_, delivered)) in &counted.terminals {
            page.line(
                "respair_terminal_delivered_total",
                &[("upstream", upstream)],
                *delivered,
            );
        }
        page.family(
            "respair_repairs_total",
            "counter",
            "Repairs, by the rule that was broken; request-… are changes of requests.",
        );
        for ((upstream, code), count) in &counted.repairs {
            page.line(
                "respair_repairs_total",
                &[("upstream", upstream), ("code", code)],
                *count,
            );
        }
        page.family(
            "respair_retries_total",
            "counter",
            "Requests made again before anything was sent downstream.",
        );
        for (upstream, count) in &counted.retries {
            page.line("respair_retries_total", &[("upstream", upstream)], *count);
        }
        page.family(
            "respair_stream_bytes_total",
            "counter",
            "Bytes of response bodies sent downstream.",
        );
        for (upstream, count) in &counted.bytes {
            page.line(
                "respair_stream_bytes_total",
                &[("upstream", upstream)],
                *count,
            );
        }
        page.family(
            "respair_first_byte_seconds",
            "histogram",
            "From the request to the upstream's first byte.",
        );
        for (upstream, histogram) in &counted.first_byte {
            page.histogram("respair_first_byte_seconds", upstream, histogram);
        }
        page.family(
            "respair_open_streams",
            "gauge",
            "Requests for a response that are under way.",
        );
        page.line(
            "respair_open_streams",
            &[],
            self.open.load(Ordering::Acquire) as u64,
        );
        page.0
    }
}

/// A stream that is under way.
pub(crate) struct Open(std::sync::Arc<Metrics>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Default)]
struct Page(String);

// Writing into a String does not fail.
impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (n, (label, text)) in labels.iter().enumerate() {
            let open = if n == 0 { '{' } else { ',' };
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{open}{label}=\"{text}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    fn histogram(&mut self, name: &str, upstream: &str, histogram: &Histogram) {
        let mut sum = 0;
        let bucket = format!("{name}_bucket");
        for (bound, count) in BOUNDS.iter().zip(histogram.counts) {
            sum += count;
            self.line(
                &bucket,
                &[("upstream", upstream), ("le", &bound.to_string())],
                sum,
            );
        }
        sum += histogram.counts[BOUNDS.len()];
        self.line(&bucket, &[("upstream", upstream), ("le", "+Inf")], sum);
        self.line(
            &format!("{name}_sum"),
            &[("upstream", upstream)],
            histogram.sum,
        );
        self.line(&format!("{name}_count"), &[("upstream", upstream)], sum);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Finish;

    #[test]
    fn the_page() {
        let metrics = Arc::new(Metrics::default());
        let open = metrics.open(1).unwrap();
        assert!(metrics.open(1).is_none());
        let record = Record {
            route: "responses",
            upstream: Some("a\"b".to_owned()),
            status: 200,
            finish: Finish::Truncated,
            upstream_requests: 3,
            first_byte: Some(Duration::from_millis(300)),
            ..Record::default()
        };
        metrics.count(&record);
        let page = metrics.text();
        for line in [
            "respair_requests_total{route=\"responses\",upstream=\"a\\\"b\",status=\"200\"} 1",
            "respair_endings_total{upstream=\"a\\\"b\",ending=\"truncated\"} 1",
            "respair_retries_total{upstream=\"a\\\"b\"} 2",
            "respair_first_byte_seconds_bucket{upstream=\"a\\\"b\",le=\"0.25\"} 0",
            "respair_first_byte_seconds_bucket{upstream=\"a\\\"b\",le=\"0.5\"} 1",
            "respair_first_byte_seconds_bucket{upstream=\"a\\\"b\",le=\"+Inf\"} 1",
            "respair_open_streams 1",
        ] {
            assert!(page.lines().any(|have| have == line), "{line}\n{page}");
        }
        drop(open);
        assert!(metrics.text().ends_with("respair_open_streams 0\n"));
    }
}
