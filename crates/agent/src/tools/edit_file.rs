//! `edit_file`: one text in a file becomes another.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::change::{self, Change, LARGEST};
use super::near;
use super::place::Places;
use super::seen::Seen;
use super::{blocking, preview_of_path};
use crate::{BoxFuture, CallContext, Preview, Tool, ToolOutput, ToolSpec};

pub(super) struct EditFile {
    spec: ToolSpec,
    shared: Arc<(Places, Seen)>,
}

impl EditFile {
    pub(super) fn new(places: Places) -> Self {
        let parameters = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "old": {"type": "string", "description": "Exactly as in the file, without line numbers; must occur once"},
                "new": {"type": "string"},
                "all": {"type": "boolean", "description": "Replace every occurrence"},
            },
            "required": ["path", "old", "new"],
        });
        let about = "Replace a text in a file by another.";
        Self {
            spec: ToolSpec::new("edit_file", about, parameters),
            shared: Arc::new((places, Seen::default())),
        }
    }
}

/// A change and how often the text was found.
fn change(places: &Places, map: &Map<String, Value>) -> Result<(Change, usize), String> {
    let arguments = Arguments::of(map, &["path", "old", "new", "all"])?;
    let place = places.resolve(arguments.text("path")?)?;
    let (old, new) = (arguments.text("old")?, arguments.text("new")?);
    if old.is_empty() {
        return Err("`old` is empty; write_file makes a new file".to_owned());
    }
    if old == new {
        return Err("`old` and `new` are the same".to_owned());
    }
    let Some(before) = change::read(places, &place)? else {
        return Err(format!(
            "{}: no such file; write_file makes one",
            place.shown
        ));
    };
    let Ok(text) = std::str::from_utf8(&before) else {
        return Err(format!(
            "{} is no UTF-8 text; shell can edit it",
            place.shown
        ));
    };
    let (old, new) = with_line_ends_of(text, old, new);
    let found = text.matches(&*old).count();
    let grown = new.len().saturating_mul(found);
    let length = (text.len() - old.len() * found).saturating_add(grown);
    let after = match found {
        0 => return Err(near::misses(&place.shown, text, &old)),
        1.. if length as u64 > LARGEST && (found == 1 || arguments.flag("all")?) => {
            let most = LARGEST >> 20;
            return Err(format!("the file would be larger than {most} MiB"));
        }
        1 => text.replacen(&*old, &new, 1),
        _ if arguments.flag("all")? => text.replace(&*old, &new),
        _ => return Err(near::several(&place.shown, text, &old)),
    };
    let after = after.into_bytes();
    Ok((
        Change {
            place,
            after,
            before: Some(before),
        },
        found,
    ))
}

/// Models write LF. In a file whose lines all end with CRLF that means CRLF.
fn with_line_ends_of(text: &str, old: &str, new: &str) -> (String, String) {
    let lines = text.matches('\n').count();
    let crlf = lines > 0 && text.matches("\r\n").count() == lines;
    if !crlf {
        return (old.to_owned(), new.to_owned());
    }
    let as_crlf = |part: &str| part.replace("\r\n", "\n").replace('\n', "\r\n");
    (as_crlf(old), as_crlf(new))
}

impl Tool for EditFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn preview(&self, arguments: &Map<String, Value>) -> Preview {
        let (places, seen) = &*self.shared;
        match change(places, arguments) {
            Ok((change, _)) => change.preview(arguments, seen),
            Err(why) => Preview {
                wrong: Some(why),
                ..preview_of_path(places, arguments, seen)
            },
        }
    }

    fn call(
        &self,
        arguments: Map<String, Value>,
        context: CallContext,
    ) -> BoxFuture<'_, ToolOutput> {
        let shared = Arc::clone(&self.shared);
        blocking(context, move |_| {
            let (places, seen) = &*shared;
            let (change, found) = change(places, &arguments)?;
            change.apply(places, &arguments, seen)?;
            let times = match found {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            let text = format!("replaced {times} in {}", change.place.shown);
            Ok(ToolOutput::text(text, format!("replaced {times}")))
        })
    }
}
