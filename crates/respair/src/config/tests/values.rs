//! Values: where they may come from, and what is wrong with them.

use super::*;

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
        (b"model:\n  default: m\n api_key: k\n", "indented as those"),
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
    assert!(Case::bytes(&big).problems().contains("larger than 1 MiB"));
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

/// Efforts are the models' own words: one that looks misspelt is told, and asked for.
#[test]
fn an_effort_that_is_nearly_a_usual_one() {
    let text = |effort: &str| {
        Case::new(&format!(
            "model:\n  provider: custom\n  default: m\n  base_url: https://r.example\n  reasoning_effort: {effort}\n"
        ))
    };
    let case = text("hgih");
    assert!(case.load().settings(&case.env()).is_ok());
    let told = "`model.reasoning_effort` is `hgih` (line 5: did you mean `high`?)";
    assert!(case.remarks()[0].contains(told), "{:?}", case.remarks());
    for effort in ["high", "none", "ultra"] {
        assert!(text(effort).remarks().is_empty(), "{effort}");
    }
}
