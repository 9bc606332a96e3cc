//! Probes: what is sent, what came back, and what is said of it.

mod asked;
mod carried;

use std::collections::BTreeSet;
use std::time::Duration;

use respair_client::probe::{
    Answer, BodyEnd, Outcome, Plan, Probe, Prober, Progress, judge, models,
};
use respair_client::{CancellationToken, Code, Endpoint, Trace};
use respair_faults::{
    Relay, Request, Script, Step, Stream, ev, obedient, obedient_but, obedient_stream, refusal,
    scenario,
};
use serde_json::json;

use crate::support::*;

const MODEL: &str = "relay-model";

fn prober(endpoint: Endpoint) -> Prober {
    Prober::new(endpoint, options(&TestClock::new())).unwrap()
}

async fn ask(prober: &Prober, probe: Probe) -> Answer {
    soon(prober.ask(probe, MODEL, &CancellationToken::new(), |_| {})).await
}

/// Every probe of an endpoint: how it came out, what is said, and the codes that were found.
async fn check(relay: &Relay) -> Vec<(Probe, Outcome, String, Vec<&'static str>)> {
    let mut endpoint = custom(relay);
    endpoint.api_key = Some("sk-secret".to_owned().into());
    let prober = prober(endpoint);
    let mut seen = Vec::new();
    for probe in Plan::within(99, false).probes {
        let answer = ask(&prober, probe).await;
        let judgement = judge(&answer, prober.endpoint(), MODEL);
        let codes = judgement.findings.iter().map(|found| found.code.as_str());
        seen.push((
            probe,
            judgement.outcome,
            judgement.says.clone(),
            codes.collect(),
        ));
    }
    seen
}

/// The same, only the codes: `in-band-error: wrong-model, wrong-key`.
async fn codes(relay: &Relay) -> Vec<String> {
    let seen = check(relay).await;
    let all: BTreeSet<&str> = seen
        .iter()
        .flat_map(|(.., codes)| codes.iter().copied())
        .collect();
    let probes = |code: &str| {
        let of = seen.iter().filter(|(.., codes)| codes.contains(&code));
        of.map(|(probe, ..)| probe.name())
            .collect::<Vec<_>>()
            .join(", ")
    };
    all.iter()
        .map(|code| format!("{code}: {}", probes(code)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_does_what_it_is_asked() {
    let relay = relay(obedient).await;
    let seen = check(&relay).await;
    let said: Vec<_> = seen
        .iter()
        .map(|(probe, outcome, says, _)| (*probe, *outcome, says.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Probe::Text, Outcome::Done, "229 characters"),
            (Probe::ToolCall, Outcome::Done, "called get_weather"),
            (
                Probe::OutputLimit,
                Outcome::Done,
                "incomplete: max_output_tokens"
            ),
            (Probe::NotStreamed, Outcome::Done, "one response object"),
            (Probe::ParallelCalls, Outcome::Done, "2 calls"),
            (Probe::Reasoning, Outcome::Done, "reasoning and an answer"),
            (
                Probe::WrongModel,
                Outcome::Done,
                "refused: The requested model 'respair-no-such-model' does not exist."
            ),
            (
                Probe::WrongKey,
                Outcome::Done,
                "refused: Incorrect API key provided."
            ),
            (Probe::Models, Outcome::Done, "1 model"),
        ]
    );
    assert!(seen.iter().all(|(.., codes)| codes.is_empty()), "{seen:?}");
    assert_eq!(
        relay.requests().len() + relay.other_requests().len(),
        Probe::ALL.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_sent_nothing_of_the_users() {
    let relay = relay(obedient).await;
    let mut endpoint = custom(&relay);
    endpoint.base_url.set_query(Some("code=sk-query"));
    endpoint.api_key = Some("sk-secret".to_owned().into());
    endpoint
        .extra_headers
        .push(("X-Token".to_owned(), "tok-secret".to_owned().into()));
    endpoint
        .extra_body
        .insert("user".to_owned(), json!("body-secret"));
    let prober = prober(endpoint);
    for probe in [Probe::Text, Probe::WrongKey] {
        let answer = ask(&prober, probe).await;
        let shown = format!("{:?}", answer.sent);
        assert!(
            !shown.contains("secret") && !shown.contains("sk-query"),
            "{shown}"
        );
    }
    let asked = relay.requests();
    let everything = |asked: &Request| {
        format!(
            "{} {:?} {}",
            asked.path,
            asked.headers,
            String::from_utf8_lossy(&asked.body)
        )
    };
    let user = everything(&asked[0]);
    for secret in ["sk-secret", "tok-secret", "body-secret", "sk-query"] {
        assert!(user.contains(secret), "{user}");
        let stranger = everything(&asked[1]);
        assert!(!stranger.contains(secret), "{stranger}");
    }
    assert_eq!(
        asked[1].header("authorization"),
        Some("Bearer sk-respair-no-such-key")
    );
}

/// A row: what the endpoint does, and what is found of it.
type Row = (
    &'static str,
    fn(&Request) -> Script,
    &'static [&'static str],
);

fn is_probe(request: &Request, field: &str) -> bool {
    request.field(field).is_some()
}

fn scripted(request: &Request, name: &str) -> Script {
    respair_faults::Answer::answer(scenario(name).unwrap(), request)
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_closes_the_connection() {
    let relay = relay(Script::stream(&answer()).after_first(TEXT_DELTA, Step::HoldOpen)).await;
    let cancel = CancellationToken::new();
    let prober = prober(custom(&relay));
    let answer = soon(prober.ask(Probe::Text, MODEL, &cancel, |seen| {
        if matches!(seen, Progress::Bytes(_)) {
            cancel.cancel();
        }
    }))
    .await;
    assert_eq!(answer.end, BodyEnd::Interrupted);
    let judgement = judge(&answer, prober.endpoint(), MODEL);
    assert_eq!(judgement.outcome, Outcome::Undecided);
    assert!(judgement.findings.is_empty());
    soon(relay.wait_peer_closed()).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_back_is_not_repeated() {
    let echo = |request: &Request| {
        let key = request
            .header("authorization")
            .unwrap_or_default()
            .to_owned();
        Script::error(
            401,
            "invalid_request_error",
            None,
            &format!("Incorrect API key provided: {key}"),
        )
    };
    let relay = relay(echo).await;
    let mut endpoint = custom(&relay);
    endpoint.api_key = Some("sk-secret".to_owned().into());
    let prober = prober(endpoint);
    let answer = ask(&prober, Probe::Text).await;
    let shown = format!("{:?} {answer:?}", judge(&answer, prober.endpoint(), MODEL));
    assert!(
        shown.contains("[redacted]") && !shown.contains("sk-secret"),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn lists_of_models() {
    struct Listing(Script);
    impl respair_faults::Answer for Listing {
        fn answer(&self, request: &Request) -> Script {
            obedient(request)
        }
        fn other(&self, _: &Request) -> Option<Script> {
            Some(self.0.clone())
        }
    }
    for (script, outcome, says, listed) in [
        (
            Script::json(200, &json!({"data": [{"id": "a"}, {"id": MODEL}]})),
            Outcome::Done,
            "2 models",
            Some(2),
        ),
        (
            Script::json(200, &json!({"object": "list", "data": [{"id": "a"}]})),
            Outcome::Done,
            "relay-model is not among 1 model",
            Some(1),
        ),
        (
            Script::json(200, &json!({"models": [{"slug": MODEL}]})),
            Outcome::Done,
            "1 model",
            Some(1),
        ),
        (
            Script::json(404, &json!({"detail": "Not Found"})),
            Outcome::Unsupported,
            "HTTP 404: there is no list",
            None,
        ),
        (
            Script::text(200, "text/html", "<p>hello"),
            Outcome::Unsupported,
            "no JSON list of models",
            None,
        ),
    ] {
        let relay = relay(Listing(script)).await;
        let prober = prober(custom(&relay));
        let answer = ask(&prober, Probe::Models).await;
        assert_eq!(
            (answer.sent.method, answer.sent.url.clone()),
            ("GET", format!("{}/v1/models", relay.base_url()))
        );
        let judgement = judge(&answer, prober.endpoint(), MODEL);
        assert_eq!(
            (judgement.outcome, judgement.says.as_str()),
            (outcome, says)
        );
        assert_eq!(models(&answer).map(|models| models.len()), listed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_trace_holds_the_streams() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.sse");
    let relay = relay(obedient).await;
    let mut options = options(&TestClock::new());
    options.trace = Some(Trace::file(&path).unwrap());
    let prober = Prober::new(custom(&relay), options).unwrap();
    for probe in [Probe::Text, Probe::Models, Probe::WrongKey, Probe::ToolCall] {
        ask(&prober, probe).await;
    }
    let trace = std::fs::read_to_string(&path).unwrap();
    assert!(trace.starts_with("event: response.created\n"));
    // As a turn sets its requests off, so that what reads a trace finds the streams.
    assert_eq!(trace.matches("\n: respair attempt 4\n").count(), 1);
    assert_eq!(trace.matches("event: response.completed").count(), 2);
    for noted in [
        ": respair probe models HTTP 200\n: {",
        ": respair probe wrong-key HTTP 401\n: {",
    ] {
        assert!(trace.contains(noted), "{trace}");
    }
}
