//! An interrupt, wherever it comes: the socket closes at once, what was shown stays, and the next request is valid.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use respair_agent::{
    AgentEvent, Answer, AnswerStatus, Body, Conversation, Decision, Input, Permission, Tool,
    ToolOutput,
};
use respair_client::TurnEvent;
use respair_faults::{Gate, Relay, Request, Script, Step};
use serde_json::json;
use tokio::time::Instant;

use crate::support::*;

/// How long the upstream's socket may stay open, on the clock of the test: nothing may wait for a timer.
const AT_ONCE: Duration = Duration::from_millis(200);

/// Runs a turn, and interrupts it at this event, or when the relay stands at the gate.
async fn interrupted(
    conversation: &mut Conversation,
    gate: Option<&Gate>,
    at: impl Fn(&AgentEvent) -> bool,
) -> (Answer, Instant) {
    let mut work = conversation.send(Input::text("Go"));
    let cancel = work.cancel_token();
    let reached = async {
        match gate {
            Some(gate) => gate.reached().await,
            None => pending().await,
        }
    };
    tokio::pin!(reached);
    let mut when = None;
    // It is kept: dropping it would refuse the call.
    let mut approval = None;
    loop {
        let event = tokio::select! {
            event = work.next() => event.unwrap(),
            () = &mut reached, if when.is_none() => {
                // What came before the gate is on its way still.
                when = Some(Instant::now());
                cancel.cancel();
                continue;
            }
        };
        if at(&event) && when.is_none() {
            when = Some(Instant::now());
            cancel.cancel();
        }
        match event {
            AgentEvent::Finished(answer) => {
                drop(approval);
                return (*answer, when.expect("it was interrupted"));
            }
            AgentEvent::Approval(asked) => approval = Some(asked),
            _ => {}
        }
    }
}

/// Interrupted so, the turn is over at once, and the conversation goes on.
async fn goes_on(
    name: &str,
    relay: &Relay,
    conversation: &mut Conversation,
    (answer, when): (Answer, Instant),
) {
    assert_eq!(
        answer.status,
        AnswerStatus::Interrupted,
        "{name}: {answer:?}"
    );
    assert!(answer.error.is_none(), "{name}: {:?}", answer.error);
    // One that was on its way out counts, also where the relay has not seen it.
    let (counted, seen) = (answer.totals.requests as usize, relay.requests().len());
    assert!(
        counted == seen || counted == seen + 1,
        "{name}: {counted} counted, {seen} made"
    );
    assert!(when.elapsed() < AT_ONCE, "{name}: {:?}", when.elapsed());
    let run = say(conversation, "Hello?").await;
    assert_eq!(run.answer.text, "Hello.", "{name}");
    let next = input(relay.requests().last().unwrap());
    for output in joined(&next, name) {
        assert!(
            output.starts_with("not run: interrupted")
                || output.starts_with("interrupted")
                || output.starts_with("echo"),
            "{name}: {output}"
        );
    }
}

/// A relay that answers the first request with this, and every other with a greeting.
async fn first(script: Script) -> Relay {
    relay(move |request: &Request| match request.number {
        0 => script.clone(),
        n => says(n as u64 + 1, "Hello."),
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn while_the_upstream_is_read() {
    let text = || Script::stream(&response(1).message(["Half of", " it."]).complete());
    let call = || {
        Script::stream(
            &response(1)
                .call("weather", ["{\"city\":", "\"Oslo\"}"])
                .complete(),
        )
    };
    let closed = || {
        let stream = response(1)
            .call("weather", ["{\"city\":\"Oslo\"}"])
            .message(["Hm."]);
        Script::stream(&stream.complete())
    };
    type Shut = fn(Script, Step) -> Script;
    let table: Vec<(&str, Script, Shut, &str)> = vec![
        ("before the head", text(), Script::before_head, ""),
        (
            "before the first event",
            text(),
            |s, g| s.before_first("response.created", g),
            "",
        ),
        (
            "after the prelude",
            text(),
            |s, g| s.after_first("response.in_progress", g),
            "",
        ),
        (
            "in the text",
            text(),
            |s, g| s.after_first("response.output_text.delta", g),
            "Half of",
        ),
        (
            "before the terminal",
            text(),
            |s, g| s.before_first("response.completed", g),
            "Half of it.",
        ),
        (
            "in the arguments",
            call(),
            |s, g| s.after_first("response.function_call_arguments.delta", g),
            "",
        ),
        (
            "after a call",
            closed(),
            |s, g| s.after_first("response.output_item.done", g),
            "",
        ),
    ];
    for (name, script, shut, shown) in table {
        let gate = Gate::new();
        let relay = first(shut(script, Step::Gate(gate.clone()))).await;
        let tool = Made::echo("weather");
        let mut conversation = conversation(&relay, [tool.clone() as _]);
        let ended = interrupted(&mut conversation, Some(&gate), |_| false).await;
        relay.wait_peer_closed().await;
        assert!(
            ended.1.elapsed() < AT_ONCE,
            "{name}: the socket stayed open"
        );
        let partial: String = conversation
            .entries()
            .iter()
            .filter_map(|entry| match &entry.body {
                Body::Partial(partial) => Some(partial.text.as_str()),
                Body::Item(item) if item.raw.get().contains("output_text") => Some("Half of it."),
                _ => None,
            })
            .collect();
        // What stands at the gate may not have been read.
        assert!(shown.starts_with(&partial), "{name}: {partial}");
        assert_eq!(tool.count(), 0, "{name}");
        goes_on(name, &relay, &mut conversation, ended).await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_tools_run_or_wait() {
    let hangs = |permission| -> Arc<dyn Tool> {
        Made::new("weather", permission, |_, context| {
            Box::pin(async move {
                context.cancel.cancelled().await;
                ToolOutput::failed("interrupted")
            })
        })
    };
    let calls = (0..20).fold(response(1), |stream, n| {
        let arguments = json!({ "city": n }).to_string();
        stream.call("weather", [arguments.as_str()])
    });
    let calls = Script::stream(&calls.complete());
    type At = fn(&AgentEvent) -> bool;
    let table: Vec<(&str, Arc<dyn Tool>, At)> = vec![
        ("beside one another", hangs(Permission::Allow), |event| {
            matches!(event, AgentEvent::ToolStarted { .. })
        }),
        ("in approval", hangs(Permission::Ask), |event| {
            matches!(event, AgentEvent::Approval(_))
        }),
        ("between two steps", Made::echo("weather"), |event| {
            matches!(event, AgentEvent::ToolEnded { .. })
        }),
        ("as the step ends", Made::echo("weather"), |event| {
            matches!(event, AgentEvent::StepEnded { .. })
        }),
    ];
    for (name, tool, at) in table {
        let relay = first(calls.clone()).await;
        let mut conversation = conversation(&relay, [tool]);
        let ended = interrupted(&mut conversation, None, at).await;
        goes_on(name, &relay, &mut conversation, ended).await;
    }
}

/// Twenty calls, eight at a time: those that had not begun when the interrupt came never do.
#[tokio::test(start_paused = true)]
async fn what_has_not_begun_never_does() {
    let calls = (0..20).fold(response(1), |stream, n| {
        let arguments = json!({ "city": n }).to_string();
        stream.call("weather", [arguments.as_str()])
    });
    let relay = first(Script::stream(&calls.complete())).await;
    let tool = Made::new("weather", Permission::Allow, |_, context| {
        Box::pin(async move {
            context.cancel.cancelled().await;
            ToolOutput::failed("interrupted")
        })
    });
    let mut conversation = conversation(&relay, [tool.clone() as _]);
    let eighth = std::cell::Cell::new(0);
    let ended = interrupted(&mut conversation, None, |event| {
        eighth.set(eighth.get() + u32::from(matches!(event, AgentEvent::ToolStarted { .. })));
        eighth.get() == 8
    })
    .await;
    assert_eq!(tool.count(), 8);
    assert_eq!(ended.0.status, AnswerStatus::Interrupted);
    say(&mut conversation, "Hello?").await;
    let outputs = joined(&input(&relay.requests()[1]), "twenty");
    assert_eq!(outputs.iter().filter(|o| *o == "interrupted").count(), 8);
    assert_eq!(
        outputs
            .iter()
            .filter(|o| *o == "not run: interrupted")
            .count(),
        12
    );
}

/// A wait before another attempt is no reason to wait.
#[tokio::test(start_paused = true)]
async fn while_it_waits_to_ask_again() {
    let down = Script::error(503, "server_error", None, "Not now.").header("retry-after", "90");
    let relay = first(down).await;
    let mut conversation = conversation(&relay, []);
    let ended = interrupted(&mut conversation, None, |event| {
        matches!(event, AgentEvent::Response(TurnEvent::Recovery { .. }))
    })
    .await;
    assert_eq!(relay.requests().len(), 1);
    goes_on("in the wait", &relay, &mut conversation, ended).await;
}

/// In the middle of a compaction: what ended the turn is the interrupt, not that the conversation was too long.
#[tokio::test(start_paused = true)]
async fn while_the_conversation_is_compacted() {
    let gate = Gate::new();
    let at_gate = Step::Gate(gate.clone());
    let relay = relay(move |request: &Request| {
        let number = request.number as u64 + 1;
        let last = input(request).last().unwrap().to_string();
        if last.contains("Summarise the conversation") {
            return says(number, "A summary.").before_head(at_gate.clone());
        }
        if request.number == 3 {
            let code = Some("context_length_exceeded");
            return Script::error(400, "invalid_request_error", code, "Too long.");
        }
        says(number, "Hello.")
    })
    .await;
    let mut conversation = conversation(&relay, []);
    for _ in 0..3 {
        say(&mut conversation, "Hi").await;
    }
    let before = relay.requests().len();
    let mut ended = interrupted(&mut conversation, Some(&gate), |_| false).await;
    relay.wait_peer_closed().await;
    ended.0.totals.requests += before as u32;
    goes_on("in a compaction", &relay, &mut conversation, ended).await;
}

/// An interrupt before anything was done costs no request.
#[tokio::test(start_paused = true)]
async fn before_anything() {
    let relay = first(says(1, "Hello.")).await;
    let mut conversation = conversation(&relay, []);
    let work = conversation.send(Input::text("Go"));
    work.cancel_token().cancel();
    let run = Run::of(work, Decision::Allow).await;
    assert_eq!(run.answer.status, AnswerStatus::Interrupted);
    assert_eq!((run.answer.totals.requests, relay.requests().len()), (0, 0));
}
