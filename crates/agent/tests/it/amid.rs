//! What a response holds beside its calls: words behind a call, thoughts without an item, answers of white space.

use std::time::Duration;

use respair_agent::{Agent, AnswerStatus, Conversation, transcript};
use respair_faults::ev::{self, Item};
use respair_faults::{Request, Script, Stream};
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

fn cut_short(stream: Stream) -> Script {
    Script::stream(&stream.push(ev::incomplete("max_output_tokens")))
}

/// A thought that nothing followed is sent nowhere: not before an item of the next response, and not before another's.
#[tokio::test(start_paused = true)]
async fn a_thought_without_an_item_is_not_that_of_the_next_response() {
    let thought = || cut_short(thinks(response(1), "lost"));
    let answer = |number: u64| {
        let stream = thinks(response(number), "kept").message(["Rain."]);
        Script::stream(&stream.complete())
    };
    let relay = plays([thought(), answer(2), says(3, "Bye.")]).await;
    let mut one = conversation(&relay, []);
    let run = say(&mut one, "Go").await;
    assert_eq!(run.answer.text, "Rain.");
    say(&mut one, "And?").await;
    let last = input(&relay.requests()[2]);
    assert_eq!(
        short(&last),
        ["user: Go", "kept", "assistant: Rain.", "user: And?"]
    );
    // The reader is told why there are two.
    let text = transcript::markdown("T", one.entries());
    assert!(
        text.contains("*incomplete: max_output_tokens; continued*"),
        "{text}"
    );

    // Another endpoint went on; then the first is asked again.
    let first = relay_of(vec![
        thought(),
        Script::error(402, "billing", None, "Pay."),
        says(3, "Bye."),
    ])
    .await;
    let second = plays([answer(1)]).await;
    let mut options = options(&first, []);
    options.links.push(link(custom(&second)));
    let mut two = Conversation::new(Agent::new(options));
    assert_eq!(say(&mut two, "Go").await.answer.text, "Rain.");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(say(&mut two, "And?").await.answer.text, "Bye.");
    let last = input(&first.requests()[2]);
    assert_eq!(short(&last), ["user: Go", "assistant: Rain.", "user: And?"]);
}

/// Nor is one behind the last call.
#[tokio::test(start_paused = true)]
async fn a_thought_behind_the_last_call_is_not_that_of_the_next_response() {
    let first = thinks(thinks(response(1), "kept").call("weather", [OSLO]), "lost");
    let relay = plays([
        Script::stream(&first.complete()),
        says(2, "Rain."),
        says(3, "Bye."),
    ])
    .await;
    let mut conversation = conversation(&relay, [Made::echo("weather") as _]);
    say(&mut conversation, "Go").await;
    say(&mut conversation, "And?").await;
    assert_eq!(
        short(&input(&relay.requests()[2])),
        [
            "user: Go",
            "kept",
            OSLO,
            "echo Oslo",
            "assistant: Rain.",
            "user: And?"
        ]
    );
}

async fn relay_of(scripts: Vec<Script>) -> respair_faults::Relay {
    relay(move |request: &Request| scripts[request.number].clone()).await
}

fn says_in(stream: Stream, phase: &str, text: &str) -> Stream {
    let item = |item: Item| item.with("phase", phase);
    stream
        .push(ev::item_added(item(Item::open_message())))
        .push(ev::part_added())
        .push(ev::text_delta(text))
        .push(ev::text_done(text))
        .push(ev::part_done(text))
        .push(ev::item_done(item(Item::message(text))))
}

/// White space is no answer to commentary, and no message that another server takes.
#[tokio::test(start_paused = true)]
async fn white_space_is_no_answer() {
    let aside = says_in(response(1), "commentary", "Let me see.");
    let blank = says_in(aside, "final_answer", " \n").complete();
    let relay = plays([Script::stream(&blank), says(2, "Rain."), says(3, "Bye.")]).await;
    let mut conversation = conversation(&relay, []);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    // As it was shown.
    assert_eq!(run.answer.text, " \nRain.");
    let second = input(&relay.requests()[1]);
    assert_eq!(short(&second), ["user: Go", "assistant: Let me see."]);
}

/// A response that holds no word of an answer is complete, as the upstream says, and the user is told.
#[tokio::test(start_paused = true)]
async fn an_answer_without_a_word_is_said_to_be_none() {
    let thought = || thinks(response(1), "gAAA");
    let call = response(1).call("weather", [OSLO]);
    for (name, scripts, said) in [
        ("thoughts", vec![thought().complete()], true),
        (
            "white space",
            vec![response(1).message([" \n"]).complete()],
            true,
        ),
        (
            "thoughts behind a call",
            vec![call.complete(), thought().complete()],
            true,
        ),
        // That is told with the response.
        ("nothing", vec![response(1).complete()], false),
    ] {
        let count = scripts.len();
        let relay = plays(scripts.iter().map(Script::stream)).await;
        let mut conversation = conversation(&relay, [Made::echo("weather") as _]);
        let run = say(&mut conversation, "Go").await;
        assert_eq!(run.answer.status, AnswerStatus::Completed, "{name}");
        assert_eq!(relay.requests().len(), count, "{name}");
        let message = "the upstream completed its response without an answer";
        let expected = said.then_some(message);
        assert_eq!(run.answer.message.as_deref(), expected, "{name}");
    }
}

/// A filter's incomplete answer is told with its reason, and asked for no further.
#[tokio::test(start_paused = true)]
async fn what_a_filter_left_is_told_with_its_reason() {
    let stream = response(1)
        .message(["Half"])
        .push(ev::incomplete("content_filter"));
    let relay = plays([Script::stream(&stream)]).await;
    let mut conversation = conversation(&relay, []);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Incomplete);
    assert_eq!(
        run.answer.message.as_deref(),
        Some("the answer is incomplete: content_filter")
    );
    assert_eq!(
        (run.answer.text.as_str(), relay.requests().len()),
        ("Half", 1)
    );
    let text = transcript::markdown("T", conversation.entries());
    assert!(
        text.contains("*incomplete: the answer is incomplete: content_filter*"),
        "{text}"
    );
}

/// What broke off with nothing but closed items is marked where it broke off, and is no answer without words.
#[tokio::test(start_paused = true)]
async fn nothing_shown_is_no_answer_in_the_transcript() {
    let stream = response(1).call("weather", [OSLO]);
    let relay = plays([Script::stream(&stream), says(2, "Rain.")]).await;
    let mut conversation = conversation(&relay, [Made::echo("weather") as _]);
    say(&mut conversation, "Go").await;
    let text = transcript::markdown("T", conversation.entries());
    assert!(text.contains("\n*truncated*\n"), "{text}");
    assert_eq!(text.matches("## Answer").count(), 1, "{text}");
}
