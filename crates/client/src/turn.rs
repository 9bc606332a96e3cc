//! A [`Turn`] as its consumer sees it: a stream of events that runs while it is asked for the next.
//!
//! No task is spawned: the turn is a future that [`Turn::next`] drives. So dropping it drops everything it holds, the
//! upstream's socket first of all, and a consumer that is slow slows the upstream down instead of filling memory.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Outcome, TurnEvent};

/// Events that may be ready before the consumer asks: those of one chunk of bytes, mostly.
const READY: usize = 64;

/// One turn under way. Dropping it closes the upstream's socket at once.
#[must_use = "a turn runs while its events are awaited"]
pub struct Turn {
    events: mpsc::Receiver<TurnEvent>,
    driver: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    cancel: CancellationToken,
}

impl Turn {
    pub(crate) fn new<F>(
        cancel: CancellationToken,
        driver: impl FnOnce(mpsc::Sender<TurnEvent>, CancellationToken) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, events) = mpsc::channel(READY);
        let driver = driver(sender, cancel.clone());
        Self {
            events,
            driver: Some(Box::pin(driver)),
            cancel,
        }
    }

    /// The next event; `None` after [`TurnEvent::Finished`]. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<TurnEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Runs the turn to its end and gives the outcome alone.
    pub async fn outcome(mut self) -> Option<Outcome> {
        while let Some(event) = self.next().await {
            if let TurnEvent::Finished(outcome) = event {
                return Some(*outcome);
            }
        }
        None
    }

    /// Cancelling this token closes the upstream's socket at once; the turn then ends as
    /// [`Interrupted`](crate::TurnStatus::Interrupted), with what came so far. After the end it does nothing.
    pub fn cancel_token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Cancels [`Turn::cancel_token`].
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<TurnEvent>> {
        loop {
            if let ready @ Poll::Ready(_) = self.events.poll_recv(cx) {
                return ready;
            }
            let Some(driver) = &mut self.driver else {
                return Poll::Ready(None);
            };
            if driver.as_mut().poll(cx).is_pending() {
                // It may have given events before it had to wait.
                return self.events.poll_recv(cx);
            }
            // Its end of the channel is gone now: what is left in it comes out, then `None`.
            self.driver = None;
        }
    }
}

impl Stream for Turn {
    type Item = TurnEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TurnEvent>> {
        self.get_mut().poll_event(cx)
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("running", &self.driver.is_some())
            .finish_non_exhaustive()
    }
}
