//! Plays one script on one socket, and notices when the peer goes away meanwhile.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio_util::sync::CancellationToken;

use crate::script::{BodyLength, Pace, Script, Step};

/// What a peer may send while it is being answered (its next request) before it is only thrown away.
const READ_AHEAD_LIMIT: usize = 64 * 1024;

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The script was played to its end, and the body ended properly.
    Finished,
    /// The script cut the connection (FIN).
    Cut,
    /// The script reset the connection (RST).
    Reset,
    /// The peer closed its socket, or reset it, while the relay was still sending or holding.
    PeerClosed(Instant),
    /// The relay was shut down meanwhile.
    Shutdown,
}

/// What the last step asks for.
enum Last {
    End,
    Cut,
    Reset,
}

/// Plays `script`. Bytes that the peer sends meanwhile are appended to `buffer`.
pub(crate) async fn play(
    socket: &mut TcpStream,
    buffer: &mut BytesMut,
    script: &Script,
    stays: bool,
    pace: Pace,
    shutdown: &CancellationToken,
) -> Ended {
    let (mut reader, writer) = socket.split();
    let mut player = Player {
        writer,
        length: script.length,
        pace,
    };
    let last = tokio::select! {
        // The order matters at the end only: a script that is through has ended, even if the peer
        // hung up at the same moment, as clients do behind the last byte.
        biased;
        played = player.all(script, stays) => match played {
            Ok(last) => last,
            Err(_) => return Ended::PeerClosed(Instant::now()),
        },
        at = peer_closed(&mut reader, buffer) => return Ended::PeerClosed(at),
        () = shutdown.cancelled() => return Ended::Shutdown,
    };
    match last {
        Last::End => Ended::Finished,
        Last::Cut => {
            let _ = socket.shutdown().await;
            Ended::Cut
        }
        Last::Reset => {
            // Linger zero makes the coming close a RST.
            let _ = socket.set_zero_linger();
            Ended::Reset
        }
    }
}

/// Waits for the peer's FIN or RST.
async fn peer_closed(reader: &mut ReadHalf<'_>, buffer: &mut BytesMut) -> Instant {
    let mut thrown_away = [0; 4096];
    loop {
        let read = if buffer.len() < READ_AHEAD_LIMIT {
            reader.read_buf(buffer).await
        } else {
            reader.read(&mut thrown_away).await
        };
        if matches!(read, Ok(0) | Err(_)) {
            return Instant::now();
        }
    }
}

struct Player<'a> {
    writer: WriteHalf<'a>,
    length: BodyLength,
    pace: Pace,
}

impl Player<'_> {
    async fn all(&mut self, script: &Script, stays: bool) -> std::io::Result<Last> {
        for step in &script.before_head {
            if let Some(last) = self.wait_or_break(step).await {
                return Ok(last);
            }
        }
        if script.length != BodyLength::Raw {
            self.writer.write_all(&head(script, stays)).await?;
        }
        for (_, step) in &script.steps {
            match step {
                Step::Send(bytes) => self.send(bytes).await?,
                Step::Repeat {
                    bytes,
                    every,
                    times,
                } => self.repeat(bytes, *every, *times).await?,
                other => {
                    if let Some(last) = self.wait_or_break(other).await {
                        return self.finish(last).await;
                    }
                }
            }
        }
        self.finish(Last::End).await
    }

    /// Takes a step that sends nothing; what is to be done now, if it was the last.
    async fn wait_or_break(&self, step: &Step) -> Option<Last> {
        match step {
            Step::Beat => wait(self.pace.0).await,
            Step::Delay(delay) => wait(*delay).await,
            Step::Gate(gate) => gate.pass().await,
            Step::HoldOpen => std::future::pending().await,
            Step::Cut => return Some(Last::Cut),
            Step::Reset => return Some(Last::Reset),
            Step::End => return Some(Last::End),
            Step::Send(_) | Step::Repeat { .. } => {}
        }
        None
    }

    async fn repeat(
        &mut self,
        bytes: &Bytes,
        every: Duration,
        times: Option<u64>,
    ) -> std::io::Result<()> {
        let mut left = times;
        while left != Some(0) {
            self.send(bytes).await?;
            wait(every).await;
            left = left.map(|left| left - 1);
        }
        Ok(())
    }

    async fn send(&mut self, bytes: &Bytes) -> std::io::Result<()> {
        if bytes.is_empty() {
            // An empty chunk would end the body.
            return Ok(());
        }
        if self.length != BodyLength::Chunked {
            return self.writer.write_all(bytes).await;
        }
        let mut chunk = Vec::with_capacity(bytes.len() + 16);
        chunk.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.writer.write_all(&chunk).await
    }

    async fn finish(&mut self, last: Last) -> std::io::Result<Last> {
        if matches!(last, Last::End) && self.length == BodyLength::Chunked {
            self.writer.write_all(b"0\r\n\r\n").await?;
        }
        Ok(last)
    }
}

/// No timer for no time: an instant pace must not yield to the clock's granularity.
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

fn head(script: &Script, stays: bool) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", script.status, reason(script.status));
    for (name, value) in &script.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    match script.length {
        BodyLength::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
        BodyLength::Counted => {
            let _ = write!(head, "content-length: {}\r\n", script.body().len());
        }
        BodyLength::Declared(length) => {
            let _ = write!(head, "content-length: {length}\r\n");
        }
        BodyLength::UntilClose | BodyLength::Raw => {}
    }
    head.push_str(if stays {
        "connection: keep-alive\r\n\r\n"
    } else {
        "connection: close\r\n\r\n"
    });
    head.into_bytes()
}

/// The reason phrases of the statuses that scenarios use; clients do not read them.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
