//! Recordings of self-hosted servers: what is said of each, and that what comes out is whole.

use respair_core::{Ending, Profile};

use crate::corpus;
use crate::run::{strict, tolerant};

#[test]
fn every_capture_is_healed() {
    for stream in corpus::captures() {
        let healed = tolerant(Profile::Portable, &stream.body);
        assert!(
            matches!(healed.ending, Some(Ending::Completed { empty: false })),
            "{}: {:?}",
            stream.name,
            healed.ending
        );
        let judged = respair_oracle::judge(&healed.out, respair_oracle::Profile::Portable);
        let summary = judged.unwrap_or_else(|faults| {
            panic!(
                "{}: {}\n{}",
                stream.name,
                faults[0],
                String::from_utf8_lossy(&healed.out)
            )
        });
        assert_eq!(summary.text, healed.text, "{}", stream.name);
        assert_eq!(healed.response.text, healed.text, "{}", stream.name);
        let refused = strict(Profile::Portable, &healed.out).refused;
        assert!(refused.is_none(), "{}: {refused:?}", stream.name);
    }
}

/// What the table in PROTOCOL.md says of these servers: openai-python refuses some, and takes others.
#[test]
fn the_strict_reading_sees_what_openai_python_sees() {
    let refused = |name: &str| {
        let stream = corpus::captures()
            .into_iter()
            .find(|stream| stream.name == name)
            .unwrap();
        strict(Profile::OpenAiSdk, &stream.body)
            .refused
            .map(|violation| violation.code.as_str())
    };
    assert_eq!(
        refused("llama-server-b11434.text"),
        Some("content-index-missing")
    );
    assert_eq!(
        refused("codex-relay-0.5.8.text"),
        Some("content-index-missing")
    );
    assert_eq!(refused("codex-relay-0.5.8.tool"), None);
    assert_eq!(refused("litellm-1.106.2.text"), None);
    assert_eq!(refused("llm-mock-api-0.1.2.text"), None);
}
