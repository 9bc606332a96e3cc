//! The gateway as a process: what it is started with, told, and seen to hold.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use crate::case::To;
use crate::client;

/// What a process holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Resident memory, in bytes.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
    /// Streams under way and clients that are connected, as its metrics say, once both have settled.
    pub open: (u64, u64),
}

/// What its log says: the ending of each request, by its id. An id that comes twice is kept apart.
#[derive(Debug, Default)]
struct Told {
    endings: BTreeMap<String, String>,
    reloads: usize,
    twice: Vec<String>,
    other: Vec<String>,
}

/// What it says when it has read its configuration again.
const RELOADED: &str = "notice: reloaded ";

/// A gateway that runs. It is killed with this.
pub(crate) struct Gateway {
    child: Child,
    address: SocketAddr,
    home: tempfile::TempDir,
    told: Arc<Mutex<Told>>,
    lines: watch::Receiver<usize>,
}

impl Gateway {
    /// Starts the binary before these upstreams.
    pub(crate) fn start(binary: &Path, upstreams: &[(To, SocketAddr)]) -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        std::fs::write(config_in(home.path()), config(upstreams, 0))?;
        let mut child = Command::new(binary.canonicalize()?)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log",
                "json",
                "--config",
            ])
            .arg(config_in(home.path()))
            .env_clear()
            .env("HOME", home.path())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut first = String::new();
        if let Some(out) = child.stdout.take() {
            let mut out = BufReader::new(out);
            out.read_line(&mut first)?;
            // What it still prints is for a person, and has to go somewhere.
            std::thread::spawn(move || io::copy(&mut out, &mut io::sink()));
        }
        let told = Arc::new(Mutex::new(Told::default()));
        let (count, lines) = watch::channel(0);
        if let Some(log) = child.stderr.take() {
            let told = Arc::clone(&told);
            std::thread::spawn(move || {
                for line in BufReader::new(log).lines().map_while(Result::ok) {
                    note(&told, &line);
                    count.send_modify(|lines| *lines += 1);
                }
            });
        }
        let address = first.trim_end().strip_prefix("listening on http://");
        let address = address.and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| io::Error::other(format!("it said {first:?}")))?;
        Ok(Self {
            child,
            address,
            home,
            told,
            lines,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the configuration, and tells the process to read it.
    pub(crate) fn reload(&self, upstreams: &[(To, SocketAddr)], revision: usize) -> io::Result<()> {
        let new = self.home.path().join("new.yaml");
        std::fs::write(&new, config(upstreams, revision))?;
        std::fs::rename(new, config_in(self.home.path()))?;
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("no process id"))?;
        Ok(rustix::process::kill_process(
            id,
            rustix::process::Signal::HUP,
        )?)
    }

    /// What it holds now.
    pub(crate) fn held(&self) -> io::Result<Held> {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = std::fs::read_to_string(process.join("status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number
                .and_then(|number| number.parse::<u64>().ok())
                .unwrap_or_default()
        };
        Ok(Held {
            memory: field("VmRSS:") << 10,
            descriptors: std::fs::read_dir(process.join("fd"))?.count(),
            threads: usize::try_from(field("Threads:")).unwrap_or_default(),
            open: (0, 0),
        })
    }

    /// A gauge or counter without labels, from its metrics.
    pub(crate) async fn metric(&self, name: &str) -> io::Result<u64> {
        let page = client::get(self.address, "/metrics").await?;
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let number = line.and_then(|line| line.trim().parse().ok());
        number.ok_or_else(|| io::Error::other(format!("/metrics has no {name}")))
    }

    /// Waits until no response is under way and nobody but the one who asks is connected; what the process holds then, once
    /// its descriptors stay the same for a while.
    pub(crate) async fn settle(&self) -> io::Result<Held> {
        let open = loop {
            let streams = self.metric("respair_open_streams").await?;
            let connections = self.metric("respair_open_connections").await?;
            // The one who asks is connected.
            if (streams, connections) == (0, 1) {
                break (streams, connections - 1);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let mut before = self.held()?;
        loop {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let now = self.held()?;
            if now.descriptors == before.descriptors {
                return Ok(Held { open, ..now });
            }
            before = now;
        }
    }

    /// How the request with this id ended by the log, once it says so.
    pub(crate) async fn ending(&self, id: &str) -> Option<String> {
        let told = || {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.endings.get(id).cloned()
        };
        let mut lines = self.lines.clone();
        loop {
            if let Some(ending) = told() {
                return Some(ending);
            }
            // An error is a log that is over: the process is gone.
            lines.changed().await.ok()?;
        }
    }

    /// How often it says that it has read its configuration again.
    pub(crate) fn reloads(&self) -> usize {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reloads
    }

    /// Whether the process still runs; one that is gone and not waited for has no memory.
    pub(crate) fn runs(&self) -> bool {
        self.held().is_ok_and(|held| held.memory > 0)
    }

    /// Ids that were told twice, and lines that are no request's: both should be none.
    pub(crate) fn odd_lines(&self) -> Vec<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.twice.iter().chain(&told.other).cloned().collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn note(told: &Mutex<Told>, line: &str) {
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    let json: Value = serde_json::from_str(line).unwrap_or_default();
    match (
        json["type"].as_str(),
        json["id"].as_str(),
        json["ending"].as_str(),
    ) {
        (Some("request"), Some(id), Some(ending)) => {
            if told
                .endings
                .insert(id.to_owned(), ending.to_owned())
                .is_some()
            {
                told.twice.push(format!("told twice: {id}"));
            }
        }
        _ if line.starts_with(RELOADED) => told.reloads += 1,
        _ => told.other.push(line.to_owned()),
    }
}

fn config_in(home: &Path) -> PathBuf {
    home.join("config.yaml")
}

/// The revision changes a header that no upstream looks at.
fn config(upstreams: &[(To, SocketAddr)], revision: usize) -> String {
    let mut text = "custom_providers:\n".to_owned();
    for (to, address) in upstreams {
        let (first, idle, progress) = match to {
            To::Brisk => ("1", "1", "2"),
            To::Steady | To::Restless => ("600", "600", "600"),
        };
        text.push_str(&format!(
            "  - name: {}\n    base_url: http://{address}/base\n    extra_headers:\n      x-revision: \"{revision}\"\n    \
             limits:\n      frame: 1 MiB\n    timeouts:\n      first_byte: {first}\n      idle: {idle}\n      progress: {progress}\n",
            to.name()
        ));
    }
    text
}
