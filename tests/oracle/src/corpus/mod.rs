//! Streams to try readers on: conforming ones, and the same with one thing changed for each rule.
//!
//! The expectations of the changed ones are checked: those of `openai-sdk` against openai-python itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a corpus that cannot be built is a failed test"
)]

mod mutations;
mod wire;

/// A mutation as the tables write it: name, the code under `portable` (empty: accepted), the code under `openai-sdk`
/// (empty: accepted), the bytes.
type Mutation = (&'static str, &'static str, &'static str, Vec<u8>);

/// A conforming stream with one thing changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Changed {
    /// What was changed, in words.
    pub name: &'static str,
    /// The code of the rule that is broken under `portable`; `None` when the stream still conforms.
    pub portable: Option<&'static str>,
    /// The code of the first rule that is broken under `openai-sdk`; `None` when openai-python accepts it.
    pub openai_sdk: Option<&'static str>,
    /// The body.
    pub bytes: Vec<u8>,
}

/// Streams that conform under every profile, each with its name.
#[must_use]
pub fn conforming() -> Vec<(&'static str, Vec<u8>)> {
    wire::conforming()
        .into_iter()
        .map(|(name, stream)| (name, stream.write().into_bytes()))
        .collect()
}

/// Conforming streams with one thing changed: for every rule at least one that breaks it.
#[must_use]
pub fn changed() -> Vec<Changed> {
    let some = |code: &'static str| (!code.is_empty()).then_some(code);
    mutations::all()
        .into_iter()
        .map(|(name, portable, openai_sdk, bytes)| Changed {
            name,
            portable: some(portable),
            openai_sdk: some(openai_sdk),
            bytes,
        })
        .collect()
}
