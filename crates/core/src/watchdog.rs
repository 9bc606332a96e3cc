//! The three timers of a stream, as data: time is an argument, so that a test needs no clock.
//!
//! A comment is a sign of life and resets `idle`; only an event that means something resets `progress`
//! (DEVIATIONS 6.1, 6.4). There is no timer for the whole call: a stream that moves is never killed.

use std::time::Duration;

/// How long each silence may last. `None` switches a timer off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the request to the first byte of the body. 120 s.
    pub first_byte: Option<Duration>,
    /// Between two reads of any bytes, comments too. 300 s.
    pub idle: Option<Duration>,
    /// Between two events that mean something. 900 s.
    pub progress: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_byte: Some(Duration::from_secs(120)),
            idle: Some(Duration::from_secs(300)),
            progress: Some(Duration::from_secs(900)),
        }
    }
}

impl Timeouts {
    /// Timers of these lengths; `None` is off.
    #[must_use]
    pub fn new(
        first_byte: Option<Duration>,
        idle: Option<Duration>,
        progress: Option<Duration>,
    ) -> Self {
        Self {
            first_byte,
            idle,
            progress,
        }
    }
}

/// Which timer ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expired {
    /// No first byte came.
    FirstByte,
    /// No byte came for too long.
    Idle,
    /// Bytes came, but no event that means something.
    Progress,
}

impl Expired {
    /// The name of the setting under `timeouts`.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::FirstByte => "first_byte",
            Self::Idle => "idle",
            Self::Progress => "progress",
        }
    }
}

/// The timers of one stream. `now` is the time since any fixed origin, on a clock that counts suspended time.
#[derive(Debug, Clone)]
pub struct Watchdog {
    timeouts: Timeouts,
    started: Duration,
    bytes: Option<Duration>,
    progress: Duration,
}

impl Watchdog {
    /// Starts all timers.
    #[must_use]
    pub fn new(timeouts: Timeouts, now: Duration) -> Self {
        Self {
            timeouts,
            started: now,
            bytes: None,
            progress: now,
        }
    }

    /// Bytes came, whatever they are.
    pub fn on_bytes(&mut self, now: Duration) {
        self.bytes = Some(self.bytes.map_or(now, |before| before.max(now)));
    }

    /// An event came that means something.
    pub fn on_progress(&mut self, now: Duration) {
        self.progress = self.progress.max(now);
    }

    fn deadlines(&self) -> [(Expired, Option<Duration>); 3] {
        let after = |from: Duration, length: Option<Duration>| {
            length.map(|length| from.saturating_add(length))
        };
        [
            (
                Expired::FirstByte,
                if self.bytes.is_none() {
                    after(self.started, self.timeouts.first_byte)
                } else {
                    None
                },
            ),
            (
                Expired::Idle,
                self.bytes.and_then(|at| after(at, self.timeouts.idle)),
            ),
            (
                Expired::Progress,
                after(self.progress, self.timeouts.progress),
            ),
        ]
    }

    /// When the next timer runs out.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadlines().into_iter().filter_map(|(_, at)| at).min()
    }

    /// The timer that has run out by `now`, the earliest first. A clock that jumps back runs no timer out.
    #[must_use]
    pub fn expired(&self, now: Duration) -> Option<Expired> {
        let mut out: Vec<_> = self
            .deadlines()
            .into_iter()
            .filter_map(|(which, at)| Some((at?, which)))
            .collect();
        out.sort_by_key(|(at, _)| *at);
        out.into_iter()
            .find(|(at, _)| *at <= now)
            .map(|(_, which)| which)
    }

    /// The length of a timer.
    #[must_use]
    pub fn length(&self, which: Expired) -> Option<Duration> {
        match which {
            Expired::FirstByte => self.timeouts.first_byte,
            Expired::Idle => self.timeouts.idle,
            Expired::Progress => self.timeouts.progress,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn dog() -> Watchdog {
        Watchdog::new(
            Timeouts::new(Some(s(120)), Some(s(300)), Some(s(900))),
            s(1000),
        )
    }

    #[test]
    fn the_first_byte_has_its_own_timer() {
        let mut dog = dog();
        assert_eq!(dog.deadline(), Some(s(1120)));
        assert_eq!(dog.expired(s(1119)), None);
        assert_eq!(dog.expired(s(1120)), Some(Expired::FirstByte));
        dog.on_bytes(s(1100));
        assert_eq!(dog.expired(s(1120)), None);
        assert_eq!(dog.deadline(), Some(s(1400)));
    }

    #[test]
    fn comments_reset_idle_and_not_progress() {
        let mut dog = dog();
        for now in (1000..1900).step_by(15) {
            dog.on_bytes(s(now));
            assert_eq!(dog.expired(s(now)), None);
        }
        assert_eq!(dog.expired(s(1900)), Some(Expired::Progress));
        dog.on_progress(s(1899));
        assert_eq!(dog.expired(s(1900)), None);
    }

    #[test]
    fn a_clock_that_jumps_back_kills_nothing() {
        let mut dog = dog();
        dog.on_bytes(s(1050));
        dog.on_bytes(s(10));
        assert_eq!(dog.expired(s(10)), None);
        assert_eq!(dog.deadline(), Some(s(1350)));
    }

    #[test]
    fn a_timer_can_be_off() {
        let dog = Watchdog::new(Timeouts::new(None, None, None), s(0));
        assert_eq!((dog.deadline(), dog.expired(Duration::MAX)), (None, None));
    }
}
