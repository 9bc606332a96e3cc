//! Looking ahead to a call's done event.
//!
//! A delta that cannot be a piece of a JSON object is either ciphertext, which must not be given out (DEVIATIONS 9.8), or
//! what the model wrote, bad JSON and all. Only the done event tells. So such a delta waits for it, with whatever deltas
//! of that call follow, and every other event flows: the first one that belongs to something else ends the wait.

use crate::event::{Class, Event, Field};
use crate::json::{Object, elements};
use crate::mend::concord;
use crate::model::{Look, Place};
use crate::rules::{self, Finding};
use crate::slots::{Lost, payload_field, payload_text};

use super::Reader;

/// The events that wait.
#[derive(Debug)]
pub(super) struct Ahead {
    /// The slot of the call that they wait for.
    slot: usize,
    events: Vec<Event>,
    /// How long they are together: bounded by `limits.response`.
    bytes: usize,
}

/// What became of the deltas that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The done event says the same.
    Confirmed,
    /// It says something else, or there is none.
    Obscured,
}

impl Reader {
    /// Takes in the next event, unless it has to wait.
    pub(super) fn receive(&mut self, event: Event) {
        let Some(verdict) = self.ahead.as_ref().map(|ahead| self.verdict(ahead, &event)) else {
            return self.take(event);
        };
        if let Some(ahead) = &mut self.ahead {
            ahead.bytes += event.raw().len();
            ahead.events.push(event);
        }
        if let Some(verdict) = verdict {
            self.decide(verdict);
        }
    }

    /// `true` when this event, in which that was found, is to wait.
    pub(super) fn has_to_wait(&self, findings: &[Finding], place: Place) -> Option<usize> {
        let code = rules::OBFUSCATED.code;
        let at = place.slot?;
        let slot = &self.model.slots.list[at];
        let asked = findings.iter().any(|finding| finding.rule.code == code);
        (asked && slot.lost.is_none()).then_some(at)
    }

    /// Begins to wait, with this event.
    pub(super) fn wait(&mut self, slot: usize, event: Event) {
        self.ahead = Some(Ahead {
            slot,
            bytes: event.raw().len(),
            events: vec![event],
        });
    }

    /// Nothing that could confirm them will come.
    pub(super) fn give_up_waiting(&mut self) {
        self.decide(Verdict::Obscured);
    }

    fn decide(&mut self, verdict: Verdict) {
        let Some(ahead) = self.ahead.take() else {
            return;
        };
        let slot = &mut self.model.slots.list[ahead.slot];
        match verdict {
            Verdict::Confirmed => slot.confirmed = true,
            Verdict::Obscured => slot.lost = Some(Lost::Obscured),
        }
        self.pending.extend(ahead.events);
    }

    /// What this event says of the deltas that wait; `None` when it says nothing yet.
    fn verdict(&self, ahead: &Ahead, event: &Event) -> Option<Verdict> {
        let look = Look::new(&self.model, event, self.demands());
        let slot = &self.model.slots.list[ahead.slot];
        let own = look.slot == Some(ahead.slot);
        let told = match look.class {
            Class::Comment | Class::Prelude | Class::Other | Class::Unknown | Class::Junk => {
                return None;
            }
            Class::CallDelta if own => {
                let room = ahead.bytes + event.raw().len() <= self.limits.response;
                return (!room).then_some(Verdict::Obscured);
            }
            Class::CallDone if own => {
                let whole = payload_text(event.field(payload_field(slot)));
                Some(whole.filter(|whole| !slot.is_blank(whole))?)
            }
            Class::ItemDone if own => payload_text(look.nested.get(slot.kind.payload_field())),
            Class::Terminal => self.listed(ahead.slot, &look.nested),
            _ => None,
        };
        let confirmed = told.is_some_and(|whole| self.confirms(ahead, &whole));
        Some(if confirmed {
            Verdict::Confirmed
        } else {
            Verdict::Obscured
        })
    }

    /// The arguments that the terminal's `output` holds for a call.
    fn listed<'a>(&self, at: usize, response: &Object<'a>) -> Option<std::borrow::Cow<'a, str>> {
        let outputs = response.get("output").and_then(elements)?;
        let found = concord(&self.model.slots, &outputs);
        let place = found.slots.iter().position(|slot| *slot == Some(at))?;
        let field = self.model.slots.list[at].kind.payload_field();
        payload_text(Object::parse(outputs[place])?.get(field))
    }

    /// `whole` begins with what was delivered, and goes on with the deltas that wait.
    fn confirms(&self, ahead: &Ahead, whole: &str) -> bool {
        let slot = &self.model.slots.list[ahead.slot];
        let mut rest = whole.strip_prefix(slot.payload.as_str());
        for event in &ahead.events {
            if event.kind().class() == Class::CallDelta {
                let delta = event.text(Field::Delta).unwrap_or_default();
                rest = rest.and_then(|rest| rest.strip_prefix(&*delta));
            }
        }
        rest.is_some() && slot.payload_seed.is_empty()
    }
}
