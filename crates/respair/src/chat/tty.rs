//! The terminal's own settings: what is typed is neither echoed nor kept back until the line ends, for as long as the
//! conversation lasts; Ctrl-C stays a signal.

use std::io::{self, IsTerminal as _, Write as _};

use crate::term;

/// The terminal when its size cannot be told.
const DEFAULT: (usize, usize) = (80, 24);

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

/// Puts the terminal back as it was when it is dropped.
pub(super) struct Mode {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Mode {
    /// Takes the terminal.
    #[cfg(unix)]
    pub(super) fn take() -> Self {
        use rustix::termios::{
            LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr,
        };
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut now = before.clone();
            now.local_modes
                .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL);
            now.special_codes[SpecialCodeIndex::VMIN] = 1;
            now.special_codes[SpecialCodeIndex::VTIME] = 0;
            // A terminal that refuses it still works, less well.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &now);
        }
        let _ = crossterm::execute!(io::stdout(), crossterm::event::EnableBracketedPaste);
        Self { before }
    }

    /// Takes the terminal.
    #[cfg(not(unix))]
    pub(super) fn take() -> Self {
        Self {}
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            // At once: a terminal that takes nothing would be waited for.
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(io::stdin(), now, before);
        }
    }
}

/// Undoes what was switched on, on a terminal that still takes something.
pub(super) fn leave() {
    let mut out = io::stdout();
    let _ = crossterm::execute!(out, crossterm::event::DisableBracketedPaste);
    let _ = out.flush();
}
