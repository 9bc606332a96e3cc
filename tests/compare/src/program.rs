//! The two programs: how each is configured, and what is typed.

use std::io;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::rows::Setup;

/// The key of the lab's relay.
pub(crate) const KEY: &str = "lab-key";

/// An agent that can be asked one thing.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    file: PathBuf,
    /// What is typed behind its name.
    typed: &'static [&'static str],
    /// The variable that says where its home is, or its configuration.
    home: &'static str,
    fallback: &'static str,
    /// It takes `api_mode` from a named entry only.
    named: bool,
}

impl Program {
    pub(crate) fn hermes(file: &Path) -> Self {
        Self {
            name: "Hermes",
            file: file.to_owned(),
            typed: &["chat", "-Q", "-q", "Say hello."],
            home: "HERMES_HOME",
            fallback: "fallback_model:\n",
            named: true,
        }
    }

    pub(crate) fn respair(file: &Path) -> Self {
        Self {
            name: "respair",
            file: file.to_owned(),
            typed: &["run", "--tools", "--yes", "--session", "new", "Say hello."],
            home: "XDG_CONFIG_HOME",
            fallback: "agent:\n  fallback:\n",
            named: false,
        }
    }

    /// The first line of `--version`.
    pub(crate) async fn version(&self) -> Result<String, String> {
        let run = Command::new(&self.file).arg("--version").output().await;
        let output = run.map_err(|error| format!("{}: {error}", self.name))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Writes its configuration into its home.
    pub(crate) fn configure(&self, home: &Path, setup: Setup, relay: &str) -> io::Result<()> {
        let mut text = format!("model:\n{}", block(&format!("{relay}/v1"), "  ", "default"));
        if self.named && setup != Setup::Seed {
            text.push_str("custom_providers:\n  - name: custom\n");
            text.push_str(&block(&format!("{relay}/v1"), "    ", "model"));
        }
        if setup == Setup::Fallback {
            text.push_str(self.fallback);
            let list = "  - ".to_owned()
                + block(&format!("{relay}/second/v1"), "    ", "model").trim_start();
            text.push_str(&list);
        }
        let directory = match self.home {
            "XDG_CONFIG_HOME" => home.join("respair"),
            _ => home.to_owned(),
        };
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("config.yaml"), text)
    }

    pub(crate) fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.file);
        command.args(self.typed).env(self.home, home);
        command
    }
}

/// The keys of an endpoint.
fn block(base_url: &str, indent: &str, model: &str) -> String {
    format!(
        "{indent}provider: custom\n{indent}{model}: relay-model\n{indent}base_url: {base_url}\n{indent}api_key: {KEY}\n{indent}api_mode: codex_responses\n"
    )
}
