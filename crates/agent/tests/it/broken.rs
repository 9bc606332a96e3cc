//! Responses that break off, fail, or are left incomplete, within a conversation.

use std::time::Duration;

use respair_agent::{
    Agent, AgentEvent, AnswerStatus, Body, Conversation, Decision, Input, Partial,
};
use respair_faults::{Ends, Gate, Holds, Script, Step, ev, scenarios};
use serde_json::{Value, json};

use crate::support::*;

fn partials(conversation: &Conversation) -> Vec<Partial> {
    let entries = conversation.entries().iter();
    let partials = entries.filter_map(|entry| match &entry.body {
        Body::Partial(partial) => Some(partial.clone()),
        _ => None,
    });
    partials.collect()
}

/// The answer as far as `text`, then a clean end of the body.
fn cut(number: u64, text: &str) -> Script {
    let stream = response(number)
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta(text));
    Script::stream(&stream)
}

#[tokio::test(start_paused = true)]
async fn a_cut_answer_is_asked_for_again_and_never_glued() {
    let relay = plays([cut(1, "Half of the"), says(2, "The whole answer.")]).await;
    let mut conversation = conversation(&relay, []);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    assert_eq!(run.answer.text, "The whole answer.");
    assert_eq!(run.answer.totals.requests, 2);
    // It is announced before anything of the second answer is shown.
    let order: Vec<&str> = run
        .events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::BrokeOff { superseded, .. } => {
                assert!(superseded);
                Some("broke off")
            }
            AgentEvent::Response(respair_client::TurnEvent::Text(_)) => Some("text"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["text", "broke off", "text"]);
    let kept = partials(&conversation);
    assert_eq!(
        (kept[0].text.as_str(), kept[0].superseded),
        ("Half of the", true)
    );
    // What was cut is in no request, also not in the next turn's.
    say(&mut conversation, "And?").await;
    for request in relay.requests() {
        assert!(!request.json().unwrap().to_string().contains("Half"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_cut_is_the_result() {
    let relay = plays([cut(1, "Half of"), cut(2, "A third of")]).await;
    let mut conversation = conversation(&relay, []);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Truncated);
    assert_eq!(
        run.answer.error.unwrap().code.as_deref(),
        Some("upstream_truncated")
    );
    assert_eq!(run.answer.text, "A third of");
    assert_eq!(relay.requests().len(), 2);
    let superseded: Vec<bool> = partials(&conversation)
        .iter()
        .map(|p| p.superseded)
        .collect();
    assert_eq!(superseded, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn the_user_may_forbid_asking_again() {
    let relay = plays([cut(1, "Half of")]).await;
    let mut options = options(&relay, []);
    options.limits.retry_truncated = 0;
    let run = say(&mut Conversation::new(Agent::new(options)), "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Truncated);
    assert_eq!(relay.requests().len(), 1);
}

/// A call that the upstream had closed runs, once; the response is not asked for again.
#[tokio::test(start_paused = true)]
async fn a_call_before_the_cut_runs() {
    let stream = response(1)
        .call("weather", ["{\"city\":\"Oslo\"}"])
        .push(ev::call_added("weather"))
        .push(ev::arguments_delta("{\"city\":\"Ro"));
    let relay = plays([Script::stream(&stream), says(2, "Rain.")]).await;
    let tool = Made::echo("weather");
    let run = say(&mut conversation(&relay, [tool.clone() as _]), "Go").await;
    assert_eq!(run.answer.text, "Rain.");
    assert_eq!(*tool.called.lock().unwrap(), [json!({"city": "Oslo"})]);
    assert_eq!(
        types(&relay.requests()[1]),
        ["user", "function_call", "function_call_output"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_response_runs_no_call() {
    let stream = response(1)
        .call("weather", ["{}"])
        .push(ev::failed("server_error", "The relay broke."));
    let relay = plays([Script::stream(&stream), says(2, "Sorry.")]).await;
    let tool = Made::echo("weather");
    let mut conversation = conversation(&relay, [tool.clone() as _]);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Failed);
    assert_eq!(run.answer.error.unwrap().message, "The relay broke.");
    assert_eq!((tool.count(), relay.requests().len()), (0, 1));
    // The call stays in the history, with the output that it never ran.
    say(&mut conversation, "Again").await;
    let next = input(&relay.requests()[1]);
    assert_eq!(next[2]["output"], "not run: the response failed");
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_answer_is_continued_at_most_three_times() {
    let incomplete = |n: u64, text: &str| {
        let stream = response(n).message([text]);
        Script::stream(&stream.push(ev::incomplete("max_output_tokens")))
    };
    let relay = plays([
        incomplete(1, "One, "),
        incomplete(2, "two, "),
        says(3, "three."),
    ])
    .await;
    let run = say(&mut conversation(&relay, []), "Count").await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    assert_eq!(run.answer.text, "One, two, three.");
    assert_eq!(
        types(&relay.requests()[2]),
        ["user", "assistant", "assistant"]
    );

    let relay = plays([incomplete(1, "on and ")]).await;
    let run = say(&mut conversation(&relay, []), "Count").await;
    assert_eq!(run.answer.status, AnswerStatus::Incomplete);
    assert_eq!(relay.requests().len(), 4);
    let message = run.answer.message.unwrap();
    assert!(
        message.contains("after 3 continuations: max_output_tokens"),
        "{message}"
    );

    let stream = response(1)
        .message(["I can"])
        .push(ev::incomplete("content_filter"));
    let relay = plays([Script::stream(&stream)]).await;
    let run = say(&mut conversation(&relay, []), "Count").await;
    assert_eq!(run.answer.status, AnswerStatus::Incomplete);
    assert_eq!(relay.requests().len(), 1);
}

/// Ctrl-C in the middle of an answer: the socket closes, what was shown stays, and is never sent.
#[tokio::test(start_paused = true)]
async fn an_interrupted_answer_stays_and_its_socket_closes() {
    let gate = Gate::new();
    let stream = response(1).message(["Half of", " it."]).complete();
    let script =
        Script::stream(&stream).after_first("response.output_text.delta", Step::Gate(gate.clone()));
    let relay = plays([script, says(2, "Hello")]).await;
    let mut conversation = conversation(&relay, []);
    let mut work = conversation.send(Input::text("Go"));
    let cancel = work.cancel_token();
    let answer = loop {
        match work.next().await.unwrap() {
            AgentEvent::Response(respair_client::TurnEvent::Text(_)) => cancel.cancel(),
            AgentEvent::Finished(answer) => break answer,
            _ => {}
        }
    };
    drop(work);
    assert_eq!(answer.status, AnswerStatus::Interrupted);
    relay.wait_peer_closed().await;
    assert_eq!(partials(&conversation)[0].text, "Half of");
    say(&mut conversation, "Hello?").await;
    assert_eq!(types(&relay.requests()[1]), ["user", "user"]);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_tool_is_told_to_end() {
    let relay = plays([calls(1, "hang", &json!({}))]).await;
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    let (begun, was_told) = (std::sync::Arc::clone(&told), std::sync::Arc::clone(&told));
    drop(begun);
    let tool = Made::new(
        "hang",
        respair_agent::Permission::Allow,
        move |_, context| {
            let was_told = std::sync::Arc::clone(&was_told);
            Box::pin(async move {
                context.cancel.cancelled().await;
                was_told.notify_one();
                std::future::pending().await
            })
        },
    );
    let mut conversation = conversation(&relay, [tool as _]);
    let mut work = conversation.send(Input::text("Go"));
    let cancel = work.cancel_token();
    let answer = loop {
        match work.next().await.unwrap() {
            AgentEvent::ToolStarted { .. } => cancel.cancel(),
            AgentEvent::Finished(answer) => break answer,
            _ => {}
        }
    };
    told.notified().await;
    assert_eq!(answer.status, AnswerStatus::Interrupted);
    assert_eq!(relay.requests().len(), 1);
}

/// Every scenario of the relay at the first, the second and the last request of a conversation with two calls: an answer
/// that came whole is given whole, what did not is no answer, and no call runs twice.
#[tokio::test(start_paused = true)]
async fn every_scenario_within_a_tool_loop() {
    let mut found = Vec::new();
    for scenario in scenarios() {
        for place in 0..3 {
            let relay = relay(move |request: &respair_faults::Request| {
                let items = input(request);
                let outputs = items.iter();
                let outputs = outputs.filter(|item| item["type"] == "function_call_output");
                match outputs.count() {
                    at if at == place => respair_faults::Answer::answer(scenario, request),
                    2.. => says(9, "The end."),
                    at => calls(at as u64 + 1, "weather", &json!({"city": at})),
                }
            })
            .await;
            let tools = [Made::echo("weather") as _, Made::echo("get_weather") as _];
            let mut options = options(&relay, tools);
            let mut endpoint = custom(&relay);
            endpoint.timeouts.progress = Some(Duration::from_secs(60));
            options.links = vec![link(endpoint)];
            let mut conversation = Conversation::new(Agent::new(options));
            let work = conversation.send(Input::text("Go"));
            let Run { answer, .. } = Run::of(work, Decision::Allow).await;
            let held = scenario.holds();
            let (status, text) = (answer.status, answer.text.as_str());
            let at = format!(
                "{} at request {place}: {status:?} `{text}` {:?} {:?}",
                scenario.name(),
                answer.error,
                answer.message
            );
            let wrong = match held.ends {
                Ends::Completed => {
                    // A scenario that calls does so once in a conversation.
                    let expected = match (held.call, place) {
                        (true, 0) => "The end.".to_owned(),
                        (true, _) => Holds::after_the_call(),
                        _ => held.text,
                    };
                    // Some do what they are asked, and call what they are offered.
                    let given = text == expected || text == "The end.";
                    status != AnswerStatus::Completed || !given
                }
                Ends::Incomplete => status != AnswerStatus::Incomplete,
                Ends::Failed => status != AnswerStatus::Failed,
                _ => ![AnswerStatus::Truncated, AnswerStatus::Failed].contains(&status),
            };
            if wrong {
                found.push(at.clone());
            }
            for request in relay.requests() {
                let faults = wire::faults(&input(&request));
                if !faults.is_empty() {
                    found.push(format!("{at}: request {}: {faults:?}", request.number));
                }
            }
            let items = answer.items.iter();
            let items = items.map(|item| serde_json::from_str::<Value>(item.get()).unwrap());
            let outputs = items.filter(|item| item["type"] == "function_call_output");
            let mut ids: Vec<String> = outputs.map(|item| item["call_id"].to_string()).collect();
            let count = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), count, "a call has two outputs: {at}");
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
