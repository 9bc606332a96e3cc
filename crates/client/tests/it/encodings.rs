//! Bodies that come compressed although identity was asked for (DEVIATIONS 6.17).

use async_compression::tokio::write::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use respair_client::TurnStatus;
use respair_faults::{Gate, Script};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::support::*;

/// One encoder, one compressed piece for each given piece: flushed, as a proxy that streams does it.
macro_rules! compressed {
    ($encoder:ident, $pieces:expr) => {{
        let mut encoder = $encoder::new(Vec::new());
        let mut out = Vec::new();
        for piece in $pieces {
            encoder.write_all(&piece).await.unwrap();
            encoder.flush().await.unwrap();
            out.push(std::mem::take(encoder.get_mut()));
        }
        encoder.shutdown().await.unwrap();
        out.push(encoder.into_inner());
        out
    }};
}

async fn compress(encoding: &str) -> Vec<Vec<u8>> {
    let pieces = answer().frames();
    match encoding {
        "gzip" => compressed!(GzipEncoder, pieces),
        "br" => compressed!(BrotliEncoder, pieces),
        "zstd" => compressed!(ZstdEncoder, pieces),
        "deflate" => compressed!(ZlibEncoder, pieces),
        "raw deflate" => compressed!(DeflateEncoder, pieces),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn compressed_streams_are_decoded_live() {
    for (encoding, header) in [
        ("gzip", Some("gzip")),
        ("gzip", None),
        ("br", Some("br")),
        ("zstd", Some("zstd")),
        ("zstd", None),
        ("deflate", Some("deflate")),
        ("deflate", None),
        ("raw deflate", Some("deflate")),
    ] {
        let name = format!("{encoding}, header {header:?}");
        let gate = Gate::new();
        let deltas = answer()
            .evs()
            .iter()
            .position(|ev| ev.kind() == TEXT_DELTA)
            .unwrap();
        let mut script = Script::sse();
        if let Some(header) = header {
            script = script.header("content-encoding", header);
        }
        for (n, piece) in compress(encoding).await.into_iter().enumerate() {
            script = script.send(piece);
            if n == deltas {
                script = script.gate(&gate);
            }
        }
        for script in [script.clone(), script.in_chunks_of(1)] {
            let relay = relay(script).await;
            let client = client(custom(&relay));
            let mut turn = client.turn(request());
            let mut events = Vec::new();
            assert_eq!(until_text(&mut turn, &mut events).await, "Hel", "{name}");
            gate.open();
            let run = finish(turn, events).await;
            run.assert_completed("Hello");
            let notices = run.notices();
            assert_eq!(notices.len(), 1, "{name}: {notices:?}");
            assert!(
                notices[0].contains("`content-encoding`"),
                "{name}: {notices:?}"
            );
            assert_eq!(
                notices[0].contains("without saying so"),
                header.is_none(),
                "{name}"
            );
            let asked = &relay.requests()[0];
            assert_eq!(asked.header("accept-encoding"), Some("identity"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_encodings_are_undone_in_order() {
    let mut gzip = GzipEncoder::new(Vec::new());
    for piece in compress("br").await {
        gzip.write_all(&piece).await.unwrap();
    }
    gzip.shutdown().await.unwrap();
    let relay = relay(
        Script::sse()
            .header("content-encoding", "br, gzip")
            .send(gzip.into_inner()),
    )
    .await;
    run(&client(custom(&relay))).await.assert_completed("Hello");
}

/// A proxy decoded the body and left the header.
#[tokio::test(start_paused = true)]
async fn a_header_that_lies_is_seen_through() {
    for header in ["gzip", "br", "zstd", "deflate", "lz4"] {
        let relay = relay(Script::stream(&answer()).header("content-encoding", header)).await;
        let run = run(&client(custom(&relay))).await;
        run.assert_completed("Hello");
        assert!(run.notices()[0].contains(header), "{:?}", run.notices());
    }
}

#[tokio::test(start_paused = true)]
async fn a_compressed_stream_that_breaks_is_truncated() {
    let mut pieces = compress("gzip").await;
    let deltas = answer()
        .evs()
        .iter()
        .position(|ev| ev.kind() == TEXT_DELTA)
        .unwrap();
    pieces.truncate(deltas + 1);
    let begun = pieces.concat();
    for rest in [&b""[..], b"this is no gzip at all, and the decoder says so"] {
        let script = Script::sse().header("content-encoding", "gzip");
        let relay = relay(script.send(begun.clone()).send(rest)).await;
        let run = run(&client(custom(&relay))).await;
        assert_eq!(run.outcome.status, TurnStatus::Truncated, "{run:?}");
        run.assert_delivered("Hel");
    }
}

#[tokio::test(start_paused = true)]
async fn a_compressed_error_is_read() {
    let mut gzip = GzipEncoder::new(Vec::new());
    let error = json!({"error": {"message": "No such model.", "code": "model_not_found"}});
    gzip.write_all(error.to_string().as_bytes()).await.unwrap();
    gzip.shutdown().await.unwrap();
    let script =
        Script::text(404, "application/json", gzip.into_inner()).header("content-encoding", "gzip");
    let relay = relay(script).await;
    let run = run(&client(custom(&relay))).await;
    assert_eq!(
        (run.code(), run.error().message.as_str()),
        ("model_not_found", "No such model.")
    );
}
