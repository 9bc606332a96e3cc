//! The bytes of an answer, decoded while they come.
//!
//! `Accept-Encoding: identity` is sent, and some relays compress all the same, some without saying so, and some say so
//! without doing it (DEVIATIONS 6.17). The first bytes decide; what they turn out to be is told as a finding.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::{AsyncBufRead, AsyncRead, BufReader};
use tokio_util::io::{ReaderStream, StreamReader};

/// The most encodings of one body. One is a relay's mistake, two happen behind two proxies.
const MOST_ENCODINGS: usize = 4;

/// The most bytes that are looked at before the body is taken for what it says it is.
const SNIFF: usize = 6;

/// Decoded bytes handed on at once.
const CHUNK: usize = 16 * 1024;

type Raw = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A body, read by [`Body::next`].
pub struct Body {
    state: State,
    declared: Declared,
    finding: Option<String>,
    /// Bytes received, before decoding: a decoder may take many before it gives any.
    received: Arc<AtomicU64>,
}

enum State {
    /// The first bytes are still being looked at.
    Sniffing {
        raw: Raw,
        held: BytesMut,
    },
    Plain(Raw),
    Decoding(ReaderStream<Pin<Box<dyn AsyncRead + Send>>>),
    Over,
}

impl Body {
    /// The body of a response with these headers.
    pub fn new(
        headers: &HeaderMap,
        raw: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        let received = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&received);
        let raw = raw.inspect_ok(move |chunk| {
            counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        });
        Self {
            state: State::Sniffing {
                raw: Box::pin(raw),
                held: BytesMut::new(),
            },
            declared: Declared::read(headers),
            finding: None,
            received,
        }
    }

    /// The next bytes; `None` at the proper end. An error is a connection that broke or bytes that do not decode.
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for who polls several things at once.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match &mut self.state {
                State::Plain(raw) => return raw.poll_next_unpin(context),
                State::Decoding(decoded) => return decoded.poll_next_unpin(context),
                State::Over => return Poll::Ready(None),
                State::Sniffing { raw, held } => {
                    let over = match ready!(raw.poll_next_unpin(context)) {
                        Some(Ok(chunk)) => {
                            held.extend_from_slice(&chunk);
                            false
                        }
                        Some(Err(error)) => {
                            self.state = State::Over;
                            return Poll::Ready(Some(Err(error)));
                        }
                        None => true,
                    };
                    match self.declared.decide(held) {
                        Decision::More if !over => {}
                        decision => self.begin(decision),
                    }
                }
            }
        }
    }

    /// Bytes received so far, before decoding.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// What is odd about the encoding, once.
    pub fn take_finding(&mut self) -> Option<String> {
        self.finding.take()
    }

    fn begin(&mut self, decision: Decision) {
        let State::Sniffing { raw, held } = std::mem::replace(&mut self.state, State::Over) else {
            return;
        };
        let first = held.freeze();
        let raw: Raw = if first.is_empty() {
            raw
        } else {
            Box::pin(stream::once(std::future::ready(Ok(first))).chain(raw))
        };
        self.finding = self.declared.finding(&decision);
        self.state = match decision {
            Decision::Plain | Decision::More => State::Plain(raw),
            Decision::Decode(encodings) => {
                let mut reader: Pin<Box<dyn AsyncBufRead + Send>> =
                    Box::pin(StreamReader::new(raw));
                let mut decoded: Option<Pin<Box<dyn AsyncRead + Send>>> = None;
                for encoding in encodings {
                    if let Some(outer) = decoded.take() {
                        reader = Box::pin(BufReader::with_capacity(CHUNK, outer));
                    }
                    decoded = Some(
                        encoding
                            .decoder(std::mem::replace(&mut reader, Box::pin(tokio::io::empty()))),
                    );
                }
                decoded.map_or(State::Over, |decoded| {
                    State::Decoding(ReaderStream::with_capacity(decoded, CHUNK))
                })
            }
        };
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Brotli,
    Zstd,
    /// What HTTP calls `deflate`: a zlib stream.
    Zlib,
    /// What some servers send for it: deflate without the zlib header.
    Deflate,
}

impl Encoding {
    fn decoder(self, reader: Pin<Box<dyn AsyncBufRead + Send>>) -> Pin<Box<dyn AsyncRead + Send>> {
        match self {
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(reader);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Brotli => Box::pin(BrotliDecoder::new(reader)),
            Self::Zstd => {
                let mut decoder = ZstdDecoder::new(reader);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Zlib => Box::pin(ZlibDecoder::new(reader)),
            Self::Deflate => Box::pin(DeflateDecoder::new(reader)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Zlib | Self::Deflate => "deflate",
        }
    }

    /// The first bytes of such a stream, where they are always the same.
    fn magic(self) -> Option<&'static [u8]> {
        match self {
            Self::Gzip => Some(&[0x1f, 0x8b]),
            Self::Zstd => Some(&[0x28, 0xb5, 0x2f, 0xfd]),
            Self::Brotli | Self::Zlib | Self::Deflate => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    More,
    Plain,
    /// In the order of decoding: the encoding applied last comes first.
    Decode(Vec<Encoding>),
}

/// What `Content-Encoding` says, in the order of decoding.
#[derive(Debug, Default)]
struct Declared {
    encodings: Vec<Encoding>,
    unknown: Option<String>,
}

impl Declared {
    fn read(headers: &HeaderMap) -> Self {
        let mut declared = Self::default();
        let values = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for name in values
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
        {
            match name.as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" => declared.encodings.push(Encoding::Gzip),
                "br" => declared.encodings.push(Encoding::Brotli),
                "zstd" => declared.encodings.push(Encoding::Zstd),
                "deflate" => declared.encodings.push(Encoding::Zlib),
                _ => declared.unknown = Some(name),
            }
        }
        declared.encodings.reverse();
        declared.encodings.truncate(MOST_ENCODINGS);
        declared
    }

    fn decide(&self, first: &[u8]) -> Decision {
        if first.is_empty() {
            return Decision::More;
        }
        let Some(outer) = self
            .encodings
            .first()
            .copied()
            .filter(|_| self.unknown.is_none())
        else {
            return sniff(first);
        };
        if let Some(magic) = outer.magic() {
            return match first {
                _ if first.starts_with(magic) => Decision::Decode(self.encodings.clone()),
                _ if magic.starts_with(first) => Decision::More,
                // A proxy decoded it and left the header.
                _ => Decision::Plain,
            };
        }
        // No magic: it is what it says, unless it begins as an event stream or a JSON body does.
        const TEXT: [&[u8]; 6] = [b"event:", b"data:", b"id:", b"retry:", b": ", b"{\""];
        if TEXT.iter().any(|text| first.starts_with(text)) {
            return Decision::Plain;
        }
        if first.len() < SNIFF && TEXT.iter().any(|text| text.starts_with(first)) {
            return Decision::More;
        }
        let mut encodings = self.encodings.clone();
        if outer == Encoding::Zlib {
            match first {
                [_] => return Decision::More,
                [a, b, ..] if !is_zlib(*a, *b) => encodings[0] = Encoding::Deflate,
                _ => {}
            }
        }
        Decision::Decode(encodings)
    }

    fn finding(&self, decision: &Decision) -> Option<String> {
        if let Some(name) = &self.unknown {
            let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            return Some(format!(
                "`content-encoding`: the upstream says `{name}`, which is not known here; read as it is"
            ));
        }
        match decision {
            Decision::Decode(encodings) => {
                let names: Vec<&str> = encodings
                    .iter()
                    .rev()
                    .map(|encoding| encoding.name())
                    .collect();
                let names = names.join(", ");
                let unsaid = if self.encodings.is_empty() {
                    " without saying so"
                } else {
                    ""
                };
                Some(format!(
                    "`content-encoding`: the upstream compressed the stream ({names}){unsaid}, though none was asked for; decoded"
                ))
            }
            Decision::Plain | Decision::More if !self.encodings.is_empty() => Some(format!(
                "`content-encoding`: the upstream says `{}`, but the body is not compressed",
                self.encodings[0].name()
            )),
            Decision::Plain | Decision::More => None,
        }
    }
}

/// Whether these can be the first two bytes of a zlib stream (RFC 1950): deflate, and a multiple of 31.
fn is_zlib(first: u8, second: u8) -> bool {
    first & 0x0f == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// What an undeclared body begins as. Text begins with none of these.
fn sniff(first: &[u8]) -> Decision {
    const ZLIB: [&[u8]; 3] = [&[0x78, 0x01], &[0x78, 0x9c], &[0x78, 0xda]];
    let known = [Encoding::Gzip, Encoding::Zstd]
        .into_iter()
        .filter_map(|encoding| Some((encoding, encoding.magic()?)));
    for (encoding, magic) in known.chain(ZLIB.map(|magic| (Encoding::Zlib, magic))) {
        if first.starts_with(magic) {
            return Decision::Decode(vec![encoding]);
        }
        if magic.starts_with(first) {
            return Decision::More;
        }
    }
    Decision::Plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn declared(value: &str) -> Declared {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, value.parse().unwrap());
        Declared::read(&headers)
    }

    #[test]
    fn the_first_bytes_decide() {
        use Encoding::{Brotli, Deflate, Gzip, Zlib, Zstd};
        let gzip = [0x1f, 0x8b, 8];
        for (header, first, expected) in [
            ("", b"event: x".as_slice(), Decision::Plain),
            ("", b"e", Decision::Plain),
            ("", b"\x1f", Decision::More),
            ("", &gzip, Decision::Decode(vec![Gzip])),
            ("identity", &gzip, Decision::Decode(vec![Gzip])),
            ("", b"\x28\xb5\x2f", Decision::More),
            ("", b"\x28\xb5\x2f\xfd", Decision::Decode(vec![Zstd])),
            ("", b"x", Decision::More),
            ("", b"xy", Decision::Plain),
            ("", b"x\x9c", Decision::Decode(vec![Zlib])),
            ("gzip", &gzip, Decision::Decode(vec![Gzip])),
            ("GZip", b"data: x", Decision::Plain),
            ("br", b"\x1b\x05\x00", Decision::Decode(vec![Brotli])),
            ("br", b"dat", Decision::More),
            ("br", b"data: x", Decision::Plain),
            ("deflate", b"x\x9c", Decision::Decode(vec![Zlib])),
            ("deflate", b"\x4b\x2c", Decision::Decode(vec![Deflate])),
            ("br, gzip", &gzip, Decision::Decode(vec![Gzip, Brotli])),
            ("snappy", b"data", Decision::Plain),
            ("gzip", b"", Decision::More),
        ] {
            assert_eq!(
                declared(header).decide(first),
                expected,
                "{header:?} {first:x?}"
            );
        }
    }

    #[test]
    fn findings_name_what_is_odd() {
        let said = |header: &str, first: &[u8]| {
            let declared = declared(header);
            declared.finding(&declared.decide(first))
        };
        assert_eq!(said("", b"event"), None);
        assert_eq!(said("identity", b"event"), None);
        assert!(
            said("", &[0x1f, 0x8b])
                .unwrap()
                .contains("gzip) without saying so")
        );
        assert!(
            said("gzip", &[0x1f, 0x8b])
                .unwrap()
                .contains("(gzip), though")
        );
        assert!(said("gzip", b"data: ").unwrap().contains("not compressed"));
        assert!(said("lz4", b"data: ").unwrap().contains("`lz4`"));
    }
}
