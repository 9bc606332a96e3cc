//! What no single event shows: limits, how the body ended, what it is instead of a stream, how it was carried.
//!
//! The reader sees the first group itself; the transport's findings are reported by whoever holds the connection. They
//! stand in the table so that each has its code, its page and its switch like every other rule.

use crate::mend::Mend;
use crate::model::Look;
use crate::violation::Code;

use super::{Grade, Rule, Said};

pub(super) fn unseen(_: &Look<'_>) -> Said {
    None
}

pub(super) fn elsewhere(_: &mut Mend<'_>) {}

/// A rule that the reader or the transport judges: it is asked by no event.
macro_rules! seen_elsewhere {
    ($(#[$doc:meta])* $name:ident = $code:literal, [$sdk:ident, $portable:ident, $open:ident], $demands:literal,
        $mends:literal, $advice:literal, $evidence:literal, $fixture:literal) => {
        $(#[$doc])*
        pub(crate) static $name: Rule = Rule {
            code: Code($code),
            sdk: Grade::$sdk,
            portable: Grade::$portable,
            open: Grade::$open,
            demands: $demands,
            mends: $mends,
            advice: $advice,
            evidence: $evidence,
            fixture: $fixture,
            on: &[],
            inspect: unseen,
            mend: elsewhere,
        };
    };
}
pub(super) use seen_elsewhere;

seen_elsewhere!(
    /// A frame is longer than `limits.frame`.
    OVERSIZED = "oversized",
    [Violation, Violation, Violation],
    "No frame is longer than `limits.frame` (64 MiB).",
    "The response fails, with an error that names the limit.",
    "Split long text into many deltas and give images by reference; no single event has to be that long.",
    "DEVIATIONS 6.12; openai/openai-go#368, zendev-sh/goai#70",
    "crates/client/tests/it/limits.rs::an_event_that_never_ends_is_a_typed_error"
);
seen_elsewhere!(
    /// The body ended without a terminal event.
    TERMINAL_MISSING = "terminal-missing",
    [Violation, Violation, Violation],
    "A stream ends with `response.completed`, `response.incomplete` or `response.failed`.",
    "`response.failed` with code `upstream_truncated` or `empty_stream` ends it; never `completed`.",
    "End every stream with a terminal event. If your upstream was cut off, send `response.failed` with an error that says so: closing the body hides it, `response.completed` would be untrue, and `[DONE]` is no terminal event.",
    "DEVIATIONS 1.2, 4.1, 4.14; openai/codex#41340 (\"stream closed before response.completed\"), ollama/ollama#14600",
    "truncated"
);
seen_elsewhere!(
    /// An `error` event was the last.
    ERROR_WITHOUT_FAILED = "error-without-failed",
    [Info, Violation, Violation],
    "An `error` event is followed by `response.failed`.",
    "`response.failed` is added, with the error's code and message.",
    "Send `response.failed` behind an `error` event, with the same code and message in `response.error`, and close the body.",
    "DEVIATIONS 5.2, 5.6; zyycn/codex-proxy-rs#90, openai/openai-python#3934",
    "error-flat"
);
seen_elsewhere!(
    /// Events behind the terminal one.
    EVENT_AFTER_TERMINAL = "event-after-terminal",
    [Info, Violation, Violation],
    "The terminal event is the last, `[DONE]` and comments aside.",
    "What comes behind it is dropped.",
    "Stop at the first terminal event: send nothing behind it but `[DONE]`, and close the body.",
    "DEVIATIONS 1.7, 4.10, 4.14; mnfst/llm-gateway#2072, NousResearch/hermes-agent#74348",
    "event-after-terminal"
);
seen_elsewhere!(
    /// The body ends without `[DONE]`.
    DONE_SENTINEL_MISSING = "done-sentinel-missing",
    [No, No, Violation],
    "The last thing in an Open Responses stream is `data: [DONE]`.",
    "`[DONE]` is added when the body ends, or when nothing more comes within `limits.drain`.",
    "Send `data: [DONE]` behind the terminal event.",
    "The specification, streaming HTTP responses",
    "output-empty"
);
seen_elsewhere!(
    /// Required fields of the response were filled in.
    FIELD_DEFAULTED = "field-defaulted",
    [Info, Info, Info],
    "The upstream says the required fields of its response itself.",
    "The fields are copied from the request where it is known, else they get the specification's default, the clock's time, or `respair_unknown` for the model. Said once, with the fields' names, and counted.",
    "Echo the request in the response object: `model`, `instructions`, `tools`, `tool_choice`, `temperature` and the others.",
    "CONTRACT.md, made-up values; DEVIATIONS 1.6",
    "response-fields-missing"
);
seen_elsewhere!(
    /// A JSON document where a stream was asked for.
    JSON_INSTEAD_OF_SSE = "json-instead-of-sse",
    [Violation, Violation, Violation],
    "A request with `stream: true` is answered with an event stream, not with a JSON document.",
    "A whole response is given out as the stream that it stands for, all at once. Other JSON fails; an error in it keeps its code and message.",
    "Answer `stream: true` with events and `Content-Type: text/event-stream`. An error before the first event is an HTTP status of 400 or above, with its JSON body.",
    "DEVIATIONS 6.8; looplj/axonhub#2243, lidge-jun/opencodex#1006",
    "json-response"
);
seen_elsewhere!(
    /// A web page where a stream was asked for.
    HTML_INSTEAD_OF_SSE = "html-instead-of-sse",
    [Violation, Violation, Violation],
    "A request with `stream: true` is answered with an event stream, not with a web page.",
    "The response fails, with the page's title.",
    "Find what answers in the relay's place (a login page, a proxy, a firewall), and let its HTTP status through instead of 200.",
    "DEVIATIONS 5.11; shuv1337/oc-web#143",
    "html"
);
seen_elsewhere!(
    /// A body that begins as none of these.
    NO_STREAM = "no-stream",
    [Violation, Violation, Violation],
    "A request with `stream: true` is answered with an event stream, not with text of another kind.",
    "The response fails, and quotes how the body begins.",
    "Answer `stream: true` with events and `Content-Type: text/event-stream`. Words for a person belong in a JSON error with an HTTP status of 400 or above.",
    "DEVIATIONS 6.9; xiaoliu10/claude-code-router-next#44, Wei-Shaw/sub2api#2826",
    "prose"
);
seen_elsewhere!(
    /// The event stream of another API.
    CHAT_COMPLETION_CHUNKS = "chat-completion-chunks",
    [Violation, Violation, Violation],
    "The events are those of the Responses API, not `chat.completion.chunk` objects.",
    "The response fails at the first chunk: a translation would have to make up ids, items and an ending.",
    "Serve `POST …/responses` with Responses events; what this URL answers with is the stream of `POST …/chat/completions`.",
    "DEVIATIONS 7.6; CLIENTS.md, chat_chunks; llmmanorg/llmman#423, tinyhumansai/openhuman#4009",
    "chat-completion-chunks"
);
