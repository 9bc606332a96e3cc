//! Where a conversation is shown: drawn on a terminal that can be drawn on, else line by line as `respair run` does it. Then the
//! answers alone go to standard output, everything else to standard error.

use std::io;

use super::draw::Draw;
use super::screen::Screen;
use super::status::Words;
use crate::agent::words;
use crate::args::Common;
use crate::run::{self, Looks, Show};

/// Where it is shown.
pub(super) enum View {
    Drawn(Screen),
    Plain(Plain),
}

impl View {
    pub(super) fn start(common: &Common, drawn: bool, color: bool) -> Self {
        match drawn {
            true => Self::Drawn(Screen::start(color)),
            false => Self::Plain(Plain::start(common)),
        }
    }

    pub(super) async fn show(&mut self, draw: Draw) {
        match self {
            Self::Drawn(screen) => screen.show(draw).await,
            Self::Plain(plain) => {
                for show in plain.shows(draw) {
                    plain.screen.show(show).await;
                }
            }
        }
    }

    /// Hands something over if that is possible at once, and drops it otherwise. Says whether it was.
    pub(super) fn offer(&mut self, draw: Draw) -> bool {
        match self {
            Self::Drawn(screen) => screen.offer(draw),
            Self::Plain(plain) => {
                for show in plain.shows(draw) {
                    plain.screen.offer(show);
                }
                true
            }
        }
    }

    /// Waits until everything is shown.
    pub(super) async fn settle(&self) {
        match self {
            Self::Drawn(screen) => screen.settle().await,
            Self::Plain(plain) => plain.screen.settle().await,
        }
    }

    /// Resolves when nothing more is taken.
    pub(super) async fn gone(&self) {
        match self {
            Self::Drawn(screen) => screen.gone().await,
            Self::Plain(plain) => plain.screen.gone().await,
        }
    }

    /// Waits until everything is written, and ends it.
    ///
    /// # Errors
    /// Why standard output took nothing more.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Drawn(screen) => {
                tokio::select! {
                    () = screen.settle() => {}
                    () = screen.gone() => {}
                }
                match screen.failure() {
                    Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
                    None => Ok(()),
                }
            }
            Self::Plain(plain) => plain.screen.finish().await,
        }
    }
}

/// Line by line.
pub(super) struct Plain {
    screen: run::Screen,
    /// Standard output is a pipe or a file: the text of a response waits until it is known to be the answer.
    holds: bool,
    held: String,
    /// What was said last does not end in a newline.
    open: bool,
    /// Reasoning is not shown, and how many words of it were not.
    folds: bool,
    folded: Option<Words>,
}

impl Plain {
    fn start(common: &Common) -> Self {
        let looks = Looks::of(common);
        Self {
            screen: run::Screen::start(looks),
            holds: !looks.out_is_terminal,
            held: String::new(),
            open: false,
            folds: false,
            folded: None,
        }
    }

    fn shows(&mut self, draw: Draw) -> Vec<Show> {
        match draw {
            Draw::Reasoning(text) if self.folds => {
                self.folded.get_or_insert_default().add(&text);
                Vec::new()
            }
            Draw::Typed { .. } | Draw::Tick(_) | Draw::Question | Draw::Status(Some(_)) => {
                Vec::new()
            }
            draw => {
                let folded = self.folded.take().map(|words| {
                    let words = words.text();
                    Show::Notice(format!("reasoned · {words} (`/reasoning show` shows it)"))
                });
                folded.into_iter().chain(self.shows_of(draw)).collect()
            }
        }
    }

    fn shows_of(&mut self, draw: Draw) -> Vec<Show> {
        match draw {
            Draw::Fold(folds) => {
                self.folds = folds;
                Vec::new()
            }
            Draw::Text(text) if self.holds => {
                self.held.push_str(&text);
                Vec::new()
            }
            Draw::Text(text) => {
                self.open = !text.ends_with('\n');
                vec![Show::Text(text)]
            }
            Draw::Commentary(text) => vec![Show::Commentary(text)],
            Draw::Reasoning(text) => vec![Show::Reasoning(text)],
            Draw::Unfolded(text) => vec![Show::Reasoning(text), Show::Break],
            Draw::EndResponse => vec![Show::Break],
            Draw::Superseded | Draw::ToolStarted { .. } => self.aside(),
            Draw::ToolEnded { line, .. } => {
                let mut shows = self.aside();
                shows.push(Show::Tool(line));
                shows
            }
            Draw::Notice(text) => vec![Show::Notice(text)],
            Draw::Error(text) => vec![Show::Error(text)],
            Draw::Help(text) => vec![Show::Help(text)],
            Draw::Plain(text) => vec![Show::Plain(text)],
            Draw::Ask(lines) => {
                let mut shows = self.aside();
                shows.extend(lines.into_iter().map(Show::Detail));
                shows.push(Show::Ask(format!("{} ", words::QUESTION)));
                shows
            }
            Draw::Closing(text) => {
                let mut shows = self.release();
                shows.push(Show::Closing(text));
                shows
            }
            Draw::Document(text) => text
                .lines()
                .map(|line| Show::Plain(crate::term::visible(line)))
                .collect(),
            Draw::Status(None) => self.release(),
            _ => Vec::new(),
        }
    }

    /// What was held is no part of the answer.
    fn aside(&mut self) -> Vec<Show> {
        match std::mem::take(&mut self.held) {
            held if held.is_empty() => Vec::new(),
            held => vec![Show::Commentary(held)],
        }
    }

    /// What was held is the answer, and ends with its line.
    fn release(&mut self) -> Vec<Show> {
        let mut held = std::mem::take(&mut self.held);
        if self.holds {
            self.open = !held.is_empty() && !held.ends_with('\n');
        }
        if std::mem::take(&mut self.open) {
            held.push('\n');
        }
        match held.is_empty() {
            true => Vec::new(),
            false => vec![Show::Text(held)],
        }
    }
}
