//! The three timers of an attempt: core's [`Watchdog`] over our [`Clock`].

use std::ops::Deref;
use std::time::Duration;

use respair_core::{Expired, Timeouts, Watchdog};

use crate::TimeoutSettings;
use crate::clock::{Clock, RECHECK, Stopwatch};
use crate::retry::spell;

/// The timers of one attempt, over a clock behind any pointer; they start when it does.
#[derive(Debug)]
pub struct Watch<C> {
    stopwatch: Stopwatch<C>,
    dog: Watchdog,
}

impl<C: Deref<Target: Clock>> Watch<C> {
    /// Starts them.
    pub fn start(clock: C, settings: &TimeoutSettings) -> Self {
        let mut stopwatch = Stopwatch::start(clock);
        let timeouts = Timeouts::new(settings.first_byte, settings.idle, settings.progress);
        let dog = Watchdog::new(timeouts, stopwatch.read());
        Self { stopwatch, dog }
    }

    /// Bytes came, of whatever kind.
    pub fn on_bytes(&mut self) {
        let (now, _) = self.read();
        self.dog.on_bytes(now);
    }

    /// An event came that carries the turn on.
    pub fn on_progress(&mut self) {
        let (now, _) = self.read();
        self.dog.on_progress(now);
    }

    /// The time, and whether it leapt: a suspend, or a consumer that did not ask for long. A leap counts for the timers that
    /// ask whether the peer is still there; for progress it does not, since nobody was there to see any.
    fn read(&mut self) -> (Duration, bool) {
        let now = self.stopwatch.read();
        let leapt = self.stopwatch.leapt();
        if leapt {
            self.dog.on_progress(now);
        }
        (now, leapt)
    }

    /// Waits until a timer has run out.
    pub async fn expired(&mut self) -> Expired {
        loop {
            match self.look() {
                Err(expired) => return expired,
                Ok(Some(wait)) => tokio::time::sleep(wait).await,
                Ok(None) => std::future::pending().await,
            }
        }
    }

    /// How long the timers may be left alone if nothing comes meanwhile; `None` when they are all off.
    ///
    /// The clock is looked at every few seconds, since tokio's stands still in suspend. After a leap the upstream gets one
    /// more such interval: what it sent meanwhile may still be on its way through the kernel.
    ///
    /// # Errors
    /// The timer that has run out.
    pub fn look(&mut self) -> Result<Option<Duration>, Expired> {
        let (now, leapt) = self.read();
        match (self.dog.expired(now), self.dog.deadline()) {
            (Some(expired), _) if !leapt => Err(expired),
            (Some(_), _) => Ok(Some(RECHECK)),
            (None, Some(deadline)) => Ok(Some(deadline.saturating_sub(now).min(RECHECK))),
            (None, None) => Ok(None),
        }
    }

    /// The timer in words, with its setting and bound.
    pub fn sentence(&self, expired: Expired) -> String {
        let what = match expired {
            Expired::FirstByte => "no byte came",
            Expired::Idle => "no further byte came",
            Expired::Progress => "no event came that carries the response on",
            _ => "the upstream went silent",
        };
        let bound = self.dog.length(expired).unwrap_or(Duration::ZERO);
        format!("{what} (`timeouts.{} {}`)", expired.setting(), spell(bound))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::{Instant, timeout};

    use super::*;

    /// tokio's paused clock, plus what the test adds: a suspend that tokio does not see.
    #[derive(Debug)]
    struct Paused {
        origin: Instant,
        leap: Mutex<Duration>,
    }

    impl Clock for Paused {
        fn now(&self) -> Duration {
            self.origin.elapsed() + *self.leap.lock().unwrap()
        }
    }

    fn paused() -> Paused {
        Paused {
            origin: Instant::now(),
            leap: Mutex::default(),
        }
    }

    const SETTINGS: TimeoutSettings = TimeoutSettings {
        connect: None,
        first_byte: Some(Duration::from_secs(120)),
        idle: Some(Duration::from_secs(300)),
        progress: Some(Duration::from_secs(900)),
    };

    #[tokio::test(start_paused = true)]
    async fn each_timer_in_its_turn() {
        let clock = paused();
        let mut watch = Watch::start(&clock, &SETTINGS);
        assert_eq!(watch.expired().await, Expired::FirstByte);
        assert_eq!(clock.now(), Duration::from_secs(120));
        assert_eq!(
            watch.sentence(Expired::FirstByte),
            "no byte came (`timeouts.first_byte 120 s`)"
        );

        watch.on_bytes();
        assert_eq!(watch.expired().await, Expired::Idle);
        assert_eq!(clock.now(), Duration::from_secs(420));

        let mut watch = Watch::start(&clock, &SETTINGS);
        let began = clock.now();
        let expired = loop {
            watch.on_bytes();
            if let Ok(expired) = timeout(Duration::from_secs(30), watch.expired()).await {
                break expired;
            }
        };
        assert_eq!(
            (expired, clock.now() - began),
            (Expired::Progress, Duration::from_secs(900))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_suspend_is_noticed_within_seconds_and_bytes_get_one_more_chance() {
        let clock = paused();
        let mut watch = Watch::start(&clock, &SETTINGS);
        watch.on_bytes();
        *clock.leap.lock().unwrap() = Duration::from_secs(7200);
        assert_eq!(watch.expired().await, Expired::Idle);
        assert_eq!(clock.origin.elapsed(), RECHECK);

        let mut watch = Watch::start(&clock, &SETTINGS);
        watch.on_bytes();
        *clock.leap.lock().unwrap() += Duration::from_secs(7200);
        let soon = timeout(Duration::from_secs(1), watch.expired()).await;
        assert!(soon.is_err(), "the grace had not passed");
        watch.on_bytes();
        let later = timeout(Duration::from_secs(299), watch.expired()).await;
        assert!(later.is_err(), "bytes came in time");
    }

    #[tokio::test(start_paused = true)]
    async fn without_timers_nothing_ends() {
        let clock = paused();
        let off = TimeoutSettings {
            connect: None,
            first_byte: None,
            idle: None,
            progress: None,
        };
        let mut watch = Watch::start(&clock, &off);
        assert!(
            timeout(Duration::from_secs(100_000), watch.expired())
                .await
                .is_err()
        );
    }
}
