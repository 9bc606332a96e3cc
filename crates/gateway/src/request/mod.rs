//! The request on its way upstream: what is read of it, and what is changed.
//!
//! 1. [`prepare`] reads it: decompressed, one JSON object, a stream or not.
//! 2. [`Outgoing`] is the request as it goes to one upstream: the client's own bytes, as long as nothing has to be changed.
//!    What is configured for the upstream is put in, and what it is known to refuse is changed.
//! 3. A refusal comes to [`Outgoing::refused`] before the client hears of it. Where it says what it does not take, the request
//!    is made anew from the client's own, with that changed as well; each such lesson changes the request, or is none.
//! 4. What was accepted is remembered for the upstream and the model: the next request goes out right at once.

mod effort;
mod encoding;
mod fields;
mod input;
mod json;
mod known;
mod learn;
mod mends;
mod roles;
mod said;
mod tools;

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use respair_client::Endpoint;
use respair_core::{RequestFacts, ResponseError};
use serde::Deserialize;

use crate::reply::Refusal;
pub(crate) use json::{Object, array, elements, quote};
use known::{Known, Memory};
pub(crate) use mends::CALL_RESTORED;
use mends::{Mends, ROLE_CHANGED};
pub use mends::{REQUEST_MENDS, RequestMend};
pub(crate) use tools::{Meant, Tools};

/// A request as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) body: Bytes,
    /// A stream was asked for.
    pub(crate) stream: bool,
    /// What the response echoes of it.
    pub(crate) facts: RequestFacts,
}

#[derive(Deserialize)]
struct Wanted {
    stream: Option<bool>,
}

/// Bodies from here on, in bytes, are read beside the thread that serves: it takes a millisecond or more.
const LARGE: usize = 256 << 10;

/// Reads the body of a request: decompressed, at most `limit` bytes (`serve.limits.body`).
pub(crate) async fn prepare(
    headers: &HeaderMap,
    body: Bytes,
    limit: usize,
) -> Result<Prepared, Refusal> {
    let body = encoding::decode(headers, body, limit).await?;
    if body.len() < LARGE {
        return read(body);
    }
    // Streams go on meanwhile, on the thread that serves them.
    let reading = tokio::task::spawn_blocking(|| read(body));
    reading.await.unwrap_or_else(|error| {
        let message = format!("the request could not be read: {error}");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Err(Refusal::new(status, "internal_error", message))
    })
}

/// What is read of a decompressed body.
fn read(body: Bytes) -> Result<Prepared, Refusal> {
    let invalid = |why: &dyn std::fmt::Display| {
        let message = format!("the request cannot be read: {why}");
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_json", message)
    };
    let facts = RequestFacts::from_json(&body).map_err(|error| invalid(&error.reason))?;
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&body);
    let wanted: Wanted = serde_json::from_slice(text).map_err(|error| invalid(&error))?;
    Ok(Prepared {
        stream: wanted.stream.unwrap_or(false),
        facts,
        body,
    })
}

/// The mends that are switched off.
#[derive(Debug, Clone, Default)]
pub(super) struct Off(Vec<String>);

impl Off {
    pub(super) fn on(&self, code: &str) -> bool {
        self.0.iter().all(|off| off != code)
    }
}

/// On what terms requests go to one upstream: what is configured, and what was learnt.
#[derive(Debug)]
pub(crate) struct Terms {
    /// Fields and their raw JSON; `None` leaves a field out.
    extra: Vec<(String, Option<String>)>,
    configured: Known,
    off: Off,
    memory: Memory,
}

impl Terms {
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let extra = endpoint.extra_body.iter().map(|(name, value)| {
            let value = (!value.is_null()).then(|| value.to_string());
            (name.clone(), value)
        });
        Self {
            extra: extra.collect(),
            configured: Known::configured(&endpoint.refused_tools),
            off: Off(endpoint.requests_without.clone()),
            memory: Memory::default(),
        }
    }
}

/// A request on its way to one upstream.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    terms: &'a Terms,
    original: Bytes,
    model: String,
    known: Known,
    /// Something was learnt that is not remembered yet.
    learnt: bool,
    /// What was changed before the upstream was asked.
    at_first: Vec<&'static str>,
    made: Made,
}

/// A request as it is sent.
#[derive(Debug, Clone)]
struct Made {
    body: Bytes,
    tools: Arc<Tools>,
    mends: Mends,
}

/// What is done about a refusal.
#[derive(Debug)]
pub(crate) enum Next {
    /// The request was changed: it may be sent again.
    Again,
    /// A tool is refused that cannot be converted and must not be left out: which, in words.
    Stuck(String),
    /// It is the client's.
    Told,
}

impl<'a> Outgoing<'a> {
    /// The request for an upstream of these terms, at this time in seconds.
    pub(crate) fn new(terms: &'a Terms, prepared: &Prepared, now: u64) -> Self {
        let model = prepared.facts.model.clone().unwrap_or_default();
        let mut known = terms.memory.of(&model, now);
        known.add(terms.configured.clone());
        let original = prepared.body.clone();
        let made = make(&original, terms, &known);
        let at_first = made.mends.list(|_| true).into_iter().map(|mend| mend.code);
        Self {
            at_first: at_first.collect(),
            terms,
            original,
            model,
            known,
            learnt: false,
            made,
        }
    }

    /// What is sent.
    pub(crate) fn body(&self) -> &Bytes {
        &self.made.body
    }

    /// What became of the tools; `None` where every function is its own.
    pub(crate) fn tools(&self) -> Option<Arc<Tools>> {
        (!self.made.tools.is_plain()).then(|| Arc::clone(&self.made.tools))
    }

    /// What was changed.
    pub(crate) fn mends(&self) -> Vec<RequestMend> {
        let known = |code: &str| code != mends::MADE_UP_ID && self.at_first.contains(&code);
        self.made.mends.list(known)
    }

    /// The upstream refused what was sent last.
    pub(crate) fn refused(&mut self, status: StatusCode, refusal: &[u8], now: u64) -> Next {
        let sent = self.made.body.clone();
        let text = std::str::from_utf8(&sent).unwrap_or_default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let memory = &self.terms.memory;
        let learnt = learn::learn(status, refusal, text, &self.known, memory);
        let Some(learnt) = learnt else {
            return match self.still_stuck(status, refusal, text) {
                Some(which) => Next::Stuck(which),
                None => Next::Told,
            };
        };
        let made = make(&self.original, self.terms, &learnt);
        if !made.tools.stuck.is_empty() && made.tools.stuck != self.made.tools.stuck {
            return Next::Stuck(made.tools.stuck.join("; "));
        }
        if made.body == sent {
            return Next::Told;
        }
        // Another reason is given now: what was learnt before was right.
        self.accepted(now);
        (self.known, self.made, self.learnt) = (learnt, made, true);
        Next::Again
    }

    /// An upstream that is known to refuse a tool refuses it once more.
    fn still_stuck(&self, status: StatusCode, refusal: &[u8], sent: &str) -> Option<String> {
        if self.made.tools.stuck.is_empty() {
            return None;
        }
        let mut forgot = self.known.clone();
        (forgot.only_functions, forgot.tools) = (false, Default::default());
        let again = learn::learn(status, refusal, sent, &forgot, &self.terms.memory)?;
        let tools = again.only_functions || !again.tools.is_empty();
        tools.then(|| self.made.tools.stuck.join("; "))
    }

    /// The upstream took what was sent last.
    pub(crate) fn accepted(&mut self, now: u64) {
        if !std::mem::take(&mut self.learnt) {
            // What was learnt before is believed from then on, not from each time that it is used.
            return;
        }
        let mut learnt = self.known.clone();
        for kind in &self.terms.configured.tools {
            learnt.tools.remove(kind);
        }
        self.terms.memory.learn(&self.model, &learnt, now);
    }
}

/// The body of a refusal that an error within a stream stands for.
pub(crate) fn refusal_of(error: &ResponseError) -> Bytes {
    said::refusal_of(error).into()
}

/// The client's request as it goes to an upstream of which this is known.
fn make(original: &Bytes, terms: &Terms, known: &Known) -> Made {
    let mut made = Made {
        body: original.clone(),
        tools: Arc::default(),
        mends: Mends::default(),
    };
    let Ok(text) = std::str::from_utf8(original) else {
        return made;
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let made_up = text.contains("_respair_");
    if terms.extra.is_empty() && *known == Known::default() && !made_up {
        return made;
    }
    let Some(mut body) = Object::parse(text) else {
        return made;
    };
    for (name, value) in &terms.extra {
        match value {
            Some(value) => body.set(name, value.clone()),
            None => drop(body.remove(name)),
        }
    }
    let (off, mends) = (&terms.off, &mut made.mends);
    fields::change(&mut body, known, off, mends);
    effort_of(&mut body, known, off, mends);
    let tools = tools::convert(&mut body, known, off, mends);
    input::change(&mut body, known, off, &tools, &terms.memory, mends);
    if off.on(ROLE_CHANGED) {
        roles::change(&mut body, known, mends);
    }
    made.tools = Arc::new(tools);
    if !terms.extra.is_empty() || !made.mends.is_empty() {
        made.body = body.to_string().into();
    }
    made
}

fn effort_of(body: &mut Object<'_>, known: &Known, off: &Off, mends: &mut Mends) {
    if off.on(mends::EFFORT_CLAMPED) {
        effort::clamp(body, known, mends);
    }
}

/// Whether a text is one JSON object.
fn is_json_object(text: &str) -> bool {
    Object::parse(text).is_some()
}

#[cfg(test)]
mod tests;
