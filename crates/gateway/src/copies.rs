//! Copies of what passes, where somebody asked for them: records (`serve.record`) and bodies in the log (`--log-bodies`). In
//! both no key stands, neither a configured one nor the client's own where that goes upstream.

use bytes::Bytes;
use hyper::header::HeaderMap;
use respair_client::wire::Redactor;

use crate::gateway::Shared;
use crate::recorder::{Side, Tap};
use crate::upstream::Ready;

/// Bytes of each body that are logged. A log is read by people; records hold the whole.
const LOGGED: usize = 64 << 10;

/// Where clients put keys.
const KEYS: [&str; 3] = ["authorization", "x-api-key", "api-key"];

/// The bodies of one request, as they are logged: without keys, at most 64 KiB each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bodies {
    /// What the client sent, decompressed.
    pub request: String,
    /// What was sent to the client.
    pub answer: String,
}

/// The copies of one request.
#[derive(Default)]
pub(crate) struct Copies {
    tap: Option<Tap>,
    logged: Option<Box<Logged>>,
}

struct Logged {
    redactor: Redactor,
    request: Cut,
    answer: Cut,
}

/// The beginning of a body.
#[derive(Default)]
struct Cut {
    bytes: Vec<u8>,
    length: usize,
}

impl Cut {
    fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let room = LOGGED - self.bytes.len();
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn text(&self, redactor: &Redactor) -> String {
        let mut text = redactor.text(&String::from_utf8_lossy(&self.bytes));
        if self.length > self.bytes.len() {
            text.push_str(&format!("… ({} bytes)", self.length));
        }
        text
    }
}

impl Copies {
    /// Begins them, where they are wanted.
    pub(crate) fn begin(
        shared: &Shared,
        id: &str,
        upstream: &Ready,
        headers: &HeaderMap,
        (request, stream): (&Bytes, bool),
    ) -> Self {
        if shared.recorder.is_none() && !shared.log_bodies {
            return Self::default();
        }
        let redactor = redactor(upstream, headers);
        let unix = shared.clock.unix();
        let recorder = shared.recorder.as_ref();
        let tap = recorder.and_then(|to| to.begin(id, unix, stream, redactor.clone()));
        let logged = shared.log_bodies.then(|| {
            let mut logged = Logged {
                redactor,
                request: Cut::default(),
                answer: Cut::default(),
            };
            logged.request.push(request);
            Box::new(logged)
        });
        Self { tap, logged }
    }

    /// Somebody wants them: what passes should come as it is.
    pub(crate) fn are_wanted(&self) -> bool {
        self.tap.is_some() || self.logged.is_some()
    }

    /// For what the upstream sends.
    pub(crate) fn tap(&self) -> Option<Tap> {
        self.tap.clone()
    }

    /// Bytes of a body go to the client.
    pub(crate) fn sent(&mut self, bytes: &Bytes) {
        if let Some(tap) = &self.tap {
            tap.bytes(Side::Client, bytes);
        }
        if let Some(logged) = &mut self.logged {
            logged.answer.push(bytes);
        }
    }

    /// Bytes are passed on as they come.
    pub(crate) fn passed(&mut self, bytes: &Bytes) {
        if let Some(tap) = &self.tap {
            tap.bytes(Side::Upstream, bytes);
        }
        self.sent(bytes);
    }

    /// An answer that is no stream goes to the client.
    pub(crate) fn answered(&mut self, status: u16, body: &[u8]) {
        if let Some(tap) = &self.tap {
            tap.answer(Side::Client, status, body);
        }
        if let Some(logged) = &mut self.logged {
            logged.answer.push(body);
        }
    }

    /// What is logged of them.
    pub(crate) fn bodies(&mut self) -> Option<Bodies> {
        let logged = self.logged.take()?;
        Some(Bodies {
            request: logged.request.text(&logged.redactor),
            answer: logged.answer.text(&logged.redactor),
        })
    }
}

/// Everything that must not be seen: what is configured, and the client's own key where no configured one replaces it.
fn redactor(upstream: &Ready, headers: &HeaderMap) -> Redactor {
    let own = KEYS
        .into_iter()
        .filter(|name| !upstream.headers.contains_key(*name))
        .flat_map(|name| headers.get_all(name))
        .filter_map(|value| value.to_str().ok());
    // `Bearer TOKEN`: upstreams echo the token alone.
    own.filter_map(|value| value.split_whitespace().last())
        .fold(upstream.redactor.clone(), Redactor::with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bodies_are_cut_and_say_so() {
        let mut cut = Cut::default();
        for _ in 0..5 {
            cut.push(&[b'x'; 20_000]);
        }
        let text = cut.text(&Redactor::default());
        assert_eq!(text.matches('x').count(), LOGGED);
        assert!(text.ends_with("… (100000 bytes)"));
    }
}
