#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn changed(items: &str, change: impl FnOnce(&mut Known, &Memory)) -> (String, Vec<String>) {
    let memory = Memory::default();
    let mut known = Known::default();
    change(&mut known, &memory);
    let text = format!(r#"{{"input":[{items}]}}"#);
    let mut body = Object::parse(&text).unwrap();
    let mut mends = Mends::default();
    super::change(
        &mut body,
        &known,
        &Off::default(),
        &Tools::default(),
        &memory,
        &mut mends,
    );
    let list = body.get("input").unwrap();
    let told = mends
        .list(|_| false)
        .iter()
        .map(ToString::to_string)
        .collect();
    (list[1..list.len() - 1].to_owned(), told)
}

#[test]
fn only_ids_that_were_made_up_here_are_taken_out() {
    let made = "respair_00000000000000000000000000000001";
    for (items, expected) in [
        (
            r#"{"id":"msg_MADE","type":"message","n":1.50, "content":[]}"#,
            r#"{"type":"message","n":1.50,"content":[]}"#,
        ),
        (
            r#"{"type":"function_call" , "id" : "fc_MADE", "call_id":"call_MADE","name":"f","arguments":"{}"}, {"type":"function_call_output","call_id":"call_MADE","output":"é\u00e9"}"#,
            r#"{"type":"function_call","call_id":"call_MADE","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_MADE","output":"é\u00e9"}"#,
        ),
        (r#"{"type":"item_reference","id":"msg_MADE"}"#, ""),
        (r#"{"id":"msg_1","content":"call_MADE"},"msg_MADE",7"#, ""),
        (r#"{"content":[{"id":"msg_MADE"}]}"#, ""),
    ] {
        let (items, expected) = (items.replace("MADE", made), expected.replace("MADE", made));
        let (mended, told) = changed(&items, |_, _| {});
        if expected.is_empty() {
            assert_eq!((mended, told.len()), (items, 0));
        } else {
            assert_eq!((mended, told), (expected, vec![MADE_UP_ID.to_owned()]));
        }
    }
}

const REASONING: &str = r#"{"type":"reasoning","encrypted_content":"gA","summary":[]},{"role":"user","content":"a"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gB"},{"type":"function_call","call_id":"c","n":1.0},{"type":"reasoning","summary":[],"encrypted_content":null},{"type":"compaction","encrypted_content":"gC"},{"type":"function_call_output","call_id":"c","output":"{}"}"#;

#[test]
fn unreadable_reasoning_goes_and_what_the_upstream_gave_itself_stays() {
    let (mended, told) = changed(REASONING, |known, memory| {
        known.keep_unreadable(memory.mark("gA"))
    });
    assert_eq!(mended, REASONING.split_once("},").unwrap().1);
    assert_eq!(told, ["request-reasoning-dropped:reasoning"]);
    let alone = r#"{"type":"reasoning","encrypted_content":"gA"}"#;
    let (mended, told) = changed(alone, |known, memory| {
        known.keep_unreadable(memory.mark("gA"))
    });
    assert_eq!(
        (mended.as_str(), told.len()),
        (alone, 0),
        "nothing else is left"
    );
}

#[test]
fn ids_of_what_was_not_stored_go_and_so_does_reasoning_that_is_nothing_else() {
    let items = r#"{"type":"reasoning","id":"rs_1","summary":[]},{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"g"},{"type":"function_call","id":"fc_1","call_id":"c"},{"type":"item_reference","id":"m"}"#;
    let (mended, told) = changed(items, |known, _| known.ids = true);
    assert_eq!(
        mended,
        r#"{"type":"reasoning","summary":[],"encrypted_content":"g"},{"type":"function_call","call_id":"c"},{"type":"item_reference","id":"m"}"#
    );
    assert_eq!(
        told,
        [
            "request-reasoning-dropped:reasoning",
            "request-id-dropped×2"
        ]
    );
}

#[test]
fn reasoning_stands_before_what_it_led_to_or_not_at_all() {
    let reasoning = r#"{"type":"reasoning","encrypted_content":"g"}"#;
    let answer = r#"{"role":"assistant","content":"a"}"#;
    let user = r#"{"role":"user","content":"u"}"#;
    let items = format!("{reasoning},{reasoning},{answer},{reasoning},{user},{reasoning}");
    let (mended, _) = changed(&items, |known, _| known.lonely_reasoning = true);
    assert_eq!(mended, format!("{reasoning},{reasoning},{answer},{user}"));
}

#[test]
fn unknown_items_go_with_what_belongs_to_their_call_and_the_conversation_stays() {
    let items = r#"{"type":"tool_search_call","call_id":"t"},{"type":"tool_search_output","call_id":"t"},{"type":"function_call","call_id":"t"},{"type":"web_search_call"},{"role":"assistant","content":""}"#;
    let (mended, told) = changed(items, |known, _| {
        known
            .items
            .extend(["tool_search_call".to_owned(), "message".to_owned()]);
    });
    assert_eq!(
        mended,
        r#"{"type":"function_call","call_id":"t"},{"type":"web_search_call"},{"role":"assistant","content":""}"#
    );
    assert_eq!(
        told,
        ["request-item-dropped:tool_search_call+tool_search_output×2"]
    );
    let (mended, _) = changed(items, |known, _| known.empty_messages = true);
    assert!(!mended.contains("assistant") && mended.contains("tool_search_call"));
}

#[test]
fn the_first_of_one_id_stays() {
    let items =
        r#"{"id":"a","n":1},{"id":"b"},{"id":"a","n":2},{"type":"item_reference","id":"b"},{},{}"#;
    let (mended, _) = changed(items, |known, _| known.duplicates = true);
    assert_eq!(
        mended,
        r#"{"id":"a","n":1},{"id":"b"},{"type":"item_reference","id":"b"},{},{}"#
    );
}

#[test]
fn arguments_that_are_no_json_say_so_and_nothing_is_guessed() {
    let call = |arguments: &str| {
        format!(
            r#"{{"type":"function_call","name":"f","arguments":{}}}"#,
            quote(arguments)
        )
    };
    for (arguments, expected) in [
        ("", Some("{}")),
        (" \n", Some("{}")),
        (
            r#"{"a":"#,
            Some(
                r#"{"invalid_arguments":"{\"a\":","note":"The arguments of this call were no JSON object; they stand here as they were."}"#,
            ),
        ),
        (r#"{"a":1.50}"#, None),
        ("{}", None),
    ] {
        let (mended, told) = changed(&call(arguments), |known, _| known.arguments = true);
        assert_eq!(mended, call(expected.unwrap_or(arguments)));
        assert_eq!(told.len(), usize::from(expected.is_some()));
    }
}

#[test]
fn fields_of_reasoning_and_of_any_item() {
    let items = r#"{"type":"reasoning","id":"rs_1"},{"type":"reasoning","summary":null,"content":[]},{"type":"reasoning","summary":[{"text":"t"}],"content":[{}]},{"role":"assistant","phase":"x","content":"c"}"#;
    let (mended, told) = changed(items, |known, _| {
        known.bare_summary = true;
        known.reasoning_content = true;
        known.item_fields.insert("phase".to_owned());
    });
    assert_eq!(
        mended,
        r#"{"type":"reasoning","id":"rs_1","summary":[]},{"type":"reasoning","summary":[],"content":[]},{"type":"reasoning","summary":[{"text":"t"}]},{"role":"assistant","content":"c"}"#
    );
    assert_eq!(told.len(), 3);
}
