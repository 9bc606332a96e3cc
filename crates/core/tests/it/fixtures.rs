//! Every committed stream beside what is expected of it: `NAME.sse` and `NAME.expected.json`.
//!
//! `RESPAIR_BLESS=1 cargo test -p respair-core --test it fixtures` writes the expectations anew; read the difference.

use std::fs;
use std::path::Path;

use respair_core::{Ending, Grade, Profile, ReaderOptions};
use serde_json::{Value, json};

use crate::corpus;
use crate::run::{Outcome, read, strict, tolerant};

fn ending(ending: Option<&Ending>) -> Value {
    match ending {
        Some(Ending::Completed { .. }) => json!("completed"),
        Some(Ending::Incomplete { .. }) => json!("incomplete"),
        Some(Ending::Failed(error)) => json!({ "failed": error.code }),
        Some(Ending::Truncated { .. }) => json!("truncated"),
        Some(Ending::Empty { .. }) => json!("empty"),
        Some(Ending::NoStream(other)) => json!({ "no stream": other.kind.code().as_str() }),
        _ => Value::Null,
    }
}

fn judged(profile: Profile, body: &[u8]) -> Value {
    strict(profile, body).refused.map_or(Value::Null, |refused| {
        json!({ "code": refused.code.as_str(), "event": refused.event, "message": refused.message })
    })
}

fn repaired(outcome: &Outcome) -> Vec<Value> {
    let repairs = outcome.repairs.iter();
    repairs
        .map(|repair| json!({ "code": repair.code.as_str(), "count": repair.count, "first_event": repair.first_event }))
        .collect()
}

fn seen(body: &[u8]) -> Value {
    let healed = tolerant(Profile::Portable, body);
    let repairs = repaired(&healed);
    let open = tolerant(Profile::OpenResponses, body);
    json!({
        "strict": {
            "openai-sdk": judged(Profile::OpenAiSdk, body),
            "portable": judged(Profile::Portable, body),
            "open-responses": judged(Profile::OpenResponses, body),
        },
        "open-responses": {
            "ending": ending(open.ending.as_ref()),
            "repairs": repaired(&open),
        },
        "tolerant": {
            "ending": ending(healed.ending.as_ref()),
            "text": healed.text,
            "reasoning": healed.reasoning,
            "arguments": healed.arguments,
            "items": healed.response.output.len(),
            "repairs": repairs,
        },
    })
}

#[test]
fn every_stream_does_what_is_expected_of_it() {
    let bless = std::env::var_os("RESPAIR_BLESS").is_some();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut wrong = Vec::new();
    for (folder, streams) in [("rules", corpus::rules()), ("captures", corpus::captures())] {
        for stream in streams {
            let path = root
                .join(folder)
                .join(format!("{}.expected.json", stream.name));
            let found = serde_json::to_string_pretty(&seen(&stream.body)).unwrap() + "\n";
            if bless {
                fs::write(&path, &found).unwrap();
            } else if fs::read_to_string(&path).unwrap_or_default() != found {
                wrong.push(format!("{}:\n{found}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fixture of each rule shows it: the rule's code is what a profile that grades it finds there.
#[test]
fn every_rule_is_shown_by_its_fixture() {
    let streams = corpus::rules();
    let shown = respair_core::rules()
        .iter()
        .filter(|rule| rule.shown_by_test().is_none());
    for rule in shown {
        let stream = streams.iter().find(|stream| stream.name == rule.fixture);
        let stream =
            stream.unwrap_or_else(|| panic!("{} has no fixture {}.sse", rule.code, rule.fixture));
        let asked = rule.code.as_str() == "cumulative-deltas";
        // Some are of no matter to `portable`.
        let profile = match rule.portable {
            Grade::No => Profile::OpenResponses,
            _ => Profile::Portable,
        };
        let options = ReaderOptions::tolerant().with_profile(profile);
        let healed = read(options.cumulative(asked), &stream.body);
        let found = healed
            .violations
            .iter()
            .any(|violation| violation.code == rule.code);
        assert!(
            found,
            "{} is not shown by {}: {:?}",
            rule.code, stream.name, healed.violations
        );
    }
}
