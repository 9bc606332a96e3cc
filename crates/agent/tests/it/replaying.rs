//! What a request carries of what was said (DEVIATIONS, group 8).

use respair_agent::{Body, Entry, StoredItem, Undone, replay};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

const ISSUER: &str = "http://r.example/v1 m 0";

fn entries(items: &[(Value, Option<&str>)]) -> Vec<Entry> {
    let bodies = items.iter().map(|(raw, issuer)| {
        Body::Item(StoredItem {
            raw: to_raw_value(raw).unwrap(),
            issuer: issuer.map(str::to_owned),
        })
    });
    of(bodies.collect())
}

fn of(bodies: Vec<Body>) -> Vec<Entry> {
    let entries = bodies.into_iter().zip(0..);
    entries
        .map(|(body, seq)| Entry {
            seq,
            turn: 1,
            at: 0,
            body,
        })
        .collect()
}

fn user(text: &str) -> (Value, Option<&'static str>) {
    let part = json!({"type": "input_text", "text": text});
    (
        json!({"type": "message", "role": "user", "content": [part]}),
        None,
    )
}

fn own(item: Value) -> (Value, Option<&'static str>) {
    (item, Some(ISSUER))
}

fn foreign(item: Value) -> (Value, Option<&'static str>) {
    (item, Some("elsewhere"))
}

fn message(phase: Option<&str>, content: Value) -> Value {
    let mut item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content});
    if let Some(phase) = phase {
        item["phase"] = json!(phase);
    }
    item
}

fn text(text: &str) -> Value {
    json!([{"type": "output_text", "text": text, "annotations": [{"type": "url_citation"}], "logprobs": []}])
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": "f", "arguments": arguments, "status": "completed"})
}

fn output(id: &str, output: &str) -> (Value, Option<&'static str>) {
    (
        json!({"type": "function_call_output", "call_id": id, "output": output}),
        None,
    )
}

fn reasoning(encrypted: Option<&str>) -> Value {
    json!({"type": "reasoning", "id": "rs_1", "encrypted_content": encrypted, "content": [{"type": "reasoning_text", "text": "secret thoughts"}]})
}

/// A name, what was said, and the shape of what is sent.
type Case = (
    &'static str,
    Vec<(Value, Option<&'static str>)>,
    &'static [&'static str],
);

fn shape(items: &[Value]) -> Vec<String> {
    let shape = items.iter().map(|item| {
        let kind = item["type"].as_str().unwrap();
        let detail = ["role", "call_id"]
            .iter()
            .find_map(|name| item[*name].as_str());
        detail.map_or_else(|| kind.to_owned(), |detail| format!("{kind} {detail}"))
    });
    shape.collect()
}

#[test]
fn each_rule_by_its_item() {
    let cases: [Case; 12] = [
        (
            "a plain exchange",
            vec![user("a"), own(message(None, text("b")))],
            &["message user", "message assistant"],
        ),
        (
            "an empty message",
            vec![
                user("a"),
                own(message(Some("final_answer"), text(""))),
                own(message(None, json!([]))),
            ],
            &["message user"],
        ),
        (
            "commentary of its own",
            vec![user("a"), own(message(Some("commentary"), text("b")))],
            &["message user", "message assistant"],
        ),
        (
            "commentary of another",
            vec![user("a"), foreign(message(Some("commentary"), text("b")))],
            &["message user"],
        ),
        (
            "reasoning before its call",
            vec![
                user("a"),
                own(reasoning(Some("x"))),
                own(call("c", "{}")),
                output("c", "o"),
            ],
            &[
                "message user",
                "reasoning",
                "function_call c",
                "function_call_output c",
            ],
        ),
        (
            "reasoning of another",
            vec![
                user("a"),
                foreign(reasoning(Some("x"))),
                foreign(call("c", "{}")),
                output("c", "o"),
            ],
            &["message user", "function_call c", "function_call_output c"],
        ),
        (
            "reasoning that nobody can read",
            vec![
                user("a"),
                own(reasoning(None)),
                own(reasoning(Some(""))),
                own(message(None, text("b"))),
            ],
            &["message user", "message assistant"],
        ),
        (
            "reasoning with nothing behind it",
            vec![user("a"), own(reasoning(Some("x"))), user("b")],
            &["message user", "message user"],
        ),
        (
            "a call without its output",
            vec![user("a"), own(call("c", "{}")), user("b")],
            &[
                "message user",
                "function_call c",
                "function_call_output c",
                "message user",
            ],
        ),
        (
            "an output without its call",
            vec![user("a"), output("c", "o")],
            &["message user"],
        ),
        (
            "a call and an output twice",
            vec![
                user("a"),
                own(call("c", "{}")),
                own(call("c", "{}")),
                output("c", "1"),
                output("c", "2"),
            ],
            &["message user", "function_call c", "function_call_output c"],
        ),
        (
            "a hosted call",
            vec![
                user("a"),
                own(json!({"type": "web_search_call", "id": "ws_1"})),
                own(message(None, text("b"))),
            ],
            &["message user", "message assistant"],
        ),
    ];
    for (name, items, expected) in cases {
        let input = replay::input(&entries(&items), ISSUER);
        assert_eq!(shape(&input), expected, "{name}");
        for item in &input {
            assert!(
                item.get("id").is_none() && item.get("status").is_none(),
                "{name}"
            );
            assert!(!item.to_string().contains("secret thoughts"), "{name}");
            assert_ne!(item.get("summary"), Some(&Value::Null), "{name}");
        }
    }
}

#[test]
fn a_message_keeps_what_a_request_takes() {
    let items = [user("a"), own(message(Some("commentary"), text("b")))];
    let sent = &replay::input(&entries(&items), ISSUER)[1];
    assert_eq!(
        *sent,
        json!({"type": "message", "role": "assistant", "phase": "commentary", "content": [{"type": "output_text", "text": "b", "annotations": []}]})
    );
    let refusal = message(
        Some("final_answer"),
        json!([{"type": "refusal", "refusal": "no"}]),
    );
    let sent = &replay::input(&entries(&[foreign(refusal)]), ISSUER)[0];
    assert_eq!(
        sent["content"],
        json!([{"type": "refusal", "refusal": "no"}])
    );
    assert!(sent.get("phase").is_none());
}

#[test]
fn arguments_are_an_object_whatever_came() {
    for (came, sent) in [
        ("{\"a\":1}", "{\"a\":1}"),
        ("{ \"a\" : 1.50 }", "{ \"a\" : 1.50 }"),
        ("", "{}"),
        ("  ", "{}"),
        ("{\"a\":", "{\"invalid_arguments\":\"{\\\"a\\\":\"}"),
        ("[]", "{\"invalid_arguments\":\"[]\"}"),
    ] {
        let items = [own(call("c", came)), output("c", "o")];
        let input = replay::input(&entries(&items), ISSUER);
        assert_eq!(input[0]["arguments"], sent, "{came}");
    }
}

#[test]
fn what_was_taken_back_is_not_sent() {
    let mut all = entries(&[user("a"), own(message(None, text("b"))), user("c")]);
    all.extend(
        of(vec![Body::Undone(Undone { from: 2 })])
            .into_iter()
            .map(|mut entry| {
                entry.seq = 3;
                entry
            }),
    );
    assert_eq!(
        shape(&replay::input(&all, ISSUER)),
        ["message user", "message assistant"]
    );
    assert_eq!(replay::live(&all).len(), 2);
}

/// Relays that count from 0 in every response: a long session is written as fast as one with ids of its own. Each id that
/// was taken being tried again, this takes minutes.
#[test]
fn ids_that_come_again_cost_no_more_than_others() {
    let items: Vec<_> = (0..10_000)
        .flat_map(|n| [own(call("call_0", "{}")), output("call_0", &n.to_string())])
        .collect();
    let entries = entries(&items);
    let begun = std::time::Instant::now();
    let input = replay::input(&entries, ISSUER);
    let took = begun.elapsed();
    assert_eq!(input.len(), 20_000);
    let ids: std::collections::BTreeSet<&str> = input
        .iter()
        .map(|item| item["call_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 10_000);
    assert!(ids.contains("call_0") && ids.contains("call_0_10000"));
    assert!(took.as_secs() < 10, "{took:?}");
}
