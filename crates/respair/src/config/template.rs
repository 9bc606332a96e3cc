//! What `config init` writes.

use super::Flags;

/// Where a comment begins at the latest; what is longer has its comment right behind it.
const WIDEST: usize = 48;

/// A configuration with comments: what the flags say, placeholders elsewhere (which `run` refuses by name).
pub(crate) fn render(flags: &Flags) -> String {
    let model = quoted(flags.model.as_deref().unwrap_or("<model>"));
    let base_url = quoted(flags.base_url.as_deref().unwrap_or("https://<endpoint>/v1"));
    let mode = flags
        .recovery
        .and_then(|mode| clap::ValueEnum::to_possible_value(&mode));
    let key = match &flags.api_key_env {
        Some(name) => format!("  api_key_env: {}", name.trim_start_matches('$')),
        None => "  # api_key_env: RELAY_API_KEY".to_owned(),
    };
    let (hash, mode) = match &mode {
        Some(mode) => ("", mode.get_name()),
        None => ("# ", "retry_then_fallback"),
    };
    let modes = "retry_then_fallback, inline (one request, always) or strict (never repair)";
    let lines: &[(&str, &str)] = &[
        ("model:", ""),
        (
            "  provider: custom",
            "a relay of your own; or openai, openai-codex",
        ),
        (
            &format!("  default: {model}"),
            "the model, as the endpoint calls it",
        ),
        (
            &format!("  base_url: {base_url}"),
            "`/responses` is added to it",
        ),
        (
            &key,
            "the variable that holds the key; without a key none is sent",
        ),
        (
            "  # api_key: ${RELAY_API_KEY}",
            "${NAME} reads the environment, in every value",
        ),
        (&format!("  {hash}recovery:"), ""),
        (&format!("  {hash}  mode: {mode}"), modes),
        ("  # reasoning_effort: medium", ""),
        ("  # timeouts:", "seconds, 0 = off"),
        ("  #   first_byte: 120", ""),
        ("  #   idle: 300", ""),
    ];
    let widths = lines.iter().filter(|(_, comment)| !comment.is_empty());
    let widths = widths.map(|(line, _)| line.chars().count());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut out = HEAD.to_owned();
    for (line, comment) in lines {
        match comment.is_empty() {
            true => out.push_str(line),
            false => out.push_str(&format!("{line:width$}   # {comment}")),
        }
        out.push('\n');
    }
    out
}

const HEAD: &str = "\
# respair reads this file; the environment (RESPAIR_MODEL, RESPAIR_BASE_URL, RESPAIR_API_KEY) and flags win over it.
# `respair config check` says what is wrong with it, `respair config show` where each value comes from.

";

/// Safe as a YAML value: plain where it may be, else quoted.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '<')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./:<>".contains(c))
        && !text.ends_with(':');
    if plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
