//! `repair` on a pipe that stays open: `curl -N … | respair repair | client`.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use respair_faults::{conforming_text, ev};

use super::{hello, report, typed};
use crate::bin::{Done, Home};

/// A test that waits longer has failed.
const HANGS: Duration = Duration::from_secs(20);

/// A filter whose input is held open.
struct Filter {
    child: Option<Child>,
    input: ChildStdin,
    output: UnixDatagram,
}

impl Filter {
    /// Its output is a socket that keeps each write apart.
    fn start(home: &Home, args: &[&str]) -> Self {
        let (output, theirs) = UnixDatagram::pair().unwrap();
        output.set_read_timeout(Some(HANGS)).unwrap();
        let mut child = home
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        Self {
            child: Some(child),
            input,
            output,
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).unwrap();
    }

    /// The next write.
    fn written(&self) -> Bytes {
        let mut buffer = vec![0; 1 << 20];
        let length = self.output.recv(&mut buffer).expect("something is written");
        Bytes::copy_from_slice(&buffer[..length])
    }

    /// Waits for its end, with the input still open.
    fn end(&mut self) -> Done {
        end(self.child.take().unwrap())
    }
}

fn end(child: Child) -> Done {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    Done::of(
        receiver
            .recv_timeout(HANGS)
            .expect("it ends although its input is open"),
    )
}

fn interrupt(child: &Child) {
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

#[test]
fn each_frame_is_written_at_once_and_in_one_piece() {
    let home = Home::new();
    let mut filter = Filter::start(&home, &["repair"]);
    for frame in conforming_text(["a", &"b".repeat(20_000), "c"]).frames() {
        filter.send(&frame);
        assert_eq!(filter.written(), frame);
    }
    let done = filter.end().exits(0);
    assert_eq!(done.err, "");
}

#[test]
fn a_mended_frame_is_written_at_once_too() {
    let home = Home::new();
    let mut filter = Filter::start(&home, &["repair"]);
    let stream = hello().drop_type("response.created");
    let frames = stream.frames();
    filter.send(&frames[0]);
    let first = filter.written();
    assert_eq!(
        typed(std::str::from_utf8(&first).unwrap()),
        ["response.created"]
    );
    assert!(first.ends_with(b"\n\n"));
    assert!(
        filter
            .written()
            .starts_with(b"event: response.in_progress\n")
    );
    for frame in &frames[1..] {
        // Cut in the middle: nothing comes of half a frame, and nobody waits for more than the other half.
        let (one, two) = frame.split_at(frame.len() / 2);
        filter.send(one);
        filter.send(two);
        assert!(filter.written().ends_with(b"\n\n"));
    }
    filter.end().exits(0).says("created-missing");
}

#[test]
fn it_ends_with_the_stream_and_takes_along_what_is_there() {
    let home = Home::new();
    let mut filter = Filter::start(&home, &["repair", "--report", "r.json"]);
    let whole = hello().push(ev::done_sentinel()).push(ev::comment("bye"));
    filter.send(&whole.to_bytes());
    for frame in whole.frames() {
        assert_eq!(filter.written(), frame);
    }
    filter.end().exits(0);
    let told = report(&std::fs::read_to_string(home.path("r.json")).unwrap());
    assert_eq!(told["bytes_out"], whole.to_bytes().len());
}

#[test]
fn an_error_is_waited_for_no_longer_than_it_may_take() {
    let home = Home::new();
    let mut filter = Filter::start(&home, &["repair", "-q"]);
    let stream = respair_faults::Stream::new()
        .prelude()
        .push(ev::error_flat("server_error", "no"));
    filter.send(&stream.to_bytes());
    // A machine that is slow enough has waited before the first write, and then the last ones come as one.
    let mut types: Vec<String> = Vec::new();
    while types.len() < 4 {
        types.extend(typed(std::str::from_utf8(&filter.written()).unwrap()));
    }
    let expected = [
        "response.created",
        "response.in_progress",
        "error",
        "response.failed",
    ];
    assert_eq!(types, expected);
    filter.end().exits(1);
}

#[test]
fn comments_that_go_on_for_ever_do_not_keep_it() {
    let home = Home::new();
    let mut filter = Filter::start(&home, &["repair"]);
    filter.send(&hello().to_bytes());
    let mut input = std::fs::File::from(filter.input.as_fd().try_clone_to_owned().unwrap());
    std::thread::spawn(move || while input.write_all(b": ping\n\n").is_ok() {});
    let output = filter.output.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while output.recv(&mut buffer).is_ok_and(|length| length > 0) {}
    });
    filter.end().exits(0);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::new();
    let mut child = home
        .command(&["repair"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let frames = hello().frames();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    input.write_all(&frames[0]).unwrap();
    let mut first = vec![0; frames[0].len()];
    output.read_exact(&mut first).unwrap();
    drop(output);
    input.write_all(&frames[1]).unwrap();
    let done = end(child).exits(0);
    assert_eq!(done.err, "");
    drop(input);
}

#[test]
fn an_interrupt_leaves_an_honest_stream() {
    let home = Home::new();
    let mut filter = Filter::start(&home, &["repair", "--report", "r.json"]);
    let frames = hello().frames();
    for frame in &frames[..6] {
        filter.send(frame);
        assert_eq!(filter.written(), frame);
    }
    interrupt(filter.child.as_ref().unwrap());
    let last = filter.written();
    let last = std::str::from_utf8(&last).unwrap();
    assert_eq!(typed(last), ["response.failed"]);
    assert!(last.contains("upstream_truncated"), "{last}");
    filter.end().exits(130);
    let told = report(&std::fs::read_to_string(home.path("r.json")).unwrap());
    assert_eq!(told["ending"], "truncated");
}

#[test]
fn an_interrupt_before_anything_came_writes_nothing() {
    let home = Home::new();
    let mut child = home
        .command(&["repair", "--report", "r.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = child.stdin.take();
    // Signals are handled before the report's file is made.
    wait_for(&home.path("r.json"));
    interrupt(&child);
    let done = end(child).exits(130);
    assert_eq!(done.out, "");
    drop(input);
}

/// Until the file is there; the directory is asked again and again, without a pause.
fn wait_for(path: &std::path::Path) {
    let begun = std::time::Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < HANGS, "{} is not made", path.display());
        std::thread::yield_now();
    }
}

#[test]
fn an_output_that_takes_nothing_does_not_hold_up_an_interrupt() {
    let home = Home::new();
    let body = conforming_text((0..4000).map(|_| "some words that fill the pipe")).to_bytes();
    home.write("long.sse", &body);
    let mut child = home
        .command(&["repair", "long.sse"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    // It runs, and then waits for somebody who reads.
    output.read_exact(&mut [0; 100]).unwrap();
    interrupt(&child);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait().unwrap()));
    let status = receiver.recv_timeout(HANGS).expect("it ends");
    assert_eq!(status.code(), Some(130));
    drop(output);
}
