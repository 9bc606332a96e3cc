//! `respair run` with tools or a session: one turn of a conversation.
//!
//! On a terminal the text of every response is shown live. A pipe holds the answer alone, so there the text waits until the
//! turn is over: what came before a call is said on standard error, as is what was superseded.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use respair_agent::{
    AgentEvent, Answer, AnswerStatus, Approval, Conversation, Decision, Input, Work,
};
use respair_client::{Outcome, TurnEvent};
use tokio::sync::oneshot;

use super::prompt::{self, Source};
use super::screen::Looks;
use super::{End, INTERRUPTED, Run, Show, Signals, errors, heard, json, runtime};
use crate::agent::attach::Attached;
use crate::agent::sessions::{self, Kept};
use crate::agent::{self, Made, Wanted, asking, servers, words};
use crate::args::{self, Common};
use crate::config::Settings;
use crate::paths::Env;
use crate::term::{self, one_line};

/// Runs it.
pub(super) fn command(
    common: &Common,
    run: &args::Run,
    settings: &Settings,
    source: Source,
    files: Vec<Attached>,
) -> u8 {
    let wanted = match agent::wanted(run.tools.as_deref(), false, run.yes, settings) {
        Ok(wanted) => wanted,
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
    let prepared = runtime.block_on(prepared(common, settings, wanted));
    let (made, signals, interrupted) = match prepared {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    agent::told(common, &made.notices);
    let input = files
        .into_iter()
        .fold(Input::text(prompt), |input, file| input.with(file.part));
    let code = runtime.block_on(async {
        let kept = match &run.session {
            None => Ok(Kept::nowhere(made.agent)),
            Some(id) => sessions::open(common, settings, made.agent, id).await,
        };
        let mut kept = match kept {
            Ok(kept) => kept,
            Err(why) => {
                term::error(&why);
                term::help(
                    "`respair sessions` lists those that are kept; `--session new` begins one",
                );
                return crate::USAGE;
            }
        };
        let mut run = Run::start(common, signals);
        run.interrupted = interrupted;
        let id = kept.id.clone();
        Talk::new(run, common, id)
            .turn(&mut kept.conversation, input)
            .await
    });
    runtime.shutdown_background();
    code
}

/// How long MCP servers are waited for without a word.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The agent, with its servers; and whether that was interrupted, which leaves none of them.
async fn prepared(
    common: &Common,
    settings: &Settings,
    wanted: Wanted,
) -> Result<(Made, Signals, bool), u8> {
    let mut made = agent::begun(common, settings, wanted, &Env::Process)?;
    // Before the first process of ours.
    let mut signals = heard(Signals::with_processes())?;
    let servers = std::mem::take(&mut made.servers);
    if servers.is_empty() {
        return Ok((made, signals, false));
    }
    let names: Vec<String> = servers.iter().map(|server| server.name.clone()).collect();
    let told = async {
        tokio::time::sleep(AT_ONCE).await;
        let said = format!("waiting for MCP servers: {}", names.join(", "));
        agent::told(common, &[said]);
        std::future::pending::<Infallible>().await
    };
    let offered = tokio::select! {
        biased;
        () = signals.next() => return Ok((made, signals, true)),
        offered = servers::offered(servers) => offered,
        never = told => match never {},
    };
    made.agent = made.agent.with_tools(offered.tools);
    made.notices.extend(offered.notices);
    Ok((made, signals, false))
}

/// A [`Run`] that shows a turn of a conversation.
struct Talk {
    run: Run,
    session: Option<String>,
    /// Somebody can be asked.
    asks: bool,
    /// The answer goes to a pipe or a file: text waits until it is known what it is.
    holds: bool,
    held: String,
    started: bool,
}

impl Talk {
    fn new(run: Run, common: &Common, session: Option<String>) -> Self {
        let terminal = io::stdin().is_terminal() && term::stderr_is_terminal();
        Self {
            run,
            session,
            asks: terminal && !common.json,
            holds: !Looks::of(common).out_is_terminal && !common.json,
            held: String::new(),
            started: false,
        }
    }

    async fn turn(mut self, conversation: &mut Conversation, input: Input) -> u8 {
        let mut work = conversation.send(input);
        let cancel = work.cancel_token();
        if self.run.interrupted {
            cancel.cancel();
        }
        let answer = loop {
            let event = tokio::select! {
                biased;
                () = self.run.signals.next() => {
                    if self.run.interrupted {
                        return INTERRUPTED;
                    }
                    self.run.interrupted = true;
                    cancel.cancel();
                    continue;
                }
                () = self.run.screen.gone() => return self.run.finish(0).await,
                event = work.next() => event,
            };
            match event {
                Some(AgentEvent::Finished(answer)) => break Some(answer),
                Some(AgentEvent::Approval(approval)) => {
                    if let Err(End(code)) = self.approve(approval, &work).await {
                        return code;
                    }
                }
                Some(event) => {
                    for show in self.present(event) {
                        if let Err(End(code)) = self.run.show(show, Some(&cancel)).await {
                            return code;
                        }
                    }
                }
                None => break None,
            }
        };
        drop(work);
        let Some(answer) = answer else {
            term::error("the turn ended without a result; this is a fault of respair");
            return self.run.finish(1).await;
        };
        for show in self.ending(&answer) {
            if let Err(End(code)) = self.run.show(show, None).await {
                return code;
            }
        }
        self.run.finish(exit_code(answer.status)).await
    }

    fn present(&mut self, event: AgentEvent) -> Vec<Show> {
        if self.run.json {
            // Each step begins with it; the turn does once.
            let again = matches!(&event, AgentEvent::Response(TurnEvent::Started { .. }));
            if again && std::mem::replace(&mut self.started, true) {
                return Vec::new();
            }
            let notice = match &event {
                AgentEvent::Response(event) => self.run.notices.of(event),
                _ => None,
            };
            let line = json::agent_line(&event).map(Show::Json);
            return line.into_iter().chain(notice).collect();
        }
        match event {
            AgentEvent::Response(TurnEvent::Text(text)) if self.holds => {
                self.held.push_str(&text);
                Vec::new()
            }
            AgentEvent::Response(event) => self.run.present(event),
            AgentEvent::StepEnded { .. } if !self.holds => vec![Show::Break],
            AgentEvent::BrokeOff { .. } => {
                let mut shows = match words::is_superseded(&event) {
                    true => self.aside(),
                    false => Vec::new(),
                };
                shows.push(Show::Break);
                shows.extend(words::notice(&event).map(Show::Notice));
                shows
            }
            AgentEvent::ToolStarted { .. } => self.aside(),
            AgentEvent::ToolEnded { .. } => {
                let mut shows = self.aside();
                shows.extend(words::tool(&event).map(Show::Tool));
                shows
            }
            event => words::notice(&event)
                .map(Show::Notice)
                .into_iter()
                .collect(),
        }
    }

    /// What was held is no part of the answer.
    fn aside(&mut self) -> Vec<Show> {
        match std::mem::take(&mut self.held) {
            held if held.is_empty() => Vec::new(),
            held => vec![Show::Commentary(held)],
        }
    }

    /// Asks whether a call may run; where nobody can be asked it may not.
    async fn approve(&mut self, approval: Approval, work: &Work<'_>) -> Result<(), End> {
        let cancel = work.cancel_token();
        let mut shows = match self.run.json {
            true => Vec::new(),
            false => self.aside(),
        };
        shows.extend(asking::asks(&approval).into_iter().map(Show::Detail));
        if !self.asks {
            let what = words::about(&approval.subject);
            let tool = one_line(&approval.tool);
            shows = vec![Show::Notice(format!(
                "{tool} is refused, since nobody can be asked: {what}; `--yes` allows it, as does `agent.approval`"
            ))];
        } else {
            shows.push(Show::Ask(format!("{} ", words::QUESTION)));
        }
        for show in shows {
            self.run.show(show, Some(&cancel)).await?;
        }
        if !self.asks {
            drop(approval);
            return Ok(());
        }
        // What was typed before the question stood there is no answer to it.
        term::forget_typed();
        loop {
            let (line, typed) = oneshot::channel();
            // It cannot be waited for any less: whoever interrupts leaves the thread behind, and the process ends.
            std::thread::spawn(move || {
                let mut text = String::new();
                let read = io::stdin().read_line(&mut text);
                let _ = line.send(read.ok().filter(|n| *n > 0).map(|_| text));
            });
            let typed = tokio::select! {
                biased;
                () = self.run.signals.next() => {
                    self.run.interrupted = true;
                    cancel.cancel();
                    return Ok(());
                }
                typed = typed => typed.ok().flatten(),
            };
            let decision = match typed {
                None => Some(Decision::Deny(None)),
                Some(typed) => words::decision(&typed),
            };
            if let Some(decision) = decision {
                approval.answer(decision);
                return Ok(());
            }
            let again = Show::Ask(format!("{} ", words::QUESTION));
            self.run.show(again, Some(&cancel)).await?;
        }
    }

    fn ending(&self, answer: &Answer) -> Vec<Show> {
        let interrupted = answer.status == AnswerStatus::Interrupted;
        let mut shows = Vec::new();
        if self.holds {
            // What was held may hold more: what only its end showed to be commentary.
            shows.push(Show::Text(answer.text.clone()));
        }
        shows.extend(interrupted.then_some(Show::Interrupt));
        if self.run.json {
            let session = self.session.as_deref();
            shows.push(Show::Json(json::agent_last_line(answer, session)));
        }
        let failed = |outcome: &&Outcome| outcome.error.is_some() || outcome.empty_completion;
        match answer.last.as_deref().filter(failed) {
            Some(outcome) => shows.extend(errors(outcome)),
            None => {
                let error = answer.error.as_ref().map(|error| one_line(&error.message));
                shows.extend(error.map(Show::Error));
            }
        }
        let message = answer.message.as_ref().map(|message| one_line(message));
        shows.extend(message.map(|message| match answer.status {
            AnswerStatus::Completed => Show::Notice(message),
            _ => Show::Error(message),
        }));
        shows.push(Show::Closing(words::closing_line(
            answer,
            self.session.as_deref(),
        )));
        shows
    }
}

/// CONTRACT.md, exit codes. A bound of ours that ended the turn is a failure: the upstream did not leave it incomplete.
pub(crate) fn exit_code(status: AnswerStatus) -> u8 {
    match status {
        AnswerStatus::Completed => 0,
        AnswerStatus::Truncated => 3,
        AnswerStatus::Incomplete => 4,
        AnswerStatus::Interrupted => INTERRUPTED,
        _ => 1,
    }
}
