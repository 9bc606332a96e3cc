//! Recordings of the services themselves, where `RESPAIR_NATIVE_STREAMS` points at them: `openai-sdk` accepts those of
//! the native service.

use std::path::PathBuf;

use respair_oracle::{Profile, judge, skip};

/// Recordings that are no stream of the native service, each with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("parallel-tool-call-wrapper", "no stream"),
    ("github-copilot-id-rotation", "a relay that rotates ids"),
    ("starting_after", "resumed: it begins in the middle"),
];

#[test]
fn recordings_are_accepted() {
    let Some(directory) = std::env::var_os("RESPAIR_NATIVE_STREAMS").map(PathBuf::from) else {
        return skip("recordings of the native services: RESPAIR_NATIVE_STREAMS is not set");
    };
    let entries = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut wrong = Vec::new();
    let mut judged = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !name.ends_with(".sse") || LEFT_OUT.iter().any(|(part, _)| name.contains(part)) {
            continue;
        }
        for (place, response) in responses(&std::fs::read_to_string(&path).unwrap())
            .iter()
            .enumerate()
        {
            judged += 1;
            if let Err(faults) = judge(response.as_bytes(), Profile::OpenAiSdk) {
                wrong.push(format!("{name}, response {place}: {}", faults[0]));
            }
        }
    }
    assert!(judged > 0, "no recording in {}", directory.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Some files hold several responses, one after the other.
fn responses(body: &str) -> Vec<String> {
    let mut responses: Vec<String> = vec![String::new()];
    for block in body.split_inclusive("\n\n") {
        let begins = block.contains("\"type\":\"response.created\"");
        match responses.last_mut() {
            Some(last) if !begins || last.is_empty() => last.push_str(block),
            _ => responses.push(block.to_owned()),
        }
    }
    responses
}
