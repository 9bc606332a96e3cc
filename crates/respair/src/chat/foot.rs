//! What stands below the answer while a turn runs: the tools that run, the status, what is being typed.

use std::time::Duration;

use anstyle::Style;

use super::line::{Line, Span, tail, wrap};
use super::status::Words;
use crate::agent::words;
use crate::term::{DIM, GOOD, counted, one_line, visible};

/// Lines of what is being typed that are shown.
const TYPED: usize = 4;
/// Columns that an answer needs behind the question.
const ANSWER: usize = 12;
const FRAMES: [&str; 8] = ["⣾", "⣽", "⣻", "⢿", "⡿", "⣟", "⣯", "⣷"];

/// A tool that runs.
struct Running {
    call_id: String,
    what: String,
    progress: String,
    since: Duration,
}

/// The state of it.
#[derive(Default)]
pub(super) struct Foot {
    running: Vec<Running>,
    /// What is typed is the answer to a question.
    pub(super) asking: bool,
    pub(super) typed: String,
    pub(super) queued: usize,
    /// What the status says besides the time; `None`: no turn runs.
    pub(super) status: Option<String>,
    /// Reasoning that is not shown: since when, and how many words.
    pub(super) folded: Option<(Duration, Words)>,
    /// Since the turn began.
    pub(super) now: Duration,
}

impl Foot {
    pub(super) fn started(&mut self, call_id: String, what: &str) {
        self.running.push(Running {
            call_id,
            what: one_line(what),
            progress: String::new(),
            since: self.now,
        });
    }

    pub(super) fn progress(&mut self, call_id: &str, line: &str) {
        let mut running = self.running.iter_mut();
        if let Some(tool) = running.find(|tool| tool.call_id == call_id) {
            tool.progress = one_line(line);
        }
    }

    pub(super) fn ended(&mut self, call_id: &str) {
        self.running.retain(|tool| tool.call_id != call_id);
    }

    pub(super) fn nothing_runs(&mut self) {
        self.running.clear();
    }

    /// Its lines: each no wider than this, and no more than these.
    pub(super) fn lines(&self, width: usize, most: usize) -> Vec<Line> {
        let Some(status) = &self.status else {
            return Vec::new();
        };
        let mut last = match self.asking {
            true => self.question(width),
            false => self.state(status, width),
        };
        // What is typed goes first, then the status: the tools are what there is room for.
        last.drain(..last.len().saturating_sub(most));
        let mut lines = self.tools(most - last.len());
        lines.append(&mut last);
        lines.into_iter().map(|line| line.cut(width)).collect()
    }

    fn frame(&self) -> Line {
        let frame = (self.now.as_millis() / 100) as usize % FRAMES.len();
        Line::of(format!("{} ", FRAMES[frame]), GOOD)
    }

    fn tools(&self, most: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some((since, words)) = self.folded {
            let took = words::seconds(self.now.saturating_sub(since));
            let words = words.text();
            lines.push(Line::of(format!("reasoning · {took} · {words}"), DIM));
        }
        for tool in &self.running {
            let mut line = self.frame();
            line.push(tool.what.clone(), Style::new());
            let took = words::seconds(self.now.saturating_sub(tool.since));
            line.push(format!(" · {took}"), DIM);
            if !tool.progress.is_empty() {
                line.push(format!(" · {}", tool.progress), DIM);
            }
            lines.push(line);
        }
        if lines.len() > most {
            let shown = most.saturating_sub(1);
            let more = lines.len() - shown;
            lines.truncate(shown);
            let said = format!("… {} more that run", counted(more, "tool"));
            lines.extend((most > 0).then(|| Line::of(said, DIM)));
        }
        lines
    }

    /// The question, and the answer behind it, or below where there is no room.
    fn question(&self, width: usize) -> Vec<Line> {
        let bold = Style::new().bold();
        let question = [Span {
            text: words::QUESTION.to_owned(),
            style: bold,
        }];
        let mut lines = wrap(&question, width);
        match lines.last_mut() {
            Some(line) if line.width() + ANSWER <= width => {
                line.push(" ", bold);
                let room = width - line.width();
                line.push(end_of(&self.typed, room), Style::new());
            }
            _ => lines.push(typed(&self.typed, width)),
        }
        lines
    }

    fn state(&self, status: &str, width: usize) -> Vec<Line> {
        let took = words::seconds(Duration::from_secs(self.now.as_secs()));
        let took = took.replace(".0", "");
        let mut line = self.frame();
        line.push(took, DIM);
        if self.queued > 0 {
            let waiting = counted(self.queued, "message");
            line.push(format!(" · {waiting} waiting"), DIM);
        }
        line.push(format!(" · {status}"), DIM);
        let mut lines = vec![line];
        if !self.typed.is_empty() {
            let all: Vec<&str> = self.typed.rsplit('\n').take(TYPED).collect();
            lines.extend(all.iter().rev().map(|line| typed(line, width)));
        }
        lines
    }
}

fn typed(text: &str, width: usize) -> Line {
    let mut line = Line::of("› ", GOOD);
    line.push(end_of(text, width.saturating_sub(2)), Style::new());
    line
}

/// The end of what is too long: where the cursor is.
fn end_of(text: &str, width: usize) -> String {
    // A text of any length is looked at from its end only: no cluster that is shown has more than a few bytes a column.
    let from = text.len().saturating_sub(width * 64);
    let near = visible(&text[text.ceil_char_boundary(from)..]);
    let shown = tail(&near, width);
    match from > 0 || shown.len() < near.len() {
        true => format!("…{}", tail(shown, width.saturating_sub(1))),
        false => near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(foot: &Foot, width: usize, most: usize) -> Vec<String> {
        let lines = foot.lines(width, most).into_iter().map(|line| {
            assert!(line.width() <= width, "{line:?}");
            let mut out = String::new();
            line.write(false, &mut out);
            out
        });
        lines.collect()
    }

    #[test]
    fn it_leaves_room_whatever_runs() {
        let mut foot = Foot {
            status: Some("asking".to_owned()),
            typed: "a\nb\nc\nd\ne".to_owned(),
            ..Foot::default()
        };
        for n in 0..200 {
            foot.started(n.to_string(), &format!("shell {n}"));
        }
        assert_eq!(
            shown(&foot, 30, 8),
            [
                "⣾ shell 0 · 0.0 s",
                "⣾ shell 1 · 0.0 s",
                "… 198 tools more that run",
                "⣾ 0 s · asking",
                "› b",
                "› c",
                "› d",
                "› e"
            ]
        );
        assert_eq!(shown(&foot, 30, 2), ["› d", "› e"]);
    }

    #[test]
    fn an_answer_is_seen_however_narrow_it_is() {
        let mut foot = Foot {
            status: Some(String::new()),
            asking: true,
            typed: "n use the other file".to_owned(),
            ..Foot::default()
        };
        assert_eq!(
            shown(&foot, 30, 9),
            [
                "Allow it? [y]es, [n]o or n",
                "WHY, [a]lways this tool:",
                "› n use the other file"
            ]
        );
        let wide = format!("{} …he other file", words::QUESTION);
        assert_eq!(shown(&foot, words::QUESTION.len() + 15, 9), [wide]);
        // A paste of any length costs no more than what is seen of it.
        foot.typed = "日本".repeat(150_000);
        assert_eq!(shown(&foot, 8, 1), ["› …日本"]);
    }
}
