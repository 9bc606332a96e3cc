//! Content: nothing is made up, nothing is said twice, and what was there before is there afterwards.

use std::collections::HashMap;

use respair_core::{Ending, Profile};

use crate::damage::Damaged;
use crate::operators::Ends;
use crate::run::{Outcome, tolerant};
use crate::said::{Content, Said, events};

/// What came out of a damaged stream holds what it held before, less what the damage itself loses.
///
/// # Panics
/// Where it does not.
pub fn content(damaged: &Damaged) {
    let healed = tolerant(Profile::Portable, &damaged.body);
    let fault = fault_of_content(damaged, &healed);
    assert!(
        fault.is_none(),
        "{}: {}\n{}\nfrom\n{}",
        damaged.name,
        fault.unwrap_or_default(),
        String::from_utf8_lossy(&healed.out),
        String::from_utf8_lossy(&damaged.body)
    );
}

/// What is wrong with the content, if anything is.
#[must_use]
pub fn fault_of_content(damaged: &Damaged, healed: &Outcome) -> Option<String> {
    let said = Said::by(&healed.out);
    made_up(damaged, &healed.out)
        .or_else(|| twice(damaged, &healed.out))
        .or_else(|| wrong_end(damaged, healed))
        .or_else(|| lost(damaged, healed, &said))
}

fn wrong_end(damaged: &Damaged, healed: &Outcome) -> Option<String> {
    let ended = healed.ending.as_ref()?;
    let completed = matches!(ended, Ending::Completed { .. });
    let same = match damaged.truth.terminal.as_str() {
        "response.incomplete" => matches!(ended, Ending::Incomplete { .. }),
        _ => completed,
    };
    let fits = match damaged.expected.ends {
        Ends::Same => same,
        Ends::SameOrFailed => same || failed(ended),
        Ends::Failed => !completed,
        Ends::Any => true,
    };
    (!fits).then(|| format!("it ended as {ended:?}"))
}

fn failed(ended: &Ending) -> bool {
    matches!(ended, Ending::Failed(_) | Ending::NoStream(_))
}

fn lost(damaged: &Damaged, healed: &Outcome, said: &Said) -> Option<String> {
    let failed = healed.ending.as_ref().is_some_and(failed);
    if damaged.expected.ends > Ends::Same && failed {
        return None;
    }
    Content::ALL
        .iter()
        .filter(|content| !damaged.expected.loses.contains(content))
        .find_map(|content| said.differs(&damaged.truth, *content, !damaged.expected.reorders))
}

/// Every word that went out came in.
fn made_up(damaged: &Damaged, out: &[u8]) -> Option<String> {
    let raw = String::from_utf8_lossy(&damaged.body);
    // An escape that damage made is another word once it is decoded.
    let escapes = raw.contains('\\') && damaged.expected.ends == Ends::Any;
    let sent = events(out);
    let deltas = sent.iter().filter_map(|event| event["delta"].as_str());
    deltas
        .flat_map(words)
        .find(|word| !escapes && !raw.contains(word.as_str()))
        .map(|word| format!("{word:?} was made up"))
}

/// No word goes out more often than the deltas said it; once, where only a done event or the terminal did.
fn twice(damaged: &Damaged, out: &[u8]) -> Option<String> {
    let mut came: HashMap<String, usize> = HashMap::new();
    let raw = String::from_utf8_lossy(&damaged.body);
    for line in raw
        .split(['\n', '\r'])
        .filter(|line| line.contains("delta"))
    {
        for word in words(line) {
            *came.entry(word).or_default() += 1;
        }
    }
    let often = |word: &str| came.get(word).copied().unwrap_or_default().max(1);
    deltas(out)
        .into_iter()
        .find(|(word, count)| *count > often(word))
        .map(|(word, count)| format!("{word:?} went out {count} times and came {}", often(&word)))
}

/// How often each word stands in the deltas of a body. Numbers aside, which say nothing.
fn deltas(body: &[u8]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    let mut last: Option<(String, String)> = None;
    for event in events(body) {
        let kind = event["type"].as_str().unwrap_or_default();
        let Some(delta) = event["delta"].as_str().filter(|_| kind.ends_with(".delta")) else {
            continue;
        };
        // Words that deltas cut are joined: a suffix that was sent as a delta is no word of its own.
        let place = format!(
            "{kind} {} {}",
            event["output_index"], event["content_index"]
        );
        match &mut last {
            Some((at, text)) if *at == place => text.push_str(delta),
            other => {
                count(&mut counts, other.take());
                *other = Some((place, delta.to_owned()));
            }
        }
    }
    count(&mut counts, last);
    counts
}

fn count(counts: &mut HashMap<String, usize>, run: Option<(String, String)>) {
    for word in run.iter().flat_map(|(_, text)| words(text)) {
        *counts.entry(word).or_default() += 1;
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_lowercase());
    words
        .filter(|word| word.len() > 2)
        .map(str::to_owned)
        .collect()
}
