//! Why a cell through the gateway is not right, where that is known and cannot be mended.

/// Scenario, the beginning of the column's name, and why.
#[rustfmt::skip] // one reason, one line
const KNOWN: &[(&str, &str, &str)] = &[
    ("reasoning-text", "ai", "It reads no `response.reasoning_text` events (@ai-sdk/openai), direct as well. Calling raw reasoning a summary would be made up."),
    ("reasoning-text", "langchain", "It reads no `response.reasoning_text` events, direct as well. Calling raw reasoning a summary would be made up."),
    ("reasoning-text", "codex", "`codex exec --json` shows no raw reasoning, direct as well, also with `show_raw_agent_reasoning = true`."),
    ("huge-delta", "node6", "openai-node 6 takes that long over 8 MB in one event, direct as well."),
    ("http-429", "codex", "It has words of its own for this status, direct as well. Status and body reach it as the upstream sent them."),
    ("http-429-quota", "codex", "It has words of its own for this status, direct as well. Status and body reach it as the upstream sent them."),
    ("http-500", "codex", "It has words of its own for this status, direct as well. Status and body reach it as the upstream sent them."),
    ("http-503", "codex", "It has words of its own for this status, direct as well. Status and body reach it as the upstream sent them."),
];

/// Why this cell is not right.
#[must_use]
pub fn why(scenario: &str, column: &str) -> Option<&'static str> {
    KNOWN
        .iter()
        .find(|(of, with, _)| *of == scenario && column.starts_with(with))
        .map(|(_, _, why)| *why)
}
