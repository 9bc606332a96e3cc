//! Every framing variant as a table: a body, and the frames that it is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;

use super::{Decoder, Frame, FrameTooLarge, Oddities};

const ROOMY: usize = 1 << 20;

fn drain(decoder: &mut Decoder, out: &mut Vec<Result<Frame, FrameTooLarge>>) {
    while let Some(result) = decoder.next_frame() {
        out.push(result);
    }
}

fn decode(body: &[u8], chunk: usize, limit: usize) -> Vec<Result<Frame, FrameTooLarge>> {
    let mut decoder = Decoder::new(limit);
    let mut out = Vec::new();
    for piece in body.chunks(chunk) {
        decoder.push(Bytes::copy_from_slice(piece));
        drain(&mut decoder, &mut out);
    }
    while let Some(result) = decoder.finish() {
        out.push(result);
    }
    assert_eq!(decoder.bytes_in(), body.len() as u64);
    out
}

/// The frames of `body`, which are the same whatever the chunks are.
fn frames(body: &[u8]) -> Vec<Frame> {
    let whole = decode(body, body.len().max(1), ROOMY);
    for chunk in 1..body.len() {
        assert_eq!(
            decode(body, chunk, ROOMY),
            whole,
            "in chunks of {chunk}: {}",
            body.escape_ascii()
        );
    }
    let frames: Vec<Frame> = whole.into_iter().map(Result::unwrap).collect();
    let raw: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.raw().to_vec())
        .collect();
    assert_eq!(raw, body, "the raw bytes put end to end");
    let mut at = 0;
    for frame in &frames {
        assert_eq!(frame.offset(), at);
        at += frame.raw().len() as u64;
        assert_eq!(frame.end(), at);
    }
    frames
}

/// `raw | name | data | oddities` of each frame; a comment's data reads `-`.
fn told(body: &[u8]) -> Vec<String> {
    frames(body)
        .iter()
        .map(|frame| {
            let data = if frame.has_data() {
                frame.data().escape_ascii().to_string()
            } else {
                assert_eq!(frame.data(), b"");
                String::from(if frame.is_comment() { "-" } else { "none" })
            };
            assert_eq!(frame.data(), frame.data_bytes());
            format!(
                "{} | {} | {data} | {}",
                frame.raw().escape_ascii(),
                frame.event_name().unwrap_or("-"),
                frame.oddities()
            )
        })
        .collect()
}

#[test]
fn framing_variants() {
    let table: &[(&[u8], &[&str])] = &[
        // What conforming streams look like.
        (b"", &[]),
        (
            b"event: a\ndata: 1\n\n",
            &[r"event: a\ndata: 1\n\n | a | 1 | "],
        ),
        (
            b"data:1\n\ndata:  2\n\n",
            &[r"data:1\n\n | - | 1 | ", r"data:  2\n\n | - |  2 | "],
        ),
        (
            b"data: 1\nevent: a\n\n",
            &[r"data: 1\nevent: a\n\n | a | 1 | "],
        ),
        (
            b"data: {}\nevent: a\n\n",
            &[r"data: {}\nevent: a\n\n | a | {} | "],
        ),
        (
            b"event: a\nevent: b\ndata: 1\n\n",
            &[r"event: a\nevent: b\ndata: 1\n\n | b | 1 | "],
        ),
        (b"event:\ndata: 1\n\n", &[r"event:\ndata: 1\n\n | - | 1 | "]),
        (b"event\ndata\n\n", &[r"event\ndata\n\n | - |  | "]),
        (b"data: a:b: c\n\n", &[r"data: a:b: c\n\n | - | a:b: c | "]),
        (b"data: [DONE]\n\n", &[r"data: [DONE]\n\n | - | [DONE] | "]),
        // Several data lines.
        (
            b"data: 1\ndata: 2\n\n",
            &[r"data: 1\ndata: 2\n\n | - | 1\n2 | multi-line"],
        ),
        (
            b"data:\ndata\n\n",
            &[r"data:\ndata\n\n | - | \n | multi-line"],
        ),
        (
            b"data: {\ndata: }\n\n",
            &[r"data: {\ndata: }\n\n | - | {\n} | multi-line"],
        ),
        (
            b"data: {}\ndata:\n\n",
            &[r"data: {}\ndata:\n\n | - | {}\n | multi-line"],
        ),
        // Comments and blank lines.
        (b": ping\n\n", &[r": ping\n\n | - | - | comment"]),
        (b":\n\n\n", &[r":\n\n | - | - | comment", r"\n | - | - | "]),
        (
            b"data: 1\n: c\n\n",
            &[r"data: 1\n: c\n\n | - | 1 | comment"],
        ),
        (
            b": a\n: b\ndata: 1\n\n",
            &[
                r": a\n | - | - | comment",
                r": b\n | - | - | comment",
                r"data: 1\n\n | - | 1 | ",
            ],
        ),
        // Fields that are not data.
        (
            b"id: 7\nretry: 10\ndata: 1\n\n",
            &[r"id: 7\nretry: 10\ndata: 1\n\n | - | 1 | id, retry"],
        ),
        (b"event: a\n\n", &[r"event: a\n\n | a | none | no-data"]),
        (b"id: 7\n\n", &[r"id: 7\n\n | - | none | id, no-data"]),
        (
            b"da\nta: 1\n\n",
            &[r"da\nta: 1\n\n | - | none | no-data, unknown-field"],
        ),
        (
            b" data: 1\n\n",
            &[r" data: 1\n\n | - | none | no-data, unknown-field"],
        ),
        (
            b"Data: 1\n\n",
            &[r"Data: 1\n\n | - | none | no-data, unknown-field"],
        ),
        // Line ends.
        (
            b"data: 1\r\n\r\ndata: 2\r\n\r\n",
            &[
                r"data: 1\r\n\r\n | - | 1 | crlf",
                r"data: 2\r\n\r\n | - | 2 | crlf",
            ],
        ),
        (
            b"data: 1\r\rdata: 2\r\r",
            &[
                r"data: 1\r\r | - | 1 | bare-cr",
                r"data: 2\r\r | - | 2 | bare-cr",
            ],
        ),
        (
            b"data: 1\n\r\ndata: 2\n\n",
            &[
                r"data: 1\n\r | - | 1 | bare-cr",
                r"\ndata: 2\n\n | - | 2 | crlf",
            ],
        ),
        (
            b"data: 1\r\r\ndata: 2\n\n",
            &[
                r"data: 1\r\r | - | 1 | bare-cr",
                r"\ndata: 2\n\n | - | 2 | crlf",
            ],
        ),
        (
            b"data: 1\r\n\rdata: 2\n\n",
            &[
                r"data: 1\r\n\r | - | 1 | crlf, bare-cr",
                r"data: 2\n\n | - | 2 | ",
            ],
        ),
        (
            b"data: 1\r\n\r",
            &[r"data: 1\r\n\r | - | 1 | crlf, bare-cr"],
        ),
        (
            b"data: 1\r\r\n",
            &[r"data: 1\r\r | - | 1 | bare-cr", r"\n | - | - | crlf"],
        ),
        (
            b"data: 1\rdata: 2\r\ndata: 3\n\n",
            &[r"data: 1\rdata: 2\r\ndata: 3\n\n | - | 1\n2\n3 | crlf, bare-cr, multi-line"],
        ),
        // The byte order mark: once, and only at the beginning.
        (
            b"\xEF\xBB\xBFdata: 1\n\n",
            &[r"\xef\xbb\xbfdata: 1\n\n | - | 1 | bom"],
        ),
        (b"\xEF\xBB\xBF\n", &[r"\xef\xbb\xbf\n | - | - | bom"]),
        (
            b"\xEF\xBB\xBFdata: 1\ndata: 2\n\n",
            &[r"\xef\xbb\xbfdata: 1\ndata: 2\n\n | - | 1\n2 | bom, multi-line"],
        ),
        (
            b"\n\xEF\xBB\xBFdata: 1\n\n",
            &[
                r"\n | - | - | ",
                r"\xef\xbb\xbfdata: 1\n\n | - | none | no-data, unknown-field",
            ],
        ),
        (b"\xEF\xBB\xBF", &[r"\xef\xbb\xbf | - | - | bom"]),
        // Text that is not UTF-8 matters where it is read.
        (
            b"data: \xFF\n\n",
            &[r"data: \xff\n\n | - | \xff | invalid-utf8"],
        ),
        (
            b"event: \xFF\ndata: 1\n\n",
            &[r"event: \xff\ndata: 1\n\n | - | 1 | invalid-utf8"],
        ),
        (
            b"data: \xC3\ndata: \xA9\n\n",
            &[r"data: \xc3\ndata: \xa9\n\n | - | \xc3\n\xa9 | multi-line, invalid-utf8"],
        ),
        (
            b"data: 1\n: \xFF\n\n",
            &[r"data: 1\n: \xff\n\n | - | 1 | comment, invalid-utf8"],
        ),
        // The end of the body.
        (b"data: 1\n", &[r"data: 1\n | - | 1 | unterminated"]),
        (b"data: 1", &[r"data: 1 | - | 1 | unterminated"]),
        (
            b"data: 1\r",
            &[r"data: 1\r | - | 1 | bare-cr, unterminated"],
        ),
        (
            b"dat",
            &[r"dat | - | none | no-data, unterminated, unknown-field"],
        ),
        (b": ping", &[r": ping | - | - | comment, unterminated"]),
        (
            b"<html>\n<body>",
            &[r"<html>\n<body> | - | none | no-data, unterminated, unknown-field"],
        ),
    ];
    for (body, expected) in table {
        assert_eq!(&told(body), expected, "{}", body.escape_ascii());
    }
}

#[test]
fn missing_blank_lines() {
    let table: &[(&[u8], &[&str])] = &[
        (
            b"event: a\ndata: {\"x\":\"}\"}\nevent: b\ndata: [1]\n\n",
            &[
                r#"event: a\ndata: {\"x\":\"}\"}\n | a | {\"x\":\"}\"} | blank-line-missing"#,
                r"event: b\ndata: [1]\n\n | b | [1] | ",
            ],
        ),
        (
            b"data: {}\r\ndata: {}\r\n\r\n",
            &[
                r"data: {}\r\n | - | {} | crlf, blank-line-missing",
                r"data: {}\r\n\r\n | - | {} | crlf",
            ],
        ),
        (
            b"data: {}\rdata: []\r\r",
            &[
                r"data: {}\r | - | {} | bare-cr, blank-line-missing",
                r"data: []\r\r | - | [] | bare-cr",
            ],
        ),
        (
            b"data: [DONE]\ndata: {}\n\n",
            &[
                r"data: [DONE]\n | - | [DONE] | blank-line-missing",
                r"data: {}\n\n | - | {} | ",
            ],
        ),
        // What stands between belongs to the next event, and so does its name.
        (
            b"data: {}\n: c\nid: 2\nevent: b\ndata: {}\n\n",
            &[
                r"data: {}\n | - | {} | blank-line-missing",
                r": c\n | - | - | comment",
                r"id: 2\nevent: b\ndata: {}\n\n | b | {} | id",
            ],
        ),
        // Over several lines, and at the end of the body.
        (
            b"data: {\ndata: }\ndata: 1",
            &[
                r"data: {\ndata: }\n | - | {\n} | multi-line, blank-line-missing",
                r"data: 1 | - | 1 | unterminated",
            ],
        ),
        (
            b"\xEF\xBB\xBFdata: {}\ndata: 1\n\n",
            &[
                r"\xef\xbb\xbfdata: {}\n | - | {} | bom, blank-line-missing",
                r"data: 1\n\n | - | 1 | ",
            ],
        ),
        (
            b"data: 1\r\r\ndata: {}\ndata: 2\n\n",
            &[
                r"data: 1\r\r | - | 1 | bare-cr",
                r"\ndata: {}\n | - | {} | crlf, blank-line-missing",
                r"data: 2\n\n | - | 2 | ",
            ],
        ),
        (
            b"data: {\ndata:\ndata: }\ndata: {}\n\n",
            &[
                r"data: {\ndata:\ndata: }\n | - | {\n\n} | multi-line, blank-line-missing",
                r"data: {}\n\n | - | {} | ",
            ],
        ),
        // Not whole, or not JSON: WHATWG's reading stands.
        (
            b"data: {}x\ndata: {}\n\n",
            &[r"data: {}x\ndata: {}\n\n | - | {}x\n{} | multi-line"],
        ),
        (
            b"data: {oops}\ndata: {}\n\n",
            &[r"data: {oops}\ndata: {}\n\n | - | {oops}\n{} | multi-line"],
        ),
        (
            b"data: 1\ndata: 2\n\n",
            &[r"data: 1\ndata: 2\n\n | - | 1\n2 | multi-line"],
        ),
        (
            b"data: {\"a\":1,\ndata: \"b\":{}\ndata: }\n\n",
            &[
                r#"data: {\"a\":1,\ndata: \"b\":{}\ndata: }\n\n | - | {\"a\":1,\n\"b\":{}\n} | multi-line"#,
            ],
        ),
    ];
    for (body, expected) in table {
        assert_eq!(&told(body), expected, "{}", body.escape_ascii());
    }
}

#[test]
fn id_and_retry() {
    let of = |body: &[u8]| {
        let frame = frames(body).remove(0);
        (frame.id().map(<[u8]>::to_vec), frame.retry())
    };
    assert_eq!(
        of(b"id: a\nid: b\nretry: 5\ndata\n\n"),
        (Some(b"b".to_vec()), Some(5))
    );
    assert_eq!(of(b"id\nretry\ndata\n\n"), (Some(Vec::new()), None));
    assert_eq!(
        of(b"id: a\nid: b\0\nretry: 5\nretry: 6s\ndata\n\n"),
        (Some(b"a".to_vec()), Some(5))
    );
    assert_eq!(of(b"retry: 18446744073709551616\ndata\n\n"), (None, None));
    assert_eq!(of(b"retry: +5\n\n"), (None, None));
}

#[test]
fn a_frame_is_given_with_its_last_byte() {
    for (body, whole_at) in [
        (&b"data: 1\n\n"[..], 9),
        (b"data: 1\r\r", 9),
        (b"data: 1\r\n\r\n", 11),
        (b"data: 1\n\r", 9),
        (b"data: {}\ndata: {}\n", 18),
        (b": ping\n: ping\n", 14),
    ] {
        let mut decoder = Decoder::new(ROOMY);
        for (at, byte) in body.iter().enumerate() {
            assert!(
                decoder.next_frame().is_none(),
                "{} at {at}",
                body.escape_ascii()
            );
            decoder.push(Bytes::copy_from_slice(&[*byte]));
        }
        assert_eq!(body.len(), whole_at);
        assert!(decoder.next_frame().is_some(), "{}", body.escape_ascii());
    }
}

#[test]
fn frames_are_slices_of_the_chunk() {
    let chunk = Bytes::from(b"data: 1\n\ndata: {}\ndata: {}\n\n".to_vec());
    let inside = chunk.as_ptr_range();
    let mut decoder = Decoder::new(ROOMY);
    decoder.push(chunk);
    for _ in 0..3 {
        let frame = decoder.next_frame().unwrap().unwrap();
        assert!(inside.contains(&frame.raw().as_ptr()));
        assert!(inside.contains(&frame.data_bytes().as_ptr()));
    }
}

#[test]
fn oversized_blocks_are_passed_over() {
    let sound = b"data: 1\n\n";
    for filler in [
        &b"event: big\ndata: 3456789\n\n"[..],
        b"event: big\r\ndata: 3456789\r\n\r\n",
        b"event: big\rdata: 3456789\r\r",
    ] {
        let body = [&sound[..], filler, sound, sound].concat();
        for chunk in 1..=body.len() {
            let results = decode(&body, chunk, 20);
            let too_large = FrameTooLarge {
                limit: 20,
                offset: 9,
                name: Some("big".into()),
            };
            assert_eq!(results[0].as_ref().unwrap().raw(), &sound[..]);
            assert_eq!(results[1], Err(too_large));
            let after: Vec<_> = results[2..]
                .iter()
                .map(|result| result.as_ref().unwrap())
                .collect();
            assert_eq!(after.len(), 2, "in chunks of {chunk}: {after:?}");
            assert!(after.iter().all(|frame| frame.data() == b"1"));
            assert_eq!(after[1].end(), body.len() as u64);
        }
    }
}

#[test]
fn the_limit_counts_every_byte_of_the_block() {
    let body = b"data: 1\n\ndata: 2\n\n";
    for chunk in 1..=body.len() {
        assert!(decode(body, chunk, 9).iter().all(Result::is_ok));
        assert_eq!(
            decode(body, chunk, 8)
                .iter()
                .filter(|result| result.is_err())
                .count(),
            2,
            "in chunks of {chunk}"
        );
    }
    let error = decode(body, 4, 8).remove(0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the event at byte 0 is larger than the limit of 8 bytes"
    );
}

#[test]
fn composed_frames_read_back() {
    let table: &[(&str, &[u8], &[u8])] = &[
        ("a", b"{}", b"event: a\ndata: {}\n\n"),
        ("", b"{}", b"data: {}\n\n"),
        ("a", b"", b"event: a\ndata: \n\n"),
        (" a", b" 1", b"event:  a\ndata:  1\n\n"),
        (
            "a\nb\r",
            b"1\n2\r3\r\n4\n",
            b"event: ab\ndata: 1\ndata: 2\ndata: 3\ndata: 4\ndata: \n\n",
        ),
    ];
    for (name, data, raw) in table {
        let frame = Frame::compose(name, data);
        assert_eq!(frame.raw(), raw);
        assert_eq!(frames(raw), [frame]);
    }
    assert_eq!(Frame::compose("a", b"1\r\n2").data(), b"1\n2");
    assert_eq!(Frame::sentinel().data(), b"[DONE]");
    for frame in [Frame::sentinel(), Frame::comment("still\nhere")] {
        assert_eq!(frames(frame.raw()), std::slice::from_ref(&frame));
    }
    assert!(Frame::comment("still here").is_comment());
}

#[test]
fn oddities_are_a_set() {
    let set = Oddities::BOM | Oddities::CRLF;
    assert!(set.contains(Oddities::BOM) && !set.contains(Oddities::BOM | Oddities::ID));
    assert!(set.intersects(Oddities::BOM | Oddities::ID) && Oddities::NONE.is_empty());
    assert_eq!(format!("{set:?}"), "Oddities(bom, crlf)");
}
