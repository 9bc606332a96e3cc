//! What runs came to, in a few words.

use std::time::Duration;

use crate::rows::{Right, Row};
use crate::run::Run;

/// The runs of one program at one row. Times are medians; the rest is of the run that came off worst.
pub(crate) struct Judged {
    /// The words of the table.
    pub(crate) words: String,
    /// It is what it should be, the exit code included.
    pub(crate) right: bool,
    pub(crate) code: Option<i32>,
    pub(crate) requests: usize,
    pub(crate) others: usize,
    pub(crate) sent: usize,
    pub(crate) to_request: Option<Duration>,
    pub(crate) to_answer: Option<Duration>,
    pub(crate) took: Duration,
    /// KiB, the most of any run.
    pub(crate) memory: u64,
    /// Standard output held the answer and nothing else.
    pub(crate) alone: bool,
}

impl Judged {
    pub(crate) fn of(row: &Row, runs: Vec<Run>) -> Self {
        let mut verdicts: Vec<(bool, String, &Run)> = runs
            .iter()
            .map(|run| {
                let (right, words) = verdict(row, run);
                (right, words, run)
            })
            .collect();
        // The worst first: not right, then the most requests.
        verdicts.sort_by_key(|(right, _, run)| (*right, std::cmp::Reverse(run.requests)));
        let (right, words, worst) = verdicts.swap_remove(0);
        Self {
            words,
            right,
            code: worst.code,
            requests: worst.requests,
            others: worst.others,
            sent: worst.sent,
            to_request: median(runs.iter().filter_map(|run| run.to_request)),
            to_answer: median(runs.iter().filter_map(|run| run.to_answer)),
            took: median(runs.iter().map(|run| run.took)).unwrap_or_default(),
            memory: runs.iter().map(|run| run.memory).max().unwrap_or(0),
            alone: row
                .right
                .answer()
                .is_some_and(|answer| runs.iter().all(|run| run.out.trim() == answer)),
        }
    }
}

/// Whether a run is right, and what it came to.
fn verdict(row: &Row, run: &Run) -> (bool, String) {
    let Some(code) = run.code else {
        return (false, "hangs".to_owned());
    };
    let told = |words: &str| run.out.contains(words) || run.err.contains(words);
    let (good, words) = match row.right {
        Right::Answer(answer) => match run.out.matches(answer).count() {
            0 => (false, "no answer".to_owned()),
            1 => (true, "the answer".to_owned()),
            n => (false, format!("the answer {n} times")),
        },
        Right::Cut => {
            let said = ["broke off", "truncated", "interrupted", "incomplete"];
            match said.iter().any(|word| told(word)) {
                true => (true, "told as cut".to_owned()),
                false if code != 0 => (true, "an error".to_owned()),
                false => (false, "half an answer as if it were whole".to_owned()),
            }
        }
        Right::Incomplete => match told("incomplete") {
            true => (true, "told as incomplete".to_owned()),
            false => (false, "half an answer as if it were whole".to_owned()),
        },
        Right::Told(words) => match told(words) {
            true => (true, "the upstream's words".to_owned()),
            false => (false, "not the upstream's words".to_owned()),
        },
    };
    let true_code = (code == 0) == matches!(row.right, Right::Answer(_));
    (good && true_code, words)
}

fn median(times: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied()
}
