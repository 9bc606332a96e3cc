//! A program that has children of its own besides those that the tools start.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::io::Read as _;
use std::process::{Command, Stdio};

use respair_agent::CallContext;
use respair_agent::tools::{Settings, builtin};
use tokio_util::sync::CancellationToken;

/// Unless the program says that it has none (`adopt_orphans`), a child in a session of its own is none of the tools'.
#[tokio::test]
async fn they_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new("setsid")
        .args(["sh", "-c", "echo; exec sleep 1000"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut begun = child.stdout.take().unwrap();
    begun.read_exact(&mut [0]).unwrap();
    let tools = builtin(&Settings::new(dir.path()));
    let shell = tools.iter().find(|tool| tool.spec().name == "shell");
    let (progress, _lines) = tokio::sync::mpsc::channel(1);
    let context = CallContext::new("call_1", CancellationToken::new(), progress);
    let arguments = serde_json::json!({"command": "sleep 1000 & echo done"});
    let arguments = arguments.as_object().unwrap().clone();
    let output = shell.unwrap().call(arguments, context).await;
    assert!(!output.failed, "{output:?}");
    // The call is over, and whatever it would have ended is gone.
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ended, None);
}
