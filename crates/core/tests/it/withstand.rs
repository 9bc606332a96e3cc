//! Bodies that nobody means well with: arbitrary bytes, huge events, events that never end, single bytes.

use bytes::Bytes;
use proptest::prelude::*;
use respair_core::{Ending, Limits, Profile, Reader, ReaderOptions, Step};
use respair_mutations::properties::takeover;

use crate::run::{context, read, read_chunked, strict, tolerant};

proptest! {
    #![proptest_config(crate::run::cases(300))]

    #[test]
    fn arbitrary_bytes(body in proptest::collection::vec(any::<u8>(), 0..600)) {
        for outcome in [strict(Profile::OpenAiSdk, &body), tolerant(Profile::Portable, &body)] {
            prop_assert!(outcome.ending.is_some() || outcome.refused.is_some());
            let completed = matches!(outcome.ending, Some(Ending::Completed { .. }));
            prop_assert!(!completed);
        }
    }

    #[test]
    fn arbitrary_lines(lines in proptest::collection::vec(line(), 0..40)) {
        let body = lines.concat().into_bytes();
        let outcome = tolerant(Profile::Portable, &body);
        prop_assert!(outcome.ending.is_some());
        let refused = strict(Profile::Portable, &outcome.out).refused;
        prop_assert!(refused.is_none(), "{:?}\n{}", refused, String::from_utf8_lossy(&outcome.out));
        takeover(&body);
    }
}

fn line() -> impl Strategy<Value = String> {
    let kinds = prop::sample::select(vec![
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_item.done",
        "response.completed",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "error",
        "x",
    ]);
    let value = prop::sample::select(vec![
        "null",
        "0",
        "1",
        "\"a\"",
        "\"\"",
        "[]",
        "{}",
        "{\"type\":\"message\"}",
        "{\"id\":\"r\"}",
        "\"\\ud800\"",
        "{\"type\":\"function_call\",\"name\":\"f\"}",
        "{\"type\":\"output_text\",\"text\":\"a\"}",
    ]);
    let key = prop::sample::select(vec![
        "response",
        "item",
        "part",
        "delta",
        "text",
        "output_index",
        "content_index",
        "item_id",
        "sequence_number",
        "error",
        "arguments",
    ]);
    (kinds, proptest::collection::vec((key, value), 0..5)).prop_map(|(kind, fields)| {
        let fields: String = fields
            .iter()
            .map(|(key, value)| format!(",\"{key}\":{value}"))
            .collect();
        format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{fields}}}\n\n")
    })
}

#[test]
fn a_sixty_mebibyte_event_is_read() {
    let text = "x".repeat(60 << 20);
    let stream = respair_faults::conforming_text([text.as_str()]);
    let body = stream.before("response.output_text.done").to_bytes();
    let outcome = read_chunked(ReaderOptions::strict(), &body, &[1 << 16]);
    assert!(
        matches!(outcome.ending, Some(Ending::Truncated { .. })),
        "{:?}",
        outcome.ending
    );
    assert_eq!(outcome.text.len(), text.len());
}

#[test]
fn an_event_that_never_ends_is_a_typed_error_within_the_limit() {
    let limits = Limits::default().with_frame(1 << 20);
    let mut reader = Reader::new(ReaderOptions::tolerant().with_limits(limits), context());
    reader.push(Bytes::from_static(b"data: {\"delta\":\""));
    let mut ended = None;
    for _ in 0..4096 {
        reader.push(Bytes::from(vec![b'x'; 1024]));
        while let Some(step) = reader.poll() {
            if let Step::Ended(ending) = step {
                ended = Some(ending);
            }
        }
        if ended.is_some() {
            break;
        }
    }
    let Some(Ending::Failed(error)) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(error.code.as_deref(), Some("oversized"));
    assert!(error.message.contains("1 MiB"), "{error}");
    assert!(
        reader.bytes_in() < (1 << 20) + (1 << 17),
        "{}",
        reader.bytes_in()
    );
}

#[test]
fn one_byte_at_a_time() {
    for scenario in ["no-created", "tool-call", "crlf", "deltas-only"] {
        let body = respair_faults::scenario(scenario).unwrap().script(0).body();
        let whole = read(ReaderOptions::tolerant(), &body);
        let bytes = read_chunked(ReaderOptions::tolerant(), &body, &[1]);
        assert_eq!(whole.out, bytes.out, "{scenario}");
        assert_eq!(whole.ending, bytes.ending, "{scenario}");
    }
}

#[test]
fn what_passes_the_limit_is_live_and_a_valid_stream_still_passes() {
    let pieces: Vec<String> = (0..64).map(|at| format!("{at:0>1024}")).collect();
    let body = respair_faults::conforming_text(pieces.iter().map(String::as_str)).to_bytes();
    let limits = Limits::default().with_response(16 << 10);
    for profile in [Profile::OpenAiSdk, Profile::Portable] {
        let outcome = read(
            ReaderOptions::tolerant()
                .with_profile(profile)
                .with_limits(limits),
            &body,
        );
        assert!(outcome.out == body, "{profile}: {:?}", outcome.repairs);
        assert!(
            matches!(outcome.ending, Some(Ending::Completed { .. })),
            "{:?}",
            outcome.ending
        );
        assert_eq!(outcome.text, pieces.concat());
        assert!(outcome.response.overflowed);
    }
    // Where something has to be filled in, the response fails, and says why.
    let cut = respair_faults::conforming_text(pieces.iter().map(String::as_str));
    let cut = cut
        .drop_type("response.output_item.done")
        .drop_type("response.output_text.done");
    let body = cut
        .map_type("response.completed", |event| {
            event.with("response.output", serde_json::json!([]))
        })
        .to_bytes();
    let outcome = read(ReaderOptions::tolerant().with_limits(limits), &body);
    let Some(Ending::Failed(error)) = outcome.ending else {
        panic!("{:?}", outcome.ending)
    };
    assert_eq!(error.code.as_deref(), Some("limit_response"));
}

/// What is added counts against the limit as well: items with padding, parts that are full from the start.
#[test]
fn items_and_parts_count_against_the_limit() {
    let limits = Limits::default().with_response(64 << 10);
    let padding = serde_json::json!("x".repeat(8 << 10));
    let mut stream = respair_faults::Stream::new().prelude();
    for _ in 0..32 {
        stream = stream.message(["a"]);
    }
    let body = stream
        .complete()
        .map_type("response.output_item.added", |event| {
            event.with("item.padding", padding.clone())
        });
    for profile in [Profile::OpenAiSdk, Profile::Portable] {
        let outcome = read(
            ReaderOptions::tolerant()
                .with_profile(profile)
                .with_limits(limits),
            &body.to_bytes(),
        );
        assert!(
            matches!(outcome.ending, Some(Ending::Completed { .. })),
            "{:?}",
            outcome.ending
        );
        assert!(
            outcome.response.overflowed,
            "256 KiB of items were kept within 64 KiB"
        );
        assert_eq!(outcome.text.len(), 32, "live text is not cut");
    }
}
