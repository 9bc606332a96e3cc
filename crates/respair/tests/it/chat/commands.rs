//! Commands, completion, sessions.

use super::terminal::*;
use super::*;
use respair_faults::Script;

use crate::bin::Home;

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
    let screen = terminal.say("/model gpt-5 custom");
    assert!(screen.contains("a model's name is one word"), "{screen}");
    let screen = terminal.say("/reasoning hgih");
    assert!(screen.contains("did you mean high?"), "{screen}");
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
    // The menu leaves the prompt as it is.
    terminal.type_in("\x15/re\t");
    let screen = terminal.shows("/retry ");
    assert!(screen.contains("› /re\n"), "{screen}");
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

/// What was folded is shown when it is asked for, once.
#[test]
fn folded_reasoning_is_shown_again() {
    let stream = |turn, thought| {
        let stream = response(turn).reasoning([thought, " it through."]);
        Script::stream(&stream.message(["Done."]).complete())
    };
    let relay = plays([stream(1, "I think"), stream(2, "I weigh")]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, (80, 40), &["chat"], &[]);
    terminal.ready();
    terminal.say("/reasoning");
    terminal.say("first");
    let screen = terminal.say("second");
    assert!(!screen.contains("through"), "{screen}");
    let screen = terminal.say("/reasoning show");
    insta::assert_snapshot!(same(&screen, &relay));
    assert!(terminal.raw().contains("\u{1b}[2mI weigh it through."));
    let screen = terminal.say("/reasoning show");
    assert_eq!(screen.matches("through").count(), 1, "{screen}");

    let input = b"/reasoning fold\nfirst\n/reasoning show\n";
    let done = home.run_with_input(&["chat"], input).exits(0);
    let folded = done.err.find("reasoned · 4 words");
    let shown = done.err.find("I weigh it through.");
    assert!(folded.is_some() && folded < shown, "{}", done.err);
}
