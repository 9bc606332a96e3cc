//! `docs/VIOLATIONS.md` is what the rules say of themselves.
//!
//! `RESPAIR_BLESS=1 cargo test -p respair-core --test it violations` writes it anew.

use std::fs;
use std::path::Path;

use respair_core::{Grade, Profile, Rule, clients, measurements, page, rules};

const INTRODUCTION: &str = "# Violations

Everything that respair says of an event stream has a code, and each code has its section here. `respair check` names the codes
that it finds in a stream, `respair check --explain CODE` prints the section, `respair repair` mends what is a violation of the
profile in force (`portable`, unless another one is asked for).

If you write a relay: **What to change** is for you. If you use one: **Who breaks** says which clients fail on it, and **What
respair does** what it turns the stream into. Anything that is mended can be switched off, with `respair repair --without CODE`
or `recovery.without` in the configuration.

`DEVIATIONS 1.3` is an entry of the catalogue of what really goes wrong: `fixtures/catalogue.toml` lists it, entry by entry, with
rules, fixtures and outcomes. `CLIENTS.md` is the measurement that stands at the end of this page, `PROTOCOL.md` the grammar of a
stream as it was read out of the specification and the clients.

This page is generated from the rules: change them in `crates/core/src/rules`, then
`RESPAIR_BLESS=1 cargo test -p respair-core --test it violations`.

## Index

`E` is a violation, `i` a remark, `–` not judged. *Fail* is how many of sixteen clients fail on the worst stream that was measured.

| code | openai-sdk | portable | open-responses | fail | in one sentence |
|---|---|---|---|---|---|
";

const MEASURED: &str = "
## Who was measured

Each stream was complete and correct but for one thing, or an error, or cut; it was served over loopback, with retries off, once to each
client. A client *fails* that raises an error, gives neither answer nor error, or hangs; where the upstream failed, one that loses what it
said. One that *gets less* gives a part of the answer, or nothing that says what went wrong.

";

fn row(rule: &Rule) -> String {
    let grade = |profile| match rule.grade(profile) {
        Grade::Violation => "E",
        Grade::Info => "i",
        _ => "–",
    };
    let fail = rule.code.measured().map(|row| row.fails().count()).max();
    format!(
        "| [{code}](#{code}) | {} | {} | {} | {} | {} |\n",
        grade(Profile::OpenAiSdk),
        grade(Profile::Portable),
        grade(Profile::OpenResponses),
        fail.map_or(String::new(), |fail| fail.to_string()),
        rule.demands,
        code = rule.code,
    )
}

fn document() -> String {
    let mut rules: Vec<&Rule> = rules().to_vec();
    rules.sort_by_key(|rule| rule.code.as_str());
    let mut document = INTRODUCTION.to_owned();
    document.extend(rules.iter().map(|rule| row(rule)));
    for rule in rules {
        document.push('\n');
        document.push_str(&page(rule.code));
    }
    document.push_str(MEASURED);
    document.extend(clients().iter().map(|client| format!("- {client}\n")));
    document.push_str("\n## No rule's matter\n\nWhat was measured with the clients and is not wrong with the events:\n\n");
    for row in measurements().iter().filter(|row| !row.apart.is_empty()) {
        let fail = row.fails().count();
        document.push_str(&format!(
            "- `{}`: {fail} of sixteen fail; {}.\n",
            row.scenario, row.apart
        ));
    }
    document
}

#[test]
fn the_document_is_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/VIOLATIONS.md");
    let document = document();
    if std::env::var_os("RESPAIR_BLESS").is_some() {
        fs::write(&path, &document).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == document,
        "docs/VIOLATIONS.md is stale: RESPAIR_BLESS=1 cargo test -p respair-core --test it violations"
    );
}
