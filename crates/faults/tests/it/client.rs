//! A minimal HTTP client over a bare socket: nothing between the test and the bytes.

use std::io::ErrorKind;

use bytes::{Buf, Bytes, BytesMut};
use respair_faults::Relay;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Client {
    pub socket: TcpStream,
    buffer: BytesMut,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Close {
    /// The body was ended as its head said it would be.
    Proper,
    /// FIN before that.
    Fin,
    /// RST.
    Reset,
}

#[derive(Debug)]
pub struct Reply {
    pub head: String,
    /// Each chunk of a chunked body; else the body in one piece.
    pub chunks: Vec<Bytes>,
    pub close: Close,
}

impl Reply {
    pub fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap_or("0").parse().unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body()).unwrap()
    }
}

impl Client {
    pub async fn to(relay: &Relay) -> Self {
        let socket = TcpStream::connect(relay.address()).await.unwrap();
        Self {
            socket,
            buffer: BytesMut::new(),
        }
    }

    pub async fn send(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    pub async fn post(&mut self, path: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer sk-secret\r\nContent-Length: {length}\r\n\r\n"
        );
        self.send(&(head + body)).await;
    }

    pub async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: relay\r\n\r\n"))
            .await;
    }

    /// Reads until this many bytes are there, or the peer closes.
    pub async fn read_to(&mut self, length: usize) -> Result<(), Close> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<(), Close> {
        match self.socket.read_buf(&mut self.buffer).await {
            Ok(0) => Err(Close::Fin),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(Close::Reset),
            Err(error) => panic!("{error}"),
        }
    }

    async fn line(&mut self) -> Result<String, Close> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line = String::from_utf8(self.buffer.split_to(end).to_vec()).unwrap();
                self.buffer.advance(2);
                return Ok(line);
            }
            self.more().await?;
        }
    }

    /// The head with LF line ends; nothing is taken from the buffer unless it is whole.
    pub async fn head(&mut self) -> Result<String, Close> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.buffer.split_to(end + 2);
                self.buffer.advance(2);
                return Ok(String::from_utf8(head.to_vec())
                    .unwrap()
                    .replace("\r\n", "\n"));
            }
            self.more().await?;
        }
    }

    /// The next chunk; `None` behind the last.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Close> {
        let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
        self.read_to(size + 2).await?;
        let chunk = self.buffer.split_to(size).freeze();
        self.buffer.advance(2);
        Ok((size > 0).then_some(chunk))
    }

    pub async fn reply(&mut self) -> Reply {
        let head = match self.head().await {
            Ok(head) => head,
            Err(close) => {
                return Reply {
                    head: String::new(),
                    chunks: vec![self.buffer.split().freeze()],
                    close,
                };
            }
        };
        let mut chunks = Vec::new();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let close = if head.contains("transfer-encoding: chunked") {
            loop {
                match self.chunk().await {
                    Ok(Some(chunk)) => chunks.push(chunk),
                    Ok(None) => break Close::Proper,
                    Err(close) => break close,
                }
            }
        } else if let Some(length) = length {
            let read = self.read_to(length.parse().unwrap()).await;
            chunks.push(self.buffer.split().freeze());
            read.map_or_else(|close| close, |()| Close::Proper)
        } else {
            let close = self.read_to(usize::MAX).await.unwrap_err();
            chunks.push(self.buffer.split().freeze());
            close
        };
        Reply {
            head,
            chunks,
            close,
        }
    }
}

/// One request for a response, and the reply.
pub async fn ask(relay: &Relay) -> Reply {
    let mut client = Client::to(relay).await;
    client
        .post(
            "/v1/responses",
            r#"{"model":"m","input":"hi","stream":true}"#,
        )
        .await;
    client.reply().await
}
