//! The listener: accepts, serves, and stops without dropping what is under way.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use respair_client::{Clock, SetupError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::guard::Guard;
use crate::metrics::Metrics;
use crate::options::Log;
use crate::recorder::Recorder;
use crate::upstream::Upstreams;
use crate::{GatewayOptions, Record, RecordOptions, ServeLimits, connection};

/// The pause after a connection could not be accepted: out of descriptors it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How long streams that were told to end may take for it.
const ENDING: Duration = Duration::from_secs(2);

/// What keeps a gateway from starting.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not one of this machine's own. Whoever can reach the gateway uses its key.
    NotLoopback(SocketAddr),
    /// There is nowhere to send requests to.
    NoUpstream,
    /// Records cannot be kept in this directory.
    Record(PathBuf, io::Error),
    /// An upstream cannot be used as configured.
    Upstream(SetupError),
    /// The address cannot be bound.
    Listen(SocketAddr, io::Error),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(
                f,
                "{address} can be reached from other machines; the gateway listens on 127.0.0.1 or [::1] only"
            ),
            Self::NoUpstream => f.write_str("no upstream is configured"),
            Self::Upstream(error) => error.fmt(f),
            Self::Record(dir, error) => {
                write!(f, "records cannot be kept in {}: {error}", dir.display())
            }
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What all requests share: those that begin from now on. A reload puts another one in its place; who has this one keeps it.
pub(crate) struct Shared {
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: ServeLimits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Cancelled when streams have to end now.
    pub(crate) ending: CancellationToken,
    /// Cancelled when no more requests are taken.
    pub(crate) closing: CancellationToken,
    pub(crate) guard: Guard,
    drain: Duration,
    log: Log,
    pub(crate) log_bodies: bool,
    pub(crate) recorder: Option<Arc<Recorder>>,
}

impl Shared {
    /// A request is over: counted and told.
    pub(crate) fn settle(&self, record: &Record) {
        self.metrics.count(record);
        (self.log)(record);
    }
}

/// What holds at the moment.
pub(crate) struct Current(RwLock<Arc<Shared>>);

impl Current {
    fn set(&self, shared: Shared) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shared);
    }

    pub(crate) fn now(&self) -> Arc<Shared> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A gateway that listens.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    pub(crate) current: Arc<Current>,
    fixed: Fixed,
}

/// What a gateway keeps for as long as it runs.
#[derive(Clone)]
struct Fixed {
    /// As it was configured: the port may have been left open.
    listen: SocketAddr,
    record: Option<RecordOptions>,
}

/// Changes a gateway that runs.
#[derive(Clone)]
pub struct Control {
    current: Arc<Current>,
    fixed: Fixed,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

impl Control {
    /// How long streams may go on once the gateway is told to stop.
    #[must_use]
    pub fn drain(&self) -> Duration {
        self.current.now().drain
    }

    /// From now on requests go by these options; those under way keep what they began with, and nothing is dropped. Names
    /// the settings that would need a restart, and stay as they are. The log, the clock and what is said in words stay as well.
    ///
    /// # Errors
    /// [`StartError`]: nothing is changed then.
    pub fn reload(&self, options: GatewayOptions) -> Result<Vec<&'static str>, StartError> {
        if options.upstreams.is_empty() {
            return Err(StartError::NoUpstream);
        }
        let upstreams = Upstreams::new(options.upstreams).map_err(StartError::Upstream)?;
        let now = self.current.now();
        self.current.set(Shared {
            upstreams,
            metrics: Arc::clone(&now.metrics),
            clock: Arc::clone(&now.clock),
            ending: now.ending.clone(),
            closing: now.closing.clone(),
            guard: Guard {
                own: now.guard.own,
                allow_origins: options.allow_origins,
                headers: options.limits.headers,
            },
            limits: options.limits,
            drain: options.drain,
            log: Arc::clone(&now.log),
            log_bodies: now.log_bodies,
            recorder: now.recorder.clone(),
        });
        let fixed = [
            ("serve.listen", options.listen != self.fixed.listen),
            ("serve.record", options.record != self.fixed.record),
        ];
        let kept = fixed.into_iter().filter(|(_, differs)| *differs);
        Ok(kept.map(|(name, _)| name).collect())
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Checks the upstreams and binds the address. Connections wait until [`Gateway::serve`].
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(options: GatewayOptions) -> Result<Self, StartError> {
        let listen = options.listen;
        if !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(listen));
        }
        if options.upstreams.is_empty() {
            return Err(StartError::NoUpstream);
        }
        let upstreams = Upstreams::new(options.upstreams).map_err(StartError::Upstream)?;
        let recorder = match &options.record {
            Some(record) => match Recorder::start(record, &options.notice) {
                Ok(recorder) => Some(Arc::new(recorder)),
                Err(error) => return Err(StartError::Record(record.dir.clone(), error)),
            },
            None => None,
        };
        let bound = TcpListener::bind(listen).await;
        let listener = bound.map_err(|error| StartError::Listen(listen, error))?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Listen(listen, error))?;
        let shared = Shared {
            upstreams,
            metrics: Arc::default(),
            clock: options.clock,
            ending: CancellationToken::new(),
            closing: CancellationToken::new(),
            guard: Guard {
                own: address,
                allow_origins: options.allow_origins,
                headers: options.limits.headers,
            },
            limits: options.limits,
            drain: options.drain,
            log: options.log,
            log_bodies: options.log_bodies,
            recorder,
        };
        Ok(Self {
            listener,
            address,
            current: Arc::new(Current(RwLock::new(Arc::new(shared)))),
            fixed: Fixed {
                listen,
                record: options.record,
            },
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What changes it while it runs.
    #[must_use]
    pub fn control(&self) -> Control {
        Control {
            current: Arc::clone(&self.current),
            fixed: self.fixed.clone(),
        }
    }

    /// Serves until `stop` is ready. Then nothing new is taken, and streams may go on for the drain time, or until `hurry`
    /// is ready as well; what is left then is ended with `response.failed`.
    pub async fn serve(self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let tasks = TaskTracker::new();
        let cut = CancellationToken::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        // Each event is one write, and shall be one segment.
                        let _ = socket.set_nodelay(true);
                        let current = Arc::clone(&self.current);
                        tasks.spawn(connection::serve(current, socket, cut.clone()));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "not accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                () = stop.as_mut() => break,
            }
        }
        drop(self.listener);
        let shared = self.current.now();
        shared.closing.cancel();
        tasks.close();
        let waited = tokio::select! {
            () = tasks.wait() => true,
            () = tokio::time::sleep(shared.drain) => false,
            () = hurry => false,
        };
        shared.ending.cancel();
        if !waited && tokio::time::timeout(ENDING, tasks.wait()).await.is_err() {
            cut.cancel();
            tasks.wait().await;
        }
        if let Some(recorder) = &shared.recorder {
            recorder.finish().await;
        }
    }
}
