//! The process that is killed: its home, its turn, and where the kill falls.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use respair_faults::Relay;
use rustix::process::{Pid, Resource, Rlimit, Signal};
use serde_json::Value;

use super::model::{self, Wire};

/// Where a kill falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fall {
    /// Behind a line that was told.
    Line(u64),
    /// Behind a byte from the relay.
    Byte(u64),
    /// Once the commands have written this much.
    Tool(u64),
    /// Once the database's log is this long.
    Log(u64),
    /// Within the write that goes beyond this place of a file.
    Write(u64),
}

impl Fall {
    /// The `number`th: each kind in turn, its place anywhere in a turn that takes so much.
    pub(super) fn drawn(number: usize, of: &Measures, rng: &mut Rng) -> Self {
        match number % 5 {
            0 => Self::Line(rng.u64(0..of.lines)),
            1 => Self::Byte(rng.u64(0..of.bytes)),
            2 => Self::Tool(rng.u64(1..=of.ran)),
            3 => Self::Log(rng.u64(0..of.log)),
            _ => Self::Write(rng.u64(1..of.log.max(of.database))),
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Line(_) => "behind a line that was told",
            Self::Byte(_) => "behind a byte from the relay",
            Self::Tool(_) => "while a tool ran",
            Self::Log(_) => "as the database's log grew",
            Self::Write(_) => "within a write",
        }
    }
}

/// How much there is of everything in a turn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measures {
    lines: u64,
    bytes: u64,
    /// Bytes of the file that the commands write.
    ran: u64,
    /// Bytes of the database's log, at most.
    log: u64,
    database: u64,
}

/// A turn, and how its process ended.
pub(super) struct Killed {
    /// What it told, line by line.
    pub(super) told: Vec<Value>,
    /// It was killed.
    pub(super) died: bool,
    /// It had asked the relay.
    pub(super) asked: bool,
    pub(super) measures: Measures,
}

/// Whoever is to be killed.
#[derive(Default)]
pub(super) struct Victim {
    pid: Mutex<Option<Pid>>,
    over: AtomicBool,
}

impl Victim {
    /// Kills it, if it lives.
    pub(super) fn kill(&self) {
        let pid = self.pid.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(pid), false) = (*pid, self.is_over()) {
            // It may have ended by itself, and is not waited for before this.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Waits for it: from here on its id may be another's.
    fn wait(&self, child: &mut Child) -> io::Result<std::process::ExitStatus> {
        // Its output ended, so that it is about to. Nobody kills meanwhile.
        let _pid = self.pid.lock().unwrap_or_else(PoisonError::into_inner);
        let status = child.wait();
        self.over.store(true, Ordering::Relaxed);
        status
    }
}

/// A directory with a configuration and a state.
pub(super) struct Home {
    dir: tempfile::TempDir,
    binary: PathBuf,
    has_past: bool,
}

/// Where commands run: apart from what they may not see.
const WORK: &str = "work";
const DATABASE: &str = "state/sessions.db";
const LOG: &str = "state/sessions.db-wal";

impl Home {
    /// One without a past.
    pub(super) fn empty(binary: &Path) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir(dir.path().join(WORK))?;
        Ok(Self {
            dir,
            binary: binary.to_owned(),
            has_past: false,
        })
    }

    /// One with a session that was begun, and that ended as it should.
    pub(super) fn with_history(binary: &Path) -> io::Result<Self> {
        let home = Self {
            has_past: true,
            ..Self::empty(binary)?
        };
        let relay = model::relay(false)?;
        let out = home.command(&relay.base_url(), &["--session", "new", model::BEFORE]);
        match out?.output()?.status.success() {
            true => Ok(home),
            false => Err(io::Error::other("the turn before did not end well")),
        }
    }

    /// Another that is the same.
    pub(super) fn copied(&self) -> io::Result<Self> {
        let copy = Self {
            has_past: self.has_past,
            ..Self::empty(&self.binary)?
        };
        std::fs::create_dir(copy.path("state"))?;
        for file in ["sessions.db", "endpoints.json"] {
            let file = format!("state/{file}");
            if self.path(&file).exists() {
                std::fs::copy(self.path(&file), copy.path(&file))?;
            }
        }
        Ok(copy)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What the commands write.
    pub(super) fn ran(&self) -> PathBuf {
        self.path(WORK).join(model::RAN)
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path(DATABASE)
    }

    pub(super) fn has_past(&self) -> bool {
        self.has_past
    }

    /// The binary, for one turn with a shell.
    pub(super) fn command(&self, url: &str, args: &[&str]) -> io::Result<Command> {
        let config = format!(
            "model:\n  provider: custom\n  default: gpt-5.4\n  base_url: {url}/v1\n  api_key: sk-soak-secret\n"
        );
        std::fs::write(self.path("config.yaml"), config)?;
        let mut command = self.plain(&["run", "--json", "--tools=shell", "--yes"]);
        command.args(args);
        Ok(command)
    }

    /// The binary.
    pub(super) fn plain(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(args)
            .arg("--config")
            .arg(self.path("config.yaml"))
            .arg("--state-dir")
            .arg(self.path("state"))
            .current_dir(self.path(WORK))
            .env_clear()
            .env("HOME", self.dir.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// The turn, killed there.
    pub(super) fn turn(&self, fall: Option<Fall>, cut: bool) -> io::Result<Killed> {
        let relay = model::relay(cut)?;
        let victim = Arc::new(Victim::default());
        let most = match fall {
            Some(Fall::Byte(most)) => Some(most),
            _ => None,
        };
        let wire = Wire::start(relay.address(), most, &victim)?;
        let session = if self.has_past { "last" } else { "new" };
        let args = ["--session", session, model::SAID];
        let mut command = self.command(&format!("http://{}", wire.address), &args)?;
        let mut child = {
            // Nobody kills before it is known who it is.
            let mut pid = victim.pid.lock().unwrap_or_else(PoisonError::into_inner);
            let child = command.stdout(Stdio::piped()).spawn()?;
            *pid = Some(Pid::from_child(&child));
            child
        };
        if let Some(Fall::Write(most)) = fall {
            limit(Pid::from_child(&child), most);
        }
        let watched = Arc::clone(&victim);
        let (ran, log) = (self.ran(), self.path(LOG));
        let watcher = std::thread::spawn(move || watch(fall, &ran, &log, &watched));
        let told = read(&mut child, fall, &victim)?;
        let status = victim.wait(&mut child)?;
        wire.stop();
        let log = watcher.join().unwrap_or_default();
        Ok(Killed {
            measures: Measures {
                lines: told.len() as u64,
                bytes: wire.bytes(),
                ran: length(&self.ran()),
                log,
                database: length(&self.database()),
            },
            told,
            died: status.code().is_none(),
            asked: asked(&relay),
        })
    }
}

fn asked(relay: &Relay) -> bool {
    !relay.requests().is_empty()
}

/// The kernel ends whoever writes beyond this place of a file, and leaves no core.
fn limit(pid: Pid, most: u64) {
    let limits = [(Resource::Fsize, most), (Resource::Core, 0)];
    for (resource, most) in limits {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        // It may have ended already.
        let _ = rustix::process::prlimit(Some(pid), resource, limit);
    }
}

/// Its lines, to their end or to where it is killed. The line that was cut off is none.
fn read(child: &mut Child, fall: Option<Fall>, victim: &Victim) -> io::Result<Vec<Value>> {
    let out = child.stdout.take();
    let mut out = BufReader::new(out.ok_or_else(|| io::Error::other("no output"))?);
    let (mut told, mut line) = (Vec::new(), String::new());
    loop {
        if let Some(Fall::Line(most)) = fall
            && told.len() as u64 == most
        {
            victim.kill();
        }
        line.clear();
        out.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Ok(told);
        }
        told.push(serde_json::from_str(&line)?);
    }
}

/// Looks at the files until the process is over, and kills it when they are as long as that. Gives the longest log.
fn watch(fall: Option<Fall>, ran: &Path, log: &Path, victim: &Victim) -> u64 {
    let mut longest = 0;
    while !victim.is_over() {
        longest = longest.max(length(log));
        let there = match fall {
            Some(Fall::Tool(most)) => length(ran) >= most,
            Some(Fall::Log(most)) => log.exists() && longest >= most,
            _ => false,
        };
        if there {
            victim.kill();
            return longest;
        }
        std::thread::yield_now();
    }
    longest
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}
