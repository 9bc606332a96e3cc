//! A conversation in words: what is said of tools, of what breaks off, of the end. `run --tools` and `chat` say the same.

use std::time::Duration;

use respair_agent::{AgentEvent, Answer, AnswerStatus, Decision};

use crate::run;
use crate::term::{counted, one_line};

/// What whoever is asked may say.
pub(crate) const QUESTION: &str = "Allow it? [y]es, [n]o or n WHY, [a]lways this tool:";
/// Characters of what a call is about that are shown once it ran.
const ABOUT: usize = 200;

/// What is typed as an answer to the question; `None` when it is none.
pub(crate) fn decision(typed: &str) -> Option<Decision> {
    let typed = typed.trim();
    let (word, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let rest = rest.trim();
    match word.to_lowercase().as_str() {
        "y" | "yes" if rest.is_empty() => Some(Decision::Allow),
        "a" | "always" if rest.is_empty() => Some(Decision::AllowTool),
        "n" | "no" | "n," | "no," => {
            let why = (!rest.is_empty()).then(|| rest.to_owned());
            Some(Decision::Deny(why))
        }
        _ => None,
    }
}

/// What a call is about, on one line that is no longer than that.
pub(crate) fn about(subject: &str) -> String {
    let line = one_line(subject);
    match line.char_indices().nth(ABOUT) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// Whether an event says that what was shown is asked for again.
pub(crate) fn is_superseded(event: &AgentEvent) -> bool {
    matches!(
        event,
        AgentEvent::BrokeOff {
            superseded: true,
            ..
        }
    )
}

/// What an event has to say in a notice.
pub(crate) fn notice(event: &AgentEvent) -> Option<String> {
    Some(match event {
        AgentEvent::BrokeOff {
            why, superseded, ..
        } => {
            let why = one_line(why);
            let why = why.trim_end_matches('.');
            match superseded {
                true => {
                    format!("broke off: {why}; asking again, what comes now stands in its place")
                }
                false => format!("broke off: {why}"),
            }
        }
        AgentEvent::Continued {
            time, of, reason, ..
        } => {
            let why = reason.as_deref().unwrap_or("incomplete");
            format!("{}; continuing ({time} of {of})", one_line(why))
        }
        AgentEvent::Switched { from, to, why, .. } => {
            let why = one_line(why);
            let why = why.trim_end_matches('.');
            format!("{}: {why}; asking {}", one_line(from), one_line(to))
        }
        AgentEvent::Compacted { entries, .. } => {
            let entries = counted(*entries, "entry");
            format!("a summary stands for {entries} before; `/undo` takes it back")
        }
        AgentEvent::Notice(text) => one_line(text),
        _ => return None,
    })
}

/// A call that ended, on one line.
pub(crate) fn tool(event: &AgentEvent) -> Option<String> {
    let AgentEvent::ToolEnded {
        tool,
        subject,
        summary,
        failed,
        took,
        ..
    } = event
    else {
        return None;
    };
    let mut parts = vec![match about(subject) {
        subject if subject.is_empty() => one_line(tool),
        subject => format!("{} {subject}", one_line(tool)),
    }];
    let summary = one_line(summary);
    match (failed, summary.is_empty()) {
        (true, true) => parts.push("failed".to_owned()),
        (true, false) => parts.push(format!("failed: {summary}")),
        (false, false) => parts.push(summary),
        (false, true) => {}
    }
    if !took.is_zero() {
        parts.push(seconds(*took));
    }
    Some(parts.join(" · "))
}

/// `0.1 s`, `12 s`, `3 min 5 s`.
pub(crate) fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..10 => format!("{:.1} s", took.as_secs_f64()),
        s @ 10..100 => format!("{s} s"),
        s => format!("{} min {} s", s / 60, s % 60),
    }
}

/// How a turn ended and what it took, on one line.
pub(crate) fn closing_line(answer: &Answer, session: Option<&str>) -> String {
    let last = answer.last.as_deref();
    let mut parts = Vec::new();
    parts.push(match (answer.status, last) {
        (AnswerStatus::Truncated, _) => run::CUT.to_owned(),
        (AnswerStatus::Incomplete, Some(outcome)) => match &outcome.incomplete_reason {
            Some(reason) => format!("incomplete: {}", one_line(reason)),
            None => "incomplete".to_owned(),
        },
        (status, _) => status.as_str().to_owned(),
    });
    if answer.steps > 1 {
        parts.push(format!("{} steps", answer.steps));
    }
    parts.push(counted(answer.totals.requests, "request"));
    parts.extend(last.and_then(run::reading_of));
    parts.extend(run::discarded(answer.totals.discarded));
    let totals = &answer.totals;
    if totals.input_tokens + totals.output_tokens > 0 {
        let (input, output) = (totals.input_tokens, totals.output_tokens);
        let uncounted = match totals.uncounted {
            0 => String::new(),
            1 => " (1 response not counted)".to_owned(),
            n => format!(" ({n} responses not counted)"),
        };
        parts.push(format!("{input} tokens in, {output} out{uncounted}"));
    }
    parts.extend(session.map(|id| format!("session {id}")));
    parts.join(" · ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn decisions() {
        use Decision::{Allow, AllowTool, Deny};
        for (typed, expected) in [
            ("y\n", Some(Allow)),
            (" Yes ", Some(Allow)),
            ("a", Some(AllowTool)),
            ("n", Some(Deny(None))),
            ("no", Some(Deny(None))),
            ("n use cargo", Some(Deny(Some("use cargo".into())))),
            ("no, not now", Some(Deny(Some("not now".into())))),
            ("", None),
            ("es please", None),
            ("yes please go on", None),
        ] {
            assert_eq!(decision(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn what_is_long_is_cut_once_it_runs() {
        assert_eq!(about("a\nb"), "a b");
        assert_eq!(about(&"ä".repeat(5_000)).chars().count(), ABOUT + 1);
    }

    #[test]
    fn spelt() {
        for (ms, text) in [
            (40, "0.0 s"),
            (1_250, "1.2 s"),
            (59_999, "59 s"),
            (185_000, "3 min 5 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(ms)), text);
        }
    }
}
