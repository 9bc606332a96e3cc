//! `write_file`: a whole file, new or over an old one.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::change::{self, Change, LARGEST};
use super::place::Places;
use super::seen::Seen;
use super::{blocking, counted, preview_of_path};
use crate::{BoxFuture, CallContext, Preview, Tool, ToolOutput, ToolSpec};

pub(super) struct WriteFile {
    spec: ToolSpec,
    shared: Arc<(Places, Seen)>,
}

impl WriteFile {
    pub(super) fn new(places: Places) -> Self {
        let parameters = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "content": {"type": "string"},
            },
            "required": ["path", "content"],
        });
        let about = "Create a file, or replace all of it. Missing directories are made.";
        Self {
            spec: ToolSpec::new("write_file", about, parameters),
            shared: Arc::new((places, Seen::default())),
        }
    }
}

fn change(places: &Places, map: &Map<String, Value>) -> Result<Change, String> {
    let arguments = Arguments::of(map, &["path", "content"])?;
    let place = places.resolve(arguments.text("path")?)?;
    let after = arguments.text("content")?.as_bytes().to_vec();
    if after.len() as u64 > LARGEST {
        return Err(format!("the content is larger than {} MiB", LARGEST >> 20));
    }
    Ok(Change {
        before: change::read(places, &place)?,
        place,
        after,
    })
}

impl Tool for WriteFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn preview(&self, arguments: &Map<String, Value>) -> Preview {
        let (places, seen) = &*self.shared;
        match change(places, arguments) {
            Ok(change) => change.preview(arguments, seen),
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
            let change = change(places, &arguments)?;
            change.apply(places, &arguments, seen)?;
            let shown = &change.place.shown;
            let lines = counted(
                change.after.split_inclusive(|byte| *byte == b'\n').count(),
                "line",
            );
            let bytes = counted(change.after.len(), "byte");
            let did = match change.before {
                Some(_) => "replaced",
                None => "created",
            };
            let summary = format!("{did}, {lines}");
            Ok(ToolOutput::text(
                format!("{did} {shown}: {lines}, {bytes}"),
                summary,
            ))
        })
    }
}
