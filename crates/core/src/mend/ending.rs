//! The end of a stream that has no terminal of the upstream's own.

use crate::ending::ResponseError;
use crate::event::{Event, EventKind};
use crate::json::{self, quote};
use crate::model::{Model, Place};
use crate::slots::Slot;
use crate::sse::Frame;
use crate::violation::Profile;

use super::Mend;

/// The error's code; its type where it has none.
pub(crate) fn error_code(error: &ResponseError) -> &str {
    error
        .code
        .as_deref()
        .or(error.kind.as_deref())
        .unwrap_or("server_error")
}

/// An error object as raw JSON: `code` and `message`, and what else the upstream said.
pub(crate) fn error_object(error: &ResponseError) -> String {
    let code = error_code(error);
    let mut fields = format!(
        r#"{{"code":{},"message":{}"#,
        quote(code),
        quote(&error.message)
    );
    for (key, value) in [("type", &error.kind), ("param", &error.param)] {
        if let Some(value) = value {
            fields.push_str(&format!(",{}:{}", quote(key), quote(value)));
        }
    }
    fields.push('}');
    fields
}

impl Model {
    /// The stream was cut: the texts that wait to be said again are sent.
    pub(crate) fn show_what_waits(&mut self, profile: Profile, sink: &mut Vec<Event>) {
        if self.slots.list.iter().any(Slot::has_seed) {
            self.mend_nothing(profile, sink, |mend| mend.send_all_seeds());
        }
    }

    /// Works on the stream while no event is in hand.
    fn mend_nothing(
        &mut self,
        profile: Profile,
        sink: &mut Vec<Event>,
        work: impl FnOnce(&mut Mend<'_>),
    ) {
        let nothing = Event::read(Frame::comment(""));
        let place = Place {
            kind: EventKind::Comment,
            slot: None,
            part: None,
        };
        work(&mut Mend::new(
            self, &nothing, &nothing, place, profile, sink,
        ));
    }

    /// Gives out `response.in_progress` with everything that was delivered so far.
    pub(crate) fn beat(&mut self, profile: Profile, sink: &mut Vec<Event>) {
        self.mend_nothing(profile, sink, |mend| {
            let output = json::array(mend.model.slots.output(Some("in_progress")));
            let response = mend.build_response("in_progress", &output, None);
            mend.make(EventKind::InProgress, &format!(r#""response":{response}"#));
        });
    }

    /// Ends a stream that the upstream did not end: `created` if it is missing, then `response.failed` with this
    /// error. The items that were done stay in its `output`; nothing that is open is closed.
    pub(crate) fn fail(&mut self, error: &ResponseError, profile: Profile, sink: &mut Vec<Event>) {
        self.mend_nothing(profile, sink, |mend| {
            mend.ensure_created(None);
            mend.send_all_seeds();
            let output = json::array(mend.model.slots.output(None));
            let response = mend.build_response("failed", &output, Some(&error_object(error)));
            mend.make(EventKind::Failed, &format!(r#""response":{response}"#));
        });
        self.terminal = Some(EventKind::Failed);
    }
}
