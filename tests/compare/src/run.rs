//! One run of a program at a row's relay.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use respair_faults::Relay;
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;

use crate::program::Program;
use crate::rows::Row;

/// Longer than anything takes that ends by itself: Hermes asks twelve times for a cut stream.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often the memory is looked at. What counts is the kernel's own high-water mark.
const LOOK: Duration = Duration::from_millis(2);

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
    /// From the start to the first word of the answer on standard output.
    pub(crate) to_answer: Option<Duration>,
    pub(crate) took: Duration,
    /// The high-water mark of its memory, in KiB.
    pub(crate) memory: u64,
}

/// Runs a program at a row's relay.
pub(crate) async fn run(program: &Program, row: &'static Row) -> io::Result<Run> {
    let relay = Relay::start(row.answer).await?;
    let home = tempfile::tempdir()?;
    program.configure(home.path(), row.setup, &relay.base_url())?;
    if row.again {
        once(program, row, home.path(), &relay).await?;
    }
    once(program, row, home.path(), &relay).await
}

async fn once(program: &Program, row: &'static Row, home: &Path, relay: &Relay) -> io::Result<Run> {
    let (turns, others) = (relay.requests().len(), relay.other_requests().len());
    let work = home.join("work");
    std::fs::create_dir_all(&work)?;
    let mut command = program.command(home);
    command
        .env("HOME", home)
        .env_remove("OPENAI_API_KEY")
        .current_dir(work)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let word = row.right.first_word();
    let ended = tokio::time::timeout(PATIENCE, watch(&mut child, word, begun)).await;
    let seen = match ended {
        Ok(seen) => seen?,
        Err(_) => {
            child.kill().await?;
            Seen::default()
        }
    };
    let took = begun.elapsed();
    let requests = relay.requests().split_off(turns);
    Ok(Run {
        code: seen.code,
        out: seen.out,
        err: seen.err,
        sent: requests.iter().map(|request| request.body.len()).sum(),
        to_request: requests
            .first()
            .map(|request| request.at.saturating_duration_since(begun)),
        requests: requests.len(),
        others: relay.other_requests().len() - others,
        to_answer: seen.to_answer,
        took,
        memory: seen.memory,
    })
}

/// What a process showed.
#[derive(Default)]
struct Seen {
    code: Option<i32>,
    out: String,
    err: String,
    to_answer: Option<Duration>,
    memory: u64,
}

async fn watch(child: &mut Child, word: &str, begun: Instant) -> io::Result<Seen> {
    let status = format!("/proc/{}/status", child.id().unwrap_or_default());
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("no pipes"));
    };
    let out = async {
        let (mut bytes, mut first) = (Vec::new(), None);
        while stdout.read_buf(&mut bytes).await? > 0 {
            let holds = || bytes.windows(word.len()).any(|at| at == word.as_bytes());
            if first.is_none() && holds() {
                first = Some(begun.elapsed());
            }
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
                let ((out, to_answer), err, status) = done?;
                return Ok(Seen { code: status.code(), out, err, to_answer, memory });
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
