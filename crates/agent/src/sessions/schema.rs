//! The form of the database, and how it is opened: by its owner alone, by several processes, and never when it is not ours to change.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use super::SessionsError;

/// Each step that the form of the database took. Released ones are never changed.
const FORM: &[M<'_>] = &[
    M::up(
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
    ),
    // `used` orders the sessions by when they were gone on with: clocks go back, this does not. The counts spare a list from
    // reading every entry.
    M::up(
        "ALTER TABLE session ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE session ADD COLUMN turns INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE session ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;
         UPDATE session SET
             used = (SELECT count(*) FROM session AS other
                     WHERE (other.updated, other.id) <= (session.updated, session.id)),
             turns = (SELECT coalesce(max(turn), 0) FROM entry WHERE entry.session = session.id),
             entries = (SELECT count(*) FROM entry WHERE entry.session = session.id);
         DROP INDEX session_updated;
         CREATE INDEX session_used ON session (used);",
    ),
];
/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is tried to bring the database into its form, while others do so too.
const TRIES: usize = 20;

/// Opens the database, and makes it where there is none.
pub(super) fn open(path: &Path) -> Result<Connection, SessionsError> {
    let system = |error: &std::io::Error| SessionsError::Database {
        path: path.to_owned(),
        why: words(error),
    };
    make_private(path).map_err(|error| system(&error))?;
    let sql = |error: rusqlite::Error| wrong(path, &error);
    let mut connection = Connection::open(path).map_err(sql)?;
    connection.busy_timeout(PATIENCE).map_err(sql)?;
    // Until it is known to be ours, nothing is written: not even what is left in its log.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(sql)?;
    if usize::try_from(version(&connection).map_err(sql)?).is_ok_and(|version| version > FORM.len())
    {
        return Err(SessionsError::Newer {
            path: path.to_owned(),
        });
    }
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .map_err(sql)?;
    // A link's target lies elsewhere, as do its log and its index.
    restrict(&std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let mut tries = 0;
    loop {
        match form(&mut connection) {
            Ok(()) => break,
            // Somebody else did it meanwhile, or does: that is seen the next time.
            Err(error) if tries < TRIES && error.is_of_the_moment() => {
                tries += 1;
                // SQLite waits for them here, as it does not for everything.
                let _ = connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
            }
            Err(error) => return Err(error.wrong(path)),
        }
    }
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings it into its form.
fn form(connection: &mut Connection) -> Result<(), Unformed> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(Migrations::from_slice(FORM).to_latest(connection)?)
}

/// Why it has not its form.
enum Unformed {
    Sql(rusqlite::Error),
    Migration(rusqlite_migration::Error),
}

impl Unformed {
    /// It may have come from what another process did at the same time.
    fn is_of_the_moment(&self) -> bool {
        match self {
            Self::Sql(error) => error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy),
            Self::Migration(rusqlite_migration::Error::RusqliteError { err, .. }) => matches!(
                err.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::Unknown)
            ),
            Self::Migration(_) => false,
        }
    }

    fn wrong(&self, path: &Path) -> SessionsError {
        match self {
            Self::Sql(error)
            | Self::Migration(rusqlite_migration::Error::RusqliteError { err: error, .. }) => {
                wrong(path, error)
            }
            Self::Migration(error) => SessionsError::Database {
                path: path.to_owned(),
                why: error.to_string(),
            },
        }
    }
}

impl From<rusqlite::Error> for Unformed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<rusqlite_migration::Error> for Unformed {
    fn from(error: rusqlite_migration::Error) -> Self {
        Self::Migration(error)
    }
}

/// What SQLite says about the database.
pub(super) fn wrong(path: &Path, error: &rusqlite::Error) -> SessionsError {
    let (path, why) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            SessionsError::Damaged { path, why }
        }
        _ => SessionsError::Database { path, why },
    }
}

/// Makes the file and its directory for their owner alone, where there are none. A file that is there is not opened: to close
/// it would end the locks that SQLite holds on it in this process.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
    }
    let mut private = OpenOptions::new();
    private.create_new(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut private, 0o600);
    match private.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes from others what they may do with a file that came from elsewhere. SQLite gives its other files the mode of this one.
fn restrict(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| Some(std::fs::metadata(path).ok()?.permissions().mode());
        for end in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            let file = Path::new(&name);
            if mode(file).is_some_and(|mode| mode & 0o077 != 0) {
                // A file of somebody else's stays as it is.
                let _ = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600));
            }
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// What the system says, without its number for it.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
