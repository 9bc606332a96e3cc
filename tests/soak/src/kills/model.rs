//! The model of the killed conversations, and the wire to it, which counts bytes.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use respair_faults::ev::{self, Item};
use respair_faults::{Relay, Request, Script, Stream};
use serde_json::{Value, json};

use super::process::Victim;

/// What the user says: before, in the turn that is killed, and after it.
pub(super) const BEFORE: &str = "What was before?";
pub(super) const SAID: &str = "Do three things.";
pub(super) const AFTER: &str = "And again.";
/// What each command that the model calls leaves in this file.
pub(super) const RAN: &str = "ran.txt";
/// The answers: each is said once.
const LAST: [&str; 6] = ["All ", "three ", "things ", "are ", "done ", "now."];
const AGAIN: &str = "Going on.";

/// Every text that a message of the model's may hold.
pub(super) fn texts() -> Vec<String> {
    vec![
        past(),
        "I begin. ".to_owned(),
        LAST.concat(),
        AGAIN.to_owned(),
    ]
}

/// An answer of some length: the database is larger than its log.
fn past() -> String {
    "What was before is long. ".repeat(16_000)
}

/// A relay that plays the model. Where `cut`, the last answer breaks off the first time.
pub(super) fn relay(cut: bool) -> io::Result<Relay> {
    let cut = AtomicBool::new(cut);
    let play = move |request: &Request| play(request, &cut);
    Relay::builder(play).start_on_thread()
}

fn play(request: &Request, cut: &AtomicBool) -> Script {
    let body = request.json().unwrap_or_default();
    let items = body["input"].as_array().cloned().unwrap_or_default();
    let stream = Stream::new().turn(request.number as u64).prelude();
    let said = items
        .iter()
        .rfind(|item| item["role"] == "user")
        .map(|item| item["content"][0]["text"].clone());
    let outputs = items
        .iter()
        .filter(|item| item["type"] == "function_call_output")
        .count();
    match (said.as_ref().and_then(Value::as_str), outputs) {
        (Some(BEFORE), _) => Script::stream(&stream.message([past().as_str()]).complete()),
        (Some(AFTER), _) => Script::stream(&stream.message([AGAIN]).complete()),
        (_, 0) => {
            let stream = reasoning(stream, "first", &["I think ", "about ", "it."]);
            let stream = stream.message(["I ", "begin. "]);
            Script::stream(&call(stream, 1).complete())
        }
        (_, 1) => Script::stream(&call(call(stream, 2), 3).complete()),
        _ => {
            let stream = reasoning(stream, "last", &["That ", "was ", "all."]);
            let whole = stream.message(LAST).complete();
            match cut.swap(false, Ordering::Relaxed) {
                true => Script::stream(&whole.before("response.output_text.done")).cut(),
                false => Script::stream(&whole),
            }
        }
    }
}

/// Reasoning with encrypted content, which is sent back.
fn reasoning(stream: Stream, name: &str, deltas: &[&str]) -> Stream {
    let summary = deltas.concat();
    stream
        .push(ev::reasoning_added())
        .push(ev::summary_part_added())
        .extend(deltas.iter().map(|delta| ev::summary_delta(delta)))
        .push(ev::summary_done(&summary))
        .push(ev::summary_part_done(&summary))
        .push(ev::item_done(
            Item::reasoning(&summary).with("encrypted_content", format!("encrypted {name}")),
        ))
}

fn call(stream: Stream, number: usize) -> Stream {
    let command = format!("echo ran {number} >> {RAN}; seq 1 200; echo over {number} >> {RAN}");
    let arguments = json!({ "command": command }).to_string();
    let (front, back) = arguments.split_at(arguments.len() / 2);
    stream.call("shell", [front, back])
}

/// A wire between the process and the relay. It counts what the process gets.
pub(super) struct Wire {
    pub(super) address: SocketAddr,
    bytes: Arc<AtomicU64>,
}

impl Wire {
    /// Passes everything on; behind byte `most` that the process gets, it is killed.
    pub(super) fn start(
        to: SocketAddr,
        most: Option<u64>,
        victim: &Arc<Victim>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, bytes) = (listener.local_addr()?, Arc::new(AtomicU64::new(0)));
        let (counted, victim) = (Arc::clone(&bytes), Arc::clone(victim));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if victim.is_over() {
                    return;
                }
                let (counted, victim) = (Arc::clone(&counted), Arc::clone(&victim));
                std::thread::spawn(move || pass(&client, to, most, &counted, &victim));
            }
        });
        Ok(Self { address, bytes })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Lets the thread that listens see that it is over.
    pub(super) fn stop(&self) {
        drop(TcpStream::connect(self.address));
    }
}

/// One connection. Either side's end is the other's.
fn pass(client: &TcpStream, to: SocketAddr, most: Option<u64>, bytes: &AtomicU64, victim: &Victim) {
    let Ok(relay) = TcpStream::connect(to) else {
        return;
    };
    let (Ok(mut up), Ok(mut out)) = (client.try_clone(), relay.try_clone()) else {
        return;
    };
    std::thread::spawn(move || {
        let _ = io::copy(&mut up, &mut out);
        let _ = out.shutdown(std::net::Shutdown::Write);
    });
    let (mut relay, mut client) = (&relay, client);
    let mut piece = [0; 512];
    while let Ok(length @ 1..) = relay.read(&mut piece) {
        let before = bytes.fetch_add(length as u64, Ordering::Relaxed);
        let left = most.map_or(length, |most| {
            usize::try_from(most.saturating_sub(before)).unwrap_or(length)
        });
        let passed = client.write_all(&piece[..length.min(left)]);
        if left <= length && most.is_some() {
            victim.kill();
            return;
        }
        if passed.is_err() {
            return;
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Both);
}
