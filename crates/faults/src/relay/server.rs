//! The tasks: one accepts, one serves each connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Watcher;
use super::answer::Answer;
use super::event::RelayEvent;
use super::log::Log;
use super::play::{self, Ended};
use super::request::{self, NoRequest, Request};
use crate::ev::{CREATED_AT, MODEL};
use crate::script::{Pace, Script};

/// What the tasks share.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) answer: Arc<dyn Answer>,
    pub(super) pace: Pace,
    pub(super) watcher: Watcher,
    pub(super) log: Arc<Log>,
    pub(super) shutdown: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Server {
    pub(super) async fn accept(self, listener: TcpListener) {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((socket, _)) = accepted else {
                        // Mostly a peer that is gone already. Out of file descriptors it would come
                        // back at once, again and again: hence the pause.
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        continue;
                    };
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
            let own = self.answer.other(&request);
            own.unwrap_or_else(|| other(&request))
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
