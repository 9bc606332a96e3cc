//! One request as the relay received it, and how it is read from the socket.
//!
//! httparse for the head; bodies counted or chunked. Anything beyond the limits, or that is no
//! HTTP/1.1, is an error with the status to answer it with.

use std::fmt;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::{Buf, Bytes, BytesMut};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes of a request head: no client under test sends more.
const HEAD_LIMIT: usize = 64 * 1024;
/// The most bytes of a request body: a long conversation with pictures stays below.
const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// The most headers of a request.
const HEADER_LIMIT: usize = 128;

/// A request that the relay was asked. [`Request::header`] gives true values; `Debug` and
/// [`Request::to_json`] hide those that hold keys.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// Which request for a response this is, from 0. For other requests: of those.
    pub number: usize,
    /// The method, upper case.
    pub method: String,
    /// The path with its query, as asked.
    pub path: String,
    /// Names in lower case, values as sent (lossily decoded), in order.
    pub headers: Vec<(String, String)>,
    /// The body, decoded from chunks.
    pub body: Bytes,
    /// When it had arrived whole.
    pub at: Instant,
    /// The same in Unix milliseconds.
    pub unix_ms: u64,
    /// The connection it came on, from 0: equal for two requests that shared a socket.
    pub connection: usize,
    pub(crate) wants_close: bool,
}

impl Request {
    /// The first value of a header, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if it is.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What the JSON body holds at a dotted path.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<Value> {
        let body = self.json()?;
        path.split('.')
            .try_fold(&body, |value, key| value.get(key))
            .cloned()
    }

    /// The path without its query and trailing slashes.
    #[must_use]
    pub fn bare_path(&self) -> &str {
        self.path
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .trim_end_matches('/')
    }

    /// Whether this asks for a response: POST on a path that ends in `/responses`.
    #[must_use]
    pub fn is_turn(&self) -> bool {
        self.method == "POST" && self.bare_path().ends_with("/responses")
    }

    /// The request as `/_relay/requests` lists it: headers that hold keys are hidden, the body is
    /// JSON where it is JSON, else text.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in self.shown_headers() {
            match headers.get_mut(name) {
                Some(Value::String(before)) => *before = format!("{before}, {value}"),
                _ => {
                    headers.insert(name.to_owned(), value.into());
                }
            }
        }
        let body = self
            .json()
            .unwrap_or_else(|| String::from_utf8_lossy(&self.body).into_owned().into());
        json!({
            "number": self.number,
            "unix_ms": self.unix_ms,
            "connection": self.connection,
            "method": self.method,
            "path": self.path,
            "headers": headers,
            "body": body,
        })
    }

    fn shown_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| {
            let secret = ["authorization", "cookie", "key", "token", "secret"]
                .iter()
                .any(|part| name.contains(part));
            (
                name.as_str(),
                if secret { "[redacted]" } else { value.as_str() },
            )
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("number", &self.number)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.shown_headers().collect::<Vec<_>>())
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish_non_exhaustive()
    }
}

/// Why no request came.
#[derive(Debug)]
pub(crate) enum NoRequest {
    /// The peer closed, before or within a request.
    Closed,
    /// The request cannot be read: the status and the sentence to answer with.
    Bad(u16, &'static str),
}

impl From<std::io::Error> for NoRequest {
    fn from(_: std::io::Error) -> Self {
        Self::Closed
    }
}

/// Reads one request. `buffer` holds what was read beyond it before, and after.
pub(crate) async fn read(
    socket: &mut TcpStream,
    buffer: &mut BytesMut,
    connection: usize,
) -> Result<Request, NoRequest> {
    let mut request = loop {
        if let Some((length, request)) = parse_head(buffer, connection)? {
            buffer.advance(length);
            break request;
        }
        if buffer.len() > HEAD_LIMIT {
            return Err(NoRequest::Bad(
                431,
                "The request head is longer than 64 KiB.",
            ));
        }
        more(socket, buffer).await?;
    };
    if request
        .header("expect")
        .is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue"))
    {
        socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let chunked = request
        .header("transfer-encoding")
        .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
    request.body = if chunked {
        read_chunks(socket, buffer).await?
    } else {
        match request.header("content-length").map(str::parse::<usize>) {
            None => Bytes::new(),
            Some(Ok(length)) => read_exact(socket, buffer, length).await?,
            Some(Err(_)) => return Err(NoRequest::Bad(400, "Content-Length is no number.")),
        }
    };
    request.at = Instant::now();
    request.unix_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64);
    Ok(request)
}

fn parse_head(buffer: &[u8], connection: usize) -> Result<Option<(usize, Request)>, NoRequest> {
    let mut headers = [httparse::EMPTY_HEADER; HEADER_LIMIT];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(NoRequest::Bad(400, "This is no HTTP/1.1 request.")),
    };
    let headers: Vec<_> = head
        .headers
        .iter()
        .map(|header| {
            (
                header.name.to_ascii_lowercase(),
                String::from_utf8_lossy(header.value).into_owned(),
            )
        })
        .collect();
    let asks_close = headers
        .iter()
        .any(|(name, value)| name == "connection" && value.to_ascii_lowercase().contains("close"));
    let request = Request {
        number: 0,
        method: head.method.unwrap_or_default().to_owned(),
        path: head.path.unwrap_or_default().to_owned(),
        headers,
        body: Bytes::new(),
        at: Instant::now(),
        unix_ms: 0,
        connection,
        wants_close: asks_close || head.version == Some(0),
    };
    Ok(Some((length, request)))
}

async fn read_exact(
    socket: &mut TcpStream,
    buffer: &mut BytesMut,
    length: usize,
) -> Result<Bytes, NoRequest> {
    if length > BODY_LIMIT {
        return Err(NoRequest::Bad(
            413,
            "The request body is longer than 64 MiB.",
        ));
    }
    while buffer.len() < length {
        more(socket, buffer).await?;
    }
    Ok(buffer.split_to(length).freeze())
}

async fn read_chunks(socket: &mut TcpStream, buffer: &mut BytesMut) -> Result<Bytes, NoRequest> {
    let mut body = BytesMut::new();
    loop {
        let (line, size) = match httparse::parse_chunk_size(buffer) {
            Ok(httparse::Status::Complete((line, size))) => {
                (line, usize::try_from(size).unwrap_or(usize::MAX))
            }
            Ok(httparse::Status::Partial) => {
                more(socket, buffer).await?;
                continue;
            }
            Err(_) => return Err(NoRequest::Bad(400, "A chunk has no size.")),
        };
        if size > BODY_LIMIT - body.len() {
            return Err(NoRequest::Bad(
                413,
                "The request body is longer than 64 MiB.",
            ));
        }
        buffer.advance(line);
        if size == 0 {
            read_trailers(socket, buffer).await?;
            return Ok(body.freeze());
        }
        body.extend_from_slice(&read_exact(socket, buffer, size).await?);
        let _line_end = read_exact(socket, buffer, 2).await?;
    }
}

/// Skips what follows the last chunk, to the empty line.
async fn read_trailers(socket: &mut TcpStream, buffer: &mut BytesMut) -> Result<(), NoRequest> {
    loop {
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line = buffer.split_to(end + 1);
            if line.iter().all(u8::is_ascii_whitespace) {
                return Ok(());
            }
        }
        if buffer.len() > HEAD_LIMIT {
            return Err(NoRequest::Bad(431, "The trailers are longer than 64 KiB."));
        }
        more(socket, buffer).await?;
    }
}

async fn more(socket: &mut TcpStream, buffer: &mut BytesMut) -> Result<(), NoRequest> {
    if socket.read_buf(buffer).await? == 0 {
        return Err(NoRequest::Closed);
    }
    Ok(())
}
