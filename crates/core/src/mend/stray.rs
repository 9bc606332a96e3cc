//! Text that came under names of no item or part, and is said once more where it belongs: by the done event of its own
//! part, or by the deltas behind a done event. Nothing is said twice, so what went out stands where it went out.

use crate::event::Field;
use crate::json::{Object, quote, unescape};
use crate::slots::{ItemType, Part, TextKind};

use super::Mend;

/// Text came for it, and no event of the upstream's own opened or closed it.
fn is_stray(part: &Part) -> bool {
    part.made_up && !part.text_done && !part.done && !part.text.is_empty()
}

impl Mend<'_> {
    /// What of `rest`, which a done event says beyond what was delivered of its own part, did not go out in a part that
    /// nobody knows. Such a part is closed: it was this one's.
    pub(super) fn less_strays(
        &mut self,
        at: usize,
        list: TextKind,
        part: usize,
        rest: &str,
    ) -> String {
        let mut rest = rest.to_owned();
        while let Some((stray, left)) = self.stray_in(&rest, (at, list == TextKind::Summary, part))
        {
            let (slot, kind, place) = stray;
            self.close_part(slot, kind, place);
            rest = left;
        }
        rest
    }

    /// A call that was held because its deltas named none, and of which they say just what is missing of this one, was
    /// this one. Nothing of it went out.
    pub(super) fn forget_stray_call(&mut self, at: usize, rest: &str) {
        let kind = self.slot_ref(at).kind;
        let slots = self.model.slots.list.iter().enumerate();
        let stray = slots.filter(|(_, slot)| slot.held && !slot.rival && slot.is_open());
        let mut stray = stray.filter(|(_, slot)| slot.kind == kind && slot.name.is_none());
        let found = stray.find(|(stray, slot)| *stray != at && slot.payload == rest);
        if let Some(stray) = found.map(|(stray, _)| stray) {
            self.model.slots.take_out(stray);
        }
    }

    /// Text came under this item's id and was taken for another item's, since nothing else told whose it was.
    pub(super) fn was_joined(&self, raw: &str) -> bool {
        let item = Object::parse(raw).unwrap_or_default();
        let kind = ItemType::from_name(&item.string("type").unwrap_or_default());
        let at = item
            .filled("id")
            .and_then(|id| self.model.slots.with_id(&id));
        at.map(|at| self.slot_ref(at))
            .is_some_and(|slot| slot.kind == kind && kind.has_parts() && !slot.is_open())
    }

    /// A stray part that `rest` begins or ends with, and what is left without it.
    fn stray_in(
        &self,
        rest: &str,
        own: (usize, bool, usize),
    ) -> Option<((usize, TextKind, usize), String)> {
        let slots = self.model.slots.list.iter().enumerate();
        let open = slots.filter(|(_, slot)| slot.is_open() && slot.kind.has_parts());
        let mut parts = open.flat_map(|(at, slot)| {
            let lists = slot.kind.lists().iter();
            lists.flat_map(move |list| {
                let parts = slot.parts(*list).iter().enumerate();
                parts.map(move |(place, part)| ((at, *list, place), part))
            })
        });
        parts.find_map(|(place, part)| {
            let here = (place.0, place.1 == TextKind::Summary, place.2) == own;
            let text = part.text.as_str();
            let left = rest.strip_prefix(text).or_else(|| rest.strip_suffix(text));
            let left = left.filter(|_| is_stray(part) && !here)?;
            Some((place, left.to_owned()))
        })
    }

    /// Takes off the delta in hand, which is to open an item or part, what a done event already brought elsewhere
    /// (DEVIATIONS 2.5). `true` when nothing is left of it: the event is dropped.
    pub(crate) fn was_sent(&mut self) -> bool {
        let raw = self.draft.current(self.event, Field::Delta);
        let Some(delta) = raw.and_then(unescape).map(std::borrow::Cow::into_owned) else {
            return false;
        };
        let slots = self.model.slots.list.iter_mut();
        let mut parts = slots.flat_map(|slot| slot.summary.iter_mut().chain(&mut slot.content));
        let left = parts
            .by_ref()
            .map(|part| part.not_owed(&delta))
            .find(|left| left.len() < delta.len());
        match left {
            Some("") => self.drop_event(),
            Some(left) => {
                let left = quote(left);
                self.draft.set("delta", left);
            }
            None => {}
        }
        self.draft.dropped
    }
}
