//! The short way for what most of a stream is made of: deltas that go on as they came, and deltas that are mended as the
//! one before them was.

use crate::event::Event;

use super::{Mode, Reader};

impl Reader {
    /// Takes the event in where the short way leads to what goes downstream of it: `event` is that then. `false` where
    /// nothing was done.
    pub(super) fn take_shortly(&mut self, event: &mut Event) -> bool {
        let open = self.ending.is_none() && self.model.error.is_none() && self.ahead.is_none();
        if !open || self.shadow.is_some() {
            return false;
        }
        let end = event.frame().end();
        if self.model.pass(event, self.demands(), &self.without) {
            self.judge_beside(event);
        } else if let Some(mended) = self.mend_shortly(event) {
            self.judge_beside(event);
            *event = mended;
        } else {
            return false;
        }
        debug_assert!(self.model.failure.is_none());
        self.read_to = end;
        self.position += 1;
        true
    }

    fn mend_shortly(&mut self, event: &Event) -> Option<Event> {
        if self.mode == Mode::Strict {
            return None;
        }
        let demands = self.demands();
        if let Some(numbered) = self.model.renumbered(event, demands, &self.without) {
            return Some(numbered);
        }
        // Nothing is to be said that was not said often enough.
        let habit = self.model.habit_for(event, demands)?;
        let said = |code| self.ledger.is_full(code);
        if !habit.broken.iter().all(|(rule, _)| said(rule.code)) {
            return None;
        }
        let mended = self.model.repeat(event)?;
        for (rule, severity) in self.model.broken_again() {
            self.ledger.again(rule.code, *severity, self.position);
        }
        Some(mended)
    }
}
