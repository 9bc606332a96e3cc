//! What the model says while it works is given apart from the answer (HERMES.md, 2 and 2e).

use respair_client::{TurnEvent, TurnStatus};
use respair_faults::ev::{self, Item};
use respair_faults::{Script, Stream};

use crate::support::*;

/// A message of this phase as one item.
fn phase(stream: Stream, phase: &str, text: &str) -> Stream {
    stream
        .push(ev::message_added().with("item.phase", phase))
        .push(ev::part_added())
        .push(ev::text_delta(text))
        .push(ev::text_done(text))
        .push(ev::part_done(text))
        .push(ev::item_done(Item::message(text).with("phase", phase)))
}

#[tokio::test(start_paused = true)]
async fn commentary_is_never_the_answer() {
    let stream = phase(Stream::new().prelude(), "commentary", "Let me look.");
    let stream = phase(stream, "Analysis", "Hm.");
    let stream = phase(stream, "final_answer", "Hello");
    let relay = relay(Script::stream(&stream.complete())).await;
    let run = run(&client(custom(&relay))).await;
    assert_eq!(run.outcome.status, TurnStatus::Completed);
    assert_eq!(run.outcome.text, "Hello");
    assert_eq!(run.outcome.commentary, "Let me look.Hm.");
    let said: Vec<_> = run
        .events
        .iter()
        .filter_map(|event| match event {
            TurnEvent::Text(text) => Some(("answer", text.as_str())),
            TurnEvent::Commentary(text) => Some(("commentary", text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        [
            ("commentary", "Let me look."),
            ("commentary", "Hm."),
            ("answer", "Hello")
        ]
    );
}

/// A call is known by name before its arguments come.
#[tokio::test(start_paused = true)]
async fn a_call_is_told_as_it_grows() {
    let stream = Stream::new()
        .prelude()
        .call("get_weather", ["{\"city\":", "\"Oslo\"}"])
        .complete();
    let relay = relay(Script::stream(&stream)).await;
    let run = run(&client(custom(&relay))).await;
    let mut arguments = String::new();
    let mut name = None;
    for event in &run.events {
        match event {
            TurnEvent::ItemAdded { item, .. } => {
                let item: serde_json::Value = serde_json::from_str(item.get()).unwrap();
                name = item["name"].as_str().map(str::to_owned);
            }
            TurnEvent::Arguments { text, .. } => {
                assert_eq!(name.as_deref(), Some("get_weather"));
                arguments.push_str(text);
            }
            _ => {}
        }
    }
    assert_eq!(arguments, r#"{"city":"Oslo"}"#);
}
