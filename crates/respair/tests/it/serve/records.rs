//! What is kept of what passes, read back by the other commands.

use std::path::{Path, PathBuf};

use respair_faults::{Script, Step, conforming_text, scenario};

use super::{Gateway, said};
use crate::bin::{Home, playing, relay};

/// The body of an answer that came in chunks.
fn body(answer: &str) -> String {
    let (_, mut rest) = answer.split_once("\r\n\r\n").unwrap();
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        body.push_str(&after[..length]);
        rest = after[length..].strip_prefix("\r\n").unwrap();
    }
    body
}

fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_str().unwrap().ends_with(end));
    files.sort();
    files
}

#[cfg(unix)]
#[test]
fn records_are_read_by_check_repair_and_relay() {
    use std::os::unix::fs::PermissionsExt as _;

    let upstream = relay("no-created");
    let home = Home::new();
    let dir = home.path("records");
    let mut gateway = Gateway::start(
        &home,
        &["--upstream", &upstream.base_url(), "--record", "records"],
    );
    let warning = gateway.says();
    assert!(
        warning.starts_with("warning: answers are recorded in records"),
        "{warning}"
    );
    let answer = body(&gateway.answer("/v1/responses", "relay-model"));
    gateway.stopped();

    let (sent, client) = (
        &files(&dir, ".upstream.sse")[0],
        &files(&dir, ".client.sse")[0],
    );
    for file in [sent, client] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_to_string(client).unwrap(), answer);
    let scenario = scenario("no-created").unwrap();
    assert_eq!(std::fs::read(sent).unwrap(), scenario.script(0).body());

    // What came breaks the protocol, and what went on does not.
    let (sent, client) = (sent.to_str().unwrap(), client.to_str().unwrap());
    let check = home.run(&["check", sent]).exits(1);
    assert!(check.out.contains("created-missing"), "{}", check.out);
    home.run(&["check", client]).exits(0);
    // The filter makes the same of it, names of its own making aside.
    let repaired = home
        .run(&["repair", sent])
        .exits(0)
        .says("created-missing")
        .out;
    let kinds = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("event: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&repaired), kinds(&answer));
    let again = home.run(&["repair", client]).exits(0).out;
    assert_eq!(again, answer);
    // And the relay says it all once more.
    let replay = playing(Script::replay(std::fs::read(sent).unwrap()));
    let mut gateway = Gateway::start(&home, &["--upstream", &replay.base_url()]);
    gateway.answer("/v1/responses", "m");
    assert_eq!(gateway.log()["repairs"]["created-missing"], 1);
}

/// A file may not grow beyond 1 KiB in this process: the disk refuses, and the answer comes whole.
#[cfg(unix)]
#[test]
fn a_full_disk_disturbs_no_stream() {
    let long = "x".repeat(8 << 10);
    let upstream = said(&long);
    let home = Home::new();
    let line = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} serve --listen 127.0.0.1:0 --upstream {} --record records --log json",
        crate::bin::binary().display(),
        upstream.base_url()
    );
    let mut shell = std::process::Command::new("bash");
    shell
        .args(["-c", &line])
        .env_clear()
        .env("HOME", home.path(""))
        .current_dir(home.path(""))
        .stdin(std::process::Stdio::null());
    let mut gateway = Gateway::spawn(&mut shell);
    gateway.says();
    for _ in 0..2 {
        let answer = gateway.answer("/v1/responses", "m");
        assert!(answer.contains(&long) && answer.contains("response.completed"));
    }
    let rest = gateway.stopped();
    assert_eq!(
        rest.matches("records cannot be written to records: ")
            .count(),
        1,
        "{rest}"
    );
    assert_eq!(
        rest.matches("\"ending\":\"completed\"").count(),
        2,
        "{rest}"
    );
}

/// Through everything that a run says, by whatever way a stream ends.
#[cfg(unix)]
#[test]
fn prompts_and_answers_are_logged_only_where_that_was_asked_for() {
    for log in [&["-vv"][..], &["-vv", "--log-bodies"]] {
        for format in ["human", "json"] {
            let upstream = playing([
                Script::stream(&conforming_text(["a secret answer"])),
                Script::text(
                    500,
                    "application/json",
                    r#"{"error":{"message":"a secret answer"}}"#,
                ),
                Script::text(
                    400,
                    "application/json",
                    r#"{"error":{"message":"a secret answer"}}"#,
                ),
                Script::stream(
                    &conforming_text(["a secret answer"]).through("response.output_text.delta"),
                )
                .step(Step::Cut),
            ]);
            let home = Home::new();
            let mut args = vec!["--upstream"];
            let url = upstream.base_url();
            args.extend([url.as_str(), "--log", format]);
            args.extend(log);
            let gateway = Gateway::start_with(&home, &args);
            for _ in 0..3 {
                gateway.answer("/v1/responses", "m");
            }
            let text = gateway.stopped();
            let asked = log.len() > 1;
            assert_eq!(text.contains("a prompt"), asked, "{text}");
            assert_eq!(text.contains("secret answer"), asked, "{text}");
            let warned = text.starts_with("warning: prompts and answers are written to the log");
            assert_eq!(warned, asked, "{text}");
            assert!(!text.contains("sk-of-the-client"), "{text}");
        }
    }
}
