//! Whole conforming streams.

use super::Stream;

/// A conforming stream: `created`, `in_progress`, one message with these deltas, `completed`.
#[must_use]
pub fn conforming_text<'a>(deltas: impl IntoIterator<Item = &'a str>) -> Stream {
    Stream::new().prelude().message(deltas).complete()
}

/// A conforming stream: a reasoning item with a summary, then a message.
#[must_use]
pub fn conforming_reasoning_then_text<'a>(
    summary: impl IntoIterator<Item = &'a str>,
    text: impl IntoIterator<Item = &'a str>,
) -> Stream {
    Stream::new()
        .prelude()
        .reasoning(summary)
        .message(text)
        .complete()
}

/// A conforming stream: one function call with its arguments in these deltas.
#[must_use]
pub fn conforming_tool_call<'a>(
    name: &str,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Stream {
    Stream::new().prelude().call(name, arguments).complete()
}
