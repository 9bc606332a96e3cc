//! Where a stream ends, and that strictness is the default.

use bytes::Bytes;
use respair_core::{Code, Ending, Limits, Profile, Reader, ReaderOptions, Step};
use serde_json::json;

use crate::corpus;
use crate::events::{added, body, completed, created, delta, done, message, part};
use crate::run::{context, read, strict, tolerant};

/// What the strict reading gives out is how the body begins, byte for byte: it mends nothing, and stops where it refuses.
#[test]
fn strict_by_default() {
    for stream in corpus::all() {
        for profile in [Profile::OpenAiSdk, Profile::Portable] {
            let outcome = strict(profile, &stream.body);
            assert!(
                stream.body.starts_with(&outcome.out),
                "{} under {profile}",
                stream.name
            );
            let mended = outcome
                .repairs
                .iter()
                .filter(|repair| repair.code.as_str() != "event-after-terminal");
            let mended: Vec<_> = mended
                .filter(|repair| repair.code.as_str() != "error-without-failed")
                .collect();
            assert!(
                mended.is_empty(),
                "{} under {profile}: {mended:?}",
                stream.name
            );
            assert!(
                outcome.refused.is_none() || outcome.ending.is_none(),
                "{}",
                stream.name
            );
        }
    }
}

/// The turn ends with the terminal event's last byte, whoever holds the connection open.
#[test]
fn ends_at_terminal() {
    let body = respair_faults::scenario("text").unwrap().script(0).body();
    for options in [ReaderOptions::strict(), ReaderOptions::tolerant()] {
        let mut reader = Reader::new(options, context());
        reader.push(body.slice(..body.len() - 1));
        let early = std::iter::from_fn(|| reader.poll()).any(|step| matches!(step, Step::Ended(_)));
        assert!(!early, "ended before the terminal event was whole");
        reader.push(body.slice(body.len() - 1..));
        let steps: Vec<Step> = std::iter::from_fn(|| reader.poll()).collect();
        assert!(
            matches!(
                steps.last(),
                Some(Step::Ended(Ending::Completed { empty: false }))
            ),
            "{steps:?}"
        );
        // Whatever comes behind it changes nothing, and only `[DONE]` and comments pass.
        reader.push(body.clone());
        reader.push(Bytes::from_static(b": bye\n\ndata: [DONE]\n\n"));
        let after: Vec<Step> = std::iter::from_fn(|| reader.poll()).collect();
        assert_eq!(after.len(), 2, "{after:?}");
    }
}

/// Every list and buffer has its bound.
#[test]
fn bounded() {
    // Findings of one code are listed a few times and counted for ever.
    let pieces: Vec<String> = (0..500).map(|at| at.to_string()).collect();
    let stream = respair_faults::conforming_text(pieces.iter().map(String::as_str))
        .map(|event| event.without("sequence_number"));
    let outcome = tolerant(Profile::Portable, &stream.to_bytes());
    let listed = outcome
        .violations
        .iter()
        .filter(|violation| violation.code.as_str() == "sequence-missing")
        .count();
    assert_eq!(listed, 16);
    let counted = outcome
        .repairs
        .iter()
        .find(|repair| repair.code.as_str() == "sequence-missing")
        .unwrap();
    assert!(counted.count > 500, "{counted:?}");
    // An event beyond its limit is a typed error, and the stream says so downstream.
    let limits = Limits::default().with_frame(4 << 10);
    let huge = "x".repeat(8 << 10);
    let body = respair_faults::conforming_text([huge.as_str()]).to_bytes();
    let outcome = read(ReaderOptions::tolerant().with_limits(limits), &body);
    let Some(Ending::Failed(error)) = &outcome.ending else {
        panic!("{:?}", outcome.ending)
    };
    assert_eq!(error.code.as_deref(), Some("oversized"));
    assert!(respair_oracle::judge(&outcome.out, respair_oracle::Profile::Portable).is_ok());
}

/// Cut at any byte, a stream is truncated or empty, never completed; what was said of it stays conforming.
#[test]
fn cut_at_any_byte() {
    for name in [
        "text",
        "reasoning",
        "tool-call",
        "no-created",
        "rotating-ids",
        "deltas-only",
    ] {
        let body = respair_faults::scenario(name).unwrap().script(0).body();
        let whole = tolerant(Profile::Portable, &body);
        let terminal = body
            .windows(24)
            .position(|bytes| bytes == b"event: response.complete")
            .unwrap();
        for end in (0..body.len()).step_by(7) {
            let cut = tolerant(Profile::Portable, &body[..end]);
            assert!(
                whole.text.starts_with(&cut.text),
                "{name} at {end}: {:?}",
                cut.text
            );
            let judged = respair_oracle::judge(&cut.out, respair_oracle::Profile::Portable);
            assert!(judged.is_ok(), "{name} at {end}: {:?}", judged.err());
            match cut.ending {
                Some(Ending::Truncated { .. }) => assert!(
                    !cut.text.is_empty() || !cut.arguments.is_empty() || !cut.reasoning.is_empty()
                ),
                Some(Ending::Empty { .. } | Ending::NoStream(_)) => assert!(end <= terminal),
                // The terminal event's JSON was whole, and only its blank line was missing.
                Some(Ending::Completed { .. }) => {
                    assert!(body[end..].iter().all(|byte| *byte == b'\n'))
                }
                ref other => panic!("{name} at {end}: {other:?}"),
            }
        }
    }
}

/// What the reader does itself can be switched off like every other rule, and then it is not done.
#[test]
fn what_is_done_at_the_end_can_be_switched_off() {
    let item = message("msg_1", "Hello");
    let whole = [
        created(),
        added(0, &item),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Hello"),
        done(0, &item),
        completed(json!([item])),
    ];
    let whole = tolerant(Profile::Portable, &body(&whole)).out;
    let text = String::from_utf8(whole.clone()).unwrap();
    let end = text.find("event: response.completed").unwrap();
    let cut = whole[..end].to_vec();
    let late = [whole, body(&[delta(0, "msg_1", " again")])].concat();
    let error = json!({ "type": "error", "code": "server_error", "message": "no", "param": null,
        "error": { "type": "server_error", "code": "server_error", "message": "no", "param": null } });
    let failing = [created(), error];
    for (code, stream) in [
        ("event-after-terminal", late),
        ("terminal-missing", cut),
        ("error-without-failed", body(&failing)),
        (
            "json-instead-of-sse",
            br#"{"object":"response","status":"completed","output":[]}"#.to_vec(),
        ),
        ("html-instead-of-sse", b"<html></html>".to_vec()),
        ("no-stream", b"upstream connect error".to_vec()),
    ] {
        let without = Code::parse(code).unwrap();
        let on = tolerant(Profile::Portable, &stream);
        assert!(
            on.repairs.iter().any(|repair| repair.code == without),
            "{code}"
        );
        let off = read(ReaderOptions::tolerant().without(vec![without]), &stream);
        assert!(
            off.repairs.is_empty() && off.violations.is_empty(),
            "{code}: {:?}",
            off.violations
        );
        let expected: &[u8] = if stream.starts_with(b"event:") {
            &stream
        } else {
            b""
        };
        assert_eq!(
            String::from_utf8_lossy(&off.out),
            String::from_utf8_lossy(expected),
            "{code}"
        );
        assert!(
            !matches!(off.ending, Some(Ending::Completed { .. })) || code == "event-after-terminal"
        );
    }
}

/// Endings in words of their own: what the upstream says is what is reported.
#[test]
fn the_upstreams_own_words_are_kept() {
    let item = message("msg_1", "Hello");
    let begun = [
        created(),
        added(0, &item),
        part(0, "msg_1", 0),
        delta(0, "msg_1", "Hello"),
    ];
    let mut cancelled = completed(json!([]));
    cancelled["type"] = json!("response.cancelled");
    let bare = cancelled.clone();
    cancelled["response"]["status"] = json!("cancelled");
    cancelled["response"]["error"] =
        json!({ "code": "cancelled", "message": "stopped by the operator" });
    let plain = [
        body(&begun),
        b"event: error\ndata: upstream connect error\n\n".to_vec(),
    ]
    .concat();
    for (name, stream, words) in [
        (
            "cancelled",
            body(&[&begun[..], &[cancelled]].concat()),
            "stopped by the operator",
        ),
        (
            "cancelled, and nothing said",
            body(&[&begun[..], &[bare]].concat()),
            "without saying why",
        ),
        ("an error in plain words", plain, "upstream connect error"),
    ] {
        let outcome = tolerant(Profile::Portable, &stream);
        let Some(Ending::Failed(error)) = outcome.ending else {
            panic!("{name}: {:?}", outcome.ending)
        };
        assert!(error.message.contains(words), "{name}: {}", error.message);
        assert_eq!(error.source, respair_core::ErrorSource::Upstream, "{name}");
        assert_eq!(outcome.text, "Hello");
        assert!(
            strict(Profile::Portable, &outcome.out).refused.is_none(),
            "{name}"
        );
    }
}

/// A caller that cannot pass on what was given out ends the response, once and in good form, wherever it stands.
#[test]
fn what_cannot_be_passed_on_fails_the_response() {
    let body = respair_faults::scenario("tool-call")
        .unwrap()
        .script(0)
        .body();
    let count = |reader: &mut Reader| {
        let steps = std::iter::from_fn(|| reader.poll());
        steps.collect::<Vec<_>>()
    };
    let mut whole = Reader::new(ReaderOptions::tolerant(), context());
    whole.push(body.clone());
    whole.finish(respair_core::EndOfBody::Eof);
    let events = count(&mut whole).len() - 1;
    for at in 1..=events {
        let mut reader = Reader::new(ReaderOptions::tolerant(), context());
        reader.push(body.clone());
        let mut out = Vec::new();
        for _ in 0..at {
            if let Some(Step::Event(event)) = reader.poll() {
                out.extend_from_slice(event.raw());
            }
        }
        // What cannot be passed on is the last of them.
        let error = respair_core::ResponseError::local("no_good", "It cannot be passed on.");
        let last = out.windows(2).rposition(|pair| pair == b"\n\n").unwrap();
        let before = out[..last].windows(2).rposition(|pair| pair == b"\n\n");
        out.truncate(before.map_or(0, |end| end + 2));
        reader.reject(error.clone());
        let steps = count(&mut reader);
        let Some(Step::Ended(Ending::Failed(said))) = steps.last() else {
            panic!("{at}: {steps:?}");
        };
        assert_eq!(said, &error);
        for step in &steps[..steps.len() - 1] {
            let Step::Event(event) = step else {
                panic!("{step:?}")
            };
            out.extend_from_slice(event.raw());
        }
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("event: response.failed\n").count(), 1, "{at}");
        assert!(!text.contains("response.completed"), "{at}");
        reader.reject(error);
        assert!(reader.poll().is_none(), "{at}: it is over");
    }
}
