//! `respair chat`: the conversation.
//!
//! Four parties: the loop (this file and [`ui`]), which runs a turn by asking it for its next event; the screen, a thread that
//! draws; the prompt, a thread that waits for what is typed; the database, a thread of crates/agent. The loop waits for any of
//! them only together with the signals, so that a terminal that takes nothing holds up neither Ctrl-C nor the upstream's socket.
//!
//! While nothing runs the terminal is the line editor's. While a turn runs it is the screen's: keys are read one by one, and what
//! is typed ahead is drawn below the answer.

mod ask;
mod before;
mod commands;
mod complete;
mod does;
mod draw;
mod foot;
mod keys;
mod line;
mod markdown;
mod page;
mod paint;
mod present;
mod prompt;
mod screen;
mod servers;
mod signals;
mod status;
mod tty;
mod typing;
mod ui;
mod view;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use respair_agent::sessions::Sessions;
use respair_agent::{Agent, Answer, AnswerStatus, Conversation, Input};

use crate::agent::attach::attach;
use crate::agent::sessions::{self, Kept};
use crate::agent::{self, Made, working_directory};
use crate::args::{self, Common};
use crate::config::Settings;
use crate::paths::Env;
use crate::run::{self, INTERRUPTED, Show};
use crate::term::{self, counted, one_line};
use crate::{USAGE, commands as shared};
use draw::Draw;
use prompt::Typed;
use servers::Starting;
use signals::Signals;
use status::Status;
use ui::{Leave, Ui};
use view::View;

/// Runs it.
pub(crate) fn command(common: &Common, chat: &args::Chat) -> u8 {
    if common.json {
        term::error("`chat` has no --json: `respair run --session ID --json` makes one turn of it");
        return USAGE;
    }
    let settings = match shared::settings(common, &Env::Process) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let wanted = match agent::wanted(chat.tools.as_deref(), true, chat.yes, &settings) {
        Ok(wanted) => wanted,
        Err(code) => return code,
    };
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let prepared = working_directory()
        .and_then(|cwd| Ok((cwd, agent::begun(common, &settings, wanted, &Env::Process)?)));
    let (cwd, made) = match prepared {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let code = runtime.block_on(async {
        match Chat::start(common, chat, settings, made, cwd).await {
            Ok(chat) => chat.talk().await,
            Err(code) => code,
        }
    });
    // Dropping the runtime would wait for what hangs.
    runtime.shutdown_background();
    code
}

/// A conversation under way.
struct Chat {
    ui: Ui,
    conversation: Conversation,
    sessions: Option<Sessions>,
    id: Option<String>,
    cwd: PathBuf,
    servers: Option<Starting>,
    /// Another model than the configured one.
    model: Option<String>,
    /// How the last turn ended.
    code: u8,
}

impl Chat {
    async fn start(
        common: &Common,
        chat: &args::Chat,
        settings: Settings,
        made: Made,
        cwd: PathBuf,
    ) -> Result<Self, u8> {
        let (sessions, kept, mut notices) = kept(chat, &settings, made.agent).await?;
        notices.extend(made.notices);
        let servers = Starting::begin(made.servers);
        notices.extend(servers.as_ref().map(Starting::notice));
        let drawn = tty::draws();
        let terminal = std::io::stdin().is_terminal() && term::stderr_is_terminal();
        let mode = drawn.then(tty::Mode::take);
        let signals = Signals::new(terminal, mode).map_err(|error| {
            let system = term::system(&error);
            term::error(&format!("signals cannot be handled: {system}"));
            1
        })?;
        let color = term::is_coloured();
        let input = match drawn {
            true => {
                let history = settings.state_dir.as_deref();
                let history = history.map(|dir| dir.join("history.txt"));
                prompt::Input::editor(history, cwd.clone(), color)
            }
            false => prompt::Input::lines(terminal),
        };
        let view = View::start(common, drawn, color);
        let mut chat = Self {
            ui: Ui::new(view, drawn, terminal, signals, input),
            conversation: kept.conversation,
            sessions,
            id: kept.id,
            cwd,
            servers,
            model: None,
            code: 0,
        };
        chat.ui.presenter.quiet = common.quiet;
        if !common.quiet
            && let Err(Leave(code)) = chat.greet(&notices).await
        {
            return Err(code);
        }
        Ok(chat)
    }

    /// What it is, and how it stood.
    async fn greet(&mut self, notices: &[String]) -> Result<(), Leave> {
        let options = self.conversation.agent().options();
        let endpoint = options.links.first();
        let endpoint = endpoint.map(|link| link.client.endpoint().display_url());
        let mut parts = vec![
            "respair chat".to_owned(),
            self.who(),
            one_line(&endpoint.unwrap_or_default()),
        ];
        parts.push(match options.tools.iter().count() {
            0 => "no tools".to_owned(),
            n => counted(n, "tool"),
        });
        parts.extend(self.id.as_ref().map(|id| format!("session {id}")));
        parts.push("/help".to_owned());
        self.ui.say(Draw::Notice(parts.join(" · "))).await?;
        for notice in notices {
            self.ui.say(Draw::Notice(one_line(notice))).await?;
        }
        for draw in before::draws(&self.conversation) {
            self.ui.say(draw).await?;
        }
        Ok(())
    }

    async fn talk(mut self) -> u8 {
        let code = match self.turns().await {
            // On a terminal every ending was seen.
            Ok(()) if self.ui.drawn => 0,
            Ok(()) => self.code,
            Err(Leave(code)) => code,
        };
        let kept = self.conversation.totals().requests > 0 && !self.ui.presenter.quiet;
        let last = self.id.as_ref().filter(|_| kept).map(|id| {
            let said = format!("`respair chat --resume {id}` goes on with it");
            Draw::Notice(said)
        });
        let finished = self.ui.finish(last, code).await;
        if self.ui.drawn && finished.is_some() {
            tty::leave();
        }
        match finished {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                term::error(&format!("standard output: {}", term::system(&error)));
                code.max(1)
            }
            None => INTERRUPTED,
            _ => code,
        }
    }

    /// Turn after turn, until the user leaves.
    async fn turns(&mut self) -> Result<(), Leave> {
        let mut interrupts = 0;
        loop {
            let text = match self.ui.typing.queue.pop_front() {
                Some(text) => {
                    self.ui.say(Draw::Said(text.clone())).await?;
                    text
                }
                None => match self.ui.read().await? {
                    Typed::Line(text) => text,
                    Typed::End => return Ok(()),
                    Typed::Cleared => {
                        interrupts = 0;
                        continue;
                    }
                    Typed::Stop => {
                        self.ui.suspend().await;
                        continue;
                    }
                    Typed::Failed(why) => {
                        self.ui
                            .say(Draw::Error(format!("standard input: {why}")))
                            .await?;
                        return Err(Leave(1));
                    }
                    Typed::Interrupt if interrupts > 0 || !self.ui.asks => {
                        return Err(Leave(INTERRUPTED));
                    }
                    Typed::Interrupt => {
                        interrupts += 1;
                        let said = "Ctrl-C once more leaves, as does Ctrl-D";
                        self.ui.say(Draw::Notice(said.to_owned())).await?;
                        continue;
                    }
                },
            };
            interrupts = 0;
            match commands::parse(&text) {
                _ if text.trim().is_empty() => {}
                Some(Ok(("quit", _))) => return Ok(()),
                Some(Ok((name, rest))) => self.run(name, rest).await?,
                Some(Err(why)) => self.ui.say(Draw::Error(why)).await?,
                None => self.send(&text).await?,
            }
        }
    }

    /// Says something, with the files that it names.
    async fn send(&mut self, text: &str) -> Result<(), Leave> {
        if !self.meet().await? {
            self.ui.typing.give_back(text);
            return Ok(());
        }
        let mut input = Input::text(text);
        let (files, missing) = complete::named(text, &self.cwd);
        for name in missing {
            let name = one_line(&name);
            let what = match self.cwd.join(name.trim_matches('"')).is_dir() {
                true => format!("{name} is a directory"),
                false => format!("there is no file {name}"),
            };
            let said = format!("{what}; `@{name}` is sent as it is written");
            self.ui.say(Draw::Notice(said)).await?;
        }
        for path in files {
            match attach(&path) {
                Ok(file) => {
                    input = input.with(file.part);
                    self.ui
                        .say(Draw::Notice(format!("with {}", file.what)))
                        .await?;
                }
                Err(why) => {
                    self.ui.say(Draw::Error(why)).await?;
                    return Ok(());
                }
            }
        }
        self.turn(input).await
    }

    async fn turn(&mut self, input: Input) -> Result<(), Leave> {
        let status = self.status();
        let work = self.conversation.send(input);
        let (answer, took) = self.ui.drive(work, status).await?;
        let Some(answer) = answer else {
            let what = "the turn ended without a result; this is a fault of respair";
            self.code = 1;
            return self.ui.say(Draw::Error(what.to_owned())).await;
        };
        self.code = run::exit_code_of(answer.status);
        for draw in errors(&answer) {
            self.ui.say_last(draw).await;
        }
        let last = match self.ui.presenter.quiet {
            // A blank line.
            true => Draw::Document(String::new()),
            false => {
                let line = status::closing(
                    &answer,
                    self.ui.presenter.status.who(),
                    self.context(),
                    took,
                );
                Draw::Closing(line)
            }
        };
        self.ui.say_last(last).await;
        Ok(())
    }

    fn status(&self) -> Status {
        Status {
            who: status::who(&self.conversation, self.model.as_deref()),
            context: self.context(),
            ..Status::default()
        }
    }

    fn who(&self) -> String {
        self.status().who().to_owned()
    }

    fn window(&self) -> Option<u64> {
        let links = &self.conversation.agent().options().links;
        links.first().and_then(|link| link.context_length)
    }

    fn context(&self) -> Option<String> {
        status::context(&self.conversation.totals(), self.window())
    }
}

/// Where the conversation is kept; nowhere when the sessions cannot be opened and none was asked for.
async fn kept(
    chat: &args::Chat,
    settings: &Settings,
    agent: Agent,
) -> Result<(Option<Sessions>, Kept, Vec<String>), u8> {
    let refuse = |why: String| {
        term::error(&why);
        USAGE
    };
    let lost = |why: String| {
        term::error(&why);
        term::help("`respair sessions` lists those that are kept; `respair chat` begins one");
        USAGE
    };
    let resumes = chat.resume.is_some() || chat.last;
    let sessions = match sessions::sessions(settings) {
        Ok(sessions) => sessions,
        Err(why) if resumes => return Err(refuse(why)),
        Err(why) => {
            let notice = format!("{why}; {}", sessions::UNKEPT);
            return Ok((None, Kept::nowhere(agent), vec![notice]));
        }
    };
    let kept = match resumes {
        true => {
            let id = chat.resume.as_deref().filter(|id| !id.is_empty());
            let kept = sessions::resume(&sessions, agent, id).await;
            kept.map_err(lost)?
        }
        false => sessions::begin(&sessions, agent).map_err(refuse)?,
    };
    Ok((Some(sessions), kept, Vec::new()))
}

/// What went wrong in a turn.
fn errors(answer: &Answer) -> Vec<Draw> {
    let mut draws = Vec::new();
    let told = answer.last.as_deref();
    let told = told.filter(|outcome| outcome.error.is_some() || outcome.empty_completion);
    let shows = match (told, &answer.error) {
        (Some(outcome), _) => run::errors(outcome),
        (None, Some(error)) => vec![Show::Error(one_line(&error.message))],
        (None, None) => Vec::new(),
    };
    for show in shows {
        draws.push(match show {
            Show::Notice(text) => Draw::Notice(text),
            Show::Error(text) => Draw::Error(text),
            Show::Help(text) => Draw::Help(text),
            Show::Plain(text) => Draw::Plain(text),
            _ => continue,
        });
    }
    if let Some(message) = &answer.message {
        let message = one_line(message);
        draws.push(match answer.status {
            AnswerStatus::Completed => Draw::Notice(message),
            _ => Draw::Error(message),
        });
    }
    draws
}
