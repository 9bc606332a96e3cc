//! What `/metrics` says: a handful of families, written by hand.
//!
//! No label holds what a client or an upstream chose freely: routes, endings and codes are ours, upstreams are configured,
//! statuses are registered.

mod histogram;
mod page;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hyper::StatusCode;

use crate::Record;
use histogram::Histogram;
use page::Page;

pub(crate) use histogram::Gaps;

#[derive(Default)]
struct Counted {
    /// By route, upstream and status.
    requests: BTreeMap<(&'static str, String, Status), u64>,
    /// By upstream and name.
    endings: BTreeMap<(String, &'static str), u64>,
    /// By upstream: terminal events read, and delivered.
    terminals: BTreeMap<String, (u64, u64)>,
    /// By upstream and code.
    repairs: BTreeMap<(String, &'static str), u64>,
    retries: BTreeMap<String, u64>,
    bytes: BTreeMap<String, u64>,
    first_byte: BTreeMap<String, Histogram>,
    gaps: BTreeMap<String, Histogram>,
}

/// A status that is counted by itself; `None` for numbers that nobody has registered, of which an upstream could send
/// hundreds.
type Status = Option<u16>;

fn status(number: u16) -> Status {
    let known = StatusCode::from_u16(number).ok()?;
    known.canonical_reason().map(|_| number)
}

/// The registry of one gateway.
#[derive(Default)]
pub(crate) struct Metrics {
    open: AtomicUsize,
    connections: AtomicUsize,
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

    /// One more client is connected, until what is given is dropped.
    pub(crate) fn connected(self: &std::sync::Arc<Self>) -> Connected {
        self.connections.fetch_add(1, Ordering::AcqRel);
        Connected(std::sync::Arc::clone(self))
    }

    /// A request is over.
    pub(crate) fn count(&self, record: &Record) {
        let upstream = record.upstream.clone().unwrap_or_default();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        *counted
            .requests
            .entry((record.route, upstream.clone(), status(record.status)))
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
            let waits = counted.first_byte.entry(upstream.clone()).or_default();
            waits.add(&histogram::FIRST_BYTE, wait);
        }
        let gaps = counted.gaps.entry(upstream).or_default();
        gaps.merge(&record.gaps.histogram);
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
            let status = status.map_or_else(|| "other".to_owned(), |status| status.to_string());
            page.line(
                "respair_requests_total",
                &[
                    ("route", route),
                    ("upstream", upstream),
                    ("status", &status),
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
            let name = "respair_first_byte_seconds";
            page.histogram(name, upstream, &histogram::FIRST_BYTE, histogram);
        }
        page.family(
            "respair_event_gap_seconds",
            "histogram",
            "Between events of a stream, as the upstream sends them; those that come together count once.",
        );
        for (upstream, gaps) in &counted.gaps {
            page.histogram("respair_event_gap_seconds", upstream, &histogram::GAP, gaps);
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
        page.family(
            "respair_open_connections",
            "gauge",
            "Clients that are connected, the one that asks included.",
        );
        page.line(
            "respair_open_connections",
            &[],
            self.connections.load(Ordering::Acquire) as u64,
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

/// A client's connection that is served.
pub(crate) struct Connected(std::sync::Arc<Metrics>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::Finish;

    #[test]
    fn the_page() {
        let metrics = Arc::new(Metrics::default());
        let open = metrics.open(1).unwrap();
        assert!(metrics.open(1).is_none());
        let connected = metrics.connected();
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
            "respair_open_connections 1",
        ] {
            assert!(page.lines().any(|have| have == line), "{line}\n{page}");
        }
        drop((open, connected));
        let page = metrics.text();
        for gauge in ["respair_open_streams 0\n", "respair_open_connections 0\n"] {
            assert!(page.contains(gauge), "{page}");
        }
    }
}
