//! What the process weighs, idle and with streams open. docs/PERFORMANCE.md has what a release build weighs and what is
//! aimed at; this asserts five times the aim, of the build at hand.

use std::fs;
use std::io::Read as _;

use respair_faults::{Script, Step, conforming_text};

use super::Gateway;
use crate::bin::{Home, are_shown, playing};

/// Streams that are open at once.
const STREAMS: usize = 200;

/// Five times the aims, in KiB.
const IDLE: usize = 5 * 12 * 1024;
const STREAM: usize = 5 * 24;

/// A figure of the kernel's, in KiB.
fn kib(gateway: &Gateway, file: &str, name: &str) -> usize {
    let file = format!("/proc/{}/{file}", gateway.child.id());
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.unwrap().split_whitespace().next();
    figure.unwrap().parse().unwrap()
}

#[test]
fn an_idle_process_and_a_silent_stream_weigh_little() {
    if !are_shown() {
        return;
    }
    let stream = conforming_text(["Hel", "lo"]).through("response.output_text.delta");
    let relay = playing(Script::stream(&stream).step(Step::HoldOpen));
    let home = Home::new();
    // Nobody reads what it says of them.
    let gateway = Gateway::start_with(&home, &["--quiet", "--upstream", &relay.base_url()]);
    let idle = kib(&gateway, "status", "VmRSS:");
    let before = kib(&gateway, "smaps_rollup", "Pss:");
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        let mut socket = gateway.ask("/v1/responses", "m");
        let mut read = String::new();
        while !read.contains("\"delta\":\"Hel") {
            let mut some = [0; 4096];
            let length = socket.read(&mut some).unwrap();
            assert_ne!(length, 0, "{read}");
            read.push_str(&String::from_utf8_lossy(&some[..length]));
        }
        open.push(socket);
    }
    let held = kib(&gateway, "smaps_rollup", "Pss:").saturating_sub(before);
    for socket in &open {
        // Held until now: silent, or kept alive by a comment.
        socket.set_nonblocking(true).unwrap();
        assert_ne!(socket.peek(&mut [0]).ok(), Some(0), "a stream has ended");
    }
    println!("idle {idle} KiB, a stream {} KiB", held / STREAMS);
    assert!(idle <= IDLE, "{idle} KiB when idle");
    assert!(held <= STREAM * STREAMS, "{} KiB a stream", held / STREAMS);
}
