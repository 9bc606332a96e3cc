//! Compressed request bodies, decoded before they go upstream (DEVIATIONS 7.3): Codex CLI compresses with zstd, and few
//! relays read that.
//!
//! One coding, of those that the HTTP registry knows and clients send. What comes out is bounded like a body that was sent
//! plain: a few KiB may spell gigabytes.

use std::io::ErrorKind;

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use async_compression::zstd::DParameter;
use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::reply::Refusal;

/// Decoded at a time; behind each piece other requests have their turn.
const PIECE: usize = 64 << 10;

/// The largest zstd window, as a power of two: 8 MiB is what RFC 9659 allows in HTTP, and what keeps a frame of ten bytes
/// from claiming 128 MiB.
const ZSTD_WINDOW: u32 = 23;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Zstd,
    Gzip,
    Brotli,
    Deflate,
}

/// The body as it was before its sender compressed it; at most `limit` bytes.
pub(super) async fn decode(
    headers: &HeaderMap,
    body: Bytes,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let Some(coding) = coding(headers)? else {
        return Ok(body);
    };
    let mut rest: &[u8] = &body;
    let decoded = match coding {
        Coding::Zstd => {
            let params = [DParameter::window_log_max(ZSTD_WINDOW)];
            let mut decoder = ZstdDecoder::with_params(&mut rest, &params);
            decoder.multiple_members(true);
            read(decoder, limit).await
        }
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(&mut rest);
            decoder.multiple_members(true);
            read(decoder, limit).await
        }
        Coding::Brotli => read(BrotliDecoder::new(&mut rest), limit).await,
        // `deflate` is the zlib format (RFC 9110, 8.4.1.2), and some send the bare one.
        Coding::Deflate if is_zlib(&body) => read(ZlibDecoder::new(&mut rest), limit).await,
        Coding::Deflate => read(DeflateDecoder::new(&mut rest), limit).await,
    }?;
    if rest.is_empty() {
        Ok(decoded)
    } else {
        Err(corrupt("bytes follow its end"))
    }
}

/// The one coding that the headers name; none for `identity`.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Refusal> {
    let mut found = None;
    for value in headers.get_all(CONTENT_ENCODING) {
        let names = value.to_str().map_err(|_| unsupported("that is no text"))?;
        for name in names.split(',').map(str::trim) {
            let coding = match name.to_ascii_lowercase().as_str() {
                "" | "identity" => continue,
                "zstd" => Coding::Zstd,
                "gzip" | "x-gzip" => Coding::Gzip,
                "br" => Coding::Brotli,
                "deflate" => Coding::Deflate,
                _ => return Err(unsupported(&format!("`{}`", name.escape_debug()))),
            };
            if found.replace(coding).is_some() {
                return Err(unsupported("of several layers"));
            }
        }
    }
    Ok(found)
}

async fn read(mut decoder: impl AsyncRead + Unpin, limit: usize) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    loop {
        whole.reserve(PIECE);
        match decoder.read_buf(&mut whole).await {
            Ok(0) => return Ok(whole.freeze()),
            Ok(_) if whole.len() > limit => return Err(too_long(limit)),
            Ok(_) => tokio::task::yield_now().await,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(corrupt("it ends too early"));
            }
            Err(error) => return Err(corrupt(&error.to_string())),
        }
    }
}

/// A zlib header: the method is deflate, and the check bits are right (RFC 1950, 2.2).
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..]
        if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

fn unsupported(what: &str) -> Refusal {
    let message = format!(
        "a content-encoding {what} is not read here; send the body with one of zstd, gzip, br and deflate, or as it is"
    );
    Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content_encoding_unsupported",
        message,
    )
}

fn corrupt(why: &str) -> Refusal {
    let message = format!("the compressed body of the request cannot be decompressed: {why}");
    Refusal::new(StatusCode::BAD_REQUEST, "content_encoding_invalid", message)
}

fn too_long(limit: usize) -> Refusal {
    let message = format!(
        "the body of the request is larger than {limit} bytes once decompressed (`serve.limits.body`)"
    );
    Refusal::limit(StatusCode::PAYLOAD_TOO_LARGE, "serve.limits.body", message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use async_compression::Level;
    use async_compression::tokio::bufread::{
        BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
    };
    use async_compression::zstd::CParameter;

    use super::*;

    const LIMIT: usize = 1 << 20;
    const FORMS: [&str; 5] = ["zstd", "gzip", "br", "deflate", "raw deflate"];

    async fn all(mut from: impl AsyncRead + Unpin) -> Bytes {
        let mut whole = Vec::new();
        from.read_to_end(&mut whole).await.unwrap();
        whole.into()
    }

    async fn encoded(form: &str, plain: &[u8]) -> Bytes {
        match form {
            "zstd" => {
                let params = [CParameter::checksum_flag(true)];
                all(ZstdEncoder::with_quality_and_params(
                    plain,
                    Level::Default,
                    &params,
                ))
                .await
            }
            "gzip" => all(GzipEncoder::new(plain)).await,
            "br" => all(BrotliEncoder::with_quality(plain, Level::Fastest)).await,
            "deflate" => all(ZlibEncoder::new(plain)).await,
            _ => all(DeflateEncoder::new(plain)).await,
        }
    }

    fn named(form: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let name = form.rsplit(' ').next().unwrap();
        headers.insert(CONTENT_ENCODING, name.parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn every_coding_gives_the_very_bytes() {
        for plain in [
            r#"{"model":"m","input":"hi"}"#.to_owned(),
            format!("{{\"input\":\"{}\"}}", "añ😀 ".repeat(40_000)),
        ] {
            for form in FORMS {
                let body = encoded(form, plain.as_bytes()).await;
                assert_ne!(body, plain, "{form}");
                let decoded = decode(&named(form), body, LIMIT).await.unwrap();
                assert_eq!(decoded, plain, "{form}");
            }
        }
    }

    #[tokio::test]
    async fn frames_in_a_row_are_one_body() {
        for form in ["zstd", "gzip"] {
            let mut body = BytesMut::new();
            body.extend_from_slice(&encoded(form, b"{\"a\":").await);
            body.extend_from_slice(&encoded(form, b"1}").await);
            let decoded = decode(&named(form), body.freeze(), LIMIT).await.unwrap();
            assert_eq!(decoded, "{\"a\":1}", "{form}");
        }
    }

    #[tokio::test]
    async fn a_bomb_goes_off_at_the_limit() {
        for form in FORMS {
            for (size, fits) in [(LIMIT, true), (LIMIT + 1, false), (64 * LIMIT, false)] {
                let body = encoded(form, &vec![b' '; size]).await;
                assert!(body.len() < LIMIT / 4, "{form}");
                let decoded = decode(&named(form), body, LIMIT).await;
                assert_eq!(decoded.is_ok(), fits, "{form} {size}");
                if let Err(refusal) = decoded {
                    assert_eq!(refusal.status, 413, "{form}");
                    assert_eq!(
                        refusal.param.as_deref(),
                        Some("serve.limits.body"),
                        "{form}"
                    );
                }
            }
        }
    }

    #[tokio::test]
    async fn a_window_beyond_the_registrys_is_not_allocated() {
        let params = [
            CParameter::window_log(27),
            CParameter::content_size_flag(false),
        ];
        let plain = b"{}".as_slice();
        let body = all(ZstdEncoder::with_quality_and_params(
            plain,
            Level::Default,
            &params,
        ))
        .await;
        let refusal = decode(&named("zstd"), body, LIMIT).await.unwrap_err();
        assert_eq!(refusal.status, 400, "{}", refusal.message);
    }

    #[tokio::test]
    async fn what_is_cut_or_followed_by_more_is_refused() {
        for form in FORMS {
            let body = encoded(
                form,
                br#"{"model":"m","input":"a longer text, a longer text"}"#,
            )
            .await;
            for end in 1..body.len() {
                let refusal = decode(&named(form), body.slice(..end), LIMIT).await;
                let refusal = refusal.expect_err(&format!("{form} of {end} bytes"));
                assert_eq!(refusal.status, 400, "{form} {end}: {}", refusal.message);
            }
            let mut more = BytesMut::from(&*body);
            more.extend_from_slice(b"more");
            let refusal = decode(&named(form), more.freeze(), LIMIT)
                .await
                .unwrap_err();
            assert_eq!(refusal.status, 400, "{form}: {}", refusal.message);
            let plain = Bytes::from_static(b"{\"model\":\"m\"}");
            let refusal = decode(&named(form), plain, LIMIT).await.unwrap_err();
            assert_eq!(
                (refusal.status.as_u16(), refusal.code.as_deref()),
                (400, Some("content_encoding_invalid")),
                "{form}"
            );
        }
    }

    #[tokio::test]
    async fn one_known_coding_is_read_and_nothing_else() {
        let body = Bytes::from_static(b"{}");
        for value in ["", "identity", "Identity, identity"] {
            let decoded = decode(&named(value), body.clone(), LIMIT).await.unwrap();
            assert_eq!(decoded, body, "{value:?}");
        }
        for value in [
            "snappy",
            "compress",
            "gzip, zstd",
            "zstd,zstd",
            "identity, lz4",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, value.parse().unwrap());
            let refusal = decode(&headers, body.clone(), LIMIT).await.unwrap_err();
            assert_eq!(refusal.status, 415, "{value}");
            assert!(refusal.message.contains("zstd, gzip, br and deflate"));
        }
        let gzipped = encoded("gzip", b"{}").await;
        for value in ["GZip", "x-gzip", "identity, gzip"] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, value.parse().unwrap());
            assert_eq!(
                decode(&headers, gzipped.clone(), LIMIT).await.unwrap(),
                body
            );
        }
    }
}
