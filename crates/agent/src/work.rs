//! A [`Work`]: something that a conversation does, as its consumer sees it.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{AgentEvent, Answer, BoxFuture};

/// Events that may be ready before the consumer asks.
const READY: usize = 64;

/// A turn under way, or another thing that takes a while. No task is spawned for it: it runs while [`Work::next`] is
/// awaited, and dropping it ends the upstream's socket and the tools.
#[must_use = "it runs while its events are awaited"]
pub struct Work<'a> {
    events: mpsc::Receiver<AgentEvent>,
    driver: Option<BoxFuture<'a, ()>>,
    cancel: CancellationToken,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        driver: impl FnOnce(mpsc::Sender<AgentEvent>, CancellationToken) -> BoxFuture<'a, ()>,
    ) -> Self {
        let (sender, events) = mpsc::channel(READY);
        let cancel = CancellationToken::new();
        Self {
            driver: Some(driver(sender, cancel.clone())),
            events,
            cancel,
        }
    }

    /// The next event; `None` after [`AgentEvent::Finished`]. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<AgentEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Runs it to its end. Nobody is there to be asked: a call that needs approval is refused.
    pub async fn answer(mut self) -> Option<Answer> {
        while let Some(event) = self.next().await {
            if let AgentEvent::Finished(answer) = event {
                return Some(*answer);
            }
        }
        None
    }

    /// Cancelling this token ends the stream under way and the tools that run; the turn then ends as interrupted.
    pub fn cancel_token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<AgentEvent>> {
        loop {
            if let ready @ Poll::Ready(_) = self.events.poll_recv(cx) {
                return ready;
            }
            let Some(driver) = &mut self.driver else {
                return Poll::Ready(None);
            };
            if driver.as_mut().poll(cx).is_pending() {
                return self.events.poll_recv(cx);
            }
            self.driver = None;
        }
    }
}

impl Stream for Work<'_> {
    type Item = AgentEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AgentEvent>> {
        self.get_mut().poll_event(cx)
    }
}

impl fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("running", &self.driver.is_some())
            .finish_non_exhaustive()
    }
}
