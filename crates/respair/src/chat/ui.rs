//! Between the user and a turn: what is shown, what is typed meanwhile, Ctrl-C, and whether a call may run.

use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream, KeyCode, KeyEventKind, KeyModifiers};
use futures_util::StreamExt as _;
use respair_agent::{AgentEvent, Answer, Approval, Decision, Work};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::draw::Draw;
use super::present::Presenter;
use super::prompt::{Input, Typed};
use super::status::Status;
use super::typing::Typing;
use super::view::View;
use crate::agent::words;
use crate::run::{INTERRUPTED, PATIENCE, Signals};
use crate::term::one_line;

/// How often what moves is drawn.
const TICK: Duration = Duration::from_millis(100);

/// The conversation is to end, with this exit code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leave(pub(super) u8);

/// The user's side.
pub(super) struct Ui {
    pub(super) view: View,
    pub(super) drawn: bool,
    /// Somebody can be asked.
    pub(super) asks: bool,
    signals: Signals,
    input: Input,
    /// The prompt stands there: what will be typed.
    prompt: Option<oneshot::Receiver<Typed>>,
    pub(super) typing: Typing,
    pub(super) presenter: Presenter,
    interrupted: bool,
    /// Interrupted once more while the end of a turn was shown.
    leaving: bool,
    began: Instant,
}

/// A call that waits for the user, and what was being typed before.
struct Waiting {
    approval: Approval,
    stash: String,
    /// The answer, where it is a line of standard input.
    line: Option<oneshot::Receiver<Typed>>,
}

/// What woke the loop.
enum Woken {
    Event(Option<AgentEvent>),
    Key(Event),
    Line(Typed),
    Tick,
}

impl Ui {
    pub(super) fn new(view: View, drawn: bool, asks: bool, signals: Signals, input: Input) -> Self {
        Self {
            view,
            drawn,
            asks,
            signals,
            input,
            prompt: None,
            typing: Typing::default(),
            presenter: Presenter::default(),
            interrupted: false,
            leaving: false,
            began: Instant::now(),
        }
    }

    /// The next message. A prompt that stands there already is the one that is waited for.
    pub(super) async fn read(&mut self) -> Result<Typed, Leave> {
        if self.leaving {
            return Err(Leave(INTERRUPTED));
        }
        let mut prompt = match self.prompt.take() {
            Some(prompt) => prompt,
            None => {
                tokio::select! {
                    biased;
                    () = self.signals.next() => return Err(Leave(INTERRUPTED)),
                    () = self.view.gone() => return Err(Leave(0)),
                    () = self.view.settle() => {}
                }
                self.input.next(std::mem::take(&mut self.typing.text))
            }
        };
        tokio::select! {
            biased;
            () = self.signals.next() => match self.drawn {
                // In the line editor Ctrl-C is a key: this one came from outside.
                true => Err(Leave(INTERRUPTED)),
                false => {
                    self.prompt = Some(prompt);
                    Ok(Typed::Interrupt)
                }
            },
            () = self.view.gone() => Err(Leave(0)),
            typed = &mut prompt => Ok(typed.unwrap_or(Typed::End)),
        }
    }

    /// Shows something between turns.
    pub(super) async fn say(&mut self, draw: Draw) -> Result<(), Leave> {
        tokio::select! {
            biased;
            () = self.signals.next() => Err(Leave(INTERRUPTED)),
            () = self.view.show(draw) => Ok(()),
        }
    }

    /// Shows a turn to its end.
    pub(super) async fn drive(
        &mut self,
        mut work: Work<'_>,
        who: String,
        context: Option<String>,
    ) -> Result<(Option<Answer>, Duration), Leave> {
        self.presenter.begin(Status {
            who,
            context,
            ..Status::default()
        });
        (self.interrupted, self.began) = (false, Instant::now());
        let cancel = work.cancel_token();
        let mut keys = self.drawn.then(EventStream::new);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut waiting: Option<Waiting> = None;
        self.view.offer(Draw::Tick(Duration::ZERO));
        self.view
            .offer(Draw::Status(Some(self.presenter.status.text())));
        let answer = loop {
            let woken = tokio::select! {
                biased;
                () = self.signals.next() => {
                    self.interrupt(&cancel, &mut waiting)?;
                    continue;
                }
                () = self.view.gone() => return Err(Leave(0)),
                Some(Ok(key)) = next(&mut keys) => Woken::Key(key),
                typed = answer_to(&mut waiting) => Woken::Line(typed),
                _ = ticks.tick(), if self.drawn => Woken::Tick,
                event = work.next() => Woken::Event(event),
            };
            match woken {
                Woken::Event(None) => break None,
                Woken::Event(Some(AgentEvent::Finished(answer))) => break Some(*answer),
                Woken::Event(Some(AgentEvent::Approval(approval))) => {
                    waiting = self.ask(approval, &cancel).await?;
                }
                Woken::Event(Some(event)) => {
                    for draw in self.presenter.present(event) {
                        self.show(draw, &cancel, &mut waiting).await?;
                    }
                }
                Woken::Key(key) => self.key(key, &cancel, &mut waiting)?,
                Woken::Line(typed) => self.answered(typed, &cancel, &mut waiting).await?,
                Woken::Tick => self.view.offer(Draw::Tick(self.began.elapsed())),
            }
        };
        drop(keys);
        // What waited for an answer that nobody gave.
        if let Some(waiting) = waiting.take() {
            self.typing.text = waiting.stash;
        }
        let took = self.began.elapsed();
        self.say_last(Draw::Asked).await;
        self.say_last(Draw::Status(None)).await;
        if self.interrupted {
            // What was to be sent after it is given back, to be looked at.
            self.typing.text = self.typing.everything();
        }
        Ok((answer, took))
    }

    /// Says something when a turn is over. After an interrupt a terminal that takes nothing is not waited for.
    pub(super) async fn say_last(&mut self, draw: Draw) {
        let patience = match self.interrupted {
            true => PATIENCE,
            false => Duration::MAX,
        };
        tokio::select! {
            biased;
            () = self.signals.next() => self.leaving = std::mem::replace(&mut self.interrupted, true),
            _ = tokio::time::timeout(patience, self.view.show(draw)) => {}
        }
    }

    fn interrupt(
        &mut self,
        cancel: &CancellationToken,
        waiting: &mut Option<Waiting>,
    ) -> Result<(), Leave> {
        if std::mem::replace(&mut self.interrupted, true) {
            return Err(Leave(INTERRUPTED));
        }
        // The stream and the tools end when the turn is asked for its next event, which is at once.
        cancel.cancel();
        if let Some(waiting) = waiting.take() {
            self.typing.text = waiting.stash;
            self.view.offer(Draw::Asked);
        }
        Ok(())
    }

    /// Hands something to the screen, without keeping a signal waiting.
    async fn show(
        &mut self,
        draw: Draw,
        cancel: &CancellationToken,
        waiting: &mut Option<Waiting>,
    ) -> Result<(), Leave> {
        if self.interrupted {
            // The socket is closed when the turn is asked for its next event: nothing may come before that.
            self.view.offer(draw);
            return Ok(());
        }
        tokio::select! {
            biased;
            () = self.signals.next() => self.interrupt(cancel, waiting),
            () = self.view.show(draw) => Ok(()),
        }
    }

    /// Asks whether a call may run; where nobody can be asked it may not.
    async fn ask(
        &mut self,
        approval: Approval,
        cancel: &CancellationToken,
    ) -> Result<Option<Waiting>, Leave> {
        if !self.asks {
            let (tool, what) = (one_line(&approval.tool), one_line(&approval.subject));
            let said = format!(
                "{tool} is refused, since nobody can be asked: {what}; `--yes` allows it, as does `agent.approval`"
            );
            drop(approval);
            self.show(Draw::Notice(said), cancel, &mut None).await?;
            return Ok(None);
        }
        self.presenter.asked = approval.diff.clone();
        let lines = words::asks(&approval);
        let mut waiting = Some(Waiting {
            approval,
            stash: std::mem::take(&mut self.typing.text),
            line: None,
        });
        self.show(Draw::Ask(lines), cancel, &mut waiting).await?;
        self.view.offer(self.typing.draw());
        if let Some(waiting) = &mut waiting
            && !self.drawn
        {
            self.view.settle().await;
            waiting.line = Some(self.input.next(String::new()));
        }
        Ok(waiting)
    }

    /// A line of standard input that answers a question.
    async fn answered(
        &mut self,
        typed: Typed,
        cancel: &CancellationToken,
        waiting: &mut Option<Waiting>,
    ) -> Result<(), Leave> {
        let Some(asked) = waiting.take() else {
            return Ok(());
        };
        match typed {
            Typed::Line(line) => match words::decision(&line) {
                Some(decision) => asked.approval.answer(decision),
                None => {
                    let again = self.ask(asked.approval, cancel).await?;
                    *waiting = again;
                }
            },
            Typed::Interrupt => self.interrupt(cancel, waiting)?,
            Typed::End | Typed::Failed(_) => asked.approval.answer(Decision::Deny(None)),
        }
        Ok(())
    }

    /// A key that was pressed while a turn runs.
    fn key(
        &mut self,
        event: Event,
        cancel: &CancellationToken,
        waiting: &mut Option<Waiting>,
    ) -> Result<(), Leave> {
        match event {
            Event::Paste(text) => self.typing.paste(&text),
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                if control && key.code == KeyCode::Char('c') {
                    return self.interrupt(cancel, waiting);
                }
                let sends = key.code == KeyCode::Enter && key.modifiers.is_empty();
                match sends {
                    true => self.enter(waiting),
                    false => self.typing.edit(key),
                }
            }
            _ => {}
        }
        let typing = self.typing.draw();
        self.view.offer(typing);
        Ok(())
    }

    fn enter(&mut self, waiting: &mut Option<Waiting>) {
        match waiting.take() {
            Some(asked) => match words::decision(&std::mem::take(&mut self.typing.text)) {
                Some(decision) => {
                    self.typing.text = asked.stash;
                    asked.approval.answer(decision);
                    self.view.offer(Draw::Asked);
                }
                None => *waiting = Some(asked),
            },
            None => self.typing.send(),
        }
    }
}

/// The next key; never without a terminal that is drawn on.
async fn next(keys: &mut Option<EventStream>) -> Option<std::io::Result<Event>> {
    match keys {
        Some(keys) => match keys.next().await {
            Some(key) => Some(key),
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// The line that answers a question; never when none was asked.
async fn answer_to(waiting: &mut Option<Waiting>) -> Typed {
    match waiting.as_mut().and_then(|waiting| waiting.line.as_mut()) {
        Some(line) => line.await.unwrap_or(Typed::End),
        None => std::future::pending().await,
    }
}
