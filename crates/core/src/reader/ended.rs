//! How a stream ends, and what is said downstream when the upstream did not end it itself.

use crate::ending::{EndOfBody, Ending, ErrorSource, ResponseError};
use crate::event::{Event, EventKind, Field};
use crate::json::{self, Object};
use crate::rules;
use crate::violation::{Severity, Violation};

use super::sniff::Sniff;
use super::{Mode, Reader, Step};

impl Reader {
    /// The upstream's own terminal event was taken in.
    pub(super) fn end(&mut self, event: &Event) {
        let named = self.model.terminal.unwrap_or(EventKind::Failed);
        let response = event
            .field(Field::Response)
            .and_then(Object::parse)
            .unwrap_or_default();
        // A response that says of itself that it failed is not completed, whatever its event is called.
        let kind = match response.string("status").as_deref() {
            Some("failed" | "cancelled") if named == EventKind::Completed => EventKind::Failed,
            Some("incomplete") if named == EventKind::Completed => EventKind::Incomplete,
            _ => named,
        };
        let ending = match kind {
            EventKind::Completed => {
                let listed = response
                    .get("output")
                    .and_then(json::elements)
                    .is_some_and(|list| !list.is_empty());
                Ending::Completed {
                    empty: !listed && self.model.slots.list.is_empty() && !self.model.content,
                }
            }
            EventKind::Incomplete => {
                let details = response
                    .get("incomplete_details")
                    .and_then(Object::parse)
                    .unwrap_or_default();
                Ending::Incomplete {
                    reason: details.filled("reason").map(std::borrow::Cow::into_owned),
                }
            }
            EventKind::Failed => Ending::Failed(self.error_of(&response, event)),
            _ => {
                let message = "`response.done` came without a status that says how it ended";
                Ending::Failed(ResponseError::local("upstream_status_unknown", message))
            }
        };
        self.say(ending);
    }

    /// What a failed response says; an `error` event before it says it where the response does not.
    fn error_of(&mut self, response: &Object<'_>, event: &Event) -> ResponseError {
        let flat = Object::parse(event.data()).unwrap_or_default();
        let nested = response
            .present("error")
            .or_else(|| event.present(Field::Error));
        nested
            .and_then(|nested| ResponseError::merge(Some(nested), &Object::default()))
            .or_else(|| self.model.error.take())
            .or_else(|| {
                ResponseError::merge(None, &flat).filter(|error| error.message != "response.failed")
            })
            .unwrap_or_else(ResponseError::unsaid)
    }

    /// The stream cannot go on: the response fails, and says so downstream when it is mended.
    pub(super) fn fail(&mut self, error: ResponseError) {
        if self.mode == Mode::Tolerant {
            self.model.fail(&error, self.demands(), &mut self.sink);
            self.report_filled();
            self.queue.extend(self.sink.drain(..).map(Step::Event));
        }
        self.say(Ending::Failed(error));
    }

    /// What was given out last cannot be passed on: the response fails with this error, which is said downstream by the next
    /// [`poll`](Reader::poll). What waits to be given out is dropped, the upstream's own terminal event too. For a caller that
    /// changes events on their way; it does nothing once [`Step::Ended`] was given.
    pub fn reject(&mut self, error: ResponseError) {
        let told = !self.queue.iter().any(|step| matches!(step, Step::Ended(_)));
        if self.ending.is_some() && told {
            return;
        }
        self.queue.clear();
        self.fail(error);
    }

    /// The body is over, and the upstream sent no terminal event.
    pub(super) fn conclude(&mut self, cause: EndOfBody) {
        if let Sniff::Other(kind) = self.sniffer.verdict() {
            return self.conclude_without_stream(kind, (0, self.bytes_in()));
        }
        if let Some(error) = self.model.error.take() {
            let message = format!(
                "`response.failed` does not follow the error `{}`",
                error.message
            );
            self.report(
                &rules::ERROR_WITHOUT_FAILED,
                message,
                (self.read_to, self.read_to),
            );
            return if self.is_off(&rules::ERROR_WITHOUT_FAILED) {
                self.say(Ending::Failed(error))
            } else {
                self.fail(error)
            };
        }
        self.clean = false;
        let off = self.is_off(&rules::TERMINAL_MISSING);
        if self.mode == Mode::Tolerant && !off {
            self.model.show_what_waits(self.demands(), &mut self.sink);
        }
        let (ending, code) = if self.model.has_content() {
            (Ending::Truncated { cause }, "upstream_truncated")
        } else {
            (Ending::Empty { cause }, "empty_stream")
        };
        if off {
            return self.say(ending);
        }
        self.ledger.push(Violation {
            code: rules::TERMINAL_MISSING.code,
            severity: Severity::Violation,
            message: format!("No terminal event: {cause}"),
            event: self.position,
            byte_start: self.read_to,
            byte_end: self.read_to,
        });
        if self.mode == Mode::Tolerant {
            let what = if code == "empty_stream" {
                "any output"
            } else {
                "its terminal event"
            };
            let error = ResponseError {
                source: ErrorSource::Local,
                ..ResponseError::local(code, format!("{cause} before {what}"))
            };
            self.model.fail(&error, self.demands(), &mut self.sink);
            self.report_filled();
            self.ledger
                .repaired(rules::TERMINAL_MISSING.code, self.position);
            self.queue.extend(self.sink.drain(..).map(Step::Event));
        }
        self.say(ending);
    }

    pub(super) fn say(&mut self, ending: Ending) {
        self.model.error = None;
        self.ending = Some(ending.clone());
        self.queue.push_back(Step::Ended(ending));
    }
}
