//! `respair serve`, as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use respair_faults::{Relay, Script, Step, conforming_text};
use serde_json::Value;

use crate::bin::{Home, playing, relay};

mod guide;
#[cfg(unix)]
mod load;
mod records;
#[cfg(unix)]
mod reload;
#[cfg(target_os = "linux")]
mod weight;

/// A gateway process and the address from its first line. It is killed with the test.
struct Gateway {
    child: Child,
    address: String,
    err: BufReader<std::process::ChildStderr>,
}

impl Gateway {
    fn start(home: &Home, args: &[&str]) -> Self {
        let mut all = vec!["--log", "json"];
        all.extend(args);
        Self::start_with(home, &all)
    }

    fn start_with(home: &Home, args: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend(args);
        let mut command = home.command(&all);
        Self::spawn(command.env("RELAY_KEY", "sk-of-two"))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        let address = first.trim_end().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("{first}")).to_owned();
        let err = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            address,
            err,
        }
    }

    /// The next line of standard error.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.err.read_line(&mut line).unwrap();
        line
    }

    /// Stops it and waits until it has; what it still said.
    #[cfg(unix)]
    fn stopped(mut self) -> String {
        self.signal("-TERM");
        let mut rest = String::new();
        self.err.read_to_string(&mut rest).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{rest}");
        rest
    }

    /// Asks for a stream; the answer is still to be read.
    fn ask(&self, path: &str, model: &str) -> TcpStream {
        self.ask_as("", path, model)
    }

    /// The same for a client of this name.
    fn ask_as(&self, agent: &str, path: &str, model: &str) -> TcpStream {
        let body = format!(r#"{{"model":"{model}","input":"a prompt","stream":true}}"#);
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer sk-of-the-client\r\n\
             user-agent: {agent}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket
    }

    fn answer(&self, path: &str, model: &str) -> String {
        let mut answer = String::new();
        self.ask(path, model).read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.address
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The next line of the log.
    fn log(&mut self) -> Value {
        let mut line = String::new();
        self.err.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let status = kill.args([name, &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(text: &str) -> Relay {
    playing(Script::stream(&conforming_text([text])))
}

#[test]
fn it_mends_what_goes_through_and_logs_no_secret() {
    let relay = relay("no-created");
    let home = Home::new();
    let mut gateway = Gateway::start(&home, &["--upstream", &relay.base_url()]);
    let answer = gateway.answer("/v1/responses", "m");
    assert!(
        answer.contains("event: response.created\n") && answer.ends_with("0\r\n\r\n"),
        "{answer}"
    );
    let line = gateway.log();
    assert_eq!(
        (
            &line["status"],
            &line["ending"],
            &line["terminal_delivered"]
        ),
        (&200.into(), &"completed".into(), &true.into())
    );
    assert_eq!(line["repairs"]["created-missing"], 1);
    let line = line.to_string();
    assert!(
        !line.contains("a prompt") && !line.contains("sk-of-the-client") && !line.contains("Hello"),
        "{line}"
    );
    assert_eq!(
        relay.requests()[0].header("authorization"),
        Some("Bearer sk-of-the-client")
    );
}

#[test]
fn the_configurations_upstreams_are_served_by_name_and_by_model() {
    let (one, two) = (said("of one"), said("of two"));
    let home = Home::with_config(&format!(
        "model:\n  provider: custom\n  base_url: {}/a\ncustom_providers:\n  - name: second\n    base_url: {}/b\n    \
         key_env: RELAY_KEY\n    default: m2\n  - name: third\n    base_url: {}/c\n    key_env: NOT_SET\n",
        one.base_url(),
        two.base_url(),
        two.base_url()
    ));
    let mut gateway = Gateway::start(&home, &[]);
    let mut warning = String::new();
    gateway.err.read_line(&mut warning).unwrap();
    assert!(
        warning.contains("`third` is left out") && warning.contains("NOT_SET"),
        "{warning}"
    );
    for (path, model, expected) in [
        ("/v1/responses", "m", "of one"),
        ("/v1/responses", "m2", "of two"),
        ("/second/v1/responses", "m", "of two"),
    ] {
        let answer = gateway.answer(path, model);
        assert!(answer.contains(expected), "{path} {model}: {answer}");
    }
    assert_eq!(one.requests()[0].path, "/a/responses");
    assert_eq!(two.requests()[0].path, "/b/responses");
    assert_eq!(
        two.requests()[0].header("authorization"),
        Some("Bearer sk-of-two")
    );
    assert!(
        gateway
            .answer("/third/v1/responses", "m")
            .starts_with("HTTP/1.1 404")
    );
}

#[cfg(unix)]
#[test]
fn it_stops_when_it_is_told_to_and_ends_its_streams() {
    let stuck = Script::stream(&conforming_text(["Hel"]).through("response.output_text.delta"))
        .step(Step::HoldOpen);
    let relay = playing(stuck);
    let home = Home::new();
    let mut gateway = Gateway::start(&home, &["--upstream", &relay.base_url()]);
    let mut socket = gateway.ask("/v1/responses", "m");
    // The head is there: the stream is under way.
    let mut first = [0; 15];
    socket.read_exact(&mut first).unwrap();
    gateway.signal("-TERM");
    let mut notice = String::new();
    gateway.err.read_line(&mut notice).unwrap();
    assert!(notice.starts_with("notice: stopping"), "{notice}");
    gateway.signal("-INT");
    let mut rest = String::new();
    socket.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("upstream_truncated") && rest.ends_with("0\r\n\r\n"),
        "{rest}"
    );
    assert_eq!(gateway.log()["ending"], "truncated");
    assert_eq!(gateway.child.wait().unwrap().code(), Some(130));
}
