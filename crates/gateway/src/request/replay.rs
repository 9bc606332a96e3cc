//! What a client sends back of earlier turns, as far as a gateway that keeps nothing can mend it (DEVIATIONS, group 8).

use respair_core::is_made_up;

use super::splice::{Field, Splice, elements, fields};

/// The items of the input, where it is a list.
struct Input<'a> {
    list: &'a str,
    items: Vec<&'a str>,
}

impl<'a> Input<'a> {
    fn of(body: &'a str) -> Option<Self> {
        let fields = fields(body)?;
        let list = fields.iter().rev().find(|field| field.name == "input")?;
        let items = elements(list.value)?;
        Some(Self {
            list: list.value,
            items,
        })
    }
}

fn last<'f, 'a>(fields: &'f [Field<'a>], name: &str) -> Option<&'f Field<'a>> {
    fields.iter().rev().find(|field| field.name == name)
}

fn is_a(fields: &[Field<'_>], kind: &str) -> bool {
    let said = last(fields, "type").and_then(Field::text);
    said.is_some_and(|said| said == kind)
}

/// The body without the ids that were made up here for an upstream that gave none: it has never heard of them. A
/// `call_id` stays, since the call and its output are joined by it; so does an item reference, which is nothing else.
pub(super) fn without_made_up_ids(body: &str) -> Option<String> {
    if !body.contains("_respair_") {
        return None;
    }
    let mut splice = Splice::of(body);
    for item in Input::of(body)?.items {
        let Some(fields) = fields(item) else { continue };
        if is_a(&fields, "item_reference") {
            continue;
        }
        let values: Vec<&str> = fields.iter().map(|field| field.value).collect();
        splice.remove(item, &values, |at| {
            let field = &fields[at];
            field.name == "id" && field.text().is_some_and(|id| is_made_up(&id))
        });
    }
    splice.done()
}

/// The body without the reasoning items that are encrypted (8.1); calls, their outputs and everything else stay. `None`
/// when it holds none, or nothing else.
pub(super) fn without_encrypted_reasoning(body: &str) -> Option<String> {
    let input = Input::of(body)?;
    let encrypted = |item: &&str| {
        fields(item).is_some_and(|fields| {
            let content = last(&fields, "encrypted_content").and_then(Field::text);
            is_a(&fields, "reasoning") && content.is_some_and(|content| !content.is_empty())
        })
    };
    let gone: Vec<bool> = input.items.iter().map(encrypted).collect();
    if gone.iter().all(|gone| *gone) {
        return None;
    }
    let mut splice = Splice::of(body);
    splice.remove(input.list, &input.items, |at| gone[at]);
    splice.done()
}

/// The body with a `summary` in each reasoning item (8.4); `None` when they all have one.
pub(super) fn with_summaries(body: &str) -> Option<String> {
    let mut splice = Splice::of(body);
    for item in Input::of(body)?.items {
        let Some(fields) = fields(item) else { continue };
        if !is_a(&fields, "reasoning") {
            continue;
        }
        match last(&fields, "summary") {
            None => splice.append(item, r#","summary":[]"#),
            Some(field) if field.value == "null" => splice.replace(field.value, "[]"),
            Some(_) => {}
        }
    }
    splice.done()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_were_made_up_here_are_taken_out() {
        let made = "respair_00000000000000000000000000000001";
        for (items, expected) in [
            (
                r#"{"id":"msg_MADE","type":"message","n":1.50, "content":[]}"#,
                Some(r#"{"type":"message","n":1.50, "content":[]}"#),
            ),
            (
                r#"{"type":"function_call" , "id" : "fc_MADE", "call_id":"call_MADE","name":"f","arguments":"{}"},
                   {"type":"function_call_output","call_id":"call_MADE","output":"é\u00e9"}"#,
                Some(
                    r#"{"type":"function_call", "call_id":"call_MADE","name":"f","arguments":"{}"},
                   {"type":"function_call_output","call_id":"call_MADE","output":"é\u00e9"}"#,
                ),
            ),
            (r#"{"type":"item_reference","id":"msg_MADE"}"#, None),
            (r#"{"id":"msg_1","content":"call_MADE"},"msg_MADE",7"#, None),
            (r#"{"content":[{"id":"msg_MADE"}]}"#, None),
        ] {
            let body =
                |items: &str| format!("{{ \"input\": [{items}] ,\"x\":1e2}}").replace("MADE", made);
            let mended = without_made_up_ids(&body(items));
            assert_eq!(mended, expected.map(body), "{items}");
            if let Some(mended) = mended {
                assert_eq!(without_made_up_ids(&mended), None, "a second time");
            }
        }
        assert_eq!(without_made_up_ids(r#"{"input":"msg_respair_1"}"#), None);
    }

    #[test]
    fn encrypted_reasoning_goes_and_nothing_else_does() {
        let body = r#"{"input":[{"type":"reasoning","encrypted_content":"gA","summary":[]} , {"role":"user","content":"a"},
            {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gB"},{"type":"function_call","call_id":"c","n":1.0},
            {"type":"reasoning","summary":[],"encrypted_content":null},{"type":"compaction","encrypted_content":"gC"},
            {"type":"function_call_output","call_id":"c","output":"{}"}],"store":false}"#;
        let expected = r#"{"input":[ {"role":"user","content":"a"},{"type":"function_call","call_id":"c","n":1.0},
            {"type":"reasoning","summary":[],"encrypted_content":null},{"type":"compaction","encrypted_content":"gC"},
            {"type":"function_call_output","call_id":"c","output":"{}"}],"store":false}"#;
        assert_eq!(without_encrypted_reasoning(body).unwrap(), expected);
        assert_eq!(without_encrypted_reasoning(expected), None);
        let alone = r#"{"input":[{"type":"reasoning","encrypted_content":"gA"}]}"#;
        assert_eq!(without_encrypted_reasoning(alone), None);
        assert_eq!(without_encrypted_reasoning(r#"{"input":[]}"#), None);
    }

    #[test]
    fn reasoning_without_a_summary_gets_an_empty_one() {
        let body = r#"{"input":[{"type":"reasoning","id":"rs_1" },{"type":"reasoning","summary": null},
            {"type":"reasoning","summary":[{"text":"t"}]},{"type":"message"}]}"#;
        let expected = r#"{"input":[{"type":"reasoning","id":"rs_1" ,"summary":[]},{"type":"reasoning","summary": []},
            {"type":"reasoning","summary":[{"text":"t"}]},{"type":"message"}]}"#;
        assert_eq!(with_summaries(body).unwrap(), expected);
        assert_eq!(with_summaries(expected), None);
    }
}
