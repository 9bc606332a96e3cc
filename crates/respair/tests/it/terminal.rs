//! Through a real pseudo-terminal: Ctrl-C, colours, control characters.

use std::io::{Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pty};
use respair_faults::{Gate, Relay, Script, Step, Stream};

use crate::bin::{Home, binary, playing, relay};
use crate::streams::block_on;

/// CONTRACT.md says 200 ms; shared machines get five times that.
const CLOSED_WITHIN: Duration = Duration::from_millis(200 * 5);
const HANGS: Duration = Duration::from_secs(20);

/// The binary on a terminal.
struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    screen: Arc<(Mutex<Vec<u8>>, Condvar)>,
}

impl Terminal {
    fn start(home: &Home, args: &[&str], env: &[(&str, &str)]) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(24, 40)).unwrap();
        let child = Command::new(binary())
            .args(args)
            .env_clear()
            .env("HOME", home.path(""))
            .env("TERM", "xterm-256color")
            .envs(env.iter().copied())
            .spawn(pts)
            .unwrap();
        let pty = Arc::new(pty);
        let screen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (reader, shown) = (Arc::clone(&pty), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Linux gives an error when the other side is closed, macOS the end of the file.
            while let Ok(n @ 1..) = (&*reader).read(&mut buffer) {
                shown.0.lock().unwrap().extend_from_slice(&buffer[..n]);
                shown.1.notify_all();
            }
        });
        Self { pty, child, screen }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.screen.0.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, text: &str) {
        let found = |bytes: &mut Vec<u8>| !String::from_utf8_lossy(bytes).contains(text);
        let guard = self.screen.0.lock().unwrap();
        let (guard, late) = self
            .screen
            .1
            .wait_timeout_while(guard, HANGS, found)
            .unwrap();
        assert!(
            !late.timed_out(),
            "no `{text}` in {:?}",
            String::from_utf8_lossy(&guard)
        );
    }

    fn type_in(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end; gives how it ended and the whole screen.
    fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        // What was written before the end has arrived when nothing more comes: the reader's thread ends by itself.
        let before = Instant::now();
        let mut size = usize::MAX;
        while before.elapsed() < HANGS && size != self.screen.0.lock().unwrap().len() {
            size = self.screen.0.lock().unwrap().len();
            let guard = self.screen.0.lock().unwrap();
            drop(
                self.screen
                    .1
                    .wait_timeout(guard, Duration::from_millis(100))
                    .unwrap(),
            );
        }
        let shown = self.shown();
        (status, shown)
    }
}

fn held() -> (Relay, Gate) {
    let gate = Gate::new();
    let script = Script::stream(
        &Stream::new()
            .prelude()
            .message(["Hello", " there"])
            .complete(),
    )
    .after_first("response.output_text.delta", Step::Gate(gate.clone()));
    (playing(script), gate)
}

#[test]
fn ctrl_c_closes_the_upstream_and_keeps_what_was_shown() {
    let (relay, _gate) = held();
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, &["run", "hi"], &[]);
    terminal.wait_for("Hello");
    let pressed = Instant::now();
    terminal.type_in("\x03");
    let exchange = block_on(relay.wait_peer_closed());
    let took = exchange.peer_closed_at().unwrap().duration_since(pressed);
    assert!(
        took <= CLOSED_WITHIN,
        "the socket was closed after {took:?}"
    );
    let (status, shown) = terminal.end();
    assert_eq!(status.code(), Some(130), "{shown}");
    assert!(
        shown.contains("Hello") && shown.contains("interrupted · 1 request"),
        "{shown:?}"
    );
}

#[test]
fn ctrl_c_before_anything_came() {
    for name in ["stall-before-headers", "stall-before-content"] {
        let relay = relay(name);
        let home = Home::seed("custom", &relay);
        let terminal = Terminal::start(&home, &["run", "hi", "--json"], &[]);
        block_on(relay.wait_for_requests(1));
        terminal.wait_for("turn.started");
        terminal.type_in("\x03");
        let (status, shown) = terminal.end();
        assert_eq!(status.code(), Some(130), "{name}: {shown}");
        assert!(
            shown.contains("\"type\":\"turn.interrupted\""),
            "{name}: {shown}"
        );
        block_on(relay.wait_peer_closed());
    }
}

/// The terminal echoes `^C` wherever the cursor is; what is said then begins on a line of its own.
#[test]
fn nothing_is_said_behind_the_ctrl_c() {
    for (name, more) in [
        ("stall-before-headers", "-v"),
        ("stall-mid-text", "-v"),
        ("stall-before-headers", "--json"),
    ] {
        let relay = relay(name);
        let home = Home::seed("custom", &relay);
        let args = ["run", "hi", "--color", "never", more];
        let terminal = Terminal::start(&home, &args, &[]);
        block_on(relay.wait_for_requests(1));
        terminal.wait_for(match name {
            "stall-mid-text" => "Hello",
            _ if more == "--json" => "turn.started",
            _ => "request sent",
        });
        terminal.type_in("\x03");
        let (_, shown) = terminal.end();
        let last = shown
            .lines()
            .find(|line| line.starts_with("interrupted · 1 request"));
        let json = shown
            .lines()
            .any(|line| line.starts_with("{\"type\":\"turn.interrupted\""));
        assert!(
            last.is_some() && json == (more == "--json"),
            "{name}: {shown}"
        );
    }
}

#[test]
fn sigterm_is_the_same() {
    let (relay, _gate) = held();
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, &["run", "hi"], &[]);
    terminal.wait_for("Hello");
    let id = terminal.child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let (status, shown) = terminal.end();
    assert_eq!(status.code(), Some(130), "{shown}");
    assert!(shown.contains("interrupted"), "{shown:?}");
    block_on(relay.wait_peer_closed());
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_up_ctrl_c() {
    // Far more than a terminal's buffer, and nobody reads it.
    let deltas: Vec<String> = (0..4000)
        .map(|n| format!("{n} {}\n", "x".repeat(200)))
        .collect();
    let stream = Stream::new()
        .prelude()
        .message(deltas.iter().map(String::as_str))
        .complete();
    let relay = playing(Script::stream(&stream).before_first("response.completed", Step::HoldOpen));
    let home = Home::seed("custom", &relay);
    let (pty, pts) = pty_process::blocking::open().unwrap();
    let mut child = Command::new(binary())
        .args(["run", "hi"])
        .env_clear()
        .env("HOME", home.path(""))
        .spawn(pts)
        .unwrap();
    let mut first = [0; 16];
    (&pty).read_exact(&mut first).unwrap();
    let pressed = Instant::now();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let exchange = block_on(relay.wait_peer_closed());
    let took = exchange.peer_closed_at().unwrap().duration_since(pressed);
    assert!(
        took <= CLOSED_WITHIN,
        "the socket was closed after {took:?}"
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn reasoning_is_dim_unless_no_color() {
    let relay = relay("reasoning");
    let home = Home::seed("custom", &relay);
    let (status, shown) = Terminal::start(&home, &["run", "hi"], &[]).end();
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(shown.contains("\u{1b}[2mThinking"), "{shown:?}");
    // The answer stands on lines of its own, and the last one is ended.
    assert!(
        shown.contains("\r\n\r\nHello from the relay.\r\n"),
        "{shown:?}"
    );
    for (args, env) in [
        (&["run", "hi"][..], &[("NO_COLOR", "1")][..]),
        (&["run", "hi", "--color", "never"], &[]),
    ] {
        let (_, shown) = Terminal::start(&home, args, env).end();
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}

#[test]
fn control_characters_are_harmless_here() {
    let relay = playing(Script::stream(
        &Stream::new()
            .prelude()
            .reasoning(["r\u{1b}]0;title\u{7}"])
            .message(["a\u{1b}[31mb\r", "\nc\rd\te"])
            .complete(),
    ));
    let home = Home::seed("custom", &relay);
    let (_, shown) = Terminal::start(&home, &["run", "hi", "--color", "never"], &[]).end();
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{7}'),
        "{shown:?}"
    );
    assert!(shown.contains("a\\x1b[31mb\r\nc\\rd\te\r\n"), "{shown:?}");
    assert!(shown.contains("r\\x1b]0;title\\x07"), "{shown:?}");
}

#[test]
fn without_a_prompt_a_terminal_is_not_waited_for() {
    let home = Home::new();
    let (status, shown) = Terminal::start(&home, &["run"], &[]).end();
    assert_eq!(status.code(), Some(2), "{shown}");
    assert!(shown.contains("there is nothing to ask"), "{shown:?}");
}

#[test]
fn a_violations_sentence_is_one_line_however_narrow_the_terminal() {
    let relay = relay("no-created");
    let home = Home::seed("openai", &relay);
    let (status, shown) = Terminal::start(&home, &["run", "hi", "--color", "never"], &[]).end();
    assert_eq!(status.code(), Some(1), "{shown}");
    assert!(
        shown.contains(
            "\r\nExpected to have received `response.created` before `response.in_progress`\r\n"
        ),
        "{shown:?}"
    );
}

#[test]
fn the_relay_ends_quietly() {
    let home = Home::new();
    let args = ["relay", "--scenario", "text", "--listen", "127.0.0.1:0"];
    let terminal = Terminal::start(&home, &args, &[]);
    terminal.wait_for("listening on http://127.0.0.1:");
    terminal.type_in("\x03");
    let (status, shown) = terminal.end();
    assert_eq!(status.code(), Some(130), "{shown}");
    // The line and `^C`, or less: a terminal drops what waits in it when Ctrl-C is pressed.
    assert!(shown.lines().count() <= 2, "{shown:?}");
}

/// What `-v` says stands on lines of its own, also while the answer's is open.
#[test]
fn the_log_does_not_run_into_the_answer() {
    let relay = relay("no-created");
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, &["run", "hi", "-v", "--color", "never"], &[]);
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    let logged = screen.lines().filter(|line| line.contains("s DEBUG "));
    let (whole, glued): (Vec<&str>, Vec<&str>) =
        logged.partition(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    assert!(whole.len() > 5 && glued.is_empty(), "{screen}");
}
