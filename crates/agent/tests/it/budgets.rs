//! How many requests a turn takes, what it counts, and where it ends.

use std::sync::Arc;

use respair_agent::{Agent, AgentEvent, AnswerStatus, Conversation, Link};
use respair_client::{Client, ClientOptions, EndpointMemory, RecoveryAction, TurnEvent};
use respair_faults::{Relay, Request, Script, Stream};
use serde_json::json;

use crate::support::*;

/// A model that calls in the first 19 responses of a turn and answers in the twentieth, at a relay that bends what it says.
async fn twenty(bend: impl Fn(Stream) -> Stream + Send + Sync + 'static) -> Relay {
    relay(move |request: &Request| {
        let number = request.number as u64 + 1;
        let said = input(request);
        let since = said.iter().rev().take_while(|item| item["role"] != "user");
        let calls = since.filter(|item| item["type"] == "function_call").count();
        let stream = match calls {
            19.. => response(number).message(["Done."]),
            _ => {
                let arguments = json!({ "city": calls }).to_string();
                response(number).call("weather", [arguments.as_str()])
            }
        };
        Script::stream(&bend(stream.complete()))
    })
    .await
}

fn remembering(relay: &Relay, dir: &tempfile::TempDir) -> Conversation {
    let options = ClientOptions {
        seed: Some(7),
        clock: Some(TestClock::new()),
        memory: Some(EndpointMemory::open(dir.path())),
        ..ClientOptions::default()
    };
    let client = Client::new(custom(relay), options).unwrap();
    let mut agent = crate::support::options(relay, [Made::echo("weather") as _]);
    agent.links = vec![Link::new(client, "relay-model", None)];
    Conversation::new(Agent::new(agent))
}

fn recoveries(run: &Run) -> Vec<RecoveryAction> {
    let actions = run.events.iter().filter_map(|event| match event {
        AgentEvent::Response(TurnEvent::Recovery { action, .. }) => Some(*action),
        _ => None,
    });
    actions.collect()
}

/// The first step of the first turn pays for what is learnt; every other costs one request.
#[tokio::test(start_paused = true)]
async fn one_request_a_step_where_the_relay_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let relay = twenty(|stream| stream.drop_type("response.created")).await;
    let first = say(&mut remembering(&relay, &dir), "Go").await;
    assert_eq!(first.answer.text, "Done.");
    assert_eq!((first.answer.steps, relay.requests().len()), (20, 21));
    assert_eq!(first.answer.totals.requests, 21);
    let mut expected = vec![RecoveryAction::Retry, RecoveryAction::Fallback];
    expected.extend([RecoveryAction::Remembered; 19]);
    assert_eq!(recoveries(&first), expected);

    let again = say(&mut remembering(&relay, &dir), "Go").await;
    assert_eq!((again.answer.steps, again.answer.totals.requests), (20, 20));
    assert_eq!(relay.requests().len(), 41);
}

/// Where nothing can be kept on disk, what was learnt holds as long as the process.
#[tokio::test(start_paused = true)]
async fn what_was_learnt_holds_without_a_disk() {
    let dir = tempfile::tempdir().unwrap();
    // A directory in the file's place can be neither read nor replaced.
    std::fs::create_dir(dir.path().join("endpoints.json")).unwrap();
    let relay = twenty(|stream| stream.drop_type("response.created")).await;
    let run = say(&mut remembering(&relay, &dir), "Go").await;
    assert_eq!(run.answer.text, "Done.");
    assert_eq!((run.answer.steps, relay.requests().len()), (20, 21));
    assert_eq!(run.notices().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_conforms_costs_one_request_a_step() {
    let relay = twenty(|stream| stream).await;
    let mut conversation = conversation(&relay, [Made::echo("weather") as _]);
    let run = say(&mut conversation, "Go").await;
    assert_eq!((run.answer.steps, relay.requests().len()), (20, 20));
    assert!(recoveries(&run).is_empty());
}

/// `recovery.max_requests` is of one response: a long turn at a relay that fails each time once is not starved by it.
#[tokio::test(start_paused = true)]
async fn a_long_turn_is_not_starved() {
    let relay = relay(|request: &Request| {
        let number = request.number as u64 + 1;
        match (request.number % 2, request.number) {
            (0, _) => Script::error(503, "server_error", None, "Not now."),
            (_, 39) => says(number, "Done."),
            _ => calls(number, "weather", &json!({ "city": number })),
        }
    })
    .await;
    let mut conversation = conversation(&relay, [Made::echo("weather") as _]);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.text, "Done.");
    assert_eq!((run.answer.steps, run.answer.totals.requests), (20, 40));
    let attempts = run.events.iter().filter_map(|event| match event {
        AgentEvent::Response(TurnEvent::Recovery { attempt, .. }) => Some(*attempt),
        _ => None,
    });
    assert_eq!(attempts.collect::<Vec<_>>(), [2; 20]);
}

/// What the upstreams count is added up, and what they do not count is no number.
#[tokio::test(start_paused = true)]
async fn usage_is_never_made_up() {
    let script = |number: u64, usage: serde_json::Value| {
        let stream = match number {
            4 => response(4).message(["Done."]),
            n => {
                let arguments = json!({ "city": n }).to_string();
                response(n).call("weather", [arguments.as_str()])
            }
        };
        let stream = stream.complete();
        Script::stream(
            &stream.map_type("response.completed", |ev| match usage.is_null() {
                true => ev.without("response.usage"),
                false => ev.with("response.usage", usage.clone()),
            }),
        )
    };
    let of = |input: u64, output: u64, reasoning: u64| {
        json!({
            "input_tokens": input,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": input + output,
        })
    };
    let down = Script::error(503, "server_error", None, "Not now.");
    let relay = plays([
        script(1, of(10, 5, 2)),
        script(2, json!(null)),
        down,
        script(3, of(30, 7, 0)),
        script(4, json!(null)),
    ])
    .await;
    let mut conversation = conversation(&relay, [Made::echo("weather") as _]);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.text, "Done.");
    let totals = run.answer.totals;
    assert_eq!(
        (
            totals.input_tokens,
            totals.output_tokens,
            totals.reasoning_tokens
        ),
        (40, 12, 2)
    );
    // The last that was told, not a guess at what came since.
    assert_eq!((totals.context_tokens, totals.uncounted), (37, 2));
    let steps: Vec<_> = run
        .events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::StepEnded {
                input_tokens,
                output_tokens,
                ..
            } => Some((*input_tokens, *output_tokens)),
            _ => None,
        })
        .collect();
    assert_eq!(
        steps,
        [
            (Some(10), Some(5)),
            (None, None),
            (Some(30), Some(7)),
            (None, None)
        ]
    );
}

/// A request that led to no response is none whose usage is missing.
#[tokio::test(start_paused = true)]
async fn what_never_answered_has_no_usage_to_miss() {
    let relay = plays([Script::error(400, "invalid_request_error", None, "No.")]).await;
    let run = say(&mut conversation(&relay, []), "Go").await;
    assert_eq!(
        (run.answer.totals.requests, run.answer.totals.uncounted),
        (1, 0)
    );
}

/// A bound says what it is called, and what can be done.
#[tokio::test(start_paused = true)]
async fn a_bound_says_what_to_do() {
    type Set = fn(&mut respair_agent::Limits);
    for (set, name) in [
        ((|limits| limits.steps = 4) as Set, "agent.max_steps"),
        (|limits| limits.tokens = 30, "agent.max_tokens"),
    ] {
        let relay = twenty(|stream| stream).await;
        let mut options = options(&relay, [Made::echo("weather") as Arc<_>]);
        set(&mut options.limits);
        let mut conversation = Conversation::new(Agent::new(options));
        let run = say(&mut conversation, "Go").await;
        assert_eq!(run.answer.status, AnswerStatus::Stopped);
        let message = run.answer.message.unwrap();
        let advice = format!("(`{name}`); raise it, or ask to go on from here");
        assert!(message.ends_with(&advice), "{message}");
        // Asked to go on, it does, from where it was.
        let before = relay.requests().len();
        let run = say(&mut conversation, "Go on").await;
        let next = input(&relay.requests()[before]);
        assert!(joined(&next, name).len() + 2 < next.len());
        assert!(run.answer.steps > 0);
    }
}
