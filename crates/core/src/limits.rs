//! Every limit by name. Passing one is a typed error, never a silent cut.

use std::time::Duration;

/// The limits of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one event. 64 MiB: `response.completed` echoes instructions, tools and base64 images.
    pub frame: usize,
    /// Bytes of text, arguments and items that are kept to fill in what the upstream leaves out. 256 MiB.
    pub response: usize,
    /// How long to wait, after the terminal event or an `error`, for what may still belong to the stream. 250 ms.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 64 << 20,
            response: 256 << 20,
            drain: Duration::from_millis(250),
        }
    }
}

impl Limits {
    /// The same limits with another bound for one event, in bytes.
    #[must_use]
    pub fn with_frame(self, frame: usize) -> Self {
        Self { frame, ..self }
    }

    /// The same limits with another bound for what is kept, in bytes.
    #[must_use]
    pub fn with_response(self, response: usize) -> Self {
        Self { response, ..self }
    }

    /// The same limits with another wait after the terminal event.
    #[must_use]
    pub fn with_drain(self, drain: Duration) -> Self {
        Self { drain, ..self }
    }
}

/// A size as a person writes it: `64 MiB`, or else in bytes.
///
/// ```
/// assert_eq!(respair_core::size(64 << 20), "64 MiB");
/// assert_eq!(respair_core::size(1000), "1000 bytes");
/// ```
#[must_use]
pub fn size(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}

/// Bytes of a body that is no event stream which are kept to say what it is.
pub(crate) const BODY_EXCERPT: usize = 1 << 20;

/// Violations of one code that are listed one by one; every further one is counted only.
pub(crate) const LISTED_PER_CODE: u64 = 16;
