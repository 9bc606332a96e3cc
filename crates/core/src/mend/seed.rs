//! Delivering what an item or a part was added with, where nothing says it again.

use crate::slots::TextKind;

use super::Mend;

impl Mend<'_> {
    /// Sends what the part was added with, as its first delta.
    pub(crate) fn send_seed(&mut self, at: usize, kind: TextKind, part: usize) {
        let seed = std::mem::take(&mut self.model.slots.list[at].parts_mut(kind)[part].seed);
        self.send_rest(at, kind, part, &seed);
    }

    /// Sends what the call was added with, as the first delta of its arguments or input.
    pub(crate) fn send_payload_seed(&mut self, at: usize) {
        let seed = std::mem::take(&mut self.model.slots.list[at].payload_seed);
        if self.slot_ref(at).payload.is_empty() {
            self.send_payload_rest(at, &seed);
        }
    }

    /// The stream ends without saying it again: the texts that wait are sent. Calls stay as they are: nobody may run
    /// one that was not finished.
    pub(crate) fn send_all_seeds(&mut self) {
        for at in 0..self.model.slots.list.len() {
            let slot = self.slot_ref(at);
            if slot.kind.is_call() || slot.partial || !slot.is_open() || !slot.has_seed() {
                continue;
            }
            for &list in slot.kind.lists() {
                self.open_prefilled(at, list);
                for part in 0..self.slot_ref(at).parts(list).len() {
                    let known = &self.slot_ref(at).parts(list)[part];
                    if let Some(kind) = known.kind.filter(|_| !known.seed.is_empty()) {
                        self.send_seed(at, kind, part);
                    }
                }
            }
        }
    }

    /// Opens the parts that the item was added with and that nothing has opened since.
    pub(crate) fn open_prefilled(&mut self, at: usize, list: TextKind) {
        while let Some(raw) = self.next_prefilled(at, list) {
            self.open_part(at, list, None, Some(&raw));
        }
    }

    fn next_prefilled(&self, at: usize, list: TextKind) -> Option<String> {
        let slot = self.slot_ref(at);
        let parts = slot.prefilled_parts(slot.prefilled.as_deref()?, list);
        let next = parts.get(slot.parts(list).len())?;
        Some(
            next.kind
                .map_or_else(|| next.raw.clone(), |kind| kind.empty_part().to_owned()),
        )
    }
}
