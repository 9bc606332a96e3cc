//! For every rule, a stream that breaks it: the oracle says the rule's code.

use respair_oracle::{Profile, corpus, judge};

#[test]
fn every_rule_is_found() {
    let mut wrong = Vec::new();
    for stream in corpus::changed() {
        for (profile, expected) in [
            (Profile::Portable, stream.portable),
            (Profile::OpenAiSdk, stream.openai_sdk),
        ] {
            let found: Vec<&str> = match judge(&stream.bytes, profile) {
                Ok(_) => Vec::new(),
                Err(faults) => faults.iter().map(|fault| fault.code).collect(),
            };
            let fits = expected.map_or(found.is_empty(), |code| found.contains(&code));
            if !fits {
                wrong.push(format!(
                    "{}: expected {expected:?} under {profile:?}, got {found:?}",
                    stream.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
