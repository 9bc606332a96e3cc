//! How an answer was carried, and whether it is one to what was asked.
//!
//! A stream does not show it; whoever holds the connection does, and reports it by [`Code`]: `respair check` asks an
//! endpoint a few questions and judges the answers. No file can be the fixture of such a rule. In its place stands the
//! test that shows it, over a relay that behaves so.

use crate::violation::Code;

use super::body::{elsewhere, seen_elsewhere, unseen};
use super::{Grade, Rule};

impl Code {
    /// The stream is not called `text/event-stream`.
    pub const CONTENT_TYPE: Self = Self("content-type");
    /// The body is compressed, or called so and is not.
    pub const CONTENT_ENCODING: Self = Self("content-encoding");
    /// A stream where one JSON object was asked for.
    pub const SSE_INSTEAD_OF_JSON: Self = Self("sse-instead-of-json");
    /// JSON, and no response object.
    pub const RESPONSE_NOT_JSON: Self = Self("response-not-json");
    /// The connection closed before the end that the head had promised.
    pub const CHUNKED_END_MISSING: Self = Self("chunked-end-missing");
    /// The connection was reset in the body.
    pub const CONNECTION_RESET: Self = Self("connection-reset");
    /// The body stays open behind the terminal event.
    pub const HELD_OPEN: Self = Self("held-open");
    /// The stream comes all at once.
    pub const BUFFERED: Self = Self("buffered");
    /// No answer at all.
    pub const NO_ANSWER: Self = Self("no-answer");
    /// An error behind a status that says success.
    pub const IN_BAND_ERROR: Self = Self("in-band-error");
    /// An HTTP error whose body does not say what is wrong.
    pub const ERROR_BODY_UNREADABLE: Self = Self("error-body-unreadable");
    /// A text was asked for, and none came.
    pub const EMPTY_ANSWER: Self = Self("empty-answer");
    /// The forced call was not made.
    pub const TOOL_CHOICE_IGNORED: Self = Self("tool-choice-ignored");
    /// A response that was cut at the limit says completed.
    pub const TRUNCATION_REPORTED_AS_COMPLETED: Self = Self("truncation-reported-as-completed");
}

seen_elsewhere!(
    /// See [`Code::CONTENT_TYPE`].
    CONTENT_TYPE = "content-type",
    [Info, Violation, Violation],
    "A stream is sent with `Content-Type: text/event-stream`.",
    "The body is read as what its first bytes show.",
    "Send `Content-Type: text/event-stream` with every stream; proxies and clients decide by it whether to pass the bytes on as they come.",
    "DEVIATIONS 6.9; KarpelesLab/teamclaude#456",
    "crates/client/tests/it/probes/carried.rs::how_an_answer_is_carried"
);
seen_elsewhere!(
    /// See [`Code::CONTENT_ENCODING`].
    CONTENT_ENCODING = "content-encoding",
    [Info, Violation, Info],
    "A stream for which `Accept-Encoding: identity` was sent is not compressed.",
    "The body is decompressed while it comes.",
    "Leave event streams out of the compression, or honour `Accept-Encoding: identity`; and set `Content-Encoding` to what the body is.",
    "DEVIATIONS 6.17; cita-777/metapi#335",
    "crates/client/tests/it/probes/carried.rs::how_an_answer_is_carried"
);
seen_elsewhere!(
    /// See [`Code::SSE_INSTEAD_OF_JSON`].
    SSE_INSTEAD_OF_JSON = "sse-instead-of-json",
    [Violation, Violation, Violation],
    "A request with `stream: false` is answered with one JSON object.",
    "Nothing: respair asks for streams only.",
    "Where `stream` is false or missing, collect the upstream's stream and answer with the `response` of its terminal event as `application/json`.",
    "DEVIATIONS 6.7; Wei-Shaw/sub2api#2826",
    "crates/client/tests/it/probes/asked.rs::what_is_asked_and_not_done"
);
seen_elsewhere!(
    /// See [`Code::RESPONSE_NOT_JSON`].
    RESPONSE_NOT_JSON = "response-not-json",
    [Violation, Violation, Violation],
    "A request with `stream: false` is answered with one response object.",
    "Nothing: respair asks for streams only.",
    "Where `stream` is false or missing, answer with the response object itself: `object: \"response\"`, `status`, and `output` as a list of items.",
    "DEVIATIONS 6.7, 6.8; lidge-jun/opencodex#1006",
    "crates/client/tests/it/probes/asked.rs::what_is_asked_and_not_done"
);
seen_elsewhere!(
    /// See [`Code::CHUNKED_END_MISSING`].
    CHUNKED_END_MISSING = "chunked-end-missing",
    [Violation, Violation, Violation],
    "The body ends with its last chunk, or at the length that its head tells.",
    "Behind a terminal event nothing is missed; before it the response is truncated.",
    "End the body properly behind the terminal event: the last chunk (`0`, empty line), or as many bytes as `Content-Length` says. If your upstream broke off, send `response.failed` first.",
    "DEVIATIONS 6.5, 4.10; openai/codex#7197",
    "crates/client/tests/it/probes/carried.rs::how_an_answer_is_carried"
);
seen_elsewhere!(
    /// See [`Code::CONNECTION_RESET`].
    CONNECTION_RESET = "connection-reset",
    [Violation, Violation, Violation],
    "The connection is not reset before the body has ended.",
    "Behind a terminal event nothing is missed; before it the response is truncated.",
    "Close the connection only when the body has ended; read the rest of the request and flush what is written before the socket is closed. If your upstream broke off, send `response.failed` first.",
    "DEVIATIONS 6.5; openai/codex#8309",
    "crates/client/tests/it/probes/carried.rs::how_an_answer_is_carried"
);
seen_elsewhere!(
    /// See [`Code::HELD_OPEN`].
    HELD_OPEN = "held-open",
    [Info, Violation, Info],
    "The body ends with the response: at most `limits.drain` (250 ms) behind its last event.",
    "The turn ends at the terminal event.",
    "End the body right behind the terminal event; most clients wait for that. Do not wait for your upstream to close, and stop your keep-alive comments.",
    "DEVIATIONS 4.4; openai/codex#9170",
    "crates/client/tests/it/probes/carried.rs::how_an_answer_is_carried"
);
seen_elsewhere!(
    /// See [`Code::BUFFERED`].
    BUFFERED = "buffered",
    [Info, Info, Info],
    "A stream is sent while it is made.",
    "Nothing: what comes late is late.",
    "Flush behind every event, and switch buffering off on the way: `X-Accel-Buffering: no`, `Cache-Control: no-cache, no-transform`, no compression, `proxy_buffering off`.",
    "DEVIATIONS 6.16; cloudflare/cloudflared#1496",
    "crates/client/tests/it/probes/carried.rs::a_buffered_stream"
);
seen_elsewhere!(
    /// See [`Code::NO_ANSWER`].
    NO_ANSWER = "no-answer",
    [Info, Violation, Violation],
    "Every request is answered.",
    "The request is made again within `recovery.max_requests`; then the turn fails.",
    "Send the head and `response.created` as soon as the request is accepted, and an HTTP error where it is not; never close the connection or stay silent in place of an answer.",
    "DEVIATIONS 1.1, 1.2",
    "crates/client/tests/it/probes/asked.rs::no_answer"
);
seen_elsewhere!(
    /// See [`Code::IN_BAND_ERROR`].
    IN_BAND_ERROR = "in-band-error",
    [Info, Violation, Info],
    "A request that is refused before any output gets an HTTP status that says so.",
    "The error is read where it is, and retried like its HTTP equal while nothing was delivered.",
    "Hold the HTTP status back until your upstream has accepted the request, and answer a refusal with the status that it means (400, 401, 404, 429, 503) and a JSON error body.",
    "DEVIATIONS 5.1; KarpelesLab/teamclaude#391",
    "crates/client/tests/it/probes/asked.rs::what_is_asked_and_not_done"
);
seen_elsewhere!(
    /// See [`Code::ERROR_BODY_UNREADABLE`].
    ERROR_BODY_UNREADABLE = "error-body-unreadable",
    [Info, Violation, Violation],
    "The body of an HTTP error is JSON with an `error` object that has a `message`.",
    "The status is told, with what the body shows: a page's title, its first words.",
    "Answer every HTTP error with `{\"error\": {\"message\", \"type\", \"param\", \"code\"}}` as `application/json`, also those of a proxy in front; pass your upstream's own message on.",
    "DEVIATIONS 5.9, 5.11; KarpelesLab/teamclaude#154",
    "crates/client/tests/it/probes/asked.rs::what_is_asked_and_not_done"
);
seen_elsewhere!(
    /// See [`Code::EMPTY_ANSWER`].
    EMPTY_ANSWER = "empty-answer",
    [Info, Violation, Info],
    "A request that asks for a text is answered with one, or with an error.",
    "The turn is completed, and said to hold nothing.",
    "Pass the text of your upstream on in every form that it has; if there is none, end with `response.failed` or `response.incomplete` and say why.",
    "DEVIATIONS 4.12",
    "crates/client/tests/it/probes/asked.rs::what_is_asked_and_not_done"
);
seen_elsewhere!(
    /// See [`Code::TOOL_CHOICE_IGNORED`].
    TOOL_CHOICE_IGNORED = "tool-choice-ignored",
    [Info, Violation, Violation],
    "A `tool_choice` that names a function leads to a call of it, or is refused.",
    "Nothing: a call is never invented.",
    "Hand `tools` and `tool_choice` on to your upstream and translate its calls back into `function_call` items; if it cannot force a call, refuse the request with HTTP 400.",
    "DEVIATIONS 9.9; mnfst/llm-gateway#1900",
    "crates/client/tests/it/probes/asked.rs::what_is_asked_and_not_done"
);
seen_elsewhere!(
    /// See [`Code::TRUNCATION_REPORTED_AS_COMPLETED`].
    TRUNCATION_REPORTED_AS_COMPLETED = "truncation-reported-as-completed",
    [Info, Violation, Violation],
    "A response that `max_output_tokens` cut ends with `response.incomplete`.",
    "Nothing: the stream does not show it.",
    "Map your upstream's `finish_reason: length` to `response.incomplete` with `incomplete_details: {\"reason\": \"max_output_tokens\"}`.",
    "DEVIATIONS 4.6; jundot/omlx#2817",
    "crates/client/tests/it/probes/asked.rs::what_is_asked_and_not_done"
);
