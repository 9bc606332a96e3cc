//! What stands below a turn, for whoever forwards requests instead of making them: the gateway.
//!
//! A [`Client`](crate::Client) reads an answer to the end and tells what it was; a gateway has a client of its own behind it and
//! sends the answer on. Both connect, decode, wait, retry and redact in the same way, so these are the same functions.

pub use crate::body::Body;
pub use crate::closing::{drain_rest, from_upstream, no_stream};
pub use crate::http_error::{BODY_LIMIT, BODY_PATIENCE, one_line, quoted, read as read_refusal};
pub use crate::reading::carries_on;
pub use crate::recovery::{Happened, LONGEST_WAIT, Next, Policy, Progress, Stop, Wait, decide};
pub use crate::redact::Redactor;
pub use crate::refused_field::find as refused_field;
pub use crate::request::headers;
pub use crate::retry::{asked, backoff, spell, status_verdict};
pub use crate::trace::TraceBody;
pub use crate::transport::{Break, body_error, build, error as transport_error};
pub use crate::watch::Watch;
