//! What a gateway is made of: plain data, filled in by whoever reads the configuration.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use respair_client::{Clock, Endpoint, SystemClock};

use crate::{Record, RecordOptions, ServeLimits};

/// Where requests may go.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Upstream {
    /// Requests below `/NAME/v1` go there.
    pub name: String,
    /// Requests for this model go there too.
    pub model: Option<String>,
    /// The endpoint. A native one is passed on byte for byte, never repaired.
    pub endpoint: Endpoint,
}

impl Upstream {
    /// An upstream of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoint: Endpoint) -> Self {
        Self {
            name: name.into(),
            model: None,
            endpoint,
        }
    }

    /// The same, for requests that name this model.
    #[must_use]
    pub fn for_model(self, model: Option<String>) -> Self {
        Self { model, ..self }
    }
}

/// Told of each request when it is over.
pub(crate) type Log = Arc<dyn Fn(&Record) + Send + Sync>;

/// Told in words what a person who runs a gateway should know.
pub(crate) type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// How a gateway runs.
#[derive(Clone)]
#[non_exhaustive]
pub struct GatewayOptions {
    /// Where to listen: a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where requests may go; the first is the one for requests that choose none.
    pub upstreams: Vec<Upstream>,
    /// The limits.
    pub limits: ServeLimits,
    /// Web pages that may use the gateway, by their origin (`http://localhost:3000`). None by default.
    pub allow_origins: Vec<String>,
    /// How long streams may go on once the gateway is told to stop.
    pub drain: Duration,
    /// Told of each request when it is over.
    pub log: Log,
    /// Told what whoever runs it should know: one line, without a stop.
    pub notice: Notice,
    /// Where both sides of each stream are kept. Nowhere by default.
    pub record: Option<RecordOptions>,
    /// Hands the bodies of requests and answers to the log. Off by default: they are what people said.
    pub log_bodies: bool,
    /// Where the time comes from: tests bring their own.
    pub clock: Arc<dyn Clock>,
}

impl GatewayOptions {
    /// A gateway before these upstreams on 127.0.0.1:8484, with every default.
    #[must_use]
    pub fn new(upstreams: Vec<Upstream>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8484)),
            upstreams,
            limits: ServeLimits::default(),
            allow_origins: Vec::new(),
            drain: Duration::from_secs(30),
            log: Arc::new(|_| {}),
            notice: Arc::new(|_| {}),
            record: None,
            log_bodies: false,
            clock: Arc::new(SystemClock),
        }
    }
}

impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayOptions")
            .field("listen", &self.listen)
            .field("upstreams", &self.upstreams)
            .field("limits", &self.limits)
            .field("allow_origins", &self.allow_origins)
            .field("drain", &self.drain)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
