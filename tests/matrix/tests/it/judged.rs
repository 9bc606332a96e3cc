//! The judge itself: right is what the scenario holds, and nothing else.

use respair_faults::scenario;
use respair_matrix::columns::{COLUMNS, named, workspace};
use respair_matrix::endpoint::Way;
use respair_matrix::heard::{Heard, Outcome, Told};
use respair_matrix::judge::{Class, judge};
use respair_matrix::page::page;
use respair_matrix::reasons;
use respair_matrix::runner::events;
use respair_matrix::table::Table;

const TEXT: &str = "Hello from the relay.";
const SUMMARY: &str = "Thinking about it.";

fn told(text: &str, reasoning: &str, calls: &[(&str, &str)]) -> Told {
    let calls = calls
        .iter()
        .map(|(name, given)| ((*name).into(), (*given).into()));
    Told {
        text: Some(text.to_owned()),
        reasoning: Some(reasoning.to_owned()),
        calls: Some(calls.collect()),
    }
}

fn heard(live: Told, end: Option<Told>, ended: Option<&str>, error: Option<&str>) -> Outcome {
    Outcome::Heard(Box::new(Heard {
        live,
        r#final: end,
        ended: ended.map(str::to_owned),
        error: error.map(str::to_owned),
        exception: None,
    }))
}

fn class(name: &str, outcome: &Outcome) -> Class {
    let holds = scenario(name).unwrap().holds();
    judge(named("py3-stream").unwrap(), &holds, outcome).0
}

#[test]
fn a_whole_answer_is_whole_live_and_at_the_end() {
    let call = [("get_weather", "{ \"city\": \"Paris\" }")];
    let all = || told(TEXT, SUMMARY, &call);
    let cases = [
        (all(), Some(all()), Class::Whole),
        (all(), None, Class::Whole),
        (all(), Some(told("", "", &[])), Class::Degraded),
        (told("", SUMMARY, &call), Some(all()), Class::Degraded),
        (told(&TEXT.repeat(2), SUMMARY, &call), None, Class::Degraded),
        (told(TEXT, "", &call), None, Class::Degraded),
        (told(TEXT, SUMMARY, &[]), None, Class::Degraded),
        (
            told(TEXT, SUMMARY, &[call[0], call[0]]),
            None,
            Class::Degraded,
        ),
        (
            told(TEXT, SUMMARY, &[("get_weather", "{\"city\":\"Par")]),
            None,
            Class::Degraded,
        ),
        (told("", "", &[]), None, Class::Silent),
    ];
    for (live, end, expected) in cases {
        let outcome = heard(live.clone(), end, Some("completed"), None);
        assert_eq!(class("one-chunk", &outcome), expected, "{live:?}");
    }
}

#[test]
fn errors_and_cuts_are_right_when_they_are_told() {
    let half = || told("Hello from", "", &[]);
    for (scenario, live, ended, error, expected) in [
        (
            "eof-mid-text",
            half(),
            None,
            Some("stream ended"),
            Class::Cut,
        ),
        (
            "eof-mid-text",
            half(),
            Some("completed"),
            None,
            Class::Silent,
        ),
        (
            "eof-mid-text",
            told("Other", "", &[]),
            None,
            Some("stream ended"),
            Class::Degraded,
        ),
        (
            "failed",
            half(),
            Some("failed"),
            Some("500: The relay failed on purpose."),
            Class::Surfaced,
        ),
        (
            "failed",
            half(),
            Some("failed"),
            Some("no response.completed"),
            Class::Error,
        ),
        ("failed", half(), None, None, Class::Silent),
        ("incomplete", half(), Some("incomplete"), None, Class::Whole),
        ("incomplete", half(), Some("completed"), None, Class::Silent),
        (
            "incomplete",
            half(),
            None,
            Some("reason: max_output_tokens"),
            Class::Surfaced,
        ),
        ("incomplete", half(), None, Some("no answer"), Class::Error),
        (
            "http-429-once",
            told("", "", &[]),
            None,
            Some("429 Rate limit reached for requests."),
            Class::Surfaced,
        ),
        (
            "text",
            told(TEXT, "", &[]),
            None,
            Some("Unhandled event"),
            Class::Error,
        ),
    ] {
        let outcome = heard(live, None, ended, error);
        assert_eq!(
            class(scenario, &outcome),
            expected,
            "{scenario}: {outcome:?}"
        );
    }
    assert_eq!(class("text", &Outcome::Hang), Class::Hang);
    assert_eq!(
        class("text", &Outcome::Died("signal 9".to_owned())),
        Class::Error
    );
}

#[test]
fn codex_is_judged_by_the_command_that_it_ran_and_the_answer_behind_it() {
    let line = |item: &str| format!("{{\"type\":\"item.completed\",\"item\":{item}}}\n");
    let command = |output: &str| {
        line(&format!(
            r#"{{"type":"command_execution","command":"/bin/sh -lc 'echo Paris'","aggregated_output":"{output}","exit_code":0}}"#
        ))
    };
    let message = line(&format!(r#"{{"type":"agent_message","text":"{TEXT}"}}"#));
    let end = "{\"type\":\"turn.completed\"}\n";
    let holds = scenario("tool-call").unwrap().holds();
    for (lines, expected) in [
        (
            format!("{}{message}{end}", command("Paris\\n")),
            Class::Whole,
        ),
        (
            format!("{}{message}{end}", command("sh: not found\\n")),
            Class::Degraded,
        ),
        (format!("{}{end}", command("Paris\\n")), Class::Degraded),
        (format!("{message}{end}"), Class::Degraded),
        (end.to_owned(), Class::Silent),
    ] {
        let outcome = Outcome::Heard(Box::new(events(&lines)));
        let (class, reason) = judge(named("codex").unwrap(), &holds, &outcome);
        assert_eq!(class, expected, "{lines}: {reason}");
    }
}

#[test]
fn columns_have_names_of_their_own() {
    for column in COLUMNS {
        assert_eq!(
            COLUMNS
                .iter()
                .filter(|other| other.name == column.name)
                .count(),
            1
        );
    }
}

/// Nobody edits the page, and whatever it has to admit is explained.
#[test]
fn the_page_is_what_was_measured() {
    let docs = workspace().join("docs");
    let table = Table::read(&docs.join("clients.json")).unwrap().current();
    let written = std::fs::read_to_string(docs.join("CLIENTS.md")).unwrap();
    assert!(
        page(&table) == written.replace("\r\n", "\n"),
        "docs/CLIENTS.md: run `cargo xtask matrix --page`"
    );
    assert_eq!(table.columns.len(), COLUMNS.len());
    for (name, row) in &table.cells {
        for column in row.keys() {
            let judged = table.get(name, column, Way::Gateway).unwrap();
            let explained = reasons::why(name, column).is_some();
            assert!(
                judged.class.is_right() || explained,
                "{name}, {column}: {judged:?}"
            );
        }
    }
}
