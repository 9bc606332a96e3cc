//! Calls and their outputs, step after step.

use std::sync::Arc;

use respair_agent::{AgentEvent, AnswerStatus, Decision, Input, Permission, ToolOutput};
use respair_faults::Script;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_call_is_run_and_its_output_goes_back() {
    let relay = plays([
        calls(1, "weather", &json!({"city": "Oslo"})),
        says(2, "Rain."),
    ])
    .await;
    let tool = Made::echo("weather");
    let mut conversation = conversation(&relay, [tool.clone() as _]);
    let run = say(&mut conversation, "How is Oslo?").await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    assert_eq!(run.answer.text, "Rain.");
    assert_eq!((run.answer.steps, run.answer.totals.requests), (2, 2));
    assert_eq!(*tool.called.lock().unwrap(), [json!({"city": "Oslo"})]);
    let requests = relay.requests();
    assert_eq!(types(&requests[0]), ["user"]);
    assert_eq!(
        types(&requests[1]),
        ["user", "function_call", "function_call_output"]
    );
    let second = input(&requests[1]);
    assert_eq!(second[1]["call_id"], second[2]["call_id"]);
    assert_eq!(second[2]["output"], "echo Oslo");
    assert!(
        second.iter().all(|item| item.get("id").is_none()),
        "{second:?}"
    );
}

/// What the model is told of calls that cannot be run, or did not work.
#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_call_is_its_output() {
    let failing = Made::new("failing", Permission::Allow, |_, _| {
        Box::pin(async { ToolOutput::failed("no such city") })
    });
    for (name, arguments, expected, ran) in [
        (
            "unknown",
            "{}",
            "there is no tool `unknown`; there are: weather, failing",
            0,
        ),
        ("weather", "{\"city\":", "the arguments are no JSON: ", 0),
        ("weather", "[1]", "the arguments are no JSON object", 0),
        ("weather", "", "echo nothing", 1),
        ("weather", "{}", "echo nothing", 1),
        ("failing", "{}", "no such city", 0),
    ] {
        // The done item has them as they are: a delta that cannot become an object is held back.
        let stream = response(1)
            .call(name, [arguments])
            .map_type("response.function_call_arguments.delta", |ev| {
                ev.with("delta", arguments)
            })
            .complete();
        let relay = plays([Script::stream(&stream), says(2, "Done.")]).await;
        let tool = Made::echo("weather");
        let tools = [
            tool.clone() as Arc<dyn respair_agent::Tool>,
            failing.clone() as _,
        ];
        let run = say(&mut conversation(&relay, tools), "Go").await;
        let outputs = run.outputs();
        assert!(
            outputs.len() == 1 && outputs[0].starts_with(expected),
            "{name} {arguments}: {outputs:?}"
        );
        assert_eq!(tool.count(), ran, "{name} {arguments}");
        assert_eq!(run.answer.text, "Done.", "{name} {arguments}");
        // What is sent back is an object, whatever came (DEVIATIONS 8.9).
        let sent = input(&relay.requests()[1]);
        let sent: Value = serde_json::from_str(sent[1]["arguments"].as_str().unwrap()).unwrap();
        assert!(sent.is_object());
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_calls_nothing_that_is_there_is_stopped() {
    let relay = relay(|request: &respair_faults::Request| {
        calls(request.number as u64 + 1, "unknown", &json!({}))
    })
    .await;
    let run = say(
        &mut conversation(&relay, [Made::echo("weather") as _]),
        "Go",
    )
    .await;
    assert_eq!(run.answer.status, AnswerStatus::Stopped);
    assert_eq!(run.answer.steps, 3);
    let message = run.answer.message.unwrap();
    assert!(message.contains("3 steps in a row"), "{message}");
}

/// They meet at a barrier, so all of them are under way at once; their outputs come in the order of the calls.
#[tokio::test(start_paused = true)]
async fn calls_run_beside_one_another() {
    let meeting = Arc::new(Barrier::new(8));
    let tool = Made::new("meet", Permission::Allow, move |arguments, _| {
        let meeting = Arc::clone(&meeting);
        Box::pin(async move {
            meeting.wait().await;
            ToolOutput::text(arguments["n"].to_string(), "met")
        })
    });
    let stream = (0..200).fold(response(1), |stream, n| {
        let arguments = json!({"n": n}).to_string();
        stream.call("meet", [arguments.as_str()])
    });
    let relay = plays([Script::stream(&stream.complete()), says(2, "Done.")]).await;
    let run = say(&mut conversation(&relay, [tool as _]), "Go").await;
    let expected: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(run.outputs(), expected);
    let second = types(&relay.requests()[1]);
    assert_eq!(second.len(), 401);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_changes_things_runs_alone_and_is_asked_for() {
    let build = || async {
        let stream = response(1)
            .call("change", ["{\"n\":1}"])
            .call("change", ["{\"n\":2}"])
            .complete();
        plays([Script::stream(&stream), says(2, "Done.")]).await
    };
    for (decision, ran, output) in [
        (Decision::Allow, 2, "changed"),
        (Decision::AllowTool, 2, "changed"),
        (Decision::Deny(None), 0, "not run: the user refused it"),
        (
            Decision::Deny(Some("use the other one".to_owned())),
            0,
            "not run: the user says: use the other one",
        ),
    ] {
        let relay = build().await;
        let tool = Made::new("change", Permission::Ask, |_, _| {
            Box::pin(async { ToolOutput::text("changed", "ok") })
        });
        let mut conversation = conversation(&relay, [tool.clone() as _]);
        let mut asked = 0;
        let mut work = conversation.send(Input::text("Go"));
        let answer = loop {
            match work.next().await.unwrap() {
                AgentEvent::Approval(approval) => {
                    asked += 1;
                    assert!(approval.subject.contains("\"n\""));
                    approval.answer(decision.clone());
                }
                AgentEvent::Finished(answer) => break answer,
                _ => {}
            }
        };
        let run = Run {
            events: Vec::new(),
            answer: *answer,
        };
        assert_eq!(run.outputs(), [output, output]);
        assert_eq!(tool.count(), ran);
        // For good is for good, once it was said.
        let expected = if decision == Decision::AllowTool {
            1
        } else {
            2
        };
        assert_eq!(asked, expected, "{decision:?}");
    }
    let relay = build().await;
    let tool = Made::new("change", Permission::Ask, |_, _| {
        Box::pin(async { ToolOutput::text("changed", "ok") })
    });
    let mut alone = conversation(&relay, [tool.clone() as _]);
    let answer = alone.send(Input::text("Go")).answer().await.unwrap();
    assert_eq!(answer.text, "Done.");
    assert_eq!(tool.count(), 0, "nobody was there to allow it");
}

#[tokio::test(start_paused = true)]
async fn the_same_call_with_the_same_result_is_told_and_then_stopped() {
    let relay = relay(|request: &respair_faults::Request| {
        calls(
            request.number as u64 + 1,
            "weather",
            &json!({"city": "Oslo"}),
        )
    })
    .await;
    let tool = Made::echo("weather");
    let run = say(&mut conversation(&relay, [tool.clone() as _]), "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Stopped);
    assert_eq!(tool.count(), 6);
    let outputs = run.outputs();
    assert_eq!(outputs[3], "echo Oslo");
    assert!(outputs[4].contains("the same result 5 times in a row"));
    let message = run.answer.message.unwrap();
    assert!(
        message.contains("6 responses in a row called `weather`"),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn steps_and_tokens_are_bounded() {
    for (steps, tokens, expected) in [
        (4, 0, "4 steps were taken"),
        (90, 30, "tokens were used, 30 are allowed"),
    ] {
        let relay = relay(|request: &respair_faults::Request| {
            let n = request.number as u64 + 1;
            calls(n, "weather", &json!({"city": n}))
        })
        .await;
        // Each answer is another one, so that nothing repeats itself.
        let mut options = options(
            &relay,
            [Made::new("weather", Permission::Allow, |a, _| {
                Box::pin(async move { ToolOutput::text(a["city"].to_string(), "ok") })
            }) as _],
        );
        options.limits.steps = steps;
        options.limits.tokens = tokens;
        let agent = respair_agent::Agent::new(options);
        let run = say(&mut respair_agent::Conversation::new(agent), "Go").await;
        assert_eq!(run.answer.status, AnswerStatus::Stopped);
        let message = run.answer.message.unwrap();
        assert!(message.contains(expected), "{message}");
    }
}

/// Five megabytes of arguments reach the tool as they are.
// On a clock that stands still, a socket that is full for a moment looks like one that is silent for ever.
#[tokio::test]
async fn large_arguments() {
    let city = "x".repeat(5_000_000);
    let arguments = json!({ "city": city }).to_string();
    let pieces = arguments.as_bytes().chunks(60_000);
    let pieces: Vec<&str> = pieces.map(|piece| str::from_utf8(piece).unwrap()).collect();
    let stream = response(1).call("weather", pieces).complete();
    let relay = plays([Script::stream(&stream), says(2, "Done.")]).await;
    let tool = Made::new("weather", Permission::Allow, |arguments, _| {
        Box::pin(async move {
            let length = arguments["city"].as_str().unwrap().len();
            ToolOutput::text(length.to_string(), "ok")
        })
    });
    let run = say(&mut conversation(&relay, [tool as _]), "Go").await;
    assert_eq!(run.outputs(), ["5000000"]);
    assert_eq!(run.answer.text, "Done.");
}

/// Of calls that run beside one another, what has ended is said and kept while others still run.
#[tokio::test(start_paused = true)]
async fn what_has_ended_is_kept_while_others_run() {
    let stream = response(1)
        .call("weather", ["{\"city\":\"Oslo\"}"])
        .call("slow", ["{}"])
        .complete();
    let relay = plays([Script::stream(&stream), says(2, "Rain.")]).await;
    let seen = Arc::new(tokio::sync::Notify::new());
    let waits = Arc::clone(&seen);
    let slow = Made::new("slow", Permission::Allow, move |_, _| {
        let waits = Arc::clone(&waits);
        Box::pin(async move {
            waits.notified().await;
            ToolOutput::text("late", "ok")
        })
    });
    let mut conversation = conversation(&relay, [Made::echo("weather") as _, slow as _]);
    let mut work = conversation.send(Input::text("Go"));
    let ended = async {
        let mut ended = Vec::new();
        loop {
            match work.next().await.unwrap() {
                AgentEvent::ToolEnded { tool, .. } => {
                    ended.push(tool);
                    seen.notify_one();
                }
                AgentEvent::Finished(answer) => return (ended, answer),
                _ => {}
            }
        }
    };
    let patience = std::time::Duration::from_secs(60);
    let (ended, answer) = tokio::time::timeout(patience, ended).await.unwrap();
    assert_eq!(ended, ["weather", "slow"]);
    assert_eq!(answer.text, "Rain.");
}
