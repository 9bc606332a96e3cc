//! The decoder against arbitrary bytes, arbitrary chunks, and two public decoders that follow
//! WHATWG.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use respair_core::sse::{Decoder, Frame, FrameTooLarge, Oddities};

const ROOMY: usize = 1 << 20;

type Decoded = Vec<Result<Frame, FrameTooLarge>>;

/// Decodes `body` in chunks of `sizes`, over and over.
fn decode(body: &[u8], sizes: &[usize], limit: usize) -> Decoded {
    let mut decoder = Decoder::new(limit);
    let mut decoded = Vec::new();
    let mut sizes = sizes.iter().cycle();
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        rest = after;
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(result) = decoder.next_frame() {
            decoded.push(result);
        }
        assert!(
            decoder.buffered() <= limit + 1,
            "{} bytes held",
            decoder.buffered()
        );
    }
    while let Some(result) = decoder.finish() {
        decoded.push(result);
    }
    assert!(decoder.finish().is_none(), "the end stays the end");
    decoded
}

fn frames(body: &[u8]) -> Vec<Frame> {
    decode(body, &[ROOMY], ROOMY)
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// Bytes that are mostly what event streams are made of.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        6 => prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\n\r\n"]),
        6 => prop::sample::select(vec!["data:", "data: ", "data", "event: ", "event:", "id: ", "id", "retry: ", ":", ": c"]),
        4 => prop::sample::select(vec!["{}", "{\"a\":\"}\"}", "[1,", "2]", "[DONE]", "{", "}", "\"", "\\", "x", "12", " ", "\0"]),
        3 => prop::sample::select(vec!["data: {}\n", "event: a\n", "data: 1\n", "data: [DONE]\n", ": ping\n"]),
        1 => prop::sample::select(vec!["é", "日本", "\u{FEFF}", "\u{85}", "\u{2028}"]),
    ];
    let piece = prop_oneof![
        12 => token.prop_map(|token| token.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..3),
        1 => Just(b"\xEF\xBB".to_vec()),
    ];
    (
        prop_oneof![3 => Just(&b""[..]), 1 => Just(&b"\xEF\xBB\xBF"[..])],
        vec(piece, 0..40),
    )
        .prop_map(|(bom, pieces)| [bom, &pieces.concat()].concat())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(1..12_usize, 1..8)
}

/// What WHATWG dispatches: name, data, last event id.
type Dispatched = (String, String, String);

/// Our frames as the events that they dispatch.
fn dispatched(frames: &[Frame]) -> Vec<Dispatched> {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut last_id = String::new();
    let mut events = Vec::new();
    // WHATWG drops the block that the end of the body cut off.
    for frame in frames
        .iter()
        .filter(|frame| !frame.oddities().contains(Oddities::UNTERMINATED))
    {
        last_id = frame.id().map_or(last_id, lossy);
        // A data buffer that is empty dispatches nothing, and one empty data line leaves an LF in
        // it.
        if frame.has_data() {
            let name = frame.event_name().unwrap_or("message").to_owned();
            events.push((name, lossy(frame.data()), last_id.clone()));
        }
    }
    events
}

/// A name that is not UTF-8 is none to us, and full of replacement characters to others: their name
/// counts as ours then.
fn alike(mut theirs: Vec<Dispatched>, ours: &[Dispatched]) -> Vec<Dispatched> {
    for (theirs, ours) in theirs.iter_mut().zip(ours) {
        if theirs.0.contains('\u{FFFD}') && ours.0 == "message" {
            theirs.0.clone_from(&ours.0);
        }
    }
    theirs
}

/// `body` with the blank lines that were missing, where we saw that.
fn mended(frames: &[Frame]) -> Vec<u8> {
    let mut body = Vec::new();
    for frame in frames {
        body.extend_from_slice(frame.raw());
        if frame.oddities().contains(Oddities::BLANK_LINE_MISSING) {
            body.push(if frame.raw().ends_with(b"\r") {
                b'\r'
            } else {
                b'\n'
            });
        }
    }
    body
}

fn by_sse_parse(body: &[u8]) -> Vec<Dispatched> {
    let mut parser = sse_parse::SseParser::new();
    parser.feed(body);
    parser.finish();
    std::iter::from_fn(|| parser.next_event())
        .map(|event| (event.event, event.data, event.id))
        .collect()
}

fn by_sse_core(body: &[u8]) -> Vec<Dispatched> {
    let mut decoder = sse_core::SseDecoder::new();
    let mut body = Bytes::copy_from_slice(body);
    let mut events = Vec::new();
    while let Some(event) = decoder.next(&mut body) {
        if let sse_core::SseEvent::Message(message) = event.unwrap() {
            let id = message
                .last_event_id
                .map_or_else(String::new, |id| id.to_string());
            events.push((message.event.into_owned(), message.data, id));
        }
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_chunking_gives_the_same_frames(body in soup(), sizes in sizes()) {
        prop_assert_eq!(decode(&body, &sizes, ROOMY), decode(&body, &[ROOMY], ROOMY));
    }

    #[test]
    fn any_chunking_gives_the_same_frames_and_errors(body in soup(), sizes in sizes(), limit in 1..40_usize) {
        let whole = decode_queued(&body, &[ROOMY], limit);
        prop_assert_eq!(&decode_queued(&body, &sizes, limit), &whole);
        let mut at = 0;
        for result in whole {
            match result {
                Ok(frame) => {
                    prop_assert!(frame.offset() >= at);
                    // One more where the blank line is CR LF.
                    prop_assert!(frame.raw().len() <= limit + 1);
                    at = frame.end();
                }
                Err(error) => {
                    prop_assert!(error.offset >= at);
                    at = error.offset + limit as u64;
                }
            }
        }
        prop_assert!(at <= body.len() as u64);
    }

    #[test]
    fn the_raw_bytes_put_end_to_end_are_the_body(body in soup()) {
        let mut at = 0;
        let mut raw = Vec::new();
        for frame in frames(&body) {
            prop_assert_eq!(frame.offset(), at);
            at = frame.end();
            raw.extend_from_slice(frame.raw());
        }
        prop_assert_eq!(raw, body);
    }

    #[test]
    fn events_are_those_of_sse_parse_and_sse_core(body in soup()) {
        let frames = frames(&body);
        // They know no missing blank line: they are given the body with those lines in it.
        let body = mended(&frames);
        let ours = dispatched(&frames);
        prop_assert_eq!(alike(by_sse_parse(&body), &ours), &ours[..], "sse-parse");
        prop_assert_eq!(alike(by_sse_core(&body), &ours), &ours[..], "sse-core");
    }

    #[test]
    fn a_mended_body_reads_the_same_without_the_oddity(body in soup()) {
        let before = frames(&body);
        let after = frames(&mended(&before));
        prop_assert!(!after.iter().any(|frame| frame.oddities().contains(Oddities::BLANK_LINE_MISSING)));
        prop_assert_eq!(dispatched(&before), dispatched(&after));
    }

    #[test]
    fn blocks_of_whole_json_are_split_and_nothing_else(lines in vec(prop::sample::select(vec!["{}", "[DONE]", "{\"a\":[1]}", "1", "{", "}", ""]), 1..6)) {
        let body: String = lines.iter().map(|line| format!("data: {line}\n")).collect::<String>() + "\n";
        let mut expected: Vec<String> = Vec::new();
        let mut open: Option<String> = None;
        for line in lines {
            open = Some(match open.take() {
                None => line.to_owned(),
                Some(data) if !line.is_empty() && is_whole(&data) => {
                    expected.push(data);
                    line.to_owned()
                }
                Some(data) => format!("{data}\n{line}"),
            });
        }
        expected.extend(open);
        let frames = frames(body.as_bytes());
        let data: Vec<_> = frames.iter().map(|frame| String::from_utf8(frame.data().to_vec()).unwrap()).collect();
        prop_assert_eq!(data, expected);
    }

    #[test]
    fn composed_frames_read_back(name in "[^\r\n]{0,12}", data in "[^{}\\[\\]]{0,40}", sizes in sizes()) {
        let frame = Frame::compose(&name, data.as_bytes());
        prop_assert_eq!(frame.event_name(), Some(&*name).filter(|name| !name.is_empty()));
        let data = data.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(frame.data(), data.as_bytes());
        prop_assert_eq!(decode(frame.raw(), &sizes, ROOMY), vec![Ok(frame)]);
    }

    #[test]
    fn composed_bytes_read_back(name in any::<String>(), data in vec(any::<u8>(), 0..40)) {
        let data: Vec<u8> = data.into_iter().filter(|byte| !b"\r\n".contains(byte)).collect();
        let frame = Frame::compose(&name, &data);
        prop_assert_eq!(frame.data(), &data[..]);
        prop_assert_eq!(frames(frame.raw()), vec![frame]);
    }

    #[test]
    fn comments_read_back(text in any::<String>()) {
        let frame = Frame::comment(&text);
        prop_assert!(frame.is_comment() && !frame.has_data());
        prop_assert_eq!(frames(frame.raw()), vec![frame]);
    }

    #[test]
    fn arbitrary_bytes_never_panic(body in vec(any::<u8>(), 0..400), sizes in sizes(), limit in 0..64_usize) {
        decode_queued(&body, &sizes, limit);
    }

    #[test]
    fn a_frame_that_never_ends_holds_no_more_than_the_limit(
        line in prop::sample::select(vec!["x", "data: x\n", "data\r", "id: 1\r\n", "unknown\n", ": c\n", "data: {\n", "event: e\n"]),
        limit in 64..4000_usize,
        chunk in 1..700_usize,
    ) {
        let body = format!("data: {{\n{}", line.repeat(3 * limit / line.len()));
        let mut decoder = Decoder::new(limit);
        let mut errors = Vec::new();
        for piece in body.as_bytes().chunks(chunk) {
            decoder.push(Bytes::copy_from_slice(piece));
            while let Some(result) = decoder.next_frame() {
                errors.push(result.unwrap_err());
            }
            prop_assert!(decoder.buffered() * 10 <= limit * 11);
        }
        prop_assert_eq!(errors.len(), 1);
        prop_assert_eq!((errors[0].limit, errors[0].offset), (limit, 0));
        prop_assert_eq!(decoder.buffered(), 0);
        prop_assert!(decoder.finish().is_none());
    }
}

/// As `decode`, but nothing is read before everything is pushed at every other body: chunks may
/// queue.
fn decode_queued(body: &[u8], sizes: &[usize], limit: usize) -> Decoded {
    let mut decoder = Decoder::new(limit);
    let mut sizes = sizes.iter().cycle();
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        rest = after;
        decoder.push(Bytes::copy_from_slice(chunk));
    }
    let queued: Decoded = std::iter::from_fn(|| decoder.finish()).collect();
    if limit > 0 {
        assert_eq!(
            queued,
            decode(body, &[1], limit),
            "queued, and byte by byte"
        );
    }
    queued
}

fn is_whole(data: &str) -> bool {
    let data = data.trim_end();
    data == "[DONE]"
        || (data.ends_with(['}', ']']) && serde_json::from_str::<serde_json::Value>(data).is_ok())
}

#[test]
fn a_comment_a_second_for_ever_is_no_frame_that_never_ends() {
    let mut decoder = Decoder::new(64);
    let mut seen = 0;
    for _ in 0..100_000 {
        decoder.push(Bytes::from_static(b": keep-alive\n"));
        while let Some(frame) = decoder.next_frame() {
            assert!(frame.unwrap().is_comment());
            seen += 1;
        }
        assert!(decoder.buffered() <= 70);
    }
    assert_eq!(seen, 100_000 - 1);
}

/// Not a measurement (`benches/frames.rs` is): with time that grows by the square, this would not
/// end.
#[test]
fn long_lines_in_single_bytes_take_linear_time() {
    let value = "x".repeat(2 << 20);
    // The last one makes rule 2 look at every line.
    let pretty = "data: {\"a\":[{\n".to_owned() + &"data: },{\n".repeat(60_000) + "data: }]}\n\n";
    for body in [
        format!("data: {value}\n\n"),
        "data\n".repeat(200_000) + "\n",
        pretty,
    ] {
        let frames: Vec<_> = decode(body.as_bytes(), &[1], 64 << 20);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].as_ref().unwrap().raw(), body.as_bytes());
    }
}
