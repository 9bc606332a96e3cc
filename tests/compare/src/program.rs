//! The two programs, and one run of one.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use respair_faults::Relay;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::rows::Row;

/// Longer than anything takes that ends by itself: Hermes asks twelve times for a cut stream.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often the memory is looked at. What counts is the kernel's own high-water mark.
const LOOK: Duration = Duration::from_millis(2);

/// An agent, ready to be asked one thing.
pub(crate) trait Program {
    fn name(&self) -> &'static str;
    /// Writes its configuration into its home.
    fn configure(&self, home: &Path, base_url: &str) -> io::Result<()>;
    fn command(&self, home: &Path) -> Command;
}

pub(crate) struct Hermes<'a>(pub(crate) &'a Path);
pub(crate) struct Respair<'a>(pub(crate) &'a Path);

fn block(base_url: &str) -> String {
    format!(
        "model:\n  provider: custom\n  default: relay-model\n  base_url: {base_url}\n  api_key: lab-key\n  api_mode: codex_responses\n"
    )
}

impl Program for Hermes<'_> {
    fn name(&self) -> &'static str {
        "Hermes"
    }

    fn configure(&self, home: &Path, base_url: &str) -> io::Result<()> {
        // It reads `api_mode` of a named entry only.
        let named = format!(
            "custom_providers:\n  - name: custom\n    base_url: {base_url}\n    api_key: lab-key\n    api_mode: codex_responses\n"
        );
        std::fs::write(home.join("config.yaml"), block(base_url) + &named)
    }

    fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(self.0);
        command
            .args(["chat", "-Q", "-q", "Say hello."])
            .env("HERMES_HOME", home);
        command
    }
}

impl Program for Respair<'_> {
    fn name(&self) -> &'static str {
        "respair"
    }

    fn configure(&self, home: &Path, base_url: &str) -> io::Result<()> {
        std::fs::write(home.join("config.yaml"), block(base_url))
    }

    fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(self.0);
        command
            .args(["run", "--tools", "--yes", "--session", "new", "Say hello."])
            .env("RESPAIR_CONFIG", home.join("config.yaml"));
        command
    }
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    /// Requests for a response.
    pub(crate) requests: usize,
    /// Other requests: probes.
    pub(crate) others: usize,
    /// Bytes of the bodies of the requests for a response.
    pub(crate) sent: usize,
    /// From the start to the first request for a response.
    pub(crate) to_request: Option<Duration>,
    /// From the start to the first byte on standard output.
    pub(crate) to_byte: Option<Duration>,
    pub(crate) took: Duration,
    /// The high-water mark of its memory, in KiB.
    pub(crate) memory: u64,
}

/// Runs a program at a row's relay.
pub(crate) async fn run(program: &dyn Program, row: &'static Row) -> io::Result<Run> {
    let relay = Relay::start(row.answer).await?;
    let home = tempfile::tempdir()?;
    program.configure(home.path(), &format!("{}/v1", relay.base_url()))?;
    if row.again {
        once(program, home.path(), &relay).await?;
    }
    once(program, home.path(), &relay).await
}

async fn once(program: &dyn Program, home: &Path, relay: &Relay) -> io::Result<Run> {
    let (turns, others) = (relay.requests().len(), relay.other_requests().len());
    let mut command = program.command(home);
    command
        .env("HOME", home)
        .env_remove("OPENAI_API_KEY")
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let watched = watch(&mut child, begun);
    let (code, out, err, to_byte, memory) = match tokio::time::timeout(PATIENCE, watched).await {
        Ok(seen) => seen?,
        Err(_) => {
            child.kill().await?;
            (None, String::new(), "hangs".to_owned(), None, 0)
        }
    };
    let took = begun.elapsed();
    let requests = relay.requests().split_off(turns);
    Ok(Run {
        code,
        out,
        err,
        sent: requests.iter().map(|request| request.body.len()).sum(),
        to_request: requests
            .first()
            .map(|request| request.at.saturating_duration_since(begun)),
        requests: requests.len(),
        others: relay.other_requests().len() - others,
        to_byte,
        took,
        memory,
    })
}

type Seen = (Option<i32>, String, String, Option<Duration>, u64);

async fn watch(child: &mut Child, begun: Instant) -> io::Result<Seen> {
    let status = format!("/proc/{}/status", child.id().unwrap_or_default());
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("no pipes"));
    };
    let out = async {
        let (mut bytes, mut first) = (Vec::new(), None);
        while stdout.read_buf(&mut bytes).await? > 0 {
            first.get_or_insert_with(|| begun.elapsed());
        }
        io::Result::Ok((String::from_utf8_lossy(&bytes).into_owned(), first))
    };
    let err = async {
        let mut bytes = Vec::new();
        stderr.read_to_end(&mut bytes).await?;
        io::Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let ended = async { tokio::try_join!(out, err, child.wait()) };
    tokio::pin!(ended);
    let mut memory = 0;
    loop {
        tokio::select! {
            done = &mut ended => {
                let ((out, first), err, status) = done?;
                return Ok((status.code(), out, err, first, memory));
            }
            () = tokio::time::sleep(LOOK) => {
                memory = memory.max(high_water(&status).unwrap_or(0));
            }
        }
    }
}

/// `VmHWM` of a process, in KiB.
fn high_water(status: &str) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
