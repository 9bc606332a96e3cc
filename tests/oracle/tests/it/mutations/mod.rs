//! For every rule, conforming streams bent so that they break it: the oracle says the rule's code.
//!
//! The column `sdk` is what the real openai-python 3.54.0 does, which `agreement.rs` checks against the SDK itself.

mod endings;
mod framing;
mod items;
mod parts;
mod prelude;

use respair_oracle::{Profile, judge};
use serde_json::Value;

use crate::wire::{self, Wire};

/// A mutation: its name, the code that `portable` gives (empty: accepted), the code that `openai-sdk` gives (empty:
/// accepted), and the bytes.
pub(crate) type Mutation = (&'static str, &'static str, &'static str, Vec<u8>);

const ADDED: &str = "response.output_item.added";
const DONE: &str = "response.output_item.done";
const PART: &str = "response.content_part.added";
const PART_DONE: &str = "response.content_part.done";
const DELTA: &str = "response.output_text.delta";
const TEXT_DONE: &str = "response.output_text.done";
const ARGUMENTS: &str = "response.function_call_arguments.delta";
const ARGUMENTS_DONE: &str = "response.function_call_arguments.done";
const CREATED: &str = "response.created";
const IN_PROGRESS: &str = "response.in_progress";
const COMPLETED: &str = "response.completed";
const FAILED: &str = "response.failed";

fn bent(mut stream: Wire, bend: impl FnOnce(&mut Wire)) -> Vec<u8> {
    bend(&mut stream);
    stream.write().into_bytes()
}

fn framed(bend: impl FnOnce(String) -> String) -> Vec<u8> {
    bend(wire::text().write()).into_bytes()
}

/// Takes a field out of the object that a pointer finds in the first event of that type.
fn lacks(stream: Wire, kind: &str, within: &str, field: &str) -> Vec<u8> {
    bent(stream, |wire| {
        let object = wire.at(kind).pointer_mut(within).unwrap();
        object.as_object_mut().unwrap().remove(field).unwrap();
    })
}

/// Sets a value in the first event of that type.
fn says(stream: Wire, kind: &str, pointer: &str, value: Value) -> Vec<u8> {
    bent(stream, |wire| {
        let (within, field) = pointer.rsplit_once('/').unwrap();
        wire.at(kind).pointer_mut(within).unwrap()[field] = value;
    })
}

/// Every mutation.
pub(crate) fn all() -> Vec<Mutation> {
    [
        prelude::prelude(),
        framing::every_event(),
        items::items(),
        parts::parts(),
        endings::endings(),
        framing::framing(),
    ]
    .concat()
}

#[test]
fn every_rule_is_found() {
    let mut wrong = Vec::new();
    for (name, portable, sdk, bytes) in all() {
        for (profile, expected) in [(Profile::Portable, portable), (Profile::OpenAiSdk, sdk)] {
            let codes: Vec<&str> = judge(&bytes, profile).map_or_else(
                |faults| faults.iter().map(|fault| fault.code).collect(),
                |_| vec![""],
            );
            if !codes.contains(&expected) {
                wrong.push(format!(
                    "{name}: expected {expected:?} under {profile:?}, got {codes:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
