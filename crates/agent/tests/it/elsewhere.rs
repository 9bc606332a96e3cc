//! What an agent does about errors: another endpoint, one request without the reasoning of before.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use respair_agent::{Agent, AgentEvent, AgentOptions, AnswerStatus, Conversation};
use respair_faults::ev::{self, Item};
use respair_faults::{Relay, Request, Script};

use crate::support::*;

fn limited() -> Script {
    Script::error(429, "requests", Some("rate_limit_exceeded"), "Slow down.")
        .header("retry-after", "300")
}

fn both(first: &Relay, second: &Relay) -> AgentOptions {
    let mut options = options(first, []);
    let mut other = link(custom(second));
    other.model = "other-model".to_owned();
    options.links.push(other);
    options
}

fn switches(run: &Run) -> Vec<(String, String)> {
    let switches = run.events.iter().filter_map(|event| match event {
        AgentEvent::Switched { from, to, .. } => Some((from.clone(), to.clone())),
        _ => None,
    });
    switches.collect()
}

#[tokio::test(start_paused = true)]
async fn another_endpoint_is_asked_while_the_first_rests() {
    for refusal in [
        limited(),
        Script::error(402, "billing", None, "Payment required."),
        Script::error(
            429,
            "quota",
            Some("insufficient_quota"),
            "You exceeded your quota.",
        ),
        Script::error(500, "server_error", None, "Oh no."),
        Script::sse(),
    ] {
        let down = Arc::new(Mutex::new(true));
        let is_down = Arc::clone(&down);
        let first = relay(move |request: &Request| match *is_down.lock().unwrap() {
            true => refusal.clone(),
            false => says(request.number as u64 + 1, "from the first"),
        })
        .await;
        let second = plays([says(1, "from the second"), says(2, "from the second")]).await;
        let mut conversation = Conversation::new(Agent::new(both(&first, &second)));
        let run = say(&mut conversation, "Go").await;
        assert_eq!(run.answer.text, "from the second", "{:?}", run.answer.error);
        let switched = (
            "custom relay-model".to_owned(),
            "custom other-model".to_owned(),
        );
        assert_eq!(switches(&run), [switched]);
        let asked = first.requests().len();
        // It rests, so the next turn does not ask it.
        *down.lock().unwrap() = false;
        let run = say(&mut conversation, "Again").await;
        assert_eq!(run.answer.text, "from the second");
        assert_eq!(first.requests().len(), asked);
        tokio::time::advance(Duration::from_secs(301)).await;
        let run = say(&mut conversation, "And now").await;
        assert_eq!(run.answer.text, "from the first");
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_endpoint_cannot_mend_is_the_result() {
    for refusal in [
        Script::error(401, "auth", Some("invalid_api_key"), "Wrong key."),
        Script::error(400, "invalid_request_error", None, "No."),
        Script::error(
            404,
            "invalid_request_error",
            Some("model_not_found"),
            "No model.",
        ),
    ] {
        let (first, second) = (plays([refusal]).await, plays([says(1, "Hi")]).await);
        let mut conversation = Conversation::new(Agent::new(both(&first, &second)));
        let run = say(&mut conversation, "Go").await;
        assert_eq!(run.answer.status, AnswerStatus::Failed);
        assert!(second.requests().is_empty());
    }
    // Nor is a half answer continued by somebody else.
    let stream = response(1)
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta("Half"))
        .push(ev::failed("server_error", "Oh no."));
    let first = plays([Script::stream(&stream)]).await;
    let second = plays([says(1, "Hi")]).await;
    let run = say(
        &mut Conversation::new(Agent::new(both(&first, &second))),
        "Go",
    )
    .await;
    assert_eq!(run.answer.status, AnswerStatus::Failed);
    assert!(second.requests().is_empty());
}

fn thinks(number: u64) -> Script {
    let item = Item::reasoning("Hm.").with("encrypted_content", "gAAA");
    let stream = response(number)
        .push(ev::reasoning_added())
        .push(ev::item_done(item))
        .call("weather", ["{\"city\":\"Oslo\"}"]);
    Script::stream(&stream.complete())
}

/// Reasoning goes to whoever encrypted it, and to nobody else.
#[tokio::test(start_paused = true)]
async fn encrypted_reasoning_is_sent_to_its_issuer_alone() {
    let first = plays([thinks(1), limited()]).await;
    let second = plays([says(1, "Rain.")]).await;
    let mut options = both(&first, &second);
    options.tools.add(Made::echo("weather"));
    let run = say(&mut Conversation::new(Agent::new(options)), "Go").await;
    assert_eq!(run.answer.text, "Rain.");
    let own = input(&first.requests()[1]);
    assert_eq!(own[1]["type"], "reasoning");
    assert_eq!(own[1]["encrypted_content"], "gAAA");
    assert!(own[1]["summary"].is_array() && own[1].get("id").is_none());
    assert_eq!(
        types(&second.requests()[0]),
        ["user", "function_call", "function_call_output"]
    );
}

#[tokio::test(start_paused = true)]
async fn refused_reasoning_is_left_out_once() {
    let refusal = Script::error(
        400,
        "invalid_request_error",
        Some("invalid_encrypted_content"),
        "The encrypted content gAAA could not be verified.",
    );
    let relay = relay(move |request: &Request| {
        let reasons = types(request).contains(&"reasoning".to_owned());
        match (request.number, reasons) {
            (0, _) => thinks(1),
            (_, true) => refusal.clone(),
            _ => says(3, "Rain."),
        }
    })
    .await;
    let mut conversation = conversation(&relay, [Made::echo("weather") as _]);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.text, "Rain.");
    assert_eq!(relay.requests().len(), 3);
    assert!(run.notices()[0].contains("without the encrypted reasoning"));
    // Not in the next turn either.
    say(&mut conversation, "Again").await;
    assert_eq!(relay.requests().len(), 4);
}
