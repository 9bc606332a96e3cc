//! `serve.record`: both sides of each stream, as files that `respair check`, `respair repair` and `respair relay --replay` read.
//!
//! A request has a [`Tap`]: what passes it is queued, and a thread of its own writes it. So neither a slow disk nor a full one
//! is ever waited for: what finds the queue full is left out of its record, which then says so. The configured keys, and the
//! client's own where it goes upstream, are taken out by the thread as well.

mod disk;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use respair_client::wire::Redactor;
use tokio::sync::oneshot;

use crate::options::Notice;
use disk::{Directory, Disk};
use writer::Writer;

/// Bytes that may wait to be written. A disk that is slower than the streams for longer than that loses.
const QUEUE: usize = 16 << 20;

/// What a message counts besides its bytes.
const MESSAGE: usize = 128;

/// Records that may be open at once, each with two descriptors, which the streams need more.
const OPEN: usize = 256;

/// How long the end of the process waits for what is still to be written.
const FINISHING: Duration = Duration::from_secs(2);

/// Where records are kept, and how much of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordOptions {
    /// The directory. It is made when it is not there; files of other names in it are left alone.
    pub dir: PathBuf,
    /// Bytes of one side of a record (`serve.record.size`). 16 MiB: the longest answers have a tenth of it.
    pub size: u64,
    /// Records that are kept, the oldest go first (`serve.record.count`). 100.
    pub count: usize,
}

impl RecordOptions {
    /// Records in this directory, with every default.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            size: 16 << 20,
            count: 100,
        }
    }
}

/// Whose bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// As they came from the upstream, after their encodings.
    Upstream,
    /// As they went to the client.
    Client,
}

/// What the thread is told.
enum Message {
    Begin {
        key: u64,
        name: String,
        stream: bool,
        redactor: Redactor,
    },
    /// Another answer of the upstream's begins.
    Body(u64),
    Bytes(u64, Side, Bytes),
    /// An answer that is no stream.
    Note(u64, Side, String),
    End {
        key: u64,
        /// The queue was full: the record lacks what came from then on.
        lost: bool,
    },
    /// Everything before it was written.
    Finish(oneshot::Sender<()>),
}

impl Message {
    fn weight(&self) -> usize {
        MESSAGE
            + match self {
                Self::Bytes(_, _, bytes) => bytes.len(),
                Self::Note(_, _, text) => text.len(),
                _ => 0,
            }
    }
}

/// The way to the thread.
struct Queue {
    sender: mpsc::Sender<Message>,
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    /// Queues a message whatever waits already.
    fn send(&self, message: Message) {
        self.waiting.fetch_add(message.weight(), Ordering::AcqRel);
        // It fails when the thread is gone, and its records with it.
        let _ = self.sender.send(message);
    }

    fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Acquire) >= QUEUE
    }
}

/// Keeps records.
pub(crate) struct Recorder {
    queue: Arc<Queue>,
    open: Arc<AtomicUsize>,
    next: AtomicUsize,
    /// Said already that a stream was not recorded.
    missed: AtomicBool,
    notice: Notice,
}

impl Recorder {
    /// Starts recording into a directory.
    pub(crate) fn start(options: &RecordOptions, notice: &Notice) -> io::Result<Self> {
        let disk = Directory::open(&options.dir)?;
        Self::on(disk, options, notice)
    }

    fn on(disk: impl Disk + 'static, options: &RecordOptions, notice: &Notice) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Message>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let open = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer::new(disk, options.clone(), Arc::clone(&open), Arc::clone(notice))?;
        let taken = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || {
                for message in receiver {
                    let weight = message.weight();
                    writer.take(message);
                    taken.fetch_sub(weight, Ordering::AcqRel);
                }
            })?;
        Ok(Self {
            queue: Arc::new(Queue { sender, waiting }),
            open,
            next: AtomicUsize::new(0),
            missed: AtomicBool::new(false),
            notice: Arc::clone(notice),
        })
    }

    /// Begins the record of a request; `None` when too many are open.
    pub(crate) fn begin(
        &self,
        id: &str,
        unix: u64,
        stream: bool,
        redactor: Redactor,
    ) -> Option<Tap> {
        let took = self
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                (now < OPEN && !self.queue.is_full()).then_some(now + 1)
            });
        if took.is_err() {
            if !self.missed.swap(true, Ordering::AcqRel) {
                (self.notice)(&format!(
                    "streams are not recorded while {OPEN} others are, or while the disk does not keep up"
                ));
            }
            return None;
        }
        let key = self.next.fetch_add(1, Ordering::AcqRel) as u64;
        self.queue.send(Message::Begin {
            key,
            name: disk::name(unix, id),
            stream,
            redactor,
        });
        Some(Tap(Arc::new(Tapped {
            queue: Arc::clone(&self.queue),
            key,
            lost: AtomicBool::new(false),
        })))
    }

    /// Waits until everything is written.
    async fn written(&self) {
        let (done, written) = oneshot::channel();
        self.queue.send(Message::Finish(done));
        // It fails when the thread is gone: nothing is written then.
        let _ = written.await;
    }

    /// The same, for a while.
    pub(crate) async fn finish(&self) {
        let written = tokio::time::timeout(FINISHING, self.written());
        if written.await.is_err() {
            (self.notice)("the disk does not keep up: the last records are not whole");
        }
    }
}

/// The record of one request. It is closed when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Tap(Arc<Tapped>);

struct Tapped {
    queue: Arc<Queue>,
    key: u64,
    lost: AtomicBool,
}

impl Tap {
    /// Another answer of the upstream's begins.
    pub(crate) fn body(&self) {
        self.send(Message::Body(self.0.key));
    }

    /// Bytes passed.
    pub(crate) fn bytes(&self, side: Side, bytes: &Bytes) {
        self.send(Message::Bytes(self.0.key, side, bytes.clone()));
    }

    /// An answer that is no stream passed.
    pub(crate) fn answer(&self, side: Side, status: u16, body: &[u8]) {
        let text = format!("HTTP {status}\n{}", String::from_utf8_lossy(body));
        self.send(Message::Note(self.0.key, side, text));
    }

    fn send(&self, message: Message) {
        // What comes behind a hole would be read as something else than it was.
        if self.0.lost.load(Ordering::Acquire) {
            return;
        }
        if self.0.queue.is_full() {
            self.0.lost.store(true, Ordering::Release);
            return;
        }
        self.0.queue.send(message);
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        self.queue.send(Message::End {
            key: self.key,
            lost: self.lost.load(Ordering::Acquire),
        });
    }
}

#[cfg(test)]
mod tests;
