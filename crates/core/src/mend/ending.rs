//! The end of a stream that has no terminal of the upstream's own.

use crate::ending::ResponseError;
use crate::event::{Event, EventKind};
use crate::json::{self, quote};
use crate::model::Model;
use crate::sse::Frame;

use super::Mend;

/// An error object as raw JSON: `code` and `message`, and what else the upstream said.
pub(crate) fn error_object(error: &ResponseError) -> String {
    let code = error
        .code
        .clone()
        .or_else(|| error.kind.clone())
        .unwrap_or_else(|| "server_error".to_owned());
    let mut fields = format!(
        r#"{{"code":{},"message":{}"#,
        quote(&code),
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
    /// Ends a stream that the upstream did not end: `created` if it is missing, then `response.failed` with this
    /// error. The items that were done stay in its `output`; nothing that is open is closed.
    pub(crate) fn fail(&mut self, error: &ResponseError, sink: &mut Vec<Event>) {
        let nothing = Event::read(Frame::comment(""));
        let mut mend = Mend::new(self, &nothing, EventKind::Comment, None, None, sink);
        mend.ensure_created(None);
        let output = json::array(mend.model.slots.output(None));
        let response = mend.build_response("failed", &output, Some(&error_object(error)));
        mend.make(EventKind::Failed, &format!(r#""response":{response}"#));
        self.terminal = Some(EventKind::Failed);
    }
}
