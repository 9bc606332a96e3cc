//! What comes from outside while the conversation lasts.

use std::io;

use super::tty::{self, Mode};
#[cfg(unix)]
use crate::{inherited, run::some};

/// A signal that the conversation is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Ctrl-C: what runs is to stop.
    Interrupt,
    /// The process is to end, or its terminal went away.
    End,
}

/// From here on signals no longer act by themselves.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// Ctrl-\: what was started is not left behind, nor the terminal as it is now.
    #[cfg(unix)]
    quit: tokio::signal::unix::Signal,
    /// `nohup` is left alone.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
    /// The terminal went away, whether or not that is a signal.
    #[cfg(unix)]
    gone: Option<tokio::sync::oneshot::Receiver<()>>,
    /// Ctrl-Z, where the terminal's settings are to be put back first.
    #[cfg(unix)]
    stop: Option<tokio::signal::unix::Signal>,
    /// The terminal, where it is drawn on.
    #[cfg_attr(not(unix), allow(dead_code))]
    mode: Option<Mode>,
}

impl Signals {
    /// `terminal`: standard input is one. `mode`: it is drawn on.
    #[cfg(unix)]
    pub(super) fn new(terminal: bool, mode: Option<Mode>) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let stop = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
        let hangup = terminal || !inherited::is_ignored(rustix::process::Signal::HUP);
        let hangup = hangup.then(SignalKind::hangup).map(signal).transpose()?;
        let stop = mode.as_ref().map(|_| signal(stop)).transpose()?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hangup,
            gone: terminal.then(tty::gone),
            stop,
            mode,
        })
    }

    #[cfg(not(unix))]
    pub(super) fn new(_: bool, mode: Option<Mode>) -> io::Result<Self> {
        Ok(Self { mode })
    }

    /// The next one. Ctrl-Z stops the process here, and is no signal to anybody else.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> Signal {
        loop {
            tokio::select! {
                biased;
                _ = self.terminate.recv() => return Signal::End,
                _ = self.quit.recv() => return Signal::End,
                () = some(&mut self.hangup) => return Signal::End,
                () = gone(&mut self.gone) => return Signal::End,
                _ = self.interrupt.recv() => return Signal::Interrupt,
                () = some(&mut self.stop) => self.mode.iter().for_each(Mode::suspend),
            }
        }
    }

    /// Ctrl-Z where it is a key: stops the process and whoever runs it, until it is woken.
    #[cfg(unix)]
    pub(super) async fn suspend(&mut self) {
        let stop = rustix::process::Signal::TSTP;
        if rustix::process::kill_current_process_group(stop).is_ok() {
            some(&mut self.stop).await;
            self.mode.iter().for_each(Mode::suspend);
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn suspend(&mut self) {}

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}

/// Resolves once.
#[cfg(unix)]
async fn gone(gone: &mut Option<tokio::sync::oneshot::Receiver<()>>) {
    let went = match gone {
        Some(gone) => gone.await.is_ok(),
        None => false,
    };
    *gone = None;
    if !went {
        std::future::pending::<()>().await;
    }
}
