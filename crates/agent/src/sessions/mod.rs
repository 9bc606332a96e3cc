//! Conversations on disk, in SQLite.
//!
//! One thread owns the database and is talked to through a channel: an entry waits until it is written, a piece that is
//! shown until the one before it is. What waits together is written in one transaction. A process that dies leaves every entry that was
//! acknowledged, and the pieces of the response under way; whoever opens the session next finds those as a
//! [`Partial`](crate::Body::Partial) marked `interrupted`.
//!
//! Several processes may use one database, each with sessions of its own. A session is gone on with by one of them at a time
//! ([`SessionsError::InUse`]). Where that cannot be told, two would write the same place: the second is told
//! ([`JournalError::Taken`]), and its conversation goes on without being kept.
//!
//! What is written outlives the process. When the power fails the database is whole, and may lack what the system had not
//! brought to the disk yet.

mod database;
mod hold;
mod left;
mod schema;
mod thread;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::entry::{Body, Entry};
use crate::journal::{Journal, JournalError, Shown};
use crate::{BoxFuture, Input};

use database::Database;
use hold::{Held, Hold};
use thread::{Order, Writer};

/// How long a piece that is shown waits for the one before it to be written: another process that holds the database for longer
/// does not hold up what is shown.
const SHOWN: Duration = Duration::from_secs(1);

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
    /// It is no database, or not a whole one. It is left as it is.
    #[error("{} is damaged ({why}) and left as it is; once it is moved away, a new one is begun", path.display())]
    Damaged {
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
    #[error("several sessions begin with `{id}`: {these}")]
    Ambiguous {
        /// What was asked for.
        id: String,
        /// Some of them.
        these: String,
    },
    /// Another process goes on with it.
    #[error("another process goes on with session {0}")]
    InUse(String),
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
    /// Keeps others out, from the first entry on.
    hold: Mutex<Option<Hold>>,
    /// Tells when the piece that was shown last is written.
    before: Mutex<Option<oneshot::Receiver<()>>>,
    /// That takes long.
    late: AtomicBool,
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
            hold: Mutex::default(),
            before: Mutex::default(),
            late: AtomicBool::new(false),
        }
    }

    /// Opens a session to go on with it: by its id or the beginning of one, else the latest. What a process that died had
    /// shown becomes an entry.
    ///
    /// # Errors
    /// When there is none, when several begin so, when another process goes on with it, when it cannot be read.
    pub async fn resume(&self, id: Option<&str>) -> Result<(Session, Vec<Entry>), SessionsError> {
        let info = self.find(id).await?;
        let hold = match Hold::take(self.writer.path(), &info.id) {
            Held::Elsewhere => return Err(SessionsError::InUse(info.id)),
            Held::Unknown => None,
            Held::Yes(hold) => Some(hold),
        };
        let of = info.id.clone();
        let (mut entries, left) = self.writer.ask(move |db| db.load(&of)).await?;
        let was_shown = !left.is_empty();
        let session = Session {
            info,
            writer: Arc::clone(&self.writer),
            hold: Mutex::new(hold),
            before: Mutex::default(),
            late: AtomicBool::new(false),
        };
        if let Some(entry) = left::entry(&entries, left, "interrupted") {
            // Where it cannot be written it is no entry, and found again the next time.
            if session.append(&entry).await.is_ok() {
                entries.push(entry);
            }
        } else if was_shown {
            // All of it stands in items. It is not to be found again once those are taken back.
            let of = session.info.id.clone();
            self.writer
                .order(Order::Ask(Box::new(move |db| db.forget_shown(&of))));
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

    /// Every entry of a session, to be read. What was shown of a response and stands in no entry is a
    /// [`Partial`](crate::Body::Partial) at the end: `under way` while another process goes on with it, else `interrupted`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn entries(&self, id: &str) -> Result<Vec<Entry>, SessionsError> {
        let id = id.to_owned();
        let read = move |db: &mut Database| {
            let (mut entries, left) = db.load(&id)?;
            if !left.is_empty() {
                let status = match Hold::take(db.path(), &id) {
                    Held::Elsewhere => "under way",
                    Held::Yes(_) | Held::Unknown => "interrupted",
                };
                entries.extend(left::entry(&entries, left, status));
            }
            Ok(entries)
        };
        self.writer.ask(read).await
    }

    /// Deletes a session and everything in it.
    ///
    /// # Errors
    /// When there is none, when another process goes on with it, when it cannot be written.
    pub async fn delete(&self, id: &str) -> Result<(), SessionsError> {
        let id = id.to_owned();
        // The hold is asked for where it is let go: behind what is still to be written.
        let delete = move |db: &mut Database| match Hold::take(db.path(), &id) {
            Held::Elsewhere => Err(SessionsError::InUse(id)),
            _held => db.delete(&id),
        };
        self.writer.ask(delete).await
    }
}

impl Session {
    /// The session's id.
    pub fn id(&self) -> &str {
        &self.info.id
    }

    /// Keeps others out. A session that was just begun is nobody else's.
    fn hold(&self) {
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        if hold.is_none()
            && let Held::Yes(taken) = Hold::take(self.writer.path(), &self.info.id)
        {
            *hold = Some(taken);
        }
    }

    /// What is known of it since it was begun or opened.
    pub fn info(&self) -> &SessionInfo {
        &self.info
    }
}

impl Journal for Session {
    fn append<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(async move {
            self.hold();
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
            let Some(mut before) = before else {
                return;
            };
            // A piece that could not be kept does not hold up the next one. Nor does one that waits for another process: it
            // is waited for a little, and those behind it not at all.
            let pending = matches!(before.try_recv(), Err(TryRecvError::Empty));
            let late = pending
                && (self.late.load(Ordering::Relaxed)
                    || tokio::time::timeout(SHOWN, before).await.is_err());
            self.late.store(late, Ordering::Relaxed);
        })
    }
}

impl Drop for Session {
    /// Others may go on with it once everything is written.
    fn drop(&mut self) {
        let hold = self.hold.get_mut().map(Option::take);
        if let Ok(Some(hold)) = hold {
            self.writer.order(Order::Ask(Box::new(move |_| drop(hold))));
        }
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
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::StoredItem;

    /// The disk has no more than this many pages for the database.
    async fn pages(sessions: &Sessions, most: u64) {
        let limit = move |db: &mut Database| {
            db.limit(most);
            Ok(())
        };
        sessions.writer.ask(limit).await.unwrap();
    }

    fn item(seq: u64) -> Entry {
        let text = format!("{seq} {}", "word ".repeat(200));
        let raw = serde_json::json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]});
        Entry {
            seq,
            turn: 1,
            at: 0,
            body: Body::Item(StoredItem {
                raw: serde_json::value::to_raw_value(&raw).unwrap(),
                issuer: None,
            }),
        }
    }

    /// What was acknowledged is kept, nothing comes behind a gap, and the database is whole; also when pieces and entries wait together.
    #[tokio::test]
    async fn a_full_disk_ends_what_is_kept_and_breaks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(&dir.path().join("sessions.db")).unwrap();
        let session = sessions.begin(Path::new("/"), 0);
        pages(&sessions, 40).await;
        let entries: Vec<Entry> = (0..200).map(item).collect();
        let mut kept = 0;
        let mut refused = None;
        for some in entries.chunks(7) {
            let written = some.iter().map(|entry| session.append(entry));
            let written = futures_util::future::join_all(written).await;
            for (at, written) in written.into_iter().enumerate() {
                match written {
                    Ok(()) => {
                        assert_eq!(refused, None, "behind a gap: {at}");
                        kept += 1;
                    }
                    Err(error) => refused = refused.or(Some(error)),
                }
            }
            let piece = "half a word".repeat(100);
            session
                .shown(Shown {
                    turn: 1,
                    kind: crate::ShownKind::Text,
                    text: piece,
                })
                .await;
        }
        let refused = refused.expect("the disk is full");
        assert!(refused.to_string().contains("full"), "{refused}");
        assert!(kept > 20, "{kept}");
        let id = session.id().to_owned();
        drop(session);
        let whole = sessions.writer.ask(|db| Ok(db.is_whole())).await.unwrap();
        assert!(whole);
        // It can be gone on with, and says why nothing is kept.
        let (session, read) = sessions.resume(Some(&id)).await.unwrap();
        let next = read.len() as u64;
        let refused = session.append(&item(next)).await.unwrap_err();
        assert!(refused.to_string().contains("full"), "{refused}");
        drop(session);
        // Once there is room again it goes on where it ended.
        pages(&sessions, 100_000).await;
        let (session, read) = sessions.resume(Some(&id)).await.unwrap();
        let items = read.iter().filter(|entry| entry.body.kind() == "item");
        assert_eq!(items.count(), kept);
        let next = read.len() as u64;
        session.append(&item(next)).await.unwrap();
    }

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
