//! `fixtures/catalogue.toml`, walked: every known deviation has its fixture, its rule and its outcome, or the reason why none.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use respair_core::{Code, Ending, ErrorSource, Grade, Profile, Severity, measurements, rules};
use serde::Deserialize;

use crate::corpus;
use crate::run::{Outcome, tolerant};

/// How many entries each group of the catalogue of deviations has.
const GROUPS: [usize; 11] = [9, 10, 14, 15, 12, 17, 11, 9, 9, 5, 8];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    entry: Vec<Entry>,
    extra: Vec<Extra>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    #[serde(default)]
    cases: Vec<Case>,
    #[serde(default)]
    codes: Vec<String>,
    #[serde(default)]
    tests: Vec<String>,
    outcome: Option<Whose>,
    why: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    fixture: String,
    outcome: Shown,
    #[serde(default)]
    codes: Vec<String>,
}

/// What becomes of a fixture.
#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Shown {
    Mended,
    Untouched,
    Ending,
    Refused,
}

/// Whose matter an entry is that no fixture shows.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Whose {
    Client,
    Gateway,
    Request,
    Agent,
    Refused,
}

/// A rule that is not from the catalogue.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    code: String,
    fixture: String,
    why: String,
    #[serde(default = "mended")]
    outcome: Shown,
}

fn mended() -> Shown {
    Shown::Mended
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn catalogue() -> Catalogue {
    let text = fs::read_to_string(root().join("fixtures/catalogue.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

#[test]
fn every_entry_stands_once_and_in_order() {
    let catalogue = catalogue();
    let expected: Vec<String> = GROUPS
        .iter()
        .enumerate()
        .flat_map(|(group, many)| (1..=*many).map(move |entry| format!("{}.{entry}", group + 1)))
        .collect();
    let ids: Vec<&str> = catalogue
        .entry
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    assert_eq!(ids, expected);
    let names: BTreeSet<&str> = catalogue
        .entry
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(names.len(), ids.len(), "a name stands twice");
}

#[test]
fn every_entry_is_shown_or_says_why_not() {
    for entry in catalogue().entry {
        let name = format!("{} {}", entry.id, entry.name);
        assert_eq!(
            entry.cases.is_empty(),
            entry.outcome.is_some(),
            "{name}: fixtures, or whose matter it is"
        );
        assert_eq!(
            entry.cases.is_empty(),
            entry.why.is_some(),
            "{name}: fixtures, or why there are none"
        );
        if !entry.codes.is_empty() || matches!(entry.outcome, Some(Whose::Refused)) {
            assert!(!entry.tests.is_empty(), "{name}: neither fixture nor test");
        }
        for test in &entry.tests {
            let (file, function) = test
                .split_once(": ")
                .unwrap_or_else(|| panic!("{name}: {test}"));
            let source = fs::read_to_string(root().join(file))
                .unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
            assert!(
                source.contains(&format!("fn {function}(")),
                "{name}: {file} has no {function}"
            );
        }
    }
}

#[test]
fn every_rule_is_in_the_catalogue_or_extra() {
    let catalogue = catalogue();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for entry in &catalogue.entry {
        named.extend(entry.codes.iter().map(String::as_str));
        named.extend(
            entry
                .cases
                .iter()
                .flat_map(|case| &case.codes)
                .map(String::as_str),
        );
    }
    for extra in &catalogue.extra {
        assert!(
            !named.contains(extra.code.as_str()),
            "{} is not extra: an entry has it",
            extra.code
        );
        assert!(!extra.why.is_empty(), "{}", extra.code);
        named.insert(&extra.code);
    }
    for code in &named {
        assert!(
            Code::parse(code).is_some_and(|known| known.as_str() == *code),
            "there is no rule {code}"
        );
    }
    let missing: Vec<&str> = rules()
        .iter()
        .map(|rule| rule.code.as_str())
        .filter(|code| !named.contains(code))
        .collect();
    assert!(
        missing.is_empty(),
        "in no entry, and not extra: {missing:?}"
    );
}

#[test]
fn every_fixture_does_what_the_catalogue_says() {
    let catalogue = catalogue();
    let streams = corpus::rules();
    let mut wrong = Vec::new();
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let extra = catalogue
        .extra
        .iter()
        .map(|extra| (&extra.fixture, &extra.outcome, vec![extra.code.as_str()]));
    let cases = catalogue.entry.iter().flat_map(|entry| &entry.cases);
    let cases = cases.map(|case| {
        (
            &case.fixture,
            &case.outcome,
            case.codes.iter().map(String::as_str).collect(),
        )
    });
    for (fixture, outcome, codes) in cases.chain(extra) {
        let Some(stream) = streams.iter().find(|stream| stream.name == *fixture) else {
            wrong.push(format!("{fixture}: there is no such fixture"));
            continue;
        };
        shown.insert(fixture);
        let read = tolerant(profile_of(&codes), &stream.body);
        if let Some(problem) = apart(&read, outcome, &codes, &stream.body) {
            wrong.push(format!(
                "{fixture} is not {outcome:?}: {problem} ({:?}, {:?})",
                read.ending, read.repairs
            ));
        }
    }
    let unnamed = streams
        .iter()
        .filter(|stream| !shown.contains(stream.name.as_str()));
    wrong.extend(unnamed.map(|stream| {
        format!(
            "{}.sse is in no entry of fixtures/catalogue.toml, and not extra",
            stream.name
        )
    }));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The profile that a rule matters to: `portable`, unless it is `open-responses` alone that makes something of it.
fn profile_of(codes: &[&str]) -> Profile {
    let of = |rule: &&&respair_core::Rule| codes.contains(&rule.code.as_str());
    let open_alone = |rule: &&respair_core::Rule| match rule.portable {
        Grade::No => true,
        Grade::Info => rule.open == Grade::Violation,
        _ => false,
    };
    let mut named = rules().iter().filter(of).peekable();
    if named.peek().is_some() && named.all(open_alone) {
        Profile::OpenResponses
    } else {
        Profile::Portable
    }
}

/// What the reading did that is not what the catalogue says of it.
fn apart(read: &Outcome, outcome: &Shown, codes: &[&str], body: &[u8]) -> Option<String> {
    for code in codes {
        let found = read
            .violations
            .iter()
            .find(|found| found.code.as_str() == *code);
        let Some(found) = found else {
            return Some(format!("{code} is not found"));
        };
        let repaired = read
            .repairs
            .iter()
            .any(|repair| repair.code.as_str() == *code);
        // Fields that are filled are counted, and break nothing by themselves.
        let counted = *code == "field-defaulted";
        if repaired != (found.severity == Severity::Violation || counted) {
            return Some(format!(
                "{code} is a violation and not counted as a repair, or the other way round"
            ));
        }
    }
    let ended_itself = matches!(
        read.ending,
        Some(Ending::Completed { .. } | Ending::Incomplete { .. })
    );
    let ours =
        matches!(&read.ending, Some(Ending::Failed(error)) if error.source == ErrorSource::Local);
    let says_failed = String::from_utf8_lossy(&read.out).contains("\"type\":\"response.failed\"");
    let holds = match outcome {
        Shown::Untouched => read.out == body && read.repairs.is_empty(),
        Shown::Mended => !codes.is_empty() && ended_itself && read.out != body,
        Shown::Ending => !codes.is_empty() && !ended_itself && !ours && says_failed,
        Shown::Refused => {
            !codes.is_empty()
                && (ours || matches!(read.ending, Some(Ending::NoStream(_))))
                && says_failed
        }
    };
    (!holds).then(|| "it ends otherwise".to_owned())
}

/// What was measured under another name than the relay's.
#[rustfmt::skip] // two pairs a line
const ALSO: &[(&str, &str)] = &[
    ("baseline", "text"), ("bytes1", "tiny-chunks"),
    ("completed-output-empty", "output-empty"), ("completed-output-missing", "output-missing"),
    ("completed-output-null", "output-null"), ("cr-only", "bare-cr"),
    ("created-missing-fields", "thin-response"), ("ct-json-sse-body", "content-type-json"),
    ("ct-missing-sse-body", "content-type-missing"), ("deltas-only", "deltas-only-full-completed"),
    ("deltas-only-empty-completed", "deltas-only"), ("done-sentinel-end", "done-sentinel"),
    ("empty-body", "empty-200"), ("eof-before-terminal", "eof-after-item-done"),
    ("eof-no-chunk-end", "cut-after-terminal"), ("hold-no-terminal", "stall-after-item-done"),
    ("html-200", "html"), ("item-id-changing", "rotating-ids"),
    ("json-200", "json"), ("json-200-error", "json-error-200"),
    ("no-created-no-in-progress", "item-first"), ("no-event-line", "no-event-names"),
    ("no-item-added", "no-items"), ("no-seq", "sequence-missing"),
    ("output-index-zero", "index-collision"), ("reset-mid-stream", "reset-mid-text"),
    ("response-done-instead", "response-done"), ("truncated-no-terminal", "cut-mid-text"),
    ("unknown-first-event-no-seq", "rate-limits-first"),
];

/// The relay plays everything that the clients were measured on, and each row is mapped to the right rule.
#[test]
fn what_was_measured_shows_its_rule() {
    let streams = corpus::scenarios();
    let mut shown = 0;
    for row in measurements() {
        let also = ALSO.iter().find(|(measured, _)| *measured == row.scenario);
        let name = also.map_or(row.scenario, |(_, name)| name);
        assert!(respair_faults::scenario(name).is_some(), "{name}");
        for stream in streams.iter().filter(|stream| stream.name == name) {
            let read = tolerant(Profile::Portable, &stream.body);
            let codes: Vec<Code> = row.codes().collect();
            let found = codes
                .iter()
                .any(|code| read.violations.iter().any(|found| found.code == *code));
            // How a connection behaves, and what is legal, no body shows.
            let carried = [
                "held-open",
                "content-type",
                "chunked-end-missing",
                "connection-reset",
            ];
            let silent = codes.iter().all(|code| carried.contains(&code.as_str()));
            assert!(
                found || silent && read.violations.is_empty(),
                "{}: {:?}",
                row.scenario,
                read.violations
            );
            shown += usize::from(found);
        }
    }
    assert!(shown >= 94, "{shown}");
}
