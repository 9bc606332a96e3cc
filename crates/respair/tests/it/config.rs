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
