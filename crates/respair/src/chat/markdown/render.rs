//! A block of Markdown as lines.

use anstyle::{AnsiColor, Style};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::table::Table;
use super::{Look, options};
use crate::chat::line::{Line, Span, wrap};

pub(super) fn code(base: Style) -> Style {
    base.fg_color(Some(AnsiColor::Cyan.into()))
}

/// The lines of a text, its blocks apart from one another.
pub(super) fn render(text: &str, look: Look) -> Vec<Line> {
    let mut page = Page {
        look,
        lines: Vec::new(),
        spans: Vec::new(),
        styles: vec![look.base],
        prefixes: Vec::new(),
        lists: Vec::new(),
        links: Vec::new(),
        table: None,
        code: None,
        apart: false,
        tight: 0,
    };
    for event in Parser::new_ext(text, options()) {
        page.event(event);
    }
    page.end_text();
    page.lines
}

struct Page {
    look: Look,
    lines: Vec<Line>,
    /// Text that waits to be broken into lines.
    spans: Vec<Span>,
    styles: Vec<Style>,
    prefixes: Vec<Prefix>,
    /// The next number of each list that is open; `None` for bullets.
    lists: Vec<Option<u64>>,
    links: Vec<String>,
    table: Option<Table>,
    /// The text of a code block.
    code: Option<String>,
    /// The next block stands apart from the one before.
    apart: bool,
    /// Within a list whose items stand close together.
    tight: usize,
}

/// What stands before every line of a quotation or an item.
struct Prefix {
    first: Option<Line>,
    rest: Line,
}

impl Page {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => {
                let style = code(self.style());
                match self.look.color {
                    true => self.styled(&text, style),
                    false => self.styled(&format!("`{text}`"), style),
                }
            }
            Event::InlineHtml(text) | Event::Html(text) => self.text(&text),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.text("\n"),
            Event::Rule => {
                self.begin();
                let width = self.width().min(40);
                self.put(Line::of("─".repeat(width), self.look.base.dimmed()));
                self.apart = true;
            }
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }),
            Event::FootnoteReference(name) => self.text(&format!("[^{name}]")),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.begin(),
            Tag::Heading { level, .. } => {
                self.begin();
                let style = self.look.base.bold();
                self.styles.push(style);
                self.styled(&"#".repeat(level as usize), self.look.base.dimmed());
                self.styled(" ", style);
            }
            Tag::BlockQuote(_) => {
                self.begin();
                let bar = Line::of("│ ", self.look.base.dimmed());
                self.prefixes.push(Prefix {
                    first: None,
                    rest: bar,
                });
            }
            Tag::CodeBlock(kind) => {
                self.begin();
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => info.trim(),
                    CodeBlockKind::Indented => "",
                };
                self.put(Line::of(format!("```{language}"), self.look.base.dimmed()));
                self.code = Some(String::new());
            }
            Tag::List(first) => {
                self.end_text();
                if self.lists.is_empty() {
                    self.begin();
                }
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Table(alignments) => {
                self.begin();
                self.table = Some(Table::new(alignments));
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.row();
                }
            }
            Tag::TableCell => self.spans.clear(),
            Tag::Emphasis => self.marked("*", self.style().italic()),
            Tag::Strong => self.marked("**", self.style().bold()),
            Tag::Strikethrough => self.marked("~~", self.style().strikethrough()),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push(dest_url.into_string());
                let style = self.style().underline();
                self.styles.push(style);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.end_text();
                self.apart = true;
            }
            TagEnd::Heading(_) => {
                self.styles.pop();
                self.end_text();
                self.apart = true;
            }
            TagEnd::BlockQuote(_) => {
                self.end_text();
                self.prefixes.pop();
                self.apart = true;
            }
            TagEnd::CodeBlock => {
                let style = code(self.look.base);
                for line in self.code.take().unwrap_or_default().lines() {
                    self.put(Line::of(line.replace('\t', "    "), style));
                }
                self.put(Line::of("```", self.look.base.dimmed()));
                self.apart = true;
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.apart = self.lists.is_empty();
            }
            TagEnd::Item => {
                self.end_text();
                self.prefixes.pop();
                self.tight = self.tight.saturating_sub(1);
                self.apart = false;
            }
            TagEnd::TableCell => {
                let spans = std::mem::take(&mut self.spans);
                if let Some(table) = &mut self.table {
                    table.cell(spans);
                }
            }
            TagEnd::Table => {
                let width = self.width();
                let lines = self.table.take().map(|table| table.lines(self.look, width));
                for line in lines.into_iter().flatten() {
                    self.put(line);
                }
                self.apart = true;
            }
            TagEnd::Emphasis => self.unmarked("*"),
            TagEnd::Strong => self.unmarked("**"),
            TagEnd::Strikethrough => self.unmarked("~~"),
            TagEnd::Link | TagEnd::Image => {
                self.styles.pop();
                let url = self.links.pop().unwrap_or_default();
                let shown = self
                    .spans
                    .last()
                    .is_some_and(|span| span.text.ends_with(&url));
                if !url.is_empty() && !shown {
                    let dim = self.style().dimmed();
                    self.styled(&format!(" ({url})"), dim);
                }
            }
            _ => {}
        }
    }

    fn item(&mut self) {
        self.end_text();
        self.tight += 1;
        self.apart = false;
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        };
        let blanks = " ".repeat(mark.len());
        self.prefixes.push(Prefix {
            first: Some(Line::of(mark, self.look.base.dimmed())),
            rest: Line::of(blanks, self.look.base),
        });
    }

    /// A block begins.
    fn begin(&mut self) {
        self.end_text();
        if std::mem::take(&mut self.apart) {
            self.put(Line::default());
        }
    }

    /// Breaks the text that waits into lines.
    fn end_text(&mut self) {
        let spans = std::mem::take(&mut self.spans);
        if spans.is_empty() {
            return;
        }
        for line in wrap(&spans, self.width()) {
            self.put(line);
        }
    }

    fn width(&self) -> usize {
        let taken: usize = self.prefixes.iter().map(|prefix| prefix.rest.width()).sum();
        // Nested deeper than the terminal is wide, it still gets a few columns.
        self.look.width.saturating_sub(taken).max(8)
    }

    fn put(&mut self, line: Line) {
        let mut prefix = Line::default();
        for part in &mut self.prefixes {
            let part = match part.first.take() {
                Some(first) => first,
                None => part.rest.clone(),
            };
            prefix = part.behind(&prefix);
        }
        self.lines.push(line.behind(&prefix));
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or(self.look.base)
    }

    fn text(&mut self, text: &str) {
        self.styled(text, self.style());
    }

    fn styled(&mut self, text: &str, style: Style) {
        self.spans.push(Span {
            text: text.to_owned(),
            style,
        });
    }

    fn marked(&mut self, mark: &str, style: Style) {
        self.styles.push(style);
        if !self.look.color {
            self.text(mark);
        }
    }

    fn unmarked(&mut self, mark: &str) {
        if !self.look.color {
            self.text(mark);
        }
        self.styles.pop();
    }
}
