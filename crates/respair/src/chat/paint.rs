//! What is on the terminal. Finished lines are printed once; the live ones below them are drawn anew in one write, between the
//! marks of a synchronised update, line over line, so that nothing blinks.

use std::io::{self, Write};

use super::line::Line;

/// What is on the terminal.
pub(super) struct Terminal<W: Write> {
    out: W,
    color: bool,
    /// The live lines as they are.
    live: Vec<Line>,
    columns: usize,
}

impl<W: Write> Terminal<W> {
    pub(super) fn new(out: W, columns: usize, color: bool) -> Self {
        Self {
            out,
            color,
            live: Vec::new(),
            columns,
        }
    }

    /// What is live stays as it is, and is drawn again below it: something else has written since.
    pub(super) fn forget(&mut self) {
        self.live.clear();
    }

    /// Prints the finished lines above the live ones, and draws these anew. A line that stands there as it is to be is not
    /// written again.
    pub(super) fn draw(
        &mut self,
        finished: &[Line],
        live: Vec<Line>,
        columns: usize,
    ) -> io::Result<()> {
        if finished.is_empty() && live == self.live && columns == self.columns {
            return Ok(());
        }
        let lines: Vec<&Line> = finished.iter().chain(&live).collect();
        // A terminal of another width may have broken them anew.
        let old = match columns == self.columns {
            true => self.live.as_slice(),
            false => &[],
        };
        let same = lines.iter().zip(old).take_while(|(a, b)| *a == b).count();
        // The cursor stands behind the last live line, so that one is written in any case.
        let same = match live.is_empty() || same == old.len() {
            true => same,
            false => same.min(lines.len() - 1),
        };
        let mut out = String::from("\x1b[?2026h");
        let mut below = self.to_line(same, columns, &mut out);
        // A finished line may take several rows, so what is below is wiped; live ones take one each, and are written over.
        let wipes = finished.len() > same;
        if wipes && !below {
            out.push_str("\x1b[J");
        }
        for (at, line) in lines.iter().enumerate().skip(same) {
            if std::mem::replace(&mut below, true) {
                out.push_str("\r\n");
            }
            if wipes || at + 1 == lines.len() || old.get(at) != Some(*line) {
                // Before the text: behind the last column it would take that with it.
                out.push_str("\x1b[K");
                line.write(self.color, &mut out);
            }
        }
        if live.is_empty() && below {
            out.push_str("\r\n");
        }
        out.push_str("\x1b[J\x1b[?2026l");
        self.out.write_all(out.as_bytes())?;
        self.out.flush()?;
        (self.live, self.columns) = (live, columns);
        Ok(())
    }

    /// To the beginning of one of the live lines. Where there are no more of them, the cursor stays behind the last one, and the
    /// next line begins below it: then it says so.
    fn to_line(&self, line: usize, columns: usize, out: &mut String) -> bool {
        if line > 0 && line == self.live.len() {
            return true;
        }
        let columns = columns.max(1);
        // A terminal that became narrower has broken them into more.
        let rows: usize = match columns < self.columns {
            true => {
                let rows = self
                    .live
                    .iter()
                    .map(|line| line.width().div_ceil(columns).max(1));
                rows.sum()
            }
            false => self.live.len().saturating_sub(line),
        };
        out.push('\r');
        if rows > 1 {
            out.push_str(&format!("\x1b[{}A", rows - 1));
        }
        false
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Whatever was drawn before, what is on the terminal is what is to be there.
    #[test]
    fn any_step_leads_to_the_same_screen() {
        let line = |n: usize| Line::of(format!("line {n}"), anstyle::Style::new());
        let lines = |numbers: &[usize]| numbers.iter().map(|n| line(*n)).collect::<Vec<_>>();
        let live = [
            &[][..],
            &[1],
            &[1, 2],
            &[1, 2, 3],
            &[2, 3],
            &[1, 9, 3],
            &[4],
        ];
        let finished = [
            &[][..],
            &[1],
            &[1, 2],
            &[1, 2, 3],
            &[1, 2, 3, 4],
            &[7],
            &[1, 7],
        ];
        for before in live {
            for done in finished {
                for after in live {
                    let mut out = Vec::new();
                    let mut terminal = Terminal::new(&mut out, 40, false);
                    terminal.draw(&lines(&[0]), lines(before), 40).unwrap();
                    terminal.draw(&lines(done), lines(after), 40).unwrap();
                    terminal.draw(&lines(&[5]), lines(&[6]), 40).unwrap();
                    let mut parser = vt100::Parser::new(20, 40, 0);
                    parser.process(&out);
                    let expected: Vec<String> = [&[0][..], done, &[5, 6]]
                        .concat()
                        .iter()
                        .map(|n| format!("line {n}"))
                        .collect();
                    let shown = parser.screen().contents();
                    assert_eq!(
                        shown.trim_end(),
                        expected.join("\n"),
                        "{before:?} {done:?} {after:?}"
                    );
                }
            }
        }
    }
}
