//! What the documentation shows is what happens: its screens, files, numbers and links.
//!
//! `TRYCMD=overwrite cargo test -p respair` writes the shown screens and files anew, as it does for `tests/cmd`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[allow(
    dead_code,
    unreachable_pub,
    reason = "it serves the other tests as well"
)]
#[path = "it/bin.rs"]
mod bin;

use bin::{Done, Home, relay};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/CHAT.md",
    "docs/CHECK.md",
    "docs/GATEWAY.md",
    "docs/HERMES.md",
    "docs/LIBRARY.md",
    "docs/RECOVERY.md",
    "docs/TENETS.md",
    "docs/TOOLS.md",
    "crates/core/README.md",
];

/// Two tests may write the same document.
static WRITING: Mutex<()> = Mutex::new(());

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the repository, with LF whatever the checkout made of it.
fn read(path: &str) -> String {
    let text = fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
        .replace("\r\n", "\n")
}

/// Every fenced block behind a marker `<!-- KIND: NAME -->`: the name, and where the block's text stands.
fn blocks(document: &str, kind: &str) -> Vec<(String, Range<usize>)> {
    let marker = format!("<!-- {kind}: ");
    let mut found = Vec::new();
    for (at, _) in document.match_indices(&marker) {
        let (name, rest) = document[at + marker.len()..].split_once(" -->\n").unwrap();
        let start = document.len() - rest.len() + rest.find('\n').unwrap() + 1;
        assert!(rest.starts_with("```"), "{kind}: {name}: no block");
        // A screen may hold fences itself; its own is longer then.
        let fence = &rest[..rest.bytes().take_while(|byte| *byte == b'`').count()];
        // A block may be empty; its fence then is the very next line.
        let length = document[start - 1..]
            .find(&format!("\n{fence}"))
            .expect("the block's end");
        found.push((name.to_owned(), start..(start - 1 + length + 1).max(start)));
    }
    found
}

fn block<'a>(document: &'a str, kind: &str, name: &str) -> &'a str {
    let found = blocks(document, kind);
    let found = found.iter().find(|(other, _)| other == name);
    let (_, range) = found.unwrap_or_else(|| panic!("no <!-- {kind}: {name} -->"));
    &document[range.clone()]
}

/// The first screen of a recorded case.
fn screen(name: &str) -> String {
    let case = read(&format!("crates/respair/tests/cmd/{name}.trycmd"));
    let (_, rest) = case.split_once("```\n").unwrap();
    let screen = rest.split_once("\n```").unwrap().0;
    format!("{}\n", screen.trim_end())
}

/// The screen of a test that looks at one.
fn snapshot(name: &str) -> String {
    let whole = read(&format!(
        "crates/respair/tests/it/chat/snapshots/{name}.snap"
    ));
    let mut parts = whole.splitn(3, "---\n");
    let screen = parts.nth(2).expect("a snapshot has a head");
    format!("{}\n", screen.trim_end())
}

/// Shown screens are the recorded ones, and shown files the files.
#[test]
fn shown_screens_and_files() {
    let overwrite = std::env::var_os("TRYCMD").is_some_and(|value| value == "overwrite");
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut shown = 0;
    for path in DOCUMENTS {
        let mut document = read(path);
        let kinds = [
            ("screen", screen as fn(&str) -> String),
            ("snapshot", snapshot),
            ("file", read),
        ];
        for (kind, truth) in kinds {
            for (name, range) in blocks(&document, kind).into_iter().rev() {
                shown += 1;
                if overwrite {
                    document.replace_range(range, &truth(&name));
                } else {
                    let now = &document[range];
                    assert_eq!(now, truth(&name), "{path} shows another {kind} than {name}");
                }
            }
        }
        if overwrite {
            fs::write(root().join(path), document).unwrap();
        }
    }
    assert!(shown >= 3, "{shown}");
}

/// The commands of the quick start, typed as they stand there, with the configuration that stands there.
#[test]
fn quick_start() {
    let readme = read("README.md");
    for (provider, codes) in [("custom", &[0, 0][..]), ("openai", &[1])] {
        let relay = relay("no-created");
        let config = block(&readme, "config", "relay.yaml")
            .replace("http://127.0.0.1:8383", &relay.base_url())
            .replace("provider: custom", &format!("provider: {provider}"));
        let home = Home::new();
        home.write("relay.yaml", config.as_bytes());
        let screen = block(&readme, "run", provider);
        let turns: Vec<&str> = screen.split("$ respair ").skip(1).collect();
        assert_eq!(turns.len(), codes.len());
        for (turn, code) in turns.iter().zip(codes) {
            let (typed, shown) = turn.split_once('\n').unwrap();
            let done = home.run(&words(typed)).exits(*code);
            assert_eq!(on_a_screen(&done), shown);
        }
    }
}

/// Commands typed beside a recorded stream, `relay.sse`.
#[test]
fn typed_screens() {
    let overwrite = std::env::var_os("TRYCMD").is_some_and(|value| value == "overwrite");
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let stream = fs::read(root().join("fixtures/rules/no-created.sse")).unwrap();
    let mut typed = 0;
    for path in DOCUMENTS {
        let mut document = read(path);
        for (name, range) in blocks(&document, "typed").into_iter().rev() {
            let home = Home::new();
            home.write("relay.sse", &stream);
            let mut screen = String::new();
            for line in document[range.clone()].lines() {
                let Some(line) = line.strip_prefix("$ respair ") else {
                    continue;
                };
                typed += 1;
                let mut command = home.command(&words(line));
                let done = Done::of(command.env("COLUMNS", "100").output().unwrap());
                screen.push_str(&format!("$ respair {line}\n{}{}", done.out, done.err));
            }
            match overwrite {
                true => document.replace_range(range, &screen),
                false => assert_eq!(document[range], screen, "{path}: {name}"),
            }
        }
        if overwrite {
            fs::write(root().join(path), document).unwrap();
        }
    }
    assert!(typed >= 3, "{typed}");
}

/// Endpoints that are checked: the screen is what `respair check` says of the scenario, times aside.
#[test]
fn asked_screens() {
    const CHECK: &str = "docs/CHECK.md";
    let overwrite = std::env::var_os("TRYCMD").is_some_and(|value| value == "overwrite");
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut page = read(CHECK);
    let asked = blocks(&page, "asked");
    assert!(!asked.is_empty());
    for (name, range) in asked.into_iter().rev() {
        let relay = relay(&name);
        let shown = "http://127.0.0.1:8383";
        let typed = page[range.clone()].lines().next().unwrap().to_owned();
        let real = typed.replace(shown, &relay.base_url());
        let home = Home::new();
        let mut command = home.command(&words(real.strip_prefix("$ respair ").unwrap()));
        let done = Done::of(command.env("COLUMNS", "100").output().unwrap());
        let said = format!("{}{}", done.err, done.out).replace(&relay.base_url(), shown);
        let screen = format!("{typed}\n{said}");
        if untimed(&page[range.clone()]) == untimed(&screen) {
            continue;
        }
        assert!(
            overwrite,
            "{name}: {CHECK} shows\n{}\nand not\n{screen}",
            &page[range]
        );
        page.replace_range(range, &screen);
    }
    if overwrite {
        fs::write(root().join(CHECK), page).unwrap();
    }
}

/// A screen without its times, and without the blanks that line them up.
fn untimed(screen: &str) -> Vec<String> {
    let words: Vec<&str> = screen.split_whitespace().collect();
    let is_time = |at: usize| {
        words
            .get(at + 1)
            .is_some_and(|unit| matches!(*unit, "ms" | "s"))
    };
    let untimed = words.iter().enumerate().filter(|(at, word)| {
        let is_unit = matches!(**word, "ms" | "s");
        !is_unit && !is_time(*at)
    });
    untimed.map(|(_, word)| (*word).to_owned()).collect()
}

/// A command line, with double quotes as its only quotes.
fn words(typed: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (at, piece) in typed.split('"').enumerate() {
        match at % 2 {
            0 => words.extend(piece.split_whitespace()),
            _ => words.push(piece),
        }
    }
    words
}

/// What a terminal shows of both streams: the answer stands before the closing line.
fn on_a_screen(done: &Done) -> String {
    let mut lines: Vec<&str> = done.err.lines().collect();
    if !done.out.is_empty() {
        lines.insert(lines.len() - 1, &done.out);
    }
    lines.join("\n") + "\n"
}

/// A row of the table of requests: what it says, the relay's scenario, the provider, its `recovery`, the requests of two
/// turns, the exit code.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    [usize; 2],
    i32,
);

#[rustfmt::skip]
const REQUESTS: &[Row] = &[
    ("the relay conforms", "text", "custom", "{}", [1, 1], 0),
    ("`response.created` is missing", "no-created", "custom", "{}", [2, 1], 0),
    ("the same, `recovery.strict_retries: 0`", "no-created", "custom", "{strict_retries: 0}", [1, 1], 0),
    ("the same, `recovery.fallback: request`", "no-created", "custom", "{fallback: request}", [3, 1], 0),
    ("the same, `recovery.mode: inline`", "no-created", "custom", "{mode: inline}", [1, 1], 0),
    ("the same, `recovery.mode: strict`", "no-created", "custom", "{mode: strict}", [1, 1], 1),
    ("the same, `provider: openai`", "no-created", "openai", "{}", [1, 1], 1),
    ("it is missing from the first answer only", "no-created-once", "custom", "{}", [2, 1], 0),
    ("`codex.rate_limits` comes first", "rate-limits-first", "custom", "{}", [2, 1], 0),
    ("another rule is broken: item ids change", "rotating-ids", "custom", "{}", [1, 1], 0),
    ("one HTTP 500, then an answer", "http-500-once", "custom", "{}", [2, 1], 0),
    ("the answer breaks off in the middle", "cut-mid-text", "custom", "{}", [1, 1], 3),
];

/// The table of requests: every row is on the page, and nothing else, and the relay was asked that often.
#[test]
fn requests_of_a_turn() {
    let page = read("docs/RECOVERY.md");
    let (_, table) = page.split_once("<!-- measured: requests -->\n").unwrap();
    let shown: Vec<&str> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let rows = REQUESTS.iter().map(|(says, .., turns, code)| {
        format!("| {says} | {} | {} | {code} |", turns[0], turns[1])
    });
    assert_eq!(shown, rows.collect::<Vec<_>>());

    for (says, scenario, provider, recovery, turns, code) in REQUESTS {
        let relay = relay(scenario);
        let home = Home::with_config(&format!(
            "{}  recovery: {recovery}\n",
            bin::seed(provider, &relay)
        ));
        let mut before = 0;
        for expected in turns {
            home.run(&["run", "hi"]).exits(*code);
            let asked = relay.requests().len();
            assert_eq!(asked - before, *expected, "{says}");
            before = asked;
        }
    }
}

/// Links into the repository lead somewhere, to a heading where they name one.
#[test]
fn links() {
    for path in DOCUMENTS {
        let document = read(path);
        for link in document
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let (file, heading) = match link.split_once('#') {
                Some((file, heading)) => (file, Some(heading)),
                None => (link, None),
            };
            // An address, or a name that rustdoc resolves.
            if file.contains("://") || !(file.is_empty() || file.contains(['.', '/'])) {
                continue;
            }
            let target = match file {
                "" => root().join(path),
                file => root().join(path).with_file_name(file),
            };
            assert!(target.exists(), "{path}: {link}");
            if let Some(heading) = heading {
                let text = fs::read_to_string(&target).unwrap();
                let found = text
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| anchor(line) == heading);
                assert!(found, "{path}: {link}: there is no such heading");
            }
        }
    }
}

/// What a link calls a heading.
fn anchor(line: &str) -> String {
    let title = line.trim_start_matches('#').trim().to_lowercase();
    let kept = title.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c => (c.is_alphanumeric() || matches!(c, '-' | '_')).then_some(c),
    });
    kept.collect()
}

/// What CONTRIBUTING asks of a rule: its fixture is there, and shows it; or the test that shows it is there, and names it.
#[test]
fn rules_have_their_fixtures() {
    use respair_core::{Context, EndOfBody, Profile, Reader, ReaderOptions};
    for rule in respair_core::rules() {
        if let Some((file, test)) = rule.shown_by_test() {
            let source = read(file);
            assert!(source.contains(&format!("fn {test}(")), "{file}: no {test}");
            let named = source.contains(&format!("\"{}\"", rule.code));
            assert!(named, "{file} does not name {}", rule.code);
            continue;
        }
        let path = root().join(format!("fixtures/rules/{}.sse", rule.fixture));
        let body = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let shows = Profile::ALL.iter().any(|profile| {
            let options = ReaderOptions::tolerant()
                .with_profile(*profile)
                .cumulative(rule.code.as_str() == "cumulative-deltas");
            let mut reader = Reader::new(options, Context::new(0, 0));
            reader.push(body.clone().into());
            reader.finish(EndOfBody::Eof);
            while reader.poll().is_some() {}
            reader
                .violations()
                .iter()
                .any(|found| found.code == rule.code)
        });
        assert!(shows, "{} does not show {}", path.display(), rule.code);
    }
}
