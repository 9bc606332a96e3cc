//! `serve:`: how the gateway runs. Flags win over it.

use std::path::PathBuf;
use std::time::Duration;

use respair_gateway::{RecordOptions, ServeLimits};

use super::keys;
use super::options::{Origin, Sourced, layer};
use super::reader::{Fields, Reader};
use super::yaml::{Node, Value};

/// Threads that `respair serve` may be told to use.
pub(crate) const MOST_THREADS: u32 = 256;

layer! {
    /// What the gateway is told.
    ServeOptions {
        listen: String,
        threads: u32,
        drain: Duration,
        commit_after: Duration,
        commit_after_comments: Duration,
        allow_origins: Vec<String>,
        record: PathBuf,
        record_size: u64,
        record_count: u32,
        headers: u64,
        body: u64,
        streams: u32,
        header_wait: Duration,
        body_wait: Duration,
        write_stall: Duration,
        retry_wait: Duration,
        heartbeat: Duration,
    }
}

impl ServeOptions {
    /// What holds when nobody says anything: the gateway's own defaults.
    pub(crate) fn defaults() -> Self {
        fn set<T>(value: T) -> Option<Sourced<T>> {
            Some(Sourced::new(value, Origin::Default))
        }
        let limits = ServeLimits::default();
        let record = RecordOptions::new("");
        let whole = |n: usize| set(u32::try_from(n).unwrap_or(u32::MAX));
        Self {
            listen: set("127.0.0.1:8484".into()),
            threads: None,
            drain: set(Duration::from_secs(30)),
            commit_after: set(limits.commit_after),
            commit_after_comments: set(limits.commit_after_comments),
            allow_origins: set(Vec::new()),
            record: None,
            record_size: set(record.size),
            record_count: whole(record.count),
            headers: set(limits.headers as u64),
            body: set(limits.body as u64),
            streams: whole(limits.streams),
            header_wait: set(limits.header_wait),
            body_wait: set(limits.body_wait),
            write_stall: set(limits.write_stall),
            retry_wait: set(limits.retry_wait),
            heartbeat: set(limits.heartbeat),
        }
    }

    /// The limits as the gateway takes them.
    pub(crate) fn limits(&self) -> ServeLimits {
        fn set<T: Copy, U>(to: &mut U, from: &Option<Sourced<T>>, convert: impl Fn(T) -> U) {
            if let Some(from) = from {
                *to = convert(from.value);
            }
        }
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut limits = ServeLimits::default();
        set(&mut limits.headers, &self.headers, size);
        set(&mut limits.body, &self.body, size);
        set(&mut limits.streams, &self.streams, |n| n as usize);
        for (to, from) in [
            (&mut limits.header_wait, &self.header_wait),
            (&mut limits.body_wait, &self.body_wait),
            (&mut limits.write_stall, &self.write_stall),
            (&mut limits.commit_after, &self.commit_after),
            (
                &mut limits.commit_after_comments,
                &self.commit_after_comments,
            ),
            (&mut limits.retry_wait, &self.retry_wait),
            (&mut limits.heartbeat, &self.heartbeat),
        ] {
            set(to, from, |wait| wait);
        }
        limits
    }

    /// Where records go, if anywhere.
    pub(crate) fn recording(&self) -> Option<RecordOptions> {
        let mut record = RecordOptions::new(&self.record.as_ref()?.value);
        if let Some(size) = &self.record_size {
            record.size = size.value;
        }
        if let Some(count) = &self.record_count {
            record.count = count.value as usize;
        }
        Some(record)
    }
}

impl Reader<'_> {
    /// The section.
    pub(super) fn serve(&mut self, node: &Node, path: &str) -> ServeOptions {
        let fields = self.fields(node, path, keys::SERVE);
        let mut options = ServeOptions {
            listen: self.field(&fields, "listen", Self::text),
            threads: self.field(&fields, "threads", Self::up_to::<1, MOST_THREADS>),
            drain: self.field(&fields, "drain", Self::time),
            commit_after: self.field(&fields, "commit_after", Self::time),
            commit_after_comments: self.field(&fields, "commit_after_comments", Self::time),
            allow_origins: self.field(&fields, "allow_origins", Self::texts),
            ..ServeOptions::default()
        };
        if let Some((path, node)) = fields.get("record") {
            // `record: DIR` says the directory and nothing else.
            if matches!(node.value, Value::Text(_)) {
                let whole = Fields::from([("dir", (path.clone(), *node))]);
                options.record = self.field(&whole, "dir", Self::path);
            } else {
                let inner = self.fields(node, path, keys::SERVE_RECORD);
                options.record = self.field(&inner, "dir", Self::path);
                options.record_size = self.field(&inner, "size", Self::size);
                options.record_count = self.field(&inner, "count", Self::up_to::<1, 1_000_000>);
            }
        }
        if let Some((path, node)) = fields.get("limits") {
            let inner = self.fields(node, path, keys::SERVE_LIMITS);
            options.headers = self.field(&inner, "headers", Self::size);
            options.body = self.field(&inner, "body", Self::size);
            options.streams = self.field(&inner, "streams", Self::up_to::<1, 1_000_000>);
            options.header_wait = self.field(&inner, "header_wait", Self::some_time);
            options.body_wait = self.field(&inner, "body_wait", Self::some_time);
            options.write_stall = self.field(&inner, "write_stall", Self::some_time);
            options.retry_wait = self.field(&inner, "retry_wait", Self::time);
            options.heartbeat = self.field(&inner, "heartbeat", Self::some_time);
        }
        options
    }

    /// A wait that may be none.
    fn time(&mut self, path: &str, node: &Node) -> Option<Duration> {
        self.wait_of(
            path,
            node,
            "seconds, or a wait like `250 ms` (a week at most)",
        )
    }

    /// A wait that keeps something bounded: it cannot be switched off.
    pub(super) fn some_time(&mut self, path: &str, node: &Node) -> Option<Duration> {
        let expected = "seconds above 0, or a wait like `250 ms` (a week at most)";
        let wait = self.wait_of(path, node, expected)?;
        if wait.is_zero() {
            self.problem(path, node, format!("expected {expected}"));
            return None;
        }
        Some(wait)
    }
}
