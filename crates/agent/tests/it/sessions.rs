//! Conversations on disk.

use std::path::Path;
use std::sync::Arc;

use respair_agent::sessions::{Sessions, SessionsError};
use respair_agent::{
    Agent, AnswerStatus, Body, BoxFuture, Conversation, Entry, Journal, JournalError, Partial,
    Shown, ShownKind, StoredItem, Undone,
};
use serde_json::json;
use serde_json::value::to_raw_value;

use crate::support::*;

pub(crate) const NOW: u64 = 1_795_392_000;

fn open(dir: &tempfile::TempDir) -> Sessions {
    Sessions::open(&dir.path().join("state/sessions.db")).unwrap()
}

pub(crate) fn item(seq: u64, turn: u64, text: &str, issuer: Option<&str>) -> Entry {
    let role = if issuer.is_some() {
        "assistant"
    } else {
        "user"
    };
    let kind = if issuer.is_some() {
        "output_text"
    } else {
        "input_text"
    };
    let raw = json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]});
    Entry {
        seq,
        turn,
        at: NOW + seq,
        body: Body::Item(StoredItem {
            raw: to_raw_value(&raw).unwrap(),
            issuer: issuer.map(str::to_owned),
        }),
    }
}

pub(crate) fn shown(kind: ShownKind, text: &str) -> Shown {
    Shown {
        turn: 1,
        kind,
        text: text.to_owned(),
    }
}

/// What a session holds, in a form that can be compared.
pub(crate) fn told(entries: &[Entry]) -> Vec<(u64, u64, &'static str, String, Option<&str>)> {
    let told = entries.iter().map(|entry| {
        let body = &entry.body;
        (
            entry.seq,
            entry.turn,
            body.kind(),
            body.data(),
            body.issuer(),
        )
    });
    told.collect()
}

#[tokio::test]
async fn a_conversation_goes_on_where_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let relay = plays([
        calls(1, "weather", &json!({"city": "Oslo"})),
        says(2, "Rain."),
        says(3, "Sun."),
    ])
    .await;
    let tool = Made::echo("weather");
    let agent = Agent::new(options(&relay, [tool as _]));
    let (id, entries) = {
        let session = open(&dir).begin(Path::new("/work"), NOW);
        let id = session.id().to_owned();
        let mut first = Conversation::new(agent.clone()).with_journal(Arc::new(session));
        assert_eq!(say(&mut first, "How is Oslo?").await.answer.text, "Rain.");
        (id, first.entries().to_vec())
    };
    let sessions = open(&dir);
    let (session, read) = sessions.resume(None).await.unwrap();
    assert_eq!(session.id(), id);
    assert_eq!(told(&read), told(&entries));
    let mut second = Conversation::resume(agent, read).with_journal(Arc::new(session));
    assert_eq!(second.totals().requests, 2);
    assert_eq!(say(&mut second, "And Rome?").await.answer.text, "Sun.");
    let types = types(relay.requests().last().unwrap());
    assert_eq!(
        types,
        [
            "user",
            "function_call",
            "function_call_output",
            "assistant",
            "user"
        ]
    );
    let info = sessions.find(Some(&id[..10])).await.unwrap();
    assert_eq!((info.title.as_str(), info.turns), ("How is Oslo?", 2));
    assert_eq!(info.entries, second.entries().len() as u64);
}

/// A process that dies leaves what it had shown; what items already hold is not told twice.
#[tokio::test]
async fn what_was_shown_before_a_crash_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = open(&dir);
    let session = sessions.begin(Path::new("/"), NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    session.shown(shown(ShownKind::Reasoning, "Hm.")).await;
    session.shown(shown(ShownKind::Text, "Done. ")).await;
    session.shown(shown(ShownKind::Text, "Half of")).await;
    session
        .append(&item(1, 1, "Done. ", Some("x")))
        .await
        .unwrap();
    session.shown(shown(ShownKind::Text, " it")).await;
    let id = session.id().to_owned();
    drop(session);
    let (again, entries) = sessions.resume(Some(&id)).await.unwrap();
    let Body::Partial(partial) = &entries.last().unwrap().body else {
        panic!("{entries:?}");
    };
    let expected = Partial {
        status: "interrupted".to_owned(),
        text: "Half of it".to_owned(),
        reasoning: "Hm.".to_owned(),
        superseded: false,
    };
    assert_eq!(*partial, expected);
    // It is an entry now, and found only once.
    drop(again);
    let (_, twice) = sessions.resume(Some(&id)).await.unwrap();
    assert_eq!(told(&twice), told(&entries));
}

/// A process died behind a closed item: taken back, it does not come back as what was shown of it.
#[tokio::test]
async fn what_is_taken_back_is_not_shown_again() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = open(&dir);
    let session = sessions.begin(Path::new("/"), NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    session.shown(shown(ShownKind::Text, "Done.")).await;
    session
        .append(&item(1, 1, "Done.", Some("x")))
        .await
        .unwrap();
    let id = session.id().to_owned();
    drop(session);
    let (again, entries) = sessions.resume(Some(&id)).await.unwrap();
    assert_eq!(entries.len(), 2);
    let undone = Entry {
        seq: 2,
        turn: 1,
        at: NOW,
        body: Body::Undone(Undone { from: 0 }),
    };
    again.append(&undone).await.unwrap();
    let read = sessions.entries(&id).await.unwrap();
    assert_eq!(read.len(), 3, "{read:?}");
}

/// A response that broke off is taken back before what was shown of it is an entry: a process that dies between the two leaves it.
#[tokio::test]
async fn what_was_shown_outlives_what_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = open(&dir);
    let session = sessions.begin(Path::new("/"), NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    session
        .append(&item(1, 1, "One. ", Some("x")))
        .await
        .unwrap();
    session.shown(shown(ShownKind::Text, "One. ")).await;
    session.shown(shown(ShownKind::Text, "Two, half")).await;
    let undone = Entry {
        seq: 2,
        turn: 1,
        at: NOW,
        body: Body::Undone(Undone { from: 1 }),
    };
    session.append(&undone).await.unwrap();
    let read = sessions.entries(session.id()).await.unwrap();
    let Body::Partial(partial) = &read.last().unwrap().body else {
        panic!("{read:?}");
    };
    assert_eq!(partial.text, "One. Two, half");
}

#[tokio::test]
async fn a_turn_goes_on_without_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let relay = plays([says(1, "Hello"), says(2, "Again")]).await;
    let sessions = open(&dir);
    let session = sessions.begin(Path::new("/"), NOW);
    let mut conversation = conversation(&relay, []).with_journal(Arc::new(session));
    say(&mut conversation, "Hi").await;
    // Another process takes the place that this one would write next.
    let other = rusqlite::Connection::open(dir.path().join("state/sessions.db")).unwrap();
    let taken = "UPDATE session SET entries = entries + 1";
    other.execute_batch(taken).unwrap();
    let run = say(&mut conversation, "Hi again").await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    assert_eq!(run.answer.text, "Again");
    assert_eq!(run.notices(), [JournalError::Taken.to_string()]);
}

#[tokio::test]
async fn sessions_are_found_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = open(&dir);
    assert!(matches!(
        sessions.find(None).await,
        Err(SessionsError::None)
    ));
    let mut ids = Vec::new();
    for n in 0..3 {
        let session = sessions.begin(Path::new("/"), NOW + n);
        let words = "a question with many words, ".repeat(9);
        session.append(&item(0, 1, &words, None)).await.unwrap();
        ids.push(session.id().to_owned());
    }
    let list = sessions.list(2).await.unwrap();
    assert_eq!(list[0].id, ids[2]);
    assert_eq!(list.len(), 2);
    assert!(list[0].title.ends_with('…') && list[0].title.chars().count() <= 61);
    let begins = ids[0][..8].to_owned();
    let several = sessions.find(Some(&begins)).await;
    assert!(matches!(several, Err(SessionsError::Ambiguous { .. })));
    sessions.delete(&ids[0]).await.unwrap();
    let gone = sessions.entries(&ids[0]).await.unwrap();
    assert!(gone.is_empty());
    let unknown = sessions.delete(&ids[0]).await;
    assert!(matches!(unknown, Err(SessionsError::Unknown(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let sessions = open(&dir);
    let session = sessions.begin(Path::new("/"), NOW);
    session.append(&item(0, 1, "Hi", None)).await.unwrap();
    let files = std::fs::read_dir(dir.path().join("state")).unwrap();
    for file in files.map(|file| file.unwrap()) {
        if file.path().is_dir() {
            continue;
        }
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
    }
}

/// 10,000 items: the aim is 200 ms, the test asserts five times that.
#[tokio::test]
async fn a_long_session_opens_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let sessions = open(&dir);
    let session = sessions.begin(Path::new("/"), NOW);
    let text = "word ".repeat(40);
    let entries: Vec<Entry> = (0..10_000)
        .map(|n| item(n, n / 2, &text, (n % 2 == 1).then_some("x")))
        .collect();
    let written = entries.iter().map(|entry| session.append(entry));
    for kept in futures_util::future::join_all(written).await {
        kept.unwrap();
    }
    drop(session);
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = std::time::Instant::now();
        let (_, read) = sessions.resume(None).await.unwrap();
        assert_eq!(read.len(), 10_000);
        times.push(begun.elapsed());
    }
    times.sort();
    eprintln!("10,000 items open in {:?}", times[2]);
    assert!(times[2].as_millis() < 1_000, "{times:?}");
}

/// A journal that cannot write what takes back.
struct Full;

impl Journal for Full {
    fn append<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        let full = matches!(entry.body, Body::Undone(_));
        let why = || JournalError::Unwritable("disk full".to_owned());
        Box::pin(async move { if full { Err(why()) } else { Ok(()) } })
    }

    fn shown(&self, _: Shown) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Nothing is kept from there on, and that is said as soon as there is somebody to tell.
#[tokio::test]
async fn what_could_not_be_taken_back_on_disk_is_told() {
    let relay = plays([says(1, "Hello"), says(2, "Again")]).await;
    let mut conversation = conversation(&relay, []).with_journal(Arc::new(Full));
    say(&mut conversation, "Hi").await;
    conversation.undo().await.unwrap();
    let run = say(&mut conversation, "Hi again").await;
    let told = JournalError::Unwritable("disk full".to_owned()).to_string();
    assert_eq!(run.notices(), [told]);
    let run = say(&mut conversation, "And again").await;
    assert_eq!(run.notices(), [""; 0]);
}
