//! Whether an endpoint does what it is asked.

use super::*;

/// Not done, though asked: each by what it does and the finding.
#[tokio::test(start_paused = true)]
async fn what_is_asked_and_not_done() {
    let rows: &[Row] = &[
        (
            "tool-choice-ignored",
            |request| match is_probe(request, "tool_choice.name") {
                true => {
                    Script::stream(&Stream::new().prelude().message(["It is sunny."]).complete())
                }
                false => obedient(request),
            },
            &["tool-call"],
        ),
        (
            "truncation-reported-as-completed",
            |request| scripted(request, "limit-completed"),
            &["output-limit"],
        ),
        (
            // The same without usage: the text itself shows it.
            "truncation-reported-as-completed",
            |request| match is_probe(request, "max_output_tokens") {
                true => Script::stream(
                    &Stream::new()
                        .prelude()
                        .message(["1, 2, 3,", " 4"])
                        .complete()
                        .map_type("response.completed", |ev| {
                            ev.with("response.usage", serde_json::Value::Null)
                        }),
                ),
                false => obedient(request),
            },
            &["output-limit"],
        ),
        (
            "sse-instead-of-json",
            |request| refusal(request).unwrap_or_else(|| Script::stream(&obedient_stream(request))),
            &["stream-false"],
        ),
        (
            "response-not-json",
            |request| match request.field("stream") {
                Some(serde_json::Value::Bool(false)) => Script::json(200, &json!({"choices": []})),
                _ => obedient(request),
            },
            &["stream-false"],
        ),
        (
            "in-band-error",
            |request| scripted(request, "refused-in-stream"),
            &["wrong-model, wrong-key"],
        ),
        (
            "in-band-error",
            |request| match refusal(request) {
                Some(_) => Script::json(200, &json!({"error": {"message": "no such thing"}})),
                None => obedient(request),
            },
            &["wrong-model, wrong-key"],
        ),
        (
            "error-body-unreadable",
            |request| match refusal(request) {
                Some(refusal) => Script::text(
                    refusal.status_code(),
                    "text/html",
                    "<title>Not here</title>",
                ),
                None => obedient(request),
            },
            &["wrong-model, wrong-key"],
        ),
        (
            "error-body-unreadable",
            |request| match refusal(request) {
                Some(refusal) => Script::status(refusal.status_code()),
                None => obedient(request),
            },
            &["wrong-model, wrong-key"],
        ),
        (
            "empty-answer",
            |request| match is_probe(request, "tools")
                || is_probe(request, "max_output_tokens")
                || is_probe(request, "reasoning")
            {
                true => obedient(request),
                false => obedient_but(request, |_| Stream::new().prelude().complete()),
            },
            &["text"],
        ),
    ];
    for (code, answer, probes) in rows {
        let relay = relay(*answer).await;
        let expected: Vec<String> = probes
            .iter()
            .map(|probes| format!("{code}: {probes}"))
            .collect();
        assert_eq!(codes(&relay).await, expected);
        assert!(Code::parse(code).is_some());
    }
}

/// What an endpoint does not have to do.
#[tokio::test(start_paused = true)]
async fn what_is_not_supported_is_no_finding() {
    let refuse = || Script::error(400, "invalid_request_error", None, "Unsupported parameter.");
    let relay = relay(move |request: &Request| {
        match is_probe(request, "reasoning")
            || is_probe(request, "max_output_tokens")
            || request.field("stream") == Some(json!(false))
        {
            true => refuse(),
            // Text for a call that is not forced; and any name and key will do.
            false if is_probe(request, "parallel_tool_calls") => Script::stream(&answer()),
            false => Script::stream(&obedient_stream(request)),
        }
    })
    .await;
    let seen = check(&relay).await;
    let unsupported: Vec<_> = seen
        .iter()
        .filter(|(_, outcome, ..)| *outcome == Outcome::Unsupported)
        .map(|(probe, _, says, _)| (*probe, says.as_str()))
        .collect();
    assert_eq!(
        unsupported,
        [
            (Probe::OutputLimit, "refused: Unsupported parameter."),
            (Probe::NotStreamed, "refused: Unsupported parameter."),
            (Probe::ParallelCalls, "no call was made"),
            (Probe::Reasoning, "refused: Unsupported parameter."),
            (Probe::WrongModel, "answered: any model's name will do"),
            (
                Probe::WrongKey,
                "answered: any key will do, yours is not looked at"
            ),
        ]
    );
    assert!(seen.iter().all(|(.., codes)| codes.is_empty()), "{seen:?}");
}

/// A limit that is not kept is no truncation, nor is an answer that ended by itself.
#[tokio::test(start_paused = true)]
async fn limits_that_are_not_run_into() {
    for (text, tokens, says) in [
        (
            "I would rather not count that far.",
            Some(9),
            "the answer ended before the limit",
        ),
        ("1, 2, 3, … 300", Some(14), "the limit is not kept"),
        (
            "I would rather not count that far, and I say so at length.",
            Some(22),
            "the limit is not kept: 22 tokens",
        ),
        (
            "I would rather not count.",
            None,
            "the answer ended before the limit",
        ),
        ("1, 2, 3, ...", None, "the answer ended before the limit"),
    ] {
        let answer = move |_: &Request| {
            let stream = Stream::new().prelude().message([text]).complete();
            Script::stream(&stream.map_type("response.completed", |ev| match tokens {
                Some(tokens) => ev.with("response.usage.output_tokens", tokens),
                None => ev.with("response.usage", serde_json::Value::Null),
            }))
        };
        let relay = relay(answer).await;
        let prober = prober(custom(&relay));
        let judgement = judge(
            &ask(&prober, Probe::OutputLimit).await,
            prober.endpoint(),
            MODEL,
        );
        assert_eq!(
            (
                judgement.outcome,
                judgement.says.as_str(),
                judgement.findings.len()
            ),
            (Outcome::Unsupported, says, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_undecided_is_no_finding() {
    for status in [429, 500, 503] {
        let relay = relay(move |request: &Request| match is_probe(request, "tools") {
            true => Script::error(status, "server_error", None, "Later."),
            false => obedient(request),
        })
        .await;
        let seen = check(&relay).await;
        let undecided: Vec<_> = seen
            .iter()
            .filter(|(_, outcome, ..)| *outcome == Outcome::Undecided)
            .map(|(probe, ..)| *probe)
            .collect();
        assert_eq!(
            undecided,
            [Probe::ToolCall, Probe::ParallelCalls],
            "{status}"
        );
        assert!(seen.iter().all(|(.., codes)| codes.is_empty()), "{seen:?}");
    }
}

/// The text comes first, and nothing else needs to be asked where it gets no answer.
#[tokio::test(start_paused = true)]
async fn a_door_that_stays_shut_ends_the_check() {
    for (script, says) in [
        (
            Script::error(
                401,
                "invalid_request_error",
                Some("invalid_api_key"),
                "No such key.",
            ),
            "HTTP 401: No such key.",
        ),
        (
            Script::error(404, "invalid_request_error", None, "Unknown request URL."),
            "HTTP 404: Unknown request URL.",
        ),
        (
            Script::error(503, "server_error", None, "Overloaded."),
            "HTTP 503: Overloaded.",
        ),
    ] {
        let relay = relay(script).await;
        let prober = prober(custom(&relay));
        let judgement = judge(&ask(&prober, Probe::Text).await, prober.endpoint(), MODEL);
        assert_eq!(
            (
                judgement.outcome,
                judgement.says.as_str(),
                judgement.is_final
            ),
            (Outcome::Undecided, says, true)
        );
    }
    // Nobody listens there any more.
    let gone = relay(Script::sse()).await;
    let endpoint = custom(&gone);
    gone.shutdown().await;
    let prober = prober(endpoint);
    let judgement = judge(&ask(&prober, Probe::Text).await, prober.endpoint(), MODEL);
    assert_eq!(
        (judgement.outcome, judgement.is_final),
        (Outcome::Undecided, true)
    );
    assert!(
        judgement.says.ends_with("connection refused"),
        "{}",
        judgement.says
    );
    assert!(judgement.findings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_answer() {
    for (script, message) in [
        (
            Script::sse().before_head(Step::HoldOpen),
            "No answer: no byte came (`timeouts.first_byte 120 s`)",
        ),
        (
            Script::sse().before_head(Step::Cut),
            "closed the connection before any answer came",
        ),
    ] {
        let relay = relay(script).await;
        let prober = prober(custom(&relay));
        let judgement = judge(&ask(&prober, Probe::Text).await, prober.endpoint(), MODEL);
        assert_eq!(
            (judgement.outcome, judgement.is_final),
            (Outcome::NotDone, true)
        );
        assert_eq!(judgement.findings[0].code.as_str(), "no-answer");
        assert!(
            judgement.findings[0].message.ends_with(message),
            "{judgement:?}"
        );
    }
}
