//! A [`Client`]: an endpoint, ready to be asked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::AUTHORIZATION;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::clock::{Clock, SystemClock};
use crate::redact::Redactor;
use crate::{
    Endpoint, EndpointMemory, SetupError, Trace, Turn, TurnRequest, drive, request, transport,
};

/// What a client may use besides its endpoint. Everything is off by default.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// What earlier turns learnt, and where this client's turns put what they learn.
    pub memory: Option<EndpointMemory>,
    /// Where the upstream's raw bytes are copied to.
    pub trace: Option<Trace>,
    /// Makes made-up ids and the jitter of waits the same on every run: for tests and demonstrations.
    pub seed: Option<u64>,
    /// Another clock than the system's: for tests.
    pub clock: Option<Arc<dyn Clock>>,
}

/// Makes turns at one endpoint. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What the turns of a client share.
pub(crate) struct Shared {
    pub(crate) endpoint: Endpoint,
    /// [`Endpoint::display_url`].
    pub(crate) url: String,
    /// What is posted to.
    pub(crate) target: Url,
    pub(crate) http: reqwest::Client,
    pub(crate) redactor: Redactor,
    pub(crate) options: ClientOptions,
    pub(crate) clock: Arc<dyn Clock>,
    random: Mutex<fastrand::Rng>,
}

impl Client {
    /// Checks the endpoint and prepares to ask it. Nothing is sent yet.
    ///
    /// # Errors
    /// When the endpoint cannot be used as configured.
    pub fn new(endpoint: Endpoint, options: ClientOptions) -> Result<Self, SetupError> {
        Ok(Self {
            shared: Arc::new(Shared::new(endpoint, options)?),
        })
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.shared.endpoint
    }

    /// Begins a turn. It runs while [`Turn::next`] is awaited, within a tokio runtime.
    pub fn turn(&self, request: TurnRequest) -> Turn {
        self.turn_until(request, CancellationToken::new())
    }

    /// The same; the turn also ends when this token, which may be that of something larger, is cancelled.
    pub fn turn_until(&self, request: TurnRequest, cancel: CancellationToken) -> Turn {
        let shared = Arc::clone(&self.shared);
        Turn::new(cancel.child_token(), |events, cancel| {
            drive::run(shared, request, events, cancel)
        })
    }
}

impl Shared {
    pub(crate) fn new(endpoint: Endpoint, options: ClientOptions) -> Result<Self, SetupError> {
        let headers = request::headers(&endpoint)?;
        let mut target = endpoint.responses_url();
        if headers.contains_key(AUTHORIZATION) {
            // The address's own user would replace the header; the key was named more plainly.
            let _ = target.set_username("");
            let _ = target.set_password(None);
        }
        let http = transport::build(&endpoint, headers)?;
        let mut redactor = Redactor::of(&endpoint);
        // What the address's own user and password are sent as.
        if let Ok(request) = http.post(target.clone()).build()
            && let Some(sent) = request.headers().get(AUTHORIZATION)
            && let Some((_basic, encoded)) =
                sent.to_str().ok().and_then(|text| text.split_once(' '))
        {
            redactor = redactor.with(encoded);
        }
        let random = options
            .seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Ok(Self {
            url: endpoint.display_url(),
            redactor,
            clock: options
                .clock
                .clone()
                .unwrap_or_else(|| Arc::new(SystemClock)),
            random: Mutex::new(random),
            target,
            http,
            endpoint,
            options,
        })
    }

    /// A generator for one turn.
    pub(crate) fn random(&self) -> fastrand::Rng {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fork()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.shared.endpoint)
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}
