#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

use respair_client::Endpoint;

use super::*;

/// Files in memory, on a disk that can be full and that can hang.
#[derive(Clone, Default)]
struct Fake {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// Bytes that still fit on it.
    room: Arc<Mutex<Option<usize>>>,
    /// Whoever creates a file waits for this.
    hangs: Arc<Mutex<()>>,
}

struct FakeFile(Fake, String);

impl Write for FakeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(room) = self.0.room.lock().unwrap().as_mut() {
            if *room < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            *room -= bytes.len();
        }
        let mut files = self.0.files.lock().unwrap();
        files.get_mut(&self.1).unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Fake {
    fn create(&self, name: &str) -> io::Result<Box<dyn Write + Send>> {
        drop(self.hangs.lock().unwrap());
        self.files
            .lock()
            .unwrap()
            .insert(name.to_owned(), Vec::new());
        Ok(Box::new(FakeFile(self.clone(), name.to_owned())))
    }

    fn remove(&self, record: &str) {
        let mut files = self.files.lock().unwrap();
        files.retain(|name, _| !name.starts_with(record));
    }

    fn records(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// A recorder on this disk, and what it says.
fn on(disk: &Fake, size: u64, count: usize) -> (Recorder, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let saying = Arc::clone(&said);
    let notice: Notice = Arc::new(move |text: &str| saying.lock().unwrap().push(text.to_owned()));
    let options = RecordOptions {
        size,
        count,
        ..RecordOptions::new("DIR")
    };
    let recorder = Recorder::on(disk.clone(), &options, &notice).unwrap();
    (recorder, said)
}

fn redactor() -> Redactor {
    let mut endpoint = Endpoint::custom("http://r.example".parse().unwrap());
    endpoint.api_key = Some("sk-secret".to_owned().into());
    Redactor::of(&endpoint)
}

impl Recorder {
    fn stream(&self, id: u64) -> Tap {
        self.begin(&format!("{id:016x}"), 0, true, redactor())
            .unwrap()
    }
}

impl Fake {
    /// The files, by the end of their names.
    fn ending(&self, end: &str) -> Vec<String> {
        let files = self.files.lock().unwrap();
        let ending = files.iter().filter(|(name, _)| name.ends_with(end));
        ending
            .map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap())
            .collect()
    }
}

fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

#[tokio::test]
async fn both_sides_without_keys_however_they_are_cut() {
    let disk = Fake::default();
    let (recorder, said) = on(&disk, 1 << 20, 9);
    let tap = recorder.stream(1);
    tap.answer(Side::Upstream, 503, b"{\"key\":\"sk-secret\"}");
    for answer in ["data: sk-se|cret\n", "data: 2\n\n"] {
        tap.body();
        for piece in answer.split('|') {
            tap.bytes(Side::Upstream, &text(piece));
        }
    }
    tap.bytes(Side::Client, &text("data: sk-secret\n\n"));
    drop(tap);
    recorder.written().await;
    let redacted = "data: [redacted]\n";
    assert_eq!(
        disk.ending(".upstream.sse"),
        [format!(
            ": HTTP 503\n: {{\"key\":\"[redacted]\"}}\n\n{redacted}\n: respair attempt 2\n\ndata: 2\n\n"
        )]
    );
    assert_eq!(disk.ending(".client.sse"), [format!("{redacted}\n")]);
    assert!(said.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whole_answers_stand_alone() {
    let disk = Fake::default();
    let (recorder, _) = on(&disk, 1 << 20, 9);
    let tap = recorder
        .begin("0000000000000001", 0, false, redactor())
        .unwrap();
    tap.answer(Side::Upstream, 500, b"{\"error\":1}");
    tap.body();
    tap.bytes(Side::Upstream, &text("{\"id\""));
    tap.bytes(Side::Upstream, &text(":2}"));
    tap.bytes(Side::Client, &text("{\"id\":3}"));
    drop(tap);
    recorder.written().await;
    assert_eq!(disk.ending(".upstream.json"), ["{\"id\":2}"]);
    assert_eq!(disk.ending(".client.json"), ["{\"id\":3}"]);
}

#[tokio::test]
async fn size_and_count_are_bounded() {
    let disk = Fake::default();
    let (recorder, _) = on(&disk, 10, 2);
    for id in 1..=5 {
        let tap = recorder.stream(id);
        tap.body();
        tap.bytes(Side::Upstream, &text("data: 7890"));
        tap.bytes(Side::Client, &text("data: 789012"));
        tap.bytes(Side::Client, &text("more"));
    }
    recorder.written().await;
    let names: Vec<String> = disk.files.lock().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 4);
    assert!(
        names
            .iter()
            .all(|name| name.contains("04.") || name.contains("05.")),
        "{names:?}"
    );
    assert_eq!(disk.ending(".upstream.sse")[0], "data: 7890");
    assert_eq!(
        disk.ending(".client.sse")[0],
        "data: 7890\n\n: respair record: the rest is missing, serve.record.size is 10 bytes\n\n"
    );
}

/// A disk that takes no more ends the record, is told once, and is tried again.
#[tokio::test]
async fn a_full_disk_is_told_once() {
    let disk = Fake::default();
    *disk.room.lock().unwrap() = Some(12);
    let (recorder, said) = on(&disk, 1 << 20, 9);
    for id in 1..=2 {
        let tap = recorder.stream(id);
        tap.body();
        tap.bytes(Side::Upstream, &text("data: 1\n\n"));
        tap.bytes(Side::Upstream, &text("data: 2\n\n"));
        tap.bytes(Side::Upstream, &text("data: 3\n\n"));
    }
    recorder.written().await;
    assert_eq!(said.lock().unwrap().len(), 1);
    assert!(
        said.lock().unwrap()[0].contains("cannot be written to DIR"),
        "{said:?}"
    );
    *disk.room.lock().unwrap() = None;
    for id in 3..=4 {
        let tap = recorder.stream(id);
        tap.bytes(Side::Client, &text("data: 4\n\n"));
        drop(tap);
        recorder.written().await;
        *disk.room.lock().unwrap() = Some(0);
    }
    assert_eq!(disk.ending("03.client.sse"), ["data: 4\n\n"]);
    assert_eq!(said.lock().unwrap().len(), 2);
}

/// Nobody waits for a disk that hangs: what finds the queue full is missing, and the record says so.
#[tokio::test]
async fn a_disk_that_hangs_is_not_waited_for() {
    let disk = Fake::default();
    let (recorder, said) = on(&disk, 64 << 20, 9);
    let hangs = Arc::clone(&disk.hangs);
    let held = hangs.lock().unwrap();
    let tap = recorder.stream(1);
    tap.body();
    let chunk = Bytes::from(vec![b'x'; 1 << 20]);
    for _ in 0..64 {
        tap.bytes(Side::Upstream, &chunk);
    }
    assert!(recorder.queue.waiting.load(Ordering::Acquire) <= QUEUE + (1 << 20) + 4 * MESSAGE);
    assert!(
        recorder
            .begin("0000000000000002", 0, true, redactor())
            .is_none()
    );
    assert_eq!(said.lock().unwrap().len(), 1);
    drop(held);
    drop(tap);
    recorder.written().await;
    let record = &disk.ending("01.upstream.sse")[0];
    assert!(
        record
            .ends_with("\n: respair record: what follows is missing, the disk did not keep up\n\n")
    );
    let length = record.matches('x').count();
    assert!((16 << 20..18 << 20).contains(&length), "{length}");
    recorder.stream(3);
}

#[tokio::test]
async fn so_many_are_open_at_once() {
    let disk = Fake::default();
    let (recorder, said) = on(&disk, 1 << 20, 9);
    let open: Vec<Tap> = (0..OPEN as u64).map(|id| recorder.stream(id)).collect();
    let one_more = || recorder.begin("00000000000000ff", 0, true, redactor());
    assert!(one_more().is_none() && one_more().is_none());
    assert_eq!(said.lock().unwrap().len(), 1);
    drop(open);
    recorder.written().await;
    assert!(one_more().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_their_owners_and_others_are_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("deep/records");
    let options = RecordOptions {
        count: 1,
        ..RecordOptions::new(&dir)
    };
    let notice: Notice = Arc::new(|text: &str| panic!("{text}"));
    for id in 1..=3 {
        // Each start counts what is there already.
        let recorder = Recorder::start(&options, &notice).unwrap();
        recorder
            .stream(id)
            .bytes(Side::Client, &text("data: 1\n\n"));
        recorder.written().await;
        std::fs::write(dir.join("notes.client.sse"), "mine").unwrap();
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert!(
            mode == 0o600 || name.starts_with("notes"),
            "{name} {mode:o}"
        );
        names.push(name);
    }
    names.sort();
    assert_eq!(
        names,
        [
            "19700101T000000Z-0000000000000003.client.sse",
            "19700101T000000Z-0000000000000003.upstream.sse",
            "notes.client.sse"
        ]
    );
    let mode = std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}
