//! Signs of life in the middle of a stream.

use bytes::Bytes;
use respair_core::{EndOfBody, Reader, ReaderOptions, Step};
use respair_faults::{conforming_reasoning_then_text, conforming_text, conforming_tool_call};
use respair_oracle::{Profile, judge};
use serde_json::Value;

use crate::run::context;

/// The stream with a heartbeat wherever one is given, and how many were.
fn beating(body: &[u8]) -> (Vec<u8>, usize) {
    let mut reader = Reader::new(ReaderOptions::tolerant(), context());
    let (mut out, mut beats) = (Vec::new(), 0);
    for block in body.split_inclusive(|byte| *byte == b'\n') {
        reader.push(Bytes::copy_from_slice(block));
        while let Some(step) = reader.poll() {
            if let Step::Event(event) = step {
                out.extend_from_slice(event.raw());
                if let Some(beat) = reader.heartbeat() {
                    out.extend_from_slice(beat.raw());
                    beats += 1;
                }
            }
        }
    }
    reader.finish(EndOfBody::Eof);
    assert!(reader.poll().is_none());
    assert!(reader.heartbeat().is_none(), "behind the end");
    (out, beats)
}

#[test]
fn a_stream_with_heartbeats_satisfies_every_reader_and_says_the_same() {
    for stream in [
        conforming_text(["Hel", "lo"]),
        conforming_reasoning_then_text(["Hm", "m"], ["Hel", "lo"]),
        conforming_tool_call("get_weather", ["{\"a\"", ":1}"]),
    ] {
        let body = stream.to_bytes();
        let (out, beats) = beating(&body);
        let events = stream.evs().len();
        // Behind each event but the terminal one.
        assert_eq!(beats, events - 1);
        let said = |body: &[u8]| {
            judge(body, Profile::Portable).unwrap_or_else(|faults| panic!("{faults:?}"))
        };
        assert_eq!(said(&out), said(&body));
    }
}

#[test]
fn a_heartbeat_takes_no_output_back() {
    let body = conforming_text(["Hel", "lo"])
        .before("response.output_text.done")
        .to_bytes();
    let mut reader = Reader::new(ReaderOptions::tolerant(), context());
    assert!(reader.heartbeat().is_none(), "before the beginning");
    reader.push(body);
    while reader.poll().is_some() {}
    let beat = reader.heartbeat().unwrap();
    let beat: Value = serde_json::from_str(beat.data()).unwrap();
    assert_eq!(beat["response"]["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(beat["response"]["status"], "in_progress");
}

#[test]
fn the_strict_reading_makes_up_nothing() {
    let mut reader = Reader::new(ReaderOptions::strict(), context());
    reader.push(
        conforming_text(["Hi"])
            .before("response.completed")
            .to_bytes(),
    );
    while reader.poll().is_some() {}
    assert!(reader.heartbeat().is_none());
}
