//! The server: accepts, reads a request, asks what to answer, plays the script, keeps the record.

mod log;
mod play;
mod request;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::ev::{CREATED_AT, MODEL};
use crate::script::{Pace, Script};

pub use log::Exchange;
pub use play::Ended;
pub use request::Request;

use log::Log;
use request::NoRequest;

/// What decides the answer to a request for a response.
///
/// Implemented by a [`Script`] (always the same), by a sequence of them (the first request gets the
/// first, the last repeats), and by functions of the [`Request`].
pub trait Answer: Send + Sync + 'static {
    /// The script for this request; `request.number` says which it is, from 0.
    fn answer(&self, request: &Request) -> Script;
}

impl Answer for Script {
    fn answer(&self, _: &Request) -> Script {
        self.clone()
    }
}

impl Answer for Vec<Script> {
    fn answer(&self, request: &Request) -> Script {
        nth(self, request.number)
    }
}

impl<const N: usize> Answer for [Script; N] {
    fn answer(&self, request: &Request) -> Script {
        nth(self, request.number)
    }
}

impl<F: Fn(&Request) -> Script + Send + Sync + 'static> Answer for F {
    fn answer(&self, request: &Request) -> Script {
        self(request)
    }
}

fn nth(scripts: &[Script], number: usize) -> Script {
    let script = scripts.get(number).or(scripts.last());
    script
        .cloned()
        .unwrap_or_else(|| Script::error(500, "server_error", None, "The relay has no script."))
}

/// Something to tell whoever watches the relay. `Display` gives one line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RelayEvent<'a> {
    /// A request arrived and is answered with this status (0: bytes that are no HTTP).
    Asked {
        /// The request.
        request: &'a Request,
        /// The status of the answer.
        status: u16,
    },
    /// The answer to a request for a response ended.
    Ended {
        /// The request.
        request: &'a Request,
        /// How.
        ended: Ended,
    },
}

impl fmt::Display for RelayEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked { request, status } => {
                // Escaped: the path comes from the peer and goes to somebody's terminal.
                write!(
                    f,
                    "{} {} -> ",
                    request.method.escape_debug(),
                    request.path.escape_debug()
                )?;
                if *status == 0 {
                    f.write_str("raw bytes")?
                } else {
                    write!(f, "{status}")?
                }
                if request.is_turn() {
                    write!(f, " (request {})", request.number + 1)
                } else {
                    Ok(())
                }
            }
            Self::Ended { request, ended } => {
                let how = match ended {
                    Ended::Finished => "finished",
                    Ended::Cut => "cut",
                    Ended::Reset => "reset",
                    Ended::PeerClosed(_) => "closed by the peer",
                    Ended::Shutdown => "stopped",
                };
                write!(
                    f,
                    "request {} {how} after {} ms",
                    request.number + 1,
                    request.at.elapsed().as_millis()
                )
            }
        }
    }
}

type Watcher = Arc<dyn Fn(&RelayEvent<'_>) + Send + Sync>;

/// Settings of a relay before it starts.
#[must_use]
pub struct RelayBuilder {
    answer: Arc<dyn Answer>,
    listen: SocketAddr,
    pace: Pace,
    watcher: Watcher,
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

/// What the tasks share.
#[derive(Clone)]
struct Server {
    answer: Arc<dyn Answer>,
    pace: Pace,
    watcher: Watcher,
    log: Arc<Log>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    async fn accept(self, listener: TcpListener) {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    // A failed accept (the peer is gone already) concerns that peer only.
                    let Ok((socket, _)) = accepted else { continue };
                    self.tasks.spawn(self.clone().connection(socket));
                }
                () = self.shutdown.cancelled() => return,
            }
        }
    }

    async fn connection(self, mut socket: TcpStream) {
        // Each step of a script is one write, and shall be one segment.
        let _ = socket.set_nodelay(true);
        let number = self.log.next_connection();
        let mut buffer = BytesMut::new();
        loop {
            let request = tokio::select! {
                request = request::read(&mut socket, &mut buffer, number) => request,
                () = self.shutdown.cancelled() => return,
            };
            let ended = match request {
                Ok(request) => self.exchange(&mut socket, &mut buffer, request).await,
                Err(NoRequest::Closed) => return,
                Err(NoRequest::Bad(status, message)) => {
                    let script = Script::error(status, "invalid_request_error", None, message);
                    self.play(&mut socket, &mut buffer, &script, false).await
                }
            };
            match ended {
                (Ended::Finished, true) => {}
                (Ended::Finished, false) => {
                    let _ = socket.shutdown().await;
                    return;
                }
                // Dropping the socket closes it: with RST where the script asked for that, which a
                // FIN sent first would spoil.
                _ => return,
            }
        }
    }

    async fn play(
        &self,
        socket: &mut TcpStream,
        buffer: &mut BytesMut,
        script: &Script,
        stays: bool,
    ) -> (Ended, bool) {
        let ended = play::play(socket, buffer, script, stays, self.pace, &self.shutdown).await;
        (ended, stays)
    }

    /// Answers one request: how that ended, and whether the connection then stays for another.
    async fn exchange(
        &self,
        socket: &mut TcpStream,
        buffer: &mut BytesMut,
        mut request: Request,
    ) -> (Ended, bool) {
        let listing = request.method == "GET" && request.bare_path() == "/_relay/requests";
        if !listing {
            self.log.asked(&mut request);
        }
        let script = if listing {
            Script::json(200, &self.listing())
        } else if request.is_turn() {
            self.answer.answer(&request)
        } else {
            other(&request)
        };
        if !listing {
            (self.watcher)(&RelayEvent::Asked {
                request: &request,
                status: script.status,
            });
        }
        let stays = script.keep_alive && !request.wants_close;
        let played = self.play(socket, buffer, &script, stays).await;
        if request.is_turn() {
            let (ended, _) = played;
            self.log.ended(request.number, ended);
            (self.watcher)(&RelayEvent::Ended {
                request: &request,
                ended,
            });
        }
        played
    }

    /// Everything that was asked, in order of time.
    fn listing(&self) -> Value {
        let state = self.log.read();
        let mut asked: Vec<&Request> = state
            .turns
            .iter()
            .map(|turn| &turn.request)
            .chain(&state.others)
            .collect();
        asked.sort_by_key(|request| request.at);
        asked.into_iter().map(Request::to_json).collect()
    }
}

/// The answer to what is no request for a response.
fn other(request: &Request) -> Script {
    if request.method == "GET" && request.bare_path().ends_with("/models") {
        let model = json!({"id": MODEL, "object": "model", "created": CREATED_AT, "owned_by": "respair-relay"});
        return Script::json(200, &json!({"object": "list", "data": [model]}));
    }
    let message = format!("Unknown request URL: {} {}.", request.method, request.path);
    Script::error(404, "invalid_request_error", Some("unknown_url"), &message)
}
