//! How a body is read, and what reading it gives.

use crate::ending::Ending;
use crate::event::Event;
use crate::limits::Limits;
use crate::violation::{Code, Profile, Violation};

/// How a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// The first violation stops the reading.
    Strict,
    /// Violations are mended.
    Tolerant,
}

/// How one body is read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReaderOptions {
    /// Strict or tolerant.
    pub mode: Mode,
    /// What the stream is judged by; what the tolerant reading mends to.
    pub profile: Profile,
    /// Bounds.
    pub limits: Limits,
    /// Rules that are switched off. Their guarantees are gone with them.
    pub without: Vec<Code>,
    /// Tolerant: judge the upstream's own stream under `openai-sdk` as well, for [`Reader::strict_clean`](crate::Reader::strict_clean).
    pub judge: bool,
    /// Tolerant: nothing goes downstream, the upstream's stream is only judged. Then `openai-sdk` stays the measure also
    /// behind an event that had to be mended.
    pub judging: bool,
    /// The stream is the rest of one (`starting_after`): it has no `response.created`.
    pub resumed: bool,
    /// Deltas may repeat the whole text so far: what was delivered is taken off them.
    pub cumulative_deltas: bool,
}

impl ReaderOptions {
    /// The strict reading under `openai-sdk`.
    #[must_use]
    pub fn strict() -> Self {
        Self {
            mode: Mode::Strict,
            profile: Profile::OpenAiSdk,
            limits: Limits::default(),
            without: Vec::new(),
            judge: false,
            judging: false,
            resumed: false,
            cumulative_deltas: false,
        }
    }

    /// The tolerant reading, which mends to `portable`.
    #[must_use]
    pub fn tolerant() -> Self {
        Self {
            mode: Mode::Tolerant,
            profile: Profile::Portable,
            ..Self::strict()
        }
    }

    /// The tolerant reading for a judge: what it gives out goes nowhere. One missing event is one finding, and the
    /// reading goes on behind it.
    #[must_use]
    pub fn judging() -> Self {
        Self {
            judging: true,
            ..Self::tolerant()
        }
    }

    /// The same with another profile.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same without these rules.
    #[must_use]
    pub fn without(self, without: Vec<Code>) -> Self {
        Self { without, ..self }
    }

    /// The same for the rest of a stream that was begun before.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self {
            resumed: true,
            ..self
        }
    }

    /// The same for an upstream whose deltas may repeat the whole text so far.
    #[must_use]
    pub fn cumulative(self, cumulative_deltas: bool) -> Self {
        Self {
            cumulative_deltas,
            ..self
        }
    }

    /// The same, judging strictly beside the tolerant reading.
    #[must_use]
    pub fn judged(self) -> Self {
        Self {
            judge: true,
            ..self
        }
    }
}

/// What reading on gives.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// An event goes downstream: [`Event::raw`] are its bytes on the wire.
    Event(Event),
    /// Strict: the reading stopped before this event, and nothing of it was applied. [`Reader::take_over`](crate::Reader::take_over) goes on.
    Refused(Violation),
    /// The stream has ended. Once, last; after it only `[DONE]` and comments are given.
    Ended(Ending),
}
