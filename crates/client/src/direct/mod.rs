//! A request straight over a socket: what the gateway asks an upstream on this machine with.
//!
//! Where nothing stands between two programs of one machine, no TLS, no proxy and no name to look up, an HTTP client's own
//! tasks, buffers and pool cost more than the answer itself. Here the task that reads an answer reads the socket, whatever one
//! read gives is given on as one piece, however many chunks it holds, and a stream that is silent holds no buffer. Every other
//! upstream is asked by reqwest.
//!
//! One connection serves one request: on this machine it costs less than to find out whether an old one still stands.

mod body;
mod chunked;
mod head;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::buf::Chain;
use bytes::{Buf as _, Bytes};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::body::Body;
use crate::transport::{self, Break};
use crate::{Endpoint, TurnError};

use body::{Answered, with_scratch};
use head::Head;

/// An answer whose head has come.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decoded as it comes.
    pub body: Body,
}

/// An upstream on this machine.
#[derive(Debug)]
pub struct Direct {
    host: Host<String>,
    port: u16,
    /// How the upstream is called in errors, and in `Host`.
    name: String,
    connect: Option<Duration>,
}

impl Direct {
    /// `None` where there may be more between here and the upstream than a socket, or where its address holds a user.
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Option<Self> {
        let url = &endpoint.base_url;
        let bare = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "http" || !endpoint.is_loopback() || !bare {
            return None;
        }
        Some(Self {
            host: url.host()?.to_owned(),
            port: url.port_or_known_default()?,
            name: transport::host(endpoint),
            connect: endpoint.timeouts.connect,
        })
    }

    /// Posts `body` to `url`, which lies below the endpoint's base URL, and waits for the head of the answer. The headers say
    /// nothing of the body's length or of the connection.
    ///
    /// # Errors
    /// As of any request that gets no answer: `connect_failed`, `connect_timeout` or `empty_stream`.
    pub async fn post(
        &self,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Answer, TurnError> {
        let socket = self.connect().await?;
        let head = head::request(url, &self.name, headers, body.len());
        let mut exchange = Exchange {
            socket,
            unsent: Some(Bytes::from(head).chain(body)),
        };
        let mut held = Vec::new();
        let head = poll_fn(|context| exchange.poll_head(context, &mut held)).await;
        let Head {
            status,
            headers,
            framing,
        } = head.map_err(|error| self.no_answer(&error))?;
        let body = Answered::new(exchange, framing, held);
        Ok(Answer {
            status,
            body: Body::new(&headers, body),
            headers,
        })
    }

    async fn connect(&self) -> Result<TcpStream, TurnError> {
        let port = self.port;
        let connecting = async {
            match &self.host {
                Host::Domain(name) => TcpStream::connect((name.as_str(), port)).await,
                Host::Ipv4(address) => TcpStream::connect(SocketAddr::from((*address, port))).await,
                Host::Ipv6(address) => TcpStream::connect(SocketAddr::from((*address, port))).await,
            }
        };
        let connected = match self.connect {
            Some(limit) => match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected,
                Err(_) => return Err(transport::connect_timeout(&self.name, Some(limit))),
            },
            None => connecting.await,
        };
        let socket = connected.map_err(|error| {
            let why = transport::no_connection_because(&error);
            transport::connect_failed(&self.name, &why)
        })?;
        // A request is one write; nothing waits for it.
        let _ = socket.set_nodelay(true);
        Ok(socket)
    }

    fn no_answer(&self, error: &io::Error) -> TurnError {
        tracing::debug!(%error, "no answer");
        transport::no_answer(&self.name, Break::of_io(error))
    }
}

/// A socket with what is still to be sent on it.
struct Exchange {
    socket: TcpStream,
    unsent: Option<Chain<Bytes, Bytes>>,
}

impl Exchange {
    /// Sends what the socket takes. An upstream that takes no more may have answered: what it says is what counts.
    fn send(&mut self, context: &mut Context<'_>) {
        while let Some(unsent) = self.unsent.as_mut().filter(|unsent| unsent.has_remaining()) {
            let mut slices = [IoSlice::new(&[]); 2];
            let filled = unsent.chunks_vectored(&mut slices);
            let socket = Pin::new(&mut self.socket);
            match socket.poll_write_vectored(context, &slices[..filled]) {
                Poll::Pending => return,
                Poll::Ready(Ok(sent)) if sent > 0 => unsent.advance(sent),
                Poll::Ready(_) => break,
            }
        }
        self.unsent = None;
    }

    /// Reads until the head is there; what came behind it is left in `held`.
    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        held: &mut Vec<u8>,
    ) -> Poll<io::Result<Head>> {
        loop {
            self.send(context);
            let read = with_scratch(|scratch| {
                let mut buffer = ReadBuf::new(scratch);
                ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer))?;
                held.extend_from_slice(buffer.filled());
                Poll::Ready(io::Result::Ok(buffer.filled().len()))
            });
            if ready!(read)? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            if let Some(head) = head::read(held)? {
                return Poll::Ready(Ok(head));
            }
        }
    }
}

impl Answer {
    /// The same of reqwest's.
    pub fn of(response: reqwest::Response, redactor: crate::redact::Redactor) -> Self {
        use futures_util::TryStreamExt as _;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response
            .bytes_stream()
            .map_err(move |error| transport::body_error(error, &redactor));
        Self {
            status,
            body: Body::new(&headers, bytes),
            headers,
        }
    }
}

/// What is wrong with an answer, as hyper has it: it breaks off, or it is none.
fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
