//! Responses that are cut, wherever: asked for again once, announced before, and nothing of what was shown stands in the
//! answer, in the session as an item, or in a request.

use respair_agent::{
    Agent, AgentEvent, AnswerStatus, Body, Conversation, Entry, Partial, transcript,
};
use respair_client::TurnEvent;
use respair_faults::ev::{self, Item};
use respair_faults::{Script, Stream};

use crate::support::*;

/// What never may come back.
const LOST: &str = "Half of the";

fn partials(entries: &[Entry]) -> Vec<Partial> {
    let partials = entries.iter().filter_map(|entry| match &entry.body {
        Body::Partial(partial) => Some(partial.clone()),
        _ => None,
    });
    partials.collect()
}

fn begun(stream: Stream) -> Stream {
    stream
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta(LOST))
}

fn commentary(stream: Stream, text: &str) -> Stream {
    stream
        .push(ev::item_added(
            Item::open_message().with("phase", "commentary"),
        ))
        .push(ev::part_added())
        .push(ev::text_delta(text))
}

/// What was shown, in order; `|` is where it broke off and is asked for again, `!` where it is not.
fn shown(run: &Run) -> String {
    let pieces = run.events.iter().map(|event| match event {
        AgentEvent::Response(
            TurnEvent::Text(text) | TurnEvent::Commentary(text) | TurnEvent::Reasoning(text),
        ) => text.as_str(),
        AgentEvent::BrokeOff {
            superseded: true, ..
        } => "|",
        AgentEvent::BrokeOff { .. } => "!",
        _ => "",
    });
    pieces.collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_is_asked_for_again_and_stands_nowhere() {
    let reasoning = |stream: Stream| {
        stream
            .push(ev::reasoning_added())
            .push(ev::summary_part_added())
            .push(ev::summary_delta("Hm."))
    };
    type End = fn(Script) -> Script;
    let ends: [(&str, End); 3] = [
        ("a clean end", |script| script),
        ("FIN", Script::cut),
        ("RST", Script::reset),
    ];
    for (name, stream, before) in [
        ("text", begun(response(1)), "Half of the|"),
        ("reasoning", reasoning(response(1)), "Hm.|"),
        ("commentary", commentary(response(1), LOST), "Half of the|"),
        (
            "a whole message",
            response(1).message([LOST]),
            "Half of the|",
        ),
        (
            "half of a call",
            begun(response(1))
                .push(ev::call_added("weather"))
                .push(ev::arguments_delta("{\"ci")),
            "Half of the|",
        ),
        (
            "[DONE]",
            begun(response(1)).push(ev::done_sentinel()),
            "Half of the|",
        ),
    ] {
        for (end, cut) in &ends {
            let name = format!("{name}, {end}");
            let relay = plays([
                cut(Script::stream(&stream)),
                says(2, "Whole."),
                says(3, "On."),
            ])
            .await;
            let tool = Made::echo("weather");
            let mut conversation = conversation(&relay, [tool.clone() as _]);
            let run = say(&mut conversation, "Go").await;
            assert_eq!(run.answer.status, AnswerStatus::Completed, "{name}");
            assert_eq!(run.answer.text, "Whole.", "{name}");
            assert_eq!(run.answer.totals.requests, 2, "{name}");
            assert_eq!(shown(&run), format!("{before}Whole."), "{name}");
            assert_eq!(tool.count(), 0, "{name}");
            let items = run.answer.items.iter();
            assert!(
                items.clone().all(|item| !item.get().contains(LOST)),
                "{name}"
            );
            say(&mut conversation, "And?").await;
            for request in relay.requests() {
                assert!(
                    !request.json().unwrap().to_string().contains(LOST),
                    "{name}"
                );
            }
            // It is there to be read, marked, once.
            let kept = partials(conversation.entries());
            let lost = format!("{}{}", kept[0].text, kept[0].reasoning);
            assert_eq!(format!("{lost}|"), before, "{name}");
            assert!(kept.len() == 1 && kept[0].superseded, "{name}");
            let text = transcript::markdown("T", conversation.entries());
            assert!(
                text.contains("broke off, and was asked for again"),
                "{name}"
            );
            assert_eq!(
                text.matches(LOST).count(),
                lost.matches(LOST).count(),
                "{name}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_continuation_that_is_cut_goes_on_from_what_it_continues() {
    let one = response(1)
        .message(["One, "])
        .push(ev::incomplete("max_output_tokens"));
    let relay = plays([
        Script::stream(&one),
        Script::stream(&begun(response(2))),
        says(3, "two."),
    ])
    .await;
    let run = say(&mut conversation(&relay, []), "Count").await;
    assert_eq!(run.answer.text, "One, two.");
    assert_eq!(types(&relay.requests()[2]), ["user", "assistant"]);
    // Cut again: what came is the result, and is said to be cut.
    let relay = plays([Script::stream(&one), Script::stream(&begun(response(2)))]).await;
    let run = say(&mut conversation(&relay, []), "Count").await;
    assert_eq!(run.answer.status, AnswerStatus::Truncated);
    assert_eq!(run.answer.text, format!("One, {LOST}"));
    assert_eq!(relay.requests().len(), 3);
}

/// Each response of a long turn may be cut once.
#[tokio::test(start_paused = true)]
async fn every_step_of_a_turn_has_its_own_retry() {
    let relay = relay(|request: &respair_faults::Request| {
        let number = request.number as u64 + 1;
        match (request.number % 2, request.number) {
            (0, _) => Script::stream(&begun(response(number))),
            (_, 9) => says(number, "Done."),
            _ => calls(number, "weather", &serde_json::json!({ "city": number })),
        }
    })
    .await;
    let mut conversation = conversation(&relay, [Made::echo("weather") as _]);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    assert_eq!((run.answer.steps, run.answer.totals.requests), (5, 10));
    assert_eq!(
        shown(&run),
        format!("{}Done.", format!("{LOST}|").repeat(5))
    );
    let steps = run.events.iter().filter_map(|event| match event {
        AgentEvent::StepEnded { requests, .. } => Some(*requests),
        _ => None,
    });
    assert_eq!(steps.collect::<Vec<_>>(), [2; 5]);
}

/// After a call ran nothing is asked again; what was closed is kept as it is, and not a second time as cut.
#[tokio::test(start_paused = true)]
async fn what_was_closed_before_the_cut_is_kept_once() {
    let stream = response(1)
        .reasoning(["I need the weather."])
        .message(["Let me see."])
        .call("weather", ["{\"city\":\"Oslo\"}"]);
    let relay = plays([Script::stream(&begun(stream)), says(2, "Rain.")]).await;
    let tool = Made::echo("weather");
    let mut conversation = conversation(&relay, [tool.clone() as _]);
    let run = say(&mut conversation, "Go").await;
    assert_eq!((run.answer.text.as_str(), tool.count()), ("Rain.", 1));
    assert_eq!(relay.requests().len(), 2);
    let kept = partials(conversation.entries());
    assert_eq!(
        (kept[0].text.as_str(), kept[0].reasoning.as_str()),
        (LOST, "")
    );
    assert!(!kept[0].superseded);
    let text = transcript::markdown("T", conversation.entries());
    for once in ["Let me see.", "I need the weather.", LOST] {
        assert_eq!(text.matches(once).count(), 1, "{once} in\n{text}");
    }
    assert!(
        !relay.requests()[1]
            .json()
            .unwrap()
            .to_string()
            .contains(LOST)
    );
}

/// The same words in two places: what was closed is taken out where it was shown.
#[tokio::test(start_paused = true)]
async fn what_was_closed_is_taken_out_where_it_was_shown() {
    let aside = |item: Item| item.with("phase", "commentary");
    let stream = response(1)
        .push(ev::message_added())
        .push(ev::part_added())
        .push(ev::text_delta("Well. It rains"))
        .push(ev::item_added(aside(Item::open_message())).index(1))
        .push(ev::part_added().index(1))
        .push(ev::text_delta("Well.").index(1))
        .push(ev::text_done("Well.").index(1))
        .push(ev::part_done("Well.").index(1))
        .push(ev::item_done(aside(Item::message("Well."))).index(1))
        .push(ev::failed("server_error", "The relay broke."));
    let relay = plays([Script::stream(&stream)]).await;
    let mut conversation = conversation(&relay, []);
    say(&mut conversation, "Go").await;
    let kept = partials(conversation.entries());
    assert_eq!(
        (kept[0].text.as_str(), kept[0].reasoning.as_str()),
        ("Well. It rains", "")
    );
}

/// An upstream that says that it failed is believed, also after text: nothing is asked again, what was shown stays, marked.
#[tokio::test(start_paused = true)]
async fn what_failed_after_text_is_the_result() {
    for end in [
        ev::failed("server_error", "The relay broke."),
        ev::error_flat("server_error", "The relay broke."),
        ev::error_nested("server_error", "The relay broke."),
    ] {
        let stream = begun(response(1)).push(end);
        let relay = plays([Script::stream(&stream), says(2, "Hello.")]).await;
        let mut conversation = conversation(&relay, []);
        let run = say(&mut conversation, "Go").await;
        assert_eq!(run.answer.status, AnswerStatus::Failed);
        assert_eq!(relay.requests().len(), 1);
        assert_eq!(shown(&run), format!("{LOST}!"));
        let kept = partials(conversation.entries());
        assert_eq!(
            (kept[0].status.as_str(), kept[0].text.as_str()),
            ("failed", LOST)
        );
        say(&mut conversation, "Again").await;
        assert_eq!(types(&relay.requests()[1]), ["user", "user"]);
    }
}

/// One budget, whatever the cause (`recovery.max_requests`).
#[tokio::test(start_paused = true)]
async fn a_cut_response_is_asked_for_again_within_the_budget() {
    for (most, requests) in [(1, 1), (2, 2), (3, 2)] {
        let relay = plays([Script::stream(&begun(response(1)))]).await;
        let mut endpoint = custom(&relay);
        endpoint.recovery.max_requests = most;
        let mut options = options(&relay, []);
        options.links = vec![link(endpoint)];
        options.limits.retry_truncated = 1;
        let run = say(&mut Conversation::new(Agent::new(options)), "Go").await;
        assert_eq!(run.answer.status, AnswerStatus::Truncated);
        assert_eq!(relay.requests().len(), requests, "{most}");
        assert_eq!(run.answer.totals.requests, requests as u32);
    }
    // What came before the cut is counted as well: three refused, one cut, and none is left.
    let down = Script::error(503, "server_error", None, "Not now.");
    let cut = Script::stream(&begun(response(4)));
    let relay = plays([down.clone(), down.clone(), down, cut, says(5, "Hi.")]).await;
    let run = say(&mut conversation(&relay, []), "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Truncated);
    assert_eq!((relay.requests().len(), run.answer.totals.requests), (4, 4));
}
