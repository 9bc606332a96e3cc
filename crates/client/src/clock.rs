//! Time as a turn sees it: how long it took, suspends included, and what the calendar says.
//!
//! tokio's clock stands still while a laptop sleeps, so a watchdog built on it alone fires hours late (DEVIATIONS 6.3).
//! Deadlines are therefore kept on a clock that counts the suspend, and looked at again every few seconds.

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the time comes from. Tests bring their own.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time since any fixed origin. It should never go back; when it does, that is withstood.
    fn now(&self) -> Duration;

    /// Seconds since 1970, for what is stored and for `Retry-After` dates.
    fn unix(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}

/// The system's clock: `CLOCK_BOOTTIME` on Linux; elsewhere the standard monotonic one, which may stop in suspend.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[cfg(target_os = "linux")]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
        Duration::new(seconds, nanoseconds)
    }
}

#[cfg(not(target_os = "linux"))]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        use std::sync::OnceLock;
        use std::time::Instant;
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        ORIGIN.get_or_init(Instant::now).elapsed()
    }
}

/// How long a wait may go on before the clock is looked at again.
pub(crate) const RECHECK: Duration = Duration::from_secs(5);

/// A running total of a [`Clock`] that only ever grows.
///
/// Each reading adds what passed since the last one. A clock that went back adds nothing and is followed from there, so
/// that no deadline moves out of reach; a leap forward counts in full, and [`Stopwatch::leapt`] reports it once, so that the
/// reader may look for bytes a last time before it gives the stream up.
#[derive(Debug)]
pub(crate) struct Stopwatch<C> {
    clock: C,
    seen: Duration,
    total: Duration,
    leapt: bool,
}

impl<C: Deref<Target: Clock>> Stopwatch<C> {
    pub(crate) fn start(clock: C) -> Self {
        Self {
            seen: clock.now(),
            clock,
            total: Duration::ZERO,
            leapt: false,
        }
    }

    /// The time since the start.
    pub(crate) fn read(&mut self) -> Duration {
        let now = self.clock.now();
        let step = now.saturating_sub(self.seen);
        self.seen = now;
        self.total = self.total.saturating_add(step);
        // Twice the longest wait between two readings: more than a busy machine explains.
        self.leapt |= step > RECHECK * 2;
        self.total
    }

    /// Whether the clock leapt since this was last asked.
    pub(crate) fn leapt(&mut self) -> bool {
        std::mem::take(&mut self.leapt)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug)]
    struct Set(Mutex<Duration>);

    impl Set {
        fn to(&self, seconds: u64) {
            *self.0.lock().unwrap() = Duration::from_secs(seconds);
        }
    }

    impl Clock for Set {
        fn now(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_clock_that_goes_back_stops_nothing() {
        let clock = Set(Mutex::new(Duration::from_secs(1000)));
        let mut watch = Stopwatch::start(&clock);
        clock.to(1005);
        assert_eq!(watch.read(), Duration::from_secs(5));
        clock.to(10);
        assert_eq!(watch.read(), Duration::from_secs(5));
        clock.to(13);
        assert_eq!(watch.read(), Duration::from_secs(8));
        assert!(!watch.leapt());
    }

    #[test]
    fn a_leap_counts_and_is_reported_once() {
        let clock = Set(Mutex::new(Duration::ZERO));
        let mut watch = Stopwatch::start(&clock);
        clock.to(7200);
        assert_eq!(watch.read(), Duration::from_secs(7200));
        assert!(watch.leapt());
        assert!(!watch.leapt());
    }

    #[test]
    fn the_system_clock_runs() {
        let first = SystemClock.now();
        assert!(SystemClock.now() >= first);
        assert!(SystemClock.unix() > 1_600_000_000);
    }
}
