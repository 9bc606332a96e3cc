//! `check` on recorded streams: verdicts, exit codes, formats.

use std::io::Write;
use std::process::Stdio;

use respair_faults::conforming_text;

use crate::bin::{Done, Home};
use crate::repair::{fixture, recorded, report};

#[test]
fn the_exit_code_is_the_verdict() {
    let home = Home::new();
    let body = conforming_text(["Hel", "lo"]);
    home.write("ok.sse", &body.to_bytes());
    home.write(
        "bad.sse",
        &body.clone().drop_type("response.created").to_bytes(),
    );
    std::fs::create_dir(home.path("dir")).unwrap();
    home.write("empty.sse", b"");
    home.write("binary.sse", &[0, 159, 146, 150, 7, 27]);
    for (target, code) in [
        ("ok.sse", 0),
        ("bad.sse", 1),
        ("empty.sse", 1),
        ("binary.sse", 1),
        ("dir", 2),
        ("missing.sse", 2),
    ] {
        let done = home.run(&["check", target]).exits(code);
        assert_eq!(done.out.is_empty(), code == 2, "{target}");
        assert_eq!(done.err.is_empty(), code != 2, "{target}");
        assert!(
            !done.out.contains(['\u{7}', '\u{1b}']),
            "{target}: {}",
            done.out
        );
    }
    home.run_with_input(&["check", "-"], &body.to_bytes())
        .exits(0);
}

#[test]
fn it_ends_with_the_stream_although_the_pipe_is_open() {
    let home = Home::new();
    let mut child = home
        .command(&["check", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(&conforming_text(["Hi"]).to_bytes())
        .unwrap();
    let done = Done::of(child.wait_with_output().unwrap()).exits(0);
    assert_eq!(report(&done.out)["ending"], "completed");
    drop(input);
}

/// Whatever is recorded fits the screen, names each code once, and says its sentence in one piece.
#[test]
fn screens_fit() {
    let home = Home::new();
    for path in recorded() {
        let target = path.to_str().unwrap();
        let told = report(&home.run(&["check", target, "--json"]).out);
        for columns in ["60", "80", "100"] {
            let mut command = home.command(&["check", "stream.sse"]);
            std::fs::copy(&path, home.path("stream.sse")).unwrap();
            let done = Done::of(command.env("COLUMNS", columns).output().unwrap());
            let sentences: Vec<&str> = told["violations"]
                .as_array()
                .unwrap()
                .iter()
                .map(|found| found["message"].as_str().unwrap())
                .collect();
            for line in done.out.lines() {
                let fits = line.chars().count() <= columns.parse().unwrap();
                let one_word = !line.trim_start().contains(' ');
                assert!(
                    fits || one_word || sentences.contains(&line),
                    "{target}, {columns}: {line}"
                );
            }
            for found in told["violations"].as_array().unwrap() {
                let headline = format!(": {}\n", found["code"].as_str().unwrap());
                assert_eq!(
                    done.out.matches(&headline).count(),
                    1,
                    "{target}: {headline}"
                );
            }
        }
    }
}

#[test]
fn every_body_of_a_trace_is_judged() {
    let home = Home::new();
    let good = conforming_text(["Hi"]).to_bytes();
    let bad = conforming_text(["Hi"])
        .drop_type("response.created")
        .take(1)
        .to_bytes();
    let trace = [&bad[..], b": respair attempt 2\n\n", &good].concat();
    home.write("trace.sse", &trace);
    let done = home.run(&["check", "trace.sse", "--json"]).exits(1);
    let reports: Vec<_> = done.out.lines().map(report).collect();
    let verdicts = reports
        .iter()
        .map(|told| told["conforming"].as_bool().unwrap());
    assert_eq!(verdicts.collect::<Vec<_>>(), [false, true]);
    let done = home.run(&["check", "trace.sse"]).exits(1);
    for says in [
        "trace.sse, request 1\n",
        "trace.sse, request 2\n",
        "reading was interrupted",
    ] {
        assert!(done.out.contains(says), "{}", done.out);
    }
}

/// What `run --trace` really writes.
#[test]
fn a_trace_of_run_is_input_for_both() {
    let relay = crate::bin::relay("no-created");
    let home = Home::seed("custom", &relay);
    home.run(&["run", "hi", "--trace", "trace.sse"]).exits(0);
    let done = home.run(&["check", "trace.sse", "--json"]).exits(1);
    let reports: Vec<_> = done.out.lines().map(report).collect();
    let first = |told: &serde_json::Value| told["violations"][0]["code"].clone();
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|told| first(told) == "created-missing"));
    let done = home.run(&["repair", "trace.sse", "-o", "out.sse"]).exits(0);
    done.says("request 2 is read").says("created-missing  1 ×");
    home.run(&["check", "out.sse"]).exits(0);
}

#[test]
fn lines_and_bytes_are_those_of_the_file() {
    let home = Home::new();
    let body = conforming_text(["Hi"]).to_bytes();
    let bad = b"data: {\"oops\n\n";
    let trace = [
        &b": note\n\n"[..],
        &body,
        b"\n: respair attempt 2\n\n",
        &b"data: null\n\n"[..],
        bad,
    ]
    .concat();
    home.write("trace.sse", &trace);
    let done = home.run(&["check", "trace.sse"]).exits(1);
    let at = trace
        .windows(bad.len())
        .position(|window| window == bad)
        .unwrap();
    let line = trace[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let place = format!(
        "trace.sse, request 2:{line}, event 1, bytes {at}..{}",
        trace.len()
    );
    let flat = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&place), "{place}\n{}", done.out);
    assert!(
        done.out.contains(&format!("\n{line} | data: {{\"oops\n")),
        "{}",
        done.out
    );
}

#[test]
fn a_page_for_every_rule_and_none_for_others() {
    let home = Home::new();
    for rule in respair_core::rules() {
        let code = rule.code.as_str();
        let done = home.run(&["check", "--explain", code]).exits(0);
        assert!(done.out.starts_with(&format!("{code}\n\n")), "{}", done.out);
    }
    home.run(&["check", "--explain", "created_mising"])
        .exits(2)
        .says("'created-missing'");
}

#[test]
fn markdown_can_be_pasted() {
    let home = Home::new();
    let path = fixture("captures/codex-relay-0.5.8.text.sse");
    let done = home
        .run(&["check", path.to_str().unwrap(), "--format", "markdown"])
        .exits(1);
    assert!(
        done.out
            .starts_with("## `codex-relay-0.5.8.text.sse` does not conform"),
        "{}",
        done.out
    );
    assert_eq!(done.out.matches("```").count() % 2, 0);
    assert!(!done.out.contains('\u{1b}'));
    assert!(
        !done.out.contains(fixture("captures").to_str().unwrap()),
        "it names a folder"
    );
}
