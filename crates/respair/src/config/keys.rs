//! The keys that are known, their other spellings, and what a misspelt one probably meant.

/// A key and the other names it goes by. `camelCase` is accepted for every name.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
}

const fn key(name: &'static str, aliases: &'static [&'static str]) -> Key {
    Key { name, aliases }
}

/// At the top of the file. `timeouts` to `compat` are defaults for every provider.
pub(crate) const TOP: &[Key] = &[
    key("model", &[]),
    key("custom_providers", &[]),
    key("providers", &[]),
    key("agent", &[]),
    key("mcp_servers", &[]),
    key("timeouts", &[]),
    key("limits", &[]),
    key("recovery", &[]),
    key("compat", &[]),
    key("serve", &[]),
];

/// In `serve:`.
pub(crate) const SERVE: &[Key] = &[
    key("listen", &[]),
    key("threads", &["workers"]),
    key("drain", &[]),
    key("commit_after", &[]),
    key("commit_after_comments", &[]),
    key("allow_origins", &[]),
    key("record", &[]),
    key("limits", &[]),
];
/// In `serve.record:`.
pub(crate) const SERVE_RECORD: &[Key] = &[key("dir", &[]), key("size", &[]), key("count", &[])];
/// In `serve.limits:`.
pub(crate) const SERVE_LIMITS: &[Key] = &[
    key("headers", &[]),
    key("body", &[]),
    key("streams", &[]),
    key("header_wait", &[]),
    key("body_wait", &[]),
    key("write_stall", &[]),
    key("retry_wait", &[]),
    key("heartbeat", &[]),
];

/// In `model:`.
pub(crate) const MODEL: &[Key] = &[
    key("provider", &[]),
    key("default", &["model"]),
    key("base_url", &[]),
    key("api_key", &["api"]),
    key("api_key_env", &["key_env"]),
    key("api_mode", &[]),
    key("extra_headers", &[]),
    key("extra_body", &[]),
    key("ssl_ca_cert", &[]),
    key("ssl_verify", &[]),
    key("reasoning_effort", &[]),
    key("reasoning_summary", &[]),
    key("max_output_tokens", &[]),
    key("context_length", &[]),
    key("timeouts", &[]),
    key("limits", &[]),
    key("recovery", &[]),
    key("compat", &[]),
];

/// In an entry of `custom_providers` or `providers`. Here `api` is the address, as in Hermes; in `model:` it is the key.
pub(crate) const ENTRY: &[Key] = &[
    key("name", &[]),
    key("default", &["model", "default_model"]),
    key("base_url", &["url", "api"]),
    key("api_key", &[]),
    key("api_key_env", &["key_env"]),
    key("api_mode", &["transport"]),
    key("extra_headers", &[]),
    key("extra_body", &[]),
    key("ssl_ca_cert", &[]),
    key("ssl_verify", &[]),
    key("reasoning_effort", &[]),
    key("reasoning_summary", &[]),
    key("max_output_tokens", &[]),
    key("context_length", &[]),
    key("timeouts", &[]),
    key("limits", &[]),
    key("recovery", &[]),
    key("compat", &[]),
];

/// In `timeouts:`, seconds.
pub(crate) const TIMEOUTS: &[Key] = &[
    key("connect", &[]),
    key("first_byte", &[]),
    key("idle", &[]),
    key("progress", &[]),
];
/// In `limits:`.
pub(crate) const LIMITS: &[Key] = &[key("frame", &[]), key("response", &[]), key("drain", &[])];
/// In `recovery:`.
pub(crate) const RECOVERY: &[Key] = &[
    key("mode", &[]),
    key("strict_retries", &[]),
    key("fallback", &[]),
    key("max_requests", &[]),
    key("without", &[]),
];
/// In `compat:`.
pub(crate) const COMPAT: &[Key] = &[
    key("cumulative_deltas", &[]),
    key("drop_fields", &[]),
    key("refused_tools", &[]),
];

/// In `agent:`. Hermes calls the steps turns.
pub(crate) const AGENT: &[Key] = &[
    key("max_steps", &["max_turns"]),
    key("max_tokens", &[]),
    key("retry_truncated", &[]),
    key("continue_incomplete", &[]),
    key("instructions", &[]),
    key("agents_md", &[]),
    key("approval", &[]),
    key("tools", &[]),
    key("fallback", &[]),
    key("sandbox", &[]),
    key("directories", &[]),
    key("shell", &[]),
];
/// In `agent.shell:`.
pub(crate) const SHELL: &[Key] = &[key("timeout", &[]), key("longest", &[]), key("output", &[])];
/// In an entry of `mcp_servers:`.
pub(crate) const SERVER: &[Key] = &[
    key("command", &[]),
    key("args", &[]),
    key("env", &[]),
    key("url", &[]),
    key("headers", &[]),
    key("timeout", &[]),
    key("enabled", &[]),
];

/// What other programs call these, where no spelling distance would find it.
const MEANT: &[(&str, &str)] = &[
    ("url", "base_url"),
    ("endpoint", "base_url"),
    ("api_base", "base_url"),
    ("key", "api_key"),
    ("token", "api_key"),
    ("name", "default"),
    ("headers", "extra_headers"),
    ("max_tokens", "max_output_tokens"),
    ("timeout", "timeouts"),
    ("transport", "api_mode"),
    ("reasoning", "reasoning_effort"),
    ("steps", "max_steps"),
    ("system_prompt", "instructions"),
    ("permissions", "approval"),
    ("approvals", "approval"),
    ("fallbacks", "fallback"),
    ("environment", "env"),
    ("arguments", "args"),
];

/// What a Hermes `config.yaml` has in these blocks and respair has no use for: not misspelt, however near to a key of ours.
const HERMES: &[&str] = &[
    "discover_models",
    "fallback_model",
    "fallback_providers",
    "models",
    "openai_runtime",
    "rate_limit_delay",
    "request_timeout_seconds",
    "stale_timeout_seconds",
];

/// The section that a key of a block opens, when it opens one.
pub(crate) fn section(name: &str) -> Option<&'static [Key]> {
    match name {
        "timeouts" => Some(TIMEOUTS),
        "limits" => Some(LIMITS),
        "recovery" => Some(RECOVERY),
        "compat" => Some(COMPAT),
        "shell" => Some(SHELL),
        _ => None,
    }
}

/// The key that `spelled` is, under any of its names.
pub(crate) fn lookup(table: &'static [Key], spelled: &str) -> Option<&'static Key> {
    let name = snake(spelled);
    table
        .iter()
        .find(|k| k.name == name || k.aliases.contains(&name.as_str()))
}

/// What a misspelt key probably meant.
pub(crate) fn nearest(table: &'static [Key], spelled: &str) -> Option<&'static str> {
    let name = snake(spelled);
    if HERMES.contains(&name.as_str()) {
        return None;
    }
    let known = |meant: &&str| table.iter().any(|k| k.name == *meant);
    let other = MEANT
        .iter()
        .find(|(theirs, _)| *theirs == name)
        .map(|(_, ours)| *ours)
        .filter(known);
    other.or_else(|| {
        closest(
            &name,
            table
                .iter()
                .flat_map(|k| std::iter::once(&k.name).chain(k.aliases))
                .copied(),
        )
    })
}

/// The candidate closest to `word`, when one is close enough to be meant.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = 1 + word.chars().count() / 5;
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(word, c), c))
        .filter(|(distance, c)| *distance <= allowed && *distance < c.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// The effort that was probably meant. There is no list that holds for every model: a word that is near to none stands.
pub(crate) fn meant_effort(word: &str) -> Option<&'static str> {
    const USUAL: &[&str] = &[
        "none", "minimal", "low", "medium", "high", "xhigh", "max", "default",
    ];
    match USUAL.contains(&word) {
        true => None,
        false => closest(word, USUAL.iter().copied()),
    }
}

/// The first candidates that have `word` in them, for one that is near to none.
pub(crate) fn alike<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    /// As many as a line holds.
    const MOST: usize = 6;
    let word = snake(word).replace('_', "-");
    let found = candidates.into_iter().filter(|c| c.contains(&word));
    match word.len() {
        0..3 => Vec::new(),
        _ => found.take(MOST).collect(),
    }
}

/// `baseUrl`, `BASE_URL` and `base-url` are `base_url`.
pub(super) fn snake(spelled: &str) -> String {
    let camel = spelled.chars().any(char::is_lowercase);
    let mut name = String::with_capacity(spelled.len() + 4);
    for c in spelled.chars() {
        if camel && c.is_uppercase() && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.push(if c == '-' {
            '_'
        } else {
            c.to_ascii_lowercase()
        });
    }
    name
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for spelled in ["base_url", "baseUrl", "base-url", "BASE_URL", "BaseUrl"] {
            assert_eq!(
                lookup(MODEL, spelled).unwrap().name,
                "base_url",
                "{spelled}"
            );
        }
        assert_eq!(lookup(MODEL, "api").unwrap().name, "api_key");
        assert_eq!(lookup(ENTRY, "api").unwrap().name, "base_url");
        assert_eq!(lookup(ENTRY, "defaultModel").unwrap().name, "default");
        assert!(lookup(MODEL, "url").is_none());
    }

    #[test]
    fn near_misses() {
        for (spelled, meant) in [
            ("base_ulr", "base_url"),
            ("url", "base_url"),
            ("apikey", "api_key"),
            ("max_tokens", "max_output_tokens"),
            ("time_outs", "timeouts"),
        ] {
            assert_eq!(nearest(MODEL, spelled), Some(meant), "{spelled}");
        }
        assert_eq!(nearest(TIMEOUTS, "idel"), Some("idle"));
        assert_eq!(nearest(MODEL, "openai_runtime"), None);
        assert_eq!(nearest(TOP, "agnet"), Some("agent"));
        assert_eq!(nearest(AGENT, "permissions"), Some("approval"));
        assert_eq!(nearest(ENTRY, "modle"), Some("model"));
        for theirs in HERMES {
            for table in [TOP, MODEL, ENTRY, AGENT] {
                assert_eq!(nearest(table, theirs), None, "{theirs}");
                assert!(lookup(table, theirs).is_none(), "{theirs}");
            }
        }
    }
}
