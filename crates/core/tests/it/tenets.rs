//! The tenets as properties, over every committed stream. Over generated damage: `tests/mutations`.

use respair_core::{Profile, ReaderOptions, is_made_up};
use respair_mutations::properties::{hold, takeover};

use crate::corpus;
use crate::run::{read, read_chunked, strict, tolerant, without_refusals};

#[test]
fn never_invents() {
    for stream in corpus::all() {
        let healed = tolerant(Profile::Portable, &stream.body);
        let source = String::from_utf8_lossy(&stream.body).into_owned();
        let out = String::from_utf8_lossy(&healed.out).into_owned();
        // Every id downstream is the upstream's, or says that it is not.
        for (key, id) in ids(&out) {
            assert!(
                source.contains(&id) || is_made_up(&id),
                "{}: {key} {id}",
                stream.name
            );
        }
        if !source.contains("\"usage\":{") && !source.contains("\"usage\": {") {
            assert!(
                !out.contains("\"usage\":{"),
                "{}: usage was invented",
                stream.name
            );
        }
    }
}

fn ids(text: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for key in ["id", "item_id", "call_id"] {
        let needle = format!("\"{key}\":\"");
        for (at, _) in text.match_indices(&needle) {
            let rest = &text[at + needle.len()..];
            found.push((key, rest[..rest.find('"').unwrap_or(0)].to_owned()));
        }
    }
    found
}

#[test]
fn never_twice() {
    for stream in corpus::all() {
        let healed = tolerant(Profile::Portable, &stream.body);
        let judged = respair_oracle::judge(&healed.out, respair_oracle::Profile::Portable);
        let summary = judged.unwrap_or_else(|faults| panic!("{}: {}", stream.name, faults[0]));
        assert_eq!(summary.text, without_refusals(&healed), "{}", stream.name);
        // openai-python reads a frame that comes twice a second time, and so does its profile.
        let repeated = |repair: &respair_core::Repair| repair.code.as_str() == "event-repeated";
        if healed.repairs.iter().any(repeated) {
            continue;
        }
        // What the strict reading delivers before it stops is how the tolerant one begins.
        let before = strict(Profile::OpenAiSdk, &stream.body);
        assert!(
            healed.text.starts_with(&before.text),
            "{}: {:?} {:?}",
            stream.name,
            healed.text,
            before.text
        );
    }
}

#[test]
fn identity_on_valid() {
    for name in [
        "text",
        "reasoning",
        "reasoning-text",
        "tool-call",
        "queued",
        "done-sentinel",
    ] {
        let stream = corpus::scenarios()
            .into_iter()
            .find(|stream| stream.name == name)
            .unwrap();
        for profile in [Profile::OpenAiSdk, Profile::Portable] {
            let outcome = tolerant(profile, &stream.body);
            assert!(
                outcome.out == stream.body,
                "{name} under {profile}: {:?}",
                outcome.repairs
            );
            assert!(
                outcome.violations.is_empty(),
                "{name} under {profile}: {:?}",
                outcome.violations
            );
        }
    }
}

/// Under `open-responses` a stream ends with `[DONE]`, reasoning text goes by another name, and items have a status.
#[test]
fn identity_on_valid_under_open_responses() {
    for name in ["text", "tool-call", "queued", "done-sentinel"] {
        let stream = corpus::scenarios()
            .into_iter()
            .find(|stream| stream.name == name)
            .unwrap();
        let mut body = stream.body;
        if !body.ends_with(b"data: [DONE]\n\n") {
            body.extend_from_slice(b"data: [DONE]\n\n");
        }
        let outcome = tolerant(Profile::OpenResponses, &body);
        assert!(outcome.out == body, "{name}: {:?}", outcome.repairs);
        assert!(
            outcome.violations.is_empty(),
            "{name}: {:?}",
            outcome.violations
        );
        respair_oracle::judge(&body, respair_oracle::Profile::OpenResponses).unwrap();
    }
}

#[test]
fn every_repair_visible() {
    for stream in corpus::all() {
        for &profile in Profile::ALL {
            let outcome = tolerant(profile, &stream.body);
            if outcome.out != stream.body {
                assert!(
                    !outcome.repairs.is_empty(),
                    "{} was changed silently under {profile}",
                    stream.name
                );
            }
            // Each one can be switched off, and then it is not made.
            for repair in &outcome.repairs {
                let options = ReaderOptions::tolerant()
                    .with_profile(profile)
                    .without(vec![repair.code]);
                let without = read(options, &stream.body);
                let made = without
                    .repairs
                    .iter()
                    .any(|other| other.code == repair.code);
                assert!(
                    !made,
                    "{}: {} was made although it is off",
                    stream.name, repair.code
                );
            }
        }
    }
}

#[test]
fn every_committed_stream_holds() {
    for stream in corpus::all() {
        hold(&stream.name, &stream.body);
    }
}

#[test]
fn any_chunking() {
    for stream in corpus::all() {
        let whole = tolerant(Profile::Portable, &stream.body);
        for sizes in [&[1][..], &[7, 64, 3], &[200, 1, 1, 1, 50]] {
            let pieces = read_chunked(ReaderOptions::tolerant(), &stream.body, sizes);
            let name = format!("{} in {sizes:?}", stream.name);
            assert_eq!(
                String::from_utf8_lossy(&whole.out),
                String::from_utf8_lossy(&pieces.out),
                "{name}"
            );
            assert_eq!(whole.ending, pieces.ending, "{name}");
            assert_eq!(whole.violations, pieces.violations, "{name}");
        }
    }
}

/// The tolerant reading may take over at the event that the strict one refused: nothing is lost or said twice.
#[test]
fn takeover_loses_nothing() {
    for stream in corpus::all() {
        takeover(&stream.body);
    }
}
