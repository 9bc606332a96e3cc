//! What earlier turns learnt about an endpoint, so that the next one costs one request.
//!
//! An entry says that an endpoint and model break the protocol. It is made when a turn had to read tolerantly, and goes
//! after three turns that the strict judge found clean, or after seven days. All of it is disposable: whatever is wrong with
//! the file is a [`MemoryProblem`] that a turn reports once and then goes on without; what was learnt then holds as long as the
//! process, so that a conversation of many requests does not pay for it with each.

mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub use file::MemoryProblem;

/// Turns that must be clean, one after the other, before the entry goes.
const CLEAN_TURNS: u32 = 3;
/// How long an entry lives, in seconds: seven days.
const LIFETIME: u64 = 7 * 24 * 60 * 60;
/// A clock may be off by this much, in seconds, before a date in the future counts as wrong: one day.
const SKEW: u64 = 24 * 60 * 60;
/// Entries kept; beyond it the one that was used longest ago goes. Nobody has this many relays.
const ENTRIES: usize = 500;

/// The endpoint memory of one state directory: `endpoints.json`. Clones share it, and so may other processes.
#[derive(Clone)]
pub struct EndpointMemory {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    /// One reader or writer at a time in this process; between processes the last writer merges. What could not be written
    /// is held.
    held: Mutex<Option<Vec<MemoryEntry>>>,
    complained: AtomicBool,
}

/// What is remembered about one endpoint and model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemoryEntry {
    /// The base URL, without user name, password and query.
    pub url: String,
    /// The model asked for.
    pub model: String,
    /// The rules that were broken.
    pub codes: Vec<String>,
    /// When that was first seen, in seconds since 1970.
    pub learnt_at: u64,
    /// Clean turns since.
    pub clean_turns: u32,
    /// The last turn, in seconds since 1970.
    pub last_used: u64,
    /// The fields of the request that it refuses by name, and that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_fields: Vec<String>,
}

impl MemoryEntry {
    fn is_for(&self, url: &str, model: &str) -> bool {
        self.url == url && self.model == model
    }

    /// Too old, or dated by a clock that was wrong.
    fn is_over(&self, now: u64) -> bool {
        self.learnt_at > now.saturating_add(SKEW) || now.saturating_sub(self.learnt_at) >= LIFETIME
    }
}

impl EndpointMemory {
    /// The memory in `state_dir`. Nothing is read or made yet.
    pub fn open(state_dir: &Path) -> Self {
        let path = state_dir.join("endpoints.json");
        Self {
            shared: Arc::new(Shared {
                path,
                held: Mutex::new(None),
                complained: AtomicBool::new(false),
            }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The entry for an endpoint and model, unless it is too old. `url` is [`crate::Endpoint::display_url`], `now` is in
    /// seconds since 1970.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn lookup(
        &self,
        url: &str,
        model: &str,
        now: u64,
    ) -> Result<Option<MemoryEntry>, MemoryProblem> {
        let entries = self.known(&self.held())?;
        Ok(entries
            .into_iter()
            .find(|entry| entry.is_for(url, model) && !entry.is_over(now)))
    }

    /// Notes that the endpoint broke the rules `codes`. It resets the count of clean turns, and an entry that is there keeps
    /// the day it was learnt. No codes make no entry: it would say that rules were broken, and not which.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn learn(
        &self,
        url: &str,
        model: &str,
        codes: &[String],
        now: u64,
    ) -> Result<(), MemoryProblem> {
        self.change(now, |entries| {
            let known = entries.iter().any(|entry| entry.is_for(url, model));
            if !known && codes.is_empty() {
                return;
            }
            let entry = entry(entries, url, model, now);
            add(&mut entry.codes, codes);
            entry.clean_turns = 0;
        })
    }

    /// Notes that the endpoint refuses a field of the request by name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn refuses(
        &self,
        url: &str,
        model: &str,
        fields: &[String],
        now: u64,
    ) -> Result<(), MemoryProblem> {
        self.change(now, |entries| {
            add(&mut entry(entries, url, model, now).refused_fields, fields);
        })
    }

    /// Notes a turn that the strict judge found clean; the third forgets the entry. Returns whether it did.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note_clean(&self, url: &str, model: &str, now: u64) -> Result<bool, MemoryProblem> {
        let mut forgotten = false;
        self.change(now, |entries| {
            if let Some(at) = entries.iter().position(|entry| entry.is_for(url, model)) {
                entries[at].clean_turns = entries[at].clean_turns.saturating_add(1);
                entries[at].last_used = now;
                if entries[at].clean_turns >= CLEAN_TURNS && !entries[at].codes.is_empty() {
                    forgotten = true;
                    if entries[at].refused_fields.is_empty() {
                        entries.swap_remove(at);
                    } else {
                        entries[at].codes.clear();
                    }
                }
            }
        })?;
        Ok(forgotten)
    }

    /// Forgets the entries of an endpoint, for one model or for all. Returns how many there were.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget(&self, url: &str, model: Option<&str>, now: u64) -> Result<usize, MemoryProblem> {
        let mut gone = 0;
        self.change(now, |entries| {
            let before = entries.len();
            entries.retain(|entry| {
                entry.url != url || model.is_some_and(|model| entry.model != model)
            });
            gone = before - entries.len();
        })?;
        Ok(gone)
    }

    /// Forgets everything. Returns how many entries there were.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget_all(&self, now: u64) -> Result<usize, MemoryProblem> {
        let mut gone = 0;
        self.change(now, |entries| gone = std::mem::take(entries).len())?;
        Ok(gone)
    }

    /// Every entry that is not too old, sorted by address and model.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn list(&self, now: u64) -> Result<Vec<MemoryEntry>, MemoryProblem> {
        let mut entries = self.known(&self.held())?;
        entries.retain(|entry| !entry.is_over(now));
        entries.sort_by(|a, b| (&a.url, &a.model).cmp(&(&b.url, &b.model)));
        Ok(entries)
    }

    /// Whether a problem is still to be told: once for each memory.
    pub(crate) fn complain(&self) -> bool {
        !self.shared.complained.swap(true, Ordering::Relaxed)
    }

    /// Reads what is there now, another process's entries included, changes it, and writes it whole.
    fn change(
        &self,
        now: u64,
        act: impl FnOnce(&mut Vec<MemoryEntry>),
    ) -> Result<(), MemoryProblem> {
        let mut held = self.held();
        let (mut entries, problem) = match file::read(&self.shared.path) {
            Ok(entries) => (entries, None),
            // It is disposable: what cannot be understood is written anew.
            Err(MemoryProblem::Corrupt { .. }) => (Vec::new(), None),
            // A newer version's file is not ours to touch, and what we may not read we do not replace.
            Err(problem) => (Vec::new(), Some(problem)),
        };
        over(&mut entries, held.as_deref());
        let before = entries.clone();
        // First, so that what is learnt again begins anew.
        entries.retain(|entry| !entry.is_over(now));
        act(&mut entries);
        if entries == before {
            return problem.map_or(Ok(()), Err);
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.last_used));
        entries.truncate(ENTRIES);
        let written = match problem {
            None => file::write(&self.shared.path, &entries),
            Some(problem) => Err(problem),
        };
        *held = written.is_err().then_some(entries);
        written
    }

    /// What is in the file, and over it what is held.
    fn known(&self, held: &Option<Vec<MemoryEntry>>) -> Result<Vec<MemoryEntry>, MemoryProblem> {
        let mut entries = match (file::read(&self.shared.path), held) {
            (Ok(entries), _) => entries,
            (Err(_), Some(_)) => Vec::new(),
            (Err(problem), None) => return Err(problem),
        };
        over(&mut entries, held.as_deref());
        Ok(entries)
    }

    fn held(&self) -> MutexGuard<'_, Option<Vec<MemoryEntry>>> {
        let held = self.shared.held.lock();
        held.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts what is held in the place of what is known of the same endpoints and models.
fn over(entries: &mut Vec<MemoryEntry>, held: Option<&[MemoryEntry]>) {
    for entry in held.unwrap_or_default() {
        entries.retain(|other| !other.is_for(&entry.url, &entry.model));
        entries.push(entry.clone());
    }
}

/// The entry for an endpoint and model, made where there is none.
fn entry<'a>(
    entries: &'a mut Vec<MemoryEntry>,
    url: &str,
    model: &str,
    now: u64,
) -> &'a mut MemoryEntry {
    let at = entries
        .iter()
        .position(|entry| entry.is_for(url, model))
        .unwrap_or_else(|| {
            entries.push(MemoryEntry {
                url: url.to_owned(),
                model: model.to_owned(),
                codes: Vec::new(),
                learnt_at: now,
                clean_turns: 0,
                last_used: now,
                refused_fields: Vec::new(),
            });
            entries.len() - 1
        });
    entries[at].last_used = now;
    &mut entries[at]
}

fn add(list: &mut Vec<String>, more: &[String]) {
    for word in more {
        if !list.contains(word) {
            list.push(word.clone());
        }
    }
}

impl fmt::Debug for EndpointMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EndpointMemory")
            .field(&self.shared.path)
            .finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const URL: &str = "http://r.example/v1";
    const DAY: u64 = 24 * 60 * 60;
    const NOW: u64 = 1_800_000_000;

    fn memory() -> (tempfile::TempDir, EndpointMemory) {
        let dir = tempfile::tempdir().unwrap();
        let memory = EndpointMemory::open(&dir.path().join("state"));
        (dir, memory)
    }

    fn codes() -> [String; 1] {
        ["created-missing".to_owned()]
    }

    fn learnt(memory: &EndpointMemory, code: &str) {
        memory.learn(URL, "m", &[code.to_owned()], NOW).unwrap();
    }

    #[test]
    fn learnt_and_found_again_by_address_and_model() {
        let (_dir, memory) = memory();
        assert_eq!(memory.lookup(URL, "m", NOW).unwrap(), None);
        learnt(&memory, "created-missing");
        learnt(&memory, "part-not-added");
        learnt(&memory, "created-missing");
        let entry = memory.lookup(URL, "m", NOW).unwrap().unwrap();
        assert_eq!(entry.codes, ["created-missing", "part-not-added"]);
        assert_eq!(memory.lookup(URL, "other", NOW).unwrap(), None);
        assert_eq!(memory.lookup("http://r.example", "m", NOW).unwrap(), None);
    }

    /// A remembered turn that was not clean, and an entry that another process has forgotten meanwhile.
    #[test]
    fn no_rule_makes_no_entry() {
        let (_dir, memory) = memory();
        memory.learn(URL, "m", &[], NOW).unwrap();
        assert_eq!(memory.list(NOW).unwrap(), []);
        learnt(&memory, "created-missing");
        assert!(!memory.note_clean(URL, "m", NOW).unwrap());
        memory.learn(URL, "m", &[], NOW + 1).unwrap();
        let entry = memory.lookup(URL, "m", NOW).unwrap().unwrap();
        assert_eq!(entry.codes, codes());
        assert_eq!((entry.clean_turns, entry.last_used), (0, NOW + 1));
        // Nor does one that is too old come back without its rules.
        memory.learn(URL, "m", &[], NOW + 7 * DAY).unwrap();
        assert_eq!(memory.list(NOW + 7 * DAY).unwrap(), []);
    }

    #[test]
    fn three_clean_turns_in_a_row_forget() {
        let (_dir, memory) = memory();
        learnt(&memory, "created-missing");
        assert!(!memory.note_clean(URL, "m", NOW).unwrap());
        assert!(!memory.note_clean(URL, "m", NOW).unwrap());
        learnt(&memory, "created-missing");
        assert!(!memory.note_clean(URL, "m", NOW).unwrap());
        assert!(!memory.note_clean(URL, "m", NOW).unwrap());
        assert!(memory.note_clean(URL, "m", NOW).unwrap());
        assert_eq!(memory.list(NOW).unwrap(), []);
        assert!(!memory.note_clean(URL, "m", NOW).unwrap());
    }

    #[test]
    fn a_refused_field_outlives_the_clean_turns_and_makes_no_broken_rule() {
        let (_dir, memory) = memory();
        let fields = ["include".to_owned()];
        memory.refuses(URL, "m", &fields, NOW).unwrap();
        memory.refuses(URL, "m", &fields, NOW).unwrap();
        for _ in 0..4 {
            assert!(!memory.note_clean(URL, "m", NOW).unwrap());
        }
        learnt(&memory, "created-missing");
        for clean in 1..=3 {
            assert_eq!(memory.note_clean(URL, "m", NOW).unwrap(), clean == 3);
        }
        let entry = memory.lookup(URL, "m", NOW).unwrap().unwrap();
        assert_eq!((entry.codes, entry.refused_fields), (vec![], fields.into()));
    }

    #[test]
    fn seven_days_forget_also_what_is_in_use() {
        let (_dir, memory) = memory();
        learnt(&memory, "created-missing");
        memory
            .learn(URL, "m", &["created-missing".to_owned()], NOW + 6 * DAY)
            .unwrap();
        assert!(
            memory
                .lookup(URL, "m", NOW + 7 * DAY - 1)
                .unwrap()
                .is_some()
        );
        assert_eq!(memory.lookup(URL, "m", NOW + 7 * DAY).unwrap(), None);
        // Dated two days ahead: the clock was wrong, then or now.
        assert_eq!(memory.lookup(URL, "m", NOW - 2 * DAY).unwrap(), None);
    }

    #[test]
    fn two_processes_keep_each_others_entries() {
        let (_dir, one) = memory();
        let two = EndpointMemory::open(one.path().parent().unwrap());
        learnt(&one, "created-missing");
        two.learn("http://other.example", "m", &codes(), NOW)
            .unwrap();
        assert_eq!(one.list(NOW).unwrap().len(), 2);
        assert_eq!(two.forget(URL, None, NOW).unwrap(), 1);
        assert_eq!(one.list(NOW).unwrap().len(), 1);
        assert_eq!(one.forget_all(NOW).unwrap(), 1);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let (_dir, memory) = memory();
        for n in 0..3 {
            memory
                .learn(URL, &format!("m{n}"), &codes(), NOW + n)
                .unwrap();
        }
        let mut many: Vec<_> = memory.list(NOW).unwrap();
        let pattern = many[0].clone();
        many.extend((0..ENTRIES as u64).map(|n| MemoryEntry {
            model: format!("x{n}"),
            last_used: NOW + 10 + n,
            ..pattern.clone()
        }));
        file::write(memory.path(), &many).unwrap();
        memory.learn(URL, "new", &codes(), NOW + 10_000).unwrap();
        let kept = memory.list(NOW).unwrap();
        assert_eq!(kept.len(), ENTRIES);
        assert!(
            kept.iter().any(|entry| entry.model == "new")
                && !kept.iter().any(|entry| entry.model == "m0")
        );
    }
}
