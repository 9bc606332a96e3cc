//! What a response holds beside its calls: words behind a call, thoughts without an item, answers of white space.

use respair_faults::ev::{self, Item};
use respair_faults::{Script, Stream};
use serde_json::Value;

use crate::support::wire::faults;
use crate::support::*;

const OSLO: &str = "{\"city\":\"Oslo\"}";
const ROME: &str = "{\"city\":\"Rome\"}";

fn thinks(stream: Stream, encrypted: &str) -> Stream {
    let item = Item::reasoning("Hm.").with("encrypted_content", encrypted);
    stream.push(ev::reasoning_added()).push(ev::item_done(item))
}

/// The items of an input, in short.
fn short(items: &[Value]) -> Vec<String> {
    let short = items.iter().map(|item| {
        let field = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        match item["type"].as_str().unwrap() {
            "message" => {
                let part = &item["content"][0];
                let text = part["text"].as_str().or(part["refusal"].as_str());
                format!("{}: {}", field("role"), text.unwrap())
            }
            "reasoning" => field("encrypted_content"),
            "function_call" => field("arguments"),
            _ => field("output"),
        }
    });
    short.collect()
}

/// What the model said behind a call stands before it: the output stays behind its call, as servers want it that make a chat
/// of it, and is the one that the call gave.
#[tokio::test(start_paused = true)]
async fn words_behind_a_call_take_no_output_away() {
    type Case = (&'static str, Stream, &'static [&'static str]);
    let begun = || response(1).call("weather", [OSLO]).message(["Let me see."]);
    let cases: [Case; 5] = [
        (
            "one call",
            begun().complete(),
            &["assistant: Let me see.", OSLO, "echo Oslo"],
        ),
        (
            "between two",
            begun().call("weather", [ROME]).complete(),
            &[
                "assistant: Let me see.",
                OSLO,
                ROME,
                "echo Oslo",
                "echo Rome",
            ],
        ),
        (
            "two of them",
            begun()
                .message(["Soon."])
                .call("weather", [ROME])
                .message(["Now."])
                .complete(),
            &[
                "assistant: Let me see.",
                "assistant: Soon.",
                "assistant: Now.",
                OSLO,
                ROME,
                "echo Oslo",
                "echo Rome",
            ],
        ),
        (
            "cut",
            begun(),
            &["assistant: Let me see.", OSLO, "echo Oslo"],
        ),
        (
            "with thoughts of their own",
            thinks(
                thinks(response(1).message(["First."]), "one").call("weather", [OSLO]),
                "two",
            )
            .message(["Let me see."])
            .complete(),
            &[
                "assistant: First.",
                "two",
                "assistant: Let me see.",
                "one",
                OSLO,
                "echo Oslo",
            ],
        ),
    ];
    for (name, stream, expected) in cases {
        let relay = plays([Script::stream(&stream), says(2, "Rain."), says(3, "Bye.")]).await;
        let tool = Made::echo("weather");
        let mut conversation = conversation(&relay, [tool.clone() as _]);
        let run = say(&mut conversation, "Go").await;
        assert_eq!(run.answer.text, "Rain.", "{name}");
        say(&mut conversation, "And?").await;
        let requests = relay.requests();
        let (second, third) = (input(&requests[1]), input(&requests[2]));
        assert_eq!(short(&second)[1..], *expected, "{name}");
        // What was sent once is sent the same again.
        assert_eq!(third[..second.len()], second[..], "{name}");
        for request in &requests {
            assert_eq!(faults(&input(request)), [""; 0], "{name}");
        }
    }
}
