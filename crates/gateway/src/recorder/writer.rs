//! The thread that writes records.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use respair_client::Trace;
use respair_client::wire::{Redactor, TraceBody};

use super::disk::Disk;
use super::{Message, RecordOptions, Side};
use crate::options::Notice;

/// Writes what it is told.
pub(super) struct Writer<D> {
    disk: D,
    options: RecordOptions,
    /// Those that are closed, the oldest first.
    kept: VecDeque<String>,
    records: BTreeMap<u64, Open>,
    /// How many are open, counted by who begins them.
    open: Arc<AtomicUsize>,
    notice: Notice,
    /// Said already that the disk refuses.
    refused: bool,
}

/// A record in progress.
struct Open {
    name: String,
    stream: bool,
    redactor: Redactor,
    attempts: u32,
    upstream: File,
    client: File,
}

/// One side of a record.
struct File {
    trace: Trace,
    body: Option<TraceBody>,
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(
        disk: D,
        options: RecordOptions,
        open: Arc<AtomicUsize>,
        notice: Notice,
    ) -> io::Result<Self> {
        let kept = disk.records()?.into();
        Ok(Self {
            disk,
            options,
            kept,
            records: BTreeMap::new(),
            open,
            notice,
            refused: false,
        })
    }

    pub(super) fn take(&mut self, message: Message) {
        let (key, done) = match message {
            Message::Begin {
                key,
                name,
                stream,
                redactor,
            } => (key, self.begin(key, name, stream, redactor)),
            Message::Body(key) => (key, self.body(key)),
            Message::Bytes(key, side, bytes) => (key, self.bytes(key, side, &bytes)),
            Message::Note(key, side, text) => (key, self.note(key, side, &text)),
            Message::End { key, lost } => return self.end(key, lost),
            Message::Finish(done) => {
                // Who asked may have stopped waiting.
                let _ = done.send(());
                return;
            }
        };
        match done {
            Ok(()) => {}
            Err(error) => self.give_up(key, &error),
        }
    }

    fn begin(
        &mut self,
        key: u64,
        name: String,
        stream: bool,
        redactor: Redactor,
    ) -> io::Result<()> {
        let upstream = self.file(&name, Side::Upstream, stream);
        let client = self.file(&name, Side::Client, stream);
        let (upstream, client) = match (upstream, client) {
            (Ok(upstream), Ok(client)) => (upstream, client),
            (Err(error), _) | (_, Err(error)) => {
                self.disk.remove(&name);
                return Err(error);
            }
        };
        let open = Open {
            name,
            stream,
            redactor,
            attempts: 0,
            upstream,
            client,
        };
        self.records.insert(key, open);
        Ok(())
    }

    fn file(&self, name: &str, side: Side, stream: bool) -> io::Result<File> {
        let side = match side {
            Side::Upstream => "upstream",
            Side::Client => "client",
        };
        let end = if stream { "sse" } else { "json" };
        let file = self.disk.create(&format!("{name}.{side}.{end}"))?;
        let bounded = Bounded {
            file,
            left: self.options.size,
            size: self.options.size,
            stream,
        };
        Ok(File {
            trace: Trace::new(bounded),
            body: None,
        })
    }

    fn body(&mut self, key: u64) -> io::Result<()> {
        let Some(record) = self.records.get(&key) else {
            return Ok(());
        };
        // Two whole answers in one file would be none. The last one counts.
        let anew = match (record.stream, record.attempts) {
            (false, 1..) => Some(self.file(&record.name, Side::Upstream, false)?),
            _ => None,
        };
        let Some(record) = self.records.get_mut(&key) else {
            return Ok(());
        };
        record.attempts += 1;
        // It writes what it held back.
        record.upstream.body = None;
        if let Some(anew) = anew {
            record.upstream = anew;
        }
        let (body, begun) = record
            .upstream
            .trace
            .body(record.attempts, &record.redactor);
        record.upstream.body = Some(body);
        begun
    }

    fn bytes(&mut self, key: u64, side: Side, bytes: &[u8]) -> io::Result<()> {
        let Some(record) = self.records.get_mut(&key) else {
            return Ok(());
        };
        let file = match side {
            Side::Upstream => &mut record.upstream,
            Side::Client => &mut record.client,
        };
        let body = match &mut file.body {
            Some(body) => body,
            none => none.insert(file.trace.body(1, &record.redactor).0),
        };
        body.push(bytes)
    }

    fn note(&mut self, key: u64, side: Side, text: &str) -> io::Result<()> {
        let whole = self.records.get(&key).is_some_and(|record| !record.stream);
        if whole && side == Side::Upstream {
            self.body(key)?;
        }
        let Some(record) = self.records.get_mut(&key) else {
            return Ok(());
        };
        let file = match side {
            Side::Upstream => &mut record.upstream,
            Side::Client => &mut record.client,
        };
        if whole {
            // A whole answer is its body alone: the status is in the log.
            let body = text.split_once('\n').map_or(text, |(_, body)| body);
            return self.bytes(key, side, body.as_bytes());
        }
        file.body = None;
        file.trace.note(text, &record.redactor)
    }

    fn end(&mut self, key: u64, lost: bool) {
        self.open.fetch_sub(1, Ordering::AcqRel);
        let Some(mut record) = self.records.remove(&key) else {
            return;
        };
        for file in [&mut record.upstream, &mut record.client] {
            file.body = None;
            if lost && record.stream {
                let why = "respair record: what follows is missing, the disk did not keep up";
                // It is missing either way.
                let _ = file.trace.note(why, &record.redactor);
            }
        }
        self.kept.push_back(record.name);
        while self.kept.len() > self.options.count {
            if let Some(oldest) = self.kept.pop_front() {
                self.disk.remove(&oldest);
            }
        }
        if !lost {
            self.refused = false;
        }
    }

    /// A record ends where the disk refuses. It is said once, until one is written again.
    fn give_up(&mut self, key: u64, error: &io::Error) {
        if let Some(record) = self.records.remove(&key) {
            self.kept.push_back(record.name);
        }
        if !self.refused {
            self.refused = true;
            (self.notice)(&format!(
                "records cannot be written to {}: {error}; streams go on without",
                self.options.dir.display()
            ));
        }
    }
}

/// A file that ends at `serve.record.size`, and says so.
struct Bounded {
    file: Box<dyn Write + Send>,
    left: u64,
    size: u64,
    stream: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 <= self.left {
            self.file.write_all(bytes)?;
            self.left -= bytes.len() as u64;
        } else if self.left > 0 {
            let fits = usize::try_from(self.left).unwrap_or(bytes.len());
            self.file.write_all(&bytes[..fits])?;
            self.left = 0;
            if self.stream {
                let size = self.size;
                write!(
                    self.file,
                    "\n\n: respair record: the rest is missing, serve.record.size is {size} bytes\n\n"
                )?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
