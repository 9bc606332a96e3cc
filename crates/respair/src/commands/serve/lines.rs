//! The log's way to standard error: a thread of its own, so that whoever reads it slowly or not at all holds up no request.

use std::io::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

/// Bytes that may wait to be read: tens of thousands of requests. What comes beyond them is lost, and that is said.
const MOST: usize = 8 << 20;

/// How long the process waits at its end for what is still to be written.
const PATIENCE: Duration = Duration::from_secs(1);

enum Message {
    Text(String),
    Over,
}

#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    /// Texts that found no room.
    lost: AtomicU64,
}

/// Texts on their way to a reader.
pub(super) struct Lines {
    texts: Sender<Message>,
    waiting: Arc<Waiting>,
    written: Mutex<Receiver<()>>,
}

impl Lines {
    /// Starts the thread. Each text is one write: other threads write too.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (texts, received) = channel();
        let (written, over) = channel();
        let waiting = Arc::<Waiting>::default();
        let shared = Arc::clone(&waiting);
        thread::Builder::new()
            .name("respair-log".to_owned())
            .spawn(move || {
                write(to, &received, &shared);
                drop(written);
            })?;
        Ok(Self {
            texts,
            waiting,
            written: Mutex::new(over),
        })
    }

    /// Passes a text on; it does not wait.
    pub(super) fn tell(&self, text: String) {
        let waiting = self.waiting.bytes.fetch_add(text.len(), Ordering::AcqRel);
        if waiting > 0 && waiting + text.len() > MOST {
            self.waiting.bytes.fetch_sub(text.len(), Ordering::AcqRel);
            self.waiting.lost.fetch_add(1, Ordering::AcqRel);
            return;
        }
        // The thread is there as long as this is.
        let _ = self.texts.send(Message::Text(text));
    }

    /// Waits until everything is written, but not for a reader that does not read.
    pub(super) fn finish(&self) {
        let _ = self.texts.send(Message::Over);
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // The other end is dropped when all is written: an error is the message.
        let _ = written.recv_timeout(PATIENCE);
    }
}

fn write(mut to: impl Write, texts: &Receiver<Message>, waiting: &Waiting) {
    // Nothing is left to do when the reader is gone, in either case.
    while let Ok(Message::Text(text)) = texts.recv() {
        let _ = to.write_all(text.as_bytes());
        waiting.bytes.fetch_sub(text.len(), Ordering::AcqRel);
        let lost = waiting.lost.swap(0, Ordering::AcqRel);
        if lost > 0 {
            let text = format!("warning: {lost} requests are not in the log: it was not read\n");
            let _ = to.write_all(text.as_bytes());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    /// Takes nothing until it is told to.
    struct Stuck(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error is the other end that was dropped, which is the word.
            let _ = self.0.recv();
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_nobody_reads_is_bounded_and_what_is_lost_is_said() {
        let (word, stuck) = channel();
        let read = Arc::default();
        let lines = Lines::start(Stuck(stuck, Arc::clone(&read))).unwrap();
        let text = format!("{}\n", "x".repeat(MOST / 8 - 1));
        for _ in 0..11 {
            lines.tell(text.clone());
        }
        assert!(lines.waiting.bytes.load(Ordering::Acquire) <= MOST);
        drop(word);
        lines.finish();
        let read = String::from_utf8(read.lock().unwrap().clone()).unwrap();
        let (warnings, whole): (Vec<&str>, Vec<&str>) =
            read.lines().partition(|line| line.starts_with("warning"));
        assert_eq!(whole.len(), 8);
        assert_eq!(
            warnings,
            ["warning: 3 requests are not in the log: it was not read"]
        );
        assert_eq!(lines.waiting.bytes.load(Ordering::Acquire), 0);
    }
}
