//! How an answer was carried: its content type and encoding, how its body ended, and whether it was live.

use std::time::Duration;

use respair_core::{Code, Ending};

use super::judge::Finding;
use super::{Answer, BodyEnd, Length, Probe};
use crate::retry::spell;

/// A stream that is made faster than this may well come at once.
const LONG: Duration = Duration::from_secs(1);

/// What came at once came within this. Wide enough for 50 KB over a slow start of TCP, narrow enough that no model writes
/// the text of the probe in it.
const AT_ONCE: Duration = Duration::from_millis(50);

/// The same for a distant endpoint: this part of the whole wait.
const AT_ONCE_PART: u32 = 40;

/// A text that is shorter says nothing, in characters.
const TEXT: usize = 100;

/// The findings about one answer. Error pages are no streams, and how they come matters to nobody.
pub(super) fn findings(answer: &Answer) -> Vec<Finding> {
    let Some(head) = answer.head.as_ref().filter(|head| head.is_success()) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if answer.is_stream() && answer.probe.is_streamed() {
        findings.extend(content_type(head.content_type.as_deref()));
        let encoding = answer.encoding.as_deref();
        findings.extend(encoding.map(|odd| Finding::new(Code::CONTENT_ENCODING, sentence(odd))));
    }
    findings.extend(end(answer, head.length));
    if answer.probe == Probe::Text {
        findings.extend(buffered(answer));
    }
    findings
}

fn content_type(said: Option<&str>) -> Option<Finding> {
    let Some(said) = said else {
        return Some(Finding::new(
            Code::CONTENT_TYPE,
            "The stream has no `Content-Type`",
        ));
    };
    let essence = said.split(';').next().unwrap_or_default().trim();
    let is_stream = essence.eq_ignore_ascii_case("text/event-stream");
    (!is_stream).then(|| {
        let shown: String = essence.chars().take(80).collect();
        Finding::new(
            Code::CONTENT_TYPE,
            format!("The stream is called `{shown}`, not `text/event-stream`"),
        )
    })
}

/// The notice of a turn, as a finding: without its name, which the finding has, and with a capital.
fn sentence(notice: &str) -> String {
    let text = notice
        .strip_prefix("`content-encoding`: ")
        .unwrap_or(notice);
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn end(answer: &Answer, length: Length) -> Option<Finding> {
    let where_ = match &answer.ending {
        Some(Ending::Completed { .. } | Ending::Incomplete { .. } | Ending::Failed(_))
            if answer.is_stream() =>
        {
            "behind the terminal event"
        }
        _ if !answer.is_stream() && !answer.body.is_empty() => "behind the body",
        _ => "in the middle",
    };
    match answer.end {
        BodyEnd::Closed => {
            let missing = match length {
                Length::Chunked => "the last chunk is missing",
                Length::Counted => "the body is shorter than its `Content-Length`",
                Length::UntilClose | Length::Framed => "the body has no proper end",
            };
            Some(Finding::new(
                Code::CHUNKED_END_MISSING,
                format!("The connection closed {where_}: {missing}"),
            ))
        }
        BodyEnd::Reset => Some(Finding::new(
            Code::CONNECTION_RESET,
            format!("The connection was reset {where_}"),
        )),
        BodyEnd::HeldOpen => Some(Finding::new(
            Code::HELD_OPEN,
            format!("The body stayed open {where_}"),
        )),
        _ => None,
    }
}

/// Whether a text that took long came at once (DEVIATIONS 6.16). A short answer comes at once anyway, and so does what a
/// model thinks out in silence and then writes down fast: neither is judged.
fn buffered(answer: &Answer) -> Option<Finding> {
    let response = answer.response.as_ref()?;
    let (first, last) = (answer.timing.first_text?, answer.timing.last_byte?);
    let spread = last.saturating_sub(first);
    let thought = response.usage.as_ref().is_some_and(|usage| {
        let usage: serde_json::Value = serde_json::from_str(usage.get()).unwrap_or_default();
        usage["output_tokens_details"]["reasoning_tokens"]
            .as_u64()
            .is_some_and(|tokens| tokens > 0)
    });
    let at_once = spread <= AT_ONCE.max(last / AT_ONCE_PART);
    let judged = last >= LONG && response.text.chars().count() >= TEXT && !thought;
    (judged && at_once).then(|| {
        Finding::new(
            Code::BUFFERED,
            format!(
                "The whole text came within {} at the end of {}",
                spell(spread),
                spell(last)
            ),
        )
    })
}
