//! Every limit of the gateway by name. Passing one is told under that name.

use std::time::Duration;

/// What one gateway withstands, and how long it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeLimits {
    /// Bytes of a request's head. 32 KiB: a key, a cookie jar and tracing headers need a tenth of it.
    pub headers: usize,
    /// Bytes of a request's body. 64 MiB: images and files are sent within the input.
    pub body: usize,
    /// Responses under way at once. 10,000: about what the usual descriptor limits allow.
    pub streams: usize,
    /// How long a client may take for the head of a request, and how long a connection may stay without one. 30 s.
    pub header_wait: Duration,
    /// How long a client may pause within the body of a request. 30 s.
    pub body_wait: Duration,
    /// How long a client may take nothing of what is sent to it. 60 s.
    pub write_stall: Duration,
    /// How long lifecycle events are held before the status is sent. 2 s: they mean that the upstream has taken the
    /// request, and clients show them.
    pub commit_after: Duration,
    /// The same while only comments come. 5 s.
    pub commit_after_comments: Duration,
    /// The longest wait before a retry; an upstream that asks for a longer one is told to the client instead. 10 s: every
    /// client waits by itself, and shows that it does.
    pub retry_wait: Duration,
    /// The longest silence towards a client, which a comment then ends. 15 s: proxies give up after 30 to 60 s.
    pub heartbeat: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            headers: 32 << 10,
            body: 64 << 20,
            streams: 10_000,
            header_wait: Duration::from_secs(30),
            body_wait: Duration::from_secs(30),
            write_stall: Duration::from_secs(60),
            commit_after: Duration::from_secs(2),
            commit_after_comments: Duration::from_secs(5),
            retry_wait: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
        }
    }
}
