//! What generated damage led to (`tests/mutations`, `fuzz`), cut down to the smallest stream that shows it.

use respair_core::{Ending, Profile, ReaderOptions};
use respair_faults::conforming_text;
use respair_mutations::properties::hold;

use crate::run::{read_chunked, strict, tolerant};

/// The blank line that the last block lacks made an event of it.
#[test]
fn a_comment_that_is_cut_is_no_event() {
    for body in [": ping", ": ping\n", ":\u{0}\u{e}"] {
        hold(body, body.as_bytes());
        let healed = tolerant(Profile::Portable, body.as_bytes());
        assert!(!String::from_utf8_lossy(&healed.out).contains("data: \n"));
    }
}

/// The bytes that a finding covers are those of the event, not of whatever has arrived.
#[test]
fn where_chat_chunks_are_found_does_not_depend_on_the_chunks() {
    let chunk = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[]}\n\n";
    let body = [chunk, chunk, "data: [DONE]\n\n"].concat();
    let healed = tolerant(Profile::Portable, body.as_bytes());
    let found = healed.violations.first().unwrap();
    assert_eq!((found.byte_start, found.byte_end), (0, chunk.len() as u64));
}

/// openai-python decodes comments too, and raises.
#[test]
fn a_comment_that_is_no_utf8_is_left_out() {
    let body = [
        b": \xff\n\n".as_slice(),
        conforming_text(["a"]).to_bytes().as_ref(),
    ]
    .concat();
    hold("a comment", &body);
    let refused = strict(Profile::OpenAiSdk, &body).refused.unwrap();
    assert_eq!(refused.code.as_str(), "invalid-utf8");
    assert_eq!(tolerant(Profile::OpenAiSdk, &body).text, "a");
}

/// WHATWG ignores such a field, and so does every client.
#[test]
fn a_stream_may_begin_with_a_field_that_nobody_knows() {
    let body = [
        b"vent: response.created\n".as_slice(),
        conforming_text(["a"]).to_bytes().as_ref(),
    ]
    .concat();
    hold("an unknown field", &body);
    for size in [1, 5, 1000] {
        let outcome = read_chunked(ReaderOptions::strict(), &body, &[size]);
        assert_eq!((outcome.text.as_str(), outcome.refused), ("a", None));
    }
    let prose = tolerant(Profile::Portable, b"Error: no\nsuch model");
    assert!(
        matches!(prose.ending, Some(Ending::NoStream(_))),
        "{:?}",
        prose.ending
    );
}
