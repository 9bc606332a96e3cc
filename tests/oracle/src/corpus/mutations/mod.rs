//! Conforming streams bent so that they break a rule, in tables: name, code under `portable`, code under `openai-sdk`.
//!
//! The last is what openai-python 3.54.0 does, which the agreement test checks against the SDK itself. One row is an
//! exception of the profile: identity changes of `tool_search_call`, which the native service makes and the SDK refuses.

mod endings;
mod framing;
mod items;
mod parts;
mod prelude;

use serde_json::Value;

use super::Mutation;
use super::wire::{self, Wire};

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
