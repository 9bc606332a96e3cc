//! One `codex exec --json` a cell, configured by what `respair serve --print-config codex` prints.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use respair_gateway::Paste;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::endpoint::Served;
use crate::heard::{Heard, Outcome, Told};

/// What is appended to the printed provider: without retries, so that a cell is one answer.
const ONCE: &str = "request_max_retries = 0\nstream_max_retries = 0\n";

/// A Codex with a home and a working directory of its own.
#[derive(Debug)]
pub struct Codex {
    program: PathBuf,
    home: TempDir,
}

impl Codex {
    /// With an empty home.
    ///
    /// # Errors
    /// When no directory can be made for it.
    pub fn new(program: PathBuf) -> io::Result<Self> {
        let home = tempfile::Builder::new()
            .prefix("respair-codex-")
            .tempdir()?;
        std::fs::create_dir(home.path().join("work"))?;
        Ok(Self { program, home })
    }

    /// Its `CODEX_HOME`: what stands there is there for Codex.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// What it makes of an endpoint.
    ///
    /// # Errors
    /// When it cannot be configured or started.
    pub async fn ask(&mut self, served: &Served, limit: Duration) -> io::Result<Outcome> {
        self.exec(served.address(), ONCE, limit).await
    }

    /// Runs it once, with the printed configuration for this address and these lines behind it.
    ///
    /// # Errors
    /// When it cannot be configured or started.
    pub async fn exec(
        &mut self,
        address: SocketAddr,
        more: &str,
        limit: Duration,
    ) -> io::Result<Outcome> {
        let config = Paste::Codex.text(address, Some("gpt-5.4"), false) + more;
        self.run(&config, limit).await
    }

    /// Runs it once, with this `config.toml`.
    ///
    /// # Errors
    /// When it cannot be configured or started.
    pub async fn run(&mut self, config: &str, limit: Duration) -> io::Result<Outcome> {
        std::fs::write(self.home.path().join("config.toml"), config)?;
        let mut command = super::alone(Command::new(&self.program));
        command
            .args(["exec", "--json", "--skip-git-repo-check"])
            // The one command that a scenario asks for is `echo Paris`, and a sandbox is not everywhere to be had.
            .arg("--dangerously-bypass-approvals-and-sandbox")
            .arg("--cd")
            .arg(self.home.path().join("work"))
            .arg("What is the weather in Paris?")
            .env("CODEX_HOME", self.home.path())
            .env("HOME", self.home.path())
            .env("RESPAIR_KEY", "key")
            // It has business of its own with its maker; no request leaves this machine.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let Ok(output) = timeout(limit, command.output()).await else {
            // Dropping the future has ended the process.
            return Ok(Outcome::Hang);
        };
        let output = output?;
        let heard = events(&String::from_utf8_lossy(&output.stdout));
        if !output.status.success() && heard.error.is_none() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            let panic = words.lines().find(|line| line.contains("panicked"));
            let words = panic.unwrap_or_else(|| words.lines().last().unwrap_or_default());
            return Ok(Outcome::Died(format!("{}: {words}", output.status)));
        }
        Ok(Outcome::Heard(Box::new(heard)))
    }
}

/// What the events of `codex exec --json` tell.
#[must_use]
pub fn events(lines: &str) -> Heard {
    let mut heard = Heard::default();
    let (mut live, mut end) = (String::new(), None);
    let (mut reasoning, mut calls) = (String::new(), Vec::new());
    for event in lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        let item = &event["item"];
        let text = item["text"].as_str().unwrap_or_default();
        match (event["type"].as_str(), item["type"].as_str()) {
            (Some("item.completed"), Some("agent_message")) => {
                if calls.is_empty() {
                    live.push_str(text);
                }
                end = Some(text.to_owned());
            }
            (Some("item.completed"), Some("reasoning")) if calls.is_empty() => {
                reasoning.push_str(text)
            }
            (Some("item.completed"), Some("command_execution")) => calls.push(call(item)),
            (Some("turn.completed"), _) => heard.ended = Some("completed".to_owned()),
            (Some("turn.failed"), _) => {
                heard.ended = Some("failed".to_owned());
                let message = event["error"]["message"].as_str();
                heard.error = Some(message.unwrap_or("turn.failed").to_owned());
            }
            _ => {}
        }
    }
    heard.live = Told {
        text: Some(live),
        reasoning: Some(reasoning),
        calls: Some(calls),
    };
    heard.r#final = end.map(|text| Told {
        text: Some(text),
        ..Told::default()
    });
    heard
}

/// A command that was run, as the call that asked for it: Codex shows the shell's whole line.
fn call(item: &Value) -> (Value, Value) {
    let line = item["command"].as_str().unwrap_or_default();
    let ran = item["exit_code"] == 0 && item["aggregated_output"] == "Paris\n";
    let asked = ran && line.contains("echo Paris");
    let command = if asked { "echo Paris" } else { line };
    let arguments = serde_json::json!({"cmd": command}).to_string();
    ("exec_command".into(), arguments.into())
}
