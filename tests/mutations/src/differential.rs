//! What comes out of the tolerant reading, before judges that share nothing with it: the real SDKs and async-openai's types.
//! (The oracle is asked with the tenets, [`crate::properties`].)

use async_openai::types::responses::ResponseStreamEvent;
use respair_core::{Ending, Profile};
use respair_oracle::clients::{Client, Verdict, ask};

use crate::damage::Damaged;
use crate::run::{Outcome, tolerant};
use crate::said::{Said, lines};

/// A stream as it came out.
#[derive(Debug)]
pub struct Healed {
    /// What it is called in a fault.
    pub name: String,
    /// Its values are not to be typed.
    pub garbled: bool,
    /// What came out.
    pub outcome: Outcome,
}

impl Healed {
    /// Reads a damaged stream tolerantly, under `portable`.
    #[must_use]
    pub fn new(case: u64, damaged: &Damaged) -> Self {
        Self {
            name: format!("case {case}: {}", damaged.name),
            garbled: damaged.garbled,
            outcome: tolerant(Profile::Portable, &damaged.body),
        }
    }

    fn completed(&self) -> bool {
        matches!(self.outcome.ending, Some(Ending::Completed { .. }))
    }
}

/// What async-openai cannot read: its types tolerate no missing field. Garbled streams are not asked about.
#[must_use]
pub fn by_types(streams: &[Healed]) -> Vec<String> {
    let mut faults = Vec::new();
    for stream in streams.iter().filter(|stream| !stream.garbled) {
        for data in lines(&stream.outcome.out) {
            let event: Result<ResponseStreamEvent, _> = serde_json::from_str(&data);
            let Err(error) = event else {
                continue;
            };
            // Details of usage that the upstream did not count are not made up, and async-openai insists on them.
            if error.to_string().contains("_tokens_details") {
                continue;
            }
            faults.push(format!("{}: async-openai: {error} in {data}", stream.name));
            break;
        }
    }
    faults
}

/// What a real client refuses, or reads as something else; one process for all of them. `None` where the client is not installed.
///
/// # Panics
/// When the client's runner fails, or the client is required and absent.
#[must_use]
pub fn by_client(client: Client, streams: &[Healed]) -> Option<Vec<String>> {
    let batch: Vec<(&str, &[u8])> = streams
        .iter()
        .map(|stream| (stream.name.as_str(), stream.outcome.out.as_slice()))
        .collect();
    let verdicts = ask(client, &batch)?;
    let faults = streams
        .iter()
        .zip(&verdicts)
        .filter_map(|(stream, verdict)| {
            let fault = refused(stream, verdict)?;
            Some(format!("{}: {}: {fault}", stream.name, client.name()))
        });
    Some(faults.collect())
}

fn refused(stream: &Healed, verdict: &Verdict) -> Option<String> {
    if !verdict.accepted && (stream.completed() || !is_ending(verdict)) {
        return Some(format!("it raised {:?}", verdict.error));
    }
    if !stream.completed() {
        return (verdict.status.as_deref() == Some("completed"))
            .then(|| "it took the response for completed".to_owned());
    }
    // Refusals are shown as text by us, and under a name of their own by the clients.
    let said = Said::by(&stream.outcome.out);
    if verdict.text.len() != said.text.len() {
        return Some(format!(
            "it read {:?}, sent was {:?}",
            verdict.text, said.text
        ));
    }
    if verdict.status.as_deref() != Some("completed") {
        return Some(format!(
            "it ended with {:?} {:?}",
            verdict.status, verdict.ending
        ));
    }
    let whole = verdict.final_text.as_deref().unwrap_or_default();
    (whole != said.text).then(|| format!("its response says {whole:?}, sent was {:?}", said.text))
}

/// An exception that is about how the stream ended and not about the protocol (PROTOCOL.md, profiles).
fn is_ending(verdict: &Verdict) -> bool {
    let error = verdict.error.as_deref().unwrap_or_default();
    let exception = verdict.exception.as_deref().unwrap_or_default();
    exception.starts_with("API") || error.contains("response.completed")
}
