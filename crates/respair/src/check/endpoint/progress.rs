//! What is under way, on one line of a terminal that goes when it is over. Nothing where standard error is none.

use std::io::Write as _;
use std::time::Instant;

use respair_client::probe::{self, Probe};

use super::super::terminal::grouped;
use crate::term::{self, DIM};

/// Erases the line.
const ERASE: &str = "\r\x1b[K";

/// The line.
pub(super) struct Progress {
    shown: bool,
    all: usize,
    number: usize,
    name: &'static str,
    /// What came so far.
    state: String,
    begun: Instant,
}

impl Progress {
    pub(super) fn new(quiet: bool, all: usize) -> Self {
        Self {
            shown: !quiet && term::stderr_is_terminal(),
            all,
            number: 0,
            name: "",
            state: String::new(),
            begun: Instant::now(),
        }
    }

    /// The next request.
    pub(super) fn begin(&mut self, probe: Probe) {
        self.number += 1;
        self.name = probe.name();
        "waiting for the answer".clone_into(&mut self.state);
        self.begun = Instant::now();
        self.show();
    }

    /// Something came.
    pub(super) fn on(&mut self, seen: probe::Progress) {
        self.state = match seen {
            probe::Progress::Head(status) => format!("HTTP {status}"),
            probe::Progress::Bytes(bytes) => format!("{} bytes", grouped(bytes as u64)),
            _ => return,
        };
        self.show();
    }

    /// A second passed.
    pub(super) fn tick(&mut self) {
        self.show();
    }

    fn show(&self) {
        if !self.shown {
            return;
        }
        let seconds = self.begun.elapsed().as_secs();
        let since = match seconds {
            0 => String::new(),
            n => format!(", {n} s"),
        };
        let (number, all, name, state) = (self.number, self.all, self.name, &self.state);
        // Nothing is left to do when standard error is gone.
        let _ = write!(
            std::io::stderr(),
            "{ERASE}{name} {}({number} of {all}){} {state}{since}",
            styled(DIM.render()),
            styled(DIM.render_reset()),
        );
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "{ERASE}");
        }
    }
}

/// A style where colours are wanted: the line goes past what would strip it, since erasing is no colour.
fn styled(style: impl std::fmt::Display) -> String {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => String::new(),
        _ => style.to_string(),
    }
}
