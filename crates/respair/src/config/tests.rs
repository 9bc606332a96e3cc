#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::ffi::OsString;

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
        remarks[0].contains("`model.base_ulr` (did you mean `base_url`?)"),
        "{remarks:?}"
    );
    assert!(
        remarks[0].contains("`model.timeouts.idel` (did you mean `idle`?)"),
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

#[test]
fn variables_in_values() {
    let text =
        "model: {provider: custom, default: '${M}', base_url: 'https://${H}/v1', api_key: '${K}'}";
    let case = Case::new(text)
        .var("M", "m")
        .var("H", "r.example")
        .var("K", "sk-secret");
    let settings = case.settings();
    assert_eq!(
        (
            settings.model.as_str(),
            settings.base_url.as_str(),
            key(&settings)
        ),
        ("m", "https://r.example/v1", Some("sk-secret"))
    );
    let problems = Case::new(text)
        .var("M", "m")
        .var("H", "r.example")
        .problems();
    assert!(
        problems.contains("model.api_key: ${K}: the environment variable K is not set"),
        "{problems}"
    );
}

#[test]
fn bad_values_say_where_and_what() {
    let text = "\
model:
  provider: custom
  default: [a]
  base_url: https://r.example
  ssl_verify: perhaps
  max_output_tokens: 0
  timeouts:
    idle: soon
  limits:
    frame: 12
    drain: 250
  recovery:
    mode: inlne
    strict_retries: 11
    max_requests: 0
    without: [created-misssing]
  extra_headers: {'a b': c}
  extra_body: 3
  api_mode: chat_completions
  api_key_env: sk-secret
";
    let problems = Case::new(text).problems();
    for want in [
        "config.yaml:3:12: model.default: expected text, found a list",
        "config.yaml:5:15: model.ssl_verify: expected true or false",
        "config.yaml:6:22: model.max_output_tokens: expected a whole number above 0",
        "config.yaml:8:11: model.timeouts.idle: expected seconds",
        "config.yaml:10:12: model.limits.frame: expected bytes",
        "config.yaml:11:12: model.limits.drain: say the unit",
        "config.yaml:13:11: model.recovery.mode: expected one of retry_then_fallback, inline, strict (did you mean `inline`?)",
        "config.yaml:14:21: model.recovery.strict_retries: expected a whole number from 0 to 10",
        "config.yaml:15:19: model.recovery.max_requests: expected",
        "config.yaml:16:14: model.recovery.without: no rule is called `created-misssing` (did you mean `created-missing`?)",
        "config.yaml:17:26: model.extra_headers.a b: cannot be a header's name",
        "model.extra_body: expected a block of keys, found a number",
        "config.yaml:19:13: model.api_mode: `chat_completions` is not supported",
        "model.api_key_env: expected the name of an environment variable",
    ] {
        assert!(problems.contains(want), "{want}\n\n{problems}");
    }
    assert!(!problems.contains("sk-secret"), "{problems}");
}

#[test]
fn placeholders_are_refused_by_name() {
    let text = "model: {provider: custom, default: '<model>', base_url: 'https://<endpoint>/v1', api_key: <key>}";
    let problems = Case::new(text).problems();
    for want in ["`<model>`", "`<endpoint>`"] {
        assert!(problems.contains(want), "{problems}");
    }
    for key in ["<key>", "YOUR_API_KEY", "sk-..."] {
        let text = format!(
            "model: {{provider: custom, default: m, base_url: 'https://r.example', api_key: '{key}'}}"
        );
        let problems = Case::new(&text).problems();
        assert!(
            problems.contains(&format!(
                "model.api_key: still holds the placeholder `{key}`"
            )),
            "{problems}"
        );
    }
}

#[test]
fn sections_at_the_top_are_defaults_for_every_provider() {
    let text = "timeouts: {idle: 7, connect: 0}\nrecovery: inline\nmodel: {provider: custom, default: m, base_url: 'https://r.example', timeouts: {idle: 9}}";
    let options = Case::new(text).settings().options;
    assert_eq!(options.idle.unwrap().value.unwrap().as_secs(), 9);
    assert_eq!(options.connect.unwrap().value, None);
    assert_eq!(options.mode.unwrap().value, Mode::Inline);
    let flags = Flags {
        recovery: Some(Mode::Strict),
        ..Flags::default()
    };
    let case = Case::new(text).var("RESPAIR_RECOVERY", "retry-then-fallback");
    assert_eq!(
        case.settings().options.mode.unwrap().value,
        Mode::RetryThenFallback
    );
    assert_eq!(
        case.flags(flags).settings().options.mode.unwrap().value,
        Mode::Strict
    );
}

#[test]
fn torture() {
    for (bytes, want) in [
        (
            &b"\xef\xbb\xbfmodel: {provider: custom, default: m, base_url: 'https://r.example'}"[..],
            "",
        ),
        (b"", "nothing"),
        (b"# only this\n", "nothing"),
        (b"model:\n", "nothing"),
        (b"- a\n- b\n", "expected a block of keys"),
        (b"just text", "expected a block of keys"),
        (b"model:\n\tprovider: custom\n", "spaces"),
        (b"model: {a: \xff}\n", "config.yaml:1:12: not UTF-8"),
        (b"\xff\xfem\0o\0", "UTF-16"),
        (b"a: 1\n---\nb: 2\n", "more than one YAML document"),
        (b"a: *nothing\n", "not valid YAML"),
        (b"\0\0\0\0", "NUL"),
        (b"model: {provider: custom\n", "config.yaml:"),
    ] {
        let case = Case::bytes(bytes);
        match want {
            "" => drop(case.load().settings(&case.env())),
            _ => assert!(
                case.problems().contains(want),
                "{bytes:?}: {}",
                case.problems()
            ),
        }
    }
    let big = vec![b'#'; 2 << 20];
    assert!(
        Case::bytes(&big)
            .problems()
            .contains("larger than 1024 KiB")
    );
    let mut case = Case::new("");
    case.vars
        .insert("RESPAIR_CONFIG".into(), case.dir.path().into());
    assert!(
        case.problems().contains("a directory"),
        "{}",
        case.problems()
    );
    case.vars.insert(
        "RESPAIR_CONFIG".into(),
        case.dir.path().join("gone.yaml").into(),
    );
    assert!(
        case.problems().contains("it is not there"),
        "{}",
        case.problems()
    );
}

#[test]
fn the_example_lists_every_key_with_its_default() {
    let text = include_str!("../../../../respair.example.yaml");
    let root = yaml::parse("respair.example.yaml", text).unwrap().unwrap();
    let env = Env::empty();
    let mut reader = Reader::new("respair.example.yaml", &env);
    let read = reader.block(root.get("model").unwrap(), "model", keys::MODEL);
    let top = reader.fields(&root, "", keys::TOP);
    let (path, serve) = &top["serve"];
    let serve = reader.serve(serve, path);
    let agent = super::agent(&mut reader, &top);
    let top = reader.sections(&top, Options::default());
    assert!(
        reader.problems.is_empty() && reader.unknown.is_empty(),
        "{:?} {:?}",
        reader.problems,
        reader.unknown
    );
    // Every value equals the default: rendered alike, origin aside.
    let render = |options: Options| {
        let loaded = Loaded {
            entries: Vec::new(),
            file: None,
            path: None,
            present: true,
            options,
            serve: ServeOptions::defaults(),
            agent: agent.clone(),
            provider: None,
            problems: vec![],
            remarks: vec![],
        };
        let mut shown = show::json(&loaded, &env);
        shown
            .as_object_mut()
            .unwrap()
            .values_mut()
            .for_each(|v| drop(v.as_object_mut().unwrap().remove("origin")));
        shown
    };
    let mut defaults = Options::defaults();
    assert_eq!(render(read.clone()), render(defaults.clone()));
    let of_agent = |agent: Agent| {
        let mut loaded = load(None, &Flags::default(), &env);
        loaded.agent = agent;
        let shown = show::json(&loaded, &env);
        let shown = shown.as_object().unwrap().iter();
        let shown = shown.filter(|(key, _)| key.starts_with("agent.") || *key == "mcp_servers");
        shown
            .map(|(key, value)| (key.clone(), value["value"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of_agent(agent.clone()), of_agent(Agent::defaults()));
    // The sections stand at the top as well, and there too with the defaults.
    defaults.api_mode = None;
    defaults.extra_headers = None;
    defaults.extra_body = None;
    defaults.ssl_verify = None;
    assert_eq!(render(top), render(defaults));
    let values = |serve: ServeOptions| {
        let rows = show::serve(&serve, &env).into_iter();
        rows.map(|row| row.value).collect::<Vec<_>>()
    };
    assert_eq!(values(serve), values(ServeOptions::defaults()));
    // Every key is there, and every alias is mentioned.
    let model = root.get("model").unwrap();
    for (table, node) in [
        (keys::TOP, &root),
        (keys::SERVE, root.get("serve").unwrap()),
        (
            keys::SERVE_RECORD,
            root.get("serve").unwrap().get("record").unwrap(),
        ),
        (
            keys::SERVE_LIMITS,
            root.get("serve").unwrap().get("limits").unwrap(),
        ),
        (keys::MODEL, model),
        (keys::TIMEOUTS, model.get("timeouts").unwrap()),
        (keys::LIMITS, model.get("limits").unwrap()),
        (keys::RECOVERY, model.get("recovery").unwrap()),
        (keys::COMPAT, model.get("compat").unwrap()),
        (keys::AGENT, root.get("agent").unwrap()),
        (
            keys::SHELL,
            root.get("agent").unwrap().get("shell").unwrap(),
        ),
    ] {
        for key in table {
            assert!(
                node.get(key.name).is_some(),
                "{} is not in the example",
                key.name
            );
        }
    }
    for alias in keys::MODEL
        .iter()
        .chain(keys::ENTRY)
        .chain(keys::AGENT)
        .flat_map(|k| k.aliases)
    {
        assert!(
            text.contains(&format!("`{alias}`")),
            "the alias {alias} is not in the example"
        );
    }
}

#[test]
fn what_init_writes_is_read_again() {
    let text = template::render(&Flags::default());
    let problems = Case::new(&text).problems();
    assert!(
        problems.contains("`<model>`") && problems.contains("`<endpoint>`"),
        "{problems}"
    );
    let flags = Flags {
        model: Some("4.10".into()),
        base_url: Some("https://r.example/v1".into()),
        api_key_env: Some("K".into()),
        recovery: Some(Mode::Inline),
        ..Flags::default()
    };
    let case = Case::new(&template::render(&flags)).var("K", "k");
    let settings = case.settings();
    assert_eq!(
        (settings.model.as_str(), key(&settings)),
        ("4.10", Some("k"))
    );
    assert_eq!(settings.options.mode.unwrap().value, Mode::Inline);
    assert!(case.remarks().is_empty(), "{:?}", case.remarks());
}

#[test]
fn show_never_shows_a_secret() {
    let text = "model: {provider: custom, default: m, base_url: 'https://me:hunter2@r.example/v1?k=secret1', api_key: secret2, extra_headers: {X: secret3}, extra_body: {a: '${S}'}}";
    let case = Case::new(text).var("S", "secret4");
    let loaded = case.load();
    let shown = show::yaml(&loaded, &case.env()) + &show::json(&loaded, &case.env()).to_string();
    for secret in ["secret", "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("${S}"), "{shown}");
}

#[test]
fn the_gateways_section() {
    let case = Case::new(
        "serve:\n  listen: '[::1]:9000'\n  drain: 5\n  commitAfter: 250 ms\n  allow_origins: http://localhost:3000\n  \
         record: ~/records\n  limits: {body: 1 MiB, streams: 7, write_stall: 2 m}\n",
    );
    let serve = case.load().serve;
    assert_eq!(serve.listen.as_ref().unwrap().value, "[::1]:9000");
    let limits = serve.limits();
    assert_eq!(
        (limits.body, limits.streams, limits.headers),
        (1 << 20, 7, 32 << 10)
    );
    assert_eq!(
        (
            limits.commit_after.as_millis(),
            limits.write_stall.as_secs()
        ),
        (250, 120)
    );
    let record = serve.recording().unwrap();
    assert!(record.dir.is_absolute() && record.dir.ends_with("records"));
    assert_eq!((record.size, record.count), (16 << 20, 100));
    assert!(case.remarks().is_empty());

    let wrong = Case::new(
        "serve:\n  lisen: x\n  record: {dir: d, count: 0}\n  limits: {body: 3, heartbeat: 0, streams: many}\n",
    );
    let loaded = wrong.load();
    let problems: Vec<String> = loaded.problems.iter().map(Problem::headline).collect();
    for key in [
        "serve.record.count",
        "serve.limits.body",
        "serve.limits.heartbeat",
        "serve.limits.streams",
    ] {
        assert!(
            problems.iter().any(|problem| problem.contains(key)),
            "{key} {problems:?}"
        );
    }
    assert!(wrong.remarks()[0].contains("`serve.lisen` (did you mean `listen`?)"));
}

#[test]
fn approvals_keep_their_order_and_say_what_is_wrong() {
    let text =
        "agent:\n  approval:\n    shell(git *): allow\n    shell(git push*): Deny\n    '*': ask\n";
    let rules = Case::new(text).load().agent.rules();
    let shown: Vec<_> = rules
        .iter()
        .map(|rule| (rule.tool.as_str(), rule.subject.as_deref(), rule.permission))
        .collect();
    use respair_agent::Permission::{Allow, Ask, Deny};
    assert_eq!(
        shown,
        [
            ("shell", Some("git *"), Allow),
            ("shell", Some("git push*"), Deny),
            ("*", None, Ask)
        ]
    );
    let wrong = Case::new(
        "agent: {approval: {shell: alow, 'a b': ask}, tools: [shel], max_steps: 0}\nmcp_servers: {a b: {command: x}, c: {}, d: {command: x, url: y}}\n",
    );
    let problems: String = wrong
        .load()
        .problems
        .iter()
        .map(|problem| format!("{problem}\n"))
        .collect();
    for said in [
        "agent.approval.shell: expected one of ask, allow, deny (did you mean `allow`?)",
        "agent.approval.a b: expected a tool",
        "agent.tools: no tool is called `shel` (did you mean `shell`?)",
        "agent.max_steps: expected a whole number from 1 to 10000",
        "mcp_servers.a b: a server's name is made of",
        "mcp_servers.c: has neither `command` nor `url`",
        "mcp_servers.d: has both `command` and `url`",
    ] {
        assert!(problems.contains(said), "{said} is not in\n{problems}");
    }
}

#[test]
fn servers_are_read_and_their_secrets_are_masked() {
    let text = "mcp_servers:\n  files: {command: npx, args: [-y, '${S}'], env: {K: '${S}'}}\n  net: {url: 'https://me:secret1@m.example/mcp', headers: {A: secret2}, enabled: false}\n";
    let case = Case::new(text).var("S", "secret3");
    let loaded = case.load();
    let servers = &loaded.agent.servers.as_ref().unwrap().value;
    assert!(matches!(&servers[0].reach, Reach::Command { args, env, .. }
        if args[1] == "secret3" && env[0].1.expose_secret() == "secret3"));
    assert!(matches!(&servers[1].reach, Reach::Url { headers, .. } if headers.len() == 1));
    assert!(!servers[1].enabled);
    let shown = show::yaml(&loaded, &case.env()) + &show::json(&loaded, &case.env()).to_string();
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn endpoints_that_stand_in_by_name_and_by_block() {
    let text = "model: {provider: custom, default: m, base_url: 'https://a.example/v1', api_key: ka}\nproviders: {b: {api: 'https://b.example/v1', api_key: kb}}\nagent:\n  fallback:\n    - b\n    - {provider: custom, base_url: 'https://c.example/v1', default: mc}\n    - nowhere\n";
    let case = Case::new(text);
    let env = case.env();
    let at = |at: usize| {
        let mut loaded = load_fallback(None, at, &env);
        let model = loaded.options.model.clone();
        loaded.options.model = model.or(case.load().options.model);
        loaded.settings(&env)
    };
    let (b, c) = (at(0).unwrap(), at(1).unwrap());
    assert_eq!(
        (b.base_url.as_str(), b.model.as_str(), key(&b)),
        ("https://b.example/v1", "m", Some("kb"))
    );
    // The first one's key is not sent to another address.
    assert_eq!(
        (c.base_url.as_str(), c.model.as_str(), key(&c)),
        ("https://c.example/v1", "mc", None)
    );
    assert!(matches!(at(2), Err(Unusable::Problems(_))));
}
