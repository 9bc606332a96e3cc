//! Landlock: what the kernel holds a command to.

use respair_agent::tools::{Settings, sandbox};
use serde_json::json;

use super::*;

/// Whether this kernel has it; if not, that is said.
pub(super) fn is_here() -> bool {
    let state = sandbox::state(&Settings::new("/"));
    let here = state.starts_with("shell runs under Landlock");
    if !here {
        eprintln!("SKIPPED: {state}");
    }
    here
}

async fn says(bench: &Bench, command: &str) -> String {
    let output = bench.call("shell", json!({"command": command})).await;
    text(&output)
}

#[tokio::test]
async fn it_writes_only_where_it_may() {
    if !is_here() {
        return;
    }
    let bench = Bench::new();
    let root = bench.work.parent().unwrap().display().to_string();
    for (command, works) in [
        (
            "echo x > here && mkdir -p a/b && mv here a/b/there && ln -s a l && rm l && cat a/b/there",
            true,
        ),
        ("echo x > ../tmp/x && cat ../tmp/x", true),
        ("echo x > /dev/null", true),
        ("echo x > ../beside", false),
        ("mkdir ../beside", false),
        ("mv a ../beside", false),
        ("ln -s .. out; echo x > out/beside", false),
        ("ln a/b/there ../beside", false),
        ("truncate -s 0 ../kept", false),
        ("rm ../kept", false),
        ("echo x > /dev/tty", false),
        ("mknod dev c 1 3", false),
    ] {
        std::fs::write(bench.work.join("../kept"), "kept").unwrap();
        let said = says(&bench, command).await;
        assert_eq!(said.ends_with("[exit 0]"), works, "{command}: {said}");
        assert!(!bench.work.join("../beside").exists(), "{command}");
        assert_eq!(std::fs::read(bench.work.join("../kept")).unwrap(), b"kept");
    }
    let said = says(&bench, "echo x > ../beside").await;
    assert!(said.ends_with("write only below the working directory and in temporary directories]"));
    let said = says(&bench, &format!("cat {root}/kept && ls {root} /")).await;
    assert!(said.ends_with("[exit 0]"), "{said}");
}

#[tokio::test]
async fn respairs_own_files_are_closed_to_it() {
    if !is_here() {
        return;
    }
    let bench = Bench::new();
    for command in [
        "cat ../own/config.yaml",
        "ln -s ../own o; cat o/config.yaml",
        "ln ../own/config.yaml mine; cat mine",
        "cp -r ../own mine; cat mine/config.yaml",
        "cat /proc/self/root$(cd ../own && pwd)/config.yaml",
        "mv ../own mine; cat mine/config.yaml",
        "cat ../own/new",
    ] {
        std::fs::write(bench.own.join("new"), "the-key").unwrap();
        let said = says(&bench, command).await;
        assert!(!said.contains("the-key"), "{command}: {said}");
        assert!(!said.ends_with("[exit 0]"), "{command}: {said}");
    }
    let said = says(&bench, "echo x > ../own/config.yaml; rm -rf ../own; true").await;
    assert!(said.contains("Permission denied"), "{said}");
    assert_eq!(
        std::fs::read_to_string(bench.own.join("config.yaml")).unwrap(),
        "api_key: the-key\n"
    );
}

/// A key that was in our environment is in the kernel's view of us.
#[tokio::test]
async fn our_own_process_is_closed_to_it() {
    if !is_here() {
        return;
    }
    let bench = Bench::new();
    let us = std::process::id();
    for command in [
        format!("cat /proc/{us}/environ"),
        format!("cat /proc/{us}/mem"),
        format!("cat /proc/{us}/maps"),
        format!("cat /proc/{us}/task/*/environ"),
        format!("kill -0 {us}"),
    ] {
        let said = says(&bench, &command).await;
        assert!(!said.ends_with("[exit 0]"), "{command}: {said}");
    }
}

/// The home directory as the working directory.
#[tokio::test]
async fn a_working_directory_that_holds_our_own_files() {
    if !is_here() {
        return;
    }
    let bench = Bench::with(|settings| {
        settings.protected.push(settings.cwd.join("conf/respair"));
    });
    bench.write("conf/respair/config.yaml", "the-key");
    bench.write("conf/other/x", "other\n");
    bench.write("src/y", "");
    let said = says(
        &bench,
        "cat conf/other/x && echo z > src/y && touch src/new && ls conf",
    )
    .await;
    assert_eq!(said, "other\nother\nrespair\n[exit 0]");
    for command in [
        "cat conf/respair/config.yaml",
        "rm conf/respair/config.yaml",
        "touch conf/respair/new",
    ] {
        let said = says(&bench, command).await;
        assert!(said.contains("Permission denied"), "{command}: {said}");
        assert!(said.contains("to what exists already below"), "{said}");
    }
    let mut settings = Settings::new(&bench.work);
    settings.protected.push(bench.work.join("conf/respair"));
    let state = sandbox::state(&settings);
    assert!(state.contains("only to what exists below"), "{state}");
}

#[test]
fn whether_it_is_in_force_is_a_sentence() {
    let mut settings = Settings::new("/");
    settings.sandbox = false;
    assert_eq!(
        sandbox::state(&settings),
        "shell is not sandboxed: the configuration says so"
    );
    settings.sandbox = true;
    let state = sandbox::state(&settings);
    assert!(
        state.starts_with("shell ") && !state.contains('\n'),
        "{state}"
    );
}

/// Only the thread that starts a command is bound.
#[tokio::test]
async fn we_ourselves_are_not_bound() {
    let bench = Bench::new();
    bench.does("shell", json!({"command": "true"})).await;
    std::fs::write(bench.own.join("ours"), "x").unwrap();
    assert_eq!(std::fs::read(bench.own.join("ours")).unwrap(), b"x");
}

#[tokio::test]
async fn without_it_a_command_runs_all_the_same() {
    let bench = Bench::with(|settings| settings.sandbox = false);
    let said = bench
        .does(
            "shell",
            json!({"command": "echo x > ../beside; cat ../beside"}),
        )
        .await;
    assert_eq!(said, "x\n[exit 0]");
}

/// No descriptor is free when the shell is made ready: that is no kernel without Landlock.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_fails_for_the_moment_is_no_reason_to_go_without() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use std::os::fd::AsRawFd as _;

    let test = "tools::sandbox::what_fails_for_the_moment_is_no_reason_to_go_without";
    if !is_here() || !crate::family::is_alone(test) {
        return;
    }
    let before = getrlimit(Resource::Nofile);
    let next = std::fs::File::open("/dev/null").unwrap().as_raw_fd();
    let mut said = String::new();
    let bench = Bench::with(|settings| {
        let none = Rlimit {
            current: Some(next.try_into().unwrap()),
            ..before
        };
        setrlimit(Resource::Nofile, none).unwrap();
        said = sandbox::state(settings);
    });
    setrlimit(Resource::Nofile, before).unwrap();
    assert!(said.starts_with("shell cannot run: "), "{said}");
    let output = says(&bench, "echo x > ../beside").await;
    assert!(!output.ends_with("[exit 0]"), "{output}");
    assert!(!bench.work.join("../beside").exists());
}
