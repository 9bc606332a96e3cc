//! How an answer is carried: its head, its encoding, its end, its times.

use super::*;

/// Streams from `obedient`, sent in another way.
fn carried(request: &Request, change: impl FnOnce(Script) -> Script) -> Script {
    let script = obedient(request);
    match script.status_code() == 200 && request.field("stream") == Some(json!(true)) {
        true => change(script),
        false => script,
    }
}

const STREAMS: &str = "text, tool-call, output-limit, parallel-calls, reasoning";

#[tokio::test(start_paused = true)]
async fn how_an_answer_is_carried() {
    let rows: &[Row] = &[
        (
            "content-type",
            |request| {
                carried(request, |script| {
                    script.set_header("content-type", "text/plain; charset=utf-8")
                })
            },
            &[STREAMS],
        ),
        (
            "content-type",
            |request| carried(request, |script| script.without_header("content-type")),
            &[STREAMS],
        ),
        (
            "content-encoding",
            |request| carried(request, |script| script.header("content-encoding", "gzip")),
            &[STREAMS],
        ),
        (
            "chunked-end-missing",
            |request| carried(request, Script::cut),
            &[STREAMS],
        ),
        (
            "connection-reset",
            |request| carried(request, Script::reset),
            &[STREAMS],
        ),
        (
            "held-open",
            |request| carried(request, Script::hold_open),
            &[STREAMS],
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

#[tokio::test(start_paused = true)]
async fn held_open_is_said_after_the_drain_and_not_counted_as_time() {
    let relay = relay(Script::stream(&answer()).hold_open()).await;
    let began = tokio::time::Instant::now();
    let answer = ask(&prober(custom(&relay)), Probe::Text).await;
    assert_eq!(answer.end, BodyEnd::HeldOpen);
    let drain = custom(&relay).limits.drain;
    assert!(
        began.elapsed() >= drain && began.elapsed() < drain * 2,
        "{:?}",
        began.elapsed()
    );
    assert!(answer.timing.total < drain, "{:?}", answer.timing);
    soon(relay.wait_peer_closed()).await;
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_middle_is_given_up() {
    let relay = relay(Script::stream(&answer()).after_first(TEXT_DELTA, Step::HoldOpen)).await;
    let answer = ask(&prober(custom(&relay)), Probe::Text).await;
    assert_eq!(answer.end, BodyEnd::Silent);
    assert_eq!(answer.timing.total, Duration::from_secs(300));
    soon(relay.wait_peer_closed()).await;
}

/// Times on the paused clock: the relay's waits are all that passes.
#[tokio::test(start_paused = true)]
async fn a_buffered_stream() {
    let counting = |pause: u64| {
        move |request: &Request| {
            let wait = Step::Delay(Duration::from_millis(pause));
            Script::stream(&obedient_stream(request)).before_first(TEXT_DELTA, wait)
        }
    };
    let words = |pause: u64| {
        move |_: &Request| {
            let wait = Step::Delay(Duration::from_millis(pause));
            Script::stream(&answer()).before_first("response.created", wait)
        }
    };
    let live = |request: &Request| {
        let mut script = Script::sse();
        for frame in obedient_stream(request).frames() {
            script = script.delay(Duration::from_millis(20)).send(frame);
        }
        script
    };
    let thought = |request: &Request| {
        let usage = "response.usage.output_tokens_details.reasoning_tokens";
        let stream =
            obedient_stream(request).map_type("response.completed", |ev| ev.with(usage, 900));
        Script::stream(&stream).before_first(TEXT_DELTA, Step::Delay(Duration::from_secs(9)))
    };
    let rows: [(&str, Relay, &[&str]); 6] = [
        (
            "all at once",
            relay(|request: &Request| scripted(request, "buffered")).await,
            &["buffered"],
        ),
        (
            "the prelude early, the text at once",
            relay(counting(3000)).await,
            &["buffered"],
        ),
        (
            "made faster than can be told",
            relay(counting(700)).await,
            &[],
        ),
        ("too short to tell", relay(words(3000)).await, &[]),
        ("live", relay(live).await, &[]),
        ("thought out in silence", relay(thought).await, &[]),
    ];
    for (what, relay, expected) in rows {
        let prober = prober(custom(&relay));
        let answer = ask(&prober, Probe::Text).await;
        let judgement = judge(&answer, prober.endpoint(), MODEL);
        let codes: Vec<_> = judgement
            .findings
            .iter()
            .map(|found| found.code.as_str())
            .collect();
        assert_eq!(codes, expected, "{what}: {:?}", answer.timing);
    }
}

#[tokio::test(start_paused = true)]
async fn times() {
    let relay = relay(|request: &Request| {
        let second = || Step::Delay(Duration::from_secs(1));
        Script::stream(&obedient_stream(request))
            .before_head(second())
            .before_first("response.created", second())
            .before_first(TEXT_DELTA, Step::Delay(Duration::from_secs(4)))
            .before_first("response.completed", second())
    })
    .await;
    let mut progress = Vec::new();
    let prober = prober(custom(&relay));
    let answer = soon(
        prober.ask(Probe::Text, MODEL, &CancellationToken::new(), |seen| {
            progress.push(seen)
        }),
    )
    .await;
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let timing = answer.timing;
    assert_eq!(
        [
            timing.head,
            timing.first_byte,
            timing.first_text,
            timing.last_byte,
            timing.longest_gap,
            Some(timing.total)
        ]
        .map(seconds),
        [1, 2, 6, 7, 4, 7].map(Some)
    );
    assert_eq!(progress[0], Progress::Head(200));
    assert_eq!(progress.last(), Some(&Progress::Bytes(answer.body.len())));
}

#[tokio::test(start_paused = true)]
async fn junk_behind_the_terminal_is_still_the_streams_matter() {
    let relay = relay(Script::stream(&answer().push(ev::done_sentinel()))).await;
    let answer = ask(&prober(custom(&relay)), Probe::Text).await;
    assert!(answer.body.ends_with(b"data: [DONE]\n\n"));
    assert_eq!(answer.end, BodyEnd::Whole);
}
