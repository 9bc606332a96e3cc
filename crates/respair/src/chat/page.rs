//! What a conversation looks like: events in, finished lines and live lines out. No terminal, no clock, no threads.
//!
//! Finished lines are printed once. Live lines stand below them and are drawn anew: the block that is still open, the tools that
//! run, the status, what is being typed.

use anstyle::{AnsiColor, Style};

use super::draw::Draw;
use super::foot::Foot;
use super::line::{Line, Span, wrap};
use super::markdown::{Look, Markdown};
use super::status::Words;
use crate::agent::words;
use crate::term::{BAD, DIM, GOOD, Neutral, visible};

/// Lines of a diff that are shown.
const DIFF: usize = 60;

/// What the text under way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Commentary,
    Reasoning,
}

/// The state of what is shown.
pub(super) struct Page {
    columns: usize,
    rows: usize,
    color: bool,
    open: Option<(Kind, Markdown, Neutral)>,
    folds: bool,
    foot: Foot,
    /// The last line that was printed is blank, or nothing was.
    blank: bool,
    /// It is that of a tool, or of what was asked about one.
    tool: bool,
    /// Lines that are finished and not printed yet.
    done: Vec<Line>,
}

impl Page {
    pub(super) fn new(columns: usize, rows: usize, color: bool) -> Self {
        Self {
            columns,
            rows,
            color,
            open: None,
            folds: false,
            foot: Foot::default(),
            blank: true,
            tool: false,
            done: Vec::new(),
        }
    }

    /// Takes what happened.
    pub(super) fn draw(&mut self, draw: Draw) {
        match draw {
            Draw::Text(text) => self.piece(Kind::Text, &text),
            Draw::Commentary(text) => self.piece(Kind::Commentary, &text),
            Draw::Reasoning(text) => match self.folds {
                true => self.fold(&text),
                false => self.piece(Kind::Reasoning, &text),
            },
            Draw::EndResponse | Draw::Superseded => self.close(),
            Draw::ToolStarted { call_id, what } => {
                self.close();
                self.foot.started(call_id, &what);
            }
            Draw::ToolProgress { call_id, line } => self.foot.progress(&call_id, &line),
            Draw::ToolEnded {
                call_id,
                line,
                failed,
                diff,
            } => self.tool_ended(&call_id, &line, failed, diff.as_deref()),
            Draw::Notice(text) => self.remark("", DIM, &text, DIM),
            Draw::Error(text) => self.remark("error: ", BAD, &text, Style::new()),
            Draw::Help(text) => self.remark("help: ", GOOD, &text, Style::new()),
            Draw::Plain(text) => {
                self.close();
                self.finish(Line::of(visible(&text), Style::new()));
            }
            Draw::Said(text) => self.said(&text),
            Draw::Ask(lines) => self.ask(&lines),
            Draw::Question => self.foot.asking = true,
            Draw::Asked => self.foot.asking = false,
            Draw::Closing(text) => {
                self.close();
                self.gap();
                self.wrapped(&text, DIM);
                self.gap();
            }
            Draw::Document(text) => self.document(Kind::Text, &text),
            Draw::Unfolded(text) => self.document(Kind::Reasoning, &text),
            Draw::Typed { text, queued } => (self.foot.typed, self.foot.queued) = (text, queued),
            Draw::Status(status) => {
                // A turn begins behind what the user typed.
                if self.foot.status.is_none() && status.is_some() {
                    self.blank = false;
                }
                self.foot.status = status;
                if self.foot.status.is_none() {
                    self.close();
                    self.foot.nothing_runs();
                }
            }
            Draw::Fold(folds) => self.folds = folds,
            Draw::Tick(now) => self.foot.now = now,
            Draw::Size(columns, rows) => self.resize(columns, rows),
        }
    }

    /// The lines that are finished since the last time.
    pub(super) fn finished(&mut self) -> Vec<Line> {
        self.overflow();
        std::mem::take(&mut self.done)
    }

    /// The lines that stand below them now; none when nothing is under way.
    pub(super) fn live(&self) -> Vec<Line> {
        let width = self.columns.saturating_sub(1).max(1);
        let mut lines = Vec::new();
        if let Some((kind, markdown, _)) = &self.open {
            lines.extend(
                markdown
                    .live()
                    .into_iter()
                    .map(|line| prefixed(*kind, line)),
            );
        }
        let mut lines: Vec<Line> = lines.into_iter().map(|line| line.cut(width)).collect();
        lines.extend(self.foot());
        lines
    }

    /// Two rows are left for the answer.
    fn foot(&self) -> Vec<Line> {
        let width = self.columns.saturating_sub(1).max(1);
        self.foot.lines(width, self.rows.saturating_sub(2).max(1))
    }

    /// Lets go of the first lines of an open block that is taller than the screen.
    fn overflow(&mut self) {
        let room = self.rows.saturating_sub(self.foot().len() + 1).max(1);
        let Some((kind, markdown, _)) = &mut self.open else {
            return;
        };
        let live = markdown.live().len();
        if live > room {
            let kind = *kind;
            for line in markdown.let_go(live - room) {
                self.finish(prefixed(kind, line));
            }
        }
    }

    fn piece(&mut self, kind: Kind, text: &str) {
        self.unfold();
        if self.open.as_ref().is_some_and(|(open, ..)| *open != kind) {
            self.close();
        }
        if self.open.is_none() {
            // Blank lines at the beginning say nothing.
            let text = text.trim_start_matches('\n');
            if text.is_empty() {
                return;
            }
            self.gap();
            let look = Look {
                width: self.width(kind),
                color: self.color,
                base: match kind {
                    Kind::Text => Style::new(),
                    Kind::Commentary => Style::new(),
                    Kind::Reasoning => DIM,
                },
            };
            self.open = Some((kind, Markdown::new(look), Neutral::default()));
        }
        let lines = match &mut self.open {
            Some((_, markdown, neutral)) => {
                let text = neutral.piece(text);
                markdown.push(&text)
            }
            None => Vec::new(),
        };
        for line in lines {
            self.finish(prefixed(kind, line));
        }
    }

    /// A text as a whole.
    fn document(&mut self, kind: Kind, text: &str) {
        self.close();
        self.gap();
        self.piece(kind, text);
        self.close();
        self.gap();
    }

    fn width(&self, kind: Kind) -> usize {
        let prefix = prefixed(kind, Line::default()).width();
        self.columns.saturating_sub(1 + prefix).max(1)
    }

    fn fold(&mut self, text: &str) {
        if self.foot.folded.is_none() {
            self.close();
            self.foot.folded = Some((self.foot.now, Words::default()));
        }
        if let Some((_, words)) = &mut self.foot.folded {
            words.add(text);
        }
    }

    fn unfold(&mut self) {
        if let Some((since, words)) = self.foot.folded.take() {
            let took = words::seconds(self.foot.now.saturating_sub(since));
            self.gap();
            let words = words.text();
            let line = format!("reasoned for {took} · {words} (`/reasoning show` shows it)");
            self.wrapped(&line, DIM);
        }
    }

    /// Ends what is open.
    fn close(&mut self) {
        self.unfold();
        if let Some((kind, mut markdown, mut neutral)) = self.open.take() {
            let mut lines = markdown.push(neutral.rest());
            lines.extend(markdown.finish());
            for line in lines {
                self.finish(prefixed(kind, line));
            }
        }
    }

    fn tool_ended(&mut self, call_id: &str, line: &str, failed: bool, diff: Option<&str>) {
        self.close();
        self.foot.ended(call_id);
        let (mark, style) = match failed {
            true => ("✗ ", BAD),
            false => ("✓ ", GOOD),
        };
        if !self.tool {
            self.gap();
        }
        let mut shown = Line::of(mark, style);
        shown.push(line, Style::new());
        self.finish(shown.cut(self.columns.saturating_sub(1)));
        if let Some(diff) = diff {
            let lines: Vec<String> = diff.lines().map(visible).collect();
            self.diff(&lines);
        }
        self.tool = true;
    }

    fn diff(&mut self, lines: &[String]) {
        // A remark that one line is left out takes as much room as that line.
        let shown = if lines.len() > DIFF + 1 {
            DIFF
        } else {
            lines.len()
        };
        for line in &lines[..shown] {
            self.finish(diff_line(line));
        }
        if lines.len() > shown {
            let more = lines.len() - shown;
            self.finish(Line::of(format!("  … {more} lines more"), DIM));
        }
    }

    fn ask(&mut self, lines: &[String]) {
        self.close();
        self.gap();
        let mut lines = lines.iter();
        if let Some(first) = lines.next() {
            self.wrapped(first, Style::new().bold());
        }
        for line in lines {
            self.finish(diff_line(line));
        }
        self.tool = true;
    }

    fn said(&mut self, text: &str) {
        self.close();
        self.gap();
        for line in text.split('\n') {
            let mut shown = Line::of("› ", GOOD);
            shown.push(visible(line), Style::new());
            self.finish(shown);
        }
    }

    fn remark(&mut self, word: &str, word_style: Style, text: &str, style: Style) {
        self.close();
        let spans = [
            Span {
                text: word.to_owned(),
                style: word_style,
            },
            Span {
                text: visible(text),
                style,
            },
        ];
        for line in wrap(&spans, self.columns.saturating_sub(1)) {
            self.finish(line);
        }
    }

    fn wrapped(&mut self, text: &str, style: Style) {
        let span = Span {
            text: visible(text),
            style,
        };
        for line in wrap(&[span], self.columns.saturating_sub(1)) {
            self.finish(line);
        }
    }

    /// A blank line, unless there is one.
    fn gap(&mut self) {
        if !self.blank {
            self.finish(Line::default());
        }
    }

    fn finish(&mut self, line: Line) {
        (self.blank, self.tool) = (line.is_empty(), false);
        self.done.push(line);
    }

    fn resize(&mut self, columns: usize, rows: usize) {
        (self.columns, self.rows) = (columns, rows);
        if let Some(kind) = self.open.as_ref().map(|(kind, ..)| *kind) {
            let width = self.width(kind);
            if let Some((_, markdown, _)) = &mut self.open {
                markdown.set_width(width);
            }
        }
    }
}

/// Commentary is told from the answer by a bar.
fn prefixed(kind: Kind, line: Line) -> Line {
    match kind {
        Kind::Commentary => line.behind(&Line::of("┊ ", DIM)),
        _ => line,
    }
}

fn diff_line(line: &str) -> Line {
    let colour = |colour: AnsiColor| colour.on_default();
    let style = match line.as_bytes().first() {
        Some(b'+') => colour(AnsiColor::Green),
        Some(b'-') => colour(AnsiColor::Red),
        Some(b'@') => colour(AnsiColor::Cyan),
        _ => Style::new(),
    };
    Line::of(format!("  {line}"), style)
}
