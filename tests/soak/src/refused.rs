//! Requests that are turned away before any upstream hears of them.

use std::net::SocketAddr;

/// A request, and the status that answers it.
pub(crate) struct Refused {
    pub(crate) status: u16,
    head: &'static str,
    body: &'static [u8],
}

const fn row(status: u16, head: &'static str, body: &'static [u8]) -> Refused {
    Refused { status, head, body }
}

const POST: &str =
    "POST /v1/responses HTTP/1.1\r\nhost: HOST\r\ncontent-type: application/json\r\n";

/// `POST` is the usual head; `HOST` the gateway's address.
pub(crate) static REFUSED: &[Refused] = &[
    row(400, "POST", b"{"),
    row(400, "POST", b"[]"),
    row(400, "POST", b"{\"stream\":\"yes\"}"),
    row(400, "POSTcontent-encoding: zstd\r\n", b"no zstd"),
    row(400, "POSTcontent-encoding: gzip\r\n", b"\x1f\x8b\x08\x00"),
    row(415, "POSTcontent-encoding: snappy\r\n", b"{}"),
    row(413, "POSTcontent-length: 99999999999\r\n", b""),
    row(403, "POSTorigin: https://evil.example\r\n", b"{}"),
    row(
        415,
        "POST /v1/responses HTTP/1.1\r\nhost: HOST\r\ncontent-type: text/plain\r\n",
        b"{}",
    ),
    row(
        403,
        "POST /v1/responses HTTP/1.1\r\nhost: evil.example\r\ncontent-type: application/json\r\n",
        b"{}",
    ),
    row(400, "GET /v1/../admin HTTP/1.1\r\nhost: HOST\r\n", b""),
    row(404, "GET /nothing HTTP/1.1\r\nhost: HOST\r\n", b""),
    row(
        404,
        "POST /nobody/v1/responses HTTP/1.1\r\nhost: HOST\r\ncontent-type: application/json\r\n",
        b"{}",
    ),
    row(
        426,
        "GET /v1/responses HTTP/1.1\r\nhost: HOST\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
        b"",
    ),
    row(400, "no request\r\n", b""),
];

impl Refused {
    /// Its bytes.
    pub(crate) fn request(&self, gateway: SocketAddr) -> Vec<u8> {
        let head = self
            .head
            .strip_prefix("POST")
            .filter(|rest| !rest.starts_with(' '));
        let mut head = match head {
            Some(more) => format!("{POST}{more}"),
            None => self.head.to_owned(),
        };
        if !head.contains("content-length") {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        let head = format!("{head}\r\n").replace("HOST", &gateway.to_string());
        let mut request = head.into_bytes();
        request.extend_from_slice(self.body);
        request
    }
}
