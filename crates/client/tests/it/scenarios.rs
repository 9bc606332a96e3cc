//! Every scenario of the relay, for a custom endpoint and for a native one: requests made, path, status, error code.

use respair_client::TurnStatus;
use respair_faults::{Ends, Scenario, scenarios};

use crate::support::*;

/// Stands for "the same as custom": where nothing is repaired, the provider makes no difference.
const SAME: &str = "=";

#[rustfmt::skip] // one scenario, one line
const EXPECTED: &[(&str, &str, &str)] = &[
    ("text", "1 strict completed", SAME),
    ("reasoning", "1 strict completed", SAME),
    ("reasoning-text", "1 strict completed", SAME),
    ("tool-call", "1 strict completed", SAME),
    ("queued", "1 strict completed", SAME),
    ("done-sentinel", "1 strict completed", SAME),
    ("agent", "2 tolerant completed", "1 strict failed created-missing"),
    ("no-created", "2 tolerant completed", "1 strict failed created-missing"),
    ("no-created-once", "2 strict completed", "1 strict failed created-missing"),
    ("rate-limits-first", "2 tolerant completed", "1 strict failed created-not-first"),
    ("item-first", "2 tolerant completed", "1 strict failed created-missing"),
    ("deltas-only", "2 tolerant completed", "1 strict failed created-missing"),
    ("thin-response", "1 strict completed", SAME),
    ("response-id-changes", "1 tolerant completed", "1 strict failed response-id-changed"),
    ("response-ids-missing", "1 strict completed", SAME),
    ("ids-missing", "1 strict completed", SAME),
    ("rotating-ids", "1 tolerant completed", "1 strict failed item-id-changed"),
    ("index-missing", "1 tolerant completed", "1 strict failed output-index-duplicate"),
    ("index-collision", "1 tolerant completed", "1 strict failed output-index-duplicate"),
    ("sequence-missing", "1 strict completed", SAME),
    ("no-items", "1 tolerant completed", "1 strict failed item-not-added"),
    ("no-parts", "1 tolerant completed", "1 strict failed part-not-added"),
    ("no-dones", "1 strict completed", SAME),
    ("no-dones-output-empty", "1 tolerant completed", "1 strict failed item-done-missing"),
    ("output-null", "1 strict completed", SAME),
    ("output-missing", "1 strict completed", SAME),
    ("output-empty", "1 strict completed", SAME),
    ("response-done", "1 strict completed", SAME),
    ("incomplete", "1 strict incomplete", SAME),
    ("hold-after-terminal", "1 strict completed", SAME),
    ("eof-before-headers", "4 strict failed empty_stream", SAME),
    ("eof-before-content", "4 strict failed empty_stream", SAME),
    ("eof-mid-text", "1 strict truncated upstream_truncated", SAME),
    ("eof-mid-frame", "1 strict truncated upstream_truncated", SAME),
    ("eof-after-item-done", "1 strict truncated upstream_truncated", SAME),
    ("cut-mid-text", "1 strict truncated upstream_truncated", SAME),
    ("cut-after-terminal", "1 strict completed", SAME),
    ("reset-before-headers", "4 strict failed empty_stream", SAME),
    ("reset-before-content", "4 strict failed empty_stream", SAME),
    ("reset-mid-text", "1 strict truncated upstream_truncated", SAME),
    ("reset-mid-frame", "1 strict truncated upstream_truncated", SAME),
    ("reset-after-item-done", "1 strict truncated upstream_truncated", SAME),
    ("stall-before-headers", "4 strict failed empty_stream", SAME),
    ("stall-before-content", "4 strict failed empty_stream", SAME),
    ("stall-mid-text", "1 strict truncated upstream_truncated", SAME),
    ("stall-mid-frame", "1 strict truncated upstream_truncated", SAME),
    ("stall-after-item-done", "1 strict truncated upstream_truncated", SAME),
    ("comments-forever", "4 strict failed empty_stream", SAME),
    ("error-flat", "1 strict failed server_error", SAME),
    ("error-nested", "1 strict failed server_error", SAME),
    ("error-first-flat", "1 strict failed invalid_prompt", SAME),
    ("error-first-nested", "1 strict failed invalid_prompt", SAME),
    ("error-then-failed", "1 strict failed invalid_prompt", SAME),
    ("failed", "1 strict failed server_error", SAME),
    ("failed-first", "1 strict failed invalid_prompt", SAME),
    ("overloaded-once", "2 strict completed", SAME),
    ("http-400-store", "2 strict completed", "1 strict failed unsupported_parameter"),
    ("http-401", "1 strict failed invalid_api_key", SAME),
    ("http-404", "1 strict failed unknown_url", SAME),
    ("http-429", "4 strict failed rate_limit_exceeded", SAME),
    ("http-429-once", "2 strict completed", SAME),
    ("http-429-quota", "1 strict failed insufficient_quota", SAME),
    ("http-500", "4 strict failed server_error", SAME),
    ("http-500-once", "2 strict completed", SAME),
    ("http-503", "4 strict failed server_is_overloaded", SAME),
    ("html", "1 strict failed html-instead-of-sse", SAME),
    ("html-as-sse", "1 strict failed html-instead-of-sse", SAME),
    (
        "json",
        "1 tolerant completed",
        "1 strict failed json-instead-of-sse",
    ),
    ("json-error-200", "1 strict failed invalid_request_error", SAME),
    ("empty-200", "4 strict failed empty_stream", SAME),
    ("comments-only", "4 strict failed empty_stream", SAME),
    ("content-type-json", "1 strict completed", SAME),
    ("content-type-missing", "1 strict completed", SAME),
    ("crlf", "1 strict completed", SAME),
    ("bare-cr", "1 strict completed", SAME),
    ("bom", "1 strict completed", SAME),
    ("comments", "1 strict completed", SAME),
    ("no-event-names", "1 strict completed", SAME),
    ("no-final-blank-line", "1 strict completed", SAME),
    ("junk-frames", "1 tolerant completed", "1 strict failed data-not-json"),
    ("tiny-chunks", "2 tolerant completed", "1 strict failed created-missing"),
    ("endless-frame", "1 strict failed oversized", SAME),
];

#[tokio::test(start_paused = true)]
async fn every_scenario_ends_as_it_should() {
    for scenario in scenarios() {
        // One that is not listed yet is judged by the invariants alone.
        let row = EXPECTED.iter().find(|(name, ..)| *name == scenario.name());
        for provider in ["custom", "openai"] {
            let relay = relay(*scenario).await;
            let mut endpoint = if provider == "custom" {
                custom(&relay)
            } else {
                native(provider, &relay)
            };
            // For the frame that never ends; others are legal and large.
            endpoint.limits = endpoint.limits.with_frame(12 << 20);
            let run = run(&client(endpoint)).await;
            let name = format!("{} ({provider})", scenario.name());
            if let Some((_, custom, native)) = row {
                let expected = if provider == "custom" || *native == SAME {
                    custom
                } else {
                    native
                };
                assert_eq!(said(&run), *expected, "{name}: {:?}", run.outcome.error);
            }
            holds(&run, scenario, &name);
            assert_eq!(
                relay.requests().len() as u32,
                run.outcome.upstream_requests,
                "{name}"
            );
        }
    }
    for (name, ..) in EXPECTED {
        assert!(
            respair_faults::scenario(name).is_some(),
            "{name} is no scenario any more"
        );
    }
}

fn said(run: &Run) -> String {
    let outcome = &run.outcome;
    let code = outcome.error.as_ref().and_then(|error| error.code.as_ref());
    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
    format!(
        "{} {} {}{code}",
        outcome.upstream_requests,
        outcome.path.as_str(),
        outcome.status.as_str()
    )
}

/// What is true of every turn.
#[track_caller]
fn holds(run: &Run, scenario: &Scenario, name: &str) {
    let outcome = &run.outcome;
    // Nothing is delivered twice or lost: the pieces are the whole.
    assert_eq!(run.text(), outcome.text, "{name}");
    assert_eq!(run.reasoning(), outcome.reasoning, "{name}");
    assert_eq!(
        outcome.error.is_some(),
        matches!(outcome.status, TurnStatus::Failed | TurnStatus::Truncated),
        "{name}"
    );
    assert!(outcome.upstream_requests <= 4, "{name}");
    let held = scenario.holds();
    assert!(held.text.starts_with(&outcome.text), "{name}");
    if outcome.status == TurnStatus::Completed {
        assert_eq!(held.ends, Ends::Completed, "{name}");
        assert!(outcome.text == held.text, "{name}");
        assert_eq!(outcome.reasoning, held.reasoning, "{name}");
        let items = item_types(outcome);
        let count = |kind: &str| items.iter().filter(|other| *other == kind).count();
        assert_eq!(
            count("message"),
            usize::from(!held.text.is_empty()),
            "{name}"
        );
        assert_eq!(count("function_call"), usize::from(held.call), "{name}");
    }
    if let Some(error) = &outcome.error {
        assert!(
            !error.message.is_empty() && !error.message.contains('\n'),
            "{name}: {}",
            error.message
        );
    }
}
