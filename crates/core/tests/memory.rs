//! How much memory a long stream takes: the peak of the heap over the whole line, by an allocator that counts.
//!
//! What is kept is the text, twice: the model keeps it to compare it with what is done and to fill in what is missing,
//! the accumulator for the final response. A string that grows may have twice the room that it needs, and for a moment
//! its old bytes beside it. So `LINE` times `limits.response` is the bound, and a constant for everything else.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use peak_alloc::PeakAlloc;
use respair_core::{
    Accumulator, Context, EndOfBody, Ending, Limits, Reader, ReaderOptions, Step, Update,
};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One at a time: the count is of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

const MIB: usize = 1 << 20;
/// Model and accumulator, each with room for twice the text, and the string that it grew from.
const LINE: usize = 6;
/// Everything that does not depend on the text: the chunk, the frame, the model.
const REST: usize = MIB;

struct Outcome {
    peak: usize,
    bytes_in: usize,
    bytes_out: usize,
    same: bool,
    live: usize,
    repairs: usize,
    listed: usize,
    ending: Ending,
    overflowed: bool,
    text: usize,
}

/// Reads a stream that is made piece by piece: it is never there as a whole.
fn read(options: ReaderOptions, pieces: impl Iterator<Item = String>) -> Outcome {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let limits = options.limits;
    let mut reader = Reader::new(options, Context::new(1_790_000_000, 1).with_model("m"));
    let mut accumulator = Accumulator::new(&limits);
    let (mut bytes_in, mut bytes_out, mut live, mut same) = (0, 0, 0, true);
    let mut ending = None;
    let mut drain = |reader: &mut Reader, piece: &[u8]| {
        let mut rest = piece;
        while let Some(step) = reader.poll() {
            match step {
                Step::Event(event) => {
                    bytes_out += event.raw().len();
                    // What is made when the body is cut comes behind it.
                    same &= piece.is_empty() || rest.starts_with(event.raw());
                    rest = rest.get(event.raw().len()..).unwrap_or_default();
                    for update in accumulator.fold(&event) {
                        if let Update::Text { text, .. } = update {
                            live += text.len();
                        }
                    }
                }
                Step::Ended(how) => ending = Some(how),
                other => panic!("{other:?}"),
            }
        }
    };
    for piece in pieces {
        bytes_in += piece.len();
        let piece = Bytes::from(piece);
        reader.push(piece.clone());
        drain(&mut reader, &piece);
    }
    reader.finish(EndOfBody::Eof);
    drain(&mut reader, b"");
    let ending = ending.unwrap();
    let (repairs, listed) = (reader.repairs().len(), reader.violations().len());
    let peak = HEAP.peak_usage() - before;
    let response = accumulator.finish(&ending);
    Outcome {
        peak,
        bytes_in,
        bytes_out,
        same,
        live,
        repairs,
        listed,
        ending,
        overflowed: response.overflowed,
        text: response.text.len(),
    }
}

fn event(kind: &str, number: usize, fields: &str) -> String {
    format!(
        "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},{fields}}}\n\n"
    )
}

fn response(status: &str, output: &str) -> String {
    format!(
        r#""response":{{"id":"resp_1","object":"response","created_at":1,"status":"{status}","error":null,"incomplete_details":null,"model":"m","output":{output},"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":null,"metadata":{{}}}}"#
    )
}

/// A conforming stream of one message: `count` deltas of `word`, each `padding` bytes longer on the wire. `whole` says
/// whether its done events and its terminal hold the text.
fn stream(count: usize, word: &str, padding: usize, whole: bool) -> impl Iterator<Item = String> {
    let item = |status: &str, content: &str| {
        format!(
            r#"{{"id":"msg_1","type":"message","status":"{status}","role":"assistant","content":{content}}}"#
        )
    };
    let part = |text: &str| {
        format!(r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":"{text}"}}"#)
    };
    let place = r#""item_id":"msg_1","output_index":0,"content_index":0"#;
    let head = [
        event("response.created", 0, &response("in_progress", "[]")),
        event("response.in_progress", 1, &response("in_progress", "[]")),
        event(
            "response.output_item.added",
            2,
            &format!(r#""output_index":0,"item":{}"#, item("in_progress", "[]")),
        ),
        event(
            "response.content_part.added",
            3,
            &format!(r#"{place},"part":{}"#, part("")),
        ),
    ];
    let delta = format!(
        r#"{place},"delta":"{word}","logprobs":[],"obfuscation":"{}""#,
        "x".repeat(padding)
    );
    let deltas = (0..count).map(move |at| event("response.output_text.delta", at + 4, &delta));
    let word = word.to_owned();
    let tail = (0..4).filter(move |at| whole || *at == 3).map(move |at| {
        let text = if whole {
            word.repeat(count)
        } else {
            String::new()
        };
        let done = item("completed", &format!("[{}]", part(&text)));
        let number = count + 4 + at;
        match at {
            0 => event(
                "response.output_text.done",
                number,
                &format!(r#"{place},"text":"{text}","logprobs":[]"#),
            ),
            1 => event(
                "response.content_part.done",
                number,
                &format!(r#"{place},"part":{}"#, part(&text)),
            ),
            2 => event(
                "response.output_item.done",
                number,
                &format!(r#""output_index":0,"item":{done}"#),
            ),
            _ => event(
                "response.completed",
                number,
                &response(
                    "completed",
                    &if whole {
                        format!("[{done}]")
                    } else {
                        "[]".to_owned()
                    },
                ),
            ),
        }
    });
    head.into_iter().chain(deltas).chain(tail)
}

fn tolerant(response: usize) -> ReaderOptions {
    ReaderOptions::tolerant().with_limits(Limits::default().with_response(response))
}

#[test]
fn a_hundred_megabytes_of_deltas_take_what_their_text_takes() {
    let _alone = alone();
    let outcome = read(tolerant(256 * MIB), stream(25_000, "word ", 4000, true));
    let text = 25_000 * 5;
    assert!(outcome.bytes_in > 100_000_000);
    assert!(outcome.same && outcome.bytes_out == outcome.bytes_in && outcome.repairs == 0);
    assert_eq!((outcome.text, outcome.live), (text, text));
    // The last events say the text again: their bytes, the items that are kept, and the final response count as well.
    eprintln!("100 MB: peak {}", outcome.peak);
    assert!(
        outcome.peak <= 4 * LINE * text + REST,
        "{} for {text} bytes of text",
        outcome.peak
    );
}

#[test]
fn what_conforms_passes_beyond_the_limit_and_memory_stays_at_it() {
    let _alone = alone();
    let limit = 2 * MIB;
    let word = "x".repeat(4000);
    let head_and_deltas = stream(4000, &word, 0, false).take(4004);
    let outcome = read(tolerant(limit), head_and_deltas);
    assert!(outcome.same && outcome.bytes_out >= outcome.bytes_in);
    assert_eq!(outcome.live, 4000 * 4000, "live text goes on");
    assert!(matches!(outcome.ending, Ending::Truncated { .. }));
    assert!(outcome.overflowed && outcome.text <= limit);
    eprintln!("limit {limit}: peak {}", outcome.peak);
    assert!(outcome.peak <= LINE * limit + REST, "{}", outcome.peak);

    let whole = read(tolerant(limit / 2), stream(1000, &word, 0, true));
    assert!(whole.same && whole.bytes_out == whole.bytes_in && whole.repairs == 0);
    assert!(
        matches!(whole.ending, Ending::Completed { empty: false }),
        "{:?}",
        whole.ending
    );
}

#[test]
fn what_needs_the_text_beyond_the_limit_fails_typed() {
    let _alone = alone();
    let word = "x".repeat(4000);
    let outcome = read(tolerant(MIB), stream(1000, &word, 0, false));
    let Ending::Failed(error) = &outcome.ending else {
        panic!("{:?}", outcome.ending)
    };
    assert_eq!(error.code.as_deref(), Some("limit_response"));
    assert_eq!(outcome.live, 4_000_000, "live text goes on");
    assert!(outcome.peak <= LINE * MIB + REST, "{}", outcome.peak);
}

#[test]
fn many_small_things_are_bounded_too() {
    let _alone = alone();
    let limit = 2 * MIB;
    let head = || [event("response.created", 0, &response("in_progress", "[]"))].into_iter();
    // 20,000 items of one short text each; the slots count against the limit.
    let items = (0..20_000).map(|at| {
        let item = format!(r#"{{"id":"msg_{at}","type":"message","status":"in_progress","role":"assistant","content":[]}}"#);
        event("response.output_item.added", at + 1, &format!(r#""output_index":{at},"item":{item}"#))
    });
    let outcome = read(tolerant(limit), head().chain(items));
    assert!(
        outcome.same && outcome.repairs == 1,
        "only the end is missing"
    );
    eprintln!("items: {} bytes each", outcome.peak / 20_000);
    assert!(outcome.peak <= 20_000 * 4096, "{}", outcome.peak);

    // 20,000 deltas of an item that has another id each time, and no number: two findings each, few of them listed.
    let added = event(
        "response.output_item.added",
        1,
        r#""output_index":0,"item":{"id":"msg_0","type":"message","status":"in_progress","role":"assistant","content":[]}"#,
    );
    let part = event(
        "response.content_part.added",
        2,
        r#""item_id":"msg_0","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"text":""}"#,
    );
    let deltas = (0..20_000).map(|at| {
        let kind = "response.output_text.delta";
        format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"item_id\":\"other_{at}\",\"output_index\":0,\"content_index\":0,\"delta\":\"x\"}}\n\n")
    });
    let outcome = read(tolerant(limit), head().chain([added, part]).chain(deltas));
    assert!(
        outcome.listed <= 64 && outcome.live == 20_000,
        "{}",
        outcome.listed
    );
    eprintln!("findings: peak {}", outcome.peak);
    assert!(outcome.peak <= REST, "{}", outcome.peak);
}
