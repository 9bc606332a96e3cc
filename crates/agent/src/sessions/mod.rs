//! Conversations on disk, in SQLite.
//!
//! One thread owns the database and is talked to through a channel: an entry waits until it is written, a piece that is
//! shown until the one before it is. What waits together is written in one transaction. A process that dies leaves every entry that was
//! acknowledged, and the pieces of the response under way; whoever opens the session next finds those as a
//! [`Partial`](crate::Body::Partial) marked `interrupted`.
//!
//! Several processes may use one database. Two that go on with the same session would write the same place: the second is
//! told ([`JournalError::Taken`]), and its conversation goes on without being kept.

mod database;
mod thread;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::entry::{Body, Entry};
use crate::journal::{Journal, JournalError, Shown};
use crate::{BoxFuture, Input};

use thread::{Order, Writer};

/// A session, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its id: a date and six characters.
    pub id: String,
    /// What the user said first, on one line, shortened.
    pub title: String,
    /// Where it was begun.
    pub directory: String,
    /// When it was begun, in seconds since 1970.
    pub created: u64,
    /// When its last entry was made.
    pub updated: u64,
    /// How many turns of the user's there are.
    pub turns: u64,
    /// How many entries there are.
    pub entries: u64,
}

/// What can go wrong with sessions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionsError {
    /// The database cannot be opened or read.
    #[error("{}: {why}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// A newer version wrote the database.
    #[error("{} was written by a newer version; it is neither read nor changed", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// There is no such session.
    #[error("there is no session `{0}`")]
    Unknown(String),
    /// Several sessions begin so.
    #[error("several sessions begin with `{0}`")]
    Ambiguous(String),
    /// There is none at all.
    #[error("there is no session yet")]
    None,
}

/// The sessions of one database. Clones share it.
#[derive(Clone, Debug)]
pub struct Sessions {
    writer: Arc<Writer>,
}

/// A session that is being gone on with.
#[derive(Debug)]
pub struct Session {
    info: SessionInfo,
    writer: Arc<Writer>,
    /// Tells when the piece that was shown last is written.
    before: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Sessions {
    /// Opens the database, and makes it where there is none: readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be opened, or is a newer version's.
    pub fn open(path: &Path) -> Result<Self, SessionsError> {
        Ok(Self {
            writer: Arc::new(Writer::start(path)?),
        })
    }

    /// Begins a session. `now` is in seconds since 1970. Nothing is stored before its first entry.
    pub fn begin(&self, directory: &Path, now: u64) -> Session {
        Session {
            info: SessionInfo {
                id: new_id(now),
                title: String::new(),
                directory: directory.display().to_string(),
                created: now,
                updated: now,
                turns: 0,
                entries: 0,
            },
            writer: Arc::clone(&self.writer),
            before: Mutex::default(),
        }
    }

    /// Opens a session to go on with it: by its id or the beginning of one, else the latest. What a process that died had
    /// shown becomes an entry.
    ///
    /// # Errors
    /// When there is none, when several begin so, when it cannot be read.
    pub async fn resume(&self, id: Option<&str>) -> Result<(Session, Vec<Entry>), SessionsError> {
        let info = self.find(id).await?;
        let of = info.id.clone();
        let (mut entries, left) = self.writer.ask(move |db| db.load(&of)).await?;
        let session = Session {
            info,
            writer: Arc::clone(&self.writer),
            before: Mutex::default(),
        };
        if let Some(partial) = database::left_over(&entries, left) {
            let last = entries.last();
            let entry = Entry {
                seq: last.map_or(0, |last| last.seq + 1),
                turn: last.map_or(1, |last| last.turn),
                at: last.map_or(session.info.created, |last| last.at),
                body: Body::Partial(partial),
            };
            // Where it cannot be written it is found again the next time.
            let _ = session.append(&entry).await;
            entries.push(entry);
        }
        Ok((session, entries))
    }

    /// The sessions, the latest first, `limit` of them at most.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn list(&self, limit: usize) -> Result<Vec<SessionInfo>, SessionsError> {
        self.writer.ask(move |db| db.list(limit)).await
    }

    /// The session of this id, or of an id that begins so, else the latest.
    ///
    /// # Errors
    /// When there is none, when several begin so, when they cannot be read.
    pub async fn find(&self, id: Option<&str>) -> Result<SessionInfo, SessionsError> {
        let id = id.map(str::to_owned);
        self.writer.ask(move |db| db.find(id.as_deref())).await
    }

    /// Every entry of a session.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn entries(&self, id: &str) -> Result<Vec<Entry>, SessionsError> {
        let id = id.to_owned();
        let (entries, _) = self.writer.ask(move |db| db.load(&id)).await?;
        Ok(entries)
    }

    /// Deletes a session and everything in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn delete(&self, id: &str) -> Result<(), SessionsError> {
        let id = id.to_owned();
        self.writer.ask(move |db| db.delete(&id)).await
    }
}

impl Session {
    /// The session's id.
    pub fn id(&self) -> &str {
        &self.info.id
    }

    /// What is known of it since it was begun or opened.
    pub fn info(&self) -> &SessionInfo {
        &self.info
    }
}

impl Journal for Session {
    fn append<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            let (done, ended) = oneshot::channel();
            self.writer.order(Order::Append {
                session: self.info.clone(),
                entry: entry.clone(),
                done,
            });
            let gone = || JournalError::Unwritable("the database's thread ended".to_owned());
            ended.await.unwrap_or_else(|_| Err(gone()))
        })
    }

    fn shown(&self, piece: Shown) -> BoxFuture<'_, ()> {
        let (done, ended) = oneshot::channel();
        self.writer.order(Order::Shown {
            session: self.info.id.clone(),
            piece,
            done,
        });
        let before = self
            .before
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(ended);
        Box::pin(async move {
            if let Some(before) = before {
                // A piece that could not be kept does not hold up the next one.
                let _ = before.await;
            }
        })
    }
}

/// A date, and six characters that no other session of that day has.
fn new_id(now: u64) -> String {
    let (year, month, day) = civil(now / 86_400);
    let mut random = fastrand::Rng::new();
    let tail: String = (0..6).map(|_| random.lowercase()).collect();
    format!("{year:04}{month:02}{day:02}-{tail}")
}

/// The date of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that a leap day is the last of its year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, date)
}

/// The line that stands for a session: what the user said first.
fn title(entry: &Entry) -> Option<String> {
    const LONGEST: usize = 60;
    let Body::Item(item) = &entry.body else {
        return None;
    };
    if item.issuer.is_some() {
        return None;
    }
    let said = Input::said(item.raw.get())?;
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(match words.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", words[..at].trim_end()),
        None => words,
    })
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_are_dates() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_780, (2026, 11, 23)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(day), date, "{day}");
        }
    }
}
