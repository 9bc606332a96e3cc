//! What an item or a part was added with (DEVIATIONS 3.6): not delivered until a delta or a done event shows whether
//! the upstream says it again (ARCHITECTURE.md, what may wait).

use crate::json::{self, Object};

use super::{Part, Slot, TextKind};

impl Slot {
    /// The slot was opened by an emptied item; `upstream` is the item as it came, with what it already holds.
    pub(crate) fn seed_from(&mut self, upstream: &str) {
        let whole = Slot::from_item(upstream, self.index, None);
        if self.kind.is_call() && self.payload.is_empty() {
            self.payload_seed = whole.payload;
        } else if whole.holds_text() && !self.holds_text() {
            self.prefilled = Some(upstream.to_owned());
        }
    }

    /// Some part of it holds text.
    pub(crate) fn holds_text(&self) -> bool {
        let mut parts = self.summary.iter().chain(&self.content);
        parts.any(|part| !part.text.is_empty())
    }

    /// The text that the item was added with, for the part that stands at `position`.
    pub(crate) fn prefilled_text(&self, list: TextKind, position: usize) -> Option<String> {
        let raw = self.prefilled.as_deref()?;
        let part = self.prefilled_parts(raw, list).into_iter().nth(position)?;
        Some(part.text).filter(|text| !text.is_empty())
    }

    /// The parts of the item as the upstream added it.
    pub(crate) fn prefilled_parts(&self, raw: &str, list: TextKind) -> Vec<Part> {
        let item = Object::parse(raw).unwrap_or_default();
        let field = if list == TextKind::Summary {
            "summary"
        } else {
            "content"
        };
        let raws = item.get(field).and_then(json::elements).unwrap_or_default();
        let read =
            |(at, raw): (usize, &&str)| Part::from_raw(at as u64, raw).fitting(self.kind, list);
        raws.iter().enumerate().map(read).collect()
    }

    /// Text or arguments that wait are still to be delivered.
    pub(crate) fn has_seed(&self) -> bool {
        let unopened = || {
            let raw = self.prefilled.as_deref()?;
            let left = |list| self.prefilled_parts(raw, list).len() > self.parts(list).len();
            Some(left(TextKind::Summary) || left(TextKind::Output))
        };
        let mut parts = self.summary.iter().chain(&self.content);
        !self.payload_seed.is_empty()
            || parts.any(|part| !part.seed.is_empty())
            || unopened().unwrap_or(false)
    }

    /// A call's arguments or input as they are known: delivered, else what it was added with. An empty object there
    /// only keeps the place.
    pub(crate) fn known_payload(&self) -> &str {
        let seed = self.payload_seed.as_str();
        if self.payload.is_empty() && json::is_truthy(seed) {
            seed
        } else {
            &self.payload
        }
    }
}
