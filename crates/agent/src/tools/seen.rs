//! What a file was when its change was shown, so that another one is not changed instead.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

/// Previews that are remembered: more than the calls of one response.
const MOST: usize = 512;

/// What a file was: nothing, or these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Missing,
    Bytes { length: usize, hash: u64 },
}

impl Version {
    pub(super) fn of(bytes: Option<&[u8]>) -> Self {
        match bytes {
            None => Self::Missing,
            Some(bytes) => Self::Bytes {
                length: bytes.len(),
                hash: hash(bytes),
            },
        }
    }
}

/// The versions that were shown, by the call's arguments: of the same arguments the latest one.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<VecDeque<(u64, Version)>>);

impl Seen {
    /// A change of this version was shown.
    pub(super) fn shown(&self, arguments: &Map<String, Value>, version: Version) {
        let key = key(arguments);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|(other, _)| *other != key);
        if seen.len() == MOST {
            seen.pop_front();
        }
        seen.push_back((key, version));
    }

    /// What was shown for this call, once; `None` when nothing was.
    pub(super) fn take(&self, arguments: &Map<String, Value>) -> Option<Version> {
        let key = key(arguments);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = seen.iter().position(|(other, _)| *other == key)?;
        seen.remove(at).map(|(_, version)| version)
    }
}

fn key(arguments: &Map<String, Value>) -> u64 {
    hash(Value::Object(arguments.clone()).to_string().as_bytes())
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
