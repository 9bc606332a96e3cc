//! The binary on a terminal that is looked at: through a pty, as a person would see it.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use pty_process::blocking::{Command, Pty};
use respair_faults::Relay;

use crate::bin::{Home, binary};

pub const HANGS: Duration = Duration::from_secs(30);

/// The binary on a terminal that is looked at.
pub struct Terminal {
    pub pty: Arc<Pty>,
    child: Child,
    screen: Arc<(Mutex<Shown>, Condvar)>,
}

pub struct Shown {
    parser: vt100::Parser,
    /// Everything, with its control sequences.
    raw: Vec<u8>,
    over: bool,
}

impl Terminal {
    pub fn start(home: &Home, size: (u16, u16), args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_program(home, size, binary(), args, env)
    }

    /// Another program than ours: a shell that runs it.
    pub fn start_program(
        home: &Home,
        size: (u16, u16),
        program: &Path,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let (columns, rows) = size;
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(rows, columns)).unwrap();
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .env("HOME", home.path(""))
            .env("TERM", "xterm-256color")
            .envs(env.iter().copied())
            .current_dir(home.path(""))
            .spawn(pts)
            .unwrap();
        let pty = Arc::new(pty);
        let shown = Shown {
            parser: vt100::Parser::new(rows, columns, 1000),
            raw: Vec::new(),
            over: false,
        };
        let screen = Arc::new((Mutex::new(shown), Condvar::new()));
        let (side, shown) = (Arc::clone(&pty), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Linux gives an error when the other side is closed, macOS the end of the file.
            while let Ok(n @ 1..) = (&*side).read(&mut buffer) {
                shown.0.lock().unwrap().take(&buffer[..n], &side);
                shown.1.notify_all();
            }
            shown.0.lock().unwrap().over = true;
            shown.1.notify_all();
        });
        Self { pty, child, screen }
    }

    pub fn chat(home: &Home) -> Self {
        let terminal = Self::start(home, (60, 24), &["chat"], &[]);
        terminal.ready();
        terminal
    }

    /// Until the screen is so.
    #[track_caller]
    pub fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let guard = self.screen.0.lock().unwrap();
        let wait = |shown: &mut Shown| !shown.over && !is_so(&shown.text());
        let (guard, late) = self
            .screen
            .1
            .wait_timeout_while(guard, HANGS, wait)
            .unwrap();
        let text = guard.text();
        assert!(!late.timed_out() && is_so(&text), "not {what}:\n{text}");
        text
    }

    #[track_caller]
    pub fn shows(&self, words: &str) -> String {
        self.until(words, |text| text.contains(words))
    }

    /// The prompt stands there, empty, and the cursor behind it.
    #[track_caller]
    pub fn ready(&self) -> String {
        let ready = |text: &str| text.lines().next_back() == Some("›");
        self.until("ready", ready)
    }

    pub fn type_in(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Says something, and waits for the next prompt.
    #[track_caller]
    pub fn say(&self, text: &str) -> String {
        self.type_in(text);
        let typed = format!("› {text}");
        self.until("typed", |screen| screen.ends_with(&typed));
        let before = self.screen.0.lock().unwrap().raw.len();
        self.type_in("\r");
        let guard = self.screen.0.lock().unwrap();
        let wait = |shown: &mut Shown| {
            let since = String::from_utf8_lossy(&shown.raw[before..]);
            !(shown.over || is_read_again(&since) && shown.is_ready())
        };
        let (guard, late) = self
            .screen
            .1
            .wait_timeout_while(guard, HANGS, wait)
            .unwrap();
        assert!(
            !late.timed_out(),
            "no prompt after {text}:\n{}",
            guard.text()
        );
        guard.text()
    }

    /// Every line, from the oldest that has scrolled away to the last on the screen.
    pub fn everything(&self) -> Vec<String> {
        let mut shown = self.screen.0.lock().unwrap();
        let columns = shown.parser.screen().size().1;
        let mut lines = Vec::new();
        shown.parser.screen_mut().set_scrollback(usize::MAX);
        for offset in (0..=shown.parser.screen().scrollback()).rev() {
            shown.parser.screen_mut().set_scrollback(offset);
            let rows: Vec<String> = shown.parser.screen().rows(0, columns).collect();
            match offset {
                0 => lines.extend(rows),
                _ => lines.push(rows[0].clone()),
            }
        }
        lines
    }

    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.screen.0.lock().unwrap().raw).into_owned()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args([name, &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end; gives how it ended and the last screen.
    #[track_caller]
    pub fn end(mut self) -> (ExitStatus, String) {
        let guard = self.screen.0.lock().unwrap();
        let wait = |shown: &mut Shown| !shown.over;
        let (guard, late) = self
            .screen
            .1
            .wait_timeout_while(guard, HANGS, wait)
            .unwrap();
        let text = guard.text();
        if late.timed_out() {
            let _ = self.child.kill();
            panic!("it does not end:\n{text}");
        }
        (self.child.wait().unwrap(), text)
    }
}

/// The line editor gave the line away, which switches bracketed paste off and on again, and has begun another one, which
/// switches it on and asks where the cursor is.
fn is_read_again(since: &str) -> bool {
    let given = since.split_once("\x1b[?2004l").map(|(_, rest)| rest);
    let begun = given.and_then(|rest| rest.splitn(3, "\x1b[?2004h").nth(2));
    begun.is_some_and(|rest| rest.contains("\x1b[6n"))
}

impl Shown {
    pub fn take(&mut self, bytes: &[u8], side: &Pty) {
        for byte in bytes {
            self.raw.push(*byte);
            self.parser.process(&[*byte]);
            // Where the cursor is, is asked for; terminals tell.
            if self.raw.ends_with(b"\x1b[6n") {
                let (row, column) = self.parser.screen().cursor_position();
                let told = format!("\x1b[{};{}R", row + 1, column + 1);
                let mut side = side;
                side.write_all(told.as_bytes()).unwrap();
            }
        }
    }

    pub fn is_ready(&self) -> bool {
        self.text().lines().next_back() == Some("›")
    }

    pub fn text(&self) -> String {
        let contents = self.parser.screen().contents();
        let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }
}

/// A screen without what is another one each time: how it begins (directories, whether the kernel has Landlock), addresses,
/// times, the state of what turns.
pub fn same(screen: &str, relay: &Relay) -> String {
    let begun = screen.strip_prefix("respair chat ·");
    let said = begun.and_then(|rest| rest.find("\n› ").map(|at| &rest[at + 1..]));
    let screen = said.unwrap_or(screen);
    let text = screen.replace(&relay.base_url(), "http://127.0.0.1:10000");
    let mut out = String::new();
    let mut words = text.split_inclusive(char::is_whitespace).peekable();
    while let Some(word) = words.next() {
        let bare = word.trim_end();
        let rest = &word[bare.len()..];
        let unit = words.peek().map(|next| next.trim_end());
        let is_time = bare.parse::<f64>().is_ok() && unit == Some("s");
        match bare {
            _ if is_time => out.push_str("0.0"),
            "⣾" | "⣽" | "⣻" | "⢿" | "⡿" | "⣟" | "⣯" | "⣷" => out.push('⣾'),
            other => out.push_str(other),
        }
        out.push_str(rest);
    }
    out
}
