//! `respair run`: one turn, live.
//!
//! Three parties: the turn (a future that owns the upstream's socket), the signals, and the [`Screen`] (a thread, because a
//! terminal or a pipe may not take what is written, and a write that waits must keep neither Ctrl-C nor the upstream waiting).
//! This file is the loop between them. With tools or a session the turn is a conversation's: [`conversation`].

mod conversation;
pub(crate) mod endpoint;
mod json;
mod one_file;
mod prompt;
mod screen;
mod signals;
mod words;

use std::path::PathBuf;
use std::time::Duration;

use respair_client::{
    Client, ClientOptions, EndpointMemory, Outcome, Trace, Turn, TurnEvent, TurnStatus,
};

use tokio_util::sync::CancellationToken;

use crate::agent::attach::{Attached, attach, attach_input};
use crate::args::{self, Common};
use crate::config::Settings;
use crate::paths::Env;
use crate::{USAGE, commands, input, term};

pub(crate) use conversation::exit_code as exit_code_of;
pub(crate) use endpoint::endpoint;
pub(crate) use screen::{Looks, Screen, Show};
#[cfg(unix)]
pub(crate) use signals::some;
pub(crate) use signals::{Signals, heard};
pub(crate) use words::{CUT, Notices, closing_line, discarded, errors, reading_of};

/// The exit code of an interrupted command, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;
/// How long a screen that takes nothing may hold up an interrupted command.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

/// Runs it.
pub(crate) fn command(common: &Common, run: &args::Run) -> u8 {
    let source = match prompt::source(run.prompt.as_deref()) {
        Ok(source) => source,
        Err(code) => return code,
    };
    let settings = match commands::settings(common, &Env::Process) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let files = match files(common, run, &source) {
        Ok(files) => files,
        Err(code) => return code,
    };
    if run.tools.is_some() || run.session.is_some() {
        return conversation::command(common, run, &settings, source, files);
    }
    let client = match client(common, &settings) {
        Ok(client) => client,
        Err(code) => return code,
    };
    let prompt = match prompt::read(source) {
        Ok(prompt) => prompt,
        Err(code) => return code,
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let request = endpoint::request(&settings, &prompt, files);
    let code = runtime.block_on(async {
        match heard(Signals::new()) {
            Ok(signals) => Run::start(common, signals).turn(client.turn(request)).await,
            Err(code) => code,
        }
    });
    // Dropping the runtime would wait for a name lookup that hangs.
    runtime.shutdown_background();
    code
}

/// The files of `-f`; `-` is standard input, unless the prompt is there.
fn files(common: &Common, run: &args::Run, source: &prompt::Source) -> Result<Vec<Attached>, u8> {
    let is_input = |path: &PathBuf| path.as_os_str() == "-";
    let inputs = run.file.iter().filter(|path| is_input(path)).count();
    let is_asked = matches!(source, prompt::Source::StandardInput);
    if inputs + usize::from(is_asked) > 1 {
        term::error("--file: standard input can be read once");
        term::help("`… | respair run \"Review this.\" -f -` asks one thing and sends another");
        return Err(USAGE);
    }
    // `git diff | respair run "Review this."` would ask about nothing. A loop or a hook whose input is a pipe by chance goes on.
    if inputs + usize::from(is_asked) == 0
        && !common.quiet
        && term::stderr_is_terminal()
        && input::is_piped()
    {
        term::notice("standard input is not read; `-f -` sends it along");
    }
    let files = run.file.iter().map(|path| match is_input(path) {
        true => attach_input(),
        false => attach(path),
    });
    files.collect::<Result<_, _>>().map_err(|why| {
        term::error(&format!("--file: {why}"));
        USAGE
    })
}

/// One thread: a turn is one socket, and a runtime with workers takes longer to start.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, u8> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            term::error(&format!(
                "the runtime cannot be started: {}",
                term::system(&error)
            ));
            1
        })
}

/// Opens the file of `--trace`.
pub(crate) fn trace(common: &Common) -> Result<Option<Trace>, u8> {
    let Some(path) = &common.trace else {
        return Ok(None);
    };
    Trace::file(path).map(Some).map_err(|error| {
        let system = term::system(&error);
        term::error(&format!("--trace {}: {system}", path.display()));
        USAGE
    })
}

fn client(common: &Common, settings: &Settings) -> Result<Client, u8> {
    let memory = settings.state_dir.as_deref().map(EndpointMemory::open);
    let mut options = ClientOptions {
        memory,
        ..ClientOptions::default()
    };
    options.trace = trace(common)?;
    Client::new(endpoint(settings), options).map_err(|error| {
        term::error(&term::one_line(&error.to_string()));
        USAGE
    })
}

struct Run {
    signals: Signals,
    screen: Screen,
    notices: Notices,
    json: bool,
    quiet: bool,
    interrupted: bool,
    /// The screen takes nothing: it is not waited for any more.
    stuck: bool,
}

/// The command is to end now, with this exit code.
struct End(u8);

impl Run {
    fn start(common: &Common, signals: Signals) -> Self {
        Self {
            signals,
            screen: Screen::start(Looks::of(common)),
            notices: Notices::default(),
            json: common.json,
            quiet: common.quiet,
            interrupted: false,
            stuck: false,
        }
    }

    async fn turn(mut self, mut turn: Turn) -> u8 {
        let cancel = turn.cancel_token();
        let outcome = loop {
            let event = tokio::select! {
                biased;
                () = self.signals.next() => {
                    if self.interrupted {
                        return INTERRUPTED;
                    }
                    // The turn closes its socket the next time it is polled, which is at once, and then ends.
                    self.interrupted = true;
                    turn.cancel();
                    continue;
                }
                // Returning drops the turn, and its socket with it.
                () = self.screen.gone() => return self.finish(0).await,
                event = turn.next() => event,
            };
            match event {
                Some(TurnEvent::Finished(outcome)) => break Some(outcome),
                Some(event) => {
                    for show in self.present(event) {
                        if let Err(End(code)) = self.show(show, Some(&cancel)).await {
                            return code;
                        }
                    }
                }
                None => break None,
            }
        };
        drop(turn);
        let Some(outcome) = outcome else {
            term::error("the turn ended without a result; this is a fault of respair");
            return self.finish(1).await;
        };
        for show in self.ending(&outcome) {
            if let Err(End(code)) = self.show(show, None).await {
                return code;
            }
        }
        self.finish(exit_code(outcome.status)).await
    }

    fn present(&mut self, event: TurnEvent) -> Vec<Show> {
        if self.json {
            return json::line(&event)
                .map(Show::Json)
                .into_iter()
                .chain(self.notices.of(&event))
                .collect();
        }
        match event {
            TurnEvent::Text(text) => vec![Show::Text(text)],
            TurnEvent::Reasoning(text) => vec![Show::Reasoning(text)],
            TurnEvent::Commentary(text) => vec![Show::Commentary(text)],
            other => self.notices.of(&other).into_iter().collect(),
        }
    }

    fn ending(&self, outcome: &Outcome) -> Vec<Show> {
        let interrupted = outcome.status == TurnStatus::Interrupted;
        let mut shows: Vec<Show> = interrupted.then_some(Show::Interrupt).into_iter().collect();
        shows.extend(self.json.then(|| Show::Json(json::last_line(outcome))));
        shows.extend(errors(outcome));
        shows.push(Show::Closing(closing_line(outcome)));
        shows
    }

    /// Hands something to the screen, without keeping a signal waiting.
    async fn show(&mut self, show: Show, turn: Option<&CancellationToken>) -> Result<(), End> {
        if self.interrupted {
            match turn {
                // The socket is closed when the turn is asked for its next event: nothing may come before that.
                Some(_) => self.screen.offer(show),
                None if self.stuck => {}
                None => {
                    let shown = tokio::time::timeout(PATIENCE, self.screen.show(show)).await;
                    self.stuck = shown.is_err();
                }
            }
            return Ok(());
        }
        tokio::select! {
            biased;
            () = self.signals.next() => {
                self.interrupted = true;
                match turn {
                    Some(turn) => turn.cancel(),
                    // The turn is over; only the screen is slow.
                    None => return Err(End(INTERRUPTED)),
                }
                Ok(())
            }
            () = self.screen.show(show) => Ok(()),
        }
    }

    /// Waits until everything is written.
    async fn finish(mut self, code: u8) -> u8 {
        let patience = if self.interrupted {
            PATIENCE
        } else {
            Duration::MAX
        };
        let result = tokio::select! {
            biased;
            () = self.signals.next() => return INTERRUPTED,
            result = tokio::time::timeout(patience, self.screen.finish()) => result,
        };
        match result {
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
            Ok(Err(error)) => {
                if !self.quiet || code == 0 {
                    term::error(&format!("standard output: {}", term::system(&error)));
                }
                code.max(1)
            }
            Ok(Ok(())) | Err(_) => code,
        }
    }
}

/// CONTRACT.md, exit codes.
fn exit_code(status: TurnStatus) -> u8 {
    match status {
        TurnStatus::Completed => 0,
        TurnStatus::Truncated => 3,
        TurnStatus::Incomplete => 4,
        TurnStatus::Interrupted => INTERRUPTED,
        _ => 1,
    }
}
