//! `respair sessions`, and conversations that go on.

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::bin::*;

/// A home with these sessions, the last one the latest. In each the user said its title, and a model answered.
fn with(sessions: &[(&str, &str)]) -> Home {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    home.run(&["run", "--session", "new", "hi"]).exits(0);
    home.run(&["sessions", "delete", &id(&listed(&home)[0])])
        .exits(0);
    let mut connection = Connection::open(home.path(".local/state/respair/sessions.db")).unwrap();
    let all = connection.transaction().unwrap();
    for (used, (id, title)) in (1_i64..).zip(sessions) {
        let session =
            "INSERT INTO session (id, title, directory, created, updated, used, turns, entries)
             VALUES (?1, ?2, '/', 1, 1, ?3, 1, 2)";
        all.execute(session, params![id, title, used]).unwrap();
        for (seq, role, kind, issuer) in [
            (0, "user", "input_text", None),
            (1, "assistant", "output_text", Some("x")),
        ] {
            let data = json!({"type": "message", "role": role, "content": [{"type": kind, "text": title}]});
            let entry = "INSERT INTO entry (session, seq, turn, at, kind, issuer, data)
                 VALUES (?1, ?2, 1, 1, 'item', ?3, ?4)";
            all.execute(entry, params![id, seq, issuer, data.to_string()])
                .unwrap();
        }
    }
    all.commit().unwrap();
    home
}

fn id(info: &Value) -> String {
    info["id"].as_str().unwrap().to_owned()
}

fn listed(home: &Home) -> Vec<Value> {
    let list = home.run(&["sessions", "list", "--json"]).exits(0).out;
    let lines = list.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn conversations_are_listed_shown_exported_and_deleted() {
    let relay = relay("reasoning");
    let home = Home::seed("custom", &relay);
    home.run(&["sessions", "list"])
        .exits(0)
        .says("no conversation was kept yet");
    home.run(&["sessions", "show"])
        .exits(1)
        .says("there is no session yet");
    home.run(&["run", "--session", "new", "Say hello."])
        .exits(0);
    home.run(&["run", "--session", "last", "And again."])
        .exits(0);
    home.run(&["run", "--session", "new", "Something else."])
        .exits(0);
    let list = listed(&home);
    assert_eq!(list.len(), 2);
    let title = |at: usize| list[at]["title"].as_str().unwrap().to_owned();
    let hello = list
        .iter()
        .position(|s| s["title"] == "Say hello.")
        .unwrap();
    assert_eq!(list[hello]["turns"], 2);
    assert_eq!(title(1 - hello), "Something else.");
    let id = list[hello]["id"].as_str().unwrap();
    let shown = home.run(&["sessions", "show", id]).exits(0).out;
    for piece in [
        "# Say hello.\n\n## You\n\nSay hello.\n",
        "## Reasoning\n\n> Thinking about it.\n",
        "## Answer\n\nHello from the relay.\n",
        "## You\n\nAnd again.\n",
    ] {
        assert!(shown.contains(piece), "no {piece:?} in\n{shown}");
    }
    let json = home
        .run(&["sessions", "export", id, "--format", "json"])
        .exits(0)
        .out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["id"], id);
    assert_eq!(json["entries"][0]["data"]["role"], "user");
    home.run(&["sessions", "delete", "nothing"])
        .exits(1)
        .says("there is no session `nothing`")
        .says("`respair sessions list` shows them");
    let day = &id[..8];
    home.run(&["sessions", "delete", day])
        .exits(1)
        .says("several sessions begin with");
    home.run(&["sessions", "delete", id]).exits(0);
    assert_eq!(listed(&home).len(), 1);
}

#[test]
fn an_export_goes_to_a_file() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    home.run(&["run", "--session", "new", "Say hello."])
        .exits(0);
    home.run(&["sessions", "export", "-o", "talk.md"]).exits(0);
    let file = home.path("talk.md");
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .contains("Hello from the relay.")
    );
    home.run(&["sessions", "export", "-o", "no/such/place.md"])
        .exits(1)
        .says("place.md: ");
}

const THREE: [(&str, &str); 3] = [
    ("20261122-abcdef", "One"),
    ("20261123-abczzz", "Two"),
    ("20261123-qqqqqq", "Three"),
];

#[test]
fn an_id_is_found_by_its_beginnings() {
    let home = with(&THREE);
    for (asked, title) in [
        ("20261122-abcdef", "One"),
        ("20261122", "One"),
        ("abcd", "One"),
        ("ABCZ", "Two"),
        ("q", "Three"),
    ] {
        let shown = home.run(&["sessions", "show", asked]).exits(0).out;
        assert!(
            shown.starts_with(&format!("# {title}\n")),
            "{asked}: {shown}"
        );
    }
    home.run(&["sessions", "show", "abc"])
        .exits(1)
        .says("several sessions begin with `abc`: 20261123-abczzz, 20261122-abcdef\n");
    home.run(&["sessions", "export", "20261123-qqqqpq"])
        .exits(1)
        .says("there is no session `20261123-qqqqpq`")
        .says("there is `20261123-qqqqqq`: Three");
    for asked in ["", "%", "_", "2026112'"] {
        home.run(&["sessions", "show", asked])
            .exits(1)
            .says(&format!("there is no session `{asked}`"))
            .says("`respair sessions list` shows them");
    }
    home.run(&["sessions", "lsit"]).exits(2).says("list");
}

#[test]
fn all_are_deleted_or_none_is() {
    let home = with(&THREE);
    let done = home
        .run(&["sessions", "delete", "abcd", "nothing"])
        .exits(1);
    assert_eq!((done.out.as_str(), listed(&home).len()), ("", 3));
    let done = home
        .run(&["sessions", "delete", "abcd", "20261122"])
        .exits(0);
    assert_eq!(done.out, "deleted: 20261122-abcdef  One\n");
    let done = home
        .run(&["sessions", "delete", "q", "abc", "--json"])
        .exits(0);
    let lines: Vec<Value> = done
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            json!({"deleted": "20261123-qqqqqq", "title": "Three"}),
            json!({"deleted": "20261123-abczzz", "title": "Two"})
        ]
    );
    assert_eq!(home.run(&["sessions", "list", "--json"]).exits(0).out, "");
    home.run(&["sessions", "list"])
        .exits(0)
        .says("no conversation was kept yet");
}

#[test]
fn json_goes_with_everything() {
    let home = with(&THREE);
    let export =
        |args: &[&str]| -> Value { serde_json::from_str(&home.run(args).exits(0).out).unwrap() };
    let shown = export(&["sessions", "show", "q", "--json"]);
    assert_eq!(shown["entries"][1]["data"]["content"][0]["text"], "Three");
    assert_eq!(shown, export(&["sessions", "export", "q", "--json"]));
    let plain = export(&["sessions", "export", "q", "--format", "json", "-o", "-"]);
    assert_eq!(shown, plain);
    let both = ["sessions", "export", "q", "--json", "--format", "markdown"];
    assert!(home.run(&both).exits(0).out.starts_with("# Three\n"));
    let none = home.run(&["sessions", "list", "--limit", "0"]).exits(0);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", ""));
}

/// What comes from elsewhere is shown where it is read, and kept where it is exported.
#[test]
fn control_characters_are_shown_and_not_obeyed() {
    let home = with(&[("20261123-aaaaaa", "a\x1b]0;owned\x07\u{202e}b")]);
    let neutral = "a\\x1b]0;owned\\x07\\u{202e}b";
    for args in [&["sessions", "list"][..], &["sessions", "show"]] {
        let out = home.run(args).exits(0).out;
        assert!(out.contains(neutral) && !out.contains('\x1b'), "{out:?}");
    }
    let exported = home.run(&["sessions", "export"]).exits(0).out;
    assert!(
        exported.contains("\n\na\x1b]0;owned\x07\u{202e}b\n"),
        "{exported:?}"
    );
    #[cfg(unix)]
    for args in [
        &["sessions", "export"][..],
        &["sessions", "export", "--json"],
        &["sessions", "show", "--json"],
        &["sessions", "list", "--json"],
        &["sessions", "delete", "a"],
    ] {
        let seen = on_a_terminal(&home, args);
        assert!(
            !seen.contains(['\x1b', '\x07', '\u{202e}']),
            "{args:?}: {seen:?}"
        );
    }
}

/// What a terminal gets of a command.
#[cfg(unix)]
fn on_a_terminal(home: &Home, args: &[&str]) -> String {
    use std::io::Read as _;
    let (mut pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(24, 80)).unwrap();
    let mut child = pty_process::blocking::Command::new(binary())
        .args(args)
        .env_clear()
        .env("HOME", home.path(""))
        .env("TERM", "dumb")
        .spawn(pts)
        .unwrap();
    let mut seen = Vec::new();
    // The end of a terminal is an error.
    let _ = pty.read_to_end(&mut seen);
    assert!(child.wait().unwrap().success());
    String::from_utf8(seen).unwrap()
}

#[cfg(unix)]
#[test]
fn an_export_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = with(&THREE);
    home.run(&["sessions", "export", "-o", "a.md"]).exits(0);
    let mode = std::fs::metadata(home.path("a.md"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // Again: what stood there is replaced.
    home.run(&["sessions", "export", "q", "-o", "a.md"])
        .exits(0);
    let text = std::fs::read_to_string(home.path("a.md")).unwrap();
    assert!(text.starts_with("# Three\n"), "{text}");
    #[cfg(target_os = "linux")]
    home.run(&["sessions", "export", "-o", "/dev/full"])
        .exits(1)
        .says("/dev/full: No space left on device");
}

/// A reader that has seen enough is no error.
#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_reads() {
    let long = "word ".repeat(100_000);
    let home = with(&[("20261123-aaaaaa", &long)]);
    for args in [
        &["sessions", "list"][..],
        &["sessions", "show"],
        &["sessions", "export", "--format", "json"],
    ] {
        let mut command = home.command(args);
        let mut child = command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success(), "{args:?}");
    }
}

/// A list reads no entries: a thousand sessions are listed at once.
#[test]
fn a_thousand_sessions() {
    let ids: Vec<String> = (0..1_000).map(|n| format!("20261123-{n:06}")).collect();
    let sessions: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "A title")).collect();
    let home = with(&sessions);
    let begun = std::time::Instant::now();
    let list = home
        .run(&["sessions", "list", "--limit", "1000"])
        .exits(0)
        .out;
    let took = begun.elapsed();
    assert_eq!(list.lines().count(), 1_000);
    assert!(list.starts_with("20261123-000999  "), "{}", &list[..80]);
    assert_eq!(
        home.run(&["sessions", "list"]).exits(0).out.lines().count(),
        20
    );
    eprintln!("1,000 sessions listed in {took:?}");
    // The aim is 50 ms; a busy machine gets twenty times that.
    assert!(took.as_millis() < 1_000, "{took:?}");
}
