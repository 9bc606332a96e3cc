//! What is asked of the database.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, Transaction, params};

use super::thread::Order;
use super::{SessionInfo, SessionsError, schema, title};
use crate::entry::{Body, Entry};
use crate::journal::{JournalError, Shown, ShownKind};

/// Ids that are named when several begin so.
const NAMED: u32 = 5;

/// An open database.
pub(super) struct Database {
    path: PathBuf,
    connection: Connection,
}

/// Why something is not kept.
pub(super) enum Unkept {
    /// The place is taken.
    Taken,
    /// The session is gone.
    Deleted,
    /// What SQLite says.
    Sql(rusqlite::Error),
}

impl Unkept {
    /// Whoever holds the database was waited for already.
    pub(super) fn waited(&self) -> bool {
        match self {
            Self::Sql(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
            ),
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for Unkept {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<&Unkept> for JournalError {
    fn from(unkept: &Unkept) -> Self {
        match unkept {
            Unkept::Taken => Self::Taken,
            Unkept::Deleted => Self::Deleted,
            Unkept::Sql(error) => Self::Unwritable(error.to_string()),
        }
    }
}

impl Database {
    pub(super) fn open(path: &Path) -> Result<Self, SessionsError> {
        Ok(Self {
            connection: schema::open(path)?,
            path: path.to_owned(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn wrong(&self, error: rusqlite::Error) -> SessionsError {
        schema::wrong(&self.path, &error)
    }

    /// Writes orders, all or none.
    pub(super) fn write(&mut self, orders: &[Order]) -> Result<(), Unkept> {
        let all = self.connection.transaction()?;
        for order in orders {
            match order {
                Order::Append { session, entry, .. } => append(&all, session, entry)?,
                Order::Shown { session, piece, .. } => shown(&all, session, piece)?,
                Order::Ask(_) => {}
            }
        }
        Ok(all.commit()?)
    }

    pub(super) fn list(&mut self, limit: usize) -> Result<Vec<SessionInfo>, SessionsError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = || {
            let mut list = self
                .connection
                .prepare(&format!("{INFO} ORDER BY used DESC LIMIT ?1"))?;
            let rows = list.query_map([limit], info)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.wrong(error))
    }

    /// The latest; or the one of this id, of an id that begins so, or whose letters behind the date do.
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
            let mut begins = self.connection.prepare(&format!(
                "{INFO} WHERE substr(id, 1, ?1) = lower(?2) OR substr(id, 10, ?1) = lower(?2)
                 ORDER BY used DESC LIMIT ?3"
            ))?;
            let length = i64::try_from(id.chars().count()).unwrap_or(i64::MAX);
            let rows = begins.query_map(params![length, id, NAMED + 1], info)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut found = match id.is_empty() {
            true => Vec::new(),
            false => read().map_err(|error| self.wrong(error))?,
        };
        match found.len() {
            0 => Err(SessionsError::Unknown(id.to_owned())),
            1 => found.pop().ok_or(SessionsError::None),
            several => {
                let ids = found.into_iter().take(NAMED as usize).map(|info| info.id);
                let mut these = ids.collect::<Vec<_>>().join(", ");
                if several > NAMED as usize {
                    these.push_str(", …");
                }
                Err(SessionsError::Ambiguous {
                    id: id.to_owned(),
                    these,
                })
            }
        }
    }

    /// The entries of a session, and the pieces that no entry followed.
    pub(super) fn load(&mut self, id: &str) -> Result<(Vec<Entry>, Vec<Shown>), SessionsError> {
        // Both as they stood at one moment.
        let read = || -> rusqlite::Result<_> {
            let all = self.connection.unchecked_transaction()?;
            Ok((entries(&all, id)?, pieces(&all, id)?))
        };
        let (entries, pieces) = read().map_err(|error| self.wrong(error))?;
        let entries = entries.map_err(|why| SessionsError::Database {
            path: self.path.clone(),
            why,
        })?;
        Ok((entries, pieces))
    }

    /// Leaves out the pieces that stand in entries. Where that cannot be written they are looked at again the next time.
    pub(super) fn forget_shown(&mut self, id: &str) {
        let gone = self
            .connection
            .execute("DELETE FROM shown WHERE session = ?1", [id]);
        if let Err(error) = gone {
            tracing::debug!(%error, "shown pieces are not left out");
        }
    }

    /// Deletes a session, and what is left of it in the file.
    pub(super) fn delete(&mut self, id: &str) -> Result<(), SessionsError> {
        let delete = || {
            self.connection.pragma_update(None, "secure_delete", true)?;
            let gone = self
                .connection
                .execute("DELETE FROM session WHERE id = ?1", [id])?;
            self.connection
                .pragma_update(None, "secure_delete", "FAST")?;
            // The log holds it too. While another process reads, that has to wait until the log is full.
            let log = self
                .connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            if let Err(error) = log {
                tracing::debug!(%error, "the log is not emptied");
            }
            Ok(gone)
        };
        match delete().map_err(|error| self.wrong(error))? {
            0 => Err(SessionsError::Unknown(id.to_owned())),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl Database {
    /// A disk with room for this many pages.
    pub(super) fn limit(&mut self, pages: u64) {
        let limit =
            self.connection
                .pragma_update_and_check(None, "max_page_count", number(pages), |row| {
                    row.get::<_, i64>(0)
                });
        limit.unwrap();
    }

    pub(super) fn is_whole(&self) -> bool {
        let check = self
            .connection
            .query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        check.unwrap() == "ok"
    }
}

const INFO: &str = "SELECT id, title, directory, created, updated, turns, entries FROM session";

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

/// The entries; in the inner error, why one cannot be read.
fn entries(connection: &Connection, id: &str) -> rusqlite::Result<Result<Vec<Entry>, String>> {
    let mut stored = connection.prepare(
        "SELECT seq, turn, at, kind, issuer, data FROM entry WHERE session = ?1 ORDER BY seq",
    )?;
    let mut rows = stored.query([id])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, data) = (row.get_ref(3)?.as_str()?, row.get_ref(5)?.as_str()?);
        let body = match Body::read(kind, data, row.get(4)?) {
            Ok(body) => body,
            Err(error) => return Ok(Err(error.to_string())),
        };
        entries.push(Entry {
            seq: count(row, 0)?,
            turn: count(row, 1)?,
            at: count(row, 2)?,
            body,
        });
    }
    Ok(Ok(entries))
}

fn pieces(connection: &Connection, id: &str) -> rusqlite::Result<Vec<Shown>> {
    let mut pieces =
        connection.prepare("SELECT turn, kind, text FROM shown WHERE session = ?1 ORDER BY n")?;
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
    rows.collect()
}

/// A number that is never negative.
fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(at)?;
    Ok(u64::try_from(number).unwrap_or(0))
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn append(all: &Transaction<'_>, session: &SessionInfo, entry: &Entry) -> Result<(), Unkept> {
    place(all, session, entry)?;
    let written = all
        .prepare_cached(
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
        ]);
    match written {
        Ok(_) => {}
        Err(error) if is_constraint(&error) => return Err(Unkept::Taken),
        Err(error) => return Err(error.into()),
    }
    // An item of the model's may be one of several that are open; what is taken back of a response comes before what was shown
    // of it. Anything else comes behind the response.
    let is_amid = matches!(entry.body, Body::Undone(_)) || entry.body.issuer().is_some();
    if !is_amid {
        all.prepare_cached("DELETE FROM shown WHERE session = ?1")?
            .execute([&session.id])?;
    }
    Ok(())
}

/// Makes the session for its first entry, and its place for any other: the next one, and no other.
fn place(all: &Transaction<'_>, session: &SessionInfo, entry: &Entry) -> Result<(), Unkept> {
    const USED: &str = "(SELECT coalesce(max(used), 0) + 1 FROM session)";
    let title = title(entry).unwrap_or_default();
    if entry.seq == 0 {
        let begun = all
            .prepare_cached(&format!(
                "INSERT INTO session (id, title, directory, created, updated, used, turns, entries)
                 VALUES (?1, ?2, ?3, ?4, max(?4, ?5), {USED}, ?6, 1)"
            ))?
            .execute(params![
                session.id,
                title,
                session.directory,
                number(session.created),
                number(entry.at),
                number(entry.turn)
            ]);
        return match begun {
            Ok(_) => Ok(()),
            Err(error) if is_constraint(&error) => Err(Unkept::Taken),
            Err(error) => Err(error.into()),
        };
    }
    let placed = all
        .prepare_cached(&format!(
            "UPDATE session SET
                 updated = max(created, ?3),
                 used = {USED},
                 turns = max(turns, ?4),
                 entries = ?2 + 1,
                 title = CASE title WHEN '' THEN ?5 ELSE title END
             WHERE id = ?1 AND entries = ?2"
        ))?
        .execute(params![
            session.id,
            number(entry.seq),
            number(entry.at),
            number(entry.turn),
            title
        ])?;
    if placed > 0 {
        return Ok(());
    }
    let there = all
        .prepare_cached("SELECT 1 FROM session WHERE id = ?1")?
        .exists([&session.id])?;
    Err(if there {
        Unkept::Taken
    } else {
        Unkept::Deleted
    })
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

fn shown(all: &Transaction<'_>, session: &str, piece: &Shown) -> Result<(), Unkept> {
    let kind = match piece.kind {
        ShownKind::Text => "text",
        ShownKind::Reasoning => "reasoning",
    };
    let written = all
        .prepare_cached("INSERT INTO shown (session, turn, kind, text) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![session, number(piece.turn), kind, piece.text]);
    match written {
        Ok(_) => Ok(()),
        Err(error) if is_constraint(&error) => Err(Unkept::Deleted),
        Err(error) => Err(error.into()),
    }
}
