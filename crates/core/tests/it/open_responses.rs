//! The profile `open-responses`: required fields from the request, other names, and what ends a stream.

use bytes::Bytes;
use respair_core::{
    Context, EndOfBody, Ending, Profile, Reader, ReaderOptions, RequestFacts, Severity, Step,
};
use serde_json::{Value, json};

use crate::corpus;
use crate::run::{strict, tolerant};

fn body(name: &str) -> Vec<u8> {
    let stream = corpus::rules()
        .into_iter()
        .find(|stream| stream.name == name);
    stream
        .unwrap_or_else(|| panic!("no fixture {name}.sse"))
        .body
}

fn events(wire: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(wire).into_owned();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

/// What goes downstream until more bytes are needed.
fn drain(reader: &mut Reader) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(step) = reader.poll() {
        if let Step::Event(event) = step {
            out.extend_from_slice(event.raw());
        }
    }
    out
}

/// Reads a body with what is known of its request.
fn read(profile: Profile, request: &str, body: &[u8]) -> (Vec<u8>, Reader) {
    let request = RequestFacts::from_json(request).unwrap();
    let context = Context::new(1_790_000_000, 1).with_request(request);
    let mut reader = Reader::new(ReaderOptions::tolerant().with_profile(profile), context);
    reader.push(Bytes::copy_from_slice(body));
    reader.finish(EndOfBody::Eof);
    (drain(&mut reader), reader)
}

const REQUEST: &str = r#"{"model":"asked","instructions":"Be brief.","temperature":0.2,"store":true,
    "tools":[{"type":"function","name":"f","parameters":{"type":"object"}},{"type":"web_search"}],
    "tool_choice":"required","reasoning":{"effort":"minimal"},"metadata":{"k":"v"},"input":"Hi"}"#;

/// llama-server sends id, object and status, and nothing else.
const THIN: &str = r#"event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress"}}

event: response.completed
data: {"type":"response.completed","sequence_number":1,"response":{"id":"resp_1","object":"response","status":"completed","output":[]}}

"#;

#[test]
fn required_fields_come_from_the_request_else_from_the_specification() {
    let (out, reader) = read(Profile::OpenResponses, REQUEST, THIN.as_bytes());
    let tools = json!([
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "description": null, "strict": null},
        {"type": "openai:web_search"},
    ]);
    let expected = json!({
        "model": "asked", "instructions": "Be brief.", "temperature": 0.2, "store": true, "tools": tools,
        "tool_choice": "required", "metadata": {"k": "v"}, "top_p": 1.0, "usage": null,
        // The schema has no such effort: nothing is claimed about it.
        "reasoning": {"effort": null, "summary": null},
    });
    for event in events(&out) {
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(event["response"][name], *value, "{name}");
        }
    }
    let code = |code: &str| code == "field-defaulted";
    let violations = reader.violations().iter();
    let told: Vec<_> = violations.filter(|told| code(told.code.as_str())).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].severity, Severity::Info);
    for part in [
        "copied from the request: `model`",
        "by default: `created_at`",
    ] {
        assert!(told[0].message.contains(part), "{}", told[0].message);
    }
    let repairs = reader.repairs().iter();
    let counted = repairs.filter(|repair| code(repair.code.as_str()));
    assert_eq!(counted.map(|repair| repair.count).sum::<u64>(), 2);
    respair_oracle::judge(&out, respair_oracle::Profile::OpenResponses).unwrap();
}

#[test]
fn a_response_that_is_made_up_echoes_the_request() {
    let (out, _) = read(Profile::Portable, REQUEST, b"");
    let events = events(&out);
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(event["response"]["model"], "asked");
        assert_eq!(event["response"]["temperature"], 0.2);
        // `portable` keeps OpenAI's own names.
        assert_eq!(event["response"]["tools"][1]["type"], "web_search");
    }
}

#[test]
fn what_openai_adds_has_its_prefix() {
    let healed = tolerant(Profile::OpenResponses, &body("schema-mismatch"));
    let events = events(&healed.out);
    let searching = "openai:response.web_search_call.searching";
    assert!(events.iter().any(|event| event["type"] == searching));
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!(output[0]["status"], "completed");
    assert_eq!(output[1]["type"], "openai:web_search_call");
    let annotation = &output[2]["content"][0]["annotations"][0];
    assert_eq!(annotation["type"], "openai:file_citation");
    let again = strict(Profile::OpenResponses, &healed.out);
    assert!(again.refused.is_none(), "{:?}", again.refused);
}

#[test]
fn a_vendors_event_passes_under_open_responses_alone() {
    let body = body("vendor-event");
    assert!(tolerant(Profile::OpenResponses, &body).out == body);
    let portable = tolerant(Profile::Portable, &body).out;
    assert!(!String::from_utf8_lossy(&portable).contains("acme:trace_event"));
}

#[test]
fn an_item_that_was_cut_off_makes_the_response_incomplete() {
    let body = body("item-incomplete");
    let healed = tolerant(Profile::OpenResponses, &body);
    assert_eq!(healed.ending, Some(Ending::Incomplete { reason: None }));
    let last = events(&healed.out).pop().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["status"], "incomplete");
    let portable = tolerant(Profile::Portable, &body);
    assert_eq!(portable.ending, Some(Ending::Completed { empty: false }));
    let said = portable.violations.iter();
    let said = said.filter(|told| told.code.as_str() == "item-incomplete-not-last");
    assert_eq!(said.count(), 1);
}

/// `[DONE]` may still come, so it is waited for; when it does not, it is added once.
#[test]
fn the_sentinel_is_waited_for_and_then_added() {
    let body = body("usage-early");
    for own in [&b""[..], b"data:[DONE]\n\n"] {
        let options = ReaderOptions::tolerant().with_profile(Profile::OpenResponses);
        let mut reader = Reader::new(options, Context::new(0, 1));
        reader.push(Bytes::copy_from_slice(&body));
        drain(&mut reader);
        assert!(reader.ended().is_some() && reader.is_draining());
        reader.push(Bytes::copy_from_slice(own));
        let mut rest = drain(&mut reader);
        assert_eq!(reader.is_draining(), own.is_empty());
        reader.finish(EndOfBody::Drained);
        rest.extend(drain(&mut reader));
        let added = &b"data: [DONE]\n\n"[..];
        let expected = if own.is_empty() { added } else { own };
        assert_eq!(
            String::from_utf8_lossy(&rest),
            String::from_utf8_lossy(expected)
        );
        assert!(!reader.is_draining());
    }
}
