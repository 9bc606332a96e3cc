#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn learnt(status: u16, refusal: &str, body: &str) -> Option<Known> {
    let status = StatusCode::from_u16(status).unwrap();
    learn(
        status,
        refusal.as_bytes(),
        body,
        &Known::default(),
        &Memory::default(),
    )
}

fn with(change: impl FnOnce(&mut Known)) -> Known {
    let mut known = Known::default();
    change(&mut known);
    known
}

const TOOLS: &str = r#"{"model":"m","tools":[{"type":"function","name":"f"},{"type":"custom","name":"apply_patch"},{"type":"web_search"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"g"}]}],"input":"hi"}"#;

#[test]
fn refused_tools_are_learnt_by_name_however_that_is_said() {
    let all = &["custom", "namespace", "web_search"][..];
    for (refusal, expected) in [
        (
            r#"{"error":{"message":"Unsupported tool type: custom"}}"#,
            &["custom"][..],
        ),
        (
            r#"{"error":{"message":"Invalid value: 'custom'. Supported values are: 'function' and 'web_search'.","param":"tools[1].type"}}"#,
            &["custom", "namespace"],
        ),
        (
            r#"{"detail":[{"type":"literal_error","loc":["body","tools",2,"type"],"msg":"Input should be 'function'","input":"web_search"}]}"#,
            all,
        ),
        (
            r#"{"detail":[{"loc":["body","tools",3,"FunctionTool","parameters"],"msg":"Field required"}]}"#,
            &["namespace"],
        ),
        (
            r#"{"error":"Failed to deserialize: tools[1]: unknown variant `custom`, expected one of `function`, `web_search` at line 1"}"#,
            &["custom", "namespace"],
        ),
        (
            r#"{"error":{"message":"The 'web_search' tool is not enabled for this organization."}}"#,
            &["web_search"],
        ),
        (
            r#"{"error":{"message":"Tool apply_patch is not supported"}}"#,
            &["custom"],
        ),
        (r#"{"error":{"message":"unknown tool type"}}"#, all),
        (
            r#"{"error":{"message":"Missing required parameter: 'tools[1].function'.","param":"tools[1].function"}}"#,
            &["custom"],
        ),
    ] {
        let known = learnt(400, refusal, TOOLS).expect(refusal);
        let tools: Vec<&str> = known.tools.iter().map(String::as_str).collect();
        assert_eq!(tools, expected, "{refusal}");
    }
    let known = learnt(
        400,
        r#"{"error":{"message":"Only type:\"function\" tools are supported"}}"#,
        TOOLS,
    );
    assert_eq!(known, Some(with(|known| known.only_functions = true)));
}

#[test]
fn a_tools_history_is_refused_like_the_tool() {
    let body = r#"{"input":[{"role":"user"},{"type":"custom_tool_call","call_id":"c","name":"p","input":""},{"type":"function_call","namespace":"n","name":"g"}]}"#;
    for (refusal, kind) in [
        (
            r#"{"error":{"message":"Invalid value: 'custom_tool_call'. Supported values are: 'message', 'function_call'.","param":"input[1].type"}}"#,
            "custom",
        ),
        (
            r#"{"error":{"message":"Unknown input item type: custom_tool_call"}}"#,
            "custom",
        ),
        (
            r#"{"error":{"message":"Unknown parameter: 'input[2].namespace'.","param":"input[2].namespace"}}"#,
            "namespace",
        ),
    ] {
        let known = learnt(400, refusal, body).expect(refusal);
        assert_eq!(known.tools.iter().collect::<Vec<_>>(), [kind], "{refusal}");
    }
}

const REPLAY: &str = r#"{"model":"m","store":true,"tools":null,"text":{"verbosity":"low"},"tool_choice":"auto","previous_response_id":"p","instructions":"i","reasoning":{"effort":"minimal"},"input":[
    {"type":"message","role":"developer","content":"d"},{"role":"system","content":"s"},{"role":"user","content":"u"},
    {"type":"reasoning","id":"rs_1","encrypted_content":"gA","content":[{"type":"reasoning_text","text":"t"}]},
    {"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{\"a\":","phase":"final","status":"completed"},
    {"type":"tool_search_call","call_id":"t"},{"type":"tool_search_output","call_id":"t","tools":[]},
    {"type":"message","role":"assistant","content":[]}]}"#;

#[test]
fn each_refusal_teaches_what_it_says() {
    type Change = fn(&mut Known);
    let refusals: [(u16, &str, Change); 25] = [
        (400, r#"{"detail":"Unsupported parameter: store"}"#, |k| {
            k.fields.insert("store".into());
        }),
        (
            400,
            r#"{"error":{"message":"Unknown parameter: 'text'.","param":"text"}}"#,
            |k| {
                k.fields.insert("text".into());
            },
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported parameter: tool_choice"}}"#,
            |k| {
                k.fields.insert("tool_choice".into());
            },
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported parameter: instructions"}}"#,
            |k| {
                k.fields.insert("instructions".into());
            },
        ),
        (
            404,
            r#"{"error":{"message":"Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."}}"#,
            |k| k.ids = true,
        ),
        (
            400,
            r#"{"error":{"message":"Item 'rs_1' of type 'reasoning' was provided without its required following item."}}"#,
            |k| (k.ids, k.lonely_reasoning) = (true, true),
        ),
        (
            400,
            r#"{"error":{"message":"Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'."}}"#,
            |k| (k.ids, k.lonely_reasoning) = (true, true),
        ),
        (
            400,
            r#"{"error":{"message":"Duplicate item found with id rs_1. Remove duplicate items."}}"#,
            |k| k.duplicates = true,
        ),
        (
            400,
            r#"{"error":{"message":"Missing required parameter: 'input[3].summary'.","param":"input[3].summary"}}"#,
            |k| k.bare_summary = true,
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","input",3,"summary"],"msg":"Field required"}]}"#,
            |k| k.bare_summary = true,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid 'input[3].content': array too long. Expected an array with maximum length 0, but got an array with length 1 instead.","param":"input[3].content"}}"#,
            |k| k.reasoning_content = true,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid 'input[7].content': empty array.","param":"input[7].content"}}"#,
            |k| k.empty_messages = true,
        ),
        (
            400,
            r#"{"error":{"message":"Unterminated string starting at: line 1 column 6 (char 5)"}}"#,
            |k| k.arguments = true,
        ),
        (
            500,
            r#"{"error":{"message":"Failed to parse tool call arguments as JSON"}}"#,
            |k| k.arguments = true,
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported value: 'minimal' is not supported with the 'x' model. Supported values are: 'low', 'medium', and 'high'.","param":"reasoning.effort"}}"#,
            |k| {
                k.efforts.insert("minimal".into(), "low".into());
            },
        ),
        (
            400,
            r#"{"error":{"message":"Invalid value: 'tool_search_call'. Supported values are: 'message'","param":"input[5].type"}}"#,
            |k| {
                k.items.insert("tool_search_call".into());
            },
        ),
        (400, r#"{"error":{"message":"Invalid input"}}"#, |k| {
            k.items
                .extend(["tool_search_call".into(), "tool_search_output".into()])
        }),
        (
            400,
            r#"{"error":{"message":"Unknown parameter: 'input[4].phase'.","param":"input[4].phase"}}"#,
            |k| {
                k.item_fields.insert("phase".into());
            },
        ),
        (
            400,
            r#"{"error":{"message":"Invalid 'input[4].id': 'fc_1'. Expected an ID that begins with 'x'.","param":"input[4].id"}}"#,
            |k| k.ids = true,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid value: 'developer'. Supported values are: 'system', 'user' and 'assistant'.","param":"input[0].role"}}"#,
            |k| k.developer = true,
        ),
        (
            400,
            r#"{"error":{"message":"Unexpected message role."}}"#,
            |k| k.developer = true,
        ),
        (
            400,
            r#"{"detail":"System messages are not allowed"}"#,
            |k| k.system = true,
        ),
        (
            400,
            r#"{"error":{"message":"System message must be at the beginning."}}"#,
            |k| k.system = true,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid type for 'tools': expected an array, but got null instead.","param":"tools"}}"#,
            |k| k.nulls = true,
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","tools"],"msg":"Input should be a valid list","input":null}]}"#,
            |k| k.nulls = true,
        ),
    ];
    for (status, refusal, change) in refusals {
        assert_eq!(
            learnt(status, refusal, REPLAY),
            Some(with(change)),
            "{refusal}"
        );
    }
    let store = r#"{"detail":"Store must be set to false"}"#;
    assert_eq!(
        learnt(400, store, r#"{"input":"hi"}"#),
        Some(with(|k| k.store = true))
    );
    assert_eq!(
        learnt(400, store, REPLAY),
        None,
        "an explicit value is the client's"
    );
    let instructions = r#"{"detail":"Instructions are required"}"#;
    let body = r#"{"input":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}"#;
    assert_eq!(
        learnt(400, instructions, body),
        Some(with(|k| k.system = true))
    );
    assert_eq!(learnt(400, instructions, r#"{"input":"hi"}"#), None);
}

#[test]
fn encrypted_reasoning_is_learnt_item_by_item() {
    let memory = Memory::default();
    for refusal in [
        r#"{"error":{"message":"The encrypted content gA could not be verified.","code":"invalid_encrypted_content"}}"#,
        r#"{"error":{"message":"The encrypted content gA could not be verified. Reason: Encrypted content could not be decrypted or parsed."}}"#,
        r#"{"type":"error","error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"no\",\"code\":\"invalid_encrypted_content\"}}"}}}"#,
    ] {
        let known = learn(
            StatusCode::BAD_REQUEST,
            refusal.as_bytes(),
            REPLAY,
            &Known::default(),
            &memory,
        );
        let known = known.expect(refusal);
        assert_eq!(
            known,
            with(|known| known.keep_unreadable(memory.mark("gA")))
        );
        let again = learn(
            StatusCode::BAD_REQUEST,
            refusal.as_bytes(),
            REPLAY,
            &known,
            &memory,
        );
        assert_eq!(again, None, "there is nothing new in it");
    }
}

#[test]
fn any_other_refusal_teaches_nothing() {
    for (status, refusal) in [
        (
            400,
            r#"{"error":{"message":"Previous response with id 'p' not found.","code":"previous_response_not_found","param":"previous_response_id"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported parameter: previous_response_id","param":"previous_response_id"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported parameter: tools","param":"tools"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"The encrypted connection is required"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid value for 'input[2].content'.","param":"input[2].content"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid value: 'message'","param":"input[2]"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported value: 'minimal'. Supported values are: 'minimal'","param":"text.verbosity"}}"#,
        ),
        (
            400,
            r#"{"detail":[{"msg":"Bad","input":"encrypted content could not be verified"}]}"#,
        ),
        (401, r#"{"error":{"code":"invalid_encrypted_content"}}"#),
        (
            500,
            r#"{"error":{"message":"Unsupported parameter: store"}}"#,
        ),
        (
            404,
            r#"{"error":{"message":"The model `m` does not exist","code":"model_not_found"}}"#,
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached for tools of type custom"}}"#,
        ),
        (400, "no JSON"),
        (
            400,
            r#"{"error":{"message":"Your input exceeds the context window of this model."}}"#,
        ),
    ] {
        assert_eq!(learnt(status, refusal, REPLAY), None, "{refusal}");
    }
    let reference = r#"{"input":[{"type":"item_reference","id":"rs_1"},{"role":"user","id":"m"}]}"#;
    let refusal = r#"{"error":{"message":"Item with id 'rs_1' not found."}}"#;
    assert_eq!(
        learnt(404, refusal, reference),
        None,
        "there is nothing else to say it with"
    );
}
