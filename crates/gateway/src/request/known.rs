//! What an upstream is known to refuse for a model: learnt from its refusals, or configured.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

/// How many names of one kind are kept. Requests have some thirty fields and a dozen kinds of tools.
const NAMES: usize = 64;

/// How long a name may be.
const NAME: usize = 128;

/// How many pieces of unreadable reasoning are kept, at 8 bytes each: some days of one conversation.
const UNREADABLE: usize = 4096;

/// How many models of one upstream are remembered.
const MODELS: usize = 64;

/// How long what was learnt is believed, in seconds: relays are changed, and a restart is not needed to notice it.
const BELIEVED: u64 = 24 * 60 * 60;

/// What an upstream refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Fields of the request.
    pub(super) fields: BTreeSet<String>,
    /// Fields of input items.
    pub(super) item_fields: BTreeSet<String>,
    /// Types of tools.
    pub(super) tools: BTreeSet<String>,
    /// Every type of tool but `function`.
    pub(super) only_functions: bool,
    /// Types of input items.
    pub(super) items: BTreeSet<String>,
    /// Efforts of reasoning, and what is asked for instead.
    pub(super) efforts: BTreeMap<String, String>,
    /// Encrypted reasoning, by its [`Memory::mark`].
    pub(super) unreadable: HashSet<u64>,
    /// Fields that are null.
    pub(super) nulls: bool,
    /// A `store` that is not false.
    pub(super) store: bool,
    /// Reasoning without `summary`.
    pub(super) bare_summary: bool,
    /// Reasoning with plain `content`.
    pub(super) reasoning_content: bool,
    /// Ids of what it did not store.
    pub(super) ids: bool,
    /// Reasoning that nothing follows.
    pub(super) lonely_reasoning: bool,
    /// Two items of one id.
    pub(super) duplicates: bool,
    /// Messages without content.
    pub(super) empty_messages: bool,
    /// Arguments that are no JSON.
    pub(super) arguments: bool,
    /// The role `developer`.
    pub(super) developer: bool,
    /// `system` and `developer` messages anywhere in the input.
    pub(super) system: bool,
}

impl Known {
    /// Tools of this type are refused.
    pub(super) fn refuses_tool(&self, kind: &str) -> bool {
        kind != "function" && (self.only_functions || self.tools.contains(kind))
    }

    /// The same as configured.
    pub(crate) fn configured(tools: &[String]) -> Self {
        let mut known = Self::default();
        for kind in tools {
            keep(&mut known.tools, kind);
        }
        known
    }

    /// Takes in what else is known.
    pub(super) fn add(&mut self, other: Self) {
        for name in other.fields {
            keep(&mut self.fields, &name);
        }
        for name in other.item_fields {
            keep(&mut self.item_fields, &name);
        }
        for name in other.tools {
            keep(&mut self.tools, &name);
        }
        for name in other.items {
            keep(&mut self.items, &name);
        }
        for (from, to) in other.efforts {
            if self.efforts.len() < NAMES {
                self.efforts.insert(from, to);
            }
        }
        for mark in other.unreadable {
            self.keep_unreadable(mark);
        }
        for (own, others) in [
            (&mut self.only_functions, other.only_functions),
            (&mut self.nulls, other.nulls),
            (&mut self.store, other.store),
            (&mut self.bare_summary, other.bare_summary),
            (&mut self.reasoning_content, other.reasoning_content),
            (&mut self.ids, other.ids),
            (&mut self.lonely_reasoning, other.lonely_reasoning),
            (&mut self.duplicates, other.duplicates),
            (&mut self.empty_messages, other.empty_messages),
            (&mut self.arguments, other.arguments),
            (&mut self.developer, other.developer),
            (&mut self.system, other.system),
        ] {
            *own |= others;
        }
    }

    pub(super) fn keep_unreadable(&mut self, mark: u64) {
        if self.unreadable.len() >= UNREADABLE {
            // What is still sent is refused once more, and learnt again.
            self.unreadable.clear();
        }
        self.unreadable.insert(mark);
    }
}

/// Keeps a name, as far as the bounds allow.
pub(super) fn keep(names: &mut BTreeSet<String>, name: &str) {
    if names.len() < NAMES && name.len() <= NAME {
        names.insert(name.to_owned());
    }
}

/// What was learnt of one upstream, by model. Nothing of it outlives the process.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    models: Mutex<HashMap<String, (u64, Known)>>,
    marks: RandomState,
}

impl Memory {
    /// What is known of this model at this time, in seconds.
    pub(crate) fn of(&self, model: &str, now: u64) -> Known {
        let models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let found = models.get(model).filter(|(until, _)| now < *until);
        found.map(|(_, known)| known.clone()).unwrap_or_default()
    }

    /// Keeps what was learnt beside what is known.
    pub(crate) fn learn(&self, model: &str, learnt: &Known, now: u64) {
        if model.len() > NAME || *learnt == Known::default() {
            return;
        }
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        models.retain(|_, (until, _)| now < *until);
        if models.len() >= MODELS && !models.contains_key(model) {
            let oldest = models.iter().min_by_key(|(_, (until, _))| *until);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                models.remove(&oldest);
            }
        }
        let entry = models.entry(model.to_owned()).or_default();
        entry.0 = now.saturating_add(BELIEVED);
        entry.1.add(learnt.clone());
    }

    /// What stands for a piece of encrypted reasoning: it is compared, and never kept itself.
    pub(crate) fn mark(&self, encrypted: &str) -> u64 {
        self.marks.hash_one(encrypted)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn refuses(tool: &str) -> Known {
        Known::configured(&[tool.to_owned()])
    }

    #[test]
    fn what_was_learnt_adds_up_and_expires() {
        let memory = Memory::default();
        memory.learn("m", &refuses("custom"), 1000);
        memory.learn("m", &refuses("web_search"), 2000);
        let known = memory.of("m", 2000 + BELIEVED - 1);
        assert!(known.refuses_tool("custom") && known.refuses_tool("web_search"));
        assert_eq!(memory.of("m", 2000 + BELIEVED), Known::default());
        assert_eq!(memory.of("other", 2000), Known::default());
    }

    #[test]
    fn nothing_grows_without_bound() {
        let memory = Memory::default();
        for n in 0..10 * MODELS as u64 {
            memory.learn(&format!("m{n}"), &refuses("custom"), n);
        }
        memory.learn(&"x".repeat(NAME + 1), &refuses("custom"), 0);
        memory.learn("nothing", &Known::default(), 0);
        assert_eq!(memory.models.lock().unwrap().len(), MODELS);
        assert!(memory.of("m639", 700).refuses_tool("custom"), "the newest");
        let mut known = Known::default();
        for n in 0..3 * UNREADABLE as u64 {
            known.keep_unreadable(n);
        }
        assert!(known.unreadable.len() <= UNREADABLE);
        let many: Vec<String> = (0..1000).map(|n| format!("t{n}")).collect();
        assert_eq!(Known::configured(&many).tools.len(), NAMES);
    }
}
