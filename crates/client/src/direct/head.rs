//! Heads: a request's is written, an answer's is read.

use std::io;

use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use url::{Position, Url};

use super::body::Framing;
use super::invalid;

/// Bytes of an answer's head. Rate limits, cookies and tracing headers take a tenth of it.
const HEAD: usize = 64 << 10;

/// Headers of an answer; as many as hyper takes.
const HEADERS: usize = 100;

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) framing: Framing,
}

/// The head of a request for `url`, with a body of `length` bytes. Neither names nor values can hold a line end.
pub(super) fn request(url: &Url, host: &str, headers: &HeaderMap, length: usize) -> Vec<u8> {
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let mut head =
        format!("POST {target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n")
            .into_bytes();
    let mut line = |name: &[u8], value: &[u8]| {
        for part in [name, b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    };
    if !headers.contains_key(ACCEPT) {
        line(b"accept", b"*/*");
    }
    line(b"connection", b"close");
    for (name, value) in headers {
        line(name.as_str().as_bytes(), value.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Reads the head that `held` begins with and takes it out; `None` when it is not whole. Interim answers are passed over.
pub(super) fn read(held: &mut Vec<u8>) -> io::Result<Option<Head>> {
    loop {
        let mut fields = [httparse::EMPTY_HEADER; HEADERS];
        let mut answer = httparse::Response::new(&mut fields);
        let length = match answer.parse(held) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if held.len() > HEAD => {
                return Err(invalid("the head is too large"));
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(invalid("no HTTP")),
        };
        let code = answer.code.unwrap_or_default();
        let status = StatusCode::from_u16(code).map_err(|_| invalid("no status"))?;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(invalid("another protocol"));
        }
        if !status.is_informational() {
            let headers = headers(answer.headers)?;
            let framing = framing(status, &headers)?;
            held.drain(..length);
            return Ok(Some(Head {
                status,
                headers,
                framing,
            }));
        }
        held.drain(..length);
    }
}

fn headers(fields: &[httparse::Header<'_>]) -> io::Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        match (name, value) {
            (Ok(name), Ok(value)) => headers.append(name, value),
            _ => return Err(invalid("a header that is none")),
        };
    }
    Ok(headers)
}

/// How long the body is (RFC 9112, 6.3).
fn framing(status: StatusCode, headers: &HeaderMap) -> io::Result<Framing> {
    if matches!(status.as_u16(), 204 | 304) {
        return Ok(Framing::Length(0));
    }
    if let Some(last) = headers.get_all(TRANSFER_ENCODING).iter().next_back() {
        let coding = last.as_bytes().rsplit(|byte| *byte == b',').next();
        let chunked =
            coding.is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked"));
        return Ok(if chunked {
            Framing::Chunked(super::chunked::Chunked::default())
        } else {
            Framing::Close
        });
    }
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        for said in value.as_bytes().split(|byte| *byte == b',') {
            let said = std::str::from_utf8(said.trim_ascii()).ok();
            // `parse` takes a sign.
            let said = said.filter(|said| said.bytes().all(|byte| byte.is_ascii_digit()));
            let said = said.and_then(|said| said.parse::<u64>().ok());
            let said = said.ok_or_else(|| invalid("a length that is none"))?;
            if length.replace(said).is_some_and(|before| before != said) {
                return Err(invalid("two lengths"));
            }
        }
    }
    Ok(length.map_or(Framing::Close, Framing::Length))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn framing_of(lines: &str) -> io::Result<Option<Framing>> {
        let mut held = format!("HTTP/1.1 200 OK\r\n{lines}\r\nrest").into_bytes();
        let head = read(&mut held)?;
        assert_eq!(held, b"rest");
        Ok(head.map(|head| head.framing))
    }

    #[test]
    fn how_long_a_body_is() {
        let said = |lines| framing_of(lines).unwrap().unwrap();
        let chunked = Framing::Chunked(super::super::chunked::Chunked::default());
        assert_eq!(said(""), Framing::Close);
        assert_eq!(said("content-length: 7\r\n"), Framing::Length(7));
        assert_eq!(said("content-length: 7, 7\r\n"), Framing::Length(7));
        assert_eq!(said("Transfer-Encoding: gzip, Chunked\r\n"), chunked);
        assert_eq!(
            said("transfer-encoding: chunked\r\ncontent-length: 7\r\n"),
            chunked
        );
        assert_eq!(said("transfer-encoding: chunked, gzip\r\n"), Framing::Close);
        for wrong in [
            "content-length: 7\r\ncontent-length: 8\r\n",
            "content-length: +7\r\n",
            "a b: c\r\n",
        ] {
            assert!(framing_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_head_is_read_in_any_pieces_behind_interim_ones() {
        let wire = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 429 Slow\r\nretry-after: 1\r\n\r\n{}";
        let mut held = Vec::new();
        let mut head = None;
        for byte in wire {
            held.push(*byte);
            if head.is_none() {
                head = read(&mut held).unwrap();
            }
        }
        let head = head.unwrap();
        assert_eq!(head.status, 429);
        assert_eq!(head.headers["retry-after"], "1");
        assert_eq!(held, b"{}");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(read(&mut b"SSH-2.0-x\r\n\r\n".to_vec()).is_err());
        assert!(read(&mut b"HTTP/1.1 101 Switching\r\n\r\n".to_vec()).is_err());
        let mut endless = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
        endless.resize(HEAD + 1, b'x');
        assert!(read(&mut endless).is_err());
    }

    #[test]
    fn a_request_says_where_it_goes_and_how_long_it_is() {
        let url = "http://127.0.0.1:1/v1/responses?a=b#c".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-team", "t".parse().unwrap());
        let head = String::from_utf8(request(&url, "127.0.0.1:1", &headers, 7)).unwrap();
        assert_eq!(
            head,
            "POST /v1/responses?a=b HTTP/1.1\r\nhost: 127.0.0.1:1\r\ncontent-length: 7\r\naccept: */*\r\nconnection: close\r\n\
             x-team: t\r\n\r\n"
        );
    }
}
