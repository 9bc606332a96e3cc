//! What an item as the upstream wrote it needs, to agree with its slot: its id, its fields, the delivered text.

use crate::json::{self, Edit, Object, edit, quote};
use crate::schema::bare;
use crate::slots::{ItemType, Part, Slot, TextKind};

/// The edits that make an item agree with its slot, by the rule that asks for them.
#[derive(Debug, Default)]
pub(crate) struct Conformed {
    pub(crate) id: Vec<Edit>,
    pub(crate) fields: Vec<Edit>,
    pub(crate) text: Vec<Edit>,
    /// The text agrees, and a part lacks what its type needs.
    pub(crate) parts: Vec<Edit>,
}

impl Conformed {
    pub(crate) fn all(self) -> Vec<Edit> {
        self.id
            .into_iter()
            .chain(self.fields)
            .chain(self.text)
            .chain(self.parts)
            .collect()
    }

    /// The names of the fields that are filled, for a message.
    pub(crate) fn field_names(&self) -> Vec<&'static str> {
        self.fields.iter().filter_map(Edit::key).collect()
    }
}

/// Compares an item as raw JSON with its slot. `status` is what a missing status is filled with.
pub(crate) fn conform(slot: &Slot, raw: &str, status: &str) -> Conformed {
    let item = Object::parse(raw).unwrap_or_default();
    let mut found = Conformed::default();
    if let Some(id) = &slot.id
        && item.string("id").as_deref() != Some(id)
    {
        found.id.push(Edit::Set("id", quote(id)));
    }
    if item
        .filled("type")
        .is_none_or(|name| bare(&name) != bare(&slot.type_name))
    {
        found.fields.push(Edit::Set("type", quote(&slot.type_name)));
    }
    if (slot.kind == ItemType::Message || slot.kind.is_call()) && item.filled("status").is_none() {
        found.fields.push(Edit::Set("status", quote(status)));
    }
    match slot.kind {
        ItemType::Message => {
            if item.filled("role").is_none() {
                found.fields.push(Edit::Set("role", quote("assistant")));
            }
            parts(slot, &item, "content", &slot.content, &mut found);
        }
        ItemType::Reasoning => {
            parts(slot, &item, "summary", &slot.summary, &mut found);
            if !slot.content.is_empty() || item.get("content").is_some_and(json::is_array) {
                parts(slot, &item, "content", &slot.content, &mut found);
            }
        }
        ItemType::FunctionCall | ItemType::CustomToolCall => call(slot, &item, &mut found),
        ItemType::Other => {}
    }
    found
}

fn parts(
    slot: &Slot,
    item: &Object<'_>,
    field: &'static str,
    delivered: &[Part],
    found: &mut Conformed,
) {
    let Some(list) = item.get(field).and_then(json::elements) else {
        found.fields.push(Edit::Set(
            field,
            json::array(delivered.iter().map(Part::to_json)),
        ));
        return;
    };
    if slot.partial {
        return;
    }
    let kind = if field == "summary" {
        TextKind::Summary
    } else {
        TextKind::Output
    };
    let read =
        |(place, raw): (usize, &&str)| Part::from_raw(place as u64, raw).fitting(slot.kind, kind);
    let whole: Vec<Part> = list.iter().enumerate().map(read).collect();
    if slot.told_elsewhere(kind, &whole, item) {
        found.text.push(Edit::Set(field, "[]".to_owned()));
        return;
    }
    let recut = slot.recut(kind, &whole).is_some();
    let (mut changed, mut lacking) = (false, false);
    let mut used = vec![false; delivered.len()];
    let mut mended: Vec<String> = Vec::new();
    for ((part, raw), known) in whole.iter().zip(&list).zip(slot.parts_like(kind, &whole)) {
        if let Some(at) = known {
            used[at] = true;
        }
        match (part.kind, known.map(|at| &delivered[at])) {
            (Some(text), Some(known)) if known.text != part.text => {
                changed = true;
                mended.push(edit(
                    raw,
                    &[Edit::Set(text.text_field().name(), quote(&known.text))],
                ));
            }
            // What it says stands in another part.
            (Some(_), None) if recut => changed = true,
            _ => {
                let bare = part.kind == Some(TextKind::Output)
                    && !Object::parse(raw)
                        .is_some_and(|part| part.get("annotations").is_some_and(json::is_array));
                lacking |= bare;
                let fill = bare.then(|| edit(raw, &[Edit::Set("annotations", "[]".to_owned())]));
                mended.push(fill.unwrap_or_else(|| (*raw).to_owned()));
            }
        }
    }
    for (part, _) in delivered.iter().zip(used).filter(|(_, used)| !used) {
        changed = true;
        mended.push(part.to_json());
    }
    match (changed, lacking) {
        (true, _) => found.text.push(Edit::Set(field, json::array(mended))),
        (false, true) => found.parts.push(Edit::Set(field, json::array(mended))),
        (false, false) => {}
    }
}

fn call(slot: &Slot, item: &Object<'_>, found: &mut Conformed) {
    for (key, known) in [("call_id", &slot.call_id), ("name", &slot.name)] {
        if let Some(known) = known
            && item.filled(key).is_none_or(|given| given != known.as_str())
        {
            found.fields.push(Edit::Set(key, quote(known)));
        }
    }
    let field = slot.kind.payload_field();
    match item.get(field) {
        Some(raw) if json::is_string(raw) => {
            let differs = json::unescape(raw).as_deref() != Some(slot.payload.as_str());
            if differs && !slot.partial {
                found.text.push(Edit::Set(field, quote(&slot.payload)));
            }
        }
        // Arguments as an object: the same JSON, as the string that the protocol wants.
        Some(raw) if json::is_object(raw) && slot.payload.is_empty() => {
            found.fields.push(Edit::Set(field, quote(raw)));
        }
        _ => found.fields.push(Edit::Set(field, quote(&slot.payload))),
    }
}

/// The fields that a part needs, as edits.
pub(crate) fn conform_part(raw: &str, kind: TextKind) -> Vec<Edit> {
    let part = Object::parse(raw).unwrap_or_default();
    let mut edits = Vec::new();
    if part.filled("type").is_none() {
        edits.push(Edit::Set("type", quote(kind.part_type())));
    }
    let field = kind.text_field().name();
    if !part.get(field).is_some_and(json::is_string) {
        edits.push(Edit::Set(field, quote("")));
    }
    if kind == TextKind::Output && !part.get("annotations").is_some_and(json::is_array) {
        edits.push(Edit::Set("annotations", "[]".to_owned()));
    }
    edits
}
