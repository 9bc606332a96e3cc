//! One whole JSON response, for a client that did not ask for a stream.
//!
//! The upstream's JSON is read by the same rules as a stream, and where nothing had to be mended it goes on byte for byte. A
//! stream that came instead is folded (DEVIATIONS 6.7): its terminal event holds the response, mended like any other, and
//! without one there is no response.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use respair_core::{Class, EndOfBody, Ending, ErrorSource, Field, Reader, Repair, ResponseError};
use serde::Deserialize;

use super::Turn;
use super::failure::Failure;
use super::reading::{Came, Reading};
use super::stream::{finish_of, tokens};
use crate::ongoing::Ongoing;
use crate::reply::{Body, whole};
use crate::{Finish, headers};

/// What a JSON response is not mended for: it is what was asked for.
const NO_DEVIATION: &str = "json-instead-of-sse";

/// A whole response.
pub(super) struct Folded {
    headers: HeaderMap,
    body: Bytes,
    /// It says of itself that it failed, for this reason.
    pub(super) failed: Option<ResponseError>,
}

#[derive(Deserialize)]
struct Status {
    status: Option<String>,
    object: Option<String>,
}

/// Reads an answer to its end.
pub(super) async fn fold(
    turn: &Turn<'_>,
    mut reading: Reading,
    headers: HeaderMap,
    ongoing: &mut Ongoing,
) -> Result<Folded, Failure> {
    let mut terminal = None;
    let mut ending = None;
    ongoing.record.events = 0;
    while let Some(came) = reading.next().await {
        if reading.began {
            ongoing.first_byte();
        }
        match came {
            Came::Event(event) => {
                ongoing.record.events += u64::from(event.counts());
                if event.kind().class() == Class::Terminal {
                    ongoing.record.tokens = tokens(&event);
                    terminal = event.field(Field::Response).map(str::to_owned);
                }
            }
            Came::Due => {}
            Came::Ended(how) => {
                ending = Some(how);
                // A stream ends at its terminal event; what follows is not waited for.
                break;
            }
        }
    }
    let ending = ending.unwrap_or(Ending::Empty {
        cause: EndOfBody::Eof,
    });
    let json = reading.kept();
    ongoing.record.note_restored(reading.calls_restored());
    let restore = reading.restore.take();
    let why = reading.why.take();
    let repairs = repairs(&reading.reader, json.is_some());
    reading.leave();
    if let Some(json) = json {
        let said: Option<Status> =
            serde_json::from_slice(json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&json)).ok();
        let status = said.as_ref().and_then(|said| said.status.as_deref());
        // A background response that is not done yet, or never will be, is no broken one.
        let under_way = matches!(status, Some("queued" | "in_progress" | "cancelled"));
        // A response that says of itself that it failed is the answer to the request.
        let failed = said
            .as_ref()
            .is_some_and(|said| said.object.as_deref() == Some("response"))
            && status == Some("failed");
        let whole = matches!(ending, Ending::Completed { .. } | Ending::Incomplete { .. });
        let same = terminal
            .as_deref()
            .is_some_and(|mended| is_same(&json, mended));
        if under_way || (whole || failed) && same {
            ongoing.record.finish = if under_way {
                Finish::Passed
            } else {
                finish_of(&ending)
            };
            ongoing.record.events = 0;
            // Calls of one that is under way are given back as well.
            let text = std::str::from_utf8(&json).ok().filter(|_| under_way);
            let theirs = text
                .zip(restore)
                .and_then(|(text, restore)| restore.whole(text, false));
            return Ok(Folded {
                headers,
                body: theirs.map_or(json, Into::into),
                failed: error_of(ending),
            });
        }
        let theirs =
            matches!(&ending, Ending::Failed(error) if error.source == ErrorSource::Upstream);
        if failed
            && theirs
            && let Some(response) = terminal
        {
            ongoing.record.finish = Finish::Failed;
            ongoing.record.repairs = repairs;
            return Ok(Folded {
                headers,
                body: response.into(),
                failed: error_of(ending),
            });
        }
    }
    ongoing.record.repairs = repairs;
    match (&ending, terminal) {
        (Ending::Completed { .. } | Ending::Incomplete { .. }, Some(response)) => {
            ongoing.record.finish = finish_of(&ending);
            Ok(Folded {
                headers,
                body: response.into(),
                failed: None,
            })
        }
        _ => Err(Failure::of_ending(
            &ending,
            why.as_deref(),
            &turn.upstream.redactor,
        )),
    }
}

fn error_of(ending: Ending) -> Option<ResponseError> {
    match ending {
        Ending::Failed(error) if error.source == ErrorSource::Upstream => Some(error),
        _ => None,
    }
}

/// Whether nothing of the body had to be mended. Line breaks were read as blanks.
fn is_same(body: &[u8], mended: &str) -> bool {
    let body = body
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(body)
        .trim_ascii();
    let blank = |byte: &u8| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            *byte
        }
    };
    body.iter().map(blank).eq(mended.bytes())
}

fn repairs(reader: &Reader, json: bool) -> Vec<Repair> {
    let counted = |repair: &&Repair| !json || repair.code.as_str() != NO_DEVIATION;
    reader.repairs().iter().filter(counted).cloned().collect()
}

impl Folded {
    pub(super) fn response(self, mut ongoing: Ongoing) -> Response<Body> {
        ongoing.record.bytes = self.body.len() as u64;
        ongoing.copies.sent(&self.body);
        let mut response = Response::new(whole(self.body));
        *response.status_mut() = StatusCode::OK;
        *response.headers_mut() = headers::downstream_of_read(&self.headers);
        response
            .headers_mut()
            .extend(headers::told(&ongoing.record));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers::say_mends(response.headers_mut(), &ongoing.record.request);
        ongoing.told(response)
    }
}
