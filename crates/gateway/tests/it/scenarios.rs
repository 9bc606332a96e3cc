//! Every way in which the relay misbehaves, through the gateway: what comes out satisfies every strict reader and says what
//! the upstream said, or is the HTTP error that the upstream's behaviour stands for.

use respair_faults::{Ends, Holds, Scenario, scenarios};
use respair_oracle::Terminal;
use serde_json::Value;

use crate::support::{before, got, relay};

/// What no stream begins with: the status, and the error's code.
const REFUSED: [(&str, u16, &str); 24] = [
    ("eof-before-headers", 502, "empty_stream"),
    ("eof-before-content", 502, "empty_stream"),
    ("reset-before-headers", 502, "empty_stream"),
    ("reset-before-content", 502, "empty_stream"),
    ("stall-before-headers", 504, "empty_stream"),
    ("error-first-flat", 400, "invalid_prompt"),
    ("error-first-nested", 400, "invalid_prompt"),
    ("error-then-failed", 400, "invalid_prompt"),
    ("failed-first", 400, "invalid_prompt"),
    ("http-401", 401, "invalid_api_key"),
    ("http-404", 404, "unknown_url"),
    ("http-429", 429, "rate_limit_exceeded"),
    ("http-429-quota", 429, "insufficient_quota"),
    ("http-500", 500, ""),
    ("http-503", 503, "server_is_overloaded"),
    ("html", 502, "html-instead-of-sse"),
    ("html-as-sse", 502, "html-instead-of-sse"),
    ("json-error-200", 400, "invalid_request_error"),
    ("empty-200", 502, "empty_stream"),
    ("comments-only", 502, "empty_stream"),
    ("endless-frame", 502, "oversized"),
    ("sse-ct-json-error", 400, "invalid_request_error"),
    ("chat-chunks", 502, "chat-completion-chunks"),
    ("error-first-nested-no-type", 400, "invalid_prompt"),
];

/// Which request's script is the one that counts: the ones before it were asked again.
fn script_of(scenario: &Scenario) -> usize {
    usize::from(scenario.name().ends_with("-once") && scenario.name() != "no-created-once")
}

/// The calls that are done: name and arguments.
fn calls(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let data = text.split("\n\n").map(|block| -> String {
        let lines = block.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.collect()
    });
    let events = data.filter_map(|data| serde_json::from_str::<Value>(&data).ok());
    let items = events
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| event["item"].clone());
    let word = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    items
        .filter(|item| item["type"] == "function_call")
        .map(|item| (word(&item, "name"), word(&item, "arguments")))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_is_whole_or_an_honest_error() {
    for scenario in scenarios() {
        let name = scenario.name();
        let relay = relay(*scenario).await;
        let gateway = before(&relay).await;
        let got = got(gateway.ask()).await;
        assert!(got.whole, "{name}: the answer was cut");
        assert_eq!(got.header("x-respair-request-id").len(), 16, "{name}");
        if let Some((_, status, code)) = REFUSED.iter().find(|(refused, ..)| *refused == name) {
            assert_eq!(got.status, *status, "{name}: {}", got.text());
            let error = &got.json()["error"];
            let known = [&error["code"], &error["type"]]
                .iter()
                .any(|value| value.as_str() == Some(code));
            assert!(known || code.is_empty(), "{name}: {}", got.text());
            assert!(
                error["message"]
                    .as_str()
                    .is_some_and(|message| !message.is_empty()),
                "{name}"
            );
            continue;
        }
        assert_eq!(
            got.header("content-type"),
            "text/event-stream",
            "{name}: {}",
            got.text()
        );
        let (summary, held) = (got.judged(), scenario.holds());
        let expected = match held.ends {
            Ends::Completed => Terminal::Completed,
            Ends::Incomplete => Terminal::Incomplete,
            _ => Terminal::Failed,
        };
        assert_eq!(summary.terminal, Some(expected), "{name}: {}", got.text());
        assert!(summary.text == held.text, "{name}: {}", summary.text.len());
        if expected == Terminal::Completed {
            let calls: Vec<_> = calls(&got.body);
            let call = held.call.then_some(Holds::WEATHER);
            assert_eq!(calls.len(), usize::from(held.call), "{name}: {calls:?}");
            for ((name, arguments), call) in calls.iter().zip(call) {
                assert_eq!((name.as_str(), arguments.as_str()), call);
            }
        } else {
            assert!(got.text().contains(held.words), "{name}: {}", got.text());
        }
        // Tenet 3: what conforms goes on byte for byte.
        let direct = scenario.script(script_of(scenario)).body();
        if [
            "text",
            "reasoning",
            "reasoning-text",
            "tool-call",
            "queued",
            "done-sentinel",
        ]
        .contains(&name)
        {
            assert_eq!(got.body, direct, "{name}");
        }
    }
}
