//! The listener: accepts, serves, and stops without dropping what is under way.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use respair_client::{Clock, SetupError};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{Connection, Socket};
use crate::guard::Guard;
use crate::headers::REQUEST_ID;
use crate::metrics::Metrics;
use crate::options::Log;
use crate::record::Ongoing;
use crate::reply::{Body, Refusal, text};
use crate::route::Route;
use crate::upstream::Upstreams;
use crate::{Finish, GatewayOptions, Record, ServeLimits, pass, responses};

/// Bytes that one connection may hold for what was not taken yet, and for a request's head that is not whole. Above
/// `limits.headers`, so that it is told by its name.
const BUFFER: usize = 64 << 10;

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
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: ServeLimits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Cancelled when streams have to end now.
    pub(crate) ending: CancellationToken,
    /// Cancelled when no more requests are taken.
    closing: CancellationToken,
    guard: Guard,
    log: Log,
}

impl Shared {
    /// A request is over: counted and told.
    pub(crate) fn settle(&self, record: &Record) {
        self.metrics.count(record);
        (self.log)(record);
    }
}

/// A gateway that listens.
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    drain: Duration,
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
            log: options.log,
        };
        Ok(Self {
            listener,
            address,
            shared: Arc::new(shared),
            drain: options.drain,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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
                        let connection = connection(Arc::clone(&self.shared), socket);
                        let cut = cut.clone();
                        tasks.spawn(async move { cut.run_until_cancelled(connection).await });
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
        self.shared.closing.cancel();
        tasks.close();
        tokio::select! {
            () = tasks.wait() => return,
            () = tokio::time::sleep(self.drain) => {}
            () = hurry => {}
        }
        self.shared.ending.cancel();
        if tokio::time::timeout(ENDING, tasks.wait()).await.is_err() {
            cut.cancel();
            tasks.wait().await;
        }
    }
}

/// Serves one connection to its end, and settles what was sent on it.
async fn connection(shared: Arc<Shared>, socket: TcpStream) {
    // Each event is one write, and shall be one segment.
    let _ = socket.set_nodelay(true);
    let limits = shared.limits;
    let connection = Arc::new(Connection::default());
    let socket = Socket::new(socket, limits.write_stall, Arc::clone(&connection));
    let service =
        service_fn(|request| handle(Arc::clone(&shared), Arc::clone(&connection), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_wait)
        .max_buf_size(BUFFER)
        .writev(true)
        .serve_connection(TokioIo::new(socket), service);
    let mut served = pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = shared.closing.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = &result {
        tracing::debug!(%error, "a client's connection broke");
    }
    for mut record in connection.take() {
        record.terminal_delivered = record.terminal_seen && result.is_ok();
        if result.is_err() {
            record.finish = if connection.stalled() {
                Finish::ClientStalled
            } else {
                Finish::ClientGone
            };
        }
        shared.settle(&record);
    }
}

async fn handle(
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let ongoing = Ongoing::new(&shared, &connection, &parts);
    let id = HeaderValue::from_str(ongoing.id());
    let mut response = answer(&shared, ongoing, parts, body).await;
    if let Ok(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

async fn answer(
    shared: &Arc<Shared>,
    mut ongoing: Ongoing,
    parts: Parts,
    body: Incoming,
) -> Response<Body> {
    let names = shared.upstreams.names();
    let checked = shared.guard.check(&parts);
    let route = match checked.and_then(|()| Route::of(&parts.method, parts.uri.path(), &names)) {
        Ok(route) => route,
        Err(refusal) => return ongoing.refuse(&refusal),
    };
    ongoing.routed(route.name());
    match route {
        Route::Health => ongoing.told(text(StatusCode::OK, "text/plain", "ok\n")),
        Route::Ready if shared.closing.is_cancelled() => ongoing.told(text(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            "stopping\n",
        )),
        Route::Ready => ongoing.told(text(StatusCode::OK, "text/plain", "ready\n")),
        Route::Metrics => {
            let page = shared.metrics.text();
            ongoing.told(text(StatusCode::OK, "text/plain; version=0.0.4", page))
        }
        Route::Responses { upstream } => {
            responses::respond(shared, ongoing, parts, body, upstream).await
        }
        Route::Pass { rest, .. } if wants_websocket(&parts.method, &parts.headers, &rest) => {
            let message = "responses are served as server-sent events here: POST to this path with `stream: true`";
            ongoing.refuse(
                &Refusal::new(
                    StatusCode::UPGRADE_REQUIRED,
                    "websocket_not_served",
                    message,
                )
                .closing(),
            )
        }
        Route::Pass { upstream, rest } => {
            pass::pass(shared, ongoing, parts, body, upstream, &rest).await
        }
    }
}

fn wants_websocket(method: &Method, headers: &HeaderMap, rest: &str) -> bool {
    let upgrade = headers
        .get(UPGRADE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    *method == Method::GET
        && upgrade.eq_ignore_ascii_case(b"websocket")
        && rest.trim_end_matches('/') == "/responses"
}
