//! The loop: chunks in, frames out, one write for each.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use respair_core::{EndOfBody, Reader, Step};

use super::files::Files;
use crate::check::trace::{Piece, Splitter};
use crate::input::{Came, Drain, Input, Nudge};
use crate::report::Out;

/// Ends the filter from elsewhere.
#[derive(Clone, Default)]
pub(super) struct Stop {
    wanted: Arc<AtomicBool>,
    nudge: Arc<Mutex<Option<Nudge>>>,
}

impl Stop {
    /// Reads no further.
    pub(super) fn stop(&self) {
        self.wanted.store(true, Ordering::Release);
        let nudge = self.nudge.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(nudge) = &*nudge {
            nudge.wake();
        }
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Who waits for chunks is woken with this.
    fn wakes(&self, nudge: Nudge) {
        *self.nudge.lock().unwrap_or_else(PoisonError::into_inner) = Some(nudge);
    }
}

/// Why the filter stopped.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The stream has ended, or its body has.
    Ended,
    /// The input is a trace of several requests, and the answer to the next one begins here.
    AnotherBody,
    /// Somebody asked.
    Interrupted,
    /// Who read the output has gone away.
    Closed,
    /// The input cannot be read any further.
    Unreadable(io::Error),
    /// The output cannot be written.
    Unwritable(io::Error),
}

/// Reads, mends and writes.
pub(super) struct Filter<'a> {
    reader: Reader,
    files: &'a mut Files,
    out: Out,
}

impl<'a> Filter<'a> {
    pub(super) fn new(reader: Reader, files: &'a mut Files) -> Self {
        Self {
            reader,
            files,
            out: Out::default(),
        }
    }

    /// Runs until the stream has ended and what may belong to it has come.
    pub(super) fn run(&mut self, input: Input, stop: &Stop) -> Stopped {
        let mut drain = Drain::new(&input);
        // Of a file the last body was looked for before.
        let mut splitter = (!input.is_file()).then(Splitter::default);
        let chunks = input.chunks();
        stop.wakes(chunks.nudge());
        let (cause, stopped) = loop {
            if stop.is_wanted() {
                break (EndOfBody::Interrupted, Stopped::Interrupted);
            }
            let has_ended = self.reader.ended().is_some();
            match chunks.next(drain.deadline(has_ended, self.reader.is_draining())) {
                Some(Came::Bytes(chunk)) => {
                    if self.take(chunk, splitter.as_mut()) {
                        break (EndOfBody::Interrupted, Stopped::AnotherBody);
                    }
                }
                Some(Came::End) => break (EndOfBody::Eof, Stopped::Ended),
                Some(Came::Failed(error)) => break (EndOfBody::Reset, Stopped::Unreadable(error)),
                Some(Came::Nudge) => continue,
                None => break (EndOfBody::Drained, Stopped::Ended),
            }
            if let Err(error) = self.give() {
                return self.unwritten(error);
            }
            if drain.is_over() {
                break (EndOfBody::Drained, Stopped::Ended);
            }
        };
        // A command that is interrupted before anything came has nothing to end.
        if matches!(stopped, Stopped::Interrupted) && self.reader.bytes_in() == 0 {
            return stopped;
        }
        // Behind the mark of another body nothing is of this one.
        let splitter = splitter.filter(|_| !matches!(stopped, Stopped::AnotherBody));
        if let Some(rest) = splitter.and_then(Splitter::finish) {
            self.reader.push(rest);
        }
        self.reader.finish(cause);
        match self.give() {
            Ok(()) => stopped,
            Err(error) => self.unwritten(error),
        }
    }

    /// Takes a chunk in; `true` when another body begins in it.
    fn take(&mut self, chunk: Bytes, splitter: Option<&mut Splitter>) -> bool {
        let Some(splitter) = splitter else {
            self.reader.push(chunk);
            return false;
        };
        for piece in splitter.push(chunk) {
            match piece {
                Piece::Bytes(bytes) => self.reader.push(bytes),
                Piece::Attempt { .. } => return true,
            }
        }
        false
    }

    /// Writes what was decided.
    fn give(&mut self) -> io::Result<()> {
        while let Some(step) = self.reader.poll() {
            if let Step::Event(event) = step {
                self.files.output().write_all(event.raw())?;
                self.out.count(&event);
            }
        }
        Ok(())
    }

    fn unwritten(&mut self, error: io::Error) -> Stopped {
        // What would have come is not known: the reading is over all the same.
        self.reader.finish(EndOfBody::Interrupted);
        while self.reader.poll().is_some() {}
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stopped::Closed,
            _ => Stopped::Unwritable(error),
        }
    }

    /// The reader, and what was written.
    pub(super) fn done(self) -> (Reader, Out) {
        (self.reader, self.out)
    }
}
