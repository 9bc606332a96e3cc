//! The rows. The order is the order of `respair relay --list`.

use super::endings::Stage::{AfterItemDone, BeforeContent, BeforeHeaders, MidFrame, MidText};
use super::{
    Scenario, Turn, asked, conforming, endings, errors, framing, identity, prelude, terminal,
    transport,
};
use crate::script::Script;

const fn row(name: &'static str, summary: &'static str, build: fn(&Turn) -> Script) -> Scenario {
    Scenario {
        name,
        summary,
        build,
        alone: false,
    }
}

/// A row that sees to refusals and `stream: false` itself.
const fn alone(name: &'static str, summary: &'static str, build: fn(&Turn) -> Script) -> Scenario {
    Scenario {
        alone: true,
        ..row(name, summary, build)
    }
}

#[rustfmt::skip] // one scenario, one line
pub(super) static SCENARIOS: &[Scenario] = &[
    row("text", "a conforming answer", conforming::text),
    row("reasoning", "a conforming answer behind a reasoning summary", conforming::reasoning),
    row("reasoning-text", "a conforming answer behind raw reasoning text", conforming::reasoning_text),
    row("tool-call", "a conforming function call: get_weather", conforming::tool_call),
    row("queued", "a conforming answer with response.queued in the prelude", conforming::queued),
    row("done-sentinel", "a conforming answer with [DONE] behind it", conforming::done_sentinel),
    row("endpoint", "does what it is asked: calls, reasoning, limits, long texts", asked::endpoint),
    // The prelude.
    row("no-created", "response.in_progress comes first, response.created never", prelude::no_created),
    row("no-created-once", "the same for the first request only", prelude::no_created_once),
    row("rate-limits-first", "codex.rate_limits comes before response.created", prelude::rate_limits_first),
    row("item-first", "response.output_item.added comes first, no lifecycle before the end", prelude::item_first),
    row("deltas-only", "text deltas and response.completed, nothing else", prelude::deltas_only),
    row("thin-response", "response objects with id, object and status only", prelude::thin_response),
    // Identity and structure.
    row("response-id-changes", "response.completed carries another response id", identity::response_id_changes),
    row("response-ids-missing", "no response object has an id", identity::response_ids_missing),
    row("ids-missing", "no item has an id, nor do the events of it", identity::ids_missing),
    row("rotating-ids", "each event names another item_id; output_index is stable", identity::rotating_ids),
    row("index-missing", "no output_index, content_index or summary_index", identity::index_missing),
    row("index-collision", "reasoning and message share output_index 0", identity::index_collision),
    row("sequence-missing", "no sequence_number", identity::sequence_missing),
    row("no-items", "no response.output_item.added", identity::no_items),
    row("no-parts", "no response.content_part events", identity::no_parts),
    row("no-dones", "nothing is closed before response.completed, which holds the items", identity::no_dones),
    row("no-dones-output-empty", "nothing is closed, and response.completed holds nothing", identity::no_dones_output_empty),
    // The terminal event.
    row("output-null", "response.completed has output: null", terminal::output_null),
    row("output-missing", "response.completed has no output", terminal::output_missing),
    row("output-empty", "response.completed has output: []", terminal::output_empty),
    row("response-done", "response.done in place of response.completed", terminal::response_done),
    row("incomplete", "the upstream's own response.incomplete: max_output_tokens", terminal::incomplete),
    row("hold-after-terminal", "the socket stays open behind response.completed", terminal::hold_after_terminal),
    // Cut short, at each stage.
    row("eof-before-headers", "the connection closes before any header", |turn| endings::eof(turn, BeforeHeaders)),
    row("eof-before-content", "the body ends behind the prelude", |turn| endings::eof(turn, BeforeContent)),
    row("eof-mid-text", "the body ends in the middle of the text", |turn| endings::eof(turn, MidText)),
    row("eof-mid-frame", "the body ends in the middle of an event", |turn| endings::eof(turn, MidFrame)),
    row("eof-after-item-done", "the body ends where response.completed is due", |turn| endings::eof(turn, AfterItemDone)),
    row("cut-mid-text", "the connection closes in the text, without the last chunk", endings::cut_mid_text),
    row("cut-after-terminal", "the last chunk is missing behind response.completed", endings::cut_after_terminal),
    row("reset-before-headers", "RST before any header", |turn| endings::reset(turn, BeforeHeaders)),
    row("reset-before-content", "RST behind the prelude", |turn| endings::reset(turn, BeforeContent)),
    row("reset-mid-text", "RST in the middle of the text", |turn| endings::reset(turn, MidText)),
    row("reset-mid-frame", "RST in the middle of an event", |turn| endings::reset(turn, MidFrame)),
    row("reset-after-item-done", "RST where response.completed is due", |turn| endings::reset(turn, AfterItemDone)),
    row("stall-before-headers", "silence in place of an answer", |turn| endings::stall(turn, BeforeHeaders)),
    row("stall-before-content", "silence behind the prelude", |turn| endings::stall(turn, BeforeContent)),
    row("stall-mid-text", "silence in the middle of the text", |turn| endings::stall(turn, MidText)),
    row("stall-mid-frame", "silence in the middle of an event", |turn| endings::stall(turn, MidFrame)),
    row("stall-after-item-done", "silence where response.completed is due", |turn| endings::stall(turn, AfterItemDone)),
    row("comments-forever", "a comment a second behind the prelude, for ever", endings::comments_forever),
    // In-band errors.
    row("error-flat", "an error event with its fields at the top level, in the text", errors::flat),
    row("error-nested", "an error event with an error object, in the text", errors::nested),
    row("error-first-flat", "a flat error event comes first", errors::first_flat),
    row("error-first-nested", "a nested error event comes first", errors::first_nested),
    row("error-then-failed", "a nested error event and response.failed behind the prelude", errors::then_failed),
    row("failed", "response.failed in the middle of the text", errors::failed),
    row("failed-first", "response.failed comes first", errors::failed_first),
    row("overloaded-once", "response.failed, server_is_overloaded, behind the prelude; then behaves", errors::overloaded_once),
    // HTTP errors.
    row("http-400-store", "400 Unsupported parameter as long as the body holds store", errors::http_400_store),
    row("http-401", "401 invalid_api_key", errors::http_401),
    row("http-404", "404 in place of an answer", errors::http_404),
    row("http-429", "429 with Retry-After: 1", errors::http_429),
    row("http-429-once", "the same for the first request only", errors::http_429_once),
    row("http-429-quota", "429 insufficient_quota: no retry will help", errors::http_429_quota),
    row("http-500", "500 server_error", errors::http_500),
    row("http-500-once", "the same for the first request only", errors::http_500_once),
    row("http-503", "503 overloaded", errors::http_503),
    // No stream at all.
    row("html", "200 with a login page", transport::html),
    row("html-as-sse", "the login page as text/event-stream", transport::html_as_sse),
    row("json", "the whole response as JSON, though a stream was asked for", transport::json),
    row("json-error-200", "an error as JSON with status 200", transport::json_error_200),
    row("empty-200", "200 text/event-stream and nothing", transport::empty_200),
    row("comments-only", "200 text/event-stream, two comments and nothing", transport::comments_only),
    row("content-type-json", "a conforming stream that says application/json", transport::content_type_json),
    row("content-type-missing", "a conforming stream that does not say what it is", transport::content_type_missing),
    // What was asked, and how it is carried.
    row("tool-choice-ignored", "text in place of the call that tool_choice names", asked::tool_choice_ignored),
    row("limit-completed", "an answer that max_output_tokens cut ends with response.completed", asked::limit_completed),
    alone("sse-for-json", "an event stream also for stream: false", asked::sse_for_json),
    alone("refused-in-stream", "a wrong model or key gets HTTP 200 and then response.failed", asked::refused_in_stream),
    row("buffered", "the whole text at once, after 1.5 s", asked::buffered),
    // Framing.
    row("crlf", "a conforming stream with CRLF", framing::crlf),
    row("bare-cr", "a conforming stream with a lone CR as line ending", framing::bare_cr),
    row("bom", "a byte order mark before a conforming stream", framing::bom),
    row("comments", "comments between and before the events", framing::comments),
    row("no-event-names", "no event: lines", framing::no_event_names),
    row("no-final-blank-line", "response.completed lacks the blank line behind it", framing::no_final_blank_line),
    row("junk-frames", "frames that are no JSON, null or empty between the events", framing::junk_frames),
    row("tiny-chunks", "the no-created stream in chunks of one byte", framing::tiny_chunks),
    row("endless-frame", "a data line that never ends", framing::endless_frame),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use crate::{scenario, scenarios};

    #[test]
    fn names_are_kebab_case_unique_and_found_with_underscores() {
        let mut seen = std::collections::BTreeSet::new();
        for row in scenarios() {
            let name = row.name();
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
            assert!(seen.insert(name), "{name} twice");
            assert_eq!(scenario(&name.replace('-', "_")).unwrap().name(), name);
            assert!(
                !row.summary().is_empty()
                    && row.summary().len() <= 80
                    && !row.summary().ends_with('.'),
                "{name}"
            );
        }
        assert!(scenario("No_Created").is_some());
        assert!(scenario("no-such-thing").is_none());
    }

    #[test]
    fn every_scenario_gives_the_same_bytes_each_time() {
        for row in scenarios() {
            assert_eq!(row.script(0).body(), row.script(0).body(), "{}", row.name());
        }
    }

    #[test]
    fn ids_of_two_turns_differ() {
        let body = scenario("text").unwrap().script(1).body();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.contains("resp_relay2")
                && body.contains("msg_relay2_0")
                && !body.contains("relay1")
        );
    }

    #[test]
    fn once_means_once() {
        let text = scenario("text").unwrap().script(1);
        for row in scenarios()
            .iter()
            .filter(|row| row.name().ends_with("-once"))
        {
            let first = row.script(0);
            assert!(
                first.status_code() != 200
                    || first.body() != scenario("text").unwrap().script(0).body()
            );
            let again = row.script(1);
            assert_eq!(again.status_code(), 200, "{}", row.name());
            if row.name() != "no-created-once" {
                assert_eq!(again.body(), text.body(), "{}", row.name());
            }
        }
    }
}
