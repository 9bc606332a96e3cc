//! A call's arguments, or a custom call's input: what was delivered of them, and what the upstream says that they are.
//!
//! What is delivered was run, or will be: so nothing is glued around a hole, ciphertext is not given out as arguments
//! (DEVIATIONS 9.8), and where the done event contradicts the deltas nobody may run the call.

use std::borrow::Cow;

use crate::event::Field;
use crate::json::{self, GrowingObject, Object};

use super::{Change, ItemType, Slot, Slots};

/// Why the deltas of a call are no longer given on: its done event has to tell the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// A delta could not be read (DEVIATIONS 3.12).
    Hole,
    /// A delta cannot continue the JSON object that was begun, and the done event does not confirm it.
    Obscured,
}

/// What an event says that a call's arguments are, beside what was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    /// Just that.
    Same,
    /// That, and this more.
    Rest(&'a str),
    /// The same in other words.
    Stands,
    /// Nothing.
    Unsaid,
    /// Something else.
    Contradicts,
}

/// Arguments as an item or a done event carries them: a string, or the object itself (CLIENTS.md, `fc_arguments_object`).
pub(crate) fn payload_text(raw: Option<&str>) -> Option<Cow<'_, str>> {
    let raw = raw?;
    if json::is_object(raw) {
        Some(Cow::Borrowed(raw))
    } else {
        json::unescape(raw)
    }
}

/// The field of a call's done event that holds its arguments or input.
pub(crate) fn payload_field(slot: &Slot) -> Field {
    if slot.kind == ItemType::CustomToolCall {
        Field::Input
    } else {
        Field::Arguments
    }
}

impl Slot {
    /// Compares `whole`, the arguments as an event tells them, with what was delivered.
    pub(crate) fn told<'a>(&'a self, whole: Option<&'a str>) -> Told<'a> {
        let delivered = self.payload.as_str();
        let function = self.kind == ItemType::FunctionCall;
        let says = |text: &&str| !self.is_blank(text);
        let Some(told) = whole
            .filter(says)
            .or(Some(self.payload_seed.as_str()).filter(says))
        else {
            return match whole {
                Some(whole) if self.is_blank(delivered) && self.lost.is_none() => {
                    if whole == delivered {
                        Told::Same
                    } else {
                        Told::Stands
                    }
                }
                _ => Told::Unsaid,
            };
        };
        if told == delivered {
            return Told::Same;
        }
        if !self.payload_done {
            if let Some(rest) = told.strip_prefix(delivered) {
                return Told::Rest(rest);
            }
            if self.is_blank(delivered) {
                return Told::Rest(told);
            }
        }
        if function && json::same_value(delivered, told) {
            return Told::Stands;
        }
        Told::Contradicts
    }

    /// Text that says nothing of a call: for arguments white space as well (DEVIATIONS 9.5).
    pub(crate) fn is_blank(&self, text: &str) -> bool {
        if self.kind == ItemType::CustomToolCall {
            text.is_empty()
        } else {
            text.trim().is_empty()
        }
    }

    /// What was delivered may be all, although the event that closes the call does not say so.
    pub(crate) fn stands_alone(&self) -> bool {
        let whole =
            || self.kind == ItemType::CustomToolCall || json::is_whole_object(&self.payload);
        self.lost.is_none() && (self.payload_done || self.is_blank(&self.payload) || whole())
    }

    /// A call's delta goes on where the arguments that it was added with end; else it says them again.
    pub(crate) fn continues_seed(&self, delta: &str) -> bool {
        let seed = self.payload_seed.as_str();
        // An empty object there only keeps the place, and what no object begins with is no piece of arguments.
        let placeholder = self.kind == ItemType::FunctionCall
            && (json::is_whole_object(seed) || !GrowingObject::default().push(seed));
        !seed.is_empty() && !placeholder && !delta.starts_with(seed) && !seed.starts_with(delta)
    }
}

impl Slot {
    /// It is the call that the upstream calls by this call id.
    pub(crate) fn is_called(&self, call_id: &str) -> bool {
        let known = [&self.call_id, &self.upstream_call_id];
        self.kind.is_call() && known.into_iter().flatten().any(|known| known == call_id)
    }

    /// The same call id was added a second time, and nothing came of it.
    pub(crate) fn is_untold_rival(&self) -> bool {
        self.rival && self.held && self.payload.is_empty() && self.payload_seed.is_empty()
    }

    /// The call is done, and `item` is it again: the same name and the same arguments.
    pub(crate) fn is_repeated_by(&self, item: &Object<'_>) -> bool {
        let whole = payload_text(item.get(self.kind.payload_field()));
        let told = self.told(Some(whole.as_deref().unwrap_or_default()));
        item.string("type").as_deref() == Some(self.type_name.as_str())
            && item.filled("name").as_deref() == self.name.as_deref()
            && matches!(told, Told::Same | Told::Stands)
    }
}

impl Slots {
    /// The first call that the upstream calls by this call id, this slot aside.
    pub(crate) fn called(&self, call_id: &str, but: Option<usize>) -> Option<usize> {
        let calls = self.list.iter().enumerate();
        calls
            .filter(|(at, slot)| Some(*at) != but && !slot.repeated)
            .find(|(_, slot)| slot.is_called(call_id))
            .map(|(at, _)| at)
    }

    /// A call of this call id that `item` only repeats.
    pub(crate) fn repeated_by(&self, call_id: &str, item: &Object<'_>) -> bool {
        let mut calls = self.list.iter().filter(|slot| !slot.repeated && !slot.held);
        calls.any(|slot| slot.is_called(call_id) && slot.is_repeated_by(item))
    }

    /// The call is not there: it only repeats another one.
    pub(crate) fn take_out(&mut self, at: usize) {
        let slot = &mut self.list[at];
        (slot.repeated, slot.held, slot.done_at_index) = (true, false, true);
        slot.done = Some(String::new());
        slot.forget();
    }

    /// Appends delivered arguments or input.
    pub(crate) fn append_payload(&mut self, at: usize, delta: &str) {
        if delta.is_empty() {
            return;
        }
        if !self.list[at].payload_seed.is_empty() {
            let continues = self.list[at].continues_seed(delta);
            let seed = std::mem::take(&mut self.list[at].payload_seed);
            if continues {
                self.append_payload(at, &seed);
            }
        }
        let keep = self.keep(delta.len());
        let slot = &mut self.list[at];
        slot.growing.push(delta);
        slot.partial |= !keep;
        if keep {
            let from = slot.payload.len();
            slot.payload.push_str(delta);
            self.changes.push(Change::Payload { slot: at, from });
        }
    }

    /// Takes what `whole` holds beyond the delivered arguments. Where it says something else it is right: only a stream
    /// that nobody judged comes to that.
    pub(crate) fn extend_payload(&mut self, at: usize, whole: Option<&str>) {
        let slot = &self.list[at];
        if slot.partial {
            return;
        }
        let rest = match slot.told(whole) {
            Told::Rest(rest) => rest.to_owned(),
            Told::Same | Told::Unsaid => return,
            Told::Stands | Told::Contradicts => {
                self.list[at].payload = whole.unwrap_or_default().to_owned();
                return;
            }
        };
        self.list[at].payload_seed.clear();
        self.append_payload(at, &rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(kind: &str, delivered: &str, seed: &str) -> Slot {
        let mut slot = Slot::from_item(&format!(r#"{{"type":"{kind}"}}"#), 0, None);
        slot.payload = delivered.to_owned();
        slot.payload_seed = seed.to_owned();
        slot
    }

    #[test]
    fn what_a_done_says_of_arguments() {
        use Told::*;
        for (delivered, whole, told) in [
            ("", Some("{}"), Rest("{}")),
            ("", Some(""), Same),
            ("", None, Unsaid),
            (" ", Some(""), Stands),
            (" ", Some("{}"), Rest("{}")),
            (r#"{"a":1}"#, Some(r#"{"a":1}"#), Same),
            (r#"{"a":"#, Some(r#"{"a":1}"#), Rest("1}")),
            (r#"{"a":1}"#, Some(r#"{ "a": 1 }"#), Stands),
            (r#"{"a":1}"#, Some(""), Unsaid),
            (r#"{"a":1}"#, Some(" \n"), Unsaid),
            (r#"{"a":1}"#, None, Unsaid),
            (r#"{"a":1}"#, Some("{}"), Contradicts),
            (r#"{"a":1}"#, Some(r#"{"a":"#), Contradicts),
            (r#"{"a": "#, Some(r#"{"a":1}"#), Contradicts),
            ("gAAAA", Some(r#"{"a":1}"#), Contradicts),
        ] {
            let slot = call("function_call", delivered, "");
            assert_eq!(slot.told(whole), told, "{delivered:?} {whole:?}");
        }
    }

    #[test]
    fn what_a_done_says_of_free_text() {
        use Told::*;
        for (delivered, whole, told) in [
            ("", Some("ls"), Rest("ls")),
            ("ls", Some("ls -l"), Rest(" -l")),
            ("ls", Some("ls"), Same),
            ("ls", Some(""), Unsaid),
            (" ", Some("ls"), Contradicts),
            (r#"{"a":1}"#, Some(r#"{ "a": 1 }"#), Contradicts),
        ] {
            let slot = call("custom_tool_call", delivered, "");
            assert_eq!(slot.told(whole), told, "{delivered:?} {whole:?}");
        }
    }

    #[test]
    fn after_the_done_nothing_can_be_added() {
        for (delivered, whole, told) in [
            ("{}", Some("{}"), Told::Same),
            ("{}", Some("{} "), Told::Stands),
            ("", Some("{}"), Told::Contradicts),
            ("{", Some("{}"), Told::Contradicts),
            ("{}", Some(""), Told::Unsaid),
        ] {
            let slot = Slot {
                payload_done: true,
                ..call("function_call", delivered, "")
            };
            assert_eq!(slot.told(whole), told, "{delivered:?} {whole:?}");
        }
    }

    #[test]
    fn what_a_call_was_added_with_counts_where_nothing_else_is_said() {
        let slot = call("function_call", "", r#"{"a":1}"#);
        assert_eq!(slot.told(None), Told::Rest(r#"{"a":1}"#));
        assert_eq!(slot.told(Some("")), Told::Rest(r#"{"a":1}"#));
        assert_eq!(slot.told(Some(r#"{"b":1}"#)), Told::Rest(r#"{"b":1}"#));
        for (seed, delta, continues) in [
            (r#"{"a""#, ":1}", true),
            (r#"{"a""#, r#"{"a":1}"#, false),
            (r#"{"a""#, "{", false),
            ("{}", r#"{"a":1}"#, false),
            ("", "{", false),
        ] {
            let slot = call("function_call", "", seed);
            assert_eq!(slot.continues_seed(delta), continues, "{seed:?} {delta:?}");
        }
    }
}
