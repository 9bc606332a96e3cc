//! MCP servers, which start while the prompt stands there.

use super::terminal::*;
use super::*;
use crate::bin::{Home, seed};
use crate::mcp::SERVER;

/// A home whose only server answers when somebody opens the FIFO `go`.
fn home(relay: &Relay) -> Home {
    let servers = "mcp_servers:\n  small: {command: sh, args: [-c, 'exec 9> alive; read -r go < go; . ./server.sh']}\n";
    let home = Home::with_config(&format!("{}{servers}", seed("custom", relay)));
    home.write("server.sh", SERVER.as_bytes());
    let pipes = [home.path("go"), home.path("alive")];
    let made = std::process::Command::new("mkfifo").args(pipes).status();
    assert!(made.unwrap().success());
    home
}

#[test]
fn the_first_request_waits_for_servers() {
    let relay = plays([says(1, "One."), says(2, "Two.")]);
    let home = home(&relay);
    let _alive = std::fs::File::options()
        .read(true)
        .write(true)
        .open(home.path("alive"));
    let terminal = Terminal::start(&home, (100, 40), &["chat"], &[]);
    let screen = terminal.ready();
    assert!(
        screen.contains("the MCP server small starts meanwhile"),
        "{screen}"
    );
    terminal.say("/tools");
    terminal.type_in("first\r");
    terminal.shows("waiting for the MCP server small");
    terminal.type_in("second\r");
    terminal.shows("1 message waiting");
    // Ctrl-C gives back what was not sent.
    terminal.type_in("\x03");
    let screen = terminal.until("given back", |text| text.ends_with("› first\n  second"));
    assert!(screen.contains("not sent"), "{screen}");
    assert!(relay.requests().is_empty());
    terminal.type_in("\r");
    terminal.until("waiting", |text| {
        text.lines()
            .next_back()
            .is_some_and(|line| line.contains("waiting for the MCP server small"))
    });
    std::fs::write(home.path("go"), "go\n").unwrap();
    let screen = terminal.shows("One.");
    assert!(screen.contains("MCP server small: 1 tool\n"), "{screen}");
    terminal.ready();
    terminal.say("third");
    let counts = relay
        .requests()
        .iter()
        .map(|request| {
            let body = request.json().unwrap();
            body["tools"].as_array().unwrap().len()
        })
        .collect::<Vec<_>>();
    assert_eq!(counts, [6, 6]);
}

/// Leaving does not wait for a server, and leaves none behind.
#[test]
fn leaving_ends_a_server_that_starts() {
    let relay = plays([says(1, "One.")]);
    let home = home(&relay);
    let alive = home.path("alive");
    let (sender, gone) = std::sync::mpsc::channel();
    // Its end comes when nobody has it open for writing: the server does, as long as it is there.
    std::thread::spawn(move || sender.send(std::fs::read(alive)));
    let terminal = Terminal::start(&home, (100, 40), &["chat"], &[]);
    terminal.ready();
    terminal.type_in("\x04");
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(0), "{screen}");
    assert!(gone.recv_timeout(HANGS).unwrap().is_ok());
}
