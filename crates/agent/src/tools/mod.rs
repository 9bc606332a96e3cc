//! The tools that most work needs: a shell, and four that know files better than a shell does.
//!
//! - `read_file`, `write_file`, `edit_file` and `search_files` stay under the working directory unless the user says
//!   otherwise, and never touch respair's own directories. A path is resolved first (`place`), then gone to without
//!   following a link (`open`).
//! - `shell` runs a command in a session of its own that ends with it, with the keys taken out of its environment, and
//!   under Landlock where the kernel has it ([`sandbox`]).
//!
//! Whatever comes out is bounded, and says what was left out. docs/TOOLS.md is this for the user.

mod arguments;
mod change;
mod diff;
mod edit_file;
pub(crate) mod environment;
mod hooks;
mod near;
mod open;
#[cfg(target_os = "linux")]
mod orphans;
pub(crate) mod output;
mod place;
pub(crate) mod process;
mod read_file;
pub mod sandbox;
mod search_files;
mod seen;
mod settings;
mod shell;
mod write_file;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{BoxFuture, CallContext, Preview, Tool, ToolOutput};

use place::Places;
use seen::Seen;

/// What the tools are to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The working directory: relative paths start there, and writes stay below it.
    pub cwd: PathBuf,
    /// Directories outside it that may be touched without a question.
    pub allowed: Vec<PathBuf>,
    /// Directories that no tool reads or writes: respair's configuration and state.
    pub protected: Vec<PathBuf>,
    /// Where commands may leave temporary files.
    pub temporary: Vec<PathBuf>,
    /// The environment that commands start from, before keys are taken out of it.
    pub environment: Vec<(OsString, OsString)>,
    /// Names of variables that keys are read from (`api_key_env`). What looks like a secret is taken out in any case.
    pub key_variables: Vec<String>,
    /// How long a command runs when the model does not say.
    pub shell_time: Duration,
    /// The longest that the model may ask for.
    pub shell_time_most: Duration,
    /// Bytes of a command's output that the model is given: its head and its tail.
    pub shell_output: usize,
    /// Whether commands run under Landlock where the kernel has it.
    pub sandbox: bool,
}

impl Settings {
    /// The defaults: 120 s, at most 600 s; 32 KiB of output; this process's environment.
    pub fn new(cwd: impl Into<PathBuf>) -> Self {
        let mut temporary = vec![std::env::temp_dir()];
        temporary.extend(["/tmp", "/var/tmp"].map(PathBuf::from));
        temporary.dedup();
        Self {
            cwd: cwd.into(),
            allowed: Vec::new(),
            protected: Vec::new(),
            temporary,
            environment: std::env::vars_os().collect(),
            key_variables: Vec::new(),
            shell_time: Duration::from_secs(120),
            shell_time_most: Duration::from_secs(600),
            shell_output: 32 << 10,
            sandbox: true,
        }
    }
}

/// The five tools.
pub fn builtin(settings: &Settings) -> Vec<Arc<dyn Tool>> {
    let places = Places::new(&settings.cwd, &settings.allowed, &settings.protected);
    vec![
        Arc::new(shell::Shell::new(settings, places.clone())),
        Arc::new(read_file::ReadFile::new(places.clone())),
        Arc::new(write_file::WriteFile::new(places.clone())),
        Arc::new(edit_file::EditFile::new(places.clone())),
        Arc::new(search_files::SearchFiles::new(places)),
    ]
}

/// Makes this process take in and end whatever a command or an MCP server leaves behind, however it hides (Linux; elsewhere
/// nothing is done). Without it, what carries a call's mark in its environment is found, and what has put that off is not.
///
/// For a program that starts no processes in sessions of their own: from then on children of this process that no call
/// started, and that are in another session than it, are ended with the next call. `respair` is such a program.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    orphans::adopt();
}

/// The preview of a call about a path, where there is nothing else to show. The call itself says what is wrong.
fn preview_of_path(places: &Places, arguments: &Map<String, Value>, seen: &Seen) -> Preview {
    let text = arguments.get("path").and_then(Value::as_str).unwrap_or(".");
    match places.resolve(text) {
        Ok(place) => {
            seen.shown(arguments, &place, None);
            Preview {
                subject: place.shown,
                outside: place.outside,
                ..Preview::default()
            }
        }
        Err(why) => Preview {
            // It will not happen; but nobody's rule has allowed it either.
            outside: Some(why),
            ..Preview::of(text)
        },
    }
}

/// Runs what waits for the disk beside the runtime. The token ends with the call, however that ends.
fn blocking(
    context: CallContext,
    work: impl FnOnce(&CancellationToken) -> Result<ToolOutput, String> + Send + 'static,
) -> BoxFuture<'static, ToolOutput> {
    Box::pin(async move {
        let cancel = context.cancel.child_token();
        let ends_with_the_call = cancel.clone().drop_guard();
        // It is not left alone when it is told to end: what it says it did, it did.
        let done = tokio::task::spawn_blocking(move || match cancel.is_cancelled() {
            true => Err("interrupted".to_owned()),
            false => work(&cancel),
        });
        let output = match done.await {
            Ok(Ok(output)) => output,
            Ok(Err(why)) => ToolOutput::failed(why),
            Err(_) => ToolOutput::failed("the tool broke down"),
        };
        drop(ends_with_the_call);
        output
    })
}

/// `1 line`, `2 lines`, `2 directories`.
pub(crate) fn counted(count: impl fmt::Display + PartialEq + From<u8>, noun: &str) -> String {
    match (count == 1.into(), noun.strip_suffix('y')) {
        (true, _) => format!("{count} {noun}"),
        (false, Some(stem)) => format!("{count} {stem}ies"),
        (false, None) => format!("{count} {noun}s"),
    }
}
