//! What came instead of a stream, and what can still be made of it: a whole JSON response is given out as the stream
//! that it stands for (DEVIATIONS 6.8); chat-completion chunks are refused as soon as the first one is seen.

use crate::ending::{NoStream, NoStreamKind, ResponseError};
use crate::event::{Event, EventKind};
use crate::json::{self, Object};
use crate::rules::{self, Finding};
use crate::sse::Frame;
use crate::violation::{Profile, Severity, Violation};

use super::{Ending, Mode, Reader, Refusal, Step, span_of};

impl Reader {
    /// The body is no event stream, as its bytes from `at.0` to `at.1` tell.
    pub(super) fn conclude_without_stream(&mut self, kind: NoStreamKind, at: (u64, u64)) {
        let found = self.sniffer.describe(kind);
        self.clean = false;
        if self.without.contains(&found.kind.code()) {
            // Nothing is said of it, and nothing is written in its place.
            return self.say(Ending::NoStream(found));
        }
        let message = message_of(found.kind);
        let violation = Violation {
            code: found.kind.code(),
            severity: Severity::Violation,
            message: message.to_owned(),
            event: 0,
            byte_start: at.0,
            byte_end: at.1,
        };
        let known = self
            .ledger
            .violations()
            .iter()
            .any(|known| known.code == violation.code);
        if !known {
            self.ledger.push(violation.clone());
        }
        let unfolds = found.kind == NoStreamKind::JsonResponse;
        match (unfolds, self.mode) {
            (true, Mode::Strict) => {
                self.refused = Some(Refusal::Body);
                self.queue.push_back(Step::Refused(violation));
            }
            (true, Mode::Tolerant) => self.unfold(),
            (false, _) => self.refuse_body(found, message),
        }
    }

    fn refuse_body(&mut self, found: NoStream, message: &str) {
        let code = found.kind.code();
        let error = found
            .error
            .clone()
            .unwrap_or_else(|| ResponseError::local(code.as_str(), message));
        if self.mode == Mode::Tolerant {
            self.model.fail(&error, self.demands(), &mut self.sink);
            self.report_filled();
            self.ledger.repaired(code, 0);
            self.queue.extend(self.sink.drain(..).map(Step::Event));
        }
        self.say(Ending::NoStream(found));
    }

    /// Gives the response out as one lifecycle: what it holds is streamed, what it does not is not made up.
    fn unfold(&mut self) {
        self.ledger.repaired(rules::JSON_INSTEAD_OF_SSE.code, 0);
        let text = self.sniffer.text();
        let text = text.trim_start_matches('\u{feff}').trim();
        let response = Object::parse(text).unwrap_or_default();
        let kind = match response.string("status").as_deref() {
            Some("completed") => EventKind::Completed,
            Some("incomplete") => EventKind::Incomplete,
            Some("failed" | "cancelled") => EventKind::Failed,
            _ => EventKind::ResponseDone,
        };
        // A line break in JSON is a blank, except within a string, where it cannot stand.
        let line = text.replace(['\n', '\r'], " ");
        let data = format!(
            r#"{{"type":{},"response":{line}}}"#,
            json::quote(kind.name())
        );
        let event = Event::read(Frame::compose(kind.name(), data.as_bytes()));
        let profile = match self.profile {
            Profile::OpenResponses => Profile::OpenResponses,
            Profile::OpenAiSdk | Profile::Portable => Profile::Portable,
        };
        let (findings, place) = self.model.look(&event, profile, &[]);
        let of_object: Vec<Finding> = findings
            .iter()
            // Under `open-responses` each field that was filled is reported by itself.
            .filter(|finding| profile == Profile::Portable && is_of_the_object(finding))
            .cloned()
            .collect();
        self.note(&of_object, (0, self.bytes_in()));
        self.model
            .take_in(event, place, &findings, profile, &[], &mut self.sink);
        self.give_out();
    }

    /// Whether the stream is of another API, as its first event tells.
    pub(super) fn is_of_chat_completions(&self, event: &Event) -> bool {
        if self.is_off(&rules::CHAT_COMPLETION_CHUNKS) {
            return false;
        }
        if self.model.created || self.position > 0 || event.kind() != EventKind::Unknown {
            return false;
        }
        Object::parse(event.data()).is_some_and(|chunk| {
            chunk.get("type").is_none()
                && chunk.string("object").as_deref() == Some("chat.completion.chunk")
        })
    }

    /// Translating chunks would make up ids, items and an ending: they are refused (`chat-completion-chunks`).
    pub(super) fn refuse_chat_completions(&mut self, event: &Event) {
        self.sniffer
            .declare(NoStreamKind::ChatCompletions, event.data());
        self.conclude_without_stream(NoStreamKind::ChatCompletions, span_of(event));
    }
}

/// Whether a finding is about the response itself, and not about the stream that is made of it.
fn is_of_the_object(finding: &Finding) -> bool {
    const BEGINNINGS: [&str; 3] = ["response-fields", "response-id", "usage-"];
    let code = finding.rule.code.as_str();
    finding.is_violation()
        && BEGINNINGS
            .iter()
            .any(|beginning| code.starts_with(beginning))
}

fn message_of(kind: NoStreamKind) -> &'static str {
    match kind {
        NoStreamKind::JsonResponse => {
            "the upstream answered with one whole JSON response although a stream was asked for"
        }
        NoStreamKind::JsonError | NoStreamKind::Json => {
            "the upstream answered with JSON instead of a stream"
        }
        NoStreamKind::Html => "the upstream answered with HTML instead of a stream",
        NoStreamKind::Prose => "the upstream answered with text that is no event stream",
        NoStreamKind::ChatCompletions => {
            "the upstream answered with Chat Completions chunks instead of Responses events"
        }
    }
}
