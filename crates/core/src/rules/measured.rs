//! Who breaks on what: sixteen real clients, measured.
//!
//! A complete and correct stream with one thing changed was served to each client over loopback, with retries off, once
//! (November 2026). Each row is such a change, the rule that it breaks, and who failed: raised an error, gave no answer
//! and no error, or hung. Clients that gave less than the whole answer are counted as degraded. Where the stream itself
//! was an error or cut short, a client that reports it is right, and one that loses the message or reports nothing fails.

use crate::violation::Code;

use super::clients::CLIENTS;

/// One change to a stream, and what the clients made of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Measured {
    /// What was changed, as a name.
    pub scenario: &'static str,
    /// How many clients gave less than the whole answer.
    pub degraded: u8,
    /// Why it is no rule's matter; empty where it is.
    pub apart: &'static str,
    codes: &'static [&'static str],
    marks: &'static str,
}

impl Measured {
    /// The rules that it breaks, the one that it stands for first.
    pub fn codes(&self) -> impl Iterator<Item = Code> {
        self.codes.iter().filter_map(|code| Code::parse(code))
    }

    /// The clients that fail.
    pub fn fails(&self) -> impl Iterator<Item = &'static str> {
        let marks = self.marks.chars().filter(|mark| *mark != ' ');
        marks
            .zip(CLIENTS)
            .filter(|(mark, _)| *mark == 'x')
            .map(|(_, client)| client)
    }
}

impl Code {
    /// What was measured about it; nothing, for most rules that concern few streams.
    pub fn measured(self) -> impl Iterator<Item = &'static Measured> {
        MEASURED
            .iter()
            .filter(move |row| row.codes.contains(&self.as_str()))
    }

    /// The clients that fail where it is found, each once.
    #[must_use]
    pub fn breaks(self) -> Vec<&'static str> {
        let failing: Vec<&str> = self.measured().flat_map(Measured::fails).collect();
        CLIENTS
            .into_iter()
            .filter(|client| failing.contains(client))
            .collect()
    }
}

/// Everything that was measured, what breaks most clients first.
#[must_use]
pub fn measurements() -> &'static [Measured] {
    MEASURED
}

const fn row(
    scenario: &'static str,
    codes: &'static [&'static str],
    marks: &'static str,
    degraded: u8,
) -> Measured {
    Measured {
        scenario,
        degraded,
        apart: "",
        codes,
        marks,
    }
}

const fn apart(
    scenario: &'static str,
    why: &'static str,
    marks: &'static str,
    degraded: u8,
) -> Measured {
    Measured {
        scenario,
        degraded,
        apart: why,
        codes: &[],
        marks,
    }
}

// The marks: openai-python 3 and 2, openai-node 7 and 6 (each .stream() and .create()), Codex, openai-agents, AI SDK 7
// and 6, langchain, pydantic-ai direct and Agent, LiteLLM.
#[rustfmt::skip] // one measurement, one line
static MEASURED: &[Measured] = &[
    // Whole on the wire: a gateway could mend them.
    row("data-garbage-frame", &["data-not-json"], "xx xx xx xx . x xx x xx .", 0),
    row("empty-data-event-frames", &["data-empty"], "xx xx xx xx . x xx x xx .", 0),
    row("empty-data-frames", &["data-empty"], "xx xx xx xx . x xx x xx .", 0),
    row("eof-no-chunk-end", &["chunked-end-missing"], "xx xx xx xx . x xx x xx .", 0),
    row("completed-response-missing", &["response-object-missing"], "x. x. x. x. x x xx x xx x", 4),
    row("completed-response-null", &["response-object-missing"], "x. x. x. x. x x xx x xx x", 4),
    row("event-only-frames", &["data-empty"], "xx xx xx xx . x .. x xx .", 0),
    row("chat-chunks", &["chat-completion-chunks"], "x. x. x. x. x x xx x .x x", 5),
    row("no-type-in-data", &["type-missing"], "x. x. x. x. x x xx x .x x", 5),
    row("single-newline-frames", &["blank-line-missing"], "x. x. xx x. x x .. x xx x", 5),
    row("json-200", &["json-instead-of-sse"], "x. x. x. x. x x .. x xx x", 6),
    row("fc-arguments-object", &["item-fields-missing"], "x. x. x. x. . x xx x xx .", 1),
    row("data-null-frame", &["data-null"], "x. x. x. x. . . xx x xx .", 5),
    row("created-response-null", &["response-object-missing"], "x. x. x. x. . . xx x xx .", 0),
    row("response-done-instead", &["terminal-alias"], "x. x. x. x. x x .. . .. x", 9),
    row("delta-object", &["delta-not-string"], "x. x. .. .. . . xx x xx .", 8),
    row("completed-content-null", &["terminal-output-missing"], ".x xx x. x. . x .. x .. .", 5),
    row("completed-id-status-only", &["response-fields-missing", "terminal-output-missing"], ".x xx .. x. . . .. x xx .", 3),
    row("completed-minimal", &["response-fields-missing", "terminal-output-missing"], ".x xx .. x. . . .. x xx .", 3),
    row("completed-output-missing", &["terminal-output-missing"], ".x xx .. x. . . .. x xx .", 3),
    row("completed-output-null", &["terminal-output-missing"], ".x xx .. x. . . .. x xx .", 3),
    row("item-null", &["item-fields-missing"], "x. x. x. x. . . xx x .. .", 0),
    row("deltas-only-empty-completed", &["item-not-added", "terminal-output-missing"], "x. x. x. x. . . xx . .. .", 7),
    row("deltas-only", &["item-not-added"], "x. x. x. x. . . xx . .. .", 4),
    row("no-item-added", &["item-not-added"], "x. x. x. x. . . xx . .. .", 1),
    row("output-index-missing", &["output-index-missing"], "x. x. x. x. . . xx . .. .", 1),
    row("output-index-null", &["output-index-missing"], "x. x. x. x. . . xx . .. .", 1),
    row("fc-added-no-arguments", &["item-fields-missing"], "x. x. .. .. . . xx . xx .", 0),
    row("in-progress-response-null", &["response-object-missing"], "x. .. x. x. . . x. . xx .", 0),
    row("no-final-blank-line", &["final-blank-line-missing"], "x. x. .. .. x x .. . .. x", 9),
    row("done-instead-terminal", &["terminal-missing"], "x. x. .. .. x x .. . .. x", 4),
    row("eof-before-terminal", &["terminal-missing"], "x. x. .. .. x x .. . .. x", 4),
    row("hold-no-terminal", &["terminal-missing"], "x. x. .. .. x x .. . .. x", 4),
    row("fc-no-call-id", &["item-fields-missing"], ".. .. x. .. . x xx . .. .", 12),
    row("item-done-empty-args", &["done-text-mismatch"], "x. x. x. x. . . .. . .. .", 9),
    row("delta-null", &["delta-not-string"], "x. x. .. .. . . xx . .. .", 8),
    row("items-done-only", &["item-not-added"], ".. .. x. x. . . xx . .. .", 3),
    row("item-id-changing", &["item-id-changed"], "x. .. x. .. . . .x . .x .", 1),
    row("content-index-missing", &["content-index-missing"], "x. x. x. x. . . .. . .. .", 0),
    row("created-missing-fields", &["response-fields-missing"], ".. x. .. x. . . xx . .. .", 0),
    row("extra-first-event", &["created-not-first"], "x. x. x. x. . . .. . .. .", 0),
    apart("incomplete", "the stream is legal: `response.incomplete` is an ending that these clients refuse by design", "x. x. .. .. x x .. . .. .", 0),
    row("item-content-missing", &["item-fields-missing"], "x. x. x. x. . . .. . .. .", 0),
    row("item-content-null", &["item-fields-missing"], "x. x. x. x. . . .. . .. .", 0),
    row("no-content-part-added", &["part-not-added"], "x. x. x. x. . . .. . .. .", 0),
    row("no-created", &["created-missing"], "x. x. x. x. . . .. . .. .", 0),
    row("no-created-no-in-progress", &["created-missing"], "x. x. x. x. . . .. . .. .", 0),
    row("part-null", &["part-fields-missing"], "x. x. x. x. . . .. . .. .", 0),
    row("unknown-first-event-no-seq", &["created-not-first"], "x. x. x. x. . . .. . .. .", 0),
    row("completed-usage-chat-names", &["usage-incomplete"], ".. .. .. .. x . xx . .. .", 13),
    row("ids-missing", &["item-id-missing"], ".. .. x. .. . . xx . .. .", 2),
    row("output-index-zero", &["output-index-duplicate", "output-index-changed"], "x. x. x. .. . . .. . .. .", 1),
    row("completed-no-id", &["response-id-missing"], "x. .. x. .. x . .. . .. .", 0),
    row("item-id-missing", &["item-id-missing"], ".. .. x. .. . . xx . .. .", 0),
    row("ids-empty", &["item-id-missing", "item-fields-missing"], ".. .. x. .. . x .. . .. .", 14),
    row("events-after-terminal", &["event-after-terminal"], ".. .. .. .. . . xx . .. .", 12),
    row("item-summary-null-all", &["item-fields-missing"], ".. .. x. x. . . .. . .. .", 9),
    row("created-at-float-string", &["response-fields-missing"], ".. .. .. .. . . xx . .. .", 0),
    apart("huge-delta", "the stream is legal: one delta of 8 MB, which openai-node 6 does not finish in 14 s", ".. .. .. xx . . .. . .. .", 0),
    row("item-summary-missing", &["item-fields-missing"], ".. .. x. x. . . .. . .. .", 0),
    row("no-summary-part-added", &["part-not-added"], ".. .. x. x. . . .. . .. .", 0),
    row("output-index-gap", &["output-index-gap"], ".. x. .. x. . . .. . .. .", 0),
    row("unknown-mid", &["unknown-event"], ".. .. x. x. . . .. . .. .", 0),
    row("completed-only", &["item-done-missing"], ".. .. .. .. . . .. . .x .", 5),
    row("cr-only", &["bare-cr"], ".. .. .. .. x . .. . .. .", 2),
    row("bom", &["bom"], ".. .. .. .. x . .. . .. .", 0),
    row("gzip-sse", &["content-encoding"], ".. .. .. .. x . .. . .. .", 0),
    row("completed-output-empty", &["terminal-output-missing"], ".. .. .. .. . . .. . .. .", 9),
    row("completed-twice", &["event-after-terminal"], ".. .. .. .. . . .. . .. .", 3),
    row("no-dones", &["item-done-missing"], ".. .. .. .. . . .. . .. .", 3),
    row("no-item-done", &["item-done-missing"], ".. .. .. .. . . .. . .. .", 3),
    row("args-only-done", &["done-text-mismatch"], ".. .. .. .. . . .. . .. .", 1),
    row("args-only-item-done", &["arguments-done-missing"], ".. .. .. .. . . .. . .. .", 1),
    // The upstream failed, or the stream was cut: the client has to hear of it.
    row("json-200-error", &["json-instead-of-sse"], "xx xx xx xx x x xx x xx x", 0),
    row("sse-ct-json-error", &["json-instead-of-sse"], "xx xx xx xx x x xx x xx x", 0),
    row("eof-mid-text", &["terminal-missing"], ".x .x xx xx . . xx x xx .", 0),
    row("eof-mid-frame", &["terminal-missing"], ".x .x .. xx . . xx x xx .", 0),
    row("empty-body", &["terminal-missing"], ".x .x .x .x . . xx . .. .", 0),
    row("html-200", &["html-instead-of-sse"], ".x .x .x .x . . xx . .. .", 0),
    row("error-first-flat", &["error-shape"], "x. x. .. x. x . .. . .. x", 0),
    row("failed-error-null", &["response-fields-missing"], ".. .. .. .. . . xx . xx .", 0),
    row("failed-minimal", &["response-fields-missing"], ".. .. .. x. . . .. . xx .", 0),
    row("error-first-nested-no-type", &["type-missing", "error-shape"], ".. .. .. .. x . .. . .. x", 0),
    row("error-flat", &["error-shape", "error-without-failed"], ".. .. .. .. x . .. . .. x", 0),
    row("error-nested", &["error-without-failed", "error-shape"], ".. .. .. .. x . .. . .. .", 0),
    // Nobody minds.
    row("annotations-null", &["part-fields-missing"], ".. .. .. .. . . .. . .. .", 0),
    row("no-annotations", &["part-fields-missing"], ".. .. .. .. . . .. . .. .", 0),
    row("created-twice", &["lifecycle-repeated"], ".. .. .. .. . . .. . .. .", 0),
    row("crlf", &["crlf"], ".. .. .. .. . . .. . .. .", 0),
    row("event-line-wrong", &["event-name-mismatch"], ".. .. .. .. . . .. . .. .", 0),
    row("no-event-line", &["event-name-mismatch"], ".. .. .. .. . . .. . .. .", 0),
    row("no-content-part-done", &["part-done-missing"], ".. .. .. .. . . .. . .. .", 0),
    row("no-text-done", &["text-done-missing"], ".. .. .. .. . . .. . .. .", 0),
    row("no-seq", &["sequence-missing"], ".. .. .. .. . . .. . .. .", 0),
    row("seq-null", &["sequence-missing"], ".. .. .. .. . . .. . .. .", 0),
    row("seq-disorder", &["sequence-not-increasing"], ".. .. .. .. . . .. . .. .", 0),
    row("reset-mid-stream", &["connection-reset", "terminal-missing"], ".. .. .. .. . . .. . .. .", 0),
    row("truncated-no-terminal", &["terminal-missing"], ".. .. .. .. . . .. . .. .", 0),
    row("hold-after-terminal", &["held-open"], ".. .. .. .. . . .. . .. .", 0),
    row("ct-json-sse-body", &["content-type"], ".. .. .. .. . . .. . .. .", 0),
    row("ct-missing-sse-body", &["content-type"], ".. .. .. .. . . .. . .. .", 0),
    row("ct-plain-sse-body", &["content-type"], ".. .. .. .. . . .. . .. .", 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole() {
        for (at, row) in MEASURED.iter().enumerate() {
            let name = row.scenario;
            assert!(
                MEASURED[..at].iter().all(|other| other.scenario != name),
                "{name} stands twice"
            );
            assert_eq!(
                row.codes.is_empty(),
                !row.apart.is_empty(),
                "{name}: a rule, or why there is none"
            );
            assert_eq!(
                row.codes().count(),
                row.codes.len(),
                "{name} names a rule that there is not"
            );
            let marks: Vec<char> = row.marks.chars().filter(|mark| *mark != ' ').collect();
            assert_eq!(marks.len(), CLIENTS.len(), "{name}");
            assert!(marks.iter().all(|mark| matches!(mark, 'x' | '.')), "{name}");
            assert!(
                row.fails().count() + usize::from(row.degraded) <= CLIENTS.len(),
                "{name}"
            );
        }
    }

    #[test]
    fn who_breaks_is_said_once_and_in_order() {
        let code = Code;
        assert_eq!(
            code("created-missing").breaks(),
            [
                "openai-python 3.54.0 .stream()",
                "openai-python 2.24.0 .stream()",
                "openai-node 7.57.0 .stream()",
                "openai-node 6.49.0 .stream()"
            ]
        );
        // Three scenarios, one list.
        assert_eq!(code("data-empty").measured().count(), 3);
        assert_eq!(code("data-empty").breaks().len(), 14);
        assert!(code("crlf").breaks().is_empty() && code("crlf").measured().count() == 1);
    }
}
