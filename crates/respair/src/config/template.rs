//! What `config init` writes.

use super::Flags;

/// A configuration with comments: what the flags say, placeholders elsewhere (which `run` refuses by name).
pub(crate) fn render(flags: &Flags) -> String {
    let model = quoted(flags.model.as_deref().unwrap_or("<model>"));
    let base_url = quoted(flags.base_url.as_deref().unwrap_or("https://<endpoint>/v1"));
    let key = match &flags.api_key_env {
        Some(name) => format!("  api_key_env: {}", name.trim_start_matches('$')),
        None => "  # api_key_env: RELAY_API_KEY   # the variable that holds the key; without a key none is sent".to_owned(),
    };
    let mode = match flags.recovery.and_then(|mode| clap::ValueEnum::to_possible_value(&mode)) {
        Some(mode) => format!("  recovery:\n    mode: {}", mode.get_name()),
        None => "  # recovery:\n  #   mode: retry_then_fallback   # or inline (one request, always), strict (never repair)".to_owned(),
    };
    format!(
        "\
# respair reads this file; the environment (RESPAIR_MODEL, RESPAIR_BASE_URL, RESPAIR_API_KEY) and flags win over it.
# `respair config check` says what is wrong with it, `respair config show` where each value comes from.

model:
  provider: custom        # a relay of your own; or openai, openai-codex
  default: {model}
  base_url: {base_url}   # `/responses` is added to it
{key}
  # api_key: ${{RELAY_API_KEY}}      # ${{NAME}} reads the environment, in every value
{mode}
  # reasoning_effort: medium
  # timeouts:                     # seconds, 0 = off
  #   first_byte: 120
  #   idle: 300
"
    )
}

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
