//! The signals that end a command, and how it hears of them.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

#[cfg(unix)]
use crate::inherited;
use crate::term;

/// Ctrl-C, and the polite request to end.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    quit: Option<Signal>,
    #[cfg(unix)]
    hangup: Option<Signal>,
}

impl Signals {
    /// From here on signals no longer end the process by themselves.
    #[cfg(unix)]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: None,
            hangup: None,
        })
    }

    /// The same for who starts processes, which lead sessions of their own and hear nothing of it: also Ctrl-\, and a terminal
    /// that goes away, unless `nohup` says that it may.
    #[cfg(unix)]
    pub(crate) fn with_processes() -> io::Result<Self> {
        let hangup = !inherited::is_ignored(rustix::process::Signal::HUP);
        Ok(Self {
            quit: Some(signal(SignalKind::quit())?),
            hangup: hangup.then(|| signal(SignalKind::hangup())).transpose()?,
            ..Self::new()?
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(crate) fn with_processes() -> io::Result<Self> {
        Self::new()
    }

    /// The next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = some(&mut self.quit) => {}
            () = some(&mut self.hangup) => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Resolves when a signal comes that is listened for.
#[cfg(unix)]
pub(crate) async fn some(signal: &mut Option<Signal>) {
    let came = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if came.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Signals that are listened for, or the exit code, with the reason told.
pub(crate) fn heard(signals: io::Result<Signals>) -> Result<Signals, u8> {
    signals.map_err(|error| {
        let system = term::system(&error);
        term::error(&format!("signals cannot be handled: {system}"));
        1
    })
}
