//! `shell`: what a command may do to us.

use std::future::Future;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use respair_agent::ToolOutput;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::family;

async fn run(command: &str) -> ToolOutput {
    Bench::new()
        .call("shell", json!({"command": command}))
        .await
}

#[tokio::test]
async fn output_and_end_are_told() {
    for (command, said, summary, failed) in [
        (
            "echo out; echo err >&2",
            "out\nerr\n[exit 0]",
            "exit 0, 8 bytes",
            false,
        ),
        ("true", "[exit 0]", "exit 0", false),
        ("printf x; exit 3", "x\n[exit 3]", "exit 3, 1 bytes", true),
        (
            "kill -SEGV $$",
            "[killed by signal 11 (SIGSEGV)]",
            "killed by signal 11 (SIGSEGV)",
            true,
        ),
        (
            "cat; echo the input is closed",
            "the input is closed\n[exit 0]",
            "exit 0, 20 bytes",
            false,
        ),
        ("exec >&- 2>&-; exit 4", "[exit 4]", "exit 4", true),
    ] {
        let output = run(command).await;
        assert_eq!(text(&output), said, "{command}");
        assert_eq!(
            (output.summary.as_str(), output.failed),
            (summary, failed),
            "{command}"
        );
    }
}

#[tokio::test]
async fn what_is_no_text_is_withstood() {
    let output =
        run(r"printf '\033[31mred\033[0m \033]0;title\007\033]52;c;aGk=\007\377\000ok\n'").await;
    assert_eq!(text(&output), "red \u{fffd}ok\n[exit 0]");
    let output = run(r"printf '\033]never ended\nstill here\n'").await;
    assert!(text(&output).contains("still here"));
}

#[tokio::test]
async fn there_is_no_terminal() {
    let output =
        run("printf '\\033]52;c;aGk=\\007' > /dev/tty || echo none; test -t 0 || echo no input")
            .await;
    assert!(text(&output).contains("none\nno input\n"), "{output:?}");
}

#[tokio::test]
async fn keys_are_not_in_its_environment() {
    let bench = Bench::with(|settings| {
        settings.environment.extend([
            ("OPENAI_API_KEY".into(), "k1".into()),
            ("MY_RELAY".into(), "k2".into()),
            ("OTHER".into(), "sk-k3".into()),
            ("HARMLESS".into(), "stays".into()),
        ]);
        settings.key_variables = vec!["MY_RELAY".to_owned()];
    });
    let output = bench.does("shell", json!({"command": "env"})).await;
    for key in ["k1", "k2", "sk-k3"] {
        assert!(!output.contains(key), "{output}");
    }
    assert!(output.contains("HARMLESS=stays\n"));
    assert!(output.contains("GIT_TERMINAL_PROMPT=0\n"));
}

#[tokio::test]
async fn it_starts_where_it_is_told() {
    let bench = Bench::new();
    bench.write("sub/x", "");
    let here = bench.does("shell", json!({"command": "pwd"})).await;
    assert_eq!(here, format!("{}\n[exit 0]", bench.work.display()));
    let there = bench
        .does("shell", json!({"command": "ls", "workdir": "sub"}))
        .await;
    assert_eq!(there, "x\n[exit 0]");
    let preview = bench.preview("shell", json!({"command": "ls", "workdir": "sub"}));
    assert_eq!((preview.subject.as_str(), preview.outside), ("ls", None));
    assert_eq!(preview.note.as_deref(), Some("in sub"));
    let preview = bench.preview("shell", json!({"command": "ls", "workdir": "/"}));
    assert!(preview.outside.is_some());
    let none = bench
        .fails("shell", json!({"command": "ls", "workdir": "none"}))
        .await;
    assert!(none.contains("No such file"), "{none}");
}

#[tokio::test]
async fn what_cannot_be_run_is_said() {
    let bench = Bench::new();
    for (arguments, why) in [
        (json!({}), "the argument `command` is missing"),
        (json!({"command": "  "}), "the command is empty"),
        (json!({"command": "a\0b"}), "the command has a NUL in it"),
        (
            json!({"command": "x".repeat(200_000)}),
            "longer than 128 KiB",
        ),
        (
            json!({"command": "ls", "timeout": 601}),
            "at most 600 seconds",
        ),
        (
            json!({"command": "ls", "cwd": "x"}),
            "there is no argument `cwd`",
        ),
    ] {
        let said = bench.fails("shell", arguments).await;
        assert!(said.contains(why), "{said}");
    }
}

/// A million writes of a byte each, and as many processes as there is time for.
#[tokio::test]
async fn many_small_things_are_withstood() {
    if !family::is_alone("tools::shell::many_small_things_are_withstood") {
        return;
    }
    respair_agent::tools::adopt_orphans();
    let bench = Bench::with(|settings| settings.shell_output = 9_000);
    let command = "i=0; while [ $i -lt 300000 ]; do printf x; i=$((i+1)); done; echo; echo last";
    let said = bench.does("shell", json!({"command": command})).await;
    assert!(said.ends_with("last\n[exit 0]") && said.len() < 9_200);
    // 31 that hide, 32 that do not.
    let bomb = "up() { echo >> up; exec sleep 1000; }; \
                n() { [ $1 -gt 0 ] || up; env -i setsid sh -c 'echo >> up; exec sleep 1000' & \
                n $(($1-1)) & n $(($1-1)) & }; \
                exec 9> alive; : > up; n 5; until [ $(wc -l < up) -ge 63 ]; do :; done; echo ready >&9; exit 3";
    fifo(&bench.work.join("alive"));
    let (context, _lines) = context(&CancellationToken::new());
    let call = bench
        .tool("shell")
        .call(object(json!({"command": bomb})), context);
    let (output, took) = until_all_are_gone(&bench.work, call, || None).await;
    assert!(text(&output.unwrap()).starts_with("[exit 3]"));
    assert!(took < 2 * SOON, "{took:?}");
}

/// A gigabyte goes by; a third of the bound is its head, the rest its tail.
#[tokio::test]
async fn a_flood_is_cut_in_the_middle() {
    let command = "echo first; head -c 1000000000 /dev/zero | tr '\\0' x; echo; echo last";
    let bench = Bench::with(|settings| settings.shell_output = 9_000);
    let said = bench.does("shell", json!({"command": command})).await;
    assert!(said.starts_with("first\n"));
    assert!(
        said.ends_with("last\n[exit 0]"),
        "{}",
        &said[said.len() - 100..]
    );
    assert!(said.contains("of 1000000012 bytes left out"));
    assert!(said.len() < 9_200, "{}", said.len());
}

#[tokio::test]
async fn progress_is_told_line_by_line() {
    let bench = Bench::new();
    let (context, mut lines) = context(&CancellationToken::new());
    // It goes on when it was heard.
    super::fifo(&bench.work.join("heard"));
    let arguments =
        object(json!({"command": "printf '\\033[1mone\\033[0m\\n'; cat heard; echo two"}));
    let call = bench.tool("shell").call(arguments, context);
    let listen = async {
        assert_eq!(lines.recv().await.unwrap(), "one");
        let heard = bench.work.join("heard");
        tokio::task::spawn_blocking(move || std::fs::write(heard, ""))
            .await
            .unwrap()
            .unwrap();
    };
    let (output, ()) = tokio::join!(call, listen);
    assert_eq!(text(&output), "one\ntwo\n[exit 0]");
}

/// Grandchildren that outlive the command, in the group and out of it, and keep its pipes open.
const FAMILY: &str = "exec 9> alive; sleep 1000 & setsid sleep 1000 & (trap '' TERM HUP; sleep 1000; sleep 1000) & \
     (setsid sh -c 'sleep 1000 & sleep 1000' >/dev/null 2>&1 </dev/null &) ; ";

/// Those that leave the group and put off the mark by which they would be found: nobody's children, in sessions of their own.
/// All of them are there behind it.
const STRAYS: &str = "exec 9> alive; : > up; env -i setsid sh -c 'echo >> up; exec sleep 1000' & \
     (env -i setsid sh -c 'env -i setsid sh -c \"echo >> up; sleep 1000 & sleep 1000\" & echo >> up; exec sleep 1000' &) ; \
     (set -m; env -i sh -c 'echo >> up; exec sleep 1000' &) ; \
     (trap '' TERM HUP; env -i setsid sh -c 'echo >> up; kill -STOP $$; sleep 1000' &) ; \
     until [ $(wc -l < up) -ge 5 ]; do :; done; ";

/// Waits until somebody holds `alive`, does `then`, and gives how long the last one held it from there on.
async fn until_all_are_gone<T>(
    work: &Path,
    call: impl Future<Output = T>,
    then: impl FnOnce() -> Option<T>,
) -> (Option<T>, Duration) {
    let alive = work.join("alive");
    let (opened, is_open) = tokio::sync::oneshot::channel();
    let (ended, has_ended) = tokio::sync::oneshot::channel();
    // A thread of its own: the runtime's clock would not go on beside one of the runtime's.
    std::thread::spawn(move || {
        let mut file = std::fs::File::open(alive).unwrap();
        file.read_exact(&mut [0; 6]).unwrap();
        opened.send(()).unwrap();
        file.read_to_end(&mut Vec::new()).unwrap();
        ended.send(Instant::now()).unwrap();
    });
    let mut call = Box::pin(call);
    let mut given = tokio::select! {
        given = &mut call => Some(given),
        started = is_open => { started.unwrap(); None }
    };
    let begun = Instant::now();
    if given.is_none() {
        let early = then();
        if early.is_none() {
            given = Some(call.await);
        } else {
            drop(call);
        }
    }
    (
        given,
        has_ended.await.unwrap().saturating_duration_since(begun),
    )
}

/// Five times what is aimed at.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test]
async fn cancelling_ends_all_that_it_started() {
    if !family::is_shown() {
        return;
    }
    let bench = Bench::new();
    fifo(&bench.work.join("alive"));
    let cancel = CancellationToken::new();
    let (context, _lines) = context(&cancel);
    let command = format!("{FAMILY} trap '' TERM; echo ready >&9; wait; wait");
    let call = bench
        .tool("shell")
        .call(object(json!({"command": command})), context);
    let (output, took) = until_all_are_gone(&bench.work, call, || {
        cancel.cancel();
        None
    })
    .await;
    let output = output.unwrap();
    assert_eq!(text(&output), "[interrupted by the user]");
    assert!(output.failed);
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn dropping_ends_all_that_it_started() {
    if !family::is_shown() {
        return;
    }
    let bench = Bench::new();
    fifo(&bench.work.join("alive"));
    let (context, _lines) = context(&CancellationToken::new());
    let command = format!("{FAMILY} echo ready >&9; wait");
    let call = bench
        .tool("shell")
        .call(object(json!({"command": command})), context);
    let (_, took) = until_all_are_gone(&bench.work, call, || Some(ToolOutput::failed(""))).await;
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn what_is_left_behind_is_ended_and_said() {
    if !family::is_shown() {
        return;
    }
    let bench = Bench::new();
    fifo(&bench.work.join("alive"));
    let (context, _lines) = context(&CancellationToken::new());
    // Its pipe stays open for a thousand seconds.
    let command = format!("{FAMILY} echo ready >&9; echo done");
    let call = bench
        .tool("shell")
        .call(object(json!({"command": command})), context);
    let (output, took) = until_all_are_gone(&bench.work, call, || None).await;
    assert_eq!(
        text(&output.unwrap()),
        "done\n[exit 0]\n[what it left running was ended]"
    );
    assert!(took < SOON, "{took:?}");
}

/// They are children of ours once they are nobody's, on Linux.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_hides_is_found() {
    if !family::is_alone("tools::shell::what_hides_is_found") {
        return;
    }
    respair_agent::tools::adopt_orphans();
    for after in ["wait", "echo done"] {
        let bench = Bench::new();
        fifo(&bench.work.join("alive"));
        let cancel = CancellationToken::new();
        let (context, _lines) = context(&cancel);
        let command = format!("{STRAYS} echo ready >&9; {after}");
        let call = bench
            .tool("shell")
            .call(object(json!({"command": command})), context);
        let (_, took) = until_all_are_gone(&bench.work, call, || {
            cancel.cancel();
            None
        })
        .await;
        assert!(took < SOON, "{after}: {took:?}");
    }
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_at_its_limit() {
    if !family::is_shown() {
        return;
    }
    let bench = Bench::new();
    fifo(&bench.work.join("alive"));
    let (context, _lines) = context(&CancellationToken::new());
    let command =
        format!("{FAMILY} echo so far; trap '' TERM; echo ready >&9; wait; wait; sleep 1000");
    let call = bench
        .tool("shell")
        .call(object(json!({"command": command})), context);
    let (output, took) = until_all_are_gone(&bench.work, call, || {
        // From here on the clock goes to the next thing that somebody waits for.
        tokio::time::pause();
        None
    })
    .await;
    let output = output.unwrap();
    assert_eq!(
        text(&output),
        "so far\n[ended after 120 s, its time limit]\n[`timeout` may be up to 600]"
    );
    assert!(output.failed && took < SOON, "{took:?}");
}

#[tokio::test]
async fn one_that_tidies_up_is_given_the_time() {
    let bench = Bench::new();
    fifo(&bench.work.join("alive"));
    let cancel = CancellationToken::new();
    let (context, _lines) = context(&cancel);
    let command =
        "trap 'echo tidied; exit 0' TERM; exec 9> alive; echo ready >&9; sleep 1000 & wait";
    let call = bench
        .tool("shell")
        .call(object(json!({"command": command})), context);
    let (output, _) = until_all_are_gone(&bench.work, call, || {
        cancel.cancel();
        None
    })
    .await;
    assert_eq!(text(&output.unwrap()), "tidied\n[interrupted by the user]");
}
