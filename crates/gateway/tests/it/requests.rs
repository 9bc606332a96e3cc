//! What becomes of a request before it goes upstream (DEVIATIONS, groups 7 and 8).

use async_compression::tokio::bufread::ZstdEncoder;
use respair_faults::{Script, conforming_text};
use respair_gateway::Finish;
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::support::{before, got, relay, serve};

async fn zstd(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = ZstdEncoder::new(plain);
    encoder.read_to_end(&mut packed).await.unwrap();
    packed
}

#[tokio::test(start_paused = true)]
async fn a_compressed_body_arrives_as_it_was() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let gateway = before(&relay).await;
    let plain = r#"{ "model":"m", "input":"hi", "stream":true, "temperature":1.50 }"#;
    let request = gateway
        .post(&json!({}))
        .header("content-encoding", "zstd")
        .body(zstd(plain.as_bytes()).await);
    assert_eq!(got(request).await.judged().text, "Hi");
    let asked = &relay.requests()[0];
    assert_eq!(asked.body, plain);
    assert_eq!(asked.header("content-encoding"), None);
    assert_eq!(
        asked.header("content-length"),
        Some(plain.len().to_string().as_str())
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_decompressed_goes_nowhere() {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let upstream = respair_gateway::Upstream::new("relay", crate::support::endpoint(&relay));
    let gateway = serve(vec![upstream], |options| options.limits.body = 4 << 10).await;
    let bomb = zstd(&vec![b' '; 1 << 20]).await;
    let cut = zstd(br#"{"model":"m","input":"hi","stream":true}"#).await;
    let cut = cut[..cut.len() - 3].to_vec();
    for (encoding, body, status, code, param) in [
        ("zstd", bomb, 413, "limit_passed", Some("limits.body")),
        ("zstd", cut, 400, "content_encoding_invalid", None),
        ("zstd", Vec::new(), 400, "", None),
        (
            "lz4",
            b"{}".to_vec(),
            415,
            "content_encoding_unsupported",
            None,
        ),
        (
            "gzip, zstd",
            b"{}".to_vec(),
            415,
            "content_encoding_unsupported",
            None,
        ),
    ] {
        let request = gateway
            .post(&json!({}))
            .header("content-encoding", encoding)
            .body(body);
        let got = got(request).await;
        let error = &got.json()["error"];
        assert_eq!(got.status, status, "{encoding} {error}");
        assert_eq!(error["param"].as_str(), param, "{error}");
        if !code.is_empty() {
            assert_eq!(error["code"], code, "{error}");
        }
    }
    assert!(relay.requests().is_empty());
    let records = gateway.records(5).await;
    assert!(
        records
            .iter()
            .all(|record| record.finish == Finish::Refused)
    );
}
