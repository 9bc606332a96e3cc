//! `--trace`: the raw bytes of the upstream's bodies, for `repair` and `check`, with every configured secret taken out.
//!
//! The bytes are those after transfer and content encoding. The first body stands alone, so that what reads it back sees
//! what was sent; each further request of the same trace is set off by a comment, which is legal in an event stream.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::redact::{RedactStream, Redactor};

/// Where upstream bytes are copied to. Clones write to the same place. A write that fails ends the trace, and the turn
/// says so once; it never ends the turn.
#[derive(Clone)]
pub struct Trace {
    sink: Arc<Mutex<Sink>>,
}

struct Sink {
    /// `None` after a failure.
    writer: Option<Box<dyn Write + Send>>,
    /// Bodies begun, in all turns.
    bodies: u32,
    /// How many of the last bytes are line feeds, up to two.
    line_feeds: usize,
}

impl Trace {
    /// A trace to any writer. It is flushed after every chunk, so that it can be followed live.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let sink = Sink {
            writer: Some(Box::new(writer)),
            bodies: 0,
            line_feeds: 2,
        };
        Self {
            sink: Arc::new(Mutex::new(sink)),
        }
    }

    /// A trace to a new file, readable by its owner only. A file that is there is replaced.
    ///
    /// # Errors
    /// What the system says about creating it.
    pub fn file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self::new(options.open(path)?))
    }

    /// Begins the body of request `attempt` of a turn, and says how that went.
    pub fn body(&self, attempt: u32, redactor: &Redactor) -> (TraceBody, io::Result<()>) {
        let begun = self.with(|sink| {
            sink.bodies += 1;
            if sink.bodies == 1 {
                return Ok(());
            }
            // An unterminated last line must not run into the comment, nor the comment into the next event.
            let gap = "\n".repeat(2 - sink.line_feeds);
            sink.write(format!("{gap}: respair attempt {attempt}\n\n").as_bytes())
        });
        (
            TraceBody {
                trace: self.clone(),
                redact: redactor.stream(),
            },
            begun,
        )
    }

    /// Notes an answer that is no stream, line by line as comments.
    ///
    /// # Errors
    /// What the writer says; nothing more is written then.
    pub fn note(&self, text: &str, redactor: &Redactor) -> io::Result<()> {
        let text = redactor.text(text);
        self.with(|sink| {
            let gap = if sink.line_feeds == 0 { "\n" } else { "" };
            let lines: String = text.lines().map(|line| format!(": {line}\n")).collect();
            sink.write(format!("{gap}{lines}\n").as_bytes())
        })
    }

    fn with(&self, act: impl FnOnce(&mut Sink) -> io::Result<()>) -> io::Result<()> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut sink);
        if result.is_err() {
            sink.writer = None;
        }
        result
    }
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        if bytes.is_empty() {
            return Ok(());
        }
        writer.write_all(bytes)?;
        writer.flush()?;
        let last = bytes
            .iter()
            .rev()
            .take(2)
            .take_while(|byte| **byte == b'\n')
            .count();
        self.line_feeds = if last == bytes.len() {
            (self.line_feeds + last).min(2)
        } else {
            last
        };
        Ok(())
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

/// The trace of one body. What was held back, as the beginning of a secret, is written when it is dropped.
pub struct TraceBody {
    trace: Trace,
    redact: RedactStream,
}

impl TraceBody {
    /// Copies bytes as they came.
    ///
    /// # Errors
    /// What the writer says, once; nothing more is written then.
    pub fn push(&mut self, chunk: &[u8]) -> io::Result<()> {
        let bytes = self.redact.push(chunk);
        self.trace.with(|sink| sink.write(&bytes))
    }
}

impl Drop for TraceBody {
    fn drop(&mut self) {
        let rest = self.redact.finish();
        // A failure here has no one left to tell, and the file lacks less than one secret's length of bytes.
        let _ = self.trace.with(|sink| sink.write(&rest));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::Endpoint;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn redactor() -> Redactor {
        let mut endpoint = Endpoint::custom("http://r.example".parse().unwrap());
        endpoint.api_key = Some("sk-secret".to_owned().into());
        Redactor::of(&endpoint)
    }

    #[test]
    fn the_first_body_stands_alone_and_the_next_is_set_off() {
        let shared = Shared::default();
        let trace = Trace::new(shared.clone());
        for (attempt, chunks) in [
            (1, ["data: sk-se", "cret\n"]),
            (2, ["data: 2", "\n\n"]),
            (3, ["x", ""]),
        ] {
            let (mut body, begun) = trace.body(attempt, &redactor());
            begun.unwrap();
            for chunk in chunks {
                body.push(chunk.as_bytes()).unwrap();
            }
        }
        let written = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            written,
            "data: [redacted]\n\n: respair attempt 2\n\ndata: 2\n\n: respair attempt 3\n\nx"
        );
    }

    #[test]
    fn an_error_body_is_noted_as_comments() {
        let shared = Shared::default();
        let trace = Trace::new(shared.clone());
        trace
            .note("HTTP 401\n{\"key\": \"sk-secret\"}", &redactor())
            .unwrap();
        let written = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written, ": HTTP 401\n: {\"key\": \"[redacted]\"}\n\n");
    }

    #[test]
    fn a_failed_write_is_told_once() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let trace = Trace::new(Full);
        let (mut body, begun) = trace.body(1, &redactor());
        begun.unwrap();
        assert!(body.push(b"a").is_err());
        assert!(body.push(b"b").is_ok());
    }
}
