//! `-v`: what the crates log, one line each, on standard error.
//!
//! Sixty lines in place of tracing-subscriber and the four crates it needs: no spans, no filters by target, no colours. Only
//! this project's own crates are heard: what libraries below log may hold addresses with keys in them.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Instant;

use tokio::sync::mpsc::WeakSender;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::run::Show;

/// Turns logging on: `-v` for what happens, `-vv` for every event.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    // It fails only when one was set before, which then stays.
    let _ = tracing::subscriber::set_global_default(Log {
        level,
        since: Instant::now(),
    });
}

/// Where a turn is shown.
static SCREEN: OnceLock<WeakSender<Show>> = OnceLock::new();

/// From here on lines go through the screen, as long as there is one: on a terminal the answer's line may be open, and only
/// the screen knows.
pub(crate) fn through(screen: WeakSender<Show>) {
    // A process shows one turn.
    let _ = SCREEN.set(screen);
}

struct Log {
    level: Level,
    since: Instant,
}

impl Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() <= self.level
            && metadata.target().starts_with("respair")
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let at = self.since.elapsed().as_secs_f64();
        let level = event.metadata().level();
        let line = format!("{at:8.3}s {level:5} {}", crate::term::one_line(&line.0));
        let screen = SCREEN.get().and_then(WeakSender::upgrade);
        if screen.is_some_and(|screen| screen.try_send(Show::Plain(line.clone())).is_ok()) {
            return;
        }
        // Nothing is left to do when standard error is gone.
        let _ = writeln!(crate::term::stderr(), "{line}");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// `message key=value key=value`.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" if self.0.is_empty() => write!(self.0, "{value:?}"),
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
