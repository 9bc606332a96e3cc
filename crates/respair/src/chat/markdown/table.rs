//! A table: in columns where they fit, else row by row.

use anstyle::Style;
use pulldown_cmark::Alignment;

use super::Look;
use crate::chat::line::{Line, Span, wrap};

/// What stands between two columns.
const GAP: &str = " │ ";
/// A column that would be narrower is not readable.
const NARROWEST: usize = 6;

/// The cells of a table, the first row its head.
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Span>>>,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            alignments,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn cell(&mut self, mut spans: Vec<Span>) {
        // The head is bold in any case.
        if self.rows.len() == 1 {
            for span in &mut spans {
                span.style = span.style.bold();
            }
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(spans);
        }
    }

    pub(super) fn lines(self, look: Look, width: usize) -> Vec<Line> {
        let columns = self.alignments.len();
        let gaps = GAP.chars().count() * columns.saturating_sub(1);
        let room = width.saturating_sub(gaps);
        if columns == 0 {
            return Vec::new();
        }
        let widest = (0..columns).map(|at| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let widths = cells.map(|cell| {
                Line {
                    spans: cell.clone(),
                }
                .width()
            });
            widths.max().unwrap_or(0).max(1)
        });
        let widest: Vec<usize> = widest.collect();
        match shared(&widest, room) {
            Some(widths) => self.columns(look, &widths),
            None => self.records(look, width),
        }
    }

    fn columns(&self, look: Look, widths: &[usize]) -> Vec<Line> {
        let dim = look.base.dimmed();
        let mut lines = Vec::new();
        for (n, row) in self.rows.iter().enumerate() {
            let empty = Vec::new();
            let cells: Vec<Vec<Line>> = widths
                .iter()
                .enumerate()
                .map(|(at, width)| wrap(row.get(at).unwrap_or(&empty), *width))
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for at in 0..height {
                let mut line = Line::default();
                for (column, width) in widths.iter().enumerate() {
                    if column > 0 {
                        line.push(GAP, dim);
                    }
                    let cell = cells[column].get(at).cloned().unwrap_or_default();
                    let last = column + 1 == widths.len();
                    self.pad(&mut line, cell, column, *width, last);
                }
                lines.push(line);
            }
            if n == 0 {
                let bars: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                lines.push(Line::of(bars.join("─┼─"), dim));
            }
        }
        lines
    }

    fn pad(&self, line: &mut Line, cell: Line, column: usize, width: usize, last: bool) {
        let left = width.saturating_sub(cell.width());
        let before = match self.alignments.get(column) {
            Some(Alignment::Right) => left,
            Some(Alignment::Center) => left / 2,
            _ => 0,
        };
        line.push(" ".repeat(before), Style::new());
        for span in cell.spans {
            line.push(span.text, span.style);
        }
        if !last {
            line.push(" ".repeat(left - before), Style::new());
        }
    }

    /// `Head: cell`, a line each, rows apart.
    fn records(&self, look: Look, width: usize) -> Vec<Line> {
        let mut rows = self.rows.iter();
        let head = rows.next().cloned().unwrap_or_default();
        let mut lines = Vec::new();
        for (n, row) in rows.enumerate() {
            if n > 0 {
                lines.push(Line::default());
            }
            for (at, cell) in row.iter().enumerate() {
                let mut spans = head.get(at).cloned().unwrap_or_default();
                spans.push(Span {
                    text: ": ".to_owned(),
                    style: look.base,
                });
                spans.extend(cell.iter().cloned());
                lines.extend(wrap(&spans, width));
            }
        }
        lines
    }
}

/// The widths of the columns: as wide as they want to be where all fit, else the widest give way. `None` when some would be
/// too narrow.
fn shared(widest: &[usize], room: usize) -> Option<Vec<usize>> {
    let mut widths = widest.to_vec();
    while widths.iter().sum::<usize>() > room {
        let most = widths.iter().copied().max()?;
        let next = widths.iter().copied().filter(|width| *width < most).max();
        let several = widths.iter().filter(|width| **width == most).count();
        let excess = widths.iter().sum::<usize>() - room;
        let floor = next
            .unwrap_or(0)
            .max(most.saturating_sub(excess.div_ceil(several)));
        if floor < NARROWEST {
            return None;
        }
        for width in widths.iter_mut().filter(|width| **width == most) {
            *width = floor;
        }
    }
    Some(widths)
}
