//! Whether an answer that ran into `max_output_tokens` says so (DEVIATIONS 4.6).

use respair_core::{Code, Ending, Response};
use serde_json::Value;

use super::Answer;
use super::ask::{COUNTED, LIMIT};
use super::judge::{Judgement, Outcome};
use crate::http_error::quoted;
use crate::redact::Redactor;

/// The text counts, so that its end shows whether it was cut.
pub(super) fn judge(answer: &Answer, response: &Response) -> Judgement {
    if let Some(Ending::Incomplete { reason }) = &answer.ending {
        return Judgement::new(
            Outcome::Done,
            match reason.as_deref() {
                Some(reason) => format!("incomplete: {}", quoted(reason, &Redactor::default())),
                None => "incomplete, without a reason".to_owned(),
            },
        );
    }
    let tokens = response.usage.as_ref().and_then(|usage| {
        let usage: Value = serde_json::from_str(usage.get()).ok()?;
        usage["output_tokens"].as_u64()
    });
    let last = response
        .text
        .rsplit(|c: char| !c.is_ascii_digit())
        .find(|piece| !piece.is_empty())
        .and_then(|piece| piece.parse::<u64>().ok());
    let cut = |how: String| {
        Judgement::found(
            Code::TRUNCATION_REPORTED_AS_COMPLETED,
            "cut, and called completed",
            format!(
                "`max_output_tokens: {LIMIT}` cut the answer ({how}), and `response.completed` ends it"
            ),
        )
    };
    let stops = last.is_some_and(|last| last < COUNTED) && counts(&response.text);
    match (last, tokens) {
        (Some(COUNTED), _) => Judgement::new(Outcome::Unsupported, "the limit is not kept"),
        (_, Some(LIMIT)) => cut(format!("{LIMIT} tokens")),
        // A tokenizer may count the end as well; whoever counts does not stop here by himself.
        (Some(last), None | Some(LIMIT..)) if stops => cut(format!("at {last} of {COUNTED}")),
        (_, Some(tokens)) if tokens > LIMIT => Judgement::new(
            Outcome::Unsupported,
            format!("the limit is not kept: {tokens} tokens"),
        ),
        _ => Judgement::new(Outcome::Unsupported, "the answer ended before the limit"),
    }
}

/// Whether a text counts from one on, so that it cannot have ended by itself before its last number. One that leaves
/// numbers out (`1, 2, 3, …`) may have.
fn counts(text: &str) -> bool {
    if text.contains('…') || text.contains("..") {
        return false;
    }
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    let numbers: Vec<u64> = numbers.filter_map(|piece| piece.parse().ok()).collect();
    // The last one may be cut in two.
    numbers.len() >= 3
        && numbers[..numbers.len() - 1]
            .iter()
            .zip(1..)
            .all(|(number, expected)| *number == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_counts() {
        for (text, expected) in [
            ("1, 2, 3, 4", true),
            ("1,2,3,4,5,6,7,8,9,10,1", true),
            ("1\n2\n3\n", true),
            ("1, 2, 3, …", false),
            ("1, 2, 3, ...", false),
            ("Here are the numbers from 1 to 300: 1", false),
            ("1, 3, 5, 7", false),
            ("1, 2", false),
            ("", false),
        ] {
            assert_eq!(counts(text), expected, "{text}");
        }
    }
}
