//! What the process needs when there is much to do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::{Gateway, said};
use crate::bin::{Home, are_shown, binary};

/// More lines than any pipe takes that nobody reads.
const REQUESTS: usize = 1000;

#[test]
fn a_log_that_nobody_reads_holds_up_no_request() {
    let relay = said("hello");
    let home = Home::new();
    let gateway = Gateway::start(&home, &["--upstream", &relay.base_url()]);
    let path = format!("/v1/{}", "x".repeat(100));
    let mut socket = TcpStream::connect(&gateway.address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    for request in 0..REQUESTS {
        let last = request + 1 == REQUESTS;
        let connection = if last { "close" } else { "keep-alive" };
        let head = format!(
            "HEAD {path} HTTP/1.1\r\nhost: {}\r\nconnection: {connection}\r\n\r\n",
            gateway.address
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut piece = [0; 512];
            let length = socket.read(&mut piece).unwrap();
            assert!(length > 0, "request {request}");
            answer.extend_from_slice(&piece[..length]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 404"), "request {request}");
    }
    let log = gateway.stopped();
    let told = log.lines().filter(|line| line.contains("\"status\":404"));
    assert_eq!(told.count(), REQUESTS);
}

#[cfg(target_os = "linux")]
#[test]
fn it_takes_as_many_descriptors_as_it_may() {
    if !are_shown() {
        return;
    }
    let relay = said("hello");
    let home = Home::new();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 64 && exec \"$0\" \"$@\""])
        .arg(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--upstream"])
        .arg(relay.base_url())
        .env("HOME", home.path(""));
    let gateway = Gateway::spawn(&mut command);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gateway.child.id())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let numbers: Vec<u64> = line
        .unwrap()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    assert_eq!(numbers[0], numbers[1].min(65_536), "{limits}");
}
