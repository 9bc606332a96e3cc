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
    /// The names of what parts lack.
    pub(crate) lacking: Vec<&'static str>,
    /// What belongs to items of another type.
    pub(crate) foreign: Vec<Edit>,
}

impl Conformed {
    pub(crate) fn all(self) -> Vec<Edit> {
        self.id
            .into_iter()
            .chain(self.fields)
            .chain(self.text)
            .chain(self.parts)
            .chain(self.foreign)
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
    if slot.needs_status() && item.filled("status").is_none() {
        let status = if slot.failed { "failed" } else { status };
        found.fields.push(Edit::Set("status", quote(status)));
    }
    found.foreign = foreign_fields(slot.kind, &item);
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

/// Takes out what only items of another type have: readers that go by fields would find a second thing in the item.
pub(super) fn foreign_fields(kind: ItemType, item: &Object<'_>) -> Vec<Edit> {
    let foreign: &[&str] = match kind {
        ItemType::Message | ItemType::Reasoning => &["arguments", "input", "call_id", "name"],
        ItemType::FunctionCall | ItemType::CustomToolCall => &["content", "summary"],
        ItemType::Other => &[],
    };
    let there = |name: &&&str| item.present(name).is_some();
    let there = foreign.iter().filter(there);
    there.map(|name| Edit::Remove((*name).to_owned())).collect()
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
    let alike = slot.parts_like(kind, &whole);
    for at in alike.iter().flatten() {
        used[*at] = true;
    }
    let mut mended: Vec<String> = Vec::new();
    for ((part, raw), known) in whole.iter().zip(&list).zip(alike) {
        let alien = part.kind.is_none();
        if let Some(at) = garbled(raw, delivered, &used).filter(|_| alien && known.is_none()) {
            used[at] = true;
            changed = true;
            mended.push(delivered[at].to_json());
            continue;
        }
        match (part.kind, known.map(|at| &delivered[at])) {
            (Some(text), Some(known)) if known.text != part.text => {
                changed = true;
                let mut fill = conform_part(raw, text);
                fill.push(Edit::Set(text.text_field().name(), quote(&known.text)));
                mended.push(edit(raw, &fill));
            }
            // What it says stands in another part; or the item is over, and nothing more is delivered of it.
            (Some(_), None) if recut || !slot.is_open() => changed = true,
            _ => {
                let fill = part.kind.map_or(Vec::new(), |kind| conform_part(raw, kind));
                lacking |= !fill.is_empty();
                let names = fill.iter().filter_map(Edit::key);
                found.lacking.extend(names);
                mended.push(if fill.is_empty() {
                    (*raw).to_owned()
                } else {
                    edit(raw, &fill)
                });
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

/// The delivered part that a part of no known type says again, and that no other element of the item is.
fn garbled(raw: &str, delivered: &[Part], used: &[bool]) -> Option<usize> {
    let part = Object::parse(raw)?;
    let text = part.filled("text").or_else(|| part.filled("refusal"))?;
    let free = |(part, used): (&Part, &bool)| !used && part.text == *text;
    delivered.iter().zip(used).position(free)
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
    let known = part
        .filled("type")
        .is_some_and(|name| name == kind.part_type());
    if !known {
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
