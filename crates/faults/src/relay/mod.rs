//! The server: accepts, reads a request, asks what to answer, plays the script, keeps the record.

mod answer;
mod builder;
mod event;
mod log;
mod play;
mod request;
mod server;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio_util::sync::DropGuard;
use tokio_util::task::TaskTracker;

use crate::script::Pace;

pub use answer::Answer;
pub use builder::RelayBuilder;
pub use event::RelayEvent;
pub use log::Exchange;
pub use play::Ended;
pub use request::Request;

use log::Log;

type Watcher = Arc<dyn Fn(&RelayEvent<'_>) + Send + Sync>;

/// A running relay. Dropping it stops it and closes every socket.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    log: Arc<Log>,
    shutdown: DropGuard,
    tasks: TaskTracker,
}

impl Relay {
    /// Starts on a free port of 127.0.0.1, without delays.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(answer: impl Answer) -> io::Result<Self> {
        Self::builder(answer).start().await
    }

    /// A relay with settings.
    pub fn builder(answer: impl Answer) -> RelayBuilder {
        RelayBuilder {
            answer: Arc::new(answer),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            pace: Pace::INSTANT,
            watcher: Arc::new(|_| {}),
        }
    }

    /// `http://127.0.0.1:PORT`, without a path.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests for a response so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.log
            .read()
            .turns
            .iter()
            .map(|exchange| exchange.request.clone())
            .collect()
    }

    /// The requests for anything else so far (`GET …/models`, wrong paths), in order.
    #[must_use]
    pub fn other_requests(&self) -> Vec<Request> {
        self.log.read().others.clone()
    }

    /// The requests for a response and how their answers ended.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.log.read().turns.clone()
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.log.read().connections
    }

    /// Waits until `count` requests for a response have arrived, and gives them.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Request> {
        self.log
            .wait_for(|state| {
                let turns = &state.turns;
                (turns.len() >= count).then(|| {
                    turns
                        .iter()
                        .map(|exchange| exchange.request.clone())
                        .collect()
                })
            })
            .await
    }

    /// Waits until the answers to `count` requests have ended, in whatever way, and gives them all.
    pub async fn wait_closed(&self, count: usize) -> Vec<Exchange> {
        self.log
            .wait_for(|state| {
                let ended = state
                    .turns
                    .iter()
                    .filter(|exchange| exchange.ended.is_some())
                    .count();
                (ended >= count).then(|| state.turns.clone())
            })
            .await
    }

    /// Waits until a peer closed its socket while the relay was still sending or holding, and gives
    /// the first such exchange: [`Exchange::peer_closed_at`] says when.
    pub async fn wait_peer_closed(&self) -> Exchange {
        self.log
            .wait_for(|state| {
                state
                    .turns
                    .iter()
                    .find(|turn| turn.peer_closed_at().is_some())
                    .cloned()
            })
            .await
    }

    /// Stops, and waits until every socket is closed.
    pub async fn shutdown(self) {
        drop(self.shutdown);
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Waits until the relay has stopped, which only a drop or a failing listener brings about: for
    /// a command that serves until it is interrupted.
    pub async fn serve_forever(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
