//! A recorded or live stream as input: a file or standard input, read in chunks by a thread of its own, so that whoever
//! waits for the next chunk can stop waiting.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use respair_core::Limits;

use crate::check::trace::{Piece, Splitter};
use crate::{USAGE, term};

/// The most that is read at once: what a pipe holds on Linux.
const CHUNK: usize = 64 << 10;
/// Chunks that wait to be taken. The thread waits with the next one.
const AHEAD: usize = 4;

/// Something to read from.
#[derive(Debug)]
pub(crate) struct Input {
    name: String,
    file: File,
    is_file: bool,
    /// Where reading begins; standard input may have been read before.
    start: u64,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Came {
    Bytes(Bytes),
    End,
    Failed(io::Error),
    /// Nothing; somebody wants to be looked at.
    Nudge,
}

impl Input {
    /// Opens a file, or standard input for `-` and nothing.
    ///
    /// # Errors
    /// Exit code 2, told.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, u8> {
        match path {
            Some(path) if path.as_os_str() != "-" => Self::file(path),
            dash => {
                if dash.is_none() && io::stdin().is_terminal() {
                    term::error("there is nothing to read: standard input is a terminal");
                    term::help("name a file, or pipe a stream in: `curl -sN … | respair repair`");
                    return Err(USAGE);
                }
                let name = "standard input".to_owned();
                standard_input()
                    .and_then(|file| Self::of(name.clone(), file))
                    .map_err(|error| unreadable(&name, &error))
            }
        }
    }

    /// Opens this file, whatever it is called.
    ///
    /// # Errors
    /// Exit code 2, told.
    pub(crate) fn file(path: &Path) -> Result<Self, u8> {
        let name = term::one_line(&path.display().to_string());
        let opened = File::open(path).and_then(|file| Self::of(name.clone(), file));
        opened.map_err(|error| unreadable(&name, &error))
    }

    fn of(name: String, mut file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let is_file = metadata.is_file();
        let start = if is_file { file.stream_position()? } else { 0 };
        Ok(Self {
            name,
            file,
            is_file,
            start,
        })
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `true` for a regular file: reading it never waits for anybody, and its end comes.
    pub(crate) fn is_file(&self) -> bool {
        self.is_file
    }

    /// The open file, to see whether another name means the same one.
    pub(crate) fn opened(&self) -> &File {
        &self.file
    }

    /// The same, a trace of several requests read from where the answer to the last one begins: the ones before were
    /// discarded.
    ///
    /// # Errors
    /// Exit code 2, told.
    pub(crate) fn at_last_attempt(mut self, tell: bool) -> Result<Self, u8> {
        let found = self.last_attempt().and_then(|found| {
            let start = found.map_or(self.start, |(_, start)| start);
            self.file.seek(SeekFrom::Start(start))?;
            Ok(found)
        });
        let found = found.map_err(|error| unreadable(&self.name, &error))?;
        if let Some((attempt, start)) = found {
            self.start = start;
            if tell {
                let name = &self.name;
                term::notice(&format!(
                    "{name} is a trace of several requests; request {attempt} is read"
                ));
            }
        }
        Ok(self)
    }

    fn last_attempt(&mut self) -> io::Result<Option<(u32, u64)>> {
        let mut splitter = Splitter::default();
        let mut last = None;
        let mut buffer = vec![0; CHUNK];
        loop {
            let length = match self.file.read(&mut buffer) {
                Ok(0) => return Ok(last),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for piece in splitter.push(Bytes::copy_from_slice(&buffer[..length])) {
                if let Piece::Attempt { number, origin } = piece {
                    last = Some((number, self.start + origin.byte));
                }
            }
        }
    }

    /// Where in the file reading begins.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Starts reading.
    pub(crate) fn chunks(self) -> Chunks {
        let (sender, receiver) = sync_channel(AHEAD);
        let nudge = sender.clone();
        let mut file = self.file;
        std::thread::spawn(move || {
            let mut buffer = vec![0; CHUNK];
            loop {
                let came = match file.read(&mut buffer) {
                    Ok(0) => Came::End,
                    Ok(length) => Came::Bytes(Bytes::copy_from_slice(&buffer[..length])),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Came::Failed(error),
                };
                let over = !matches!(came, Came::Bytes(_));
                // Nobody listens any more.
                if sender.send(came).is_err() || over {
                    return;
                }
            }
        });
        Chunks {
            receiver,
            nudge: Nudge(nudge),
        }
    }
}

/// The chunks of an input.
pub(crate) struct Chunks {
    receiver: Receiver<Came>,
    nudge: Nudge,
}

/// Wakes who waits for a chunk.
#[derive(Clone)]
pub(crate) struct Nudge(SyncSender<Came>);

impl Nudge {
    /// Where the queue is full nobody sleeps.
    pub(crate) fn wake(&self) {
        let _ = self.0.try_send(Came::Nudge);
    }
}

impl Chunks {
    /// Something to wake the reader of these chunks with.
    pub(crate) fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// The next chunk; `None` when nothing came until `deadline`.
    pub(crate) fn next(&self, deadline: Option<Instant>) -> Option<Came> {
        let Some(deadline) = deadline else {
            return Some(self.receiver.recv().unwrap_or(Came::End));
        };
        let left = deadline.saturating_duration_since(Instant::now());
        // With nothing left this still takes what is there already.
        match self.receiver.recv_timeout(left) {
            Ok(came) => Some(came),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Came::End),
        }
    }
}

/// How long a stream that has ended is still read. A turn ends at its terminal event, not when the peer hangs up: for what
/// may still belong to it there is `limits.drain`, all in all. A file is read to its end, which comes by itself.
pub(crate) struct Drain {
    limit: Option<Duration>,
    ended: Option<Instant>,
    erred: Option<Instant>,
}

impl Drain {
    pub(crate) fn new(input: &Input) -> Self {
        let limit = (!input.is_file()).then(|| Limits::default().drain);
        Self {
            limit,
            ended: None,
            erred: None,
        }
    }

    /// Until when the next chunk is waited for. `has_ended`: the terminal event was read; `is_draining`: an `error` was.
    pub(crate) fn deadline(&mut self, has_ended: bool, is_draining: bool) -> Option<Instant> {
        let limit = self.limit?;
        let since = match (has_ended, is_draining) {
            (true, _) => &mut self.ended,
            (false, true) => &mut self.erred,
            (false, false) => return None,
        };
        Some(*since.get_or_insert_with(Instant::now) + limit)
    }

    /// `true` when the wait is over although bytes still come.
    pub(crate) fn is_over(&self) -> bool {
        let since = self.ended.or(self.erred);
        matches!((self.limit, since), (Some(limit), Some(since)) if since.elapsed() > limit)
    }
}

/// Says why something cannot be read.
pub(crate) fn unreadable(name: &str, error: &io::Error) -> u8 {
    term::error(&format!("{name}: {}", why(error)));
    USAGE
}

/// Why a file cannot be opened, in the same words everywhere.
pub(crate) fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => term::system(error),
    }
}

/// Whether somebody has put a file or a pipe in the place of standard input.
pub(crate) fn is_piped() -> bool {
    let Ok(metadata) = standard_input().and_then(|file| file.metadata()) else {
        return false;
    };
    #[cfg(unix)]
    let is_pipe = std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type());
    #[cfg(not(unix))]
    let is_pipe = false;
    metadata.is_file() || is_pipe
}

/// Standard input without the buffer of the standard library: what arrives is there at once.
fn standard_input() -> io::Result<File> {
    #[cfg(unix)]
    let owned = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?;
    #[cfg(windows)]
    let owned = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned()?;
    Ok(File::from(owned))
}
