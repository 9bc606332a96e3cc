//! What comes at the end and behind it: the unterminated last block, events after an error or a terminal event, frames
//! that never end.

use crate::ending::{EndOfBody, Ending, ErrorSource, ResponseError};
use crate::event::{Class, Event, EventKind};
use crate::model::effective_kind;
use crate::rules::{self, Grade, Rule};
use crate::sse::Frame;
use crate::violation::{Severity, Violation};

use super::{Mode, Reader, Step, span_of};

impl Reader {
    /// After an `error` only `response.failed` means anything; another terminal event does not undo the error.
    pub(super) fn is_past_the_error(&mut self, event: &Event) -> bool {
        let kind = effective_kind(event);
        match kind.class() {
            Class::Comment | Class::Sentinel => return false,
            Class::Terminal if kind == EventKind::Failed => return false,
            _ => self.too_late(event),
        }
        self.position += u64::from(event.counts());
        if kind.class() == Class::Terminal {
            self.conclude(EndOfBody::Eof);
        }
        true
    }

    /// After the terminal event only `[DONE]` and comments pass.
    pub(super) fn after_the_end(&mut self, event: Event) {
        // What ended here was not ended by the upstream: that it goes on is no deviation of its own. Of a body that is no
        // stream the rest is not read at all, but for what came in the same chunk: it does not count.
        let ours = match &self.ending {
            Some(Ending::NoStream(_)) => return,
            Some(Ending::Failed(error)) => error.source == ErrorSource::Local,
            _ => false,
        };
        if ours {
            self.position += u64::from(event.counts());
            return;
        }
        let passes = match event.kind().class() {
            Class::Sentinel => {
                let again = std::mem::replace(&mut self.sentinel, true);
                self.mode == Mode::Strict || !again
            }
            class => class == Class::Comment,
        };
        if !passes {
            self.too_late(&event);
            self.position += u64::from(event.counts());
        } else if self.mode == Mode::Strict {
            self.queue.push_back(Step::Event(event));
        } else {
            let found = self.model.inspect(&event, self.profile, &self.without);
            self.model
                .apply(event, &found, self.profile, &self.without, &mut self.sink);
            self.queue.extend(self.sink.drain(..).map(Step::Event));
        }
    }

    /// The stream has ended, and `[DONE]` did not come where it belongs.
    pub(super) fn lacks_sentinel(&self) -> bool {
        let rule = &rules::DONE_SENTINEL_MISSING;
        !self.sentinel
            && self.ending.is_some()
            && rule.grade(self.profile) == Grade::Violation
            && !self.without.contains(&rule.code)
    }

    pub(super) fn add_sentinel(&mut self) {
        self.sentinel = true;
        let at = (self.read_to, self.read_to);
        let message = "`[DONE]` does not come behind the terminal event";
        self.report(&rules::DONE_SENTINEL_MISSING, message.to_owned(), at);
        if self.mode == Mode::Tolerant {
            let sentinel = Event::read(Frame::sentinel());
            self.queue.push_back(Step::Event(sentinel));
        }
    }

    /// Says which required fields were filled in: once, with their names, and counts every time.
    pub(super) fn report_filled(&mut self) {
        let rule = &rules::FIELD_DEFAULTED;
        let Some(message) = self.model.defaulted.take() else {
            return;
        };
        if self.without.contains(&rule.code) {
            return;
        }
        if self.ledger.found(rule.code) == 0 {
            self.ledger.push(Violation {
                code: rule.code,
                severity: Severity::Info,
                message,
                event: self.position,
                byte_start: self.read_to,
                byte_end: self.read_to,
            });
        }
        self.ledger.repaired(rule.code, self.position);
    }

    /// Nothing is to come any more: what comes is named and dropped.
    pub(super) fn too_late(&mut self, event: &Event) {
        if self.is_off(&rules::EVENT_AFTER_TERMINAL) {
            return self.queue.push_back(Step::Event(event.clone()));
        }
        let what = match event.kind().class() {
            Class::Sentinel => "`[DONE]` comes twice".to_owned(),
            Class::Junk => "Data that is no event comes after the end".to_owned(),
            _ => format!("`{}` comes after the end", event.type_name()),
        };
        self.report(&rules::EVENT_AFTER_TERMINAL, what, span_of(event));
    }

    /// The rule is switched off: nothing is said of it, and nothing is done about it.
    pub(super) fn is_off(&self, rule: &'static Rule) -> bool {
        self.without.contains(&rule.code)
    }

    /// What no rule's `inspect` sees: said, and counted as mended by the tolerant reading.
    pub(super) fn report(&mut self, rule: &'static Rule, message: String, at: (u64, u64)) {
        if self.is_off(rule) || rule.grade(self.profile) == Grade::No {
            return;
        }
        let severity = rule.severity(self.profile);
        self.ledger.push(Violation {
            code: rule.code,
            severity,
            message,
            event: self.position,
            byte_start: at.0,
            byte_end: at.1,
        });
        if self.mode == Mode::Tolerant {
            self.ledger.repaired(rule.code, self.position);
        }
    }

    /// The unterminated last block: read if it is whole and known, else it is where the body was cut.
    pub(super) fn take_last(&mut self, frame: Frame) {
        let event = Event::read(frame);
        if rules::bare_error(event.frame()).is_some() {
            return self.receive(event);
        }
        match effective_kind(&event).class() {
            Class::Junk | Class::Unknown => {}
            _ => self.receive(event),
        }
    }

    /// A frame is too long: what waits comes first.
    pub(super) fn cut_off(&mut self, message: String, offset: u64) {
        self.give_up_waiting();
        self.too_long = Some((message, offset));
    }

    pub(super) fn oversized(&mut self, message: &str, offset: u64) {
        let violation = Violation {
            code: rules::OVERSIZED.code,
            severity: Severity::Violation,
            message: message.to_owned(),
            event: self.position,
            byte_start: offset,
            byte_end: self.decoder.bytes_in(),
        };
        self.ledger.push(violation);
        self.clean = false;
        self.position += 1;
        if self.ending.is_none() {
            self.fail(ResponseError::local("oversized", message));
        }
    }
}
