//! The real third-party clients, asked what they make of a batch of streams.
//!
//! They are installed by `cargo xtask clients install` (see `clients/README.md`). Where one is not installed, the
//! test says so loudly and goes on, unless `RESPAIR_REQUIRE_CLIENTS=1` asks for it to fail.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

/// A pinned client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// openai-python 2.24.0.
    Python2,
    /// openai-python 3.54.0, which the profile `openai-sdk` mirrors.
    Python3,
    /// openai-node 7.57.0.
    Node7,
    /// The public schema of Open Responses, as types: it reads no streams, and is asked by [`misfits`].
    Schema,
}

impl Client {
    /// Every client that reads streams.
    pub const ALL: [Client; 3] = [Client::Python2, Client::Python3, Client::Node7];

    /// Its name, which is its directory's under `target/clients`.
    pub fn name(self) -> &'static str {
        match self {
            Client::Python2 => "openai-python-2.24.0",
            Client::Python3 => "openai-python-3.54.0",
            Client::Node7 => "openai-node-7.57.0",
            Client::Schema => "openresponses-types-2.4.0",
        }
    }

    /// The runner's command, or `None` where the client is not installed.
    fn command(self) -> Option<Command> {
        let home = installed_in().join(self.name());
        if !home.join("installed-from.lock").is_file() {
            return None;
        }
        let runners = workspace().join("clients");
        Some(match self {
            Client::Python2 | Client::Python3 | Client::Schema => {
                let python = if cfg!(windows) {
                    "Scripts/python.exe"
                } else {
                    "bin/python"
                };
                let mut command = Command::new(home.join(python));
                let reads = self != Client::Schema;
                let runner = if reads { "run.py" } else { "schema.py" };
                command.arg(runners.join("python").join(runner));
                command
            }
            Client::Node7 => {
                let mut command = Command::new("node");
                command.arg(runners.join("node/run.mjs")).arg(home);
                command
            }
        })
    }
}

/// What a client made of one stream.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The name that the stream was given, or its path.
    pub name: String,
    /// Whether every event could be iterated.
    pub accepted: bool,
    /// What iterating raised, word for word.
    pub error: Option<String>,
    /// The class of what iterating raised (`RuntimeError`, `APIError`, …).
    pub exception: Option<String>,
    /// Why there is no final response, after a clean iteration.
    pub ending: Option<String>,
    /// The text deltas as delivered, joined.
    pub text: String,
    /// The final response's text; `None` without a final response.
    pub final_text: Option<String>,
    /// The final response's status.
    pub status: Option<String>,
    /// Whether a terminal event was delivered.
    pub terminal: bool,
    /// How many events were delivered.
    pub events: u64,
}

/// Asks a client about a batch of streams, each a name and a response body. The verdicts come in the same order;
/// `None` where the client is not installed.
///
/// # Panics
/// When the runner itself fails, or the client is required and absent.
pub fn ask(client: Client, streams: &[(&str, &[u8])]) -> Option<Vec<Verdict>> {
    let command = command_or_skip(client)?;
    let batch = Batch::write(streams);
    let mut verdicts = run(command, &batch.files);
    for (verdict, (name, _)) in verdicts.iter_mut().zip(streams) {
        verdict.name = (*name).to_owned();
    }
    Some(verdicts)
}

/// The same for streams that are files already; a verdict's name is the path.
///
/// # Panics
/// As [`ask`] does.
pub fn ask_files(client: Client, files: &[PathBuf]) -> Option<Vec<Verdict>> {
    Some(run(command_or_skip(client)?, files))
}

/// What in the events of each of these streams does not fit the public schema of Open Responses, by the types that are
/// generated from it; `None` where they are not installed.
///
/// # Panics
/// As [`ask`] does.
pub fn misfits(streams: &[(&str, &[u8])]) -> Option<Vec<Vec<String>>> {
    let command = command_or_skip(Client::Schema)?;
    let batch = Batch::write(streams);
    let faults = |line: &Value| -> Vec<String> {
        let faults = line["faults"].as_array().into_iter().flatten();
        faults.map(ToString::to_string).collect()
    };
    Some(lines(command, &batch.files).iter().map(faults).collect())
}

fn command_or_skip(client: Client) -> Option<Command> {
    let command = client.command();
    if command.is_none() {
        let required =
            std::env::var_os("RESPAIR_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(
            !required,
            "{} is required (RESPAIR_REQUIRE_CLIENTS=1) and not installed",
            client.name()
        );
        crate::skip(&format!(
            "{} is not installed: run `cargo xtask clients install`",
            client.name()
        ));
    }
    command
}

fn run(command: Command, files: &[PathBuf]) -> Vec<Verdict> {
    lines(command, files).iter().map(verdict).collect()
}

/// What the runner says of each file.
fn lines(mut command: Command, files: &[PathBuf]) -> Vec<Value> {
    let manifest = Value::from(
        files
            .iter()
            .map(|file| file.to_string_lossy())
            .map(Value::from)
            .collect::<Vec<_>>(),
    );
    let child = command
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    // Dropped at once: the runner reads its manifest to the end. A runner that died shows below.
    let _ = child
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(manifest.to_string().as_bytes()));
    let output = child
        .wait_with_output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let verdicts: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert!(
        output.status.success() && verdicts.len() == files.len(),
        "{command:?} gave {} verdicts for {} streams and ended with {}: {}",
        verdicts.len(),
        files.len(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    verdicts
}

fn verdict(line: &Value) -> Verdict {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    Verdict {
        name: text("file").unwrap_or_default(),
        accepted: line["outcome"] == "ok",
        error: text("error"),
        exception: text("exception"),
        ending: text("ending"),
        text: text("text").unwrap_or_default(),
        final_text: text("final_text"),
        status: text("status"),
        terminal: line["terminal"] == true,
        events: line["events"].as_u64().unwrap_or_default(),
    }
}

/// The streams of one call as files in a directory that goes away with it.
struct Batch {
    directory: PathBuf,
    files: Vec<PathBuf>,
}

impl Batch {
    fn write(streams: &[(&str, &[u8])]) -> Batch {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let name = format!("respair-clients-{}-{call}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory)
            .unwrap_or_else(|error| panic!("cannot make {}: {error}", directory.display()));
        let mut files = Vec::with_capacity(streams.len());
        for (position, (_, body)) in streams.iter().enumerate() {
            let file = directory.join(format!("{position:05}.sse"));
            std::fs::write(&file, body)
                .unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
            files.push(file);
        }
        Batch { directory, files }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // What stays behind in the temporary directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn installed_in() -> PathBuf {
    std::env::var_os("RESPAIR_CLIENTS_DIR")
        .map_or_else(|| workspace().join("target/clients"), PathBuf::from)
}

fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}
