//! Configurations of every kind, through the binary.

use crate::bin::{Home, relay, seed};

#[test]
fn init_writes_what_check_then_asks_to_fill_in() {
    let home = Home::new();
    home.run(&["config", "init"]).exits(0);
    let path = home.path(".config/respair/config.yaml");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    home.run(&["config", "init"])
        .exits(2)
        .says("is there already")
        .says("--force");
    let check = home.run(&["config", "check"]).exits(2).out;
    assert!(
        check.contains("`<endpoint>`") && check.contains("`<model>`"),
        "{check}"
    );
    home.run(&["run", "hi"]).exits(2).says("`<endpoint>`");

    let relay = relay("text");
    let url = relay.base_url();
    home.run(&[
        "config",
        "init",
        "--force",
        "--base-url",
        &url,
        "--model",
        "m",
    ])
    .exits(0);
    assert!(
        home.run(&["config", "check"])
            .exits(0)
            .out
            .starts_with("ok: custom")
    );
    home.run(&["run", "hi"]).exits(0);
    let printed = home.run(&["config", "path"]).exits(0).out;
    assert_eq!(printed.trim_end(), path.to_str().unwrap());
}

#[test]
fn one_file_and_never_the_working_directory() {
    let relay = relay("text");
    let home = Home::new();
    for name in [
        "config.yaml",
        "respair.yaml",
        "respair/config.yaml",
        ".respair.yaml",
    ] {
        home.write(name, seed("custom", &relay).as_bytes());
    }
    home.run(&["run", "hi"])
        .exits(2)
        .says("no endpoint is configured")
        .says("export RESPAIR_BASE_URL");
    home.run(&["run", "hi", "--config", "config.yaml"]).exits(0);
    let output = home
        .command(&["run", "hi"])
        .env("RESPAIR_CONFIG", "config.yaml")
        .output()
        .unwrap();
    assert!(output.status.success());
    // A file that is named must be there: the default one does not step in.
    home.write(
        ".config/respair/config.yaml",
        seed("custom", &relay).as_bytes(),
    );
    home.run(&["run", "hi", "--config", "gone.yaml"])
        .exits(2)
        .says("gone.yaml")
        .says("not there");
}

#[test]
fn torture() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for n in 1..20 {
        bomb.push_str(&format!(
            "a{n}: &a{n} [{}]\n",
            vec![format!("*a{}", n - 1); 9].join(",")
        ));
    }
    for bytes in [
        &b"\xff\xff"[..],
        b"model: [",
        b"model:\n\tdefault: x",
        b"- x",
        b"a: b: c",
        b"\0",
        bomb.as_bytes(),
        &vec![b'['; 100_000],
    ] {
        let home = Home::new();
        home.write(".config/respair/config.yaml", bytes);
        let done = home.run(&["run", "hi"]).exits(2);
        assert!(
            done.err.starts_with("error: ~/.config/respair/config.yaml"),
            "{}",
            done.err
        );
    }
    let home = Home::new();
    std::fs::create_dir_all(home.path(".config/respair/config.yaml")).unwrap();
    home.run(&["run", "hi"]).exits(2).says("a directory");
}

#[test]
fn the_environment_and_flags_need_no_file() {
    let relay = relay("text");
    let home = Home::new();
    let output = home
        .command(&["run", "hi"])
        .env("RESPAIR_BASE_URL", relay.base_url())
        .env("RESPAIR_MODEL", "m")
        .env("RESPAIR_API_KEY", "k")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(
        relay.requests()[0].header("authorization"),
        Some("Bearer k")
    );
    home.run(&["run", "hi", "--base-url", &relay.base_url(), "--model", "m"])
        .exits(0);
    assert_eq!(relay.requests()[1].header("authorization"), None);
}

#[test]
fn a_loopback_relay_is_reached_past_any_proxy() {
    let relay = relay("text");
    let home = Home::seed("custom", &relay);
    let mut command = home.command(&["run", "hi"]);
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTPS_PROXY",
    ] {
        command.env(name, "http://127.0.0.1:1/nonsense");
    }
    assert!(command.output().unwrap().status.success());
}

#[test]
fn headers_and_body_of_the_configuration_are_sent() {
    let relay = relay("text");
    let text = seed("custom", &relay)
        + "  extra_headers: {X-Team: '${TEAM}'}\n  extra_body: {metadata: {a: 1}, service_tier: flex}\n  compat: {drop_fields: [store]}\n  reasoning_effort: high\n  max_output_tokens: 64\n";
    let home = Home::with_config(&text);
    let output = home
        .command(&["run", "hi"])
        .env("TEAM", "blue")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let request = &relay.requests()[0];
    let body = request.json().unwrap();
    assert_eq!(request.header("x-team"), Some("blue"));
    assert_eq!(
        (&body["metadata"]["a"], &body["service_tier"]),
        (&1.into(), &"flex".into())
    );
    assert_eq!(
        (&body["reasoning"]["effort"], &body["max_output_tokens"]),
        (&"high".into(), &64.into())
    );
    assert!(body.get("store").is_none());
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Home::new().run(&["completions", shell]).exits(0).out;
        assert!(
            script.contains("respair") && script.contains("recovery"),
            "{shell}"
        );
    }
}

/// One short notice for all that is not respair's, and no advice about keys that are rightly spelt.
#[test]
fn a_whole_hermes_configuration() {
    let relay = relay("text");
    let others = [
        "approvals",
        "browser",
        "checkpoints",
        "compression",
        "delegation",
        "display",
        "fallback_model",
        "logging",
        "memory",
        "platforms",
        "security",
        "skills",
        "stt",
        "terminal",
        "timezone",
        "toolsets",
        "tts",
        "web",
    ];
    let others: String = others
        .iter()
        .map(|key| format!("{key}: {{a: 1}}\n"))
        .collect();
    let config = format!(
        "{others}agent: {{max_turns: 60, verbose: false}}\nmcp_servers: {{files: {{command: no-such-server, args: [a]}}}}\nmodel:\n  provider: custom:mine\n  default: m\n  openai_runtime: x\n  base_ulr: x\ncustom_providers:\n  - name: mine\n    base_url: {}/v1\n    models: {{m: {{stale_timeout_seconds: 3}}}}\n    rate_limit_delay: 1\n    discover_models: false\n    request_timeout_seconds: 9\n",
        relay.base_url()
    );
    let home = Home::with_config(&config);
    let done = home.run(&["run", "hi"]).exits(0);
    let notices: Vec<&str> = done
        .err
        .lines()
        .filter(|l| l.starts_with("notice: "))
        .collect();
    assert_eq!(
        notices,
        [
            "notice: ~/.config/respair/config.yaml: not respair's, ignored: `model.base_ulr` (line 25: did you mean `base_url`?), `approvals`, `browser`, `checkpoints` and 21 more (`respair config check` lists them)"
        ]
    );
    for args in [&["config", "check"][..], &["run", "hi", "-v"]] {
        let done = home
            .run(args)
            .exits(0)
            .says("`custom_providers[0].models`")
            .says("`web`");
        assert_eq!(done.err.matches("did you mean").count(), 1, "{}", done.err);
    }
}

#[test]
fn the_wrong_api_mode_says_what_to_do() {
    let home = Home::with_config(
        "model: {provider: 'custom:mine', default: m}\ncustom_providers:\n  - {name: mine, base_url: 'https://relay.example/v1', api_mode: chat_completions}\n",
    );
    home.run(&["run", "hi"])
        .exits(2)
        .says("custom_providers[0].api_mode: `chat_completions` is not supported")
        .says("help: set `api_mode: codex_responses` if ");
}

#[test]
fn a_placeholder_is_shown_as_what_it_is() {
    for (address, shown) in [
        ("https://<endpoint>/v1", "https://<endpoint>/v1"),
        ("https://me:secret@<endpoint>/v1", "https://<endpoint>/v1"),
        ("<endpoint>", "<endpoint>"),
    ] {
        let home = Home::with_config(&format!("model: {{base_url: '{address}'}}\n"));
        let done = home.run(&["config", "show"]).exits(0);
        let line = done.out.lines().find(|l| l.contains("base_url:")).unwrap();
        assert!(
            line.contains(shown) && !done.out.contains("secret"),
            "{}",
            done.out
        );
    }
}

#[test]
fn what_init_writes_has_its_comments_in_one_column() {
    for (flags, out) in [
        (&[][..], 0),
        (&["--recovery", "inline", "--api-key-env", "K"], 0),
        (
            &[
                "--base-url",
                "https://a-relay-with-a-rather-long-name.example/v1",
            ],
            1,
        ),
    ] {
        let home = Home::new();
        let args: Vec<&str> = ["config", "init"].iter().chain(flags).copied().collect();
        home.run(&args).exits(0);
        let text = std::fs::read_to_string(home.path(".config/respair/config.yaml")).unwrap();
        let columns: Vec<usize> = text.lines().filter_map(|line| line.find("   # ")).collect();
        let common = columns[0];
        let others = columns.iter().filter(|column| **column != common);
        assert!(columns.len() >= 7 && others.count() == out, "{text}");
    }
}
