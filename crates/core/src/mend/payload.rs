//! A call's arguments, or a custom call's input: the rest of them, their done event, and the call that was held.

use crate::event::EventKind;
use crate::json::{Object, quote};
use crate::slots::{ItemType, Told, payload_field, payload_text};

use super::Mend;

impl Mend<'_> {
    /// Makes what was delivered of a call what `item` says of it, and closes it. A call of which nobody knows what its
    /// arguments are is not closed: the response fails.
    pub(super) fn settle_payload(&mut self, at: usize, item: &Object<'_>) {
        let whole = payload_text(item.get(self.slot_ref(at).kind.payload_field()));
        match self.slot_ref(at).told(whole.as_deref()) {
            Told::Same | Told::Stands => {}
            Told::Rest(rest) => {
                let rest = rest.to_owned();
                self.send_payload_rest(at, &rest);
            }
            Told::Unsaid => {
                // Of an incomplete call what was delivered is all there is, and its status says so.
                let cut = item.string("status").as_deref() == Some("incomplete");
                if !cut && !self.slot_ref(at).stands_alone() {
                    return self.fail_call();
                }
            }
            Told::Contradicts => return self.fail_contradiction(),
        }
        self.close_payload(at);
    }

    /// A call's `done` against what was delivered of it: what is missing is sent, what contradicts fails.
    pub(crate) fn mend_payload_done(&mut self) {
        let Some(at) = self.slot else { return };
        let field = payload_field(self.slot_ref(at));
        let raw = self.event.field(field);
        let whole = payload_text(raw);
        match self.slot_ref(at).told(whole.as_deref()) {
            Told::Same | Told::Stands => {}
            Told::Rest(rest) => {
                let rest = rest.to_owned();
                self.send_payload_rest(at, &rest);
            }
            Told::Unsaid => {
                let slot = self.slot_ref(at);
                if slot.is_blank(&slot.payload) || !slot.stands_alone() {
                    // It closes nothing yet: the item's own done event may say more.
                    return self.drop_event();
                }
            }
            Told::Contradicts => return self.fail_contradiction(),
        }
        let delivered = quote(&self.slot_ref(at).payload);
        self.draft.set(field.name(), delivered);
    }

    /// Sends so much more of the arguments or input.
    pub(crate) fn send_payload_rest(&mut self, at: usize, rest: &str) {
        self.forget_stray_call(at, rest);
        self.give_payload_delta(at, rest);
        let slot = &mut self.model.slots.list[at];
        slot.lost = None;
        slot.payload_seed.clear();
        self.model.slots.append_payload(at, rest);
        self.model.slots.changes.clear();
        self.model.content = true;
    }

    fn give_payload_delta(&mut self, at: usize, delta: &str) {
        let kind = if self.slot_ref(at).kind == ItemType::CustomToolCall {
            EventKind::CustomToolCallInputDelta
        } else {
            EventKind::FunctionCallArgumentsDelta
        };
        let fields = format!(r#"{},"delta":{}"#, self.place(at), quote(delta));
        self.make(kind, &fields);
    }

    /// Gives out the done event of a call's arguments or input, if it is missing.
    fn close_payload(&mut self, at: usize) {
        let slot = self.slot_ref(at);
        if slot.payload_done {
            return;
        }
        let kind = if slot.kind == ItemType::CustomToolCall {
            EventKind::CustomToolCallInputDone
        } else {
            EventKind::FunctionCallArgumentsDone
        };
        let fields = format!(
            r#"{},"{}":{}"#,
            self.place(at),
            slot.kind.payload_field(),
            quote(&slot.payload)
        );
        self.make(kind, &fields);
        self.model.slots.list[at].payload_done = true;
    }

    pub(super) fn fail_call(&mut self) {
        self.fail(
            "upstream_call_incomplete",
            "the upstream ended its response with a call that it never finished",
        );
    }

    /// Two texts for one call: nobody may run either.
    pub(super) fn fail_contradiction(&mut self) {
        self.fail(
            "upstream_contradiction",
            "the upstream streamed other arguments for a call than it says are done",
        );
    }
}
