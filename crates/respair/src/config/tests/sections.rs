//! The sections beside `model:`, what `config init` writes, and what `config show` shows.

use super::*;

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
fn the_example_lists_every_key_with_its_default() {
    let text = include_str!("../../../../../respair.example.yaml");
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
            first: true,
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
        "serve:\n  listen: '[::1]:9000'\n  threads: 2\n  drain: 5\n  commitAfter: 250 ms\n  allow_origins: http://localhost:3000\n  \
         record: ~/records\n  limits: {body: 1 MiB, streams: 7, write_stall: 2 m}\n",
    );
    let serve = case.load().serve;
    assert_eq!(serve.listen.as_ref().unwrap().value, "[::1]:9000");
    assert_eq!(serve.threads.as_ref().unwrap().value, 2);
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
        "serve:\n  lisen: x\n  threads: 0\n  record: {dir: d, count: 0}\n  limits: {body: 3, heartbeat: 0, streams: many}\n",
    );
    let loaded = wrong.load();
    let problems: Vec<String> = loaded.problems.iter().map(Problem::headline).collect();
    for key in [
        "serve.threads",
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
    assert!(wrong.remarks()[0].contains("`serve.lisen` (line 2: did you mean `listen`?)"));
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
        "agent: {approval: {shell: alow, 'a b': ask}, tools: [shel], max_steps: 0}\nmcp_servers: {a b: {command: x}, c: {}, d: {command: x, url: y}, e: npx, f: {command: npx server .}, g: {command: /opt/a b/c}}\n",
    );
    let problems = all(&wrong);
    for said in [
        "agent.approval.shell: expected one of ask, allow, deny (did you mean `allow`?)",
        "agent.approval.a b: expected a tool",
        "agent.tools: no tool is called `shel` (did you mean `shell`?)",
        "agent.max_steps: expected a whole number from 1 to 10000",
        "mcp_servers.a b: a server's name is made of",
        "mcp_servers.c: has neither `command` nor `url`",
        "mcp_servers.d: has both `command` and `url`",
        "mcp_servers.e: expected a block with `command` and `args`, or with `url`, found text",
        "mcp_servers.f.command: has 2 arguments behind `npx`: they belong into `args`",
    ] {
        assert!(problems.contains(said), "{said} is not in\n{problems}");
    }
    assert!(!problems.contains("mcp_servers.g"), "{problems}");
    // What is no block is told once.
    assert_eq!(problems.matches("mcp_servers.e").count(), 1, "{problems}");
}

fn all(case: &Case) -> String {
    let loaded = case.load();
    let problems = loaded.problems.iter();
    problems.map(|problem| format!("{problem}\n")).collect()
}

/// A refusal that is misspelt would refuse nothing.
#[test]
fn rules_for_tools_that_cannot_be_are_problems() {
    for (rule, said) in [
        ("shel", "`shel` (did you mean `shell`?)"),
        ("shel(git push*)", "`shel` (did you mean `shell`?)"),
        ("writefile", "`writefile` (did you mean `write_file`?)"),
        ("web_*", "`web_*`; there are: shell"),
        ("mcp__fiels__*", "`fiels` (did you mean `files`?)"),
        ("mcp__fiels__read", "`fiels` (did you mean `files`?)"),
    ] {
        let problems = all(&Case::new(&format!(
            "agent: {{approval: {{'{rule}': deny}}}}\nmcp_servers: {{files: {{command: x}}, a__b: {{command: x}}}}\n"
        )));
        let told = problems.contains(&format!("agent.approval.{rule}: no"));
        assert!(told && problems.contains(said), "{rule}: {problems}");
    }
    for rule in [
        "*",
        "m*",
        "*_file",
        "mcp__*",
        "mcp__files__*",
        "mcp__files__r(x)",
        "mcp__f*",
        "mcp__other__x",
        "mcp__a__b__c",
        "mcp__a__*",
    ] {
        let case = Case::new(&format!(
            "agent: {{approval: {{'{rule}': deny}}}}\nmcp_servers: {{files: {{command: x}}, a__b: {{command: x}}}}\n"
        ));
        assert_eq!(all(&case), "", "{rule}");
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
    let text = "model: {provider: custom, default: m, base_url: 'https://a.example/v1', api_key: ka}\nproviders: {b: {api: 'https://b.example/v1', api_key: kb}}\nagent:\n  fallback:\n    - b\n    - {provider: custom, base_url: 'https://c.example/v1', default: mc}\n    - nowhere\n    - {provider: custom}\n";
    let case = Case::new(text);
    let env = case.env();
    let model = case.load().options.model;
    let at = |at: usize| fallback(None, at, model.as_ref(), &env);
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
    let wrong = |n| match at(n) {
        Err(problems) => problems.iter().map(Problem::headline).collect::<String>(),
        Ok(_) => "nothing".to_owned(),
    };
    assert!(wrong(2).contains("agent.fallback[2]: no provider is called `nowhere`"));
    assert!(wrong(3).contains("agent.fallback[3]: provider `custom` has no base_url"));
}
