//! A summary is asked for as robustly as an answer, and nothing else is taken for one.

use respair_agent::{
    Agent, AgentEvent, AgentOptions, AnswerStatus, Body, Conversation, Decision, TakenBack,
};
use respair_faults::ev::{self, Item};
use respair_faults::{Gate, Relay, Request, Script, Step, Stream};
use serde_json::{Value, json};

use crate::support::wire::faults;
use crate::support::*;

fn is_summary(request: &Request) -> bool {
    let items = input(request);
    let last = items.last().unwrap().to_string();
    last.contains("Summarise the conversation")
}

fn summaries(relay: &Relay) -> usize {
    relay
        .requests()
        .iter()
        .filter(|one| is_summary(one))
        .count()
}

fn thinks(stream: Stream) -> Stream {
    let item = Item::reasoning("Hm.").with("encrypted_content", "gAAA");
    stream.push(ev::reasoning_added()).push(ev::item_done(item))
}

fn refuses(stream: Stream) -> Stream {
    let refusal = json!([{"type": "refusal", "refusal": "I will not."}]);
    stream
        .push(ev::message_added())
        .push(ev::refusal_delta("I will not."))
        .push(ev::refusal_done("I will not."))
        .push(ev::item_done(Item::message("").with("content", refusal)))
}

fn unreadable() -> Script {
    let code = Some("invalid_encrypted_content");
    let message = "The encrypted content gAAA could not be verified.";
    Script::error(400, "invalid_request_error", code, message)
}

fn limited() -> Script {
    Script::error(429, "requests", Some("rate_limit_exceeded"), "Slow down.")
        .header("retry-after", "300")
}

fn too_long() -> Script {
    let code = Some("context_length_exceeded");
    Script::error(400, "invalid_request_error", code, "Too long.")
}

/// A relay that thinks before it answers, and that answers the first demands for a summary so; then it sums up.
async fn sums_up(first: Vec<Script>) -> Relay {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    relay(move |request: &Request| {
        let number = request.number as u64 + 1;
        if is_summary(request) {
            let at = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let told = first.get(at).cloned();
            return told.unwrap_or_else(|| says(number, "They said hello."));
        }
        Script::stream(&thinks(response(number)).message(["Hello."]).complete())
    })
    .await
}

async fn three_turns(options: AgentOptions) -> Conversation {
    let mut conversation = Conversation::new(Agent::new(options));
    for text in ["One", "Two", "Three"] {
        say(&mut conversation, text).await;
    }
    conversation
}

async fn compact(conversation: &mut Conversation) -> Run {
    Run::of(conversation.compact(), Decision::Allow).await
}

fn is_compacted(conversation: &Conversation) -> bool {
    let live = conversation.live();
    live.iter()
        .any(|entry| matches!(entry.body, Body::Compacted(_)))
}

#[tokio::test(start_paused = true)]
async fn what_is_no_summary_is_not_taken_for_one() {
    let begun = || response(50);
    let aside = Item::message("Hm.").with("phase", "commentary");
    for (stream, why) in [
        (
            begun()
                .message(["Let me look."])
                .call("weather", ["{}"])
                .complete(),
            "the model called a tool instead",
        ),
        (
            begun().call("weather", ["{}"]).complete(),
            "the model called a tool instead",
        ),
        (
            refuses(begun()).complete(),
            "the model refused to: I will not.",
        ),
        (begun().message([" \n"]).complete(), "the summary is empty"),
        (begun().complete(), "the summary is empty"),
        (
            begun()
                .push(ev::item_added(
                    Item::open_message().with("phase", "commentary"),
                ))
                .push(ev::item_done(aside))
                .complete(),
            "the summary is empty",
        ),
        (
            begun()
                .message(["Half"])
                .push(ev::incomplete("max_output_tokens")),
            "it was left incomplete (max_output_tokens)",
        ),
    ] {
        let relay = sums_up(vec![Script::stream(&stream)]).await;
        let tool = Made::echo("weather");
        let mut conversation = three_turns(options(&relay, [tool.clone() as _])).await;
        let run = compact(&mut conversation).await;
        assert_eq!(run.answer.status, AnswerStatus::Failed, "{why}");
        let expected = format!("the conversation could not be summarised: {why}");
        assert_eq!(run.answer.message, Some(expected));
        assert!(!is_compacted(&conversation), "{why}");
        assert_eq!((summaries(&relay), tool.count()), (1, 0), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_summary_is_asked_for_again_as_an_answer_is() {
    let half = || response(50).message(["Half of a sum"]);
    let down = || Script::error(503, "server_error", None, "Not now.");
    for (name, first, requests, done) in [
        ("cut", vec![Script::stream(&half())], 2, true),
        (
            "cut twice",
            vec![Script::stream(&half()), Script::stream(&half())],
            2,
            false,
        ),
        ("down", vec![down(), down()], 3, true),
        (
            "always down",
            vec![down(), down(), down(), down()],
            4,
            false,
        ),
        ("unreadable", vec![unreadable()], 2, true),
        (
            "unreadable twice",
            vec![unreadable(), unreadable()],
            2,
            false,
        ),
        (
            "failed",
            vec![Script::stream(
                &response(50).push(ev::failed("invalid_prompt", "No.")),
            )],
            1,
            false,
        ),
    ] {
        let relay = sums_up(first).await;
        let mut conversation = three_turns(options(&relay, [])).await;
        let before = conversation.totals().requests;
        let run = compact(&mut conversation).await;
        assert_eq!(is_compacted(&conversation), done, "{name}");
        assert_eq!(summaries(&relay), requests, "{name}");
        let counted = conversation.totals().requests - before;
        assert_eq!(counted as usize, requests, "{name}");
        assert_eq!(run.answer.totals.requests as usize, requests, "{name}");
        for request in relay.requests() {
            assert_eq!(faults(&input(&request)), [""; 0], "{name}");
        }
        // Gone on with elsewhere, it has cost as much.
        let again = Conversation::resume(
            Agent::new(options(&relay, [])),
            conversation.entries().to_vec(),
        );
        if done {
            let (one, other) = (conversation.totals(), again.totals());
            assert_eq!(
                (one.requests, one.input_tokens, one.output_tokens),
                (other.requests, other.input_tokens, other.output_tokens),
                "{name}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_endpoint_sums_up_while_the_first_rests() {
    let first = sums_up(vec![limited()]).await;
    let second = plays([says(1, "They said hello.")]).await;
    let mut options = options(&first, []);
    options.links.push(link(custom(&second)));
    let mut conversation = three_turns(options).await;
    let run = compact(&mut conversation).await;
    assert!(is_compacted(&conversation), "{:?}", run.answer.message);
    assert_eq!((summaries(&first), summaries(&second)), (1, 1));
    let switched = |event: &&AgentEvent| matches!(event, AgentEvent::Switched { .. });
    assert_eq!(run.events.iter().filter(switched).count(), 1);
    // It is sent what it can read.
    let sent = json!(input(&second.requests()[0])).to_string();
    assert!(!sent.contains("gAAA"));
}

/// Each endpoint has a window of its own: what was shortened for one may be too long for the next.
#[tokio::test(start_paused = true)]
async fn each_endpoint_is_compacted_for() {
    let narrow = |most: usize, then: Script| {
        relay(move |request: &Request| match is_summary(request) {
            true => says(90, "They talked."),
            false if input(request).len() > most => too_long(),
            false => then.clone(),
        })
    };
    let first = narrow(7, limited()).await;
    let second = narrow(3, says(9, "Here.")).await;
    let quiet = plays([says(1, "Hello.")]).await;
    let mut conversation = three_turns(options(&quiet, [])).await;
    say(&mut conversation, "Four").await;
    let mut between = options(&first, []);
    between.links.push(link(custom(&second)));
    conversation.set_agent(Agent::new(between));
    let run = say(&mut conversation, "Five").await;
    assert_eq!(run.answer.text, "Here.", "{:?}", run.answer.error);
    assert_eq!((summaries(&first), summaries(&second)), (1, 1));
}

/// What an upstream could not read is not read to it again: not for a summary, and not after the turn was taken back.
#[tokio::test(start_paused = true)]
async fn unreadable_reasoning_is_refused_once() {
    let reasons = |request: &Request| types(request).contains(&"reasoning".to_owned());
    let relay = relay(move |request: &Request| {
        let number = request.number as u64 + 1;
        match request.number {
            0..=2 => Script::stream(&thinks(response(number)).message(["Hello."]).complete()),
            _ if reasons(request) => unreadable(),
            _ if is_summary(request) => says(number, "They said hello."),
            4 => too_long(),
            _ => says(number, "Hello."),
        }
    })
    .await;
    let mut conversation = three_turns(options(&relay, [])).await;
    let run = say(&mut conversation, "Four").await;
    assert_eq!(run.answer.text, "Hello.", "{:?}", run.answer.error);
    // Refused, too long, summed up, answered.
    assert_eq!(relay.requests().len(), 3 + 4);
    let took = conversation.undo().await;
    assert_eq!(took, Some(TakenBack::Turn("Four".to_owned())));
    let run = say(&mut conversation, "Four").await;
    assert_eq!(run.answer.totals.requests, 1);
    // Each undo takes one turn back, to the first.
    for said in ["Four", "Three", "Two", "One"] {
        let took = conversation.undo().await;
        assert_eq!(took, Some(TakenBack::Turn(said.to_owned())));
    }
    assert_eq!(conversation.undo().await, None);
}

/// What the context holds is what was told of it as it stands, in this process as in the next.
#[tokio::test(start_paused = true)]
async fn what_the_context_holds_follows_what_is_taken_back() {
    let usage = |number: u64, script: &Stream| {
        let tokens = json!({"input_tokens": number * 100, "output_tokens": 1, "total_tokens": number * 100 + 1});
        let told = script.clone().map_type("response.completed", |ev| {
            ev.with("response.usage", tokens.clone())
        });
        Script::stream(&told)
    };
    let relay = relay(move |request: &Request| {
        let number = request.number as u64 + 1;
        usage(number, &response(number).message(["Hello."]).complete())
    })
    .await;
    let agent = Agent::new(options(&relay, []));
    let mut conversation = three_turns(options(&relay, [])).await;
    let mut holds = Vec::new();
    let mut look = |conversation: &Conversation| {
        let again = Conversation::resume(agent.clone(), conversation.entries().to_vec());
        let (held, later) = (conversation.totals(), again.totals());
        assert_eq!(held.context_tokens, later.context_tokens);
        holds.push(held.context_tokens);
    };
    look(&conversation);
    compact(&mut conversation).await;
    look(&conversation);
    say(&mut conversation, "Four").await;
    look(&conversation);
    for _ in 0..4 {
        conversation.undo().await.unwrap();
        look(&conversation);
    }
    assert_eq!(holds, [301, 0, 501, 0, 301, 201, 101]);
}

/// Where no request is left for it, the turn fails and the next one does not.
#[tokio::test(start_paused = true)]
async fn unreadable_reasoning_does_not_stop_a_conversation() {
    let relay = relay(move |request: &Request| {
        let number = request.number as u64 + 1;
        match types(request).contains(&"reasoning".to_owned()) {
            true => unreadable(),
            false => Script::stream(&thinks(response(number)).message(["Hello."]).complete()),
        }
    })
    .await;
    let mut options = options(&relay, []);
    let mut endpoint = custom(&relay);
    endpoint.recovery.max_requests = 1;
    options.links = vec![link(endpoint)];
    let mut conversation = Conversation::new(Agent::new(options));
    say(&mut conversation, "One").await;
    let run = say(&mut conversation, "Two").await;
    assert_eq!(run.answer.status, AnswerStatus::Failed);
    let notice = "the encrypted reasoning of before is left out from here on";
    assert!(run.notices()[0].ends_with(notice), "{:?}", run.notices());
    assert_eq!(relay.requests().len(), 2);
    let run = say(&mut conversation, "Three").await;
    assert_eq!(
        (run.answer.text.as_str(), relay.requests().len()),
        ("Hello.", 3)
    );
}

/// A turn of the user's without words is one as any other.
#[tokio::test(start_paused = true)]
async fn a_picture_alone_is_taken_back_by_itself() {
    let relay = plays([says(1, "Hello.")]).await;
    let mut conversation = conversation(&relay, []);
    say(&mut conversation, "One").await;
    let picture: Value = json!({"type": "input_image", "image_url": "data:image/png;base64,AA=="});
    let said = respair_agent::Input::text("").with(picture.clone());
    Run::of(conversation.send(said), Decision::Allow).await;
    // Beside it no words are sent.
    let sent = input(&relay.requests()[1]);
    assert_eq!(sent[2]["content"], json!([picture]));
    assert_eq!(faults(&sent), [""; 0]);
    assert_eq!(
        conversation.undo().await,
        Some(TakenBack::Turn(String::new()))
    );
    assert_eq!(conversation.live().len(), 3);
}

/// Interrupted, it ends at once, as what it is, and nothing stands in the place of the conversation.
#[tokio::test(start_paused = true)]
async fn an_interrupted_compaction_is_none() {
    let gate = Gate::new();
    let held = says(50, "They said").before_head(Step::Gate(gate.clone()));
    let relay = sums_up(vec![held]).await;
    let mut conversation = three_turns(options(&relay, [])).await;
    let mut work = conversation.compact();
    let cancel = work.cancel_token();
    let answer = loop {
        tokio::select! {
            event = work.next() => match event.unwrap() {
                AgentEvent::Finished(answer) => break answer,
                _ => continue,
            },
            () = gate.reached() => {
                cancel.cancel();
            }
        }
        assert!(cancel.is_cancelled());
    };
    relay.wait_peer_closed().await;
    drop(work);
    assert_eq!(answer.status, AnswerStatus::Interrupted);
    assert!(!is_compacted(&conversation));
    let run = say(&mut conversation, "Four").await;
    assert_eq!(run.answer.text, "Hello.");
}
