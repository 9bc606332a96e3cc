//! Tools: shown, asked for, stopped.

use respair_faults::{Gate, Relay, Script, Step};

use super::terminal::*;
use super::*;
use crate::bin::{Home, relay, seed};

const QUESTION: &str = "Allow it? [y]es, [n]o or n WHY, [a]lways this tool:";

/// A home with a project in it, at the relay that plays a model which works with files.
fn project(relay: &Relay, more: &str) -> Home {
    let home = Home::with_config(&format!("{}{more}", seed("custom", relay)));
    home.write("README.md", b"# A project\n");
    home
}

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
    // What is no answer is none, and said to be.
    terminal.type_in("es please\r");
    terminal.shows("`es please` is no answer; y, n, n WHY and a are");
    terminal.until("still asked", |text| text.ends_with(QUESTION));
    assert!(!home.path("NOTES.md").exists());
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

/// Whoever types on while a question comes up answers nothing by it.
#[test]
fn a_question_is_put_when_nothing_is_typed() {
    let arguments = serde_json::json!({"path": "new.txt", "content": "x\n"}).to_string();
    let call = response(1).call("write_file", [arguments.as_str()]);
    let relay = plays([
        Script::stream(&call.complete()),
        says(2, "Not yet."),
        says(3, "Yes?"),
    ]);
    let home = Home::seed("custom", &relay);
    let terminal = Terminal::start(&home, (72, 40), &["chat"], &[]);
    terminal.ready();
    terminal.type_in("go\r");
    // The question is about to come: what is typed as it does is a message.
    let screen = terminal.shows("write_file wants to run:");
    assert!(!screen.contains(QUESTION), "{screen}");
    terminal.type_in("y\r");
    let screen = terminal.until("asked", |text| text.ends_with(QUESTION));
    assert!(!home.path("new.txt").exists(), "{screen}");
    terminal.type_in("n\r");
    let screen = terminal.shows("› y\n\nYes?");
    assert!(screen.contains("Not yet."), "{screen}");
    assert!(!home.path("new.txt").exists());
}

/// `respair run`: what was typed before a question stands there allows nothing.
#[test]
fn what_was_typed_before_a_question_is_no_answer_to_it() {
    let shell = |turn, command: &str| {
        let arguments = serde_json::json!({"command": command}).to_string();
        Script::stream(
            &response(turn)
                .call("shell", [arguments.as_str()])
                .complete(),
        )
    };
    let relay = plays([
        shell(1, "cat heard"),
        shell(2, "touch allowed"),
        says(3, "Done."),
    ]);
    let home = project(&relay, "agent: {approval: {shell(cat heard): allow}}\n");
    let heard = home.path("heard");
    let made = std::process::Command::new("mkfifo").arg(&heard).status();
    assert!(made.unwrap().success());
    let terminal = Terminal::start(&home, (100, 40), &["run", "Do it.", "--tools"], &[]);
    // The command is there to hear it: so is what is typed.
    let mut go = std::fs::File::options().write(true).open(heard).unwrap();
    terminal.type_in("y\r");
    terminal.until("typed", |text| text.ends_with("\ny"));
    std::io::Write::write_all(&mut go, b"go\n").unwrap();
    drop(go);
    terminal.until("asked", |text| text.ends_with(QUESTION));
    terminal.type_in("n not yet\r");
    terminal.shows("Done.");
    let told = relay.requests()[2].json().unwrap().to_string();
    assert!(told.contains("not run: the user says: not yet"), "{told}");
    assert!(!home.path("allowed").exists());
}
