//! What is read of a configuration, case by case.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::ffi::OsString;

mod sections;
mod values;

use super::*;
use secrecy::ExposeSecret;

/// A configuration in a directory of its own, with a made-up environment.
struct Case {
    dir: tempfile::TempDir,
    vars: HashMap<String, OsString>,
    flags: Flags,
}

impl Case {
    fn new(text: &str) -> Self {
        Self::bytes(text.as_bytes())
    }

    fn bytes(bytes: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("respair")).unwrap();
        std::fs::write(dir.path().join("respair/config.yaml"), bytes).unwrap();
        let vars = HashMap::from([
            ("XDG_CONFIG_HOME".to_owned(), dir.path().into()),
            ("HOME".to_owned(), dir.path().into()),
        ]);
        Self {
            dir,
            vars,
            flags: Flags::default(),
        }
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    fn flags(mut self, flags: Flags) -> Self {
        self.flags = flags;
        self
    }

    fn env(&self) -> Env {
        Env::Fixed(self.vars.clone())
    }

    fn load(&self) -> Loaded {
        load(None, &self.flags, &self.env())
    }

    fn settings(&self) -> Settings {
        self.load()
            .settings(&self.env())
            .unwrap_or_else(|e| panic!("{e:?}"))
    }

    /// All problems, one text.
    fn problems(&self) -> String {
        match self.load().settings(&self.env()) {
            Ok(_) => panic!("no problem"),
            Err(Unusable::Nothing) => "nothing".into(),
            Err(Unusable::Problems(list)) => list.iter().map(|p| format!("{p}\n")).collect(),
        }
    }

    /// The remarks, after settings were made.
    fn remarks(&self) -> Vec<String> {
        let mut loaded = self.load();
        let _ = loaded.settings(&self.env());
        loaded
            .remarks
            .into_iter()
            .map(|remark| remark.text(true))
            .collect()
    }
}

fn key(settings: &Settings) -> Option<&str> {
    settings.api_key.as_ref().map(ExposeSecret::expose_secret)
}

const SEED: &str = "\
model:
  provider: custom
  default: gpt-5.4
  base_url: https://relay.example/v1
  api_key: sk-secret
  api_mode: codex_responses
";

#[test]
fn the_seeds_block_as_written() {
    let settings = Case::new(SEED).settings();
    assert_eq!(settings.model, "gpt-5.4");
    assert_eq!(settings.base_url.as_str(), "https://relay.example/v1");
    assert_eq!(key(&settings), Some("sk-secret"));
    assert_eq!(settings.provider, Provider::Custom("custom".into()));
    assert_eq!(Case::new(SEED).remarks(), Vec::<String>::new());
}

#[test]
fn the_same_inside_a_whole_hermes_file() {
    let text = format!(
        "{SEED}  openai_runtime: auto\nagent:\n  max_turns: 90\n  verbose: true\ntoolsets: [hermes-cli]\nterminal:\n  backend: local\n"
    );
    let case = Case::new(&text);
    assert_eq!(case.settings().model, "gpt-5.4");
    let remarks = case.remarks();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert_eq!(case.load().agent.max_steps.unwrap().value, 90);
    for name in [
        "agent.verbose",
        "toolsets",
        "terminal",
        "model.openai_runtime",
    ] {
        assert!(remarks[0].contains(&format!("`{name}`")), "{remarks:?}");
    }
}

#[test]
fn near_misses_are_named() {
    let case = Case::new(
        "model:\n  provider: custom\n  default: m\n  base_ulr: https://r.example\n  timeouts: {idel: 3}\n",
    );
    assert!(case.problems().contains("has no base_url"));
    let remarks = case.remarks();
    assert!(
        remarks[0].contains("`model.base_ulr` (line 4: did you mean `base_url`?)"),
        "{remarks:?}"
    );
    assert!(
        remarks[0].contains("`model.timeouts.idel` (line 5: did you mean `idle`?)"),
        "{remarks:?}"
    );
}

#[test]
fn named_entries_in_both_forms() {
    let text = "\
model: {provider: 'PROVIDER', default: m}
custom_providers:
  - {name: My Relay, baseUrl: https://one.example/v1, keyEnv: ONE_KEY, extra_headers: {X-A: '${A}'}}
  - {name: other, api_key: '${NEVER_SET}', base_url: 3, colour: red}
providers:
  two: {api: https://two.example/v1, api_key: k2, default_model: m2, transport: codex_responses}
";
    let with = |provider: &str| {
        Case::new(&text.replace("PROVIDER", provider))
            .var("ONE_KEY", "k1")
            .var("A", "aa")
    };
    for provider in ["My Relay", "custom:My Relay", "custom:my-relay", "my_relay"] {
        let settings = with(provider).settings();
        assert_eq!(settings.base_url.as_str(), "https://one.example/v1");
        assert_eq!(key(&settings), Some("k1"));
        assert_eq!(settings.extra_headers[0].1.expose_secret(), "aa");
        assert_eq!(settings.provider.name(), "custom:My Relay");
    }
    let settings = with("two").settings();
    assert_eq!(
        (settings.base_url.as_str(), key(&settings)),
        ("https://two.example/v1", Some("k2"))
    );
    // The model that the block names wins over the entry's.
    assert_eq!(settings.model, "m");
    let problems = with("tow").problems();
    assert!(
        problems.contains(
            "config.yaml:1:19: model.provider: no provider is called `tow` (did you mean `two`?)"
        ),
        "{problems}"
    );
    assert!(problems.contains("custom:My Relay"), "{problems}");
    assert!(with("two").remarks()[0].contains("`custom_providers[1].colour`"));
}

#[test]
fn what_is_configured_decides_and_never_the_host() {
    let case = |provider: &str, url: &str| {
        Case::new(&format!(
            "model: {{provider: {provider}, default: m, base_url: '{url}', api_key: k}}"
        ))
        .settings()
    };
    assert!(case("openai", "http://127.0.0.1:1").provider.is_native());
    assert!(
        case("openai-codex", "http://127.0.0.1:1")
            .provider
            .is_native()
    );
    assert!(
        !case("custom", "https://api.openai.com/v1")
            .provider
            .is_native()
    );
}

#[test]
fn without_a_file() {
    let bare = || Case::new("");
    assert_eq!(bare().problems(), "nothing");
    let settings = bare()
        .var("RESPAIR_BASE_URL", "https://r.example")
        .var("RESPAIR_MODEL", "m")
        .settings();
    assert!(!settings.provider.is_native());
    let flags = Flags {
        target: None,
        base_url: Some("https://r.example".into()),
        model: Some("m".into()),
        ..Flags::default()
    };
    assert!(!bare().flags(flags).settings().provider.is_native());
    // An ambient key is no configuration.
    assert_eq!(
        bare().var("OPENAI_API_KEY", "sk-secret").problems(),
        "nothing"
    );
}

#[test]
fn openai_and_its_key() {
    let text = "model: {provider: openai, default: m}";
    let settings = Case::new(text).var("OPENAI_API_KEY", "sk-o").settings();
    assert_eq!(
        (settings.base_url.as_str(), key(&settings)),
        ("https://api.openai.com/v1", Some("sk-o"))
    );
    assert!(Case::new(text).problems().contains("set OPENAI_API_KEY"));
    let elsewhere = "model: {provider: openai, default: m, base_url: 'http://127.0.0.1:1'}";
    let case = Case::new(elsewhere).var("OPENAI_API_KEY", "sk-o");
    assert_eq!(key(&case.settings()), None);
    assert!(
        case.remarks()[0].starts_with("OPENAI_API_KEY goes to"),
        "{:?}",
        case.remarks()
    );
    let named = "model: {provider: openai, default: m, base_url: 'http://127.0.0.1:1', api_key_env: OPENAI_API_KEY}";
    assert_eq!(
        key(&Case::new(named).var("OPENAI_API_KEY", "sk-o").settings()),
        Some("sk-o")
    );
}

#[test]
fn a_flag_sends_the_files_key_nowhere_else() {
    let flags = Flags {
        base_url: Some("https://other.example/v1".into()),
        ..Flags::default()
    };
    let case = Case::new(SEED).flags(flags.clone());
    assert_eq!(key(&case.settings()), None);
    let remarks = case.remarks();
    assert!(
        remarks[0].contains("`model.api_key`") && remarks[0].contains("--api-key-env"),
        "{remarks:?}"
    );
    assert!(!remarks[0].contains("sk-secret"));
    let case = Case::new(SEED).flags(flags).var("RESPAIR_API_KEY", "k");
    assert_eq!(key(&case.settings()), Some("k"));
}

#[test]
fn userinfo_becomes_basic_authentication() {
    let text = "model: {provider: custom, default: m, base_url: 'https://me:hunter2@r.example/v1'}";
    let settings = Case::new(text).settings();
    assert_eq!(settings.base_url.as_str(), "https://r.example/v1");
    assert_eq!(
        settings.extra_headers[0].1.expose_secret(),
        "Basic bWU6aHVudGVyMg=="
    );
    let case = Case::new(&text.replace("default", "api_key: k, default"));
    assert!(case.settings().extra_headers.is_empty());
    assert_eq!(case.remarks().len(), 1);
}

/// What is no address is told as that alone: no key was kept back from it.
#[test]
fn an_address_that_is_none_keeps_no_key_back() {
    let text =
        "model: {provider: custom, default: m, base_url: 'https://r.example/v1', api_key: k}\n";
    for (address, kept) in [
        ("r.example/v1", false),
        ("localhost:80/v1", false),
        ("https://other.example/v1", true),
    ] {
        let case = Case::new(text).var("RESPAIR_BASE_URL", address);
        let told = case
            .remarks()
            .iter()
            .any(|remark| remark.contains("kept back"));
        assert_eq!(told, kept, "{address}");
    }
}
