//! `run --json` against its schema, for every scenario that ends by itself.

use serde_json::Value;

use crate::bin::{Home, relay, seed};
use crate::schema;

/// The lines, each held against the schema.
pub fn lines(out: &str) -> Vec<Value> {
    let root: Value =
        serde_json::from_str(include_str!("../../../../docs/run-events.schema.json")).unwrap();
    out.lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            if let Some(fault) = schema::fault(&root, &root, &value) {
                panic!("{fault}\n{line}");
            }
            value
        })
        .collect()
}

fn joined(lines: &[Value], kind: &str) -> String {
    lines
        .iter()
        .filter(|l| l["type"] == kind)
        .filter_map(|l| l["text"].as_str())
        .collect()
}

#[test]
fn every_line_follows_the_schema_and_the_last_is_the_end() {
    let skipped = ["stall", "forever", "endless", "-once"];
    for scenario in respair_faults::scenarios() {
        if skipped.iter().any(|s| scenario.name().contains(s)) {
            continue;
        }
        let relay = relay(scenario.name());
        let home = Home::with_config(&format!(
            "recovery: {{mode: inline, max_requests: 1}}\n{}",
            seed("custom", &relay)
        ));
        let done = home.run(&["run", "hi", "--json"]);
        let lines = lines(&done.out);
        let name = scenario.name();
        assert_eq!(lines[0]["type"], "turn.started", "{name}");
        let last = lines.last().unwrap();
        let code = match last["type"].as_str().unwrap() {
            "turn.completed" => 0,
            "turn.failed" => 1,
            "turn.truncated" => 3,
            "turn.incomplete" => 4,
            other => panic!("{name}: {other}"),
        };
        assert_eq!(done.code, code, "{name}");
        assert_eq!(
            lines
                .iter()
                .filter(|l| l["type"].as_str().unwrap().starts_with("turn."))
                .count(),
            2,
            "{name}"
        );
        // What was shown live is what the end says, also when the end is a bad one.
        assert_eq!(joined(&lines, "text.delta"), last["text"], "{name}");
        assert_eq!(
            joined(&lines, "reasoning.delta"),
            last["reasoning"],
            "{name}"
        );
        assert_eq!(
            last["error"].is_null(),
            matches!(code, 0 | 4),
            "{name}: {last}"
        );
    }
}

#[test]
fn recovery_is_told() {
    let relay = relay("no-created");
    let home = Home::seed("custom", &relay);
    let out = home.run(&["run", "hi", "--json"]).exits(0).out;
    let actions: Vec<Value> = lines(&out)
        .into_iter()
        .filter(|l| l["type"] == "recovery")
        .collect();
    let told: Vec<_> = actions
        .iter()
        .map(|a| {
            (
                a["action"].as_str().unwrap(),
                a["code"].as_str().unwrap(),
                a["event"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("retry", "created-missing", Some(0)),
            ("fallback", "created-missing", Some(0))
        ]
    );
    let last = lines(&out).pop().unwrap();
    assert_eq!(
        (last["upstream_requests"].as_u64(), last["path"].as_str()),
        (Some(2), Some("tolerant"))
    );
    let again = lines(&home.run(&["run", "hi", "--json"]).exits(0).out);
    assert!(
        again.iter().any(|l| l["action"] == "remembered"),
        "{again:?}"
    );
}

#[test]
fn an_item_with_line_breaks_stays_one_line() {
    let item = "{\n  \"type\": \"message\",\r\n  \"id\": \"msg_1\", \"role\": \"assistant\", \"status\": \"completed\",\n  \"content\": []\n}";
    let added = item.replace("completed", "in_progress");
    let mut body = String::new();
    for (name, fields) in [
        ("response.created", r#""response":{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"in_progress","output":[]}"#.to_owned()),
        ("response.output_item.added", format!("\"output_index\":0,\"item\":{added}")),
        ("response.output_item.done", format!("\"output_index\":0,\"item\":{item}")),
        ("response.completed", format!("\"response\":{{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"model\":\"m\",\"status\":\"completed\",\"output\":[{item}]}}")),
    ] {
        let json = format!("{{\"type\":\"{name}\",{fields}}}").replace("\r\n", "\n").replace('\n', "\ndata: ");
        body.push_str(&format!("event: {name}\ndata: {json}\n\n"));
    }
    let relay = crate::bin::playing(respair_faults::Script::replay(body));
    let out = Home::seed("custom", &relay)
        .run(&["run", "hi", "--json"])
        .exits(0)
        .out;
    let lines = lines(&out);
    let done = lines.iter().find(|l| l["type"] == "item.done").unwrap();
    assert_eq!(done["item"]["id"], "msg_1");
}

#[test]
fn nothing_is_printed_for_a_usage_error() {
    let home = Home::new();
    assert_eq!(home.run(&["run", "hi", "--json"]).exits(2).out, "");
}
