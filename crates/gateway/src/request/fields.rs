//! Fields of the request (DEVIATIONS 7.1, 7.4, 7.5, 7.8): those that an upstream refuses by name are left out where the request
//! still asks for the same; a field in one of them, `reasoning.summary`, goes alone.

use hyper::StatusCode;
use respair_client::wire;
use respair_core::ResponseError;

use super::Off;
use super::json::Object;
use super::known::Known;
use super::mends::{FIELD_DROPPED, Mends, NULL_DROPPED, STORE_SET};
use super::said::Said;

/// Fields that cannot be left out: what is asked for would be something else, or nothing would be.
const NEEDED: [&str; 7] = [
    "model",
    "input",
    "stream",
    "tools",
    "previous_response_id",
    "conversation",
    "prompt",
];

/// Whether a request without this field asks for the same. A choice that says nothing and a text without a format of its own
/// can go, others can not.
fn may_go(body: &Object<'_>, name: &str) -> bool {
    let (field, below) = match name.split_once('.') {
        Some((field, below)) => (field, Some(below)),
        None => (name, None),
    };
    let format = || {
        let text = body.get("text").and_then(Object::parse)?;
        text.present("format").map(str::to_owned)
    };
    match (field, below) {
        (field, _) if NEEDED.contains(&field) => false,
        ("tool_choice", _) => body.text("tool_choice").is_some_and(|word| word == "auto"),
        ("text", None) => format().is_none(),
        ("text", Some(below)) => below != "format",
        _ => true,
    }
}

/// The fields that a refusal says it does not know, of those that may go.
pub(super) fn refused(
    status: StatusCode,
    refusal: &[u8],
    sent: &str,
    said: &Said,
    body: &Object<'_>,
) -> Vec<String> {
    let error = std::str::from_utf8(refusal).ok();
    let error = error.and_then(ResponseError::from_json);
    // FastAPI's list is no error object, but says the same.
    let error = error.unwrap_or_else(|| ResponseError::local("", said.text()));
    let named = wire::refused_field(status, &error, refusal, sent.as_bytes());
    let Some(named) = named else {
        return Vec::new();
    };
    let has = |field: &str, below: &str| {
        let inner = body.get(field).and_then(Object::parse);
        inner.is_some_and(|inner| inner.get(below).is_some())
    };
    let mut found = Vec::new();
    for place in said.places.iter().filter(|place| place.at.is_none()) {
        match &place.below {
            Some(below) if has(&place.field, below) => {
                found.push(format!("{}.{below}", place.field));
            }
            // Each fault of a list has its place.
            None if body.get(&place.field).is_some() => found.push(place.field.clone()),
            _ => {}
        }
    }
    let whole = |found: &String| *found == named || found.starts_with(&format!("{named}."));
    if !found.iter().any(whole) {
        found.push(named);
    }
    if said.tells(&["parameters", "parameter(s)", "fields", "arguments"]) {
        let others = body.fields().map(|(name, _)| name);
        let others =
            others.filter(|name| said.names(name) && !found.iter().any(|known| known == name));
        let others: Vec<String> = others.map(str::to_owned).collect();
        found.extend(others);
    }
    found.retain(|name| may_go(body, name));
    found
}

/// Changes the fields for an upstream.
pub(super) fn change(body: &mut Object<'_>, known: &Known, off: &Off, mends: &mut Mends) {
    if off.on(FIELD_DROPPED) {
        // `instructions` are not lost: they are said in another place.
        for name in known.fields.iter().filter(|name| *name != "instructions") {
            if may_go(body, name) && remove(body, name) {
                mends.add(FIELD_DROPPED, name);
            }
        }
    }
    if known.nulls && off.on(NULL_DROPPED) && body.retain(|_, value| value != "null") {
        mends.add(NULL_DROPPED, "");
    }
    if known.store && off.on(STORE_SET) && body.present("store").is_none() {
        body.set("store", "false");
        mends.add(STORE_SET, "");
    }
}

/// Takes out a field, or a field in one; `false` where there is none.
fn remove(body: &mut Object<'_>, name: &str) -> bool {
    let Some((field, below)) = name.split_once('.') else {
        return body.remove(name);
    };
    let rest = body.get(field).and_then(Object::parse).and_then(|mut own| {
        let removed = own.remove(below);
        removed.then(|| (own.fields().next().is_none(), own.to_string()))
    });
    match rest {
        Some((true, _)) => body.remove(field),
        Some((false, rest)) => {
            body.set(field, rest);
            true
        }
        None => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn fields(refusal: &str, sent: &str) -> Vec<String> {
        let said = Said::of(refusal.as_bytes()).unwrap();
        let body = Object::parse(sent).unwrap();
        refused(
            StatusCode::BAD_REQUEST,
            refusal.as_bytes(),
            sent,
            &said,
            &body,
        )
    }

    const SENT: &str = r#"{"model":"m","store":true,"user":"u","prompt_cache_key":"k","reasoning":{"effort":"low","summary":"auto"},"text":{"format":{"type":"json_schema"},"verbosity":"low"},"stream_options":{"include_obfuscation":false},"tool_choice":"auto"}"#;

    #[test]
    fn what_is_named_goes_and_nothing_beside_it() {
        for (refusal, expected) in [
            (
                r#"{"detail":"Unsupported parameter: store"}"#,
                &["store"][..],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter(s): `prompt_cache_key`, `user`"}}"#,
                &["prompt_cache_key", "user"],
            ),
            (
                r#"{"detail":[{"type":"extra_forbidden","loc":["body","store"],"msg":"Extra inputs are not permitted"},{"type":"extra_forbidden","loc":["body","user"],"msg":"Extra inputs are not permitted"}]}"#,
                &["store", "user"],
            ),
            (
                r#"{"error":{"message":"Unknown parameter: 'reasoning.summary'.","param":"reasoning.summary"}}"#,
                &["reasoning.summary"],
            ),
            (
                r#"{"error":{"message":"Unknown parameter: 'stream_options.include_obfuscation'."}}"#,
                &["stream_options.include_obfuscation"],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: 'text.verbosity'."}}"#,
                &["text.verbosity"],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: 'text.format'."}}"#,
                &[],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: text"}}"#,
                &[],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: model"}}"#,
                &[],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: tool_choice"}}"#,
                &["tool_choice"],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: something_else"}}"#,
                &[],
            ),
            (r#"{"error":{"message":"The store is closed."}}"#, &[]),
        ] {
            assert_eq!(fields(refusal, SENT), expected, "{refusal}");
        }
    }

    /// What one request could do without another may need.
    #[test]
    fn what_is_known_goes_only_where_it_may() {
        let mut known = Known::default();
        for name in [
            "tool_choice",
            "text",
            "reasoning.summary",
            "stream_options.include_obfuscation",
        ] {
            known.fields.insert(name.to_owned());
        }
        for (sent, expected) in [
            (
                SENT,
                r#"{"model":"m","store":true,"user":"u","prompt_cache_key":"k","reasoning":{"effort":"low"},"text":{"format":{"type":"json_schema"},"verbosity":"low"}}"#,
            ),
            (
                r#"{"tool_choice":"required"}"#,
                r#"{"tool_choice":"required"}"#,
            ),
            (
                r#"{"text":{"verbosity":"low"},"reasoning":null}"#,
                r#"{"reasoning":null}"#,
            ),
        ] {
            let mut body = Object::parse(sent).unwrap();
            change(&mut body, &known, &Off::default(), &mut Mends::default());
            assert_eq!(body.to_string(), expected);
        }
    }
}
