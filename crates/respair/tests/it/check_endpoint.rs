//! `check` on an endpoint: what is sent, what is said, exit codes, formats, secrets.

use respair_faults::{Relay, Request, Script, Step, obedient, scenario};
use serde_json::{Value, json};

use crate::bin::{Home, playing, relay};
use crate::schema::fault;

fn url(relay: &Relay) -> String {
    format!("{}/v1", relay.base_url())
}

fn asked(relay: &Relay) -> usize {
    relay.requests().len() + relay.other_requests().len()
}

fn schema(name: &str) -> Value {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The report, which follows its schema, and each stream's the other.
fn report(out: &str) -> Value {
    let report: Value = serde_json::from_str(out).unwrap();
    let (whole, stream) = (
        schema("check-endpoint.schema.json"),
        schema("report.schema.json"),
    );
    assert_eq!(fault(&whole, &whole, &report), None, "{report:#}");
    for probe in report["probes"].as_array().unwrap() {
        if !probe["report"].is_null() {
            assert_eq!(fault(&stream, &stream, &probe["report"]), None, "{probe:#}");
        }
    }
    report
}

#[test]
fn an_endpoint_that_conforms() {
    let relay = playing(obedient);
    let home = Home::seed("custom", &relay);
    let done = home
        .run(&["check"])
        .exits(0)
        .says("this sends 9 requests to ");
    assert!(
        done.err.contains("with your key (model gpt-5.4)"),
        "{}",
        done.err
    );
    assert!(
        done.out
            .contains("  portable        conforms\n  requests        9: 9 ok\n"),
        "{}",
        done.out
    );
    assert_eq!(asked(&relay), 9);
    let models = relay
        .requests()
        .iter()
        .filter_map(|asked| asked.field("model"))
        .collect::<Vec<_>>();
    assert_eq!(models.iter().filter(|model| *model == "gpt-5.4").count(), 7);

    let done = home.run(&["check", "--json", "-q"]).exits(0);
    assert_eq!(done.err, "");
    let report = report(&done.out);
    assert_eq!(
        (&report["conforming"], &report["requests"]),
        (&json!(true), &json!(9))
    );
    let probes = report["probes"].as_array().unwrap();
    assert!(
        probes
            .iter()
            .all(|probe| probe["outcome"] == "done" && probe["findings"] == json!([]))
    );
    let streams = probes.iter().filter(|probe| !probe["report"].is_null());
    assert_eq!(
        streams
            .map(|probe| probe["name"].as_str().unwrap())
            .collect::<Vec<_>>(),
        [
            "text",
            "tool-call",
            "output-limit",
            "parallel-calls",
            "reasoning"
        ]
    );
    let quiet = home.run(&["check", "-q"]).exits(0);
    assert_eq!(
        (quiet.err.as_str(), quiet.out.lines().count()),
        ("", 3),
        "{}",
        quiet.out
    );
    let markdown = home
        .run(&["check", "-q", "--format", "markdown"])
        .exits(0)
        .out;
    assert!(
        markdown.contains(" conforms to `portable`\n") && markdown.contains("| text | 200 |"),
        "{markdown}"
    );
}

/// A scenario, the code that is found, and the probes that show it.
type Row = (&'static str, &'static str, &'static [&'static str]);

const STREAMS: &[&str] = &[
    "text",
    "tool-call",
    "output-limit",
    "parallel-calls",
    "reasoning",
];

const ROWS: &[Row] = &[
    ("no-created", "created-missing", STREAMS),
    ("index-missing", "output-index-missing", STREAMS),
    ("crlf", "crlf", STREAMS),
    ("content-type-json", "content-type", STREAMS),
    ("hold-after-terminal", "held-open", STREAMS),
    ("cut-after-terminal", "chunked-end-missing", STREAMS),
    (
        "refused-in-stream",
        "in-band-error",
        &["wrong-model", "wrong-key"],
    ),
    ("sse-for-json", "sse-instead-of-json", &["stream-false"]),
    ("tool-choice-ignored", "tool-choice-ignored", &["tool-call"]),
    (
        "limit-completed",
        "truncation-reported-as-completed",
        &["output-limit"],
    ),
    (
        // What was cut by its limit ends as it should.
        "eof-after-item-done",
        "terminal-missing",
        &["text", "tool-call", "parallel-calls", "reasoning"],
    ),
    ("html", "html-instead-of-sse", STREAMS),
];

#[test]
fn endpoints_that_do_not() {
    for (name, code, probes) in ROWS {
        let relay = relay(name);
        let home = Home::new();
        let done = home
            .run(&["check", &url(&relay), "--model", "m", "--json"])
            .exits(1);
        let report = report(&done.out);
        assert_eq!(report["conforming"], false, "{name}");
        let shows = |probe: &&Value| {
            let lists = [&probe["findings"], &probe["report"]["violations"]];
            let mut all = lists.iter().filter_map(|list| list.as_array()).flatten();
            all.any(|found| found["code"] == *code && found["severity"] == "violation")
        };
        let showing: Vec<&str> = report["probes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(shows)
            .map(|probe| probe["name"].as_str().unwrap())
            .collect();
        assert_eq!(showing, *probes, "{name}: {code}");
        // Said once, whatever shows it.
        let text = home.run(&["check", &url(&relay), "--model", "m"]).exits(1);
        assert_eq!(
            text.out.matches(&format!("violation: {code}\n")).count(),
            1,
            "{}",
            text.out
        );
    }
}

#[test]
fn within_a_bound() {
    let relay = playing(obedient);
    let home = Home::new();
    let done = home
        .run(&["check", &url(&relay), "--model", "m", "--max-requests", "3"])
        .exits(0);
    assert_eq!(asked(&relay), 3);
    assert!(
        done.err.contains("this sends 3 requests to "),
        "{}",
        done.err
    );
    assert!(done.err.contains("`--max-requests` leaves out stream-false, parallel-calls, reasoning, wrong-model, wrong-key and models"), "{}", done.err);
    assert!(
        done.out.contains("  not asked       stream-false, "),
        "{}",
        done.out
    );
    home.run(&["check", &url(&relay), "--max-requests", "0"])
        .exits(2);
    assert_eq!(asked(&relay), 3);
}

#[test]
fn nothing_is_asked_of_a_door_that_stays_shut() {
    let home = Home::new();
    for (name, says, help) in [
        (
            "http-401",
            "could not be checked: HTTP 401: Incorrect API key provided.",
            "help: no key is configured",
        ),
        ("http-404", "could not be checked: HTTP 404", "help: "),
        (
            "http-503",
            "could not be checked: HTTP 503",
            "help: ask again later",
        ),
    ] {
        let relay = relay(name);
        let done = home
            .run(&["check", &url(&relay), "--model", "m"])
            .exits(2)
            .says(says)
            .says(help);
        assert_eq!((done.out.as_str(), asked(&relay)), ("", 1), "{name}");
        let done = home
            .run(&["check", &url(&relay), "--model", "m", "--json"])
            .exits(2);
        assert_eq!(report(&done.out)["conforming"], Value::Null);
    }
    let done = home
        .run(&["check", "http://127.0.0.1:1/v1", "--model", "m"])
        .exits(2);
    assert_eq!(done.out, "");
    assert!(done.err.ends_with("error: http://127.0.0.1:1/v1 could not be checked: no connection to 127.0.0.1:1: connection refused\nhelp: is the endpoint running, and is `base_url` right?\n"), "{}", done.err);
}

#[test]
fn a_model_nobody_named() {
    let home = Home::new();
    let relay = playing(obedient);
    let pasted = format!("{}/responses", url(&relay));
    let done = home
        .run(&["check", &pasted, "--max-requests", "2"])
        .exits(0);
    done.says("TARGET: the trailing `/responses` is left out")
        .says("the model is relay-model, the first that is listed");
    assert_eq!(
        relay.requests()[0].field("model"),
        Some(json!("relay-model"))
    );

    struct Nothing;
    impl respair_faults::Answer for Nothing {
        fn answer(&self, request: &Request) -> Script {
            obedient(request)
        }
        fn other(&self, _: &Request) -> Option<Script> {
            Some(Script::status(404))
        }
    }
    let relay = playing(Nothing);
    let done = home.run(&["check", &url(&relay)]).exits(2);
    done.says("no model is known: GET ")
        .says("help: name one: `respair check URL --model NAME`");
    assert!(relay.requests().is_empty());
    home.run(&["check"])
        .exits(2)
        .says("no endpoint is configured");
}

/// One probe is busy: the rest counts, and the check says that it is not whole.
#[test]
fn what_could_not_be_checked() {
    let relay = playing(|request: &Request| match request.field("reasoning") {
        Some(_) => Script::error(429, "rate_limit_error", None, "Slow down."),
        None => obedient(request),
    });
    let home = Home::new();
    let done = home.run(&["check", &url(&relay), "--model", "m"]).exits(2);
    assert!(
        done.out
            .contains("not everything could be checked\n  requests        9: 8 ok, 1 undecided\n"),
        "{}",
        done.out
    );
    done.says("error: reasoning could not be checked: HTTP 429: Slow down.\n");
}

#[test]
fn keys_stay_where_they_belong_and_are_not_shown() {
    let echo = |request: &Request| {
        let sent = format!("{:?} {}", request.headers, request.path);
        match request.field("reasoning") {
            Some(_) => Script::error(400, "invalid_request_error", None, &sent),
            None => scripted(request, "no-created"),
        }
    };
    let (configured, other) = (playing(echo), playing(echo));
    let home = Home::seed("custom", &configured);
    let with_secrets = url(&other).replace("://", "://me:hunter2-secret@") + "?code=query-secret";
    for format in ["terminal", "json", "markdown"] {
        for target in [None, Some(with_secrets.as_str())] {
            let trace = home.path("trace.sse");
            let mut command =
                home.command(&["check", "--format", format, "--model", "m", "--trace"]);
            let output = command.arg(&trace).args(target).output().unwrap();
            let traced = std::fs::read_to_string(&trace).unwrap();
            let shown =
                String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(
                !shown.contains("-secret") && !traced.contains("-secret"),
                "{shown}\n{traced}"
            );
            assert!(traced.contains("\n: respair attempt 2\n"), "{traced}");
        }
    }
    let keys = |relay: &Relay| {
        relay
            .requests()
            .iter()
            .filter(|asked| asked.header("authorization") == Some("Bearer sk-test-secret"))
            .count()
    };
    assert_eq!((keys(&configured), keys(&other)), (21, 0));
}

#[test]
fn streams_that_come_at_once_are_told() {
    let relay = playing(*scenario("buffered").unwrap());
    let done = Home::new()
        .run(&["check", &url(&relay), "--model", "m", "--max-requests", "1"])
        .exits(0);
    assert!(
        done.out
            .contains("info: buffered\nThe whole text came within "),
        "{}",
        done.out
    );
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it() {
    use crate::streams::block_on;
    let relay = playing(|request: &Request| match request.field("tools") {
        Some(_) => obedient(request).after_first("response.created", Step::HoldOpen),
        None => obedient(request),
    });
    let home = Home::new();
    let mut command = home.command(&["check", &url(&relay), "--model", "m"]);
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    block_on(relay.wait_for_requests(2));
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    block_on(relay.wait_peer_closed());
    let done = crate::bin::Done::of(child.wait_with_output().unwrap()).exits(130);
    assert_eq!(done.out, "");
    done.says("interrupted at request 2, tool-call");
}

fn scripted(request: &Request, name: &str) -> Script {
    respair_faults::Answer::answer(scenario(name).unwrap(), request)
}
