//! Where a request says what the model is to be like (DEVIATIONS 7.9): in `instructions`, or in messages of the developer or
//! the system. Some upstreams take only the one, or only one message.

use super::input::{Item, items};
use super::json::{Object, array, elements, quote, text};
use super::known::Known;
use super::mends::{Mends, ROLE_CHANGED};

/// Says it where the upstream takes it.
pub(super) fn change(body: &mut Object<'_>, known: &Known, mends: &mut Mends) {
    let no_instructions = known.fields.contains("instructions");
    if no_instructions && known.system {
        // It takes neither. Nothing that was said is left out.
        return;
    }
    if no_instructions {
        instructions_to_message(body, known, mends);
    }
    if known.system {
        messages_to_instructions(body, mends);
    } else if known.developer {
        developer_to_system(body, mends);
    }
}

fn developer_to_system(body: &mut Object<'_>, mends: &mut Mends) {
    let mut changed = false;
    let list: Vec<String> = body
        .get("input")
        .and_then(elements)
        .unwrap_or_default()
        .into_iter()
        .map(|raw| match Object::parse(raw) {
            Some(mut item) if item.says("role", "developer") => {
                item.set("role", r#""system""#);
                mends.add(ROLE_CHANGED, "developer");
                changed = true;
                item.to_string()
            }
            _ => raw.to_owned(),
        })
        .collect();
    if changed {
        body.set("input", array(&list));
    }
}

/// All of them, in their order, behind the instructions that there are. A message that is more than text stays.
fn messages_to_instructions(body: &mut Object<'_>, mends: &mut Mends) {
    let (texts, left) = {
        let mut texts = Vec::new();
        let mut left = Vec::new();
        let list = body.get("input").and_then(elements).unwrap_or_default();
        for (item, raw) in items(body).iter().zip(list) {
            match said(item) {
                Some(said) => texts.push(said),
                None => left.push(raw.to_owned()),
            }
        }
        (texts, left)
    };
    if texts.is_empty() || left.is_empty() {
        return;
    }
    for _ in &texts {
        mends.add(ROLE_CHANGED, "instructions");
    }
    let own = body.text("instructions").filter(|own| !own.is_empty());
    let all: Vec<String> = own.into_iter().chain(texts).collect();
    body.set("instructions", quote(&all.join("\n\n")));
    body.set("input", array(&left));
}

/// What a message of the developer's or the system's says, where that is text.
fn said(item: &Item<'_>) -> Option<String> {
    if !item.is_system() {
        return None;
    }
    let content = item.object.get("content")?;
    if let Some(said) = text(content) {
        return Some(said);
    }
    let mut texts = Vec::new();
    for part in elements(content)? {
        let part = Object::parse(part)?;
        let kind = part.text("type")?;
        if !matches!(kind.as_str(), "input_text" | "text" | "output_text") {
            return None;
        }
        texts.push(part.text("text")?);
    }
    Some(texts.join("\n"))
}

fn instructions_to_message(body: &mut Object<'_>, known: &Known, mends: &mut Mends) {
    let Some(instructions) = body.text("instructions") else {
        return;
    };
    let role = if known.developer {
        "system"
    } else {
        "developer"
    };
    let message = |role: &str, text: &str| {
        format!(
            r#"{{"type":"message","role":"{role}","content":[{{"type":"input_text","text":{text}}}]}}"#
        )
    };
    let first = message(role, &quote(&instructions));
    let Some(input) = body.get("input") else {
        return;
    };
    let mut list = vec![first];
    match elements(input) {
        Some(items) => list.extend(items.into_iter().map(str::to_owned)),
        None if input.starts_with('"') => list.push(message("user", input)),
        None => return,
    }
    body.set("input", array(&list));
    body.remove("instructions");
    mends.add(ROLE_CHANGED, "instructions");
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn changed(body: &str, known: &Known) -> (String, Mends) {
        let mut mends = Mends::default();
        let mut object = Object::parse(body).unwrap();
        change(&mut object, known, &mut mends);
        (object.to_string(), mends)
    }

    fn known(system: bool, developer: bool, no_instructions: bool) -> Known {
        let mut known = Known {
            system,
            developer,
            ..Known::default()
        };
        if no_instructions {
            known.fields.insert("instructions".to_owned());
        }
        known
    }

    const BODY: &str = r#"{"instructions":"a","input":[{"role":"developer","content":"b"},{"role":"user","content":"hi"},{"type":"message","role":"system","content":[{"type":"input_text","text":"c"},{"type":"input_text","text":"d\u00e9"}]}]}"#;

    #[test]
    fn what_is_said_is_said_elsewhere_and_none_of_it_is_lost() {
        assert_eq!(
            changed(BODY, &known(true, false, false)).0,
            r#"{"instructions":"a\n\nb\n\nc\ndé","input":[{"role":"user","content":"hi"}]}"#
        );
        assert_eq!(
            changed(BODY, &known(false, true, false)).0,
            BODY.replace("developer", "system")
        );
        assert_eq!(
            changed(
                r#"{"instructions":"a\nb","input":"hi\u00e9"}"#,
                &known(false, true, true)
            )
            .0,
            r#"{"input":[{"type":"message","role":"system","content":[{"type":"input_text","text":"a\nb"}]},{"type":"message","role":"user","content":[{"type":"input_text","text":"hi\u00e9"}]}]}"#
        );
    }

    #[test]
    fn what_cannot_be_said_elsewhere_stays() {
        for (body, known) in [
            (BODY, known(true, true, true)),
            (
                r#"{"input":[{"role":"system","content":"all"}]}"#,
                known(true, false, false),
            ),
            (
                r#"{"input":[{"role":"system","content":[{"type":"input_image"}]},{"role":"user","content":""}]}"#,
                known(true, false, false),
            ),
            (
                r#"{"input":"system","instructions":null}"#,
                known(true, true, false),
            ),
        ] {
            let (after, mends) = changed(body, &known);
            assert_eq!(after, body);
            assert!(mends.is_empty());
        }
    }
}
