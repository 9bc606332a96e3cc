#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};

use super::*;

fn converted(body: &Value, refused: &[&str]) -> (Value, Tools, Mends) {
    let refused: Vec<String> = refused.iter().map(|kind| (*kind).to_owned()).collect();
    let known = Known::configured(&refused);
    let text = body.to_string();
    let mut object = Object::parse(&text).unwrap();
    let mut mends = Mends::default();
    let tools = convert(&mut object, &known, &Off::default(), &mut mends);
    let list = super::super::input::items(&object);
    let items: Vec<String> = list
        .into_iter()
        .map(|mut item| {
            tools.item_up(&mut item.object);
            item.object.to_string()
        })
        .collect();
    if !items.is_empty() {
        let items = array(&items);
        object.set("input", items);
    }
    let value = serde_json::from_str(&object.to_string()).unwrap();
    (value, tools, mends)
}

fn function(name: &str, description: &str) -> Value {
    json!({"type": "function", "name": name, "description": description, "strict": false,
        "parameters": serde_json::from_str::<Value>(PARAMETERS).unwrap()})
}

#[test]
fn a_custom_tool_becomes_a_function_with_its_grammar_and_its_history() {
    let body = json!({
        "tools": [
            {"type": "custom", "name": "patch", "description": "Patches.",
             "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"a\"\n"}},
            {"type": "custom", "name": "note", "format": {"type": "text"}},
            {"type": "function", "name": "f", "parameters": {"n": 1.50}},
        ],
        "tool_choice": {"type": "custom", "name": "patch"},
        "input": [
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "patch", "input": "+\"é\"\n", "status": "completed"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
        ],
    });
    let (up, tools, mends) = converted(&body, &["custom"]);
    assert_eq!(
        up,
        json!({
            "tools": [
                function("patch", "Patches.\n\n`input` must follow this grammar (lark):\nstart: \"a\"\n"),
                function("note", ""),
                {"type": "function", "name": "f", "parameters": {"n": 1.50}},
            ],
            "tool_choice": {"type": "function", "name": "patch"},
            "input": [
                {"type": "function_call", "call_id": "c1", "name": "patch", "arguments": "{\"input\":\"+\\\"é\\\"\\n\"}", "status": "completed"},
                {"type": "function_call_output", "call_id": "c1", "output": "Done"},
                {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            ],
        })
    );
    assert!(tools.stuck.is_empty());
    assert!(tools.meant(None, "patch").unwrap().custom);
    assert_eq!(tools.meant(None, "f"), None);
    assert_eq!(
        mends.list(|_| false)[0].to_string(),
        "request-tool-converted:patch+note×2"
    );
}

#[test]
fn tools_of_one_name_are_told_apart() {
    let body = json!({
        "tools": [
            {"type": "custom", "name": "a"}, {"type": "function", "name": "a"},
            {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "a"}, {"type": "custom", "name": "b"}]},
            {"type": "function", "name": "n__a"},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [
            {"type": "function", "name": "a"}, {"type": "custom", "name": "a"}, {"type": "namespace", "name": "n"},
        ]},
        "input": [
            {"type": "custom_tool_call", "call_id": "1", "name": "a", "input": ""},
            {"type": "function_call", "call_id": "2", "name": "a", "arguments": ""},
            {"type": "function_call", "call_id": "3", "namespace": "n", "name": "a", "arguments": ""},
            {"type": "custom_tool_call", "call_id": "4", "namespace": "n", "name": "b", "input": "x"},
            {"type": "function_call", "call_id": "5", "namespace": "gone", "name": "z", "arguments": ""},
        ],
    });
    let (up, tools, _) = converted(&body, &["custom", "namespace"]);
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&up["tools"]), ["a_2", "a", "n__a_2", "n__b", "n__a"]);
    assert_eq!(
        names(&up["tool_choice"]["tools"]),
        ["a", "a_2", "n__a_2", "n__b"]
    );
    assert_eq!(
        names(&up["input"]),
        ["a_2", "a", "n__a_2", "n__b", "gone__z"]
    );
    assert!(
        up["input"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| { item["type"] == "function_call" && item.get("namespace").is_none() })
    );
    let meant = tools.meant(None, "n__a_2").unwrap();
    assert_eq!(
        (
            meant.name.as_str(),
            meant.namespace.as_deref(),
            meant.custom
        ),
        ("a", Some("n"), false)
    );
    assert!(tools.meant(None, "n__b").unwrap().custom);
}

#[test]
fn a_namespace_that_is_taken_keeps_its_converted_tools() {
    let body = json!({
        "tools": [{"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "custom", "name": "b"}]}],
        "input": [{"type": "custom_tool_call", "call_id": "1", "namespace": "n", "name": "b", "input": "x"}],
    });
    let (up, tools, _) = converted(&body, &["custom"]);
    assert_eq!(up["tools"][0]["tools"][0], function("b", ""));
    assert_eq!(up["input"][0]["namespace"], "n");
    assert_eq!(up["input"][0]["type"], "function_call");
    assert!(tools.meant(Some("n"), "b").unwrap().custom);
    assert_eq!(tools.meant(None, "b"), None);
}

#[test]
fn what_is_said_of_a_namespace_is_said_of_its_tools() {
    let body = json!({"tools": [{"type": "namespace", "name": "n", "description": "All of n.", "tools": [
        {"type": "function", "name": "a", "description": "An a.", "parameters": {}}, {"type": "function", "name": "b"},
    ]}]});
    let (up, ..) = converted(&body, &["namespace"]);
    assert_eq!(up["tools"][0]["description"], "All of n.\n\nAn a.");
    assert_eq!(up["tools"][1]["description"], "All of n.");
    let functions: Vec<Value> = (0..100)
        .map(|n| json!({"type": "function", "name": n.to_string()}))
        .collect();
    let said = "x".repeat(10_000);
    let body = json!({"tools": [{"type": "namespace", "name": "n", "description": said, "tools": functions}]});
    let (up, ..) = converted(&body, &["namespace"]);
    assert_eq!(up["tools"][0]["description"], said);
    assert!(up.to_string().len() < 2 * body.to_string().len());
}

const HOSTED: &str = r#"[{"type":"web_search","external_web_access":false},{"type":"tool_search"},{"type":"image_generation"}]"#;

#[test]
fn what_the_upstream_runs_is_left_out_and_what_waited_for_it_is_not() {
    let hosted: Value = serde_json::from_str(HOSTED).unwrap();
    let mut tools = hosted.as_array().unwrap().clone();
    tools.push(json!({"type": "function", "name": "f", "defer_loading": true}));
    let body = json!({"tools": tools, "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}});
    let (up, tools, mends) = converted(&body, &["web_search", "tool_search"]);
    assert_eq!(
        up["tools"],
        json!([{"type": "image_generation"}, {"type": "function", "name": "f"}])
    );
    assert_eq!(up["tool_choice"], "none");
    assert!(tools.stuck.is_empty());
    assert_eq!(
        mends.list(|_| true)[0].to_string(),
        "request-tool-dropped:web_search+tool_search×2(known)"
    );
}

#[test]
fn a_tool_that_is_asked_for_or_run_by_the_client_stays_and_is_named() {
    let refused = [
        "web_search",
        "local_shell",
        "tool_search",
        "computer",
        "shell",
    ];
    for (tools, choice, stuck) in [
        (
            r#"[{"type":"web_search"}]"#,
            r#""required""#,
            "`web_search`",
        ),
        (
            r#"[{"type":"web_search"},{"type":"function","name":"f"}]"#,
            r#"{"type":"web_search"}"#,
            "`web_search`",
        ),
        (
            r#"[{"type":"web_search"},{"type":"function","name":"f"}]"#,
            r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"web_search"}]}"#,
            "`web_search`",
        ),
        (r#"[{"type":"local_shell"}]"#, r#""auto""#, "`local_shell`"),
        (
            r#"[{"type":"tool_search","execution":"client","parameters":{}}]"#,
            r#""auto""#,
            "`tool_search`",
        ),
        (r#"[{"type":"computer"}]"#, r#""auto""#, "`computer`"),
        (
            r#"[{"type":"shell","environment":{"type":"local"}}]"#,
            "null",
            "`shell`",
        ),
        (r#"[{"type":"shell"}]"#, "null", "`shell`"),
    ] {
        let body: Value =
            serde_json::from_str(&format!(r#"{{"tools":{tools},"tool_choice":{choice}}}"#))
                .unwrap();
        let (up, tools, mends) = converted(&body, &refused);
        assert_eq!(up, body);
        assert!(mends.is_empty());
        assert_eq!(tools.stuck.len(), 1, "{body}");
        assert!(tools.stuck[0].starts_with(stuck), "{:?}", tools.stuck);
    }
}

#[test]
fn what_is_switched_off_is_not_done_and_not_stuck() {
    let text = r#"{"tools":[{"type":"custom","name":"a"},{"type":"web_search"}]}"#;
    let known = Known::configured(&["custom".to_owned(), "web_search".to_owned()]);
    let off = Off(vec![TOOL_CONVERTED.to_owned(), TOOL_DROPPED.to_owned()]);
    let mut body = Object::parse(text).unwrap();
    let mut mends = Mends::default();
    let tools = convert(&mut body, &known, &off, &mut mends);
    assert_eq!(body.to_string(), text);
    assert!(tools.is_plain() && tools.stuck.is_empty() && mends.is_empty());
}

#[test]
fn thousands_of_tools_of_one_name_are_no_work() {
    let many: Vec<Value> = (0..TOOLS)
        .map(|_| json!({"type": "custom", "name": "x".repeat(80)}))
        .collect();
    let (up, tools, _) = converted(&json!({"tools": many}), &["custom"]);
    let mut names: Vec<&str> = up["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), tools.meant.len()), (TOOLS, TOOLS));
    assert!(names.iter().all(|name| name.len() <= 64));
    let functions: Vec<Value> = (0..TOOLS)
        .map(|n| json!({"type": "function", "name": n.to_string()}))
        .collect();
    let body = json!({"tools": [{"type": "namespace", "name": "n", "tools": functions}, {"type": "custom", "name": "c"}]});
    let (up, tools, mends) = converted(&body, &["custom", "namespace"]);
    assert_eq!((up, mends.is_empty()), (body, true));
    assert_eq!(tools.stuck, ["list, which has more than 4096 tools"]);
}

#[test]
fn what_is_no_tool_stays() {
    let body = json!({"tools": [7, null, {"type": "custom"}, {"name": "x"}, {"type": "namespace"}, {"type": "namespace", "name": "n", "tools": [1]}], "tool_choice": 3});
    let (up, tools, _) = converted(&body, &["custom", "namespace"]);
    assert_eq!(
        up["tools"],
        json!([7, null, {"type": "custom"}, {"name": "x"}, {"type": "namespace"}, 1])
    );
    assert!(tools.is_plain());
}
