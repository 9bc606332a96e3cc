//! `repair` as a filter: files, exit codes, the report.

#[cfg(unix)]
mod live;

use std::path::{Path, PathBuf};

use respair_faults::{Stream, conforming_text, ev};
use serde_json::Value;

use crate::bin::{Done, Home};
use crate::schema;

/// A file of the repository's fixtures.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(name)
}

/// Every recorded stream of the repository.
pub fn recorded() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for folder in ["rules", "captures"] {
        for entry in std::fs::read_dir(fixture(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sse") {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

/// One line, held against the schema.
pub fn report(line: &str) -> Value {
    let root = include_str!("../../../../docs/report.schema.json");
    let root: Value = serde_json::from_str(root).unwrap();
    let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    if let Some(fault) = schema::fault(&root, &root, &value) {
        panic!("{fault}\n{line}");
    }
    value
}

fn hello() -> Stream {
    conforming_text(["Hel", "lo"])
}

fn typed(out: &str) -> Vec<String> {
    let lines = out.lines().filter_map(|line| line.strip_prefix("data: "));
    let values = lines.map(|data| serde_json::from_str::<Value>(data).unwrap_or_default());
    values
        .map(|value| value["type"].as_str().unwrap_or("").to_owned())
        .collect()
}

#[test]
fn what_conforms_passes_and_nothing_is_said() {
    let home = Home::new();
    let stream = hello().push(ev::done_sentinel()).push(ev::comment("bye"));
    let body = stream.to_bytes();
    let path = home.write("ok.sse", &body);
    for args in [&["repair"][..], &["repair", "-"]] {
        let done = home.run_with_input(args, &body).exits(0);
        assert_eq!((done.out.as_bytes(), done.err.as_str()), (&body[..], ""));
    }
    let done = home.run(&["repair", path.to_str().unwrap()]).exits(0);
    assert_eq!((done.out.as_bytes(), done.err.as_str()), (&body[..], ""));
    home.run(&["repair", "ok.sse", "-v"])
        .exits(0)
        .says("conforms to portable");
}

#[test]
fn what_was_mended_is_said() {
    let home = Home::new();
    let body = hello().drop_type("response.created").to_bytes();
    let done = home.run_with_input(&["repair"], &body).exits(0);
    assert_eq!(typed(&done.out)[0], "response.created");
    let done = done.says("repaired to portable; completed\n");
    done.says("created-missing  1 ×  first at event 0\n");
    let done = home.run_with_input(&["repair", "-q"], &body).exits(0);
    assert_eq!(done.err, "");
}

#[test]
fn the_exit_code_is_the_ending() {
    let home = Home::new();
    let text = hello();
    let whole = |stream: Stream| stream.to_bytes().to_vec();
    let cut = whole(text.clone().before("response.completed"));
    let half = &cut[..cut.len() - 40];
    for (what, body, code, ending, last) in [
        (
            "completed",
            whole(text.clone()),
            0,
            "completed",
            "response.completed",
        ),
        (
            "incomplete",
            whole(
                text.clone()
                    .before("response.completed")
                    .push(ev::incomplete("max_output_tokens")),
            ),
            0,
            "incomplete",
            "response.incomplete",
        ),
        (
            "failed",
            whole(
                Stream::new()
                    .prelude()
                    .push(ev::failed("server_error", "no")),
            ),
            1,
            "failed",
            "response.failed",
        ),
        (
            "an error and no more",
            whole(
                Stream::new()
                    .prelude()
                    .push(ev::error_flat("server_error", "no")),
            ),
            1,
            "failed",
            "response.failed",
        ),
        (
            "HTML",
            b"<html><title>502</title></html>".to_vec(),
            1,
            "failed",
            "response.failed",
        ),
        (
            "prose",
            b"upstream connect error\n".to_vec(),
            1,
            "failed",
            "response.failed",
        ),
        (
            "a JSON error",
            br#"{"error":{"message":"no"}}"#.to_vec(),
            1,
            "failed",
            "response.failed",
        ),
        ("cut", cut.clone(), 3, "truncated", "response.failed"),
        (
            "cut within an event",
            half.to_vec(),
            3,
            "truncated",
            "response.failed",
        ),
        ("nothing", Vec::new(), 3, "empty", "response.failed"),
        (
            "half of the first event",
            cut[..20].to_vec(),
            3,
            "empty",
            "response.failed",
        ),
    ] {
        let done = home
            .run_with_input(&["repair", "--report", "r.json"], &body)
            .exits(code);
        let told = report(&std::fs::read_to_string(home.path("r.json")).unwrap());
        assert_eq!(told["ending"], ending, "{what}");
        assert_eq!(typed(&done.out).last().unwrap(), last, "{what}");
    }
}

#[test]
fn unreadable_input_and_misuse_are_told_apart_from_bad_streams() {
    let home = Home::new();
    std::fs::create_dir(home.path("dir")).unwrap();
    home.write("bad.json", b"[1]");
    home.write("s.sse", &hello().to_bytes());
    for (args, says) in [
        (
            &["repair", "missing.sse"][..],
            "missing.sse: there is no such file",
        ),
        (&["repair", "dir"], "dir: it is a directory"),
        (
            &["repair", "s.sse", "-o", "dir/x/y"],
            "-o dir/x/y: there is no such folder",
        ),
        (
            &["repair", "s.sse", "--request", "bad.json"],
            "--request bad.json: ",
        ),
        (
            &["repair", "s.sse", "--request", "none.json"],
            "--request none.json: there is no such file",
        ),
        (
            &["repair", "s.sse", "--report", "-"],
            "standard output carries the stream",
        ),
        (&["repair", "s.sse", "--profile", "portabel"], "'portable'"),
        (&["repair", "s.sse", "--without", "crfl"], "'crlf'"),
    ] {
        let done = home.run(args).exits(2);
        assert_eq!(done.out, "", "{args:?}");
        done.says(says);
    }
}

#[test]
fn nothing_is_written_over_what_is_read() {
    let home = Home::new();
    let body = hello().drop_type("response.created").to_bytes();
    let path = home.write("in.sse", &body);
    std::fs::hard_link(&path, home.path("same.sse")).unwrap();
    for args in [
        &["repair", "in.sse", "-o", "in.sse"][..],
        &["repair", "in.sse", "-o", "./same.sse"],
        &["repair", "in.sse", "--report", "same.sse"],
        &["repair", "in.sse", "-o", "out.sse", "--report", "out.sse"],
        &["repair", "in.sse", "-o", "out.sse", "--report", "./out.sse"],
    ] {
        home.run(args).exits(2).says(": it is the ");
        assert_eq!(std::fs::read(&path).unwrap(), body, "{args:?}");
    }
    // The shell opened both.
    let mut command = home.command(&["repair"]);
    command.stdin(std::fs::File::open(&path).unwrap());
    let append = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    Done::of(command.stdout(append).output().unwrap())
        .exits(2)
        .says("standard output is the input");
    assert_eq!(std::fs::read(&path).unwrap(), body);
}

#[test]
fn files_are_written_and_standard_output_then_is_free() {
    let home = Home::new();
    let body = hello().drop_type("response.created").to_bytes();
    home.write("in.sse", &body);
    let done = home
        .run(&["repair", "in.sse", "-o", "out.sse", "--report", "-"])
        .exits(0);
    let told = report(&done.out);
    let out = std::fs::read_to_string(home.path("out.sse")).unwrap();
    assert_eq!(typed(&out)[0], "response.created");
    assert_eq!(told["bytes_in"], body.len());
    assert_eq!(told["bytes_out"], out.len());
    assert_eq!(told["events_out"], typed(&out).len());
    assert_eq!(told["repairs"][0]["code"], "created-missing");
    assert!(told.get("without").is_none());
}

#[cfg(unix)]
#[test]
fn the_names_of_the_standard_streams_are_those_streams() {
    let home = Home::new();
    home.write("in.sse", &hello().to_bytes());
    let done = home
        .run(&["repair", "in.sse", "--report", "/dev/stderr"])
        .exits(0);
    report(&done.err);
    assert_eq!(done.out.as_bytes(), hello().to_bytes());
    let args = [
        "repair",
        "in.sse",
        "-o",
        "out.sse",
        "--report",
        "/dev/stdout",
    ];
    report(&home.run(&args).exits(0).out);
    // A file in the place of standard error is not emptied.
    std::fs::write(home.path("log"), "before\n").unwrap();
    let log = std::fs::OpenOptions::new()
        .append(true)
        .open(home.path("log"))
        .unwrap();
    let mut command = home.command(&["repair", "in.sse", "--report", "/dev/stderr"]);
    Done::of(command.stderr(log).output().unwrap()).exits(0);
    let log = std::fs::read_to_string(home.path("log")).unwrap();
    report(log.strip_prefix("before\n").unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let home = Home::new();
    home.write("in.sse", &hello().to_bytes());
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    for args in [&["repair", "in.sse"][..], &["check", "in.sse"]] {
        let output = home.command(args).stdout(full()).output().unwrap();
        Done::of(output)
            .exits(2)
            .says("error: standard output: No space left");
    }
    let done = home
        .run(&["repair", "in.sse", "--report", "/dev/full"])
        .exits(2);
    done.says("error: --report /dev/full: No space left");
}

#[test]
fn what_is_switched_off_is_not_mended_and_no_longer_promised() {
    let home = Home::new();
    let body = hello().map(|ev| ev.without("sequence_number")).to_bytes();
    let args = [
        "repair",
        "--report",
        "r.json",
        "--without",
        "sequence_missing,crlf",
        "--without",
        "crlf",
    ];
    let done = home.run_with_input(&args, &body).exits(0);
    assert_eq!(done.out.as_bytes(), body);
    done.says("not guaranteed, because `sequence-missing` is off");
    let told = report(&std::fs::read_to_string(home.path("r.json")).unwrap());
    assert_eq!(
        told["without"],
        serde_json::json!(["sequence-missing", "crlf"])
    );
}

#[test]
fn cumulative_deltas_are_taken_as_such_where_asked() {
    let home = Home::new();
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/rules/cumulative-deltas.sse"
    );
    let body = std::fs::read(fixture).unwrap();
    let asked = home
        .run_with_input(&["repair", "--cumulative-deltas"], &body)
        .exits(0);
    assert!(asked.out.contains(r#""delta":" from""#), "{}", asked.out);
    asked.says("cumulative-deltas");
    let plain = home.run_with_input(&["repair"], &body).exits(0);
    assert!(plain.out.contains(r#""delta":"Hello from""#));
}

#[test]
fn what_is_missing_is_copied_from_the_request() {
    let home = Home::new();
    home.write(
        "req.json",
        br#"{"model":"asked-for","temperature":0.5,"input":"Hi"}"#,
    );
    let body = hello()
        .map(|ev| ev.without("response.model").without("response.temperature"))
        .to_bytes();
    let model = |args: &[&str]| {
        let done = home.run_with_input(args, &body).exits(0);
        let first = done
            .out
            .lines()
            .find_map(|l| l.strip_prefix("data: "))
            .unwrap();
        serde_json::from_str::<Value>(first).unwrap()["response"].clone()
    };
    assert_eq!(model(&["repair"])["model"], "respair_unknown");
    assert_eq!(model(&["repair", "--model", "named"])["model"], "named");
    let args = ["repair", "--request", "req.json", "--model", "named"];
    assert_eq!(model(&args)["model"], "asked-for");
}

#[test]
fn of_a_trace_the_last_request_is_repaired() {
    let home = Home::new();
    let discarded = hello().drop_type("response.created").take(1).to_bytes();
    let last = hello().drop_type("response.created").to_bytes();
    let mut trace = discarded.to_vec();
    trace.extend_from_slice(b": respair attempt 2\n\n");
    let start = trace.len();
    trace.extend_from_slice(&last);
    home.write("trace.sse", &trace);
    let alone = home.run_with_input(&["repair"], &last).exits(0);
    let done = home
        .run(&["repair", "trace.sse", "--report", "r.json"])
        .exits(0);
    let told = report(&std::fs::read_to_string(home.path("r.json")).unwrap());
    assert_eq!(typed(&done.out), typed(&alone.out));
    assert_eq!(told["violations"][0]["byte_start"], start);
    done.says("notice: trace.sse is a trace of several requests; request 2 is read\n");
}

/// On a pipe nobody knows whether another request follows.
#[test]
fn of_a_piped_trace_the_first_request_is_repaired() {
    let home = Home::new();
    let discarded = hello().drop_type("response.created").take(1).to_bytes();
    let trace = [
        &discarded[..],
        b": respair attempt 2\n\n",
        &hello().to_bytes(),
    ]
    .concat();
    let done = home.run_with_input(&["repair"], &trace).exits(3);
    let expected = [
        "response.created",
        "response.in_progress",
        "response.failed",
    ];
    assert_eq!(typed(&done.out), expected);
    done.says("standard input is a trace of several requests; request 1 was read");
}

/// The contract's report, of real streams, by both commands.
#[test]
fn reports_follow_the_schema_and_a_repaired_stream_conforms() {
    let home = Home::new();
    for path in recorded() {
        let name = path.file_name().unwrap().to_str().unwrap();
        for profile in ["openai-sdk", "portable", "open-responses"] {
            let path = path.to_str().unwrap();
            let args = [
                "repair",
                path,
                "-o",
                "out.sse",
                "--report",
                "-",
                "--profile",
                profile,
            ];
            let done = home.run(&args);
            let repaired = report(&done.out);
            let code = match repaired["ending"].as_str().unwrap() {
                "completed" | "incomplete" => 0,
                "failed" => 1,
                _ => 3,
            };
            assert_eq!(done.code, code, "{name}, {profile}");
            let checked = home.run(&["check", path, "--format", "json", "--profile", profile]);
            let checked_report = report(&checked.out);
            assert_eq!(
                checked.code,
                i32::from(checked_report["conforming"] != true),
                "{name}"
            );
            for same in ["ending", "bytes_in", "events_in", "conforming"] {
                assert_eq!(
                    repaired[same], checked_report[same],
                    "{name}, {profile}: {same}"
                );
            }
            let again = home.run(&["check", "out.sse", "--json", "--profile", profile]);
            assert_eq!(again.code, 0, "{name}, {profile}: {}", again.out);
        }
    }
}
