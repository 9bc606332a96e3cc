//! Where a turn is shown: the answer on standard output, everything else on standard error, both in the order in which they
//! came although they are two streams, and often one terminal.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use anstyle::Style;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::one_file;
use crate::args::Common;
use crate::log;
use crate::term::{self, BAD, DIM, GOOD, Neutral};

/// Pieces that may wait for a slow terminal before the turn, and with it the upstream, is slowed down.
const WAITING: usize = 256;

/// Something to show.
#[derive(Clone, Debug)]
pub(crate) enum Show {
    /// A piece of the answer.
    Text(String),
    /// A piece of the reasoning.
    Reasoning(String),
    /// A piece of what is said while it works, which is no part of the answer either.
    Commentary(String),
    /// A line of `--json`.
    Json(String),
    /// A remark.
    Notice(String),
    /// What went wrong.
    Error(String),
    /// A line as it is: of the error, of the log.
    Plain(String),
    /// What to do about it.
    Help(String),
    /// Ctrl-C: the terminal has put `^C` where the cursor is.
    Interrupt,
    /// How it ended.
    Closing(String),
    /// A tool: that it was called, how it went.
    Tool(String),
    /// What a call would change, or is about to do.
    Detail(String),
    /// A question: the cursor stays behind it.
    Ask(String),
    /// The next piece of the answer is of another response.
    Break,
    /// Everything before it is to be written; whoever waits is told.
    Settle(mpsc::Sender<()>),
}

impl Show {
    /// What is a line of its own on standard error: its style, its first word and its text.
    pub(crate) fn line(&self) -> Option<(Style, &'static str, &str)> {
        match self {
            Show::Notice(text) => Some((DIM, "notice: ", text)),
            Show::Error(text) => Some((BAD, "error: ", text)),
            Show::Plain(text) => Some((Style::new(), "", text)),
            Show::Help(text) => Some((GOOD, "help: ", text)),
            Show::Tool(text) => Some((DIM, "tool: ", text)),
            Show::Detail(text) => Some((DIM, "  ", text)),
            Show::Text(_)
            | Show::Ask(_)
            | Show::Break
            | Show::Settle(_)
            | Show::Reasoning(_)
            | Show::Commentary(_)
            | Show::Json(_)
            | Show::Interrupt
            | Show::Closing(_) => None,
        }
    }
}

/// What goes where, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looks {
    pub(crate) out_is_terminal: bool,
    err_is_terminal: bool,
    /// Both are one file or pipe, as behind `2>&1`.
    one_file: bool,
    quiet: bool,
    json: bool,
}

impl Looks {
    /// As this process's streams and flags have it.
    pub(crate) fn of(common: &Common) -> Self {
        Self {
            out_is_terminal: term::stdout_is_terminal(),
            err_is_terminal: term::stderr_is_terminal(),
            one_file: one_file::one_file(),
            quiet: common.quiet,
            json: common.json,
        }
    }
}

/// A thread that writes.
pub(crate) struct Screen {
    pieces: Option<mpsc::Sender<Show>>,
    gone: CancellationToken,
    failed: Arc<OnceLock<io::Error>>,
    ended: oneshot::Receiver<()>,
}

impl Screen {
    /// Starts it.
    pub(crate) fn start(looks: Looks) -> Self {
        let (pieces, waiting) = mpsc::channel(WAITING);
        log::through(pieces.downgrade());
        let (end, ended) = oneshot::channel();
        let gone = CancellationToken::new();
        let failed = Arc::new(OnceLock::new());
        let (gone_too, failed_too) = (gone.clone(), Arc::clone(&failed));
        std::thread::spawn(move || {
            let writer = Writer::new(io::stdout(), term::stderr(), looks);
            if let Err(error) = write_all(writer, waiting) {
                // Set once, here.
                let _ = failed_too.set(error);
                gone_too.cancel();
            }
            // Nobody waits any more when the command is ending anyway.
            let _ = end.send(());
        });
        Self {
            pieces: Some(pieces),
            gone,
            failed,
            ended,
        }
    }

    /// Hands a piece over; waits while too many wait already. What comes after a failure is dropped.
    pub(crate) async fn show(&self, show: Show) {
        if let Some(pieces) = &self.pieces {
            let _ = pieces.send(show).await;
        }
    }

    /// Hands a piece over if that is possible at once, and drops it otherwise.
    pub(crate) fn offer(&self, show: Show) {
        if let Some(pieces) = &self.pieces {
            let _ = pieces.try_send(show);
        }
    }

    /// Waits until everything is written.
    pub(crate) async fn settle(&self) {
        let (done, mut settled) = mpsc::channel(1);
        self.show(Show::Settle(done)).await;
        settled.recv().await;
    }

    /// Resolves when standard output takes nothing more.
    pub(crate) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// Why standard output took nothing more.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        self.pieces = None;
        let _ = (&mut self.ended).await;
        match self.failed.get() {
            Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
            None => Ok(()),
        }
    }
}

fn write_all<O: Write, E: Write>(
    mut writer: Writer<O, E>,
    mut waiting: mpsc::Receiver<Show>,
) -> io::Result<()> {
    while let Some(show) = waiting.blocking_recv() {
        writer.show(&show)?;
        // Pieces that wait together are flushed together.
        while let Ok(show) = waiting.try_recv() {
            writer.show(&show)?;
        }
        writer.flush()?;
    }
    writer.end()
}

/// What stands at the end of the screen's last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Text,
    Reasoning,
    Commentary,
}

impl Open {
    /// Beside the answer, on standard error.
    fn is_aside(self) -> bool {
        matches!(self, Open::Reasoning | Open::Commentary)
    }
}

/// The writing itself, without threads. Failures of `err` are swallowed: there is nowhere left to tell them.
struct Writer<O: Write, E: Write> {
    out: O,
    err: E,
    looks: Looks,
    /// An unfinished line.
    open: Open,
    /// The last that was shown of answer or reasoning, for the blank line between them.
    last: Open,
    /// The last piece, where that was beside the answer: another kind of it stands apart.
    beside: Open,
    neutral_out: Neutral,
    neutral_err: Neutral,
}

impl<O: Write, E: Write> Writer<O, E> {
    fn new(out: O, err: E, looks: Looks) -> Self {
        Self {
            out,
            err,
            looks,
            open: Open::Nothing,
            last: Open::Nothing,
            beside: Open::Nothing,
            neutral_out: Neutral::default(),
            neutral_err: Neutral::default(),
        }
    }

    fn show(&mut self, show: &Show) -> io::Result<()> {
        let Looks { quiet, json, .. } = self.looks;
        if !matches!(show, Show::Reasoning(_) | Show::Commentary(_)) {
            self.beside = Open::Nothing;
        }
        match show {
            Show::Text(text) if !json => return self.text(text),
            Show::Json(line) => return writeln!(self.out, "{line}"),
            Show::Reasoning(text) if !quiet && !json => self.aside(text, Open::Reasoning),
            Show::Commentary(text) if !quiet && !json => self.aside(text, Open::Commentary),
            Show::Closing(text) if !quiet => {
                self.close_line();
                let _ = writeln!(self.err, "{DIM}{text}{DIM:#}");
            }
            Show::Interrupt if self.looks.err_is_terminal => match self.open {
                Open::Nothing => {
                    let _ = writeln!(self.err);
                }
                _ => self.close_line(),
            },
            Show::Notice(_) | Show::Tool(_) if quiet => {}
            Show::Ask(question) => {
                self.close_line();
                let _ = write!(self.err, "{question}");
            }
            // A pipe holds the answer alone.
            Show::Break if !json && self.looks.out_is_terminal => self.close_line(),
            Show::Break => {}
            Show::Settle(done) => {
                self.close_line();
                self.flush()?;
                // Whoever waited may have been interrupted.
                let _ = done.try_send(());
            }
            other => {
                if let Some((style, word, text)) = other.line() {
                    self.close_line();
                    let _ = writeln!(self.err, "{style}{word}{style:#}{text}");
                }
            }
        }
        Ok(())
    }

    /// Exact bytes into a pipe or file; harmless on a terminal.
    fn text(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.open.is_aside() || self.last.is_aside() && self.shared() {
            self.close_line();
            if self.shared() {
                let _ = writeln!(self.err);
            }
        }
        self.last = Open::Text;
        if !self.looks.out_is_terminal {
            if self.looks.one_file {
                self.open = open_after(text, Open::Text, self.open);
            }
            return self.out.write_all(text.as_bytes());
        }
        let text = self.neutral_out.piece(text);
        self.open = open_after(&text, Open::Text, self.open);
        self.out.write_all(text.as_bytes())
    }

    fn aside(&mut self, text: &str, what: Open) {
        let is_other = self.beside.is_aside() && self.beside != what;
        if self.open == Open::Text || is_other {
            self.close_line();
        }
        if self.last == Open::Text && self.shared() || is_other {
            let _ = writeln!(self.err);
        }
        (self.last, self.beside) = (what, what);
        let text = if self.looks.err_is_terminal {
            self.neutral_err.piece(text)
        } else {
            text.to_owned()
        };
        self.open = open_after(&text, what, self.open);
        let _ = write!(self.err, "{DIM}{text}{DIM:#}");
    }

    /// Ends an unfinished line. That of the answer is ended on standard error, and only when both are one terminal or one file:
    /// nothing is put into the answer.
    fn close_line(&mut self) {
        let rest = match self.open {
            open if open.is_aside() => self.neutral_err.rest(),
            _ => "",
        };
        if self.open.is_aside() || self.open == Open::Text && self.is_one() {
            let _ = self.out.flush();
            let _ = writeln!(self.err, "{rest}");
            self.open = Open::Nothing;
        }
    }

    /// Whether both streams are (as far as can be told) the same terminal.
    fn shared(&self) -> bool {
        self.looks.out_is_terminal && self.looks.err_is_terminal
    }

    /// Whether what follows the answer on standard error stands on the same line.
    fn is_one(&self) -> bool {
        self.shared() || self.looks.one_file
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.err.flush();
        self.out.flush()
    }

    /// On a terminal the answer gets its final newline.
    fn end(mut self) -> io::Result<()> {
        match self.open {
            Open::Text if self.looks.one_file => {}
            Open::Text => {
                let rest = self.neutral_out.rest();
                writeln!(self.out, "{rest}")?;
            }
            Open::Reasoning | Open::Commentary => self.close_line(),
            Open::Nothing => {}
        }
        self.flush()
    }
}

fn open_after(text: &str, what: Open, before: Open) -> Open {
    match text.chars().last() {
        None => before,
        Some('\n') => Open::Nothing,
        Some(_) => what,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    /// Both streams into one buffer, as a terminal has it; or apart.
    fn shown(looks: Looks, shows: &[Show]) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut writer = Writer::new(&mut out, anstream::StripStream::new(&mut err), looks);
        for show in shows {
            writer.show(show).unwrap();
        }
        writer.end().unwrap();
        (
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    const PIPE: Looks = Looks {
        out_is_terminal: false,
        err_is_terminal: false,
        one_file: false,
        quiet: false,
        json: false,
    };
    const TERMINAL: Looks = Looks {
        out_is_terminal: true,
        err_is_terminal: true,
        ..PIPE
    };

    fn turn() -> Vec<Show> {
        vec![
            Show::Reasoning("think".into()),
            Show::Reasoning("ing".into()),
            Show::Text("Hel\x1b[1m".into()),
            Show::Text("lo\r".into()),
            Show::Closing("completed".into()),
        ]
    }

    #[test]
    fn a_pipe_gets_exact_bytes() {
        assert_eq!(
            shown(PIPE, &turn()),
            ("Hel\x1b[1mlo\r".into(), "thinking\ncompleted\n".into())
        );
    }

    /// What is said while it works stands apart from what is thought.
    #[test]
    fn commentary_begins_a_line_of_its_own() {
        let shows = [
            Show::Reasoning("I think.".into()),
            Show::Commentary("Let me ".into()),
            Show::Commentary("look.".into()),
            Show::Reasoning("Hm.".into()),
            Show::Text("Done.".into()),
        ];
        let said = "I think.\n\nLet me look.\n\nHm.\n";
        assert_eq!(shown(PIPE, &shows), ("Done.".into(), said.into()));
        assert_eq!(shown(TERMINAL, &shows).1, format!("{said}\n"));
    }

    /// `2>&1`: a remark begins a line of its own, and the answer's bytes stay what they are.
    #[test]
    fn in_one_file_remarks_are_lines_of_their_own() {
        let looks = Looks {
            one_file: true,
            ..PIPE
        };
        let shows = [
            Show::Text("a".into()),
            Show::Notice("n".into()),
            Show::Text("b".into()),
            Show::Closing("completed".into()),
        ];
        assert_eq!(
            shown(looks, &shows),
            ("ab".into(), "\nnotice: n\n\ncompleted\n".into())
        );
        // What goes without remarks goes without a line feed.
        assert_eq!(shown(looks, &shows[..1]), ("a".into(), String::new()));
        let whole = [Show::Text("a\n".into()), Show::Closing("c".into())];
        assert_eq!(shown(looks, &whole).1, "c\n");
    }

    #[test]
    fn a_terminal_gets_harmless_text_and_whole_lines() {
        let (out, err) = shown(TERMINAL, &turn());
        assert_eq!(out, "Hel\\x1b[1mlo");
        assert_eq!(err, "thinking\n\n\ncompleted\n");
        let (out, _) = shown(TERMINAL, &turn()[2..4]);
        assert_eq!(out, "Hel\\x1b[1mlo\\r\n");
    }

    #[test]
    fn quiet_leaves_the_answer_and_errors() {
        let looks = Looks {
            quiet: true,
            ..PIPE
        };
        let mut shows = turn();
        shows.extend([
            Show::Notice("n".into()),
            Show::Error("e".into()),
            Show::Help("h".into()),
        ]);
        assert_eq!(shown(looks, &shows).1, "error: e\nhelp: h\n");
    }

    #[test]
    fn json_leaves_text_to_the_json_lines() {
        let looks = Looks { json: true, ..PIPE };
        let mut shows = turn();
        shows.push(Show::Json("{}".into()));
        assert_eq!(shown(looks, &shows), ("{}\n".into(), "completed\n".into()));
    }

    #[test]
    fn a_notice_within_the_answer_leaves_a_pipe_alone() {
        let shows = [
            Show::Text("a".into()),
            Show::Notice("n".into()),
            Show::Text("b".into()),
        ];
        assert_eq!(shown(PIPE, &shows), ("ab".into(), "notice: n\n".into()));
        let split = Looks {
            out_is_terminal: true,
            ..PIPE
        };
        assert_eq!(shown(split, &shows), ("ab\n".into(), "notice: n\n".into()));
    }
}
