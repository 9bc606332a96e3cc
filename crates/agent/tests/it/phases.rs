//! What is said in between is never the answer: not in it, not in another endpoint's request, and not in its place.

use respair_agent::{Agent, AgentEvent, AnswerStatus, Conversation};
use respair_client::TurnEvent;
use respair_faults::ev::{self, Item};
use respair_faults::{Script, Stream};
use serde_json::{Value, json};

use crate::support::*;

/// A message with a phase, in both of its ends, or in one of them.
fn message(stream: Stream, text: &str, added: Option<&str>, done: Option<&str>) -> Stream {
    let with = |item: Item, phase: Option<&str>| match phase {
        Some(phase) => item.with("phase", phase),
        None => item,
    };
    stream
        .push(ev::item_added(with(Item::open_message(), added)))
        .push(ev::part_added())
        .push(ev::text_delta(text))
        .push(ev::text_done(text))
        .push(ev::part_done(text))
        .push(ev::item_done(with(Item::message(text), done)))
}

fn said(run: &Run) -> (String, String) {
    let (mut text, mut commentary) = (String::new(), String::new());
    for event in &run.events {
        match event {
            AgentEvent::Response(TurnEvent::Text(piece)) => text.push_str(piece),
            AgentEvent::Response(TurnEvent::Commentary(piece)) => commentary.push_str(piece),
            _ => {}
        }
    }
    (text, commentary)
}

#[tokio::test(start_paused = true)]
async fn only_the_answer_is_the_answer() {
    type Message = (&'static str, Option<&'static str>, Option<&'static str>);
    let both = |text, phase| (text, Some(phase), Some(phase));
    let table: Vec<(&str, Vec<Message>, &str, &str)> = vec![
        ("none", vec![("Hi", None, None)], "Hi", ""),
        ("final_answer", vec![both("Hi", "final_answer")], "Hi", ""),
        ("unknown", vec![both("Hi", "epilogue")], "Hi", ""),
        (
            "commentary, then the answer",
            vec![both("Hm.", "commentary"), both("Hi", "final_answer")],
            "Hi",
            "Hm.",
        ),
        (
            "analysis, then none",
            vec![both("Hm.", "analysis"), ("Hi", None, None)],
            "Hi",
            "Hm.",
        ),
        (
            "upper case",
            vec![both("Hm.", "Commentary"), both("Hi", "FINAL_ANSWER")],
            "Hi",
            "Hm.",
        ),
        (
            "the answer in two messages, commentary between",
            vec![
                both("Hi ", "final_answer"),
                both("Hm.", "commentary"),
                both("Ada", "final_answer"),
            ],
            "Hi Ada",
            "Hm.",
        ),
        // It was shown as it came; the answer is what it turned out to be.
        (
            "only where it was done",
            vec![
                ("Hm.", None, Some("commentary")),
                ("Hi", None, Some("final_answer")),
            ],
            "Hi",
            "",
        ),
        (
            "only where it was added",
            vec![("Hm.", Some("commentary"), None), ("Hi", None, None)],
            "Hi",
            "Hm.",
        ),
    ];
    for (name, messages, answer, commentary) in table {
        let begun = |number| {
            messages
                .iter()
                .fold(response(number), |stream, (text, added, done)| {
                    message(stream, text, *added, *done)
                })
        };
        for chunk in [1, 1 << 20] {
            let script = Script::stream(&begun(1).complete()).in_chunks_of(chunk);
            let relay = plays([script, says(2, "Next.")]).await;
            let mut conversation = conversation(&relay, []);
            let run = say(&mut conversation, "Go").await;
            assert_eq!(run.answer.status, AnswerStatus::Completed, "{name}");
            assert_eq!(run.answer.text, answer, "{name}");
            assert_eq!(said(&run).1, commentary, "{name}");
            assert_eq!(relay.requests().len(), 1, "{name}");
            // The issuer is sent all of it, as it said it.
            say(&mut conversation, "And?").await;
            let next = input(&relay.requests()[1]);
            let sent: Vec<(&str, Option<&str>)> = next[1..next.len() - 1]
                .iter()
                .map(|item| {
                    (
                        item["content"][0]["text"].as_str().unwrap(),
                        item["phase"].as_str(),
                    )
                })
                .collect();
            let expected: Vec<(&str, Option<&str>)> = messages
                .iter()
                .map(|(text, _, done)| (*text, *done))
                .collect();
            assert_eq!(sent, expected, "{name}");
        }
    }
}

/// What is said before a call is no answer either, and neither is what is there when a limit ends the turn.
#[tokio::test(start_paused = true)]
async fn what_is_said_before_a_call_is_no_answer() {
    let both = |number: u64| {
        let stream = message(response(number), "Let me see.", None, None);
        Script::stream(&stream.call("weather", ["{}"]).complete())
    };
    let relay = plays([both(1), both(2), says(3, "Rain.")]).await;
    let run = say(
        &mut conversation(&relay, [Made::echo("weather") as _]),
        "Go",
    )
    .await;
    assert_eq!(run.answer.text, "Rain.");
    let relay = plays([both(1), both(2)]).await;
    let mut options = options(&relay, [Made::echo("weather") as _]);
    options.limits.steps = 2;
    let run = say(&mut Conversation::new(Agent::new(options)), "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Stopped);
    assert_eq!(run.answer.text, "");
}

/// A response that only says what it is about to do is continued, so often and no more.
#[tokio::test(start_paused = true)]
async fn commentary_alone_is_continued_and_bounded() {
    let hm = |number: u64| {
        let phase = Some("commentary");
        Script::stream(&message(response(number), "Hm.", phase, phase).complete())
    };
    let relay = plays([hm(1), hm(2), says(3, "Hi.")]).await;
    let run = say(&mut conversation(&relay, []), "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    assert_eq!(run.answer.text, "Hi.");
    assert_eq!(
        types(&relay.requests()[2]),
        ["user", "assistant", "assistant"]
    );

    let relay = plays([hm(1)]).await;
    let run = say(&mut conversation(&relay, []), "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Incomplete);
    assert_eq!((run.answer.text.as_str(), relay.requests().len()), ("", 4));
    let message = run.answer.message.unwrap();
    assert!(
        message.contains("3 continuations: commentary without an answer"),
        "{message}"
    );
}

/// Another endpoint is not told what the first said in between, and no phases.
#[tokio::test(start_paused = true)]
async fn another_endpoint_gets_the_answers_alone() {
    let hm = Some("commentary");
    let answer = Some("final_answer");
    let stream = message(message(response(1), "Hm.", hm, hm), "Hi.", answer, answer);
    let limited = Script::error(402, "billing", None, "no credit");
    let first = plays([Script::stream(&stream.complete()), limited]).await;
    let second = plays([says(1, "Here.")]).await;
    let mut options = options(&first, []);
    options.links.push(link(custom(&second)));
    let mut conversation = Conversation::new(Agent::new(options));
    say(&mut conversation, "Go").await;
    say(&mut conversation, "And?").await;
    let sent = input(&second.requests()[0]);
    assert_eq!(types(&second.requests()[0]), ["user", "assistant", "user"]);
    assert_eq!(sent[1]["content"][0]["text"], "Hi.");
    assert_eq!(sent[1].get("phase"), None::<&Value>);
    assert_eq!(
        sent[1]["content"],
        json!([{"type": "output_text", "text": "Hi.", "annotations": []}])
    );
}
