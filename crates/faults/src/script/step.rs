//! The steps of a body, and what they wait for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

/// A point at which the relay waits until a test lets it go on.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Ends>);

#[derive(Debug, Default)]
struct Ends {
    reached: CancellationToken,
    opened: CancellationToken,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it, for good; a script that comes later walks through.
    pub fn open(&self) {
        self.0.opened.cancel();
    }

    /// Waits until a script stands at the gate: everything before it was written.
    pub async fn reached(&self) {
        self.0.reached.cancelled().await;
    }

    pub(crate) async fn pass(&self) {
        self.0.reached.cancel();
        self.0.opened.cancelled().await;
    }
}

/// How long the relay waits before each delta of a [`Script::stream`](crate::Script::stream).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Pace(pub Duration);

impl Pace {
    /// No wait: for tests. The default.
    pub const INSTANT: Self = Self(Duration::ZERO);
    /// 30 ms, so that a person sees the answer grow.
    pub const LIVE: Self = Self(Duration::from_millis(30));
}

/// One step of a body. After the last one the body is ended properly, as by [`Step::End`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// These bytes: one chunk, one write.
    Send(Bytes),
    /// A wait of the relay's [`Pace`].
    Beat,
    /// A wait of this length.
    Delay(Duration),
    /// A wait until the test opens the gate.
    Gate(Gate),
    /// The same bytes again and again (a keep-alive comment, a frame that never ends): `times`
    /// times, for ever if `None`, with `every` between two.
    Repeat {
        /// What is sent, as one chunk.
        bytes: Bytes,
        /// The wait after each.
        every: Duration,
        /// How often.
        times: Option<u64>,
    },
    /// FIN in the middle: a chunked body lacks its last chunk, a counted one the rest of its bytes.
    Cut,
    /// RST. What the peer has not read by then may be lost to it (on Linux it is not).
    Reset,
    /// Nothing more is sent, and the socket stays open until the peer closes it.
    HoldOpen,
    /// The body ends as it should.
    End,
}

/// How the length of the body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyLength {
    /// `Transfer-Encoding: chunked`, one chunk for each [`Step::Send`].
    Chunked,
    /// `Content-Length`: the sum of the bytes sent.
    Counted,
    /// `Content-Length` with this number, true or not.
    Declared(u64),
    /// Neither: the body lasts until the connection closes.
    UntilClose,
    /// No head either: the steps write to the socket as it is (half a head, no HTTP at all).
    Raw,
}
