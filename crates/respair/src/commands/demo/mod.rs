//! `respair demo`: the relay in this process, the real client against it over HTTP, six turns. No key, no network; neither the
//! user's configuration nor their state is touched, and the proxies of the environment do not matter: it is all loopback.
//!
//! Nothing is told that is not checked: every turn has an expectation, and the exit code says whether all were met.

mod acts;
mod agent;
mod stage;

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use respair_client::{EndpointMemory, Outcome, RecoveryAction, TurnEvent};

use crate::commands;
use crate::run::{self, Show};
use crate::term::{self, BAD, BOLD, DIM, GOOD};
use acts::{ACTS, Act};
use stage::Stage;

/// A turn that takes longer hangs: each one's stream lasts a quarter of a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs it.
pub(crate) fn command(of_agent: bool) -> u8 {
    let state = match StateDir::new() {
        Ok(state) => state,
        Err(error) => {
            term::error(&format!(
                "no temporary directory for the demonstration: {}",
                term::system(&error)
            ));
            return 1;
        }
    };
    if of_agent {
        return shown(agent::command(&state));
    }
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let memory = EndpointMemory::open(&state.0);
    let code = runtime.block_on(perform(&memory));
    runtime.shutdown_background();
    shown(code)
}

async fn perform(memory: &EndpointMemory) -> u8 {
    let mut stage = match Stage::build(memory.clone()).await {
        Ok(stage) => stage,
        Err(error) => {
            term::error(&format!(
                "the relay cannot listen on 127.0.0.1: {}",
                term::system(&error)
            ));
            return 1;
        }
    };
    let mut good = 0;
    say("A relay that misbehaves, in this process, and respair's client, over HTTP.\n");
    for (number, act) in (1..).zip(ACTS) {
        say(&format!("\n{BOLD}{number}. {}{BOLD:#}\n", act.title));
        match tokio::time::timeout(PATIENCE, turn(&mut stage, act)).await {
            Ok(true) => good += 1,
            Ok(false) => {}
            Err(_) => say(&format!(
                "   {BAD}✗ nothing came for {} s{BAD:#}\n",
                PATIENCE.as_secs()
            )),
        }
    }
    let all = ACTS.len();
    if good == all {
        say(&format!(
            "\n{GOOD}All {all} turns ended as they should.{GOOD:#} Your own relay: `respair config init`.\n"
        ));
        return 0;
    }
    say(&format!(
        "\n{BAD}{} of {all} turns did not end as they should.{BAD:#}\n",
        all - good
    ));
    1
}

/// What was seen of a turn.
pub(super) struct Seen {
    pub(super) outcome: Outcome,
    /// What was shown, piece by piece.
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) recoveries: Vec<RecoveryAction>,
    /// How many requests the relay was asked in this turn.
    pub(super) asked: usize,
}

async fn turn(stage: &mut Stage, act: &Act) -> bool {
    let asked_before = stage.asked(act);
    let mut turn = match stage.turn(act) {
        Ok(turn) => turn,
        Err(error) => {
            say(&format!("   {BAD}✗ {error}{BAD:#}\n"));
            return false;
        }
    };
    let (mut text, mut reasoning, mut recoveries) = (String::new(), String::new(), Vec::new());
    let mut outcome = None;
    let mut line = Line::default();
    let mut notices = run::Notices::default();
    while let Some(event) = turn.next().await {
        match &event {
            TurnEvent::Text(piece) => {
                line.piece(Kind::Text, piece);
                text.push_str(piece);
                // The relay has held its stream until now: what is shown is shown live.
                stage.text_shown();
            }
            TurnEvent::Reasoning(piece) => {
                line.piece(Kind::Reasoning, piece);
                reasoning.push_str(piece);
                stage.reasoning_shown();
            }
            TurnEvent::Recovery { action, .. } => recoveries.push(*action),
            _ => {}
        }
        if let Some(show) = notices.of(&event) {
            line.whole(&show);
        }
        if let TurnEvent::Finished(finished) = event {
            outcome = Some(*finished);
        }
    }
    let Some(outcome) = outcome else { return false };
    for show in run::errors(&outcome) {
        line.whole(&show);
    }
    line.end();
    let closing = run::closing_line(&outcome);
    let seen = Seen {
        outcome,
        text,
        reasoning,
        recoveries,
        asked: stage.asked(act) - asked_before,
    };
    let good = (act.expected)(&seen);
    match good {
        true => say(&format!("   {GOOD}✓{GOOD:#} {closing}\n")),
        false => say(&format!("   {BAD}✗{BAD:#} {closing}\n")),
    }
    good
}

/// Indented lines under way.
#[derive(Default)]
struct Line {
    open: Option<Kind>,
    /// Something stands on the line.
    begun: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Commentary,
    Reasoning,
}

impl Line {
    fn piece(&mut self, kind: Kind, piece: &str) {
        if self.open != Some(kind) {
            self.end();
            self.open = Some(kind);
        }
        let piece = term::Neutral::default().piece(piece);
        for (at, text) in piece.split('\n').enumerate() {
            if at > 0 {
                say("\n");
                self.begun = false;
            }
            if text.is_empty() {
                continue;
            }
            if !std::mem::replace(&mut self.begun, true) {
                say("   ");
            }
            match kind {
                Kind::Text => say(text),
                Kind::Commentary | Kind::Reasoning => say(&format!("{DIM}{text}{DIM:#}")),
            }
        }
    }

    fn whole(&mut self, show: &Show) {
        self.end();
        if let Some((style, word, text)) = show.line() {
            say(&format!("   {style}{word}{style:#}{text}\n"));
        }
    }

    fn end(&mut self) {
        self.open = None;
        if std::mem::take(&mut self.begun) {
            say("\n");
        }
    }
}

/// Standard output. Who stops reading has seen enough: the turns go on, and the exit code is still theirs.
/// Why something could not be said.
static UNSAID: OnceLock<io::Error> = OnceLock::new();

fn say(text: &str) {
    if let Err(error) = term::print(text) {
        // The first says enough.
        let _ = UNSAID.set(error);
    }
}

/// The exit code, unless what was to be shown was not.
fn shown(code: u8) -> u8 {
    match UNSAID.get() {
        Some(error) => commands::printed(Err(io::Error::new(error.kind(), error.to_string()))),
        None => code,
    }
}

/// A directory for the endpoint memory, gone afterwards.
struct StateDir(PathBuf);

impl StateDir {
    fn new() -> std::io::Result<Self> {
        let mut name = format!("respair-demo-{}", std::process::id());
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // Writing to a string does not fail.
        let _ = write!(name, "-{}", since.as_nanos());
        let path = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for StateDir {
    fn drop(&mut self) {
        // A temporary directory that stays is the system's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
