//! Who decides what a request is answered.

use super::request::Request;
use crate::script::Script;

/// What decides the answer to a request for a response.
///
/// Implemented by a [`Script`] (always the same), by a sequence of them (the first request gets the
/// first, the last repeats), and by functions of the [`Request`].
pub trait Answer: Send + Sync + 'static {
    /// The script for this request; `request.number` says which it is, from 0.
    fn answer(&self, request: &Request) -> Script;

    /// The script for a request for anything else; `None` for the relay's own answer: a list of one
    /// model for `GET …/models`, 404 for the rest.
    fn other(&self, _: &Request) -> Option<Script> {
        None
    }
}

impl Answer for Script {
    fn answer(&self, _: &Request) -> Script {
        self.clone()
    }
}

impl Answer for Vec<Script> {
    fn answer(&self, request: &Request) -> Script {
        nth(self, request.number)
    }
}

impl<const N: usize> Answer for [Script; N] {
    fn answer(&self, request: &Request) -> Script {
        nth(self, request.number)
    }
}

impl<F: Fn(&Request) -> Script + Send + Sync + 'static> Answer for F {
    fn answer(&self, request: &Request) -> Script {
        self(request)
    }
}

fn nth(scripts: &[Script], number: usize) -> Script {
    let script = scripts.get(number).or(scripts.last());
    script
        .cloned()
        .unwrap_or_else(|| Script::error(500, "server_error", None, "The relay has no script."))
}
