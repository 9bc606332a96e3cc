//! The database: its form, and what is asked of it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, Transaction, params};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::thread::Order;
use super::{SessionInfo, SessionsError, title};
use crate::entry::{Body, Entry, Partial};
use crate::journal::{JournalError, Shown, ShownKind};

/// Each step that the form of the database took. Released ones are never changed.
const FORM: &[M<'_>] = &[M::up(
    "CREATE TABLE session (
         id TEXT PRIMARY KEY NOT NULL,
         title TEXT NOT NULL,
         directory TEXT NOT NULL,
         created INTEGER NOT NULL,
         updated INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX session_updated ON session (updated);
     CREATE TABLE entry (
         session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
         seq INTEGER NOT NULL,
         turn INTEGER NOT NULL,
         at INTEGER NOT NULL,
         kind TEXT NOT NULL,
         issuer TEXT,
         data TEXT NOT NULL,
         PRIMARY KEY (session, seq)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE shown (
         n INTEGER PRIMARY KEY,
         session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
         turn INTEGER NOT NULL,
         kind TEXT NOT NULL,
         text TEXT NOT NULL
     ) STRICT;
     CREATE INDEX shown_session ON shown (session);",
)];
/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// An open database.
pub(super) struct Database {
    path: PathBuf,
    connection: Connection,
}

impl Database {
    pub(super) fn open(path: &Path) -> Result<Self, SessionsError> {
        let wrong = |why: String| SessionsError::Database {
            path: path.to_owned(),
            why,
        };
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(|error| wrong(system(&error)))?;
        }
        // SQLite gives its other files the mode of this one.
        let mut private = OpenOptions::new();
        private.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut private, 0o600);
        private.open(path).map_err(|error| wrong(system(&error)))?;
        let sql = |error: rusqlite::Error| wrong(error.to_string());
        let mut connection = Connection::open(path).map_err(sql)?;
        connection.busy_timeout(PATIENCE).map_err(sql)?;
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(sql)?;
        connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(sql)?;
        connection
            .pragma_update(None, "foreign_keys", true)
            .map_err(sql)?;
        match Migrations::from_slice(FORM).to_latest(&mut connection) {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                connection,
            }),
            Err(rusqlite_migration::Error::MigrationDefinition(
                MigrationDefinitionError::DatabaseTooFarAhead,
            )) => Err(SessionsError::Newer {
                path: path.to_owned(),
            }),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    fn wrong(&self, error: rusqlite::Error) -> SessionsError {
        SessionsError::Database {
            path: self.path.clone(),
            why: error.to_string(),
        }
    }

    /// Writes several orders, all or none.
    pub(super) fn together(&mut self, orders: &[Order]) -> rusqlite::Result<()> {
        let all = self.connection.transaction()?;
        for order in orders {
            match order {
                Order::Append { session, entry, .. } => append(&all, session, entry)?,
                Order::Shown { session, piece, .. } => shown(&all, session, piece)?,
                Order::Ask(_) => {}
            }
        }
        all.commit()
    }

    pub(super) fn append(
        &mut self,
        session: &SessionInfo,
        entry: &Entry,
    ) -> Result<(), JournalError> {
        let mut write = || {
            let all = self.connection.transaction()?;
            append(&all, session, entry)?;
            all.commit()
        };
        write().map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => JournalError::Taken,
            _ => JournalError::Unwritable(error.to_string()),
        })
    }

    pub(super) fn shown(&mut self, session: &str, piece: &Shown) -> rusqlite::Result<()> {
        let all = self.connection.transaction()?;
        shown(&all, session, piece)?;
        all.commit()
    }

    pub(super) fn list(&mut self, limit: usize) -> Result<Vec<SessionInfo>, SessionsError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = || {
            let mut list = self
                .connection
                .prepare(&format!("{INFO} ORDER BY updated DESC, id DESC LIMIT ?1"))?;
            let rows = list.query_map([limit], info)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.wrong(error))
    }

    pub(super) fn find(&mut self, id: Option<&str>) -> Result<SessionInfo, SessionsError> {
        let Some(id) = id else {
            return self.list(1)?.pop().ok_or(SessionsError::None);
        };
        let exact = self
            .connection
            .query_row(&format!("{INFO} WHERE id = ?1"), [id], info)
            .optional()
            .map_err(|error| self.wrong(error))?;
        if let Some(exact) = exact {
            return Ok(exact);
        }
        let read = || {
            let mut begins = self
                .connection
                .prepare(&format!("{INFO} WHERE substr(id, 1, ?1) = ?2 LIMIT 2"))?;
            let length = i64::try_from(id.chars().count()).unwrap_or(i64::MAX);
            let rows = begins.query_map(params![length, id], info)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut found = read().map_err(|error| self.wrong(error))?;
        match found.len() {
            0 => Err(SessionsError::Unknown(id.to_owned())),
            1 => found.pop().ok_or(SessionsError::None),
            _ => Err(SessionsError::Ambiguous(id.to_owned())),
        }
    }

    /// The entries of a session, and the pieces that no entry followed.
    pub(super) fn load(&mut self, id: &str) -> Result<(Vec<Entry>, Vec<Shown>), SessionsError> {
        let read = || {
            let mut entries = self.connection.prepare(
                "SELECT seq, turn, at, kind, issuer, data FROM entry WHERE session = ?1 ORDER BY seq",
            )?;
            let rows = entries.query_map([id], |row| {
                let stored: (String, Option<String>, String) =
                    (row.get(3)?, row.get(4)?, row.get(5)?);
                Ok((count(row, 0)?, count(row, 1)?, count(row, 2)?, stored))
            })?;
            let entries = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut pieces = self
                .connection
                .prepare("SELECT turn, kind, text FROM shown WHERE session = ?1 ORDER BY n")?;
            let rows = pieces.query_map([id], |row| {
                let kind: String = row.get(1)?;
                Ok(Shown {
                    turn: count(row, 0)?,
                    kind: match kind.as_str() {
                        "reasoning" => ShownKind::Reasoning,
                        _ => ShownKind::Text,
                    },
                    text: row.get(2)?,
                })
            })?;
            Ok((entries, rows.collect::<rusqlite::Result<Vec<_>>>()?))
        };
        let (stored, pieces) = read().map_err(|error| self.wrong(error))?;
        let mut entries = Vec::with_capacity(stored.len());
        for (seq, turn, at, (kind, issuer, data)) in stored {
            let body =
                Body::read(&kind, &data, issuer).map_err(|error| SessionsError::Database {
                    path: self.path.clone(),
                    why: error.to_string(),
                })?;
            entries.push(Entry {
                seq,
                turn,
                at,
                body,
            });
        }
        Ok((entries, pieces))
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<(), SessionsError> {
        let gone = self
            .connection
            .execute("DELETE FROM session WHERE id = ?1", [id])
            .map_err(|error| self.wrong(error))?;
        match gone {
            0 => Err(SessionsError::Unknown(id.to_owned())),
            _ => Ok(()),
        }
    }
}

const INFO: &str = "SELECT id, title, directory, created, updated,
     (SELECT count(DISTINCT turn) FROM entry WHERE entry.session = session.id),
     (SELECT count(*) FROM entry WHERE entry.session = session.id)
     FROM session";

fn info(row: &Row<'_>) -> rusqlite::Result<SessionInfo> {
    Ok(SessionInfo {
        id: row.get(0)?,
        title: row.get(1)?,
        directory: row.get(2)?,
        created: count(row, 3)?,
        updated: count(row, 4)?,
        turns: count(row, 5)?,
        entries: count(row, 6)?,
    })
}

/// A number that is never negative.
fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(at)?;
    Ok(u64::try_from(number).unwrap_or(0))
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn append(all: &Transaction<'_>, session: &SessionInfo, entry: &Entry) -> rusqlite::Result<()> {
    let title = title(entry).unwrap_or_default();
    all.prepare_cached(
        "INSERT INTO session (id, title, directory, created, updated) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET
             updated = max(updated, excluded.updated),
             title = CASE title WHEN '' THEN excluded.title ELSE title END",
    )?
    .execute(params![
        session.id,
        title,
        session.directory,
        number(session.created),
        number(entry.at)
    ])?;
    all.prepare_cached(
        "INSERT INTO entry (session, seq, turn, at, kind, issuer, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        session.id,
        number(entry.seq),
        number(entry.turn),
        number(entry.at),
        entry.body.kind(),
        entry.body.issuer(),
        entry.body.data()
    ])?;
    // An item of the model's may be one of several that are open; anything else comes after the response.
    if entry.body.issuer().is_none() {
        all.prepare_cached("DELETE FROM shown WHERE session = ?1")?
            .execute([&session.id])?;
    }
    Ok(())
}

fn shown(all: &Transaction<'_>, session: &str, piece: &Shown) -> rusqlite::Result<()> {
    let kind = match piece.kind {
        ShownKind::Text => "text",
        ShownKind::Reasoning => "reasoning",
    };
    all.prepare_cached("INSERT INTO shown (session, turn, kind, text) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![session, number(piece.turn), kind, piece.text])?;
    Ok(())
}

/// What of the pieces stands in no item: the text of a response that was under way when its process died.
pub(super) fn left_over(entries: &[Entry], pieces: Vec<Shown>) -> Option<Partial> {
    let mut partial = Partial {
        status: "interrupted".to_owned(),
        ..Partial::default()
    };
    for piece in pieces {
        match piece.kind {
            ShownKind::Text => partial.text.push_str(&piece.text),
            ShownKind::Reasoning => partial.reasoning.push_str(&piece.text),
        }
    }
    // The items of the responses that the pieces are of: those at the end.
    let items = entries.iter().rev().map_while(|entry| match &entry.body {
        Body::Item(item) if item.issuer.is_some() => Some(item.raw.get()),
        _ => None,
    });
    for item in items {
        for text in texts(item) {
            for place in [&mut partial.text, &mut partial.reasoning] {
                if let Some(at) = place.find(&text) {
                    place.replace_range(at..at + text.len(), "");
                    break;
                }
            }
        }
    }
    partial.reasoning = partial.reasoning.trim().to_owned();
    (!partial.text.is_empty() || !partial.reasoning.is_empty()).then_some(partial)
}

/// The texts of an item's parts.
fn texts(item: &str) -> Vec<String> {
    let item: serde_json::Value = serde_json::from_str(item).unwrap_or_default();
    let lists = [&item["content"], &item["summary"]];
    let parts = lists.into_iter().filter_map(serde_json::Value::as_array);
    parts
        .flatten()
        .filter_map(|part| part["text"].as_str().or_else(|| part["refusal"].as_str()))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What the system says, without its number for it.
fn system(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
