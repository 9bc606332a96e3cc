//! What git would run later, and a command left there.

use serde_json::json;

use super::*;

/// A repository in the working directory; `None` where there is no git, or no sandbox.
fn repository() -> Option<Bench> {
    let bench = Bench::new();
    let here = super::sandbox::is_here();
    let git = std::process::Command::new("git")
        .args(["init", "-q", "--template="])
        .current_dir(&bench.work)
        .status();
    if !here || !git.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no git, or no sandbox");
        return None;
    }
    bench.write(".git/hooks/pre-push", "#!/bin/sh\necho mine\n");
    bench.write("sub/x", "");
    Some(bench)
}

#[tokio::test]
async fn what_git_would_run_later_is_put_aside() {
    let Some(bench) = repository() else { return };
    let before = (bench.read(".git/config"), bench.read(".git/hooks/pre-push"));
    // From below it is the same repository.
    let below = json!({"command": "git config core.pager evil", "workdir": "sub"});
    let said = bench.does("shell", below).await;
    assert!(said.contains("put aside"), "{said}");
    let _ = std::fs::remove_file(bench.work.join(".git/config.put-aside"));
    for (command, path) in [
        (
            "printf evil > .git/hooks/post-commit; chmod +x .git/hooks/post-commit",
            ".git/hooks/post-commit",
        ),
        ("echo evil >> .git/hooks/pre-push", ".git/hooks/pre-push"),
        ("git config core.fsmonitor evil", ".git/config"),
        ("git config alias.st '!evil'", ".git/config"),
        (
            "mkdir -p .git/modules/m/hooks && echo evil > .git/modules/m/hooks/post-checkout",
            ".git/modules/m/hooks/post-checkout",
        ),
        ("ln -s /tmp .git/evil", ".git/evil"),
        (
            "mkdir d && printf '[alias]\\nx = !evil\\n' > d/config && mv .git g && mv d .git && mkdir .git/x",
            ".git/config",
        ),
    ] {
        let said = bench.does("shell", json!({"command": command})).await;
        assert!(
            said.contains(&format!("outside of the sandbox: {path};")),
            "{command}: {said}"
        );
        assert!(
            bench
                .work
                .join(format!("{path}.put-aside"))
                .symlink_metadata()
                .is_ok(),
            "{command}"
        );
        let _ = std::fs::remove_file(bench.work.join(format!("{path}.put-aside")));
        let now = (
            bench.read(".git/config"),
            bench.work.join(".git/hooks/post-commit").exists(),
        );
        assert_eq!(now, (before.0.clone(), false), "{command}");
    }
    assert_eq!(bench.read("g/hooks/pre-push"), before.1);
}

/// Git's work goes on.
#[tokio::test]
async fn what_git_does_itself_stays() {
    let Some(bench) = repository() else { return };
    for command in [
        "git config user.name me && git config user.email me@a.example",
        "git add . && git commit -qm first && git switch -qc other",
        "git remote add origin git@a.example:x.git && git config branch.other.remote origin",
        "git init -q new && git -C new config user.name me",
        "rm .git/hooks/pre-push",
    ] {
        let said = bench.does("shell", json!({"command": command})).await;
        assert!(!said.contains("put aside"), "{command}: {said}");
    }
    let config = String::from_utf8(bench.read(".git/config")).unwrap();
    assert!(
        config.contains("git@a.example:x.git") && config.contains("name = me"),
        "{config}"
    );
}

/// The call is dropped with its turn.
#[tokio::test]
async fn a_call_that_is_dropped_leaves_no_hook() {
    let Some(bench) = repository() else { return };
    let (context, mut lines) = context(&tokio_util::sync::CancellationToken::new());
    let command = "echo evil > .git/hooks/post-commit; echo planted; sleep 1000";
    let call = bench
        .tool("shell")
        .call(object(json!({"command": command})), context);
    tokio::select! {
        output = call => panic!("{output:?}"),
        line = lines.recv() => assert_eq!(line.unwrap(), "planted"),
    }
    assert!(!bench.work.join(".git/hooks/post-commit").exists());
}
