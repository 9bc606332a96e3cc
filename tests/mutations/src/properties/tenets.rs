//! The tenets that need no knowledge of what a body was before it was damaged.

use bytes::Bytes;
use respair_core::{
    Accumulator, EndOfBody, Ending, Limits, Profile, Reader, ReaderOptions, Severity, Step, Update,
    Violation,
};
use respair_oracle::judge;

use crate::run::{Outcome, context, strict, tolerant};
use crate::said::Said;

/// For each profile: what the tolerant reading gives out conforms, mending it again changes nothing, a stream that
/// conforms is left alone, and none is completed without its upstream's word.
///
/// # Panics
/// Where one of them does not hold.
pub fn hold(name: &str, body: &[u8]) {
    if let Some(fault) = fault_of_tenets(body) {
        panic!("{name}: {fault}\nfrom\n{}", String::from_utf8_lossy(body));
    }
}

/// What does not hold, if anything does not: the profile and the fault in the first line, then what came out.
#[must_use]
pub fn fault_of_tenets(body: &[u8]) -> Option<String> {
    Profile::ALL.iter().find_map(|&profile| {
        let healed = tolerant(profile, body);
        let fault = fault_under(profile, body, &healed)?;
        let out = String::from_utf8_lossy(&healed.out);
        Some(format!("under {profile} {fault}\n{out}"))
    })
}

/// The same for what came of a body under one profile.
#[must_use]
pub fn fault_under(profile: Profile, body: &[u8], healed: &Outcome) -> Option<String> {
    let again = strict(profile, &healed.out);
    if let Some(refused) = again.refused {
        return Some(format!("what came out does not conform: {refused:?}"));
    }
    let twice = tolerant(profile, &healed.out);
    if !twice.repairs.is_empty() || twice.out != healed.out {
        return Some(format!("mended twice: {:?}", twice.repairs));
    }
    if twice.text != healed.text {
        return Some(format!("{:?} reads as {:?} again", healed.text, twice.text));
    }
    let raw = String::from_utf8_lossy(body);
    let completed = matches!(healed.ending, Some(Ending::Completed { .. }));
    if completed && !raw.contains("response.completed") && !raw.contains("\"completed\"") {
        return Some("completed was made up".to_owned());
    }
    let oracle = match profile {
        Profile::Portable => by_the_oracle(healed),
        Profile::OpenResponses => by_the_schema(healed),
        // openai-python says it of itself, in batches.
        _ => None,
    };
    oracle.or_else(|| identity_where_strict(profile, body, healed))
}

fn by_the_oracle(healed: &Outcome) -> Option<String> {
    if let Err(faults) = judge(&healed.out, respair_oracle::Profile::Portable) {
        return Some(format!("the oracle: {}", faults[0]));
    }
    let said = Said::by(&healed.out);
    let shown = letters(&healed.text);
    (shown != letters(&(said.text.clone() + &said.refusal)))
        .then(|| format!("{:?} was shown, {:?} went out", healed.text, said.text))
}

/// The public schema and what its specification demands; a done event may say there what no delta did.
fn by_the_schema(healed: &Outcome) -> Option<String> {
    let judged = judge(&healed.out, respair_oracle::Profile::OpenResponses);
    let faults = judged.err()?;
    Some(format!("the oracle: {}", faults[0]))
}

fn identity_where_strict(profile: Profile, body: &[u8], healed: &Outcome) -> Option<String> {
    let judged = strict(profile, body);
    let whole = matches!(
        judged.ending,
        Some(Ending::Completed { .. } | Ending::Incomplete { .. } | Ending::Failed(_))
    );
    // What is behind the terminal event, or is missing there, refuses nothing and is a violation all the same.
    let violates = |found: &Violation| found.severity == Severity::Violation;
    if judged.refused.is_some() || !whole || judged.violations.iter().any(violates) {
        return None;
    }
    if healed.repairs.is_empty() && judged.out != healed.out {
        return Some("a conforming stream was changed silently".to_owned());
    }
    // What is about endings is no violation under `openai-sdk`.
    let endings = ["event-after-terminal", "error-without-failed"];
    let own = healed
        .repairs
        .iter()
        .find(|repair| !endings.contains(&repair.code.as_str()));
    own.map(|repair| format!("a conforming stream was mended: {repair:?}"))
}

/// Reads strictly and takes over at the first refusal: there is one refusal at most, and what was shown is what is reported.
///
/// # Panics
/// Where that does not hold.
pub fn takeover(body: &[u8]) {
    let mut reader = Reader::new(ReaderOptions::strict(), context());
    let mut accumulator = Accumulator::new(&Limits::default());
    let (mut text, mut ending, mut refusals) = (String::new(), None, 0);
    reader.push(Bytes::copy_from_slice(body));
    for over in [false, true] {
        if over {
            reader.finish(EndOfBody::Eof);
        }
        while let Some(step) = reader.poll() {
            match step {
                Step::Event(event) => {
                    for update in accumulator.fold(&event) {
                        if let Update::Text { text: more, .. } = update {
                            text.push_str(&more);
                        }
                    }
                }
                Step::Refused(_) => {
                    refusals += 1;
                    reader.take_over(Profile::Portable);
                }
                Step::Ended(end) => ending = Some(end),
                _ => {}
            }
        }
    }
    assert!(refusals <= 1, "refused after taking over");
    let ending = ending.expect("every body ends");
    let response = accumulator.finish(&ending);
    // Interleaved parts are shown as they come and reported in their order.
    assert_eq!(
        letters(&response.text),
        letters(&text),
        "what was shown is not what is reported\n{}",
        String::from_utf8_lossy(body)
    );
}

pub(super) fn letters(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters
}
