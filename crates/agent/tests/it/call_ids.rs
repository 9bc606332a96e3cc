//! Calls by their ids and names, and what becomes of those that cannot be answered.

use std::path::Path;
use std::sync::Arc;

use respair_agent::sessions::Sessions;
use respair_agent::{Agent, AgentEvent, AnswerStatus, Conversation, Input, Permission};
use respair_faults::Script;
use respair_faults::ev::{self, Item};
use serde_json::json;

use crate::support::*;
use crate::whole_calls::{OSLO, closed, incomplete, named, open, opened};

/// A relay that counts its calls from 0 in every response.
#[tokio::test(start_paused = true)]
async fn an_id_that_comes_again_in_another_response_is_another_call() {
    let again = |number: u64, city: &str| {
        let item = named("0", json!(json!({ "city": city }).to_string()));
        let stream = response(number).push(opened("0")).push(ev::item_done(item));
        Script::stream(&stream.complete())
    };
    let relay = plays([
        again(1, "Oslo"),
        again(2, "Oslo"),
        again(3, "Rome"),
        says(4, "Done."),
    ])
    .await;
    let tool = Made::echo("weather");
    let run = say(&mut conversation(&relay, [tool.clone() as _]), "Go").await;
    assert_eq!(run.answer.text, "Done.");
    assert_eq!(tool.count(), 3);
    let requests = relay.requests();
    let outputs = joined(&input(&requests[3]), "the last");
    assert_eq!(outputs, ["echo Oslo", "echo Oslo", "echo Rome"]);
    // What was sent once is sent the same again: it is in the upstream's cache.
    let (third, fourth) = (input(&requests[2]), input(&requests[3]));
    assert_eq!(third[..], fourth[..third.len()]);
}

/// Calls that name nothing are bounded, though the model cannot be told.
#[tokio::test(start_paused = true)]
async fn calls_without_a_name_end_the_turn() {
    let nameless = response(1)
        .push(opened("1").without("item.name"))
        .push(ev::item_done(named("1", json!(OSLO)).without("name")))
        .complete();
    let relay = plays([Script::stream(&nameless)]).await;
    let run = say(
        &mut conversation(&relay, [Made::echo("weather") as _]),
        "Go",
    )
    .await;
    assert_eq!(run.answer.status, AnswerStatus::Stopped);
    assert_eq!(relay.requests().len(), 3);
    assert!(
        run.answer
            .message
            .unwrap()
            .contains("no call that could be run")
    );
}

/// `max_output_tokens` in the middle of every call: what the upstream says is how the turn ends.
#[tokio::test(start_paused = true)]
async fn calls_that_are_always_cut_leave_the_turn_incomplete() {
    for stream in [
        open("{\"city\":\"Os").push(incomplete()),
        closed(named("1", json!("{\"city\":\"Os")).with("status", "incomplete")).push(incomplete()),
    ] {
        let relay = plays([Script::stream(&stream)]).await;
        let tool = Made::echo("weather");
        let run = say(&mut conversation(&relay, [tool.clone() as _]), "Go").await;
        assert_eq!(run.answer.status, AnswerStatus::Incomplete);
        assert_eq!((tool.count(), relay.requests().len()), (0, 4));
        let message = run.answer.message.unwrap();
        assert!(
            message.contains("after 3 continuations: max_output_tokens"),
            "{message}"
        );
    }
}

/// What the upstream ran itself is run by nobody here, and sent to nobody: what it found is in the text.
#[tokio::test(start_paused = true)]
async fn calls_of_hosted_tools_are_not_ours() {
    for kind in [
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "local_shell_call",
    ] {
        let item = json!({"type": kind, "id": "h_1", "call_id": "call_h", "name": "weather", "arguments": OSLO});
        let open = Item::raw(item.clone()).with("status", "in_progress");
        let stream = response(1)
            .push(ev::item_added(open))
            .push(ev::item_done(Item::raw(item).with("status", "completed")))
            .message(["Rain."])
            .complete();
        let relay = plays([Script::stream(&stream), says(2, "Bye.")]).await;
        let tool = Made::echo("weather");
        let mut conversation = conversation(&relay, [tool.clone() as _]);
        let run = say(&mut conversation, "Go").await;
        assert_eq!(
            (run.answer.text.as_str(), tool.count()),
            ("Rain.", 0),
            "{kind}"
        );
        say(&mut conversation, "Thanks").await;
        assert_eq!(
            types(&relay.requests()[1]),
            ["user", "assistant", "user"],
            "{kind}"
        );
    }
}

/// A process that dies while a tool runs: the call is not run again, and nobody says that it did not run.
#[tokio::test]
async fn a_call_whose_process_died_is_not_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sessions.db");
    let relay = plays([
        calls(1, "hang", &json!({})),
        says(2, "I do not know whether that ran."),
    ])
    .await;
    let tool = Made::new("hang", Permission::Allow, |_, _| {
        Box::pin(std::future::pending())
    });
    let agent = Agent::new(options(&relay, [tool.clone() as _]));
    {
        let session = Sessions::open(&path).unwrap().begin(Path::new("/"), 1);
        let mut first = Conversation::new(agent.clone()).with_journal(Arc::new(session));
        let mut work = first.send(Input::text("Go"));
        while !matches!(work.next().await, Some(AgentEvent::ToolStarted { .. })) {}
        // What is dropped here writes nothing more, as a process that was killed.
    }
    let (session, entries) = Sessions::open(&path).unwrap().resume(None).await.unwrap();
    let mut second = Conversation::resume(agent, entries).with_journal(Arc::new(session));
    say(&mut second, "Well?").await;
    let requests = relay.requests();
    assert_eq!((requests.len(), tool.count()), (2, 1));
    let outputs = joined(&input(&requests[1]), "died");
    assert!(
        outputs[0].contains("whether it ran is not known"),
        "{outputs:?}"
    );
}
