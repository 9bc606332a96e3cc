//! Whether a call may run: the question, and the answer.
//!
//! Where keys are read one by one, the question is put when nothing was typed for a moment: whoever types ahead allows nothing by
//! it. What was being typed is put aside, and is there again when the question is answered.

use std::time::{Duration, Instant};

use respair_agent::{Approval, Decision};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::draw::Draw;
use super::prompt::Typed;
use super::signals::Signal;
use super::ui::{Leave, Ui};
use crate::agent::{asking, words};
use crate::term::{self, one_line};

/// Whoever types pauses no longer than this, and reads a question no faster.
const PAUSE: Duration = Duration::from_millis(500);

/// A call that waits for the user.
pub(super) struct Waiting {
    approval: Approval,
    state: State,
}

enum State {
    /// What is typed is not meant for it yet: since when nothing was.
    Quiet(Instant),
    /// The question stands there; what was being typed before.
    Put(String),
    /// The answer is a line of standard input.
    Line(oneshot::Receiver<Typed>),
}

impl Waiting {
    /// What is typed is the answer.
    pub(super) fn is_put(&self) -> bool {
        matches!(self.state, State::Put(_))
    }

    /// A key was pressed.
    pub(super) fn key(&mut self) {
        if let State::Quiet(since) = &mut self.state {
            *since = Instant::now();
        }
    }
}

impl Ui {
    /// Asks whether a call may run; where nobody can be asked it may not.
    pub(super) async fn ask(
        &mut self,
        approval: Approval,
        cancel: &CancellationToken,
    ) -> Result<Option<Waiting>, Leave> {
        if !self.asks {
            let (tool, what) = (one_line(&approval.tool), words::about(&approval.subject));
            let said = format!(
                "{tool} is refused, since nobody can be asked: {what}; `--yes` allows it, as does `agent.approval`"
            );
            drop(approval);
            self.show(Draw::Notice(said), cancel, &mut None).await?;
            return Ok(None);
        }
        self.presenter.asked = approval.diff.clone();
        let lines = asking::asks(&approval);
        let mut waiting = Some(Waiting {
            approval,
            state: State::Quiet(Instant::now()),
        });
        if !self.drawn {
            term::forget_typed();
        }
        self.show(Draw::Ask(lines), cancel, &mut waiting).await?;
        if !self.drawn && waiting.is_some() {
            self.settle(cancel, &mut waiting).await?;
        }
        if let Some(waiting) = &mut waiting {
            waiting.state = match self.drawn {
                true => State::Quiet(Instant::now()),
                false => State::Line(self.input.next(String::new())),
            };
        }
        Ok(waiting)
    }

    /// Puts the question when nothing was typed for a moment.
    pub(super) fn put_question(&mut self, waiting: &mut Option<Waiting>) {
        let Some(waiting) = waiting else {
            return;
        };
        if let State::Quiet(since) = waiting.state
            && since.elapsed() >= PAUSE
            && self.view.offer(Draw::Question)
        {
            waiting.state = State::Put(std::mem::take(&mut self.typing.text));
            let typing = self.typing.draw();
            self.view.offer(typing);
        }
    }

    /// Enter behind the question.
    pub(super) fn answer(&mut self, waiting: &mut Option<Waiting>) {
        let typed = std::mem::take(&mut self.typing.text);
        let Some(decision) = words::decision(&typed) else {
            if !typed.trim().is_empty() {
                let typed = words::about(&typed);
                let said = format!("`{typed}` is no answer; y, n, n WHY and a are");
                self.view.offer(Draw::Notice(said));
            }
            return;
        };
        if let Some(approval) = self.unasked(waiting) {
            approval.answer(decision);
            self.view.offer(Draw::Asked);
        }
    }

    /// A line of standard input that answers the question.
    pub(super) async fn answered(
        &mut self,
        typed: Typed,
        cancel: &CancellationToken,
        waiting: &mut Option<Waiting>,
    ) -> Result<(), Leave> {
        if typed == Typed::Interrupt {
            return self.interrupt(Signal::Interrupt, cancel, waiting);
        }
        let Some(approval) = self.unasked(waiting) else {
            return Ok(());
        };
        match typed {
            Typed::Line(line) => match words::decision(&line) {
                Some(decision) => approval.answer(decision),
                None => *waiting = self.ask(approval, cancel).await?,
            },
            _ => approval.answer(Decision::Deny(None)),
        }
        Ok(())
    }

    /// Nothing is asked any more: what was being typed before is there again.
    pub(super) fn unasked(&mut self, waiting: &mut Option<Waiting>) -> Option<Approval> {
        let waiting = waiting.take()?;
        if let State::Put(before) = waiting.state {
            self.typing.text = before;
        }
        Some(waiting.approval)
    }
}

/// The line that answers a question; never when none was asked for.
pub(super) async fn answer_to(waiting: &mut Option<Waiting>) -> Typed {
    match waiting.as_mut().map(|waiting| &mut waiting.state) {
        Some(State::Line(line)) => line.await.unwrap_or(Typed::End),
        _ => std::future::pending().await,
    }
}
