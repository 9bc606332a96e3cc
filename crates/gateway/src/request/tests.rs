#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

async fn prepared(body: &str) -> Result<Prepared, Refusal> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    prepare(&HeaderMap::new(), body, 1 << 20).await
}

#[tokio::test]
async fn the_body_goes_on_as_it_came() {
    let body = "\u{feff}{ \"model\":\"m\",\"input\":\"hi\", \"stream\" : true,\"temperature\":1e0}";
    let prepared = prepared(body).await.unwrap();
    assert!(prepared.stream);
    assert_eq!(prepared.facts.model.as_deref(), Some("m"));
    let endpoint = Endpoint::custom("http://127.0.0.1:1".parse().unwrap());
    let terms = Terms::of(&endpoint);
    let outgoing = Outgoing::new(&terms, &prepared, 0);
    assert_eq!(outgoing.body(), body);
    assert!(outgoing.mends().is_empty() && outgoing.tools().is_none());
}

/// On the one thread that serves, others have their turn while a large body is read.
#[tokio::test(flavor = "current_thread")]
async fn a_large_body_holds_nobody_up() {
    for (size, waits) in [(1, false), (LARGE, true)] {
        let body = format!(r#"{{"stream":true,"input":"{}"}}"#, "x".repeat(size));
        let (headers, body) = (HeaderMap::new(), Bytes::from(body));
        let mut reading = std::pin::pin!(prepare(&headers, body, 1 << 20));
        let first = futures_util::poll!(reading.as_mut());
        assert_eq!(first.is_pending(), waits, "{size}");
        let prepared = match first {
            std::task::Poll::Ready(prepared) => prepared,
            std::task::Poll::Pending => reading.await,
        };
        assert!(prepared.unwrap().stream);
    }
}

#[tokio::test]
async fn no_stream_is_the_default_and_null_is_none() {
    for body in [
        r#"{"model":"m"}"#,
        r#"{"stream":null}"#,
        r#"{"stream":false}"#,
    ] {
        assert!(!prepared(body).await.unwrap().stream, "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    for body in ["", "[]", "{", "{\"stream\":\"yes\"}", "{\"a\":\"\u{0}\"}"] {
        assert_eq!(prepared(body).await.unwrap_err().status, 400, "{body:?}");
    }
}

/// Whatever is known, a request that it does not concern goes on byte for byte.
#[tokio::test]
async fn what_is_known_changes_nothing_that_it_does_not_concern() {
    let body = r#"{ "model":"m", "tools": [ {"type":"function","name":"f"} ],"input":[ {"role":"user","content":"x"} ] }"#;
    let prepared = prepared(body).await.unwrap();
    let mut endpoint = Endpoint::custom("http://127.0.0.1:1".parse().unwrap());
    endpoint.refused_tools = vec!["custom".to_owned(), "web_search".to_owned()];
    let terms = Terms::of(&endpoint);
    let mut known = Known::configured(&["namespace".to_owned()]);
    (known.nulls, known.ids, known.arguments) = (true, true, true);
    terms.memory.learn("m", &known, 0);
    let outgoing = Outgoing::new(&terms, &prepared, 0);
    assert_eq!(outgoing.body(), body);
    assert!(outgoing.mends().is_empty());
}

/// A lesson changes the request, or is none: what is refused again and again ends soon.
#[tokio::test]
async fn lessons_come_to_an_end() {
    let body = r#"{"model":"m","store":true,"user":"u","input":"hi"}"#;
    let prepared = prepared(body).await.unwrap();
    let endpoint = Endpoint::custom("http://127.0.0.1:1".parse().unwrap());
    let terms = Terms::of(&endpoint);
    let mut outgoing = Outgoing::new(&terms, &prepared, 0);
    outgoing.accepted(0);
    let refusal =
        |field: &str| format!(r#"{{"error":{{"message":"Unsupported parameter: {field}"}}}}"#);
    let status = StatusCode::BAD_REQUEST;
    for (field, again) in [
        ("store", true),
        ("store", false),
        ("model", false),
        ("user", true),
        ("user", false),
    ] {
        let next = outgoing.refused(status, refusal(field).as_bytes(), 0);
        assert_eq!(matches!(next, Next::Again), again, "{field}: {next:?}");
    }
    assert_eq!(outgoing.body(), r#"{"model":"m","input":"hi"}"#);
    let told: Vec<String> = outgoing.mends().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["request-field-dropped:store+user×2"]);
    // The first was followed by another reason, so it was right; of the second nobody knows yet.
    let next = Outgoing::new(&terms, &prepared, 1);
    assert_eq!(next.body(), r#"{"model":"m","user":"u","input":"hi"}"#);
    outgoing.accepted(1);
    let next = Outgoing::new(&terms, &prepared, 1);
    assert_eq!(next.body(), r#"{"model":"m","input":"hi"}"#);
    assert!(next.mends()[0].known);
    // Using it does not make it true for longer.
    const DAY: u64 = 24 * 60 * 60;
    Outgoing::new(&terms, &prepared, DAY).accepted(DAY);
    assert_eq!(Outgoing::new(&terms, &prepared, DAY).body(), next.body());
    assert_eq!(Outgoing::new(&terms, &prepared, DAY + 1).body(), body);
}

/// Bodies and knowledge at random: what comes out is JSON, says everything that the conversation is made of, and changes no more
/// when it is changed again.
#[test]
fn whatever_is_known_the_conversation_stays_whole() {
    use serde_json::{Value, json};

    let mut dice = fastrand::Rng::with_seed(11);
    let names = [
        "custom",
        "namespace",
        "web_search",
        "local_shell",
        "tool_search_call",
        "phase",
        "user",
        "instructions",
    ];
    let mut changed = 0;
    for round in 0..400 {
        let mut pick = |list: &[Value]| -> Vec<Value> {
            (0..dice.usize(..6))
                .map(|_| list[dice.usize(..list.len())].clone())
                .collect()
        };
        let input = pick(&[
            json!({"role": "user", "content": format!("said {round}")}),
            json!({"role": "developer", "content": "brief"}),
            json!({"type": "message", "role": "system", "content": [{"type": "input_text", "text": "kind"}]}),
            json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "g", "content": [{}]}),
            json!({"type": "function_call", "id": "fc_respair_1", "call_id": "c1", "name": "f", "arguments": "{"}),
            json!({"type": "function_call", "id": "fc_2", "call_id": "c2", "namespace": "n", "name": "f", "arguments": "{}", "phase": "x"}),
            json!({"type": "function_call_output", "call_id": "c2", "output": "o"}),
            json!({"type": "custom_tool_call", "id": "ctc_1", "call_id": "c3", "name": "p", "input": "i"}),
            json!({"type": "custom_tool_call_output", "call_id": "c3", "output": "o"}),
            json!({"type": "tool_search_call", "call_id": "c4"}),
            json!({"type": "item_reference", "id": "m"}),
            json!("text"),
            json!(null),
        ]);
        let tools = pick(&[
            json!({"type": "function", "name": "f"}),
            json!({"type": "custom", "name": "p"}),
            json!({"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "p"}]}),
            json!({"type": "web_search"}),
            json!({"type": "local_shell"}),
            json!(7),
        ]);
        let body = json!({"model": "m", "user": null, "instructions": "first", "input": input, "tools": tools});
        let mut known = Known::default();
        for name in names {
            let sets = [
                &mut known.fields,
                &mut known.item_fields,
                &mut known.tools,
                &mut known.items,
            ];
            for set in sets {
                if dice.bool() && dice.bool() {
                    known::keep(set, name);
                }
            }
        }
        for flag in [
            &mut known.only_functions,
            &mut known.nulls,
            &mut known.store,
            &mut known.bare_summary,
            &mut known.reasoning_content,
            &mut known.lonely_reasoning,
            &mut known.empty_messages,
            &mut known.arguments,
            &mut known.developer,
            &mut known.system,
            &mut known.ids,
        ] {
            *flag = dice.u8(..) < 64;
        }
        let terms = Terms::of(&Endpoint::custom("http://127.0.0.1:1".parse().unwrap()));
        let original = Bytes::from(body.to_string());
        let made = make(&original, &terms, &known);
        let after: Value = serde_json::from_slice(&made.body).unwrap();
        changed += usize::from(made.body != original);
        assert_eq!(
            made.body != original,
            !made.mends.is_empty(),
            "what is changed is said"
        );
        let again = make(&made.body, &terms, &known);
        assert_eq!(again.body, made.body, "{known:?}");
        let count = |body: &Value, what: &str| body.to_string().matches(what).count();
        for said in ["first", "brief", "kind", &format!("said {round}")] {
            assert_eq!(
                count(&after, said),
                count(&body, said),
                "{said}: {known:?} {after}"
            );
        }
        for call in ["c1", "c2", "c3"] {
            let what = format!("\"call_id\":\"{call}\"");
            assert_eq!(
                count(&after, &what),
                count(&body, &what),
                "{known:?} {after}"
            );
        }
        let callable = |body: &Value| -> usize {
            let tools = body["tools"].as_array().unwrap().iter();
            tools
                .map(|tool| match tool["type"].as_str() {
                    Some("function" | "custom" | "local_shell") => 1,
                    Some("namespace") => 2,
                    _ => 0,
                })
                .sum()
        };
        let kept = if after.get("tools").is_some() {
            callable(&after)
        } else {
            callable(&body)
        };
        assert_eq!(kept, callable(&body), "{known:?} {after}");
    }
    assert!(changed > 200, "{changed}");
}
