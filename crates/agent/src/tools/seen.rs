//! What a call was shown to be about, so that it does not do something else instead.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::place::Place;

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

/// What a call was shown to be about, before anybody was asked whether it may.
#[derive(Clone, Debug)]
struct Shown {
    key: u64,
    /// Where its path led.
    path: PathBuf,
    /// What was there, of a change.
    version: Option<Version>,
}

/// What was shown, by the call's arguments: of the same arguments the latest. A call of which nothing was shown is as
/// good as one that nobody was asked about, which is the caller's matter.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<VecDeque<Shown>>);

impl Seen {
    /// This was shown.
    pub(super) fn shown(
        &self,
        arguments: &Map<String, Value>,
        place: &Place,
        version: Option<Version>,
    ) {
        let key = key(arguments);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|other| other.key != key);
        if seen.len() == MOST {
            seen.pop_front();
        }
        seen.push_back(Shown {
            key,
            path: place.path.clone(),
            version,
        });
    }

    /// Whether the call is still about what was shown: its path may lead elsewhere by now, the file may be another.
    pub(super) fn check(
        &self,
        arguments: &Map<String, Value>,
        place: &Place,
        version: Option<Version>,
    ) -> Result<(), String> {
        let key = key(arguments);
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shown) = seen.iter().find(|shown| shown.key == key) else {
            return Ok(());
        };
        if shown.path != place.path {
            return Err(format!(
                "the path leads to {} now, and to {} when it was shown; nothing was done",
                place.path.display(),
                shown.path.display()
            ));
        }
        match shown.version == version {
            true => Ok(()),
            false => Err(format!(
                "{} changed after the change was shown; nothing was written. Read it again",
                place.shown
            )),
        }
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
