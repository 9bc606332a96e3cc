//! The bodies of the fuzz targets: bytes in, and a panic where a promise does not hold.

use bytes::Bytes;
use respair_core::sse::{Decoder, Frame, Oddities};
use respair_core::{
    Accumulator, EndOfBody, Event, Field, Limits, Payload, Profile, Reader, ReaderOptions, Step,
};
use serde_json::Value;

use super::{fault_of_content, fault_of_tenets, takeover};
use crate::damage::damaged;
use crate::dice::Dice;
use crate::not_yet::is_known;
use crate::run::{context, read_chunked, tolerant};

const LIMIT: usize = 4096;

/// The decoder: no byte is lost, no chunking matters, and a frame composed of what was read is read the same.
///
/// # Panics
/// Where that does not hold.
pub fn decoder(bytes: &[u8]) {
    let whole = frames(bytes, usize::MAX);
    for size in [1, 2, 7] {
        assert_eq!(whole, frames(bytes, size), "chunks of {size}");
    }
    let raw: Vec<u8> = whole
        .iter()
        .flatten()
        .flat_map(|frame| frame.raw().to_vec())
        .collect();
    if whole.iter().all(Option::is_some) {
        assert_eq!(raw, bytes, "bytes were lost");
    }
    for frame in whole.iter().flatten().filter(|frame| frame.has_data()) {
        if frame.oddities().contains(Oddities::INVALID_UTF8) {
            continue;
        }
        let name = frame.event_name().unwrap_or("x");
        let again = Frame::compose(name, frame.data());
        let read = frames(again.raw(), usize::MAX);
        let [Some(read)] = read.as_slice() else {
            panic!("a composed frame reads as {read:?}");
        };
        assert_eq!(lines(read.data()), lines(frame.data()));
        assert_eq!(read.event_name(), Some(name));
    }
}

/// Any of the three line endings in data is a line feed once it is written.
fn lines(data: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(data)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    text.split('\n')
        .map(|line| line.as_bytes().to_vec())
        .collect()
}

/// The frames of a body; `None` for a block past the limit.
fn frames(bytes: &[u8], size: usize) -> Vec<Option<Frame>> {
    let mut decoder = Decoder::new(LIMIT);
    let mut found = Vec::new();
    for chunk in bytes.chunks(size.min(bytes.len().max(1))) {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(frame) = decoder.next_frame() {
            found.push(frame.ok());
        }
        assert!(
            decoder.buffered() <= LIMIT + chunk.len(),
            "more is kept than the limit allows"
        );
    }
    while let Some(frame) = decoder.finish() {
        found.push(frame.ok());
    }
    found
}

const FIELDS: &[Field] = &[
    Field::Type,
    Field::SequenceNumber,
    Field::Response,
    Field::Item,
    Field::Part,
    Field::Delta,
    Field::Text,
    Field::Arguments,
    Field::OutputIndex,
    Field::ContentIndex,
    Field::ItemId,
    Field::Error,
    Field::Status,
    Field::Id,
];

/// An event: its fields are those that a general JSON parser finds, whichever of our own readings was taken.
///
/// # Panics
/// Where they differ.
pub fn event(bytes: &[u8]) {
    let line: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| !b"\r\n".contains(byte))
        .collect();
    let body = [b"data: ".as_slice(), &line, b"\n\n"].concat();
    for frame in frames(&body, usize::MAX).into_iter().flatten() {
        let event = Event::read(frame);
        let data = event.frame().data();
        let general: Option<Value> = serde_json::from_slice(data).ok();
        if let Some(object) = general.as_ref().filter(|value| value.is_object()) {
            assert_eq!(event.payload(), Payload::Object);
            for field in FIELDS {
                same_field(&event, *field, object);
            }
        }
        if event.payload() == Payload::Object {
            let valid = serde_json::from_slice::<&serde_json::value::RawValue>(data).is_ok();
            assert!(valid, "taken for JSON: {}", String::from_utf8_lossy(data));
        }
    }
}

fn same_field(event: &Event, field: Field, object: &Value) {
    let theirs = object.get(field.name());
    let ours = event.field(field);
    assert_eq!(ours.is_some(), theirs.is_some(), "{}", field.name());
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return;
    };
    let read: Option<Value> = serde_json::from_str(ours).ok();
    assert_eq!(read.as_ref(), Some(theirs), "{}", field.name());
    assert_eq!(
        event.text(field).as_deref(),
        theirs.as_str(),
        "{}",
        field.name()
    );
    if let Some(number) = event.integer(field) {
        assert_eq!(theirs.as_u64(), Some(number), "{}", field.name());
    }
}

/// The whole line, over a damaged stream and over the bytes themselves: every tenet.
///
/// # Panics
/// Where one does not hold that is not known to.
pub fn line(bytes: &[u8]) {
    if let Some(fault) = fault_of_line(bytes).filter(|fault| !is_known(fault)) {
        panic!("{fault}");
    }
}

/// What does not hold of a damaged stream or of the bytes themselves, if anything does not.
#[must_use]
pub fn fault_of_line(bytes: &[u8]) -> Option<String> {
    let damaged = damaged(bytes);
    takeover(&damaged.body);
    takeover(bytes);
    let healed = tolerant(Profile::Portable, &damaged.body);
    let fault = fault_of_tenets(&damaged.body).or_else(|| fault_of_content(&damaged, &healed));
    let fault = fault.map(|fault| {
        let body = String::from_utf8_lossy(&damaged.body);
        format!("{}: {fault}\nfrom\n{body}", damaged.name)
    });
    fault.or_else(|| fault_of_tenets(bytes).map(|fault| format!("these bytes: {fault}")))
}

/// Any chunking, the same result.
///
/// # Panics
/// Where it is another.
pub fn chunking(bytes: &[u8]) {
    let (sizes, rest) = bytes.split_at(bytes.len().min(8));
    let damaged = damaged(rest);
    let sizes: Vec<usize> = sizes
        .iter()
        .map(|size| usize::from(*size) + 1)
        .chain([3])
        .collect();
    for &profile in Profile::ALL {
        let whole = tolerant(profile, &damaged.body);
        let options = ReaderOptions::tolerant().with_profile(profile);
        let pieces = read_chunked(options, &damaged.body, &sizes);
        let name = &damaged.name;
        assert_eq!(
            String::from_utf8_lossy(&whole.out),
            String::from_utf8_lossy(&pieces.out),
            "{name} in {sizes:?}"
        );
        assert_eq!(whole.ending, pieces.ending, "{name}");
        assert_eq!(whole.violations, pieces.violations, "{name}");
        assert_eq!(whole.repairs, pieces.repairs, "{name}");
    }
}

/// The accumulator alone, over events that nobody judged, within a small limit.
///
/// # Panics
/// Where it keeps more than the limit allows, or gives items that are no JSON.
pub fn accumulator(bytes: &[u8]) {
    let mut dice = Dice::new(bytes);
    let limit = 64 << dice.below(10);
    let damaged = damaged(bytes.get(2..).unwrap_or_default());
    for body in [damaged.body.as_slice(), bytes] {
        let limits = Limits::default().with_response(limit);
        let mut accumulator = Accumulator::new(&limits);
        let mut largest = 0;
        for frame in frames(body, usize::MAX).into_iter().flatten() {
            largest = largest.max(frame.raw().len());
            accumulator.fold(&Event::read(frame));
        }
        let mut reader = Reader::new(ReaderOptions::tolerant(), context());
        reader.push(Bytes::copy_from_slice(body));
        reader.finish(EndOfBody::Eof);
        let ending = std::iter::from_fn(|| reader.poll()).find_map(|step| match step {
            Step::Ended(ending) => Some(ending),
            _ => None,
        });
        let response = accumulator.finish(&ending.expect("every body ends"));
        let kept = response.text.len() + response.reasoning.len();
        // A terminal event's own output is handed on as it came: it is bounded by the frame.
        assert!(
            kept <= limit + 2 * largest,
            "{kept} bytes of text within {limit}"
        );
        for item in &response.output {
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(item.get()).is_ok());
        }
    }
}
