//! `chat` on a terminal, through a pty, as a person would see it: the screen is a vt100's.

use std::io::{Read, Write};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pty};
use respair_faults::{Gate, Relay, Request, Script, Step, Stream, ev};

use crate::bin::{Done, Home, binary, playing, relay, seed};
use crate::streams::block_on;

/// CONTRACT.md says 200 ms; shared machines get five times that.
const CLOSED_WITHIN: Duration = Duration::from_millis(200 * 5);
const HANGS: Duration = Duration::from_secs(30);

/// The binary on a terminal that is looked at.
struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    screen: Arc<(Mutex<Shown>, Condvar)>,
}

struct Shown {
    parser: vt100::Parser,
    /// Everything, with its control sequences.
    raw: Vec<u8>,
    over: bool,
}

impl Terminal {
    fn start(home: &Home, size: (u16, u16), args: &[&str], env: &[(&str, &str)]) -> Self {
        let (columns, rows) = size;
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(rows, columns)).unwrap();
        let child = Command::new(binary())
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

    fn chat(home: &Home) -> Self {
        let terminal = Self::start(home, (60, 24), &["chat"], &[]);
        terminal.ready();
        terminal
    }

    /// Until the screen is so.
    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
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
    fn shows(&self, words: &str) -> String {
        self.until(words, |text| text.contains(words))
    }

    /// The prompt stands there, empty, and the cursor behind it.
    #[track_caller]
    fn ready(&self) -> String {
        let ready = |text: &str| text.lines().next_back() == Some("›");
        self.until("ready", ready)
    }

    fn type_in(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Says something, and waits for the next prompt.
    #[track_caller]
    fn say(&self, text: &str) -> String {
        self.type_in(text);
        let typed = format!("› {text}");
        self.until("typed", |screen| screen.ends_with(&typed));
        let prompts = || self.raw().matches("\x1b[6n").count();
        let before = prompts();
        self.type_in("\r");
        let guard = self.screen.0.lock().unwrap();
        let wait = |shown: &mut Shown| {
            let raw = String::from_utf8_lossy(&shown.raw);
            let asked = raw.matches("\x1b[6n").count();
            !shown.over && (asked == before || !shown.is_ready())
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

    fn raw(&self) -> String {
        String::from_utf8_lossy(&self.screen.0.lock().unwrap().raw).into_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args([name, &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end; gives how it ended and the last screen.
    #[track_caller]
    fn end(mut self) -> (ExitStatus, String) {
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

impl Shown {
    fn take(&mut self, bytes: &[u8], side: &Pty) {
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

    fn is_ready(&self) -> bool {
        self.text().lines().next_back() == Some("›")
    }

    fn text(&self) -> String {
        let contents = self.parser.screen().contents();
        let lines: Vec<&str> = contents.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }
}

/// A screen without what is another one each time: how it begins (directories, whether the kernel has Landlock), addresses,
/// times, the state of what turns.
fn same(screen: &str, relay: &Relay) -> String {
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

/// A relay that plays these responses, one a request, and then the last again.
fn plays(scripts: impl IntoIterator<Item = Script>) -> Relay {
    let scripts: Vec<Script> = scripts.into_iter().collect();
    playing(move |request: &Request| scripts[request.number.min(scripts.len() - 1)].clone())
}

fn response(turn: u64) -> Stream {
    Stream::new().turn(turn).prelude()
}

fn says(turn: u64, text: &str) -> Script {
    Script::stream(&response(turn).message([text]).complete())
}

const MARKDOWN: &str = "## What it is\n\nA **relay** that *misbehaves* on purpose, with `names`, a list and code, said in a paragraph that needs more than one line.\n\n- 日本語のテキスト\n- שלום עולם\n\n```sh\nrespair relay --list\n```\n";

fn inputs(relay: &Relay) -> Vec<usize> {
    let requests = relay.requests();
    let lengths = requests.iter().map(|request| {
        let body = request.json().unwrap();
        body["input"].as_array().unwrap().len()
    });
    lengths.collect()
}

#[test]
fn a_conversation_on_sixty_columns() {
    let stream = response(1)
        .reasoning(["I think", " about it."])
        .message(MARKDOWN.split_inclusive(' '))
        .complete();
    let relay = plays([Script::stream(&stream), says(2, "Gladly.")]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::chat(&home);
    terminal.say("What is it?");
    let screen = terminal.say("Thanks.");
    insta::assert_snapshot!(same(&screen, &relay));
    terminal.type_in("\x04");
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(0), "{screen}");
    assert!(screen.contains("`respair chat --resume "), "{screen}");
    assert_eq!(inputs(&relay), [1, 3]);
    #[cfg(unix)]
    for file in ["history.txt", "sessions.db"] {
        use std::os::unix::fs::PermissionsExt as _;
        let path = home.path(".local/state/respair").join(file);
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn what_is_typed_ahead_is_sent_afterwards() {
    let gate = Gate::new();
    let first = Script::stream(&response(1).message(["One", " moment."]).complete())
        .after_first("response.output_text.delta", Step::Gate(gate.clone()));
    let relay = plays([first, says(2, "The second.")]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::chat(&home);
    terminal.type_in("first\r");
    terminal.shows("One");
    terminal.type_in("second\rthi");
    let screen = terminal.shows("› thi");
    assert!(screen.contains("1 message waiting"), "{screen}");
    gate.open();
    terminal.shows("The second.");
    // What was not sent stands at the prompt.
    let screen = terminal.until("handed over", |text| {
        text.lines().next_back() == Some("› thi")
    });
    assert!(screen.contains("› second\n\nThe second."), "{screen}");
    terminal.type_in("rd\r");
    terminal.shows("› third");
    terminal.ready();
    assert_eq!(inputs(&relay), [1, 3, 5]);
}

#[test]
fn ctrl_c_stops_and_twice_leaves() {
    let held = || {
        let stream = response(1).message(["Hello", " there"]).complete();
        Script::stream(&stream).after_first("response.output_text.delta", Step::HoldOpen)
    };
    let relay = plays([held(), says(2, "Back."), held()]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::chat(&home);
    terminal.type_in("go\r");
    terminal.shows("Hello");
    terminal.type_in("not sent\r");
    terminal.shows("1 message waiting");
    let pressed = Instant::now();
    terminal.type_in("\x03");
    let exchange = block_on(relay.wait_peer_closed());
    let took = exchange.peer_closed_at().unwrap().duration_since(pressed);
    assert!(
        took <= CLOSED_WITHIN,
        "the socket was closed after {took:?}"
    );
    // What waited is given back; the answer stays, and is said to be a part.
    let screen = terminal.until("given back", |text| text.ends_with("› not sent"));
    assert!(
        screen.contains("Hello\n") && screen.contains("broke off: interrupted"),
        "{screen}"
    );
    terminal.type_in("\r");
    terminal.shows("Back.");
    terminal.ready();
    // The part is not sent.
    assert_eq!(inputs(&relay)[1], 2);

    terminal.type_in("again\r");
    terminal.until("held", |text| text.matches("Hello").count() == 2);
    terminal.type_in("\x03");
    terminal.until("stopped", |text| text.matches("interrupted ·").count() == 2);
    terminal.ready();
    terminal.type_in("\x03");
    terminal.shows("Ctrl-C once more leaves");
    terminal.ready();
    terminal.type_in("\x03");
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(130), "{screen}");
}

#[test]
fn at_the_prompt_ctrl_c_twice_leaves() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::chat(&home);
    terminal.type_in("half a line\x03");
    terminal.shows("Ctrl-C once more leaves");
    terminal.ready();
    terminal.type_in("\x03");
    assert_eq!(terminal.end().0.code(), Some(130));
    let terminal = Terminal::chat(&home);
    terminal.signal("-TERM");
    assert_eq!(terminal.end().0.code(), Some(130));
    assert!(relay.requests().is_empty());
}

#[test]
fn what_broke_off_is_marked_and_asked_again() {
    let whole = response(1).message(["Hello", " there."]).complete();
    let half = Script::stream(&whole.clone().before("response.output_text.done")).cut();
    let relay = plays([half, Script::stream(&whole)]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::chat(&home);
    let screen = terminal.say("hi");
    insta::assert_snapshot!(same(&screen, &relay));
}

#[test]
fn control_sequences_are_shown_and_not_obeyed() {
    let text = "a\u{1b}[2Jb\u{1b}]0;title\u{7}c\rd\u{202e}e";
    let relay = plays([says(1, text)]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::chat(&home);
    let screen = terminal.say("hi");
    let shown = "a\\x1b[2Jb\\x1b]0;title\\x07c\\rd\\u{202e}e";
    assert!(screen.contains(shown), "{screen}");
    assert!(!terminal.raw().contains("\u{1b}]0;"));
}

#[test]
fn commands() {
    let relay = plays([says(1, "One."), says(2, "Two."), says(3, "Three.")]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, (80, 40), &["chat"], &[]);
    terminal.ready();
    let screen = terminal.say("/help");
    insta::assert_snapshot!(same(&screen, &relay));
    let screen = terminal.say("/modle");
    assert!(
        screen.contains("there is no /modle; did you mean /model?"),
        "{screen}"
    );
    terminal.say("first");
    terminal.say("/model other");
    let screen = terminal.say("/retry");
    assert!(screen.contains("Two."), "{screen}");
    let body = relay.requests()[1].json().unwrap();
    assert_eq!(
        (&body["model"], inputs(&relay)),
        (&"other".into(), vec![1, 1])
    );
    let screen = terminal.say("/usage");
    assert!(screen.contains("requests   2"), "{screen}");
    let screen = terminal.say("/sessions");
    assert!(
        screen.contains("1 turn") || screen.contains("2 turns"),
        "{screen}"
    );
    terminal.say("/export talk.md");
    terminal.say("/export talk.json");
    let screen = terminal.say("/export talk.md");
    assert!(screen.contains("talk.md is there already"), "{screen}");
    let talk = std::fs::read_to_string(home.path("talk.md")).unwrap();
    let (asked, answered) = (talk.find("first"), talk.find("Two."));
    assert!(asked.is_some() && asked < answered, "{talk}");
    let talk = std::fs::read_to_string(home.path("talk.json")).unwrap();
    let talk: serde_json::Value = serde_json::from_str(&talk).unwrap();
    assert!(talk["entries"].as_array().unwrap().len() > 4);
    let screen = terminal.say("/undo");
    assert!(screen.contains("taken back: first"), "{screen}");
    let screen = terminal.say("/reasoning high");
    assert!(
        screen.contains("reasoning is shown; its effort is high"),
        "{screen}"
    );
    terminal.say("anew");
    let body = relay.requests()[2].json().unwrap();
    assert_eq!(
        (&body["reasoning"]["effort"], inputs(&relay)[2]),
        (&"high".into(), 1)
    );
    terminal.type_in("/quit\r");
    assert_eq!(terminal.end().0.code(), Some(0));
}

#[test]
fn the_tabulator_completes_commands_and_files() {
    let relay = plays([says(1, "Seen.")]);
    let home = Home::seed("custom", &relay);
    home.write("notes-of-today.txt", b"one\n");
    let terminal = Terminal::chat(&home);
    terminal.type_in("/rea\t");
    terminal.shows("› /reasoning");
    terminal.type_in("\x15see @notes\t");
    terminal.shows("› see @notes-of-today.txt");
    terminal.type_in("\r");
    let screen = terminal.shows("with notes-of-today.txt, 1 line");
    assert!(screen.contains("see @notes"), "{screen}");
    terminal.shows("Seen.");
    terminal.ready();
    let body = relay.requests()[0].json().unwrap();
    let content = &body["input"][0]["content"];
    assert_eq!(content[1]["text"], "notes-of-today.txt:\n```\none\n```");
}

#[test]
fn a_session_is_gone_on_with() {
    let relay = plays([says(1, "Hello **Ada**."), says(2, "Ada.")]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::chat(&home);
    terminal.say("I am Ada.");
    terminal.type_in("\x04");
    let (_, screen) = terminal.end();
    let (_, rest) = screen.split_once("--resume ").unwrap();
    let id = rest.split('`').next().unwrap().to_owned();
    for args in [&["chat", "--continue"][..], &["chat", "--resume", &id]] {
        let terminal = Terminal::start(&home, (60, 24), args, &[]);
        let screen = terminal.ready();
        assert!(screen.contains("› I am Ada.\n\nHello Ada."), "{screen}");
        terminal.say("Who am I?");
        // The next one is to find the same.
        terminal.say("/undo");
        terminal.type_in("\x04");
        terminal.end();
    }
    assert_eq!(inputs(&relay), [1, 3, 3]);
    let done = home.run(&["chat", "--resume", "nowhere"]).exits(2);
    assert!(
        done.err.contains("there is no session `nowhere`"),
        "{}",
        done.err
    );
}

/// An answer longer than the screen is whole, and nothing of it is there twice.
#[test]
fn a_long_answer_scrolls_away_whole() {
    let words: Vec<String> = (0..400).map(|n| format!("w{n}")).collect();
    let text = words.join(" ");
    let deltas: Vec<&str> = text.split_inclusive(' ').collect();
    let relay = plays([Script::stream(&response(1).message(deltas).complete())]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, (40, 10), &["chat"], &[]);
    terminal.ready();
    terminal.say("count");
    let mut shown = terminal.screen.0.lock().unwrap();
    let mut lines = Vec::new();
    shown.parser.screen_mut().set_scrollback(usize::MAX);
    for offset in (0..=shown.parser.screen().scrollback()).rev() {
        shown.parser.screen_mut().set_scrollback(offset);
        let rows: Vec<String> = shown.parser.screen().rows(0, 40).collect();
        match offset {
            0 => lines.extend(rows),
            _ => lines.push(rows[0].clone()),
        }
    }
    let all = lines.join(" ");
    let found: Vec<&str> = all
        .split_whitespace()
        .filter(|word| word.starts_with('w') && word[1..].parse::<u32>().is_ok())
        .collect();
    assert_eq!(found, words);
}

#[test]
fn without_colour_and_on_a_dumb_terminal() {
    let stream = response(1)
        .reasoning(["Hm."])
        .message([MARKDOWN])
        .complete();
    let relay = plays([Script::stream(&stream)]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, (60, 24), &["chat"], &[("NO_COLOR", "1")]);
    terminal.ready();
    let screen = terminal.say("hi");
    assert!(screen.contains("A **relay** that *misbehaves*"), "{screen}");
    let raw = terminal.raw();
    let coloured = ["\x1b[2m", "\x1b[1m", "\x1b[32m", "\x1b[36m"];
    assert!(
        !coloured.iter().any(|colour| raw.contains(colour)),
        "{raw:?}"
    );

    let terminal = Terminal::start(&home, (60, 24), &["chat"], &[("TERM", "dumb")]);
    terminal.until("ready", |text| text.ends_with('>'));
    terminal.type_in("hi\r");
    terminal.shows("completed · 1 request");
    let screen = terminal.until("ready", |text| text.ends_with('>'));
    assert!(screen.contains("> hi\nHm.\n\n## What it is\n"), "{screen}");
    terminal.type_in("/usage\r");
    terminal.shows("requests   1");
    terminal.type_in("\x04");
    let (status, _) = terminal.end();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn without_a_terminal_lines_are_messages() {
    let relay = plays([says(1, "One."), says(2, "Two.\n")]);
    let home = Home::seed("custom", &relay);
    let done = home.run_with_input(&["chat"], b"first\n/usage\nsecond \\\nline\n");
    let done = done.exits(0);
    assert_eq!(done.out, "One.\nTwo.\n");
    assert!(
        done.err.contains("requests   1") && !done.err.contains('\x1b'),
        "{}",
        done.err
    );
    assert_eq!(inputs(&relay), [1, 3]);
    let body = relay.requests()[1].json().unwrap();
    assert_eq!(body["input"][2]["content"][0]["text"], "second \nline");

    let relay = playing(|_: &Request| {
        Script::stream(&response(1).push(ev::error_flat("invalid_request_error", "no")))
    });
    let home = Home::with_config(&seed("custom", &relay));
    let done: Done = home.run_with_input(&["chat"], b"hi\n");
    done.exits(1).says("the upstream says: no");
    home.run(&["chat"]).exits(0);
}

/// A terminal that takes nothing holds up neither the upstream's socket nor the end.
#[test]
fn a_terminal_that_takes_nothing() {
    let deltas: Vec<String> = (0..4000)
        .map(|n| format!("{n} {}\n\n", "x".repeat(200)))
        .collect();
    let stream = response(1)
        .message(deltas.iter().map(String::as_str))
        .complete();
    let relay = playing(Script::stream(&stream).before_first("response.completed", Step::HoldOpen));
    let home = Home::seed("custom", &relay);
    let (pty, pts) = pty_process::blocking::open().unwrap();
    let mut child = Command::new(binary())
        .args(["chat"])
        .env_clear()
        .env("HOME", home.path(""))
        .env("TERM", "dumb")
        .current_dir(home.path(""))
        .spawn(pts)
        .unwrap();
    (&pty).write_all(b"go\r").unwrap();
    block_on(relay.wait_for_requests(1));
    let mut first = [0; 256];
    (&pty).read_exact(&mut first).unwrap();
    let id = child.id().to_string();
    let kill = || {
        let mut kill = std::process::Command::new("kill");
        drop(
            kill.args(["-INT", &id])
                .stderr(std::process::Stdio::null())
                .status(),
        );
    };
    let pressed = Instant::now();
    kill();
    let exchange = block_on(relay.wait_peer_closed());
    let took = exchange.peer_closed_at().unwrap().duration_since(pressed);
    assert!(
        took <= CLOSED_WITHIN,
        "the socket was closed after {took:?}"
    );
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait().unwrap()));
    // How much was written before decides whether it is the turn's end or the prompt that the next one meets.
    let status = (0..10).find_map(|_| {
        kill();
        ended.recv_timeout(Duration::from_secs(2)).ok()
    });
    assert_eq!(status.expect("it ends").code(), Some(130));
}

/// A home with a project in it, at the relay that plays a model which works with files.
fn project(relay: &Relay, more: &str) -> Home {
    let home = Home::with_config(&format!("{}{more}", seed("custom", relay)));
    home.write("README.md", b"# A project\n");
    home
}

const QUESTION: &str = "Allow it? [y]es, [n]o or n WHY, [a]lways this tool:";

#[test]
fn tools_are_shown_and_asked_for() {
    let relay = relay("agent");
    let home = project(&relay, "");
    let terminal = Terminal::start(&home, (72, 60), &["chat"], &[]);
    terminal.ready();
    terminal.type_in("What is here? Take notes.\r");
    let screen = terminal.until("asked", |text| text.ends_with(QUESTION));
    assert!(screen.contains("write_file wants to run:"), "{screen}");
    assert!(screen.contains("+# Notes"), "{screen}");
    assert!(!home.path("NOTES.md").exists());
    // What is no answer is none.
    terminal.type_in("es please\r");
    terminal.until("asked again", |text| text.ends_with(QUESTION));
    assert!(!home.path("NOTES.md").exists());
    terminal.type_in("y\r");
    terminal.shows("respair chat --continue");
    let screen = terminal.ready();
    assert!(home.path("NOTES.md").exists());
    insta::assert_snapshot!(same(&screen, &relay));
}

#[test]
fn a_refusal_is_told_to_the_model_with_its_reason() {
    let relay = relay("agent");
    let home = project(&relay, "");
    let terminal = Terminal::start(&home, (72, 60), &["chat"], &[]);
    terminal.ready();
    terminal.type_in("What is here?\r");
    terminal.until("asked", |text| text.ends_with(QUESTION));
    terminal.type_in("n not in this folder\r");
    terminal.shows("not allowed to write");
    terminal.ready();
    let told = relay.requests().iter().any(|request| {
        let body = request.json().unwrap().to_string();
        body.contains("not run: the user says: not in this folder")
    });
    assert!(told && !home.path("NOTES.md").exists());
}

#[test]
fn rules_answer_before_anybody_is_asked() {
    for (more, args, allowed) in [
        ("agent: {approval: {write_file: allow}}\n", &[][..], true),
        ("agent: {approval: {write_file: deny}}\n", &["--yes"], false),
        ("", &["--yes"], true),
    ] {
        let relay = relay("agent");
        let home = project(&relay, more);
        let args = [&["chat"][..], args].concat();
        let terminal = Terminal::start(&home, (72, 60), &args, &[]);
        terminal.ready();
        let screen = terminal.say("What is here?");
        assert!(!screen.contains(QUESTION), "{screen}");
        assert_eq!(home.path("NOTES.md").exists(), allowed, "{screen}");
    }
}

/// Whoever types ahead allows nothing by it, and loses nothing.
#[test]
fn what_is_being_typed_is_kept_while_it_is_asked() {
    let gate = Gate::new();
    let arguments = serde_json::json!({"path": "new.txt", "content": "x\n"}).to_string();
    let call = response(1)
        .message(["Wait."])
        .call("write_file", [arguments.as_str()]);
    let call = Script::stream(&call.complete())
        .after_first("response.output_text.delta", Step::Gate(gate.clone()));
    let relay = plays([call, says(2, "Written."), says(3, "Yes?")]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, (72, 40), &["chat"], &[]);
    terminal.ready();
    terminal.type_in("go\r");
    terminal.shows("Wait.");
    terminal.type_in("and then yes");
    terminal.shows("› and then yes");
    gate.open();
    terminal.until("asked", |text| text.ends_with(QUESTION));
    assert!(!home.path("new.txt").exists());
    terminal.type_in("y\r");
    terminal.shows("Written.");
    terminal.until("kept", |text| text.ends_with("› and then yes"));
    assert!(home.path("new.txt").exists());
}

/// Ctrl-C ends a command and everything that it started.
#[test]
fn ctrl_c_stops_the_tools() {
    let arguments = serde_json::json!({"command": "sleep 1000 & echo started; wait"}).to_string();
    let call = response(1).call("shell", [arguments.as_str()]).complete();
    let relay = plays([Script::stream(&call), says(2, "No more.")]);
    let home = project(&relay, "agent: {approval: {shell: allow}}\n");
    let terminal = Terminal::start(&home, (72, 40), &["chat"], &[]);
    terminal.ready();
    terminal.type_in("go\r");
    terminal.until("running", |text| text.contains("shell sleep 1000"));
    terminal.type_in("\x03");
    let screen = terminal.shows("interrupted ·");
    assert!(screen.contains("✗ shell sleep 1000"), "{screen}");
    terminal.ready();
    assert_eq!(relay.requests().len(), 1);
}
