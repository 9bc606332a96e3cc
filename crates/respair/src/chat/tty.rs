//! The terminal's own settings: what is typed is neither echoed nor kept back until the line ends, for as long as the
//! conversation lasts; Ctrl-C and Ctrl-Z stay signals.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::term;

/// The terminal when its size cannot be told.
const DEFAULT: (usize, usize) = (80, 24);

/// How often the process was stopped and woken again: what was drawn before is not where it was.
static WOKEN: AtomicU64 = AtomicU64::new(0);

/// Columns and rows.
pub(super) fn size() -> (usize, usize) {
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns > 0 && rows > 0 => (columns.into(), rows.into()),
        _ => DEFAULT,
    }
}

/// Whether the conversation can be drawn: everything is one terminal, and one that can move its cursor.
pub(super) fn draws() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    !dumb && io::stdin().is_terminal() && term::stdout_is_terminal() && term::stderr_is_terminal()
}

/// How often the process was woken.
pub(super) fn woken() -> u64 {
    WOKEN.load(Ordering::Relaxed)
}

/// Puts the terminal back as it was when it is dropped.
pub(super) struct Mode {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Mode {
    /// Takes the terminal.
    #[cfg(unix)]
    pub(super) fn take() -> Self {
        use rustix::termios::{InputModes, LocalModes, SpecialCodeIndex, tcgetattr};
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut now = before.clone();
            now.local_modes
                .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL);
            // Enter that is pressed as a turn ends is read by the line editor, to which a newline is Ctrl-J.
            now.input_modes.remove(InputModes::ICRNL);
            now.special_codes[SpecialCodeIndex::VMIN] = 1;
            now.special_codes[SpecialCodeIndex::VTIME] = 0;
            set(&now);
        }
        let _ = crossterm::execute!(io::stdout(), crossterm::event::EnableBracketedPaste);
        Self { before }
    }

    /// Takes the terminal.
    #[cfg(not(unix))]
    pub(super) fn take() -> Self {
        Self {}
    }

    /// Stops the process as Ctrl-Z does, with the terminal as it was before; gives back when it is woken.
    #[cfg(unix)]
    pub(super) fn suspend(&self) {
        use nix::unistd::{getpgrp, getsid};
        use rustix::process::{Signal, getpid, kill_process};
        // A group that nobody could wake is not stopped (POSIX: SIGTSTP in an orphaned process group). Both are 0, which
        // rustix does not take, where they were begun outside of our process namespace: nobody here would wake it either.
        if getsid(None) == Ok(getpgrp()) {
            return;
        }
        let now = rustix::termios::tcgetattr(io::stdin()).ok();
        self.before.iter().for_each(set);
        let _ = kill_process(getpid(), Signal::STOP);
        now.iter().for_each(set);
        let _ = crossterm::execute!(io::stdout(), crossterm::event::EnableBracketedPaste);
        WOKEN.fetch_add(1, Ordering::Relaxed);
        // The line editor draws itself anew when the size changes, which it may have.
        let _ = kill_process(getpid(), Signal::WINCH);
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        #[cfg(unix)]
        self.before.iter().for_each(set);
    }
}

/// At once: a terminal that takes nothing would be waited for. One that refuses it still works, less well.
#[cfg(unix)]
fn set(mode: &rustix::termios::Termios) {
    let now = rustix::termios::OptionalActions::Now;
    let _ = rustix::termios::tcsetattr(io::stdin(), now, mode);
}

/// A thread that waits until the terminal goes away, which is not always a signal: whoever reads from it would then read
/// nothing for ever.
#[cfg(unix)]
pub(super) fn gone() -> tokio::sync::oneshot::Receiver<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let (sender, gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let input = io::stdin();
        loop {
            // No event is asked for: an end and an error are told in any case.
            let mut watched = [PollFd::new(&input, PollFlags::empty())];
            match poll(&mut watched, None) {
                Err(rustix::io::Errno::INTR) => continue,
                // Nothing can be told.
                Err(_) => return,
                Ok(_) => {}
            }
            if watched[0]
                .revents()
                .intersects(PollFlags::HUP | PollFlags::ERR)
            {
                let _ = sender.send(());
            }
            return;
        }
    });
    gone
}

/// Undoes what was switched on, on a terminal that still takes something.
pub(super) fn leave() {
    let mut out = io::stdout();
    let _ = crossterm::execute!(out, crossterm::event::DisableBracketedPaste);
    let _ = out.flush();
}
