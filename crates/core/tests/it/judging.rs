//! The tolerant reading as a judge: what it says of a stream is about that stream, not about what it made of it.

use respair_core::{Code, Context, EndOfBody, Profile, Reader, ReaderOptions, Severity};
use serde_json::json;

use crate::events::{body, completed, created, delta, message};

fn judged(options: ReaderOptions, body: &[u8]) -> Reader {
    let mut reader = Reader::new(options, Context::new(0, 0));
    reader.push(bytes::Bytes::copy_from_slice(body));
    reader.finish(EndOfBody::Eof);
    while reader.poll().is_some() {}
    reader
}

fn broken(reader: &Reader) -> Vec<&'static str> {
    let violations = reader.violations().iter();
    let broken = violations.filter(|found| found.severity == Severity::Violation);
    broken.map(|found| found.code.as_str()).collect()
}

/// What goes downstream behind a repair is brought to `portable`; a judge goes on under the profile asked for.
#[test]
fn a_judge_keeps_to_its_profile_behind_a_finding() {
    let body = std::fs::read("../../fixtures/captures/codex-relay-0.5.8.text.sse").unwrap();
    let first = body.windows(2).position(|pair| pair == b"\n\n").unwrap() + 2;
    let body = &body[first..];
    let sdk = |options: ReaderOptions| options.with_profile(Profile::OpenAiSdk);
    let mended = judged(sdk(ReaderOptions::tolerant()), body);
    assert!(
        broken(&mended).contains(&"sequence-missing"),
        "{:?}",
        broken(&mended)
    );
    let judged = judged(sdk(ReaderOptions::judging()), body);
    assert_eq!(broken(&judged).first(), Some(&"created-missing"));
    let found = broken(&judged);
    assert!(!found.contains(&"sequence-missing"), "{found:?}");
    assert!(!found.contains(&"response-fields-missing"), "{found:?}");
}

/// At most sixteen findings of a code are listed; all are counted.
#[test]
fn what_is_no_longer_listed_is_counted() {
    let mut events = vec![created()];
    events.extend((0..40).map(|_| delta(0, "msg_1", "a")));
    events.push(completed(json!([message("msg_1", &"a".repeat(40))])));
    let unnamed: String = String::from_utf8(body(&events).to_vec())
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("event:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let reader = judged(ReaderOptions::judging(), unnamed.as_bytes());
    let code = Code::parse("event-name-mismatch").unwrap();
    let violations = reader.violations().iter();
    let listed = violations.filter(|found| found.code == code).count();
    assert_eq!((listed, reader.found(code)), (16, 42));
    assert_eq!(reader.found(Code::parse("crlf").unwrap()), 0);
}
