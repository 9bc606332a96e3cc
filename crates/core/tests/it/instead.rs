//! Bodies that are no event stream: a whole JSON response is given out as one (DEVIATIONS 6.8), chat-completion chunks
//! are refused at the first.

use bytes::Bytes;
use respair_core::{EndOfBody, Ending, NoStreamKind, Profile, Reader, ReaderOptions, Step};
use serde_json::{Value, json};

use crate::events::{call, message};
use crate::run::{context, read_chunked, strict, tolerant};

fn response(status: &str, output: Value) -> Value {
    json!({ "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "output": output,
        "usage": { "input_tokens": 3, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": 2,
            "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 5 } })
}

#[test]
fn a_whole_response_becomes_its_stream() {
    let reasoning = json!({ "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "Why." }] });
    let output = json!([
        reasoning,
        message("msg_1", "Hello\nyou"),
        call("fc_1", r#"{"a":1}"#)
    ]);
    let compact = response("completed", output).to_string();
    let pretty =
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(&compact).unwrap()).unwrap();
    for body in [
        compact.clone(),
        pretty.replace('\n', "\r\n"),
        format!("\u{feff}\n{pretty}\n"),
    ] {
        for profile in Profile::ALL {
            let healed = tolerant(*profile, body.as_bytes());
            assert_eq!(healed.text, "Hello\nyou", "{profile}");
            assert_eq!(
                (healed.reasoning.as_str(), healed.arguments.as_str()),
                ("Why.", r#"{"a":1}"#)
            );
            assert!(
                matches!(healed.ending, Some(Ending::Completed { empty: false })),
                "{:?}",
                healed.ending
            );
            assert_eq!(healed.response.id.as_deref(), Some("resp_1"));
            assert!(healed.response.usage.is_some());
            let codes: Vec<&str> = healed
                .repairs
                .iter()
                .map(|repair| repair.code.as_str())
                .collect();
            let expected: &[&str] = match profile {
                // Its schema has more required fields, and its streams a last line.
                Profile::OpenResponses => &[
                    "json-instead-of-sse",
                    "field-defaulted",
                    "done-sentinel-missing",
                ],
                _ => &["json-instead-of-sse"],
            };
            assert_eq!(codes, expected);
            assert_eq!(healed.violations.len(), expected.len());
            let again = strict(*profile, &healed.out);
            assert!(again.refused.is_none(), "{:?}", again.refused);
        }
    }
}

#[test]
fn its_status_says_how_it_ended() {
    for (status, expected) in [
        ("completed", "completed"),
        ("incomplete", "incomplete"),
        ("failed", "failed"),
        ("cancelled", "failed"),
        ("in_progress", "upstream_status_unknown"),
        ("", "upstream_status_unknown"),
    ] {
        let mut body = response(status, json!([message("msg_1", "Hi")]));
        match status {
            "incomplete" => body["incomplete_details"] = json!({ "reason": "max_output_tokens" }),
            "failed" => body["error"] = json!({ "code": "failed", "message": "no" }),
            "cancelled" => body["error"] = json!({ "code": "failed", "message": "stopped" }),
            _ => {}
        }
        let ending = tolerant(Profile::Portable, body.to_string().as_bytes()).ending;
        let found = match &ending {
            Some(Ending::Completed { .. }) => "completed",
            Some(Ending::Incomplete { reason })
                if reason.as_deref() == Some("max_output_tokens") =>
            {
                "incomplete"
            }
            Some(Ending::Failed(error)) => error.code.as_deref().unwrap_or_default(),
            other => panic!("{status}: {other:?}"),
        };
        assert_eq!(found, expected, "{status}");
    }
}

/// The strict reading refuses the body, and the tolerant one can take over: the answer is not asked for again.
#[test]
fn the_strict_reading_refuses_it() {
    let body = response("completed", json!([message("msg_1", "Hi")])).to_string();
    let mut reader = Reader::new(ReaderOptions::strict(), context());
    reader.push(Bytes::from(body));
    assert!(reader.poll().is_none());
    reader.finish(EndOfBody::Eof);
    let Some(Step::Refused(violation)) = reader.poll() else {
        panic!("not refused")
    };
    assert_eq!(violation.code.as_str(), "json-instead-of-sse");
    assert!(!violation.is_prelude_order() && reader.poll().is_none());
    reader.take_over(Profile::Portable);
    let steps: Vec<Step> = std::iter::from_fn(|| reader.poll()).collect();
    assert!(
        matches!(steps.last(), Some(Step::Ended(Ending::Completed { .. }))),
        "{steps:?}"
    );
    assert_eq!(reader.violations().len(), 1);
}

#[test]
fn chat_chunks_are_refused_at_the_first() {
    let chunk = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}"#;
    let body = format!("data: {chunk}\n\ndata: {chunk}\n\ndata: [DONE]\n\n");
    for read in [strict, tolerant] {
        let outcome = read(Profile::Portable, body.as_bytes());
        let Some(Ending::NoStream(found)) = outcome.ending else {
            panic!("{:?}", outcome.ending)
        };
        assert_eq!(found.kind, NoStreamKind::ChatCompletions);
        assert_eq!(outcome.violations.len(), 1, "{:?}", outcome.violations);
        assert!(outcome.text.is_empty());
    }
    let healed = tolerant(Profile::Portable, body.as_bytes());
    assert!(String::from_utf8_lossy(&healed.out).contains("response.failed"));
    // What came in the same chunk is no more read than what comes later.
    let options = || ReaderOptions::tolerant().with_profile(Profile::OpenResponses);
    let whole = read_chunked(options(), body.as_bytes(), &[usize::MAX]);
    let pieces = read_chunked(options(), body.as_bytes(), &[1]);
    assert_eq!(whole.violations, pieces.violations);
}
