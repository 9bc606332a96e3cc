//! Running the binary with a home of its own, and a relay to run it against.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use respair_faults::{Answer, Relay, scenario};

/// A home directory, and in it whatever the test puts there.
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// One with this configuration at the default place.
    pub fn with_config(text: &str) -> Self {
        let home = Self::new();
        home.write(".config/respair/config.yaml", text.as_bytes());
        home
    }

    /// One whose configuration is the seed's block, for this provider and relay.
    pub fn seed(provider: &str, relay: &Relay) -> Self {
        Self::with_config(&seed(provider, relay))
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub fn write(&self, relative: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The binary with nothing of the developer's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(args)
            .env_clear()
            .env("HOME", self.dir.path())
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        // Windows needs some of its own to open a socket.
        for name in ["SystemRoot", "TEMP", "TMP"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Done {
        Done::of(self.command(args).output().unwrap())
    }

    /// Runs it with this on standard input.
    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Done {
        let mut command = self.command(args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may end without reading all of it.
        let _ = child.stdin.take().unwrap().write_all(input);
        Done::of(child.wait_with_output().unwrap())
    }
}

/// What a run gave.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Done {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails with everything that was printed unless it exited so.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }

    /// Fails unless standard error holds this.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no `{text}` in\n{}", self.err);
        self
    }
}

pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_respair"))
}

/// A relay that plays the scenario of this name.
pub fn relay(name: &str) -> Relay {
    playing(*scenario(name).unwrap_or_else(|| panic!("no scenario {name}")))
}

/// A relay that answers so.
pub fn playing(answer: impl Answer) -> Relay {
    Relay::builder(answer).start_on_thread().unwrap()
}

/// The seed's configuration.
pub fn seed(provider: &str, relay: &Relay) -> String {
    format!(
        "model:\n  provider: {provider}\n  default: gpt-5.4\n  base_url: {}/v1\n  api_key: sk-test-secret\n  api_mode: codex_responses\n",
        relay.base_url()
    )
}

/// Whether /proc shows the processes that we start, and not those of another process namespace. Loud where it does not.
#[cfg(target_os = "linux")]
pub fn are_shown() -> bool {
    let own = std::fs::read_link("/proc/self").ok();
    let shown = own.is_some_and(|own| own.to_str() == Some(&std::process::id().to_string()));
    if !shown {
        eprintln!("SKIPPED: /proc does not show the processes of this namespace");
    }
    shown
}
