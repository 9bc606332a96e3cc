//! The database and others: those that hold it, write it, delete from it; and clocks that go back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use futures_util::FutureExt as _;
use respair_agent::sessions::{Session, Sessions, SessionsError};
use respair_agent::{
    Agent, AgentEvent, Body, Conversation, Journal as _, JournalError, Link, Shown, ShownKind,
};
use respair_client::{Client, ClientOptions, Clock};
use rusqlite::Connection;
use serde_json::json;

use crate::sessions::{NOW, item, shown, told};
use crate::support::*;

pub(crate) fn path(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("state/sessions.db")
}

pub(crate) fn begin(sessions: &Sessions, now: u64) -> Session {
    sessions.begin(Path::new("/"), now)
}

/// Somebody else's connection.
pub(crate) fn other(dir: &tempfile::TempDir) -> Connection {
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
    // The second waits until the first is written.
    first.shown(shown(ShownKind::Text, "Ha")).await;
    first.shown(shown(ShownKind::Text, "lf")).await;
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

/// A clock that is a minute earlier each time it is read.
#[derive(Debug)]
struct Backwards(AtomicU64);

impl Clock for Backwards {
    fn now(&self) -> Duration {
        Duration::from_secs(self.unix())
    }

    fn unix(&self) -> u64 {
        NOW - 60 * self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A turn with a tool on it: nothing panics, nothing lasts less than no time, the order is that of what happened.
#[tokio::test]
async fn a_turn_on_a_clock_that_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let relay = plays([
        calls(1, "weather", &json!({"city": "Oslo"})),
        says(2, "Rain."),
    ])
    .await;
    let clock = Arc::new(Backwards(AtomicU64::new(0)));
    let ends = ClientOptions {
        seed: Some(7),
        clock: Some(Arc::clone(&clock) as _),
        ..ClientOptions::default()
    };
    let mut options = options(&relay, [Made::echo("weather") as _]);
    options.links = vec![Link::new(
        Client::new(custom(&relay), ends).unwrap(),
        "m",
        None,
    )];
    options.clock = clock;
    let sessions = Sessions::open(&path(&dir)).unwrap();
    let session = begin(&sessions, NOW);
    let id = session.id().to_owned();
    let mut conversation = Conversation::new(Agent::new(options)).with_journal(Arc::new(session));
    let run = say(&mut conversation, "How is Oslo?").await;
    assert_eq!(run.answer.text, "Rain.");
    let took = run.events.iter().find_map(|event| match event {
        AgentEvent::ToolEnded { took, .. } => Some(*took),
        _ => None,
    });
    assert_eq!(took, Some(Duration::ZERO));
    let read = sessions.entries(&id).await.unwrap();
    assert_eq!(told(&read), told(conversation.entries()));
    assert!(read.windows(2).all(|two| two[0].at > two[1].at));
    let info = sessions.find(Some(&id)).await.unwrap();
    assert_eq!((info.created, info.updated), (NOW, NOW));
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
