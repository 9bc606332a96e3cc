//! An [`Agent`]: what does not change while one talks.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use respair_client::{Client, Clock, SystemClock};

use crate::fingerprint::fingerprint;
use crate::{Limits, Permissions, Tool, Toolbox};

/// An endpoint and the model that is asked there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Link {
    /// The endpoint.
    pub client: Client,
    /// The model.
    pub model: String,
    /// `reasoning.effort`.
    pub reasoning_effort: Option<String>,
    /// `reasoning.summary`.
    pub reasoning_summary: Option<String>,
    /// `max_output_tokens`.
    pub max_output_tokens: Option<u64>,
    /// How many tokens its context holds, where the user says.
    pub context_length: Option<u64>,
    /// Tells accounts apart without naming them; 0 without a key.
    account: u64,
}

impl Link {
    /// An endpoint and a model. `key` is what the endpoint was given, or nothing: only a hash of it is kept.
    pub fn new(client: Client, model: impl Into<String>, key: Option<&str>) -> Self {
        let url = client.endpoint().display_url();
        let account = key.map_or(0, |key| account(&url, key));
        Self {
            client,
            model: model.into(),
            reasoning_effort: None,
            reasoning_summary: None,
            max_output_tokens: None,
            context_length: None,
            account,
        }
    }

    /// Whoever encrypts reasoning here: endpoint, account and model. Nobody else can read it (DEVIATIONS 8.1).
    pub fn issuer(&self) -> String {
        self.issuer_of(&self.model)
    }

    /// The same where another model is asked.
    pub(crate) fn issuer_of(&self, model: &str) -> String {
        let url = self.client.endpoint().display_url();
        format!("{url} {model} {:016x}", self.account)
    }

    /// `provider model`, as it is shown.
    pub fn label(&self) -> String {
        format!("{} {}", self.client.endpoint().provider, self.model)
    }
}

/// Tells keys of an endpoint apart. It is kept with each item, so it is the same in every version, says nothing about the key
/// elsewhere, and is too short to be searched for one.
fn account(url: &str, key: &str) -> u64 {
    fingerprint(["respair account", url, key])
}

/// What an agent is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgentOptions {
    /// The endpoints in the order in which they are preferred; at least one.
    pub links: Vec<Link>,
    /// The tools.
    pub tools: Toolbox,
    /// What they may do.
    pub permissions: Permissions,
    /// The bounds.
    pub limits: Limits,
    /// The system prompt.
    pub instructions: String,
    /// Another clock than the system's.
    pub clock: Arc<dyn Clock>,
}

impl AgentOptions {
    /// One endpoint, no tools, every default.
    pub fn new(link: Link, instructions: impl Into<String>) -> Self {
        Self {
            links: vec![link],
            tools: Toolbox::default(),
            permissions: Permissions::default(),
            limits: Limits::default(),
            instructions: instructions.into(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Endpoints, tools and settings. Clones share it, and what is known of which endpoint is down.
#[derive(Clone)]
pub struct Agent {
    shared: Arc<Shared>,
}

struct Shared {
    options: AgentOptions,
    /// Until when each endpoint is left alone, on the options' clock.
    resting: Mutex<Vec<Option<Duration>>>,
}

impl Agent {
    /// An agent with these options.
    pub fn new(options: AgentOptions) -> Self {
        let resting = Mutex::new(vec![None; options.links.len()]);
        Self {
            shared: Arc::new(Shared { options, resting }),
        }
    }

    /// The same with more tools; one of the same name is replaced.
    #[must_use]
    pub fn with_tools(&self, tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let mut options = self.options().clone();
        for tool in tools {
            options.tools.add(tool);
        }
        let resting = Mutex::new(self.resting().clone());
        Self {
            shared: Arc::new(Shared { options, resting }),
        }
    }

    /// What it is made of.
    pub fn options(&self) -> &AgentOptions {
        &self.shared.options
    }

    /// The endpoint that is asked next: the first that does not rest, else the one that rests the shortest.
    pub(crate) fn link(&self) -> usize {
        let soonest = |resting: &[Option<Duration>]| {
            (0..resting.len())
                .min_by_key(|&at| resting[at])
                .unwrap_or(0)
        };
        let awake = self.awake().first().copied();
        awake.unwrap_or_else(|| soonest(&self.resting()))
    }

    /// Leaves an endpoint alone for a while.
    pub(crate) fn rest(&self, link: usize, how_long: Duration) {
        let now = self.shared.options.clock.now();
        if let Some(until) = self.resting().get_mut(link) {
            *until = Some(now + how_long);
        }
    }

    /// How long an endpoint still rests; `None` when it does not.
    pub(crate) fn rests(&self, link: usize) -> Option<Duration> {
        let now = self.shared.options.clock.now();
        let until = self.resting().get(link).copied().flatten()?;
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// The endpoints that do not rest, in the order in which they are preferred.
    pub(crate) fn awake(&self) -> Vec<usize> {
        let links = 0..self.shared.options.links.len();
        links.filter(|link| self.rests(*link).is_none()).collect()
    }

    fn resting(&self) -> std::sync::MutexGuard<'_, Vec<Option<Duration>>> {
        self.shared
            .resting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Agent").field(&self.shared.options).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::account;

    /// Stored sessions name it.
    #[test]
    fn an_account_is_the_same_in_every_version() {
        let one = account("https://relay.example/v1", "sk-one");
        assert_eq!(format!("{one:016x}"), "2a043e4ed0dead06");
        assert_ne!(one, account("https://relay.example/v1", "sk-two"));
        assert_ne!(one, account("https://other.example/v1", "sk-one"));
    }
}
