//! What comes out deserialises as another project's typed events: async-openai, which tolerates no missing field.

use async_openai::types::responses::ResponseStreamEvent;
use respair_core::{Ending, Profile};

use crate::corpus;
use crate::run::tolerant;

/// The data of one block: its `data:` lines, joined.
fn data_of(block: &str) -> String {
    let lines = block.lines().filter_map(|line| line.strip_prefix("data:"));
    let values: Vec<&str> = lines
        .map(|value| value.strip_prefix(' ').unwrap_or(value))
        .collect();
    values.join("\n")
}

#[test]
fn async_openai_reads_what_comes_out() {
    let mut read = 0;
    for stream in corpus::all() {
        let healed = tolerant(Profile::Portable, &stream.body);
        if !matches!(healed.ending, Some(Ending::Completed { .. })) {
            continue;
        }
        let text = String::from_utf8(healed.out).unwrap();
        let payloads = text.split("\n\n").map(data_of);
        for data in payloads.filter(|data| !data.is_empty() && data != "[DONE]") {
            let event: Result<ResponseStreamEvent, _> = serde_json::from_str(&data);
            // Usage that the upstream left incomplete is not made up, and async-openai insists on all of it.
            if event.as_ref().is_err_and(|error| {
                error.to_string().contains("_tokens_details")
                    || error.to_string().contains("TokenDetails")
            }) {
                continue;
            }
            assert!(event.is_ok(), "{}: {:?}\n{data}", stream.name, event.err());
            read += 1;
        }
    }
    assert!(read > 500, "{read}");
}
