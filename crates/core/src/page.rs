//! What a person reads about one rule: the same page in `docs/VIOLATIONS.md` and from `respair check --explain`.

use std::cmp::Reverse;

use crate::rules::{Grade, Measured, Rule, grouped, rules};
use crate::violation::{Code, Profile};

/// The page of a code, in Markdown: what it means, what to change, what respair does, who breaks, where it was seen.
///
/// ```
/// let code = respair_core::Code::parse("created-missing").unwrap();
/// assert!(respair_core::page(code).starts_with("## created-missing\n\nThe first event is `response.created`.\n"));
/// ```
#[must_use]
pub fn page(code: Code) -> String {
    let Some(rule) = rules().iter().find(|rule| rule.code == code) else {
        return String::new();
    };
    let mut page = format!("## {code}\n\n{}\n", rule.demands);
    let mut say = |title: &str, text: &str| {
        page.push_str(&format!("\n**{title}.** {text}\n"));
    };
    say("Judged", &grades(rule));
    say("What to change", rule.advice);
    say("What respair does", rule.mends);
    say("Without the rule", &without(rule));
    say("Who breaks", &who_breaks(code));
    say("Seen", &with_links(rule.evidence));
    say("Fixture", &fixture(rule));
    page
}

fn grades(rule: &Rule) -> String {
    let of = |profile: &Profile| {
        let grade = match rule.grade(*profile) {
            Grade::Violation => "a violation",
            Grade::Info => "a remark",
            Grade::No => "not judged",
        };
        format!("`{}`: {grade}", profile.name())
    };
    let all: Vec<String> = Profile::ALL.iter().map(of).collect();
    all.join("; ") + "."
}

/// A rule that is switched off takes its guarantee with it (tenet 5).
fn without(rule: &Rule) -> String {
    let code = rule.code;
    if !rule.changes_what_is_sent() {
        return format!(
            "`--without {code}` changes nothing of what is sent: this is about how it was carried, or a limit."
        );
    }
    format!(
        "`--without {code}` passes it on as it came; that \u{201c}{}\u{201d} is no longer promised of what comes out.",
        rule.demands.trim_end_matches('.')
    )
}

fn who_breaks(code: Code) -> String {
    let mut rows: Vec<&Measured> = code.measured().collect();
    if rows.is_empty() {
        return "Not measured.".to_owned();
    }
    rows.sort_by_key(|row| Reverse((row.fails().count(), row.degraded)));
    let mut list = "Sixteen clients were each given a stream with one thing changed:\n".to_owned();
    // What the same clients fail on is said once.
    let alike = |one: &&Measured, other: &&Measured| {
        one.degraded == other.degraded && one.fails().eq(other.fails())
    };
    for rows in rows.chunk_by(alike) {
        let names: Vec<String> = rows
            .iter()
            .map(|row| format!("`{}`", row.scenario))
            .collect();
        list.push_str(&format!("\n- {}: {}", names.join(", "), outcome(rows[0])));
    }
    list
}

/// How many fail, how many lose something, and who.
fn outcome(row: &Measured) -> String {
    let failing: Vec<&str> = row.fails().collect();
    let fail = match failing.len() {
        0 => "none fails".to_owned(),
        1 => "1 fails".to_owned(),
        16 => return "all fail.".to_owned(),
        many => format!("{many} fail"),
    };
    let who = match failing.len() {
        0 => String::new(),
        _ => format!(" ({})", grouped(&failing)),
    };
    let less = match row.degraded {
        0 => String::new(),
        1 => ", 1 gets less than the whole answer".to_owned(),
        many => format!(", {many} get less than the whole answer"),
    };
    format!("{fail}{who}{less}.")
}

fn fixture(rule: &Rule) -> String {
    if let Some((file, test)) = rule.shown_by_test() {
        return format!(
            "None: no stream shows it. The test `{test}` does, in [`{file}`](../{file})."
        );
    }
    let link = |suffix: &str| {
        let path = format!("fixtures/rules/{}.{suffix}", rule.fixture);
        format!("[`{path}`](../{path})")
    };
    format!(
        "{}; what is expected of it: {}.",
        link("sse"),
        link("expected.json")
    )
}

/// `owner/name#1`, and `#2` behind it, as links to the threads.
fn with_links(text: &str) -> String {
    let mut repository = "";
    let mut words = Vec::new();
    for word in text.split(' ') {
        let bare = word
            .trim_start_matches('(')
            .trim_end_matches([',', ';', ')', '.']);
        let Some((named, number)) = bare.split_once('#') else {
            words.push(word.to_owned());
            continue;
        };
        if named.contains('/') {
            repository = named;
        }
        let is_thread = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_thread && !repository.is_empty() {
            let link = format!("[{bare}](https://github.com/{repository}/issues/{number})");
            words.push(word.replace(bare, &link));
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_become_links() {
        assert_eq!(
            with_links("DEVIATIONS 1.3; one/two#8133, #8134 (three.js/four#5)"),
            "DEVIATIONS 1.3; [one/two#8133](https://github.com/one/two/issues/8133), \
             [#8134](https://github.com/one/two/issues/8134) ([three.js/four#5](https://github.com/three.js/four/issues/5))"
        );
        assert_eq!(with_links("#1 and C# stay"), "#1 and C# stay");
    }

    #[test]
    fn every_code_has_a_page_that_says_everything() {
        for code in Code::all() {
            let page = page(code);
            for title in [
                "Judged",
                "What to change",
                "What respair does",
                "Without the rule",
                "Who breaks",
                "Seen",
                "Fixture",
            ] {
                assert!(
                    page.contains(&format!("\n**{title}.** ")),
                    "{code}: {title}\n{page}"
                );
            }
        }
    }
}
