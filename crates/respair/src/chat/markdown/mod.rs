//! Markdown as it comes: finished blocks are given once, only the block that is still open may change.
//!
//! Whether a block is finished is decided by whole lines alone: half a line may become anything (`***` is a rule, `***a***` is
//! not). The lines of a fenced block at the outermost level are finished as soon as they end.

mod render;
mod table;

use std::ops::Range;

use anstyle::Style;
use pulldown_cmark::{Event, Options, Parser};

use super::line::Line;
use render::render;

/// The longest text of one open block, which is read again with every line: what is longer is cut into two blocks.
const LONGEST: usize = 32 << 10;

/// How it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Columns.
    pub(super) width: usize,
    /// With styles. Without, the marks of the source stay: emphasis, code.
    pub(super) color: bool,
    /// Under everything else.
    pub(super) base: Style,
}

/// A text that comes in pieces.
#[derive(Debug)]
pub(super) struct Markdown {
    look: Look,
    /// What is not finished yet.
    open: String,
    /// Lines of the open block that have scrolled away.
    gone: usize,
    /// Within a fenced block.
    fence: Option<Fence>,
    /// Something was given: the next block stands apart.
    begun: bool,
}

/// A fence that was opened.
#[derive(Clone, Copy, Debug)]
struct Fence {
    mark: u8,
    length: usize,
    indent: usize,
}

impl Markdown {
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            open: String::new(),
            gone: 0,
            fence: None,
            begun: false,
        }
    }

    /// The terminal has another width from here on. A block that has partly scrolled away keeps the one that it began with.
    pub(super) fn set_width(&mut self, width: usize) {
        if self.gone == 0 {
            self.look.width = width;
        }
    }

    /// Adds a piece, harmless already. Gives the lines that are finished.
    pub(super) fn push(&mut self, piece: &str) -> Vec<Line> {
        self.open.push_str(piece);
        let mut lines = Vec::new();
        if piece.contains('\n') || self.open.len() > LONGEST {
            self.settle(&mut lines);
        }
        lines
    }

    /// The lines of what is open, without those that have scrolled away.
    pub(super) fn live(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        match self.fence {
            Some(fence) if !self.open.is_empty() => {
                lines.push(self.code(fence.unindented(&self.open)));
            }
            Some(_) => {}
            None if self.open.trim().is_empty() => {}
            None => self.block(&self.open, &mut lines),
        }
        lines.drain(..self.gone.min(lines.len()));
        lines
    }

    /// The open block is taller than the screen: its first lines are given, and are not touched any more.
    pub(super) fn let_go(&mut self, count: usize) -> Vec<Line> {
        let mut lines = self.live();
        lines.truncate(count);
        self.gone += lines.len();
        lines
    }

    /// Ends it: gives all that is left.
    pub(super) fn finish(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        self.settle(&mut lines);
        lines.extend(self.live());
        self.begun |= !lines.is_empty();
        self.open.clear();
        (self.gone, self.fence) = (0, None);
        lines
    }

    /// Moves what is finished out of the open text.
    fn settle(&mut self, lines: &mut Vec<Line>) {
        loop {
            let done = match self.fence {
                Some(fence) => self.settle_code(fence, lines),
                None => self.settle_blocks(lines),
            };
            if done {
                return;
            }
        }
    }

    /// Whole lines of a fenced block. Says whether it is all for now.
    fn settle_code(&mut self, fence: Fence, lines: &mut Vec<Line>) -> bool {
        while let Some(end) = self.open.find('\n') {
            let line: String = self.open.drain(..=end).collect();
            let line = line.trim_end_matches('\n');
            if fence.is_closed_by(line) {
                lines.push(self.mark(line.trim()));
                self.fence = None;
                return false;
            }
            lines.push(self.code(fence.unindented(line)));
        }
        if self.open.len() > LONGEST {
            let rest = std::mem::take(&mut self.open);
            lines.push(self.code(&rest));
        }
        true
    }

    /// Blocks that another one follows, and a fence that opens. Says whether it is all for now.
    fn settle_blocks(&mut self, lines: &mut Vec<Line>) -> bool {
        let whole = self.open.rfind('\n').map_or(0, |at| at + 1);
        let starts = starts(&self.open[..whole]);
        if let Some((&last, before)) = starts.split_last().filter(|(_, before)| !before.is_empty())
        {
            let ends = before.iter().skip(1).chain([&last]);
            let ranges: Vec<Range<usize>> = before.iter().zip(ends).map(|(a, b)| *a..*b).collect();
            for range in ranges {
                let text = self.open[range].to_owned();
                self.finished(&text, lines);
            }
            self.open.drain(..last);
        }
        let first = self.open.split_inclusive('\n').next().unwrap_or("");
        if let Some(fence) = Fence::opened_by(first).filter(|_| first.ends_with('\n')) {
            let head = first.trim().to_owned();
            let length = first.len();
            self.apart(lines);
            lines.push(self.mark(&head));
            self.open.drain(..length);
            (self.fence, self.gone) = (Some(fence), 0);
            return false;
        }
        if self.open.len() > LONGEST {
            let cut = self
                .open
                .rfind([' ', '\n'])
                .map_or(self.open.len(), |at| at + 1);
            let text: String = self.open.drain(..cut).collect();
            self.finished(&text, lines);
        }
        true
    }

    fn finished(&mut self, text: &str, lines: &mut Vec<Line>) {
        let mut block = Vec::new();
        self.block(text, &mut block);
        let gone = std::mem::take(&mut self.gone).min(block.len());
        lines.extend(block.drain(gone..));
        self.begun = true;
    }

    /// A block, apart from what came before it.
    fn block(&self, text: &str, lines: &mut Vec<Line>) {
        if self.begun {
            lines.push(Line::default());
        }
        lines.extend(render(text, self.look));
    }

    fn apart(&mut self, lines: &mut Vec<Line>) {
        if std::mem::replace(&mut self.begun, true) {
            lines.push(Line::default());
        }
    }

    fn code(&self, text: &str) -> Line {
        Line::of(text.replace('\t', "    "), render::code(self.look.base))
    }

    fn mark(&self, text: &str) -> Line {
        Line::of(text, self.look.base.dimmed())
    }
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let rest = line.trim_start_matches(' ');
        let indent = line.len() - rest.len();
        let mark = *rest
            .as_bytes()
            .first()
            .filter(|mark| b"`~".contains(mark))?;
        let length = rest.bytes().take_while(|byte| *byte == mark).count();
        let info = &rest[length..];
        (indent < 4 && length >= 3 && !(mark == b'`' && info.contains('`'))).then_some(Self {
            mark,
            length,
            indent,
        })
    }

    fn is_closed_by(self, line: &str) -> bool {
        let rest = line.trim_start_matches(' ');
        let length = rest.bytes().take_while(|byte| *byte == self.mark).count();
        line.len() - rest.len() < 4 && length >= self.length && rest[length..].trim().is_empty()
    }

    fn unindented(self, line: &str) -> &str {
        let blanks = line.bytes().take_while(|byte| *byte == b' ').count();
        &line[blanks.min(self.indent)..]
    }
}

/// Where the blocks of the outermost level begin: at the beginnings of their lines.
fn starts(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut depth = 0_usize;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        let begins = match event {
            Event::Start(_) => {
                depth += 1;
                depth == 1
            }
            Event::End(_) => {
                depth -= 1;
                false
            }
            _ => depth == 0,
        };
        if begins {
            let line = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
            if starts.last() != Some(&line) {
                starts.push(line);
            }
        }
    }
    starts
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

#[cfg(test)]
mod tests;
