//! One timer for whatever is due next.
//!
//! A stream has several deadlines, and nearly all of them move on with every event. So the timer is not set anew when one moves
//! away: it rings where the deadline once was, sees that nothing is due, and is set then.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

pub(super) struct Alarm {
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    pub(super) fn new() -> Self {
        Self {
            sleep: Box::pin(sleep_until(Instant::now())),
        }
    }

    /// Ready when `due` has come.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, due: Instant) -> Poll<()> {
        loop {
            if due < self.sleep.deadline() {
                self.sleep.as_mut().reset(due);
            }
            ready!(self.sleep.as_mut().poll(context));
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_the_last_deadline_has_come() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut alarm = Alarm::new();
        // It moves away while it is waited for, and nearer again.
        for (due, until) in [(at(5), at(1)), (at(9), at(7)), (at(8), at(7))] {
            let early = poll_fn(|context| alarm.poll(context, due));
            assert!(tokio::time::timeout_at(until, early).await.is_err());
        }
        poll_fn(|context| alarm.poll(context, at(8))).await;
        assert_eq!(Instant::now(), at(8));
        poll_fn(|context| alarm.poll(context, at(3))).await;
        assert_eq!(Instant::now(), at(8));
    }
}
