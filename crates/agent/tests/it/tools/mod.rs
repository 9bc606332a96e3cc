//! The built-in tools, each called as a conversation calls it.

#![cfg(unix)]
#![allow(unreachable_pub)]

mod edits;
mod hooks;
mod hostile;
mod paths;
mod reads;
mod sandbox;
mod searches;
mod shell;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use respair_agent::tools::{self, Settings};
use respair_agent::{CallContext, Preview, Tool, ToolOutput};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A directory with a working directory `work`, respair's own `own` beside it, and the tools for them.
pub struct Bench {
    _dir: TempDir,
    pub work: PathBuf,
    pub own: PathBuf,
    tools: Vec<Arc<dyn Tool>>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        // Below the target directory: where temporary files go, everything may be written.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (work, own) = (root.join("work"), root.join("own"));
        for made in [&work, &own, &root.join("tmp")] {
            std::fs::create_dir(made).unwrap();
        }
        std::fs::write(own.join("config.yaml"), "api_key: the-key\n").unwrap();
        let mut settings = Settings::new(&work);
        settings.protected = vec![own.clone()];
        settings.temporary = vec![root.join("tmp")];
        change(&mut settings);
        Self {
            tools: tools::builtin(&settings),
            _dir: dir,
            work,
            own,
        }
    }

    pub fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    pub fn tool(&self, name: &str) -> &Arc<dyn Tool> {
        let mut tools = self.tools.iter();
        tools.find(|tool| tool.spec().name == name).unwrap()
    }

    pub fn preview(&self, name: &str, arguments: Value) -> Preview {
        self.tool(name).preview(&object(arguments))
    }

    pub async fn call(&self, name: &str, arguments: Value) -> ToolOutput {
        let (context, _progress) = context(&CancellationToken::new());
        self.tool(name).call(object(arguments), context).await
    }

    /// What a call says that works.
    pub async fn does(&self, name: &str, arguments: Value) -> String {
        let output = self.call(name, arguments).await;
        assert!(!output.failed, "{output:?}");
        text(&output)
    }

    /// What a call says that does not.
    pub async fn fails(&self, name: &str, arguments: Value) -> String {
        let output = self.call(name, arguments).await;
        assert!(output.failed, "{output:?}");
        text(&output)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.work.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.work.join(path)).unwrap()
    }
}

pub fn context(cancel: &CancellationToken) -> (CallContext, mpsc::Receiver<String>) {
    let (progress, lines) = mpsc::channel(16);
    (CallContext::new("call_1", cancel.clone(), progress), lines)
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

pub fn text(output: &ToolOutput) -> String {
    output.content.as_str().unwrap().to_owned()
}

pub fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Each request carries them.
#[test]
fn the_tools_are_described_in_three_kilobytes() {
    let bench = Bench::new();
    let specs = bench.tools().iter().map(|tool| tool.spec().to_json());
    let specs: Vec<_> = specs.collect();
    let length = serde_json::to_string(&specs).unwrap().len();
    assert!(length < 3_000, "{length} bytes");
    let names: Vec<_> = specs
        .iter()
        .map(|spec| spec["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "shell",
            "read_file",
            "write_file",
            "edit_file",
            "search_files"
        ]
    );
}
