//! What the relay was asked and how each answer ended, and waiting for either.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::play::Ended;
use super::request::Request;

/// One answered request for a response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// How the answer ended, and when; `None` while it is under way.
    pub ended: Option<(Ended, Instant)>,
}

impl Exchange {
    /// When the peer closed its socket while the relay was still sending or holding.
    #[must_use]
    pub fn peer_closed_at(&self) -> Option<Instant> {
        match self.ended {
            Some((Ended::PeerClosed(at), _)) => Some(at),
            _ => None,
        }
    }

    /// How long the answer took, from the whole request to its end.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.ended.map(|(_, at)| at.duration_since(self.request.at))
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) turns: Vec<Exchange>,
    pub(crate) others: Vec<Request>,
    pub(crate) connections: usize,
}

/// The shared record. Every change wakes those who wait.
#[derive(Debug)]
pub(crate) struct Log {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    pub(crate) fn read(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request and gives it its number.
    pub(crate) fn asked(&self, request: &mut Request) {
        let mut state = self.read();
        if request.is_turn() {
            request.number = state.turns.len();
            state.turns.push(Exchange {
                request: request.clone(),
                ended: None,
            });
        } else {
            request.number = state.others.len();
            state.others.push(request.clone());
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// Records the end of the answer to the turn with this number.
    pub(crate) fn ended(&self, number: usize, ended: Ended) {
        if let Some(exchange) = self.read().turns.get_mut(number) {
            exchange.ended = Some((ended, Instant::now()));
        }
        self.changed.send_replace(());
    }

    pub(crate) fn next_connection(&self) -> usize {
        let mut state = self.read();
        state.connections += 1;
        state.connections - 1
    }

    /// Waits until `find` finds something. No change is missed: the subscription comes first.
    pub(crate) async fn wait_for<T>(&self, find: impl Fn(&State) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            let found = find(&self.read());
            if let Some(found) = found {
                return found;
            }
            if changed.changed().await.is_err() {
                // The sender lives in `self`: cannot happen, and must not spin.
                std::future::pending::<()>().await;
            }
        }
    }
}
