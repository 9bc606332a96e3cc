//! Calls given back as the calls of the tools that the client offered (DEVIATIONS 7.2, 9.7): what went up as a function of one
//! string comes back as a `custom_tool_call`, what was taken out of a namespace comes back in it.
//!
//! It stands behind core's reader: every call has its item, its deltas and its done, so each event is changed on its own, and
//! live. A call whose arguments are not what the function asks for is no call of the tool. It is not made into one: the
//! response fails, and says so.

use std::collections::HashMap;
use std::sync::Arc;

use respair_core::sse::Frame;
use respair_core::{Event, EventKind, Field, ResponseError};

use super::call_input::{CallInput, NotAnInput};
use crate::request::{Meant, Object, Tools, array, elements, quote};

/// What became of an event.
#[derive(Debug)]
pub(super) enum Restored {
    /// It goes on.
    Event(Event),
    /// It says nothing that the client could use.
    Nothing,
    /// The response cannot go on.
    Failed(ResponseError),
}

/// A call that is under way.
#[derive(Debug)]
struct Call {
    meant: Meant,
    input: CallInput,
}

/// Which call an event belongs to.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Index(u64),
    Item(String),
}

/// The calls of one stream.
#[derive(Debug)]
pub(super) struct Restore {
    tools: Arc<Tools>,
    open: HashMap<Key, Call>,
    /// How many calls were given back.
    pub(super) calls: u64,
}

impl Restore {
    pub(super) fn new(tools: Arc<Tools>) -> Self {
        Self {
            tools,
            open: HashMap::new(),
            calls: 0,
        }
    }

    /// An event as the client knows it.
    pub(super) fn event(&mut self, event: Event) -> Restored {
        match event.kind() {
            EventKind::OutputItemAdded => self.added(event),
            EventKind::FunctionCallArgumentsDelta => self.delta(event),
            EventKind::FunctionCallArgumentsDone => self.arguments_done(event),
            EventKind::OutputItemDone => self.done(event),
            kind => self.response(event, kind == EventKind::Failed),
        }
    }

    fn added(&mut self, event: Event) -> Restored {
        let item = event.field(Field::Item).and_then(Object::parse);
        let Some((mut item, meant)) = item.and_then(|item| self.meant(item)) else {
            return Restored::Event(event);
        };
        let mut input = CallInput::new();
        if meant.custom {
            let arguments = item.text("arguments").unwrap_or_default();
            match input.push(&arguments) {
                Ok(first) => custom(&mut item, &first),
                Err(NotAnInput) => return not_an_input(&meant),
            }
        }
        named(&mut item, &meant);
        let item = item.to_string();
        if let Some(key) = key(&event) {
            self.open.insert(key, Call { meant, input });
        }
        changed(&event, None, |data| data.set("item", item))
    }

    fn delta(&mut self, event: Event) -> Restored {
        let call = key(&event).and_then(|key| self.open.get_mut(&key));
        let Some(call) = call.filter(|call| call.meant.custom) else {
            return Restored::Event(event);
        };
        match call
            .input
            .push(&event.text(Field::Delta).unwrap_or_default())
        {
            Ok(input) if input.is_empty() => Restored::Nothing,
            Ok(input) => changed(&event, Some(EventKind::CustomToolCallInputDelta), |data| {
                data.set("delta", quoted(&input));
            }),
            Err(NotAnInput) => not_an_input(&call.meant),
        }
    }

    fn arguments_done(&mut self, event: Event) -> Restored {
        let Some(call) = key(&event).and_then(|key| self.open.get(&key)) else {
            return Restored::Event(event);
        };
        let name = quote(&call.meant.name);
        if !call.meant.custom {
            return changed(&event, None, |data| {
                if data.get("name").is_some() {
                    data.set("name", name);
                }
            });
        }
        match CallInput::read(&event.text(Field::Arguments).unwrap_or_default()) {
            Ok((input, true)) => {
                changed(&event, Some(EventKind::CustomToolCallInputDone), |data| {
                    data.rename("arguments", "input", quoted(&input));
                    data.remove("name");
                })
            }
            // Whether that is an end its item says.
            Ok((_, false)) => Restored::Nothing,
            Err(NotAnInput) => not_an_input(&call.meant),
        }
    }

    fn done(&mut self, event: Event) -> Restored {
        if let Some(key) = key(&event) {
            self.open.remove(&key);
        }
        let item = event.field(Field::Item).and_then(Object::parse);
        let Some((mut item, meant)) = item.and_then(|item| self.meant(item)) else {
            return Restored::Event(event);
        };
        if meant.custom {
            match CallInput::read(&item.text("arguments").unwrap_or_default()) {
                Ok((input, true)) => custom(&mut item, &input),
                // A text has no end of its own: half of one looks like a whole, and would be run. The item stays open, as
                // the terminal event will say of it.
                Ok((_, false)) if item.says("status", "incomplete") => return Restored::Nothing,
                Ok((_, false)) => {
                    let message = format!(
                        "the arguments of the call of `{}` end before they are whole",
                        meant.name
                    );
                    let error = ResponseError::local("upstream_call_incomplete", message);
                    return Restored::Failed(error);
                }
                Err(NotAnInput) => return not_an_input(&meant),
            }
        }
        named(&mut item, &meant);
        self.calls += 1;
        let item = item.to_string();
        changed(&event, None, |data| data.set("item", item))
    }

    /// The output that an event of the whole response carries.
    fn response(&self, event: Event, failed: bool) -> Restored {
        let changed_response = event
            .field(Field::Response)
            .and_then(|response| self.whole(response, failed));
        match changed_response {
            Some(response) => changed(&event, None, |data| data.set("response", response)),
            None => Restored::Event(event),
        }
    }

    /// A whole response as the client knows it; `None` where it is one already. `failed` leaves out what is no call of the
    /// client's tool.
    pub(super) fn whole(&self, response: &str, failed: bool) -> Option<String> {
        if !response.contains("function_call") {
            return None;
        }
        let mut response = Object::parse(response)?;
        let mut any = false;
        let mut output = Vec::new();
        for raw in response.get("output").and_then(elements)? {
            let Some((mut item, meant)) = Object::parse(raw).and_then(|item| self.meant(item))
            else {
                output.push(raw.to_owned());
                continue;
            };
            if meant.custom {
                match CallInput::read(&item.text("arguments").unwrap_or_default()) {
                    Ok((input, true)) => custom(&mut item, &input),
                    // It says of itself that it is not whole.
                    Ok((input, false)) if !item.says("status", "completed") => {
                        custom(&mut item, &input);
                    }
                    _ if failed => {
                        any = true;
                        continue;
                    }
                    _ => {
                        output.push(raw.to_owned());
                        continue;
                    }
                }
            }
            named(&mut item, &meant);
            any = true;
            output.push(item.to_string());
        }
        if !any {
            return None;
        }
        response.set("output", array(&output));
        Some(response.to_string())
    }

    /// An item that is a call of a function that stands for something, and for what.
    fn meant<'a>(&self, item: Object<'a>) -> Option<(Object<'a>, Meant)> {
        if !item.says("type", "function_call") {
            return None;
        }
        let name = item.text("name")?;
        let namespace = item.text("namespace");
        let meant = self.tools.meant(namespace.as_deref(), &name)?.clone();
        Some((item, meant))
    }
}

fn key(event: &Event) -> Option<Key> {
    match event.integer(Field::OutputIndex) {
        Some(index) => Some(Key::Index(index)),
        None => {
            let item = event.text(Field::ItemId).map(|id| id.into_owned());
            let nested = || event.field(Field::Item).and_then(Object::parse)?.text("id");
            item.or_else(nested).map(Key::Item)
        }
    }
}

/// Makes a function's call that of a custom tool.
fn custom(item: &mut Object<'_>, input: &str) {
    item.set("type", r#""custom_tool_call""#);
    item.rename("arguments", "input", quoted(input));
}

fn named(item: &mut Object<'_>, meant: &Meant) {
    item.set("name", quote(&meant.name));
    match &meant.namespace {
        Some(namespace) => item.set("namespace", quote(namespace)),
        None => drop(item.remove("namespace")),
    }
}

/// A text that is spelled as JSON, in its quotes.
fn quoted(spelled: &str) -> String {
    format!("\"{spelled}\"")
}

fn not_an_input(meant: &Meant) -> Restored {
    let message = format!(
        "the arguments of the call of `{}` are not `{{\"input\": TEXT}}`, so there is no input to call the tool with",
        meant.name
    );
    Restored::Failed(ResponseError::local("upstream_call_unconvertible", message))
}

/// The event with its data changed; of another kind where one is given.
fn changed(
    event: &Event,
    kind: Option<EventKind>,
    change: impl FnOnce(&mut Object<'_>),
) -> Restored {
    let Some(mut data) = Object::parse(event.data()) else {
        // It was read as an object before.
        return Restored::Nothing;
    };
    if let Some(kind) = kind {
        data.set("type", quote(kind.name()));
    }
    change(&mut data);
    let name = kind.map_or_else(|| event.type_name(), |kind| kind.name().into());
    Restored::Event(Event::read(Frame::compose(
        &name,
        data.to_string().as_bytes(),
    )))
}
