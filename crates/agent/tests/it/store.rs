//! The database in whatever condition: held by others, damaged, newer, open to others; and clocks that go back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};

use futures_util::FutureExt as _;
use respair_agent::sessions::{Session, Sessions, SessionsError};
use respair_agent::{Body, Journal as _, JournalError, Shown, ShownKind};
use rusqlite::Connection;

use crate::sessions::{NOW, item, shown, told};

fn path(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("state/sessions.db")
}

fn begin(sessions: &Sessions, now: u64) -> Session {
    sessions.begin(Path::new("/"), now)
}

/// Somebody else's connection.
fn other(dir: &tempfile::TempDir) -> Connection {
    Connection::open(path(dir)).unwrap()
}

fn check(connection: &Connection) -> String {
    let check = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    check.unwrap()
}

/// Nobody made the database yet, and all want it at once.
#[tokio::test]
async fn many_open_it_for_the_first_time() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let start = Arc::new(Barrier::new(8));
        let opened: Vec<_> = (0..8)
            .map(|_| {
                let (start, path) = (Arc::clone(&start), path(&dir));
                std::thread::spawn(move || {
                    start.wait();
                    Sessions::open(&path)
                })
            })
            .collect();
        let opened: Vec<Sessions> = opened
            .into_iter()
            .map(|thread| thread.join().unwrap().unwrap())
            .collect();
        for sessions in &opened {
            let kept = begin(sessions, NOW);
            kept.append(&item(0, 1, "Hi", None)).await.unwrap();
        }
        assert_eq!(opened[0].list(99).await.unwrap().len(), 8);
    }
}

#[tokio::test]
async fn a_session_is_gone_on_with_by_one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (
        Sessions::open(&path(&dir)).unwrap(),
        Sessions::open(&path(&dir)).unwrap(),
    );
    let first = begin(&one, NOW);
    let id = first.id().to_owned();
    first.append(&item(0, 1, "Hi", None)).await.unwrap();
    first.shown(shown(ShownKind::Text, "Half")).await;
    for again in [two.resume(None).await, two.resume(Some(&id)).await] {
        assert!(matches!(again, Err(SessionsError::InUse(of)) if of == id));
    }
    // Nor is it deleted. To read it is nobody's business but the reader's.
    let deleted = two.delete(&id).await;
    assert!(matches!(deleted, Err(SessionsError::InUse(of)) if of == id));
    let status = |body: &Body| match body {
        Body::Partial(partial) => partial.status.clone(),
        other => other.kind().to_owned(),
    };
    let read = two.entries(&id).await.unwrap();
    assert_eq!(status(&read.last().unwrap().body), "under way");
    // What the first says is kept as if nobody had looked.
    first.append(&item(1, 1, "Half", Some("x"))).await.unwrap();
    drop(first);
    let (second, entries) = one.resume(Some(&id)).await.unwrap();
    assert_eq!(entries.len(), 2);
    // It is let go behind what is still to be written, which is over with its `Sessions`.
    drop((second, one));
    two.resume(None).await.unwrap();
    drop(two);
    // The files that held it are gone.
    let left = fs::read_dir(dir.path().join("state/sessions.open")).unwrap();
    assert_eq!(left.count(), 0);
}

/// Where nobody could be kept out, a place is written once.
#[tokio::test]
async fn the_second_at_one_place_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let session = begin(&sessions, NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    let taken = "INSERT INTO entry SELECT session, 1, turn, at, kind, issuer, 'taken' FROM entry;
         UPDATE session SET entries = 2;";
    other(&dir).execute_batch(taken).unwrap();
    let refused = session.append(&item(1, 1, "second", Some("x"))).await;
    assert_eq!(refused, Err(JournalError::Taken));
    // Nor does anything come behind a place that is empty.
    let refused = session.append(&item(3, 1, "third", Some("x"))).await;
    assert_eq!(refused, Err(JournalError::Taken));
    let kept: i64 = other(&dir)
        .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 2);
}

/// What was deleted does not come back as a half.
#[tokio::test]
async fn a_deleted_session_stays_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let session = begin(&sessions, NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    let deleted = "PRAGMA foreign_keys = ON; DELETE FROM session";
    other(&dir).execute_batch(deleted).unwrap();
    session.shown(shown(ShownKind::Text, "Hel")).await;
    let refused = session.append(&item(1, 1, "Hello", Some("x"))).await;
    assert_eq!(refused, Err(JournalError::Deleted));
    assert!(sessions.list(9).await.unwrap().is_empty());
    let left: i64 = other(&dir)
        .query_row(
            "SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM shown)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
}

/// Deleting leaves nothing to be read in the files.
#[tokio::test]
async fn what_is_deleted_is_gone_from_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let secret = "a thing better forgotten ".repeat(400);
    let session = begin(&sessions, NOW);
    session.append(&item(0, 1, &secret, None)).await.unwrap();
    let piece = "a thing better forgotten, half shown";
    session.shown(shown(ShownKind::Text, piece)).await;
    let id = session.id().to_owned();
    let kept = begin(&sessions, NOW);
    kept.append(&item(0, 1, "Hi", None)).await.unwrap();
    drop(session);
    sessions.delete(&id).await.unwrap();
    for file in files(&dir) {
        let bytes = fs::read(&file).unwrap();
        let found = memchr::memmem::find(&bytes, b"better forgotten");
        assert_eq!(found, None, "{file:?}");
    }
    assert_eq!(check(&other(&dir)), "ok");
}

/// The files of the database.
fn files(dir: &tempfile::TempDir) -> Vec<PathBuf> {
    let files = fs::read_dir(dir.path().join("state")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files.filter(|path| path.is_file()).collect()
}

/// Another process holds the database: what is shown goes on, and what is said waits for it.
#[tokio::test]
async fn a_busy_database_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let session = begin(&sessions, NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    let busy = other(&dir);
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = std::time::Instant::now();
    for _ in 0..50 {
        session.shown(shown(ShownKind::Text, "Hello. ")).await;
    }
    let held_up = begun.elapsed();
    // One of them waited for its turn, and no other.
    assert!(held_up.as_millis() < 2_500, "{held_up:?}");
    let entry = item(1, 1, "Hello.", Some("x"));
    let mut kept = session.append(&entry);
    assert!((&mut kept).now_or_never().is_none());
    busy.execute_batch("COMMIT").unwrap();
    (&mut kept).await.unwrap();
    drop(kept);
    // 49 of the 50 are in no item.
    let read = sessions.entries(session.id()).await.unwrap();
    let Body::Partial(partial) = &read.last().unwrap().body else {
        panic!("{read:?}");
    };
    assert_eq!(partial.text.matches("Hello.").count(), 49);
}

/// One that is held for too long: said once, after one wait, whatever else waits too.
#[tokio::test]
async fn a_busy_database_is_not_waited_for_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let session = begin(&sessions, NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    let busy = other(&dir);
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = std::time::Instant::now();
    let pieces = (0..9).map(|_| session.shown(shown(ShownKind::Text, "Hello. ")));
    let pieces: Vec<_> = pieces.collect();
    let refused = session.append(&item(1, 1, "Hello.", Some("x"))).await;
    assert!(
        matches!(&refused, Err(JournalError::Unwritable(why)) if why.contains("locked")),
        "{refused:?}"
    );
    drop(pieces);
    let took = begun.elapsed();
    assert!(took.as_secs() < 12, "{took:?}");
    busy.execute_batch("COMMIT").unwrap();
    assert_eq!(sessions.entries(session.id()).await.unwrap().len(), 1);
}

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
            let (db, log) = (fs::read(path(&dir)).unwrap(), fs::read(log(&dir)).unwrap());
            drop(newer);
            fs::write(path(&dir), db).unwrap();
            fs::write(crate::store::log(&dir), log).unwrap();
        }
        let read = |file: PathBuf| fs::read(file).unwrap_or_default();
        let before = (read(path(&dir)), read(log(&dir)));
        let opened = Sessions::open(&path(&dir)).map(drop).unwrap_err();
        assert!(matches!(opened, SessionsError::Newer { .. }), "{opened}");
        assert!(before == (read(path(&dir)), read(log(&dir))), "{logged}");
    }
}

fn log(dir: &tempfile::TempDir) -> PathBuf {
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
    fs::copy(log(&dir), log(&left)).unwrap();
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

/// Clocks go back. The order of what was said does not, nor what is the latest.
#[tokio::test]
async fn a_clock_that_goes_back_changes_no_order() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let mut ids = Vec::new();
    for now in [NOW + 9_000_000, NOW, 0] {
        let session = begin(&sessions, now);
        for seq in 0..3 {
            let mut entry = item(seq, 1, &format!("word {seq}"), None);
            entry.at = now.saturating_sub(seq * 3_600);
            session.append(&entry).await.unwrap();
        }
        ids.push(session.id().to_owned());
    }
    let latest = |list: Vec<respair_agent::sessions::SessionInfo>| {
        let ids = list.into_iter().map(|info| {
            assert!(info.created <= info.updated, "{info:?}");
            info.id
        });
        ids.collect::<Vec<_>>()
    };
    assert_eq!(
        latest(sessions.list(9).await.unwrap()),
        [ids[2].clone(), ids[1].clone(), ids[0].clone()]
    );
    let read = sessions.entries(&ids[0]).await.unwrap();
    assert!(read.iter().map(|entry| entry.seq).eq(0..3));
    // What is gone on with is the latest, whatever its clock said.
    let (session, _) = sessions.resume(Some(&ids[1])).await.unwrap();
    session.append(&item(3, 2, "more", None)).await.unwrap();
    assert_eq!(sessions.find(None).await.unwrap().id, ids[1]);
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

/// Pieces are numbered by their order, and belong to one session.
#[tokio::test]
async fn pieces_of_two_sessions_are_kept_apart() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let (one, two) = (begin(&sessions, NOW), begin(&sessions, NOW));
    for (session, word) in [(&one, "one"), (&two, "two")] {
        session.append(&item(0, 1, word, None)).await.unwrap();
    }
    for n in 0..20 {
        let piece = |word: &str| Shown {
            turn: 1,
            kind: ShownKind::Text,
            text: format!("{word} {n} "),
        };
        one.shown(piece("one")).await;
        two.shown(piece("two")).await;
    }
    for (session, word) in [(&one, "one"), (&two, "two")] {
        let read = sessions.entries(session.id()).await.unwrap();
        let Body::Partial(partial) = &read.last().unwrap().body else {
            panic!("{read:?}");
        };
        let expected: String = (0..20).map(|n| format!("{word} {n} ")).collect();
        assert_eq!(partial.text, expected);
    }
}
