//! What becomes of a request before it goes upstream (DEVIATIONS, groups 7 and 8).

use async_compression::tokio::bufread::ZstdEncoder;
use respair_faults::{Answer, Request, Script, conforming_text};
use respair_gateway::Finish;
use serde_json::{Value, json};
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
        ("zstd", bomb, 413, "limit_passed", Some("serve.limits.body")),
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

const REFUSED: &str = r#"{"error":{"message":"The encrypted content gA could not be verified.","code":"invalid_encrypted_content","n":1.50}}"#;

/// Refuses the first requests, and answers those behind them.
struct Refusing(usize, &'static str);

impl Answer for Refusing {
    fn answer(&self, request: &Request) -> Script {
        if request.number < self.0 {
            Script::text(400, "application/json", self.1)
        } else {
            Script::stream(&conforming_text(["Hi"]))
        }
    }
}

/// A turn behind one that called a tool, at an upstream that gave no ids.
fn second_turn() -> Value {
    json!({"model": "m", "stream": true, "input": [
        {"role": "user", "content": "weather?"},
        {"type": "reasoning", "id": "rs_respair_1", "summary": [], "encrypted_content": "gA"},
        {"type": "function_call", "id": "fc_respair_2", "call_id": "call_respair_3", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_respair_3", "output": "sun"},
    ]})
}

#[tokio::test(start_paused = true)]
async fn ids_of_ours_do_not_go_upstream_and_calls_stay_joined() {
    let relay = relay(Refusing(0, "")).await;
    let gateway = before(&relay).await;
    assert_eq!(got(gateway.post(&second_turn())).await.judged().text, "Hi");
    let asked = relay.requests()[0].json().unwrap();
    let mut expected = second_turn();
    for at in [1, 2] {
        expected["input"][at].as_object_mut().unwrap().remove("id");
    }
    assert_eq!(asked, expected);
}

#[tokio::test(start_paused = true)]
async fn reasoning_that_the_upstream_cannot_read_is_left_out_once() {
    for (refusals, status) in [(1, 200), (9, 400)] {
        let relay = relay(Refusing(refusals, REFUSED)).await;
        let gateway = before(&relay).await;
        let got = got(gateway.post(&second_turn())).await;
        assert_eq!(got.status, status, "{}", got.text());
        if status == 400 {
            assert_eq!(got.text(), REFUSED);
        }
        let asked = relay.requests();
        assert_eq!(asked.len(), 2);
        let kinds = |at: usize| {
            let input = asked[at].field("input").unwrap();
            let kinds = input.as_array().unwrap().iter();
            kinds
                .map(|item| item["type"].as_str().unwrap_or("message").to_owned())
                .collect::<Vec<_>>()
        };
        assert!(kinds(0).contains(&"reasoning".to_owned()));
        assert_eq!(
            kinds(1),
            ["message", "function_call", "function_call_output"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_mended_is_told_in_the_upstreams_words() {
    for refusal in [
        r#"{"error":{"message":"Previous response with id 'resp_1' not found.","code":"previous_response_not_found","param":"previous_response_id"}}"#,
        r#"{"error":{"message":"Unsupported parameter: previous_response_id","param":"previous_response_id"}}"#,
    ] {
        let relay = relay(Refusing(9, refusal)).await;
        let gateway = before(&relay).await;
        let mut request = second_turn();
        request["previous_response_id"] = "resp_1".into();
        let got = got(gateway.post(&request)).await;
        assert_eq!((got.status, got.text().as_str()), (400, refusal));
        assert_eq!(relay.requests().len(), 1);
    }
}
