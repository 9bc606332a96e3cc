//! Endpoints that stand in: each asked once for a response, with what is its own and nothing of another's.

use std::time::Duration;

use respair_agent::{Agent, AgentEvent, AgentOptions, AnswerStatus, Conversation, Link};
use respair_client::{Client, ClientOptions, RecoveryMode};
use respair_faults::ev;
use respair_faults::{Relay, Request, Script};
use serde_json::json;

use crate::support::*;

fn error(status: u16, code: &str, message: &str) -> Script {
    Script::error(status, "error", Some(code), message)
}

fn between(first: &Relay, others: &[&Relay]) -> AgentOptions {
    let mut options = options(first, []);
    for (at, other) in others.iter().enumerate() {
        let mut link = link(custom(other));
        link.model = format!("model-{}", at + 2);
        options.links.push(link);
    }
    options
}

fn switches(run: &Run) -> usize {
    let switched = |event: &&AgentEvent| matches!(event, AgentEvent::Switched { .. });
    run.events.iter().filter(switched).count()
}

/// What another endpoint may do better, and what it may not.
#[tokio::test(start_paused = true)]
async fn who_is_asked_instead() {
    let in_band =
        |code: &str, message: &str| Script::stream(&response(1).push(ev::failed(code, message)));
    for (name, refusal, instead) in [
        ("429", error(429, "rate_limit_exceeded", "Slow down."), true),
        (
            "429 at once",
            error(429, "rate_limit_exceeded", "Slow down.").header("retry-after", "0"),
            true,
        ),
        (
            "429 of tokens",
            error(429, "throttled", "Too many tokens, please wait."),
            true,
        ),
        ("402", error(402, "billing", "Pay."), true),
        (
            "403 without credit",
            error(403, "forbidden", "Your balance is empty."),
            true,
        ),
        (
            "400 of billing",
            error(400, "billing_hard_limit_reached", "Limit."),
            true,
        ),
        ("503", error(503, "unavailable", "Not now."), true),
        (
            "in band, limited",
            in_band("rate_limit_exceeded", "Tokens per minute: too many tokens."),
            true,
        ),
        (
            "in band, overloaded",
            in_band("server_is_overloaded", "Later."),
            true,
        ),
        ("in band, quota", in_band("insufficient_quota", "No."), true),
        (
            "in band, flat",
            Script::stream(&response(1).push(ev::error_flat("rate_limit_exceeded", "Slow."))),
            true,
        ),
        ("nothing at all", Script::sse(), true),
        ("a reset", Script::raw().reset(), true),
        ("401", error(401, "invalid_api_key", "Wrong key."), false),
        ("403", error(403, "forbidden", "Not you."), false),
        (
            "404",
            error(404, "model_not_found", "No such model."),
            false,
        ),
        (
            "400 about a name",
            error(
                400,
                "invalid_schema",
                "Invalid schema for function 'get_quota'.",
            ),
            false,
        ),
        ("in band, refused", in_band("invalid_prompt", "No."), false),
        (
            "a page",
            Script::text(200, "text/html", "<html>Log in</html>"),
            false,
        ),
    ] {
        let first = plays([refusal]).await;
        let second = plays([says(1, "Here.")]).await;
        let agent = Agent::new(between(&first, &[&second]));
        let run = say(&mut Conversation::new(agent), "Go").await;
        assert_eq!(second.requests().len(), usize::from(instead), "{name}");
        assert_eq!(switches(&run), usize::from(instead), "{name}");
        assert_eq!(
            run.answer.text == "Here.",
            instead,
            "{name}: {:?}",
            run.answer.error
        );
        let all = first.requests().len() + second.requests().len();
        assert_eq!(run.answer.totals.requests as usize, all, "{name}");
    }
}

/// What was shown is never said again by somebody else.
#[tokio::test(start_paused = true)]
async fn nobody_else_goes_on_with_what_was_shown() {
    let begun = || {
        response(1)
            .push(ev::message_added())
            .push(ev::part_added())
            .push(ev::text_delta("Half"))
    };
    let thought = || {
        response(1)
            .push(ev::reasoning_added())
            .push(ev::summary_part_added())
            .push(ev::summary_delta("Hm."))
    };
    for (name, script) in [
        (
            "limited after text",
            Script::stream(&begun().push(ev::failed("rate_limit_exceeded", "Slow."))),
        ),
        (
            "limited after reasoning",
            Script::stream(&thought().push(ev::failed("rate_limit_exceeded", "Slow."))),
        ),
        ("cut", Script::stream(&begun())),
        ("reset", Script::stream(&begun()).reset()),
    ] {
        let (first, second) = (plays([script]).await, plays([says(1, "Hi")]).await);
        let agent = Agent::new(between(&first, &[&second]));
        let run = say(&mut Conversation::new(agent), "Go").await;
        assert_ne!(run.answer.status, AnswerStatus::Completed, "{name}");
        assert!(second.requests().is_empty(), "{name}");
    }
}

/// All of them down: each was asked, none twice, however long the waits are; the last error is the result, and all are told.
#[tokio::test(start_paused = true)]
async fn all_of_them_are_down() {
    let down = |who: &str| {
        // Longer than the cool-down, so that the first is awake again when the last gives up.
        error(503, "unavailable", &format!("{who} is down.")).header("retry-after", "100")
    };
    let relays = [
        plays([down("A")]).await,
        plays([down("B")]).await,
        plays([down("C")]).await,
    ];
    let agent = Agent::new(between(&relays[0], &[&relays[1], &relays[2]]));
    let mut conversation = Conversation::new(agent);
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Failed);
    assert_eq!(run.answer.error.as_ref().unwrap().message, "C is down.");
    let message = run.answer.message.unwrap();
    assert_eq!(
        message,
        "no endpoint could answer: custom relay-model: A is down; custom model-2: B is down; custom model-3: C is down"
    );
    // The last is waited for, as there is nobody else.
    let made = relays.iter().map(|relay| relay.requests().len());
    assert_eq!(made.collect::<Vec<_>>(), [1, 1, 4]);
    assert_eq!(run.answer.totals.requests, 6);
    // The next turn tries again, and is not refused by us.
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Failed);
    assert!(relays[0].requests().len() > 1);
}

/// Whoever asks for a long rest is not waited for while another endpoint can be asked; a short one is cheaper than a switch.
#[tokio::test(start_paused = true)]
async fn a_limit_is_waited_for_where_nobody_else_can_be_asked() {
    for (wait, others, from, took) in [
        ("2", true, "from the first", 2),
        ("8", true, "from the first", 8),
        ("9", true, "from the second", 0),
        ("110", true, "from the second", 0),
        ("110", false, "from the first", 110),
    ] {
        let refusal = error(429, "rate_limit_exceeded", "Slow.").header("retry-after", wait);
        let first = plays([refusal, says(2, "from the first")]).await;
        let second = plays([says(1, "from the second")]).await;
        let others = if others { vec![&second] } else { Vec::new() };
        let mut conversation = Conversation::new(Agent::new(between(&first, &others)));
        let begun = tokio::time::Instant::now();
        let run = say(&mut conversation, "Go").await;
        assert_eq!(run.answer.text, from, "{wait}");
        assert_eq!(begun.elapsed().as_secs(), took, "{wait}");
        assert_eq!(run.answer.totals.requests, 2, "{wait}");
    }
}

/// The first is asked again after its rest, which is never longer than an hour; until then it is said who is asked.
#[tokio::test(start_paused = true)]
async fn the_first_comes_back() {
    for (wait, before, after) in [("5", 58, 3), ("300", 298, 3), ("999999999", 3598, 3)] {
        let refusal = error(402, "billing", "Pay.").header("retry-after", wait);
        let first = relay(move |request: &Request| match request.number {
            0 => refusal.clone(),
            n => says(n as u64 + 1, "from the first"),
        })
        .await;
        let second = plays([says(1, "from the second"), says(2, "from the second")]).await;
        let mut conversation = Conversation::new(Agent::new(between(&first, &[&second])));
        let run = say(&mut conversation, "Go").await;
        assert_eq!(run.answer.text, "from the second", "{wait}");
        tokio::time::advance(Duration::from_secs(before)).await;
        let run = say(&mut conversation, "Still?").await;
        assert_eq!(run.answer.text, "from the second", "{wait}");
        let notice = run.notices().join("\n");
        assert!(
            notice.contains("custom relay-model is left alone for another"),
            "{wait}: {notice}"
        );
        tokio::time::advance(Duration::from_secs(after)).await;
        let run = say(&mut conversation, "And now?").await;
        assert_eq!(run.answer.text, "from the first", "{wait}");
        assert!(run.notices().is_empty(), "{wait}");
    }
}

fn keyed(relay: &Relay, key: &str, model: &str) -> Link {
    let mut endpoint = custom(relay);
    endpoint.api_key = Some(key.to_owned().into());
    let options = ClientOptions {
        seed: Some(7),
        clock: Some(TestClock::new()),
        ..ClientOptions::default()
    };
    Link::new(Client::new(endpoint, options).unwrap(), model, Some(key))
}

/// Key, model, effort and limits are those of whoever is asked; what was chosen in the conversation is for the first.
#[tokio::test(start_paused = true)]
async fn each_is_asked_with_what_is_its_own() {
    let first = plays([error(402, "billing", "Pay.")]).await;
    let second = plays([says(1, "Here.")]).await;
    let mut options = options(&first, []);
    let mut one = keyed(&first, "key-one", "model-one");
    (one.reasoning_effort, one.max_output_tokens) = (Some("high".to_owned()), Some(100));
    let mut two = keyed(&second, "key-two", "model-two");
    (two.reasoning_effort, two.max_output_tokens) = (Some("low".to_owned()), None);
    options.links = vec![one, two];
    let mut conversation = Conversation::new(Agent::new(options));
    conversation.set_model(Some("chosen".to_owned()));
    conversation.set_reasoning_effort(Some("xhigh".to_owned()));
    let run = say(&mut conversation, "Go").await;
    assert_eq!(run.answer.text, "Here.");
    for (relay, key, other, expected) in [
        (
            &first,
            "key-one",
            "key-two",
            json!(["chosen", "xhigh", 100]),
        ),
        (
            &second,
            "key-two",
            "key-one",
            json!(["model-two", "low", null]),
        ),
    ] {
        let request = &relay.requests()[0];
        let body = request.json().unwrap();
        let asked = json!([
            body["model"],
            body["reasoning"]["effort"],
            body["max_output_tokens"]
        ]);
        assert_eq!(asked, expected);
        assert_eq!(
            request.header("authorization"),
            Some(format!("Bearer {key}").as_str())
        );
        assert!(!format!("{request:?}").contains(other));
    }
}

/// Each endpoint is read as it is configured, and is remembered by itself.
#[tokio::test(start_paused = true)]
async fn each_is_read_in_its_own_manner() {
    let late = |number: u64, text: &str| {
        let stream = response(number).message([text]).complete();
        Script::stream(&stream.drop_type("response.created"))
    };
    let first = plays([error(402, "billing", "Pay.")]).await;
    let second = plays([late(1, "Here.")]).await;
    for (mode, requests, tolerant) in [
        (RecoveryMode::RetryThenFallback, 2, true),
        (RecoveryMode::Inline, 1, true),
        (RecoveryMode::Strict, 1, false),
    ] {
        let before = second.requests().len();
        let mut options = options(&first, []);
        let mut endpoint = custom(&second);
        endpoint.recovery.mode = mode;
        options.links.push(link(endpoint));
        let run = say(&mut Conversation::new(Agent::new(options)), "Go").await;
        assert_eq!(run.answer.text == "Here.", tolerant, "{mode}");
        assert_eq!(second.requests().len() - before, requests, "{mode}");
    }
}

/// A call that ran before the switch is history for the other endpoint, and is not run again.
#[tokio::test(start_paused = true)]
async fn a_switch_runs_nothing_twice() {
    let first = plays([
        calls(1, "weather", &json!({"city": "Oslo"})),
        error(402, "billing", "Pay."),
    ])
    .await;
    let second = plays([says(1, "Rain.")]).await;
    let tool = Made::echo("weather");
    let mut options = between(&first, &[&second]);
    options.tools.add(tool.clone());
    let run = say(&mut Conversation::new(Agent::new(options)), "Go").await;
    assert_eq!((run.answer.text.as_str(), tool.count()), ("Rain.", 1));
    let sent = input(&second.requests()[0]);
    assert_eq!(joined(&sent, "switched"), ["echo Oslo"]);
}

/// A native endpoint is held to the protocol: its first violation is the result, and is mended by nobody.
#[tokio::test(start_paused = true)]
async fn a_native_endpoint_is_held_to_the_protocol() {
    let stream = response(1).message(["Hi"]).complete();
    let late = Script::stream(&stream.drop_type("response.created"));
    let (first, second) = (plays([late]).await, plays([says(1, "Here.")]).await);
    let mut options = between(&first, &[&second]);
    let url = format!("{}/v1", first.base_url()).parse().unwrap();
    options.links[0] = link(respair_client::Endpoint::native("openai", url));
    let run = say(&mut Conversation::new(Agent::new(options)), "Go").await;
    assert_eq!(run.answer.status, AnswerStatus::Failed);
    let error = run.answer.error.unwrap();
    assert_eq!(
        (error.code.as_deref(), error.event),
        (Some("created-missing"), Some(0))
    );
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
    assert_eq!(run.answer.text, "");
}
