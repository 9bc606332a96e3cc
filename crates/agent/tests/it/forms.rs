//! The database in whatever form it is found: newer, older, damaged, left behind, open to others, or not to be made.

use std::fs;
use std::path::{Path, PathBuf};

use respair_agent::Journal as _;
use respair_agent::sessions::{Sessions, SessionsError};

use crate::sessions::{NOW, item, told};
use crate::store::{begin, other, path};

/// A newer version's: not a byte of it is changed, nor of the log that it left behind.
#[tokio::test]
async fn a_newer_one_is_left_alone() {
    for logged in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("state")).unwrap();
        let newer = other(&dir);
        newer
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE session (a); PRAGMA user_version = 99",
            )
            .unwrap();
        if !logged {
            drop(newer);
        } else {
            // As a process that was killed leaves it.
            let (db, log) = (
                fs::read(path(&dir)).unwrap(),
                fs::read(log_of(&dir)).unwrap(),
            );
            drop(newer);
            fs::write(path(&dir), db).unwrap();
            fs::write(log_of(&dir), log).unwrap();
        }
        let read = |file: PathBuf| fs::read(file).unwrap_or_default();
        let before = (read(path(&dir)), read(log_of(&dir)));
        let opened = Sessions::open(&path(&dir)).map(drop).unwrap_err();
        assert!(matches!(opened, SessionsError::Newer { .. }), "{opened}");
        assert!(before == (read(path(&dir)), read(log_of(&dir))), "{logged}");
    }
}

fn log_of(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("state/sessions.db-wal")
}

/// A log that a process left behind is a part of the database.
#[tokio::test]
async fn a_log_that_was_left_behind_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let session = begin(&sessions, NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    let left = tempfile::tempdir().unwrap();
    fs::create_dir(left.path().join("state")).unwrap();
    fs::copy(path(&dir), path(&left)).unwrap();
    fs::copy(log_of(&dir), log_of(&left)).unwrap();
    let (_, entries) = Sessions::open(&path(&left))
        .unwrap()
        .resume(Some(session.id()))
        .await
        .unwrap();
    assert_eq!(
        told(&entries),
        told(&sessions.entries(session.id()).await.unwrap())
    );
}

/// Not a database, or no whole one: said, and left as it is.
#[tokio::test]
async fn a_damaged_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    {
        let sessions = Sessions::open(&path(&dir)).unwrap();
        let session = begin(&sessions, NOW);
        let long = "word ".repeat(20_000);
        session.append(&item(0, 1, &long, None)).await.unwrap();
    }
    let whole = fs::read(path(&dir)).unwrap();
    let mut torn = whole.clone();
    torn[100..4096].fill(0x5a);
    let noise: Vec<u8> = (0..=255).cycle().take(9_000).collect();
    for bytes in [
        noise,
        torn,
        whole[..5_000].to_vec(),
        b"SQLite format 3\0".to_vec(),
    ] {
        fs::write(path(&dir), &bytes).unwrap();
        let opened = match Sessions::open(&path(&dir)) {
            Ok(sessions) => sessions.list(9).await.map(drop),
            Err(error) => Err(error),
        };
        let error = opened.unwrap_err();
        assert!(matches!(error, SessionsError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("left as it is"), "{error}");
        assert!(bytes == fs::read(path(&dir)).unwrap(), "{}", bytes.len());
    }
}

/// The form of before: nothing of it is lost.
#[tokio::test]
async fn an_older_one_is_brought_into_form() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("state")).unwrap();
    other(&dir)
        .execute_batch(include_str!("sessions_1.sql"))
        .unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let list = sessions.list(9).await.unwrap();
    let told: Vec<_> = list
        .iter()
        .map(|info| (info.id.as_str(), info.turns, info.entries))
        .collect();
    assert_eq!(told, [("20261122-bbbbbb", 1, 1), ("20261123-aaaaaa", 2, 3)]);
    let (session, entries) = sessions.resume(Some("aaaaaa")).await.unwrap();
    assert_eq!(entries.len(), 3);
    session.append(&item(3, 3, "more", None)).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_what_was_open_before() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // A directory that is not there is made; so is the target of a link.
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("a/b/sessions.db");
    drop(Sessions::open(&deep).unwrap());
    assert_eq!(mode(deep.parent().unwrap()), 0o700);
    let (link, target) = (dir.path().join("link.db"), dir.path().join("target.db"));
    symlink(&target, &link).unwrap();
    let linked = Sessions::open(&link).unwrap();
    let session = begin(&linked, NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    assert_eq!(mode(&target), 0o600);
    for name in ["target.db-wal", "target.db-shm"] {
        assert_eq!(mode(&dir.path().join(name)), 0o600, "{name}");
    }
    // A file that others could read is closed to them.
    let open = dir.path().join("open.db");
    fs::write(&open, b"").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Sessions::open(&open).unwrap());
    assert_eq!(mode(&open), 0o600);
}

/// A place where nothing can be made is said in the system's words.
#[cfg(target_os = "linux")]
#[test]
fn a_place_where_nothing_can_be_made() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), b"").unwrap();
    for at in [
        dir.path().join("file/sessions.db"),
        "/proc/self/sessions.db".into(),
    ] {
        let error = Sessions::open(&at).map(drop).unwrap_err();
        assert!(matches!(error, SessionsError::Database { .. }), "{error}");
    }
    let at = dir.path().join("is-a-directory.db");
    fs::create_dir(&at).unwrap();
    let error = Sessions::open(&at).map(drop).unwrap_err().to_string();
    assert!(error.contains("is-a-directory.db: "), "{error}");
}
