//! A delta that is like the one before it is mended as that one was, without asking the rules again. That shows in
//! nothing: a comment between two deltas makes the rules be asked, and the same comes out.

use respair_core::{Profile, ReaderOptions};

use crate::corpus;
use crate::run::{Outcome, read, tolerant};

#[path = "../../benches/support/scaled.rs"]
mod scaled;

use scaled::{frames, scaled};

/// What comes out of `body` with a comment behind each of its frames; the comments are taken out again.
fn asked_each_time(profile: Profile, body: &[u8]) -> Outcome {
    const COMMENT: &[u8] = b": between\n\n";
    let spaced: Vec<u8> = frames(body)
        .iter()
        .flat_map(|frame| [&frame.raw()[..], COMMENT].concat())
        .collect();
    let mut outcome = tolerant(profile, &spaced);
    outcome.out = frames(&outcome.out)
        .iter()
        .filter(|frame| &frame.raw()[..] != COMMENT)
        .flat_map(|frame| frame.raw().to_vec())
        .collect();
    outcome
}

fn counts(outcome: &Outcome) -> Vec<(&'static str, u64)> {
    outcome
        .repairs
        .iter()
        .map(|repair| (repair.code.as_str(), repair.count))
        .collect()
}

#[test]
fn what_is_done_again_is_what_the_rules_would_do() {
    let mut longest = 0;
    for stream in corpus::all() {
        // A block without its blank line, or one that cannot be told from the next, takes the comment in.
        let whole = |frame: &respair_core::sse::Frame| {
            frame.raw().ends_with(b"\n\n") && frame.event_name().is_some()
        };
        if !frames(&stream.body).iter().all(whole) {
            continue;
        }
        let body = scaled(&stream.body, 24);
        for profile in [
            Profile::Portable,
            Profile::OpenResponses,
            Profile::OpenAiSdk,
        ] {
            let (habitual, asked) = (tolerant(profile, &body), asked_each_time(profile, &body));
            assert_eq!(
                String::from_utf8_lossy(&habitual.out),
                String::from_utf8_lossy(&asked.out),
                "{} under {profile}",
                stream.name
            );
            assert_eq!(counts(&habitual), counts(&asked), "{}", stream.name);
            assert_eq!(
                habitual.violations.len(),
                asked.violations.len(),
                "{}",
                stream.name
            );
            longest = longest.max(
                habitual
                    .repairs
                    .iter()
                    .map(|repair| repair.count)
                    .max()
                    .unwrap_or(0),
            );
        }
    }
    assert!(longest > 24, "nothing was mended again and again");
}

#[test]
fn a_relay_may_change_its_habits() {
    let delta = |number: &str, id: &str, index: &str, text: &str| {
        format!(
            "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",{number}{id}{index}\"content_index\":0,\"delta\":\"{text}\"}}\n\n"
        )
    };
    let whole = respair_faults::conforming_text(["x"]);
    let all = whole.frames();
    let at = all
        .iter()
        .position(|frame| frame.starts_with(b"event: response.output_text.delta"))
        .unwrap();
    let own = "\"item_id\":\"msg_relay1_0\",";
    let mut body = all[..at].concat();
    let mut text = String::new();
    for round in 0..3 {
        for turn in 0..40 {
            let (number, other) = (
                format!("\"sequence_number\":{},", 10 + turn),
                format!("\"item_id\":\"msg_{round}_{turn}\","),
            );
            let (number, id, index) = match (round, turn % 40 / 10) {
                (_, 0) => ("", own, "\"output_index\":0,"),
                (0, 1) => ("", own, ""),
                (1, 1) => ("", &*other, "\"output_index\":0,"),
                (_, 1) => (&*number, own, "\"output_index\":7,"),
                (_, 2) => (&*number, "", "\"output_index\":0,"),
                (_, _) => ("", "", ""),
            };
            let word = format!("{round}.{turn}\\n ");
            text.push_str(&format!("{round}.{turn}\n "));
            body.extend_from_slice(delta(number, id, index, &word).as_bytes());
        }
    }
    for profile in [Profile::Portable, Profile::OpenResponses] {
        let (habitual, asked) = (tolerant(profile, &body), asked_each_time(profile, &body));
        assert_eq!(habitual.text, text);
        assert_eq!(
            String::from_utf8_lossy(&habitual.out),
            String::from_utf8_lossy(&asked.out)
        );
        assert_eq!(counts(&habitual), counts(&asked));
        let again = read(ReaderOptions::strict().with_profile(profile), &habitual.out);
        assert!(again.refused.is_none(), "{:?}", again.refused);
    }
}
