//! The oracle's `openai-sdk` beside the SDK itself, and the conforming streams before every real client.

use respair_mutations::{Damaged, damaged_by_seed};
use respair_oracle::clients::{Client, Verdict, ask};
use respair_oracle::{Profile, corpus, judge};

/// Of the damaged streams, the same ones on every run.
const SEED: u64 = 0x0061_6772_6565;

/// Names and bytes as the clients are asked.
fn borrowed<'a>(streams: &'a [(&'a str, Vec<u8>)]) -> Vec<(&'a str, &'a [u8])> {
    streams
        .iter()
        .map(|(name, bytes)| (*name, bytes.as_slice()))
        .collect()
}

/// Whether the client refused the stream as a stream: an error that the upstream reports is an ending.
fn refused(verdict: &Verdict) -> bool {
    let error = verdict.error.as_deref().unwrap_or_default();
    let first_event_failed = ["`error`", "`response.failed`"].iter().any(|first| {
        error == format!("Expected to have received `response.created` before {first}")
    });
    !verdict.accepted && verdict.exception.as_deref() != Some("APIError") && !first_event_failed
}

#[test]
fn openai_sdk_is_what_openai_python_does() {
    let damaged: Vec<Damaged> = (0..400).map(|case| damaged_by_seed(SEED, case)).collect();
    let mut streams: Vec<(&str, Vec<u8>)> = corpus::conforming();
    streams.extend(
        corpus::changed()
            .into_iter()
            .map(|stream| (stream.name, stream.bytes)),
    );
    let bodies = damaged
        .iter()
        .map(|one| (one.name.as_str(), one.body.clone()));
    streams.extend(bodies);
    // The one exception of the profile: the native service does this, and the SDK raises.
    streams.retain(|(name, _)| *name != "tool_search_call changes its call_id");
    let Some(verdicts) = ask(Client::Python3, &borrowed(&streams)) else {
        return;
    };
    let mut wrong = Vec::new();
    for ((name, bytes), verdict) in streams.iter().zip(&verdicts) {
        let ours = judge(bytes, Profile::OpenAiSdk);
        let sentence = verdict.error.as_deref().unwrap_or("accepted");
        match &ours {
            Ok(_) if refused(verdict) => wrong.push(format!("{name}: the SDK raises {sentence:?}")),
            Err(faults) if !refused(verdict) => {
                wrong.push(format!("{name}: only the oracle refuses: {faults:?}"))
            }
            // The SDK's own sentences are the oracle's too; Python's built-in errors are not.
            Err(faults)
                if verdict.exception.as_deref() == Some("RuntimeError")
                    && faults[0].message != sentence =>
            {
                wrong.push(format!(
                    "{name}: {:?} is not {sentence:?}",
                    faults[0].message
                ));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn conforming_streams_please_every_client() {
    let streams = corpus::conforming();
    for client in Client::ALL {
        let Some(verdicts) = ask(client, &borrowed(&streams)) else {
            continue;
        };
        for ((name, bytes), verdict) in streams.iter().zip(&verdicts) {
            let said = judge(bytes, Profile::Portable).unwrap();
            assert!(
                verdict.accepted || *name == "failed",
                "{} refuses {name}: {verdict:?}",
                client.name()
            );
            assert_eq!(verdict.text, said.text, "{} on {name}", client.name());
        }
    }
}
