//! An item that says what was delivered, but in other parts: relays join the parts of a summary, stream several parts as
//! one, or stream as reasoning what the item holds as its summary. Matched part by part, text would be delivered a
//! second time; so what was delivered stands, in the parts in which it was delivered.

use super::{ItemType, Part, Slot, TextKind};

/// The parts that hold text.
fn texts(parts: &[Part]) -> impl Iterator<Item = &str> {
    parts
        .iter()
        .filter(|part| part.kind.is_some())
        .map(|part| part.text.as_str())
}

/// How much of `whole` is `said`. White space does not count: it is what relays join parts with.
fn said_of<'t>(whole: &str, said: impl Iterator<Item = &'t str>) -> Option<usize> {
    let mut left = whole.char_indices().filter(|(_, c)| !c.is_whitespace());
    let mut end = 0;
    for c in said.flat_map(str::chars).filter(|c| !c.is_whitespace()) {
        let (at, next) = left.next()?;
        if next != c {
            return None;
        }
        end = at + c.len_utf8();
    }
    Some(end)
}

impl Slot {
    /// What `whole`, an item's own list of parts, holds beyond what was delivered in other parts than these. `None` where
    /// the parts agree one by one, or where the list says something else.
    pub(crate) fn recut(&self, list: TextKind, whole: &[Part]) -> Option<String> {
        let delivered = self.parts(list);
        if texts(delivered).eq(texts(whole)) || self.has_seed() {
            return None;
        }
        let count = |parts: &[Part]| texts(parts).count();
        let one_by_one = count(delivered) <= count(whole)
            && texts(delivered)
                .zip(texts(whole))
                .all(|(said, whole)| said_of(whole, std::iter::once(said)).is_some());
        if one_by_one || self.mixes_kinds(list, whole) {
            return None;
        }
        let all: String = texts(whole).collect();
        let rest = &all[said_of(&all, texts(delivered)).filter(|end| *end > 0)?..];
        let blank = rest.trim().is_empty();
        Some(if blank { "" } else { rest }.to_owned())
    }

    /// A text and a refusal are not one text, however they are cut.
    fn mixes_kinds(&self, list: TextKind, whole: &[Part]) -> bool {
        let mut kinds = self
            .parts(list)
            .iter()
            .chain(whole)
            .filter_map(|part| part.kind);
        let first = kinds.next();
        kinds.any(|kind| Some(kind) != first)
    }

    /// A reasoning item lists as its summary just what was delivered as its text, or the other way round.
    pub(crate) fn told_elsewhere(
        &self,
        list: TextKind,
        whole: &[Part],
        item: &crate::json::Object<'_>,
    ) -> bool {
        let (other, field) = match list {
            TextKind::Summary => (TextKind::Reasoning, "content"),
            _ => (TextKind::Summary, "summary"),
        };
        let listed = || item.get(field).and_then(crate::json::elements);
        let all: String = texts(whole).collect();
        self.kind == ItemType::Reasoning
            && !all.trim().is_empty()
            && self.parts(list).is_empty()
            && listed().is_none_or(|parts| parts.is_empty())
            && said_of(&all, texts(self.parts(other))) == Some(all.trim_end().len())
    }
}
