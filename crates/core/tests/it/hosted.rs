//! Hosted tools, refusals, annotations: every event family of the protocol, as the services send it and as relays do.

use respair_core::{Ending, Profile};
use respair_faults::Stream;
use respair_faults::ev::{self, Ev, Item};
use serde_json::{Value, json};

use crate::run::{strict, tolerant};

/// A hosted tool: its item as it is added, the events of it, and the item as it is done.
struct Tool {
    added: Value,
    events: Vec<(&'static str, Value)>,
    done: Value,
}

fn tool(added: Value, events: &[(&'static str, Value)], done: Value) -> Tool {
    let mut whole = added.clone();
    for (key, value) in done.as_object().unwrap() {
        whole[key] = value.clone();
    }
    Tool {
        added,
        events: events.to_vec(),
        done: whole,
    }
}

/// One of each type, in the form in which the native service sends it.
fn tools() -> Vec<Tool> {
    let none = || json!({});
    let item = |kind: &str, id: &str| json!({ "type": kind, "id": id, "status": "in_progress" });
    let with = |mut item: Value, more: Value| {
        for (key, value) in more.as_object().unwrap() {
            item[key] = value.clone();
        }
        item
    };
    let completed = || json!({ "status": "completed" });
    vec![
        tool(
            item("web_search_call", "ws_1"),
            &[
                ("web_search_call.in_progress", none()),
                ("web_search_call.searching", none()),
                ("web_search_call.completed", none()),
            ],
            json!({ "status": "completed", "action": { "type": "search", "query": "q" } }),
        ),
        tool(
            with(
                item("file_search_call", "fs_1"),
                json!({ "queries": [], "results": null }),
            ),
            &[
                ("file_search_call.in_progress", none()),
                ("file_search_call.searching", none()),
                ("file_search_call.completed", none()),
            ],
            json!({ "status": "completed", "queries": ["q"] }),
        ),
        tool(
            with(
                item("code_interpreter_call", "ci_1"),
                json!({ "code": "", "container_id": "cntr_1", "outputs": null }),
            ),
            &[
                ("code_interpreter_call.in_progress", none()),
                (
                    "code_interpreter_call_code.delta",
                    json!({ "delta": "print(", "obfuscation": "x" }),
                ),
                ("code_interpreter_call_code.delta", json!({ "delta": "1)" })),
                (
                    "code_interpreter_call_code.done",
                    json!({ "code": "print(1)" }),
                ),
                ("code_interpreter_call.interpreting", none()),
                ("code_interpreter_call.completed", none()),
            ],
            json!({ "status": "completed", "code": "print(1)" }),
        ),
        tool(
            item("image_generation_call", "ig_1"),
            &[
                ("image_generation_call.in_progress", none()),
                ("image_generation_call.generating", none()),
                (
                    "image_generation_call.partial_image",
                    json!({ "partial_image_index": 0, "partial_image_b64": "iVBORw0KGgo=" }),
                ),
                ("image_generation_call.completed", none()),
            ],
            json!({ "status": "completed", "result": "iVBORw0KGgo=" }),
        ),
        tool(
            json!({ "type": "mcp_list_tools", "id": "mcpl_1", "server_label": "s", "tools": [] }),
            &[
                ("mcp_list_tools.in_progress", none()),
                ("mcp_list_tools.completed", none()),
            ],
            json!({ "tools": [{ "name": "t", "input_schema": {} }] }),
        ),
        tool(
            with(
                item("mcp_call", "mcp_1"),
                json!({ "name": "t", "server_label": "s", "arguments": "" }),
            ),
            &[
                ("mcp_call.in_progress", none()),
                (
                    "mcp_call_arguments.delta",
                    json!({ "delta": "{\"a\":1}", "obfuscation": "xy" }),
                ),
                (
                    "mcp_call_arguments.done",
                    json!({ "arguments": "{\"a\":1}" }),
                ),
                ("mcp_call.completed", none()),
            ],
            json!({ "status": "completed", "arguments": "{\"a\":1}", "output": "o" }),
        ),
        tool(
            with(
                item("mcp_call", "mcp_2"),
                json!({ "name": "t", "server_label": "s", "arguments": "" }),
            ),
            &[
                ("mcp_call.in_progress", none()),
                ("mcp_call.failed", none()),
            ],
            json!({ "status": "failed", "error": "no" }),
        ),
        tool(
            with(
                item("shell_call", "sh_1"),
                json!({ "action": { "commands": [] }, "call_id": "call_sh1" }),
            ),
            &[
                (
                    "shell_call_command.added",
                    json!({ "command": "", "command_index": 0 }),
                ),
                (
                    "shell_call_command.delta",
                    json!({ "command_index": 0, "delta": "ls" }),
                ),
                (
                    "shell_call_command.done",
                    json!({ "command": "ls", "command_index": 0 }),
                ),
            ],
            json!({ "status": "completed", "action": { "commands": ["ls"] } }),
        ),
        tool(
            with(
                item("shell_call_output", "sho_1"),
                json!({ "output": [], "call_id": "call_sh1" }),
            ),
            &[
                (
                    "shell_call_output_content.delta",
                    json!({ "command_index": 0, "delta": { "stdout": "a" } }),
                ),
                (
                    "shell_call_output_content.done",
                    json!({ "command_index": 0, "output": [{ "stdout": "a", "stderr": "" }] }),
                ),
            ],
            json!({ "status": "completed", "output": [{ "stdout": "a", "stderr": "" }] }),
        ),
        tool(
            json!({ "type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA" }),
            &[("compaction.compacting", none())],
            json!({}),
        ),
        tool(
            with(
                item("local_shell_call", "lsh_1"),
                json!({ "action": { "type": "exec", "command": [], "env": {} }, "call_id": "call_lsh" }),
            ),
            &[],
            completed(),
        ),
        tool(
            with(
                item("apply_patch_call", "apc_1"),
                json!({ "operation": { "type": "create_file", "path": "a", "diff": "" }, "call_id": "call_apc" }),
            ),
            &[],
            completed(),
        ),
        tool(
            with(
                item("computer_call", "cu_1"),
                json!({ "action": { "type": "screenshot" }, "call_id": "call_cu", "pending_safety_checks": [] }),
            ),
            &[],
            completed(),
        ),
        tool(
            json!({ "type": "mcp_approval_request", "id": "mcpr_1", "arguments": "{}", "name": "t", "server_label": "s" }),
            &[],
            json!({}),
        ),
        tool(
            with(
                item("acme:new_tool_call", "acme_1"),
                json!({ "content": [{ "type": "blob" }] }),
            ),
            &[],
            completed(),
        ),
    ]
}

fn event(tool: &Tool, name: &str, fields: &Value) -> Ev {
    ev::hosted(name, tool.added["id"].as_str().unwrap(), fields)
}

fn stream(tool: &Tool) -> Stream {
    let stream = Stream::new()
        .prelude()
        .push(ev::item_added(Item::raw(tool.added.clone())));
    let events = tool.events.iter();
    stream
        .extend(events.map(|(name, fields)| event(tool, name, fields)))
        .push(ev::item_done(Item::raw(tool.done.clone())))
        .complete()
}

fn kind_of(tool: &Tool) -> &str {
    tool.added["type"].as_str().unwrap()
}

#[test]
fn every_hosted_tool_passes_untouched() {
    for tool in tools() {
        let body = stream(&tool).to_bytes();
        for profile in [Profile::OpenAiSdk, Profile::Portable] {
            let outcome = tolerant(profile, &body);
            assert!(
                outcome.out == body && outcome.violations.is_empty(),
                "{} under {profile}: {:?}",
                kind_of(&tool),
                outcome.violations
            );
        }
        // The specification knows hosted tools as its vendors' own, under their prefix.
        let prefixed = tolerant(Profile::OpenResponses, &body).out;
        let outcome = tolerant(Profile::OpenResponses, &prefixed);
        assert!(outcome.out == prefixed, "{:?}", outcome.repairs);
        let shown = String::from_utf8(prefixed).unwrap();
        for (name, _) in &tool.events {
            assert!(
                shown.contains(&format!("response.{name}\"")),
                "{name}\n{shown}"
            );
        }
        respair_oracle::judge(&body, respair_oracle::Profile::Portable)
            .unwrap_or_else(|faults| panic!("{}: {}", kind_of(&tool), faults[0]));
    }
}

/// The items that come out, and that what comes out is accepted and stays as it is.
fn items(stream: &Stream) -> Vec<Value> {
    let outcome = tolerant(Profile::Portable, &stream.to_bytes());
    let shown = String::from_utf8_lossy(&outcome.out).into_owned();
    assert!(
        matches!(outcome.ending, Some(Ending::Completed { .. })),
        "{:?}\n{shown}",
        outcome.ending
    );
    let refused = strict(Profile::Portable, &outcome.out).refused;
    assert!(refused.is_none(), "{refused:?}\n{shown}");
    respair_oracle::judge(&outcome.out, respair_oracle::Profile::Portable)
        .unwrap_or_else(|faults| panic!("{}\n{shown}", faults[0]));
    let again = tolerant(Profile::Portable, &outcome.out);
    assert!(again.out == outcome.out, "{:?}\n{shown}", again.repairs);
    let output = outcome.response.output.iter();
    output
        .map(|raw| serde_json::from_str(raw.get()).unwrap())
        .collect()
}

#[test]
fn what_a_relay_leaves_out_of_a_hosted_tool() {
    const ADDED: &str = "response.output_item.added";
    const DONE: &str = "response.output_item.done";
    for tool in tools() {
        let whole = stream(&tool);
        let kind = kind_of(&tool);
        for (name, damaged) in [
            ("without added", whole.clone().drop_type(ADDED)),
            ("without done", whole.clone().drop_type(DONE)),
            ("in `output` only", {
                let bare = whole.clone().drop_type(ADDED).drop_type(DONE);
                bare.retain(|ev| !ev.kind().contains("call") && !ev.kind().contains("list_tools"))
            }),
            (
                "without index",
                whole.clone().map(|ev| ev.without("output_index")),
            ),
            (
                "without item id",
                whole.clone().map(|ev| ev.without("item_id")),
            ),
        ] {
            let items = items(&damaged);
            assert_eq!(items, std::slice::from_ref(&tool.done), "{kind} {name}");
        }
    }
}

/// Its events are all that is known of it: the item is opened as the service adds it, or, where nobody can know what it
/// needs, they are dropped.
#[test]
fn a_tool_of_which_only_the_events_come() {
    for tool in tools().iter().filter(|tool| !tool.events.is_empty()) {
        let bare = stream(tool)
            .drop_type("response.output_item.added")
            .drop_type("response.output_item.done")
            .map_type("response.completed", |ev| {
                ev.with("response.output", json!([]))
            });
        let opened = matches!(
            kind_of(tool),
            "web_search_call" | "image_generation_call" | "file_search_call"
        );
        let items = items(&bare);
        assert_eq!(items.len(), usize::from(opened), "{}", kind_of(tool));
        for item in items {
            assert_eq!(item["type"], tool.added["type"]);
            assert_eq!(item["id"], tool.added["id"]);
            assert_eq!(item["status"], "completed");
        }
    }
}

#[test]
fn a_status_goes_to_the_item_of_its_type() {
    let all = tools();
    let (search, image) = (&all[0], &all[3]);
    // Two tools at once, whose events have neither index nor id.
    let two = Stream::new()
        .prelude()
        .push(ev::item_added(Item::raw(search.added.clone())))
        .push(ev::item_added(Item::raw(image.added.clone())).index(1))
        .push(
            event(search, "web_search_call.searching", &json!({}))
                .without("output_index")
                .without("item_id"),
        )
        .push(ev::item_done(Item::raw(search.done.clone())))
        .push(event(search, "web_search_call.completed", &json!({})))
        .push(ev::item_done(Item::raw(image.done.clone())).index(1))
        .complete();
    assert_eq!(items(&two), [search.done.clone(), image.done.clone()]);
    let out = tolerant(Profile::Portable, &two.to_bytes()).out;
    let out = String::from_utf8(out).unwrap();
    assert!(
        !out.contains("web_search_call.completed\ndata"),
        "a status behind its done\n{out}"
    );
    assert!(out.contains("web_search_call.searching"), "{out}");
}

/// A tool that failed and was never closed did not complete.
#[test]
fn a_failed_tool_is_closed_as_failed() {
    let failed = &tools()[6];
    let open = stream(failed)
        .drop_type("response.output_item.done")
        .map_type("response.completed", |ev| {
            ev.with("response.output", json!([]))
        });
    assert_eq!(items(&open)[0]["status"], "failed");
}
