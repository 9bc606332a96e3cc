//! Between the user and a turn: what is shown, what is typed meanwhile, what stops it.

use std::pin::Pin;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
use respair_agent::{AgentEvent, Answer, Work};
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::ask::{Waiting, answer_to};
use super::draw::Draw;
use super::keys::Keys;
use super::present::Presenter;
use super::prompt::{Input, Typed};
use super::signals::{Signal, Signals};
use super::status::Status;
use super::typing::Typing;
use super::view::View;
use crate::run::{INTERRUPTED, PATIENCE};

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
    pub(super) input: Input,
    /// The prompt stands there: what will be typed.
    prompt: Option<oneshot::Receiver<Typed>>,
    pub(super) typing: Typing,
    pub(super) presenter: Presenter,
    interrupted: bool,
    /// The conversation ends with the turn under way.
    leaving: Option<Leave>,
    began: Instant,
}

/// What woke the loop.
enum Woken<T> {
    Done(T),
    Key(Event),
    Line(Typed),
    Tick,
}

/// What comes by itself while something runs.
struct Watch {
    keys: Option<Keys>,
    ticks: Interval,
}

impl Watch {
    fn new(drawn: bool) -> Self {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            keys: drawn.then(Keys::start),
            ticks,
        }
    }

    /// A key or a tick; neither without a terminal that is drawn on.
    async fn next<T>(&mut self) -> Woken<T> {
        let Some(keys) = &mut self.keys else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            key = keys.next() => Woken::Key(key),
            _ = self.ticks.tick() => Woken::Tick,
        }
    }

    /// The keys that nobody has looked at.
    async fn end(self) -> Vec<Event> {
        match self.keys {
            Some(keys) => keys.end().await,
            None => Vec::new(),
        }
    }
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
            leaving: None,
            began: Instant::now(),
        }
    }

    /// The next message. A prompt that stands there already is the one that is waited for.
    pub(super) async fn read(&mut self) -> Result<Typed, Leave> {
        if let Some(leave) = self.leaving {
            return Err(leave);
        }
        let mut prompt = match self.prompt.take() {
            Some(prompt) => prompt,
            None => {
                tokio::select! {
                    biased;
                    _ = self.signals.next() => return Err(Leave(INTERRUPTED)),
                    () = self.view.gone() => return Err(Leave(0)),
                    () = self.view.settle() => {}
                }
                self.input.next(std::mem::take(&mut self.typing.text))
            }
        };
        tokio::select! {
            biased;
            signal = self.signals.next() => match signal {
                // In the line editor Ctrl-C is a key: this one came from outside.
                Signal::Interrupt if !self.drawn => {
                    self.prompt = Some(prompt);
                    Ok(Typed::Interrupt)
                }
                _ => Err(Leave(INTERRUPTED)),
            },
            () = self.view.gone() => Err(Leave(0)),
            typed = &mut prompt => Ok(typed.unwrap_or(Typed::End)),
        }
    }

    /// Ctrl-Z at the prompt.
    pub(super) async fn suspend(&mut self) {
        self.signals.suspend().await;
    }

    /// Shows something between turns.
    pub(super) async fn say(&mut self, draw: Draw) -> Result<(), Leave> {
        tokio::select! {
            biased;
            _ = self.signals.next() => Err(Leave(INTERRUPTED)),
            () = self.view.show(draw) => Ok(()),
        }
    }

    /// Shows a turn to its end.
    pub(super) async fn drive(
        &mut self,
        mut work: Work<'_>,
        status: Status,
    ) -> Result<(Option<Answer>, Duration), Leave> {
        self.begin(status);
        let cancel = work.cancel_token();
        let mut watch = Watch::new(self.drawn);
        let mut waiting: Option<Waiting> = None;
        let answer = loop {
            let woken = tokio::select! {
                biased;
                signal = self.signals.next() => {
                    self.interrupt(signal, &cancel, &mut waiting)?;
                    continue;
                }
                () = self.view.gone(), if self.leaving.is_none() => {
                    self.abandon(&cancel);
                    continue;
                }
                woken = watch.next() => woken,
                typed = answer_to(&mut waiting) => Woken::Line(typed),
                event = work.next() => Woken::Done(event),
            };
            match woken {
                Woken::Done(None) => break None,
                Woken::Done(Some(AgentEvent::Finished(answer))) => break Some(*answer),
                Woken::Done(Some(AgentEvent::Approval(approval))) => {
                    waiting = self.ask(approval, &cancel).await?;
                }
                Woken::Done(Some(event)) => {
                    for draw in self.presenter.present(event) {
                        self.show(draw, &cancel, &mut waiting).await?;
                    }
                }
                Woken::Key(key) => self.key(key, &cancel, &mut waiting)?,
                Woken::Line(typed) => self.answered(typed, &cancel, &mut waiting).await?,
                Woken::Tick => self.tick(&mut waiting),
            }
        };
        // What waited for an answer that nobody gave.
        drop(self.unasked(&mut waiting));
        let took = self.began.elapsed();
        self.over(watch, &cancel).await?;
        Ok((answer, took))
    }

    /// Waits for something else than a turn; `None` when the user would not.
    pub(super) async fn wait_for<T>(
        &mut self,
        what: String,
        mut awaited: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    ) -> Result<Option<T>, Leave> {
        self.begin(Status {
            awaits: Some(what),
            ..Status::default()
        });
        let cancel = CancellationToken::new();
        let mut watch = Watch::new(self.drawn);
        let done = loop {
            let woken = tokio::select! {
                biased;
                signal = self.signals.next() => {
                    self.interrupt(signal, &cancel, &mut None)?;
                    break None;
                }
                () = self.view.gone() => return Err(Leave(0)),
                woken = watch.next() => woken,
                done = &mut awaited => Woken::Done(done),
            };
            match woken {
                Woken::Done(done) => break Some(done),
                Woken::Key(key) => self.key(key, &cancel, &mut None)?,
                Woken::Tick => self.tick(&mut None),
                Woken::Line(_) => {}
            }
            if cancel.is_cancelled() {
                break None;
            }
        };
        self.over(watch, &cancel).await?;
        Ok(done)
    }

    fn begin(&mut self, status: Status) {
        self.presenter.begin(status);
        (self.interrupted, self.began) = (false, Instant::now());
        self.view.offer(Draw::Tick(Duration::ZERO));
        let status = self.presenter.status.text();
        self.view.offer(Draw::Status(Some(status)));
    }

    async fn over(&mut self, watch: Watch, cancel: &CancellationToken) -> Result<(), Leave> {
        for key in watch.end().await {
            self.key(key, cancel, &mut None)?;
        }
        self.say_last(Draw::Asked).await;
        self.say_last(Draw::Status(None)).await;
        if self.interrupted {
            // What was to be sent after it is given back, to be looked at.
            self.typing.text = self.typing.everything();
        }
        Ok(())
    }

    /// Says something when a turn is over. After an interrupt a terminal that takes nothing is not waited for.
    pub(super) async fn say_last(&mut self, draw: Draw) {
        let patience = match self.interrupted {
            true => PATIENCE,
            false => Duration::MAX,
        };
        tokio::select! {
            biased;
            signal = self.signals.next() => {
                if std::mem::replace(&mut self.interrupted, true) || signal == Signal::End {
                    self.leaving = Some(Leave(INTERRUPTED));
                }
            }
            _ = tokio::time::timeout(patience, self.view.show(draw)) => {}
        }
    }

    /// Shows what is said at the end of all, and waits for the terminal; with a signal, or when it is interrupted, not for long.
    /// `None`: not everything was shown.
    pub(super) async fn finish(
        &mut self,
        last: Option<Draw>,
        code: u8,
    ) -> Option<std::io::Result<()>> {
        let patience = match code {
            INTERRUPTED => PATIENCE,
            _ => Duration::MAX,
        };
        let Self { view, signals, .. } = self;
        let finished = async {
            if let Some(last) = last {
                view.show(last).await;
            }
            view.finish().await
        };
        tokio::select! {
            biased;
            _ = signals.next() => None,
            finished = tokio::time::timeout(patience, finished) => finished.ok(),
        }
    }

    pub(super) fn interrupt(
        &mut self,
        signal: Signal,
        cancel: &CancellationToken,
        waiting: &mut Option<Waiting>,
    ) -> Result<(), Leave> {
        if std::mem::replace(&mut self.interrupted, true) {
            return Err(Leave(INTERRUPTED));
        }
        if signal == Signal::End {
            self.leaving = Some(Leave(INTERRUPTED));
        }
        // The stream and the tools end when the turn is asked for its next event, which is at once.
        cancel.cancel();
        if waiting.is_some() {
            drop(self.unasked(waiting));
            self.view.offer(Draw::Asked);
        }
        Ok(())
    }

    /// Nobody sees it any more: the turn is ended as it is when it is interrupted, so that what came of it is kept.
    fn abandon(&mut self, cancel: &CancellationToken) {
        (self.interrupted, self.leaving) = (true, Some(Leave(0)));
        cancel.cancel();
    }

    /// Hands something to the screen, without keeping a signal waiting.
    pub(super) async fn show(
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
            signal = self.signals.next() => self.interrupt(signal, cancel, waiting),
            () = self.view.show(draw) => Ok(()),
        }
    }

    /// Waits until everything is shown, without keeping a signal waiting.
    pub(super) async fn settle(
        &mut self,
        cancel: &CancellationToken,
        waiting: &mut Option<Waiting>,
    ) -> Result<(), Leave> {
        tokio::select! {
            biased;
            signal = self.signals.next() => self.interrupt(signal, cancel, waiting),
            () = self.view.gone() => Ok(()),
            () = self.view.settle() => Ok(()),
        }
    }

    fn tick(&mut self, waiting: &mut Option<Waiting>) {
        self.view.offer(Draw::Tick(self.began.elapsed()));
        self.put_question(waiting);
    }

    /// A key that was pressed while a turn runs.
    fn key(
        &mut self,
        event: Event,
        cancel: &CancellationToken,
        waiting: &mut Option<Waiting>,
    ) -> Result<(), Leave> {
        if let Some(waiting) = waiting {
            waiting.key();
        }
        match event {
            Event::Paste(text) => self.typing.paste(&text),
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                if control && key.code == KeyCode::Char('c') {
                    return self.interrupt(Signal::Interrupt, cancel, waiting);
                }
                let sends = key.code == KeyCode::Enter && key.modifiers.is_empty();
                match sends {
                    true if waiting.as_ref().is_some_and(Waiting::is_put) => self.answer(waiting),
                    true => self.typing.send(),
                    false => self.typing.edit(key),
                }
            }
            _ => {}
        }
        let typing = self.typing.draw();
        self.view.offer(typing);
        Ok(())
    }
}
