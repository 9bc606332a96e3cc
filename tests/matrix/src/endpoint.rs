//! What a cell is asked of: a relay that plays one scenario, and for the way through a gateway before it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use respair_client::{Endpoint, TimeoutSettings};
use respair_faults::{Answer, Relay};
use respair_gateway::{Gateway, GatewayOptions, Record, Upstream};
use serde_json::Value;
use tokio::sync::oneshot;

/// Direct, or through the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The client asks the relay.
    Direct,
    /// The client asks the gateway, which asks the relay.
    Gateway,
}

impl Way {
    /// Both, in the order of the table.
    pub const BOTH: [Self; 2] = [Self::Direct, Self::Gateway];

    /// How long a cell may take before it counts as a hang. Through the gateway its own timers run first.
    #[must_use]
    pub fn limit(self) -> Duration {
        match self {
            Self::Direct => Duration::from_secs(8),
            Self::Gateway => Duration::from_secs(25),
        }
    }
}

/// The gateway's timers, shortened so that silence is told within a cell's limit. The relay's longest legal wait is 1.5 s.
const TIMEOUTS: TimeoutSettings = TimeoutSettings {
    connect: Some(Duration::from_secs(5)),
    first_byte: Some(Duration::from_millis(2500)),
    idle: Some(Duration::from_millis(2500)),
    progress: Some(Duration::from_secs(4)),
};
/// Enough for what is asked again once; the default of four would only be waited for.
const MAX_REQUESTS: u32 = 2;

/// A relay, and a gateway before it where there is one. Dropping it closes every socket.
#[derive(Debug)]
pub struct Served {
    relay: Relay,
    gateway: Option<Before>,
}

/// The gateway before a relay. It stops when it is dropped, and does not wait for its streams then.
#[derive(Debug)]
struct Before {
    address: SocketAddr,
    records: Arc<Mutex<Vec<Record>>>,
    _stop: oneshot::Sender<()>,
    _hurry: oneshot::Sender<()>,
}

impl Served {
    /// Starts both on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When a port cannot be bound, or the gateway not be built.
    pub async fn start(answer: impl Answer, way: Way) -> io::Result<Self> {
        let relay = Relay::start(answer).await?;
        let gateway = match way {
            Way::Direct => None,
            Way::Gateway => Some(Before::start(&relay).await?),
        };
        Ok(Self { relay, gateway })
    }

    /// Where the client is to ask.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match &self.gateway {
            Some(gateway) => gateway.address,
            None => self.relay.address(),
        }
    }

    /// The address as clients take it.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address())
    }

    /// The gateway's records of requests that are over; none without a gateway.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let records = self.gateway.iter().map(|gateway| {
            let kept = gateway.records.lock();
            kept.unwrap_or_else(PoisonError::into_inner).clone()
        });
        records.flatten().collect()
    }

    /// The body of the first request at the relay; null where there was none.
    #[must_use]
    pub fn asked(&self) -> Value {
        let first = self.relay.requests().into_iter().next();
        first.and_then(|request| request.json()).unwrap_or_default()
    }

    /// The relay, and what it was asked.
    #[must_use]
    pub fn relay(&self) -> &Relay {
        &self.relay
    }
}

impl Before {
    async fn start(relay: &Relay) -> io::Result<Self> {
        let base = format!("{}/v1", relay.base_url());
        let mut endpoint = Endpoint::custom(base.parse().map_err(io::Error::other)?);
        endpoint.timeouts = TIMEOUTS;
        endpoint.recovery.max_requests = MAX_REQUESTS;
        let records = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&records);
        let mut options = GatewayOptions::new(vec![Upstream::new("relay", endpoint)]);
        options.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        options.log = Arc::new(move |record: &Record| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(record.clone());
        });
        let gateway = Gateway::bind(options).await.map_err(io::Error::other)?;
        let address = gateway.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let (hurry, hurried) = oneshot::channel::<()>();
        let told = async |dropped: oneshot::Receiver<()>| drop(dropped.await);
        tokio::spawn(async move { gateway.serve(told(stopped), told(hurried)).await });
        Ok(Self {
            address,
            records,
            _stop: stop,
            _hurry: hurry,
        })
    }
}
