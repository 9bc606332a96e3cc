//! What becomes of a conversation that does not fit: a summary in its place, visible, and taken back when asked.

use std::sync::Arc;

use respair_agent::{
    AgentEvent, AnswerStatus, Body, Conversation, Decision, Permission, TakenBack, Tool, ToolOutput,
};
use respair_faults::{Relay, Request, Script};
use serde_json::{Value, json};

use crate::support::*;

fn too_long() -> Script {
    let code = Some("context_length_exceeded");
    let message = "Your input exceeds the context window of this model.";
    Script::error(400, "invalid_request_error", code, message)
}

fn is_summary(request: &Request) -> bool {
    let items = input(request);
    let last = items.last().unwrap().to_string();
    last.contains("Summarise the conversation")
}

/// A relay that takes no more than this many items, and sums up when it is asked to.
async fn small(most: usize) -> Relay {
    relay(move |request: &Request| {
        if is_summary(request) {
            return says(90, "They said hello.");
        }
        if input(request).len() > most {
            return too_long();
        }
        says(request.number as u64 + 1, "Hello.")
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_compacted_once() {
    let relay = small(5).await;
    let mut conversation = conversation(&relay, []);
    for _ in 0..3 {
        let run = say(&mut conversation, "Hello?").await;
        assert_eq!(run.answer.status, AnswerStatus::Completed);
    }
    let run = say(&mut conversation, "And now?").await;
    assert_eq!(run.answer.text, "Hello.", "{:?}", run.answer.error);
    let compacted = run.events.iter().find_map(|event| match event {
        AgentEvent::Compacted {
            summary, entries, ..
        } => Some((summary.clone(), *entries)),
        _ => None,
    });
    assert_eq!(compacted.unwrap().0, "They said hello.");
    let sent = input(relay.requests().last().unwrap());
    assert!(
        sent[0]
            .to_string()
            .contains("Summary of the conversation so far")
    );
    // The last two exchanges stand as they were: that of before, and the one that asked.
    assert_eq!(sent.len(), 4);
    // Nothing is lost: it is there to be read, and taking the compaction back sends it again.
    let before = conversation.live().len();
    conversation.undo().await.unwrap();
    assert!(conversation.live().len() < before);
    assert!(
        conversation
            .entries()
            .iter()
            .any(|entry| matches!(entry.body, Body::Compacted(_)))
    );
}

#[tokio::test(start_paused = true)]
async fn what_never_fits_is_the_result() {
    let relay = small(0).await;
    let run = say(&mut conversation(&relay, []), "Hello?").await;
    assert_eq!(run.answer.status, AnswerStatus::Failed);
    assert_eq!(
        run.answer.error.as_ref().unwrap().code.as_deref(),
        Some("context_length_exceeded")
    );
    assert!(
        run.notices()
            .iter()
            .any(|n| n.contains("nothing to compact"))
    );
}

#[tokio::test(start_paused = true)]
async fn compacting_when_asked_and_taking_it_back() {
    let relay = small(99).await;
    let mut conversation = conversation(&relay, []);
    for text in ["One", "Two", "Three"] {
        say(&mut conversation, text).await;
    }
    let run = Run::of(conversation.compact(), Decision::Allow).await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    say(&mut conversation, "Four").await;
    let sent = |relay: &Relay| -> Value { json!(input(relay.requests().last().unwrap())) };
    assert!(!sent(&relay).to_string().contains("\"One\""));
    assert!(sent(&relay).to_string().contains("\"Two\""));
    let turn = |said: &str| Some(TakenBack::Turn(said.to_owned()));
    assert_eq!(conversation.undo().await, turn("Four"));
    assert_eq!(conversation.undo().await, Some(TakenBack::Compaction));
    say(&mut conversation, "Five").await;
    let again = sent(&relay).to_string();
    assert!(again.contains("\"One\"") && !again.contains("\"Four\""));
    assert_eq!(conversation.undo().await, turn("Five"));
    assert_eq!(conversation.undo().await, turn("Three"));
}

/// A tool that gives this many characters.
fn talks(characters: usize) -> Arc<Made> {
    Made::new("talk", Permission::Allow, move |arguments, _| {
        Box::pin(async move {
            let number = arguments.get("number").cloned().unwrap_or_default();
            ToolOutput::text(format!("{number}:{}", "x".repeat(characters)), "ok")
        })
    })
}

/// A relay that takes this many bytes of input, calls `talk` so many times in a row, and then answers.
async fn talkative(bytes: usize, for_summaries: usize, steps: u64) -> Relay {
    let called = std::sync::atomic::AtomicU64::new(0);
    relay(move |request: &Request| {
        let length = json!(input(request)).to_string().len();
        if is_summary(request) {
            return match length > for_summaries {
                true => too_long(),
                false => says(request.number as u64 + 1, "They talked."),
            };
        }
        if length > bytes {
            return too_long();
        }
        let number = called.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match number < steps {
            true => calls(
                request.number as u64 + 1,
                "talk",
                &json!({"number": number}),
            ),
            false => says(request.number as u64 + 1, "That was all."),
        }
    })
    .await
}

fn compactions(run: &Run) -> usize {
    let events = run.events.iter();
    events
        .filter(|event| matches!(event, AgentEvent::Compacted { .. }))
        .count()
}

async fn talk(relay: &Relay, tool: &Arc<Made>) -> (Conversation, Run) {
    let mut conversation = conversation(relay, [Arc::clone(tool) as Arc<dyn Tool>]);
    let run = say(&mut conversation, "Talk until you are done.").await;
    (conversation, run)
}

#[tokio::test(start_paused = true)]
async fn one_long_turn_is_compacted_between_its_steps() {
    let relay = talkative(12_000, usize::MAX, 24).await;
    let tool = talks(1_500);
    let (_, run) = talk(&relay, &tool).await;
    assert_eq!(run.answer.text, "That was all.", "{:?}", run.answer.error);
    // Each call ran once, in order; its output went to the model at least once.
    let numbers: Vec<u64> = tool
        .called
        .lock()
        .unwrap()
        .iter()
        .map(|arguments| arguments["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..24).collect::<Vec<_>>());
    let sent = |number: u64| {
        let output = format!("{number}:xxx");
        let requests = relay.requests();
        requests
            .iter()
            .any(|request| json!(input(request)).to_string().contains(&output))
    };
    assert!((0..24).all(sent));
    // It grew too long more than once, and each time it was said.
    assert!(compactions(&run) > 1, "{}", compactions(&run));
    for request in relay.requests() {
        let items = input(&request);
        let said = items
            .iter()
            .filter(|item| item.to_string().contains("Talk until you are done."))
            .count();
        assert_eq!(said, 1, "what the user said stands as it was said, once");
        let of = |kind: &str| {
            let ids = items.iter().filter(|item| item["type"] == kind);
            ids.map(|item| item["call_id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("function_call"), of("function_call_output"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_summary_is_asked_for_with_less_where_it_is_too_long_itself() {
    let relay = talkative(12_000, 4_000, 8).await;
    let tool = talks(1_500);
    let (_, run) = talk(&relay, &tool).await;
    assert_eq!(run.answer.text, "That was all.", "{:?}", run.answer.error);
    let asked = relay
        .requests()
        .iter()
        .filter(|request| is_summary(request))
        .count();
    assert_eq!(asked, 2 * compactions(&run));
}

#[tokio::test(start_paused = true)]
async fn a_summary_that_never_fits_ends_the_turn_with_the_upstreams_words() {
    let relay = talkative(12_000, 0, 8).await;
    let (conversation, run) = talk(&relay, &talks(1_500)).await;
    assert_eq!(run.answer.status, AnswerStatus::Failed);
    let error = run.answer.error.as_ref().unwrap();
    assert_eq!(error.code.as_deref(), Some("context_length_exceeded"));
    assert!(
        run.notices()
            .iter()
            .any(|notice| notice.contains("could not be summarised")),
        "{:?}",
        run.notices()
    );
    let asked = relay
        .requests()
        .iter()
        .filter(|request| is_summary(request))
        .count();
    assert_eq!(asked, 2);
    assert!(
        !conversation
            .entries()
            .iter()
            .any(|entry| matches!(entry.body, Body::Compacted(_)))
    );
}

/// One output that is longer than all the context holds, and nothing to sum up before it: its head and its tail are sent, from
/// there on.
#[tokio::test(start_paused = true)]
async fn an_output_that_never_fits_is_sent_shortened() {
    for before in 0..2 {
        let relay = talkative(6_000, usize::MAX, 1).await;
        let tool = talks(50_000);
        let mut conversation = conversation(&relay, [Arc::clone(&tool) as Arc<dyn Tool>]);
        for _ in 0..before {
            let quiet = small(99).await;
            let elsewhere = respair_agent::Agent::new(options(&quiet, []));
            let here = conversation.agent().clone();
            conversation.set_agent(elsewhere);
            say(&mut conversation, "Hello?").await;
            conversation.set_agent(here);
        }
        let run = say(&mut conversation, "Talk until you are done.").await;
        assert_eq!(run.answer.text, "That was all.", "{:?}", run.answer.error);
        assert_eq!(tool.count(), 1);
        let notice = "the heads and tails of long outputs are sent from here on";
        assert!(
            run.notices().iter().any(|said| said.contains(notice)),
            "{:?}",
            run.notices()
        );
        // It is there to be read, whole, and is sent the same in the next turn.
        assert!(run.outputs()[0].len() > 50_000);
        let last = relay.requests().len() - 1;
        let sent = input(&relay.requests()[last]);
        say(&mut conversation, "And?").await;
        let next = input(&relay.requests()[last + 1]);
        assert_eq!(next[..sent.len()], sent[..]);
        assert!(json!(sent).to_string().contains("characters left out"));
        assert_eq!(compactions(&run), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_summary_is_made_of_the_first() {
    let relay = small(99).await;
    let mut conversation = conversation(&relay, []);
    for text in ["One", "Two", "Three"] {
        say(&mut conversation, text).await;
    }
    Run::of(conversation.compact(), Decision::Allow).await;
    for text in ["Four", "Five"] {
        say(&mut conversation, text).await;
    }
    Run::of(conversation.compact(), Decision::Allow).await;
    let requests = relay.requests();
    let summed: Vec<String> = requests
        .iter()
        .filter(|request| is_summary(request))
        .map(|request| json!(input(request)).to_string())
        .collect();
    assert!(summed[0].contains("One") && !summed[0].contains("They said hello."));
    assert!(summed[1].contains("They said hello.") && !summed[1].contains("One"));
    assert!(summed[1].contains("Two") && summed[1].contains("Three"));
}

#[tokio::test(start_paused = true)]
async fn a_summary_is_asked_for_as_any_other_response_and_calls_nothing() {
    let relay = talkative(12_000, usize::MAX, 8).await;
    let (_, run) = talk(&relay, &talks(1_500)).await;
    assert!(compactions(&run) > 0);
    for request in relay.requests() {
        let body = request.json().unwrap();
        let choice = match is_summary(&request) {
            true => "none",
            false => "auto",
        };
        assert_eq!(body["tool_choice"], choice);
        assert_eq!(body["tools"].as_array().unwrap().len(), 1);
        assert_eq!(body["instructions"], "Be brief.");
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_of_a_conversation_names_it_for_the_cache() {
    let relay = talkative(12_000, usize::MAX, 8).await;
    let tools = [talks(1_500) as Arc<dyn Tool>];
    let mut named = conversation(&relay, tools).with_cache_key("respair-20260101-abcdef");
    say(&mut named, "Talk until you are done.").await;
    for request in relay.requests() {
        let key = request.field("prompt_cache_key");
        assert_eq!(key, Some(json!("respair-20260101-abcdef")));
    }
    let relay = small(9).await;
    say(&mut conversation(&relay, []), "Hello?").await;
    assert_eq!(relay.requests()[0].field("prompt_cache_key"), None);
}
