//! What core gets from its caller: time, entropy, the request.

mod request;

pub use request::{NotARequest, RequestFacts};

/// Facts about one turn that core cannot know by itself.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Context {
    /// Seconds since the Unix epoch; stands in for a `created_at` that the upstream left out.
    pub now_unix: u64,
    /// Any number that no other turn has; made-up ids are spelt from it.
    pub entropy: u128,
    /// What was asked for, where it is known.
    pub request: RequestFacts,
}

impl Context {
    /// A context of a time (seconds since the Unix epoch) and a number that no other turn has.
    #[must_use]
    pub fn new(now_unix: u64, entropy: u128) -> Self {
        Self {
            now_unix,
            entropy,
            request: RequestFacts::default(),
        }
    }

    /// The same context with the requested model.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.request.model = Some(model.into());
        self
    }

    /// The same context with what is known of the request.
    #[must_use]
    pub fn with_request(mut self, request: RequestFacts) -> Self {
        self.request = request;
        self
    }
}

/// Spells made-up ids: the type's own prefix, `respair_` within, at most 64 characters, unique across turns.
#[derive(Debug, Clone)]
pub(crate) struct Mint {
    entropy: u128,
    used: u32,
}

impl Mint {
    pub(crate) fn new(entropy: u128) -> Self {
        Self { entropy, used: 0 }
    }

    /// The next id with this prefix (`msg`, `rs`, `fc`, `ctc`, `call`, `resp`, …).
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        let id = format!("{prefix}_respair_{:032x}{:04x}", self.entropy, self.used);
        self.used = self.used.wrapping_add(1);
        id
    }
}

/// `true` for an id that respair made up. Such ids are never sent upstream as identifiers.
#[must_use]
pub fn is_made_up(id: &str) -> bool {
    id.split_once('_')
        .is_some_and(|(_, rest)| rest.starts_with("respair_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_told_apart() {
        let mut mint = Mint::new(u128::MAX);
        let (one, two) = (mint.id("resp"), mint.id("resp"));
        assert_ne!(one, two);
        assert!(one.len() <= 64 && is_made_up(&one), "{one}");
        assert!(!is_made_up("resp_0b5cbf1c") && !is_made_up("respair"));
    }
}
