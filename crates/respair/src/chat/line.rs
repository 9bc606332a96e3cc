//! Styled lines of a terminal, and how a text is broken into them.

use anstyle::Style;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A run of text in one style. The text is harmless: it holds no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) style: Style,
}

/// One line of the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) spans: Vec<Span>,
}

impl Line {
    pub(super) fn of(text: impl Into<String>, style: Style) -> Self {
        let mut line = Self::default();
        line.push(text, style);
        line
    }

    pub(super) fn push(&mut self, text: impl Into<String>, style: Style) {
        let text = text.into();
        match self.spans.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.style == style => last.text.push_str(&text),
            _ => self.spans.push(Span { text, style }),
        }
    }

    /// The columns that it takes.
    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// This with another line before it.
    pub(super) fn behind(self, prefix: &Line) -> Self {
        let mut line = prefix.clone();
        for span in self.spans {
            line.push(span.text, span.style);
        }
        line
    }

    /// No wider than this; what is cut off is marked.
    pub(super) fn cut(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let (mut line, mut left) = (Self::default(), width.saturating_sub(1));
        for span in self.spans {
            let fits = fitting(&span.text, left);
            left = left.saturating_sub(span.text[..fits].width());
            line.push(&span.text[..fits], span.style);
            if fits < span.text.len() {
                line.push("…", span.style);
                break;
            }
        }
        line
    }

    /// As it is written, with its styles or without.
    pub(super) fn write(&self, color: bool, out: &mut String) {
        for Span { text, style } in &self.spans {
            match color && *style != Style::new() {
                true => out.push_str(&format!("{style}{text}{style:#}")),
                false => out.push_str(text),
            }
        }
    }
}

/// How many columns a grapheme cluster takes at most: terminals that do not know how emoji join draw each of them.
fn columns(cluster: &str) -> usize {
    let apart: usize = cluster.chars().filter_map(|c| c.width()).sum();
    apart.max(cluster.width())
}

/// How many bytes of a text fit into so many columns.
fn fitting(text: &str, most: usize) -> usize {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += columns(cluster);
        if used > most {
            return at;
        }
    }
    text.len()
}

/// The end of a text that fits into so many columns.
pub(super) fn tail(text: &str, most: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true).rev() {
        used += columns(cluster);
        if used > most {
            return &text[at + cluster.len()..];
        }
    }
    text
}

/// Breaks runs into lines of at most `width` columns: at blanks, between wide characters, and within what is longer than a
/// line. A newline in the text is kept.
pub(super) fn wrap(spans: &[Span], width: usize) -> Vec<Line> {
    let width = width.max(1);
    let mut wrapping = Wrapping {
        width,
        lines: Vec::new(),
        line: Line::default(),
        used: 0,
        blank: None,
        word: Vec::new(),
        word_width: 0,
    };
    for span in spans {
        for cluster in span.text.graphemes(true) {
            wrapping.take(cluster, span.style);
        }
    }
    wrapping.end_word();
    wrapping.end_line();
    wrapping.lines
}

struct Wrapping<'a> {
    width: usize,
    lines: Vec<Line>,
    line: Line,
    used: usize,
    /// A blank that stands between what is on the line and the word.
    blank: Option<Style>,
    word: Vec<(&'a str, Style)>,
    word_width: usize,
}

impl<'a> Wrapping<'a> {
    fn take(&mut self, cluster: &'a str, style: Style) {
        match cluster {
            "\n" | "\r\n" => {
                self.end_word();
                self.end_line();
            }
            " " | "\t" => {
                self.end_word();
                self.blank = Some(style);
            }
            cluster => {
                let width = columns(cluster);
                // Between wide characters a line may be broken anywhere.
                if width > 1 {
                    self.end_word();
                }
                if self.word_width + width > self.width {
                    self.end_word();
                }
                self.word.push((cluster, style));
                self.word_width += width;
                if width > 1 {
                    self.end_word();
                }
            }
        }
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let blank = self.blank.take().filter(|_| self.used > 0);
        let needed = usize::from(blank.is_some()) + self.word_width;
        if self.used > 0 && self.used + needed > self.width {
            self.end_line();
        } else if let Some(style) = blank {
            self.line.push(" ", style);
            self.used += 1;
        }
        for (cluster, style) in self.word.drain(..) {
            self.line.push(cluster, style);
        }
        self.used += std::mem::take(&mut self.word_width);
    }

    fn end_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        self.used = 0;
        self.blank = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        let spans = [Span {
            text: text.to_owned(),
            style: Style::new(),
        }];
        let lines = wrap(&spans, width).into_iter();
        lines
            .map(|line| {
                assert!(line.width() <= width, "{line:?}");
                let mut out = String::new();
                line.write(false, &mut out);
                out
            })
            .collect()
    }

    #[test]
    fn lines_are_broken_where_they_may_be() {
        assert_eq!(wrapped("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrapped("aa  bb", 6), ["aa bb"]);
        assert_eq!(wrapped("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(wrapped("a\nb", 9), ["a", "b"]);
        assert_eq!(wrapped("日本語です", 4), ["日本", "語で", "す"]);
        assert_eq!(wrapped("שלום עולם", 5), ["שלום", "עולם"]);
        // A family is not parted, and taken for as wide as its members: not every terminal joins them.
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(
            wrapped(&format!("a {family} b"), 8),
            [format!("a {family}"), "b".to_owned()]
        );
        assert_eq!(
            wrapped(&format!("abc {family}"), 8),
            ["abc".to_owned(), family.to_owned()]
        );
        // A combining mark stays with its letter.
        assert_eq!(wrapped("e\u{301}e\u{301}e", 2), ["e\u{301}e\u{301}", "e"]);
    }

    #[test]
    fn a_cut_is_marked() {
        let line = Line::of("日本語", Style::new()).cut(5);
        let mut out = String::new();
        line.write(false, &mut out);
        assert_eq!((out.as_str(), line.width()), ("日本…", 5));
        assert_eq!(tail("日本語", 5), "本語");
        assert_eq!(tail("ae\u{301}", 1), "e\u{301}");
        assert_eq!(tail("ab", 5), "ab");
    }
}
