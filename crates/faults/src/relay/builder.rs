//! Settings, and the start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Answer;
use super::log::Log;
use super::server::Server;
use super::{Relay, RelayEvent, Watcher};
use crate::script::Pace;

/// Settings of a relay before it starts.
#[must_use]
pub struct RelayBuilder {
    pub(super) answer: Arc<dyn Answer>,
    pub(super) listen: SocketAddr,
    pub(super) pace: Pace,
    pub(super) watcher: Watcher,
}

impl fmt::Debug for RelayBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayBuilder")
            .field("listen", &self.listen)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

impl RelayBuilder {
    /// Where to listen. Default `127.0.0.1:0`: a free port.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// How long to wait before each delta. Default [`Pace::INSTANT`].
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Called for each request when it is answered, and when its answer ended.
    pub fn watch(mut self, watcher: impl Fn(&RelayEvent<'_>) + Send + Sync + 'static) -> Self {
        self.watcher = Arc::new(watcher);
        self
    }

    /// Starts the relay on the current tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(self) -> io::Result<Relay> {
        let listener = TcpListener::bind(self.listen).await?;
        let address = listener.local_addr()?;
        let (shutdown, tasks, log) = (
            CancellationToken::new(),
            TaskTracker::new(),
            Arc::new(Log::new()),
        );
        let server = Server {
            answer: self.answer,
            pace: self.pace,
            watcher: self.watcher,
            log: Arc::clone(&log),
            shutdown: shutdown.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(server.accept(listener));
        Ok(Relay {
            address,
            log,
            shutdown: shutdown.drop_guard(),
            tasks,
        })
    }

    /// Starts the relay on a thread and runtime of its own: for tests that are not async, and for
    /// those that drive a child process. Drop stops it.
    ///
    /// # Errors
    /// When the address cannot be bound, or the thread or runtime cannot be made.
    pub fn start_on_thread(self) -> io::Result<Relay> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let relay = runtime.block_on(self.start())?;
        let tasks = relay.tasks.clone();
        tasks.close();
        std::thread::Builder::new()
            .name("respair-relay".to_owned())
            .spawn(move || runtime.block_on(tasks.wait()))?;
        Ok(relay)
    }
}
