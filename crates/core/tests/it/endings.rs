//! Where a stream ends, and that strictness is the default.

use bytes::Bytes;
use respair_core::{Ending, Limits, Profile, Reader, ReaderOptions, Step};

use crate::corpus;
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
