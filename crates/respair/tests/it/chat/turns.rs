//! Turns: what is shown, typed ahead, stopped.

use std::time::Instant;

use respair_faults::{Gate, Script, Step};

use super::terminal::*;
use super::*;
use crate::bin::{Home, relay};
use crate::streams::block_on;

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
    // Enter stays Enter for whoever reads it, which is the line editor when the turn has ended.
    let mode = rustix::termios::tcgetattr(&*terminal.pty).unwrap();
    let newline = rustix::termios::InputModes::ICRNL;
    assert!(!mode.input_modes.contains(newline));
    gate.open();
    terminal.shows("The second.");
    // What was not sent stands at the prompt.
    let screen = terminal.until("handed over", |text| {
        text.lines().next_back() == Some("› thi") && !text.contains("Ctrl-C stops")
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
fn at_the_prompt_ctrl_c_clears_and_twice_leaves() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::chat(&home);
    // On a line with something in it Ctrl-C throws that away, however often.
    for _ in 0..2 {
        terminal.type_in("half a line");
        terminal.until("typed", |text| text.ends_with("› half a line"));
        terminal.type_in("\x03");
        let screen = terminal.ready();
        assert!(!screen.contains("once more"), "{screen}");
    }
    terminal.type_in("\x03");
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
    let all = terminal.everything().join(" ");
    let found: Vec<&str> = all
        .split_whitespace()
        .filter(|word| word.starts_with('w') && word[1..].parse::<u32>().is_ok())
        .collect();
    assert_eq!(found, words);
}

/// `-q`: the answer, and what goes wrong.
#[test]
fn quiet_leaves_the_answer() {
    let whole = response(1).message(["Hello", " there."]).complete();
    let half = Script::stream(&whole.clone().before("response.created"));
    let relay = plays([half.cut(), Script::stream(&whole)]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, (60, 24), &["chat", "-q"], &[]);
    terminal.ready();
    let screen = terminal.say("hi");
    assert_eq!(screen, "› hi\n\nHello there.\n\n›");
    assert_eq!(relay.requests().len(), 2);
}

/// Who answered is said, also where that is not who was asked first; two of one name are told apart by their addresses.
#[test]
fn who_stands_in_is_named() {
    let down = playing(|_: &Request| Script::error(402, "billing", None, "no credit"));
    let other = plays([says(1, "Here."), says(2, "And here.")]);
    for (model, switched) in [
        ("other", "no credit; asking custom other".to_owned()),
        (
            "gpt-5.4",
            format!("asking custom gpt-5.4 at {}/v1", other.base_url()),
        ),
    ] {
        let home = Home::with_config(&format!(
            "{}agent:\n  fallback: {{provider: custom, default: {model}, base_url: '{}/v1'}}\n",
            crate::bin::seed("custom", &down),
            other.base_url()
        ));
        let terminal = Terminal::start(&home, (200, 40), &["chat"], &[]);
        terminal.ready();
        let screen = terminal.say("Hello.");
        assert!(screen.contains(&switched), "{screen}");
        let closing = format!("{model} · custom · context");
        assert!(screen.contains(&closing), "{screen}");
        let screen = terminal.say("And now?");
        assert_eq!(screen.matches(&closing).count(), 2, "{screen}");
    }
}

/// What went wrong is told in full in each turn: `the same again` is about what stands right above it.
#[test]
fn each_turn_tells_in_full_what_went_wrong() {
    let refused = playing(|_: &Request| Script::error(503, "busy", None, "come back later"));
    let config = format!(
        "recovery: {{max_requests: 2}}\n{}",
        crate::bin::seed("custom", &refused)
    );
    let home = Home::with_config(&config);
    let terminal = Terminal::start(&home, (200, 40), &["chat"], &[]);
    terminal.ready();
    terminal.say("Hello.");
    let screen = terminal.say("Hello?");
    let told = "come back later (HTTP 503, busy); asking again in";
    assert_eq!(screen.matches(told).count(), 2, "{screen}");
    assert!(!screen.contains("the same again"), "{screen}");
}
