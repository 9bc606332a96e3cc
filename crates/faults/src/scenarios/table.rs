//! The rows. The order is the order of `respair relay --list`.

use super::endings::Stage::{AfterItemDone, BeforeContent, BeforeHeaders, MidFrame, MidText};
use super::holds::{Ends, Held, Text};
use super::{
    Scenario, Turn, agent, asked, calls, conforming, endings, errors, fields, framing, identity,
    items, prelude, terminal, transport,
};
use crate::script::Script;

const fn row(name: &'static str, summary: &'static str, build: fn(&Turn) -> Script) -> Scenario {
    Scenario {
        name,
        summary,
        build,
        alone: false,
        held: Held::TEXT,
    }
}

/// A row that sees to refusals and `stream: false` itself.
const fn alone(name: &'static str, summary: &'static str, build: fn(&Turn) -> Script) -> Scenario {
    Scenario {
        alone: true,
        ..row(name, summary, build)
    }
}

/// What a row holds beside the text and `response.completed` that every row holds unless it says otherwise.
impl Scenario {
    /// Reasoning before the text.
    const fn reasons(mut self) -> Self {
        self.held.reasons = true;
        self
    }

    /// A call.
    const fn calls(mut self) -> Self {
        self.held.calls = true;
        self
    }

    /// Reasoning where the request asks for it.
    const fn asked(mut self) -> Self {
        self.held.asked = true;
        self
    }

    /// Reasoning, text and a call.
    const fn everything(self) -> Self {
        self.reasons().calls()
    }

    /// This text, so often.
    const fn says(mut self, text: &'static str, times: usize) -> Self {
        self.held.text = Text::Fixed(text, times);
        self
    }

    /// The first two deltas of the text.
    const fn half(mut self) -> Self {
        self.held.text = Text::Half;
        self
    }

    /// No content.
    const fn nothing(self) -> Self {
        self.says("", 1)
    }

    const fn ends(mut self, ends: Ends) -> Self {
        self.held.ends = ends;
        self
    }

    const fn cut(self) -> Self {
        self.ends(Ends::Cut)
    }

    /// An error with these words.
    const fn fails(mut self, words: &'static str) -> Self {
        self.held.ends = Ends::Failed;
        self.held.words = words;
        self
    }

    /// Refuses some requests, or the first, with these words.
    const fn refuses(mut self, words: &'static str) -> Self {
        self.held.words = words;
        self
    }
}

#[rustfmt::skip] // one scenario, one line
pub(super) static SCENARIOS: &[Scenario] = &[
    row("text", "a conforming answer", conforming::text),
    row("reasoning", "a conforming answer behind a reasoning summary", conforming::reasoning).reasons(),
    row("reasoning-text", "a conforming answer behind raw reasoning text", conforming::reasoning_text).reasons(),
    row("tool-call", "a conforming function call: get_weather", conforming::tool_call).nothing().calls(),
    row("queued", "a conforming answer with response.queued in the prelude", conforming::queued),
    row("done-sentinel", "a conforming answer with [DONE] behind it", conforming::done_sentinel),
    row("agent", "works with files; no created, no output at the end, its 4th answer is cut", agent::agent).reasons(),
    row("endpoint", "does what it is asked: calls, reasoning, limits, long texts", asked::endpoint).asked(),
    // The prelude.
    row("no-created", "response.in_progress comes first, response.created never", prelude::no_created).reasons(),
    row("no-created-once", "the same for the first request only", prelude::no_created_once).reasons(),
    row("rate-limits-first", "codex.rate_limits comes before response.created", prelude::rate_limits_first),
    row("item-first", "response.output_item.added comes first, no lifecycle before the end", prelude::item_first),
    row("deltas-only", "text deltas and response.completed, nothing else", prelude::deltas_only),
    row("thin-response", "response objects with id, object and status only", prelude::thin_response),
    row("no-in-progress", "no response.in_progress", items::no_in_progress).reasons(),
    row("created-twice", "response.created comes twice", items::created_twice),
    row("extra-first-event", "a keepalive event comes before response.created", items::extra_first_event).reasons(),
    row("created-response-null", "response.created has response: null", fields::created_response_null).reasons(),
    row("in-progress-response-null", "response.in_progress has response: null", fields::in_progress_response_null).reasons(),
    row("created-at-float-string", "created_at is a fraction first, and text at the end", fields::created_at_float_string).reasons(),
    row("deltas-only-full-completed", "text deltas and a response.completed that holds the text", items::deltas_only_full_completed),
    row("items-done-only", "items come done, without being added and without deltas", items::items_done_only).everything(),
    row("completed-only", "everything is in response.completed, behind the prelude", items::completed_only).everything(),
    // Identity and structure.
    row("response-id-changes", "response.completed carries another response id", identity::response_id_changes),
    row("response-ids-missing", "no response object has an id", identity::response_ids_missing),
    row("ids-missing", "no item has an id, nor do the events of it", identity::ids_missing).reasons(),
    row("rotating-ids", "each event names another item_id; output_index is stable", identity::rotating_ids).reasons(),
    row("index-missing", "no output_index, content_index or summary_index", identity::index_missing).reasons(),
    row("index-collision", "reasoning and message share output_index 0", identity::index_collision).reasons(),
    row("sequence-missing", "no sequence_number", identity::sequence_missing),
    row("no-items", "no response.output_item.added", identity::no_items),
    row("no-parts", "no response.content_part events", identity::no_parts),
    row("no-dones", "nothing is closed before response.completed, which holds the items", identity::no_dones).reasons(),
    row("no-dones-output-empty", "nothing is closed, and response.completed holds nothing", identity::no_dones_output_empty),
    row("no-item-done", "no response.output_item.done", items::no_item_done).everything(),
    row("no-text-done", "no response.output_text.done", items::no_text_done).reasons(),
    row("no-content-part-added", "no response.content_part.added", items::no_content_part_added).reasons(),
    row("no-content-part-done", "no response.content_part.done", items::no_content_part_done).reasons(),
    row("no-summary-part-added", "no response.reasoning_summary_part.added", items::no_summary_part_added).reasons(),
    row("unknown-mid", "an event that no protocol has, within the text", items::unknown_mid).reasons(),
    row("output-index-missing", "no output_index", items::output_index_missing).reasons(),
    row("output-index-null", "output_index is null", items::output_index_null).reasons(),
    row("output-index-gap", "output_index counts 0, 2", items::output_index_gap).reasons(),
    row("content-index-missing", "no content_index", items::content_index_missing).reasons(),
    row("item-id-missing", "items have ids, their events do not name them", items::item_id_missing).everything(),
    row("ids-empty", "every id of an item, and the call id, is empty", items::ids_empty).everything(),
    row("seq-null", "sequence_number is null", items::seq_null).reasons(),
    row("seq-disorder", "sequence numbers of neighbours are exchanged", items::seq_disorder).reasons(),
    // Fields.
    row("no-type-in-data", "the type is in the event: line only", fields::no_type_in_data).reasons(),
    row("delta-object", "text deltas are objects with a text", fields::delta_object).reasons(),
    row("delta-null", "text deltas are null; the done events have the text", fields::delta_null).reasons(),
    row("item-null", "response.output_item.added has item: null", fields::item_null).reasons(),
    row("part-null", "response.content_part.added has part: null", fields::part_null).reasons(),
    row("item-content-missing", "the message is added without content", fields::item_content_missing).reasons(),
    row("item-content-null", "the message is added with content: null", fields::item_content_null).reasons(),
    row("item-summary-missing", "the reasoning is added without a summary", fields::item_summary_missing).reasons(),
    row("item-summary-null-all", "the reasoning has summary: null wherever it is", fields::item_summary_null_all).reasons(),
    row("annotations-null", "text parts have annotations: null", fields::annotations_null).reasons(),
    row("no-annotations", "text parts have no annotations", fields::no_annotations).reasons(),
    row("no-logprobs", "no logprobs", fields::no_logprobs).reasons(),
    // Calls.
    row("fc-arguments-object", "the call's arguments are JSON, not its text", calls::fc_arguments_object).everything(),
    row("fc-added-no-arguments", "the call is added without arguments", calls::fc_added_no_arguments).everything(),
    row("fc-no-call-id", "the call has no call_id", calls::fc_no_call_id).everything(),
    row("item-done-empty-args", "the call is done with empty arguments; its deltas had them", calls::item_done_empty_args).everything(),
    row("args-only-done", "arguments come at once, with their done event", calls::args_only_done).everything(),
    row("args-only-item-done", "arguments come at once, with the item that is done", calls::args_only_item_done).everything(),
    // The terminal event.
    row("output-null", "response.completed has output: null", terminal::output_null).reasons(),
    row("output-missing", "response.completed has no output", terminal::output_missing).reasons(),
    row("output-empty", "response.completed has output: []", terminal::output_empty).reasons(),
    row("completed-response-missing", "response.completed has no response", terminal::completed_response_missing).everything(),
    row("completed-response-null", "response.completed has response: null", terminal::completed_response_null).everything(),
    row("completed-id-status-only", "response.completed has an id and a status only", terminal::completed_id_status_only).everything(),
    row("completed-minimal", "response.completed has an id only", terminal::completed_minimal).everything(),
    row("completed-no-id", "response.completed has no id", terminal::completed_no_id).everything(),
    row("completed-content-null", "the message in response.completed has content: null", terminal::completed_content_null).everything(),
    row("completed-usage-chat-names", "usage has prompt_tokens and completion_tokens", terminal::usage_chat_names).everything(),
    row("completed-usage-null", "usage is null", terminal::usage_null).everything(),
    row("completed-usage-missing", "no usage", terminal::usage_missing).everything(),
    row("completed-usage-no-details", "usage has no details", terminal::usage_no_details).everything(),
    row("completed-usage-details-null", "usage has its details null", terminal::usage_details_null).everything(),
    row("completed-twice", "response.completed comes twice", terminal::completed_twice).everything(),
    row("events-after-terminal", "an in_progress and a delta behind response.completed", terminal::events_after_terminal).reasons(),
    row("huge-completed", "8 MB of instructions in response.completed", terminal::huge_completed).everything(),
    row("response-done", "response.done in place of response.completed", terminal::response_done),
    row("incomplete", "the upstream's own response.incomplete: max_output_tokens", terminal::incomplete).half().ends(Ends::Incomplete),
    row("hold-after-terminal", "the socket stays open behind response.completed", terminal::hold_after_terminal),
    row("hold-after-done-sentinel", "the socket stays open behind [DONE]", terminal::hold_after_done_sentinel),
    row("done-instead-terminal", "[DONE] in place of response.completed", terminal::done_instead_terminal).reasons().cut(),
    // Cut short, at each stage.
    row("eof-before-headers", "the connection closes before any header", |turn| endings::eof(turn, BeforeHeaders)).nothing().cut(),
    row("eof-before-content", "the body ends behind the prelude", |turn| endings::eof(turn, BeforeContent)).nothing().cut(),
    row("eof-mid-text", "the body ends in the middle of the text", |turn| endings::eof(turn, MidText)).half().cut(),
    row("eof-mid-frame", "the body ends in the middle of an event", |turn| endings::eof(turn, MidFrame)).half().cut(),
    row("eof-after-item-done", "the body ends where response.completed is due", |turn| endings::eof(turn, AfterItemDone)).cut(),
    row("cut-mid-text", "the connection closes in the text, without the last chunk", endings::cut_mid_text).half().cut(),
    row("cut-after-terminal", "the last chunk is missing behind response.completed", endings::cut_after_terminal),
    row("reset-before-headers", "RST before any header", |turn| endings::reset(turn, BeforeHeaders)).nothing().cut(),
    row("reset-before-content", "RST behind the prelude", |turn| endings::reset(turn, BeforeContent)).nothing().cut(),
    row("reset-mid-text", "RST in the middle of the text", |turn| endings::reset(turn, MidText)).half().cut(),
    row("reset-mid-frame", "RST in the middle of an event", |turn| endings::reset(turn, MidFrame)).half().cut(),
    row("reset-after-item-done", "RST where response.completed is due", |turn| endings::reset(turn, AfterItemDone)).cut(),
    row("stall-before-headers", "silence in place of an answer", |turn| endings::stall(turn, BeforeHeaders)).nothing().cut(),
    row("stall-before-content", "silence behind the prelude", |turn| endings::stall(turn, BeforeContent)).nothing().cut(),
    row("stall-mid-text", "silence in the middle of the text", |turn| endings::stall(turn, MidText)).half().cut(),
    row("stall-mid-frame", "silence in the middle of an event", |turn| endings::stall(turn, MidFrame)).half().cut(),
    row("stall-after-item-done", "silence where response.completed is due", |turn| endings::stall(turn, AfterItemDone)).cut(),
    row("comments-forever", "a comment a second behind the prelude, for ever", endings::comments_forever).nothing().cut(),
    // In-band errors.
    row("error-flat", "an error event with its fields at the top level, in the text", errors::flat).half().fails("The relay failed on purpose."),
    row("error-nested", "an error event with an error object, in the text", errors::nested).half().fails("The relay failed on purpose."),
    row("error-first-flat", "a flat error event comes first", errors::first_flat).nothing().fails("The relay refuses this prompt on purpose."),
    row("error-first-nested", "a nested error event comes first", errors::first_nested).nothing().fails("The relay refuses this prompt on purpose."),
    row("error-then-failed", "a nested error event and response.failed behind the prelude", errors::then_failed).nothing().fails("The relay refuses this prompt on purpose."),
    row("failed", "response.failed in the middle of the text", errors::failed).half().fails("The relay failed on purpose."),
    row("failed-first", "response.failed comes first", errors::failed_first).nothing().fails("The relay refuses this prompt on purpose."),
    row("overloaded-once", "response.failed, server_is_overloaded, behind the prelude; then behaves", errors::overloaded_once).refuses("The relay is overloaded on purpose."),
    row("failed-error-null", "response.failed with error: null, in the text", errors::failed_error_null).half().fails(""),
    row("failed-minimal", "response.failed with nothing but its error, in the text", errors::failed_minimal).half().fails("The relay failed on purpose."),
    row("error-first-nested-no-type", "an error without a type comes first", errors::first_nested_no_type).nothing().fails("The relay refuses this prompt on purpose."),
    // HTTP errors.
    row("http-400-store", "400 Unsupported parameter as long as the body holds store", errors::http_400_store).refuses("Unsupported parameter"),
    row("http-401", "401 invalid_api_key", errors::http_401).nothing().fails("Incorrect API key provided."),
    row("http-404", "404 in place of an answer", errors::http_404).nothing().fails("Unknown request URL."),
    row("http-429", "429 with Retry-After: 1", errors::http_429).nothing().fails("Rate limit reached for requests."),
    row("http-429-once", "the same for the first request only", errors::http_429_once).refuses("Rate limit reached for requests."),
    row("http-429-quota", "429 insufficient_quota: no retry will help", errors::http_429_quota).nothing().fails("You exceeded your current quota"),
    row("http-500", "500 server_error", errors::http_500).nothing().fails("The relay failed on purpose."),
    row("http-500-once", "the same for the first request only", errors::http_500_once).refuses("The relay failed on purpose."),
    row("http-503", "503 overloaded", errors::http_503).nothing().fails("The relay is overloaded on purpose."),
    // No stream at all.
    row("html", "200 with a login page", transport::html).nothing().cut(),
    row("html-as-sse", "the login page as text/event-stream", transport::html_as_sse).nothing().cut(),
    row("json", "the whole response as JSON, though a stream was asked for", transport::json),
    row("json-error-200", "an error as JSON with status 200", transport::json_error_200).nothing().fails("The relay refuses on purpose."),
    row("sse-ct-json-error", "an error as JSON that says text/event-stream", transport::sse_ct_json_error).nothing().fails("The relay refuses on purpose."),
    row("chat-chunks", "chunks of a chat completion", transport::chat_chunks).nothing().cut(),
    row("empty-200", "200 text/event-stream and nothing", transport::empty_200).nothing().cut(),
    row("comments-only", "200 text/event-stream, two comments and nothing", transport::comments_only).nothing().cut(),
    row("content-type-json", "a conforming stream that says application/json", transport::content_type_json),
    row("content-type-missing", "a conforming stream that does not say what it is", transport::content_type_missing),
    row("ct-plain-sse-body", "a conforming stream that says text/plain", transport::content_type_plain),
    row("gzip-sse", "a conforming stream in gzip that was not asked for", transport::gzip_sse),
    // What was asked, and how it is carried.
    row("tool-choice-ignored", "text in place of the call that tool_choice names", asked::tool_choice_ignored).asked(),
    row("limit-completed", "an answer that max_output_tokens cut ends with response.completed", asked::limit_completed).asked(),
    alone("sse-for-json", "an event stream also for stream: false", asked::sse_for_json).asked(),
    alone("refused-in-stream", "a wrong model or key gets HTTP 200 and then response.failed", asked::refused_in_stream).asked(),
    row("functions-only", "400 as long as there are tools that are no functions; then calls one", asked::functions_only),
    row("buffered", "the whole text at once, after 1.5 s", asked::buffered).asked(),
    // Framing.
    row("crlf", "a conforming stream with CRLF", framing::crlf),
    row("bare-cr", "a conforming stream with a lone CR as line ending", framing::bare_cr),
    row("bom", "a byte order mark before a conforming stream", framing::bom),
    row("comments", "comments between and before the events", framing::comments),
    row("no-event-names", "no event: lines", framing::no_event_names),
    row("no-final-blank-line", "response.completed lacks the blank line behind it", framing::no_final_blank_line),
    row("single-newline-frames", "no blank lines between the events", framing::single_newline_frames).everything(),
    row("data-before-event", "data: comes before event:", framing::data_before_event).everything(),
    row("data-no-space", "data:{…} without a space", framing::data_no_space).everything(),
    row("multiline-data", "each event's JSON in three data: lines", framing::multiline_data).everything(),
    row("event-line-wrong", "every event: line says message", framing::event_line_wrong).everything(),
    row("id-retry-fields", "id: and retry: lines", framing::id_retry_fields).everything(),
    row("data-garbage-frame", "frames that are no JSON between the events", framing::data_garbage_frame).everything(),
    row("data-null-frame", "frames of null between the events", framing::data_null_frame).everything(),
    row("empty-data-frames", "empty data: lines between the events", framing::empty_data_frames).everything(),
    row("empty-data-event-frames", "named events with empty data between the events", framing::empty_data_event_frames).everything(),
    row("event-only-frames", "named events without data between the events", framing::event_only_frames).everything(),
    row("junk-frames", "frames that are no JSON, null or empty between the events", framing::junk_frames),
    row("tiny-chunks", "the no-created stream in chunks of one byte", framing::tiny_chunks).reasons(),
    row("one-chunk", "the whole stream in one chunk", framing::one_chunk).everything(),
    row("utf8-split", "text beyond ASCII in chunks of one byte", framing::utf8_split).says("Grüße, 世界 \u{1f44b}", 1),
    row("huge-delta", "the whole answer in one delta of 8 MB", framing::huge_delta).says("Hello. ", framing::HUGE),
    row("endless-frame", "a data line that never ends", framing::endless_frame).nothing().cut(),
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
