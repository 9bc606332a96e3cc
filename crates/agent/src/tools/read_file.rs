//! `read_file`: lines of a text, numbered; the names in a directory; a small image as an image.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::arguments::Arguments;
use super::open::{Opened, names};
use super::place::{Places, why};
use super::seen::Seen;
use super::{blocking, counted, preview_of_path};
use crate::{BoxFuture, CallContext, Permission, Preview, Tool, ToolOutput, ToolSpec};

/// Lines that are given when the model does not say.
const LINES: u64 = 1_000;
/// Bytes of text that are given at once.
const TEXT: usize = 64 << 10;
/// Bytes of a line that are given.
const LINE: usize = 2_000;
/// Bytes of a file that are gone through for the lines asked for.
const SCANNED: u64 = 64 << 20;
/// Bytes that are looked at to tell text from anything else.
const SNIFFED: usize = 8 << 10;
/// Bytes of an image that is given as one.
const IMAGE: u64 = 1 << 20;
/// Names of a directory that are given.
const NAMES: usize = 500;

pub(super) struct ReadFile {
    spec: ToolSpec,
    places: Places,
    seen: Arc<Seen>,
}

impl ReadFile {
    pub(super) fn new(places: Places) -> Self {
        let parameters = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "offset": {"type": "integer", "description": "First line, from 1"},
                "limit": {"type": "integer", "description": "Lines; default 1000"},
            },
            "required": ["path"],
        });
        let about = "Read a text file with line numbers, look at an image, or list a directory.";
        let mut spec = ToolSpec::new("read_file", about, parameters);
        spec.parallel = true;
        spec.permission = Permission::Allow;
        Self {
            spec,
            places,
            seen: Arc::default(),
        }
    }
}

impl Tool for ReadFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn preview(&self, arguments: &Map<String, Value>) -> Preview {
        preview_of_path(&self.places, arguments, &self.seen)
    }

    fn call(
        &self,
        arguments: Map<String, Value>,
        context: CallContext,
    ) -> BoxFuture<'_, ToolOutput> {
        let (places, seen) = (self.places.clone(), Arc::clone(&self.seen));
        blocking(context, move |cancel| {
            let map = arguments;
            let arguments = Arguments::of(&map, &["path", "offset", "limit"])?;
            let place = places.resolve(arguments.text("path")?)?;
            seen.check(&map, &place, None)?;
            let first = arguments.count("offset")?.unwrap_or(1);
            let limit = arguments.count("limit")?.unwrap_or(LINES);
            match places.open(&place)? {
                Opened::Directory => listed(&place.shown, names(&place.path, NAMES)),
                Opened::File(file, found) => {
                    let size = u64::try_from(found.st_size).unwrap_or(0);
                    read(file, size, &place.shown, first, limit, cancel)
                }
            }
        })
    }
}

fn listed(shown: &str, names: std::io::Result<(Vec<String>, bool)>) -> Result<ToolOutput, String> {
    let (names, more) = names.map_err(|error| why(shown, &error))?;
    let count = names.len();
    let mut text = format!(
        "[{shown} is a directory of {count} entries]\n{}",
        names.join("\n")
    );
    if more {
        text.push_str("\n[there are more]");
    }
    Ok(ToolOutput::text(
        text,
        format!("directory, {count} entries"),
    ))
}

fn read(
    mut file: File,
    size: u64,
    shown: &str,
    first: u64,
    limit: u64,
    cancel: &CancellationToken,
) -> Result<ToolOutput, String> {
    let failed = |error: std::io::Error| why(shown, &error);
    let mut head = Vec::new();
    (&mut file)
        .take(SNIFFED as u64)
        .read_to_end(&mut head)
        .map_err(failed)?;
    if let Some(kind) = image(&head) {
        return whole_image(file, head, size, shown, kind);
    }
    if head.contains(&0) {
        return Ok(ToolOutput::text(
            format!("[{shown} is a binary file of {size} bytes]"),
            format!("binary, {size} bytes"),
        ));
    }
    file.rewind().map_err(failed)?;
    let mut lines = Lines {
        reader: BufReader::with_capacity(64 << 10, file.take(SCANNED)),
        line: 0,
    };
    while lines.line + 1 < first {
        if cancel.is_cancelled() {
            return Err("interrupted".to_owned());
        }
        if !lines.skip().map_err(failed)? {
            return Err(lines.too_short(shown, size));
        }
    }
    let page = lines.page(limit).map_err(failed)?;
    if page.count == 0 && first > 1 {
        return Err(lines.too_short(shown, size));
    }
    Ok(page.output(shown, size, first))
}

/// The lines of a file, up to what may be gone through.
struct Lines {
    reader: BufReader<std::io::Take<File>>,
    /// Lines behind the reader.
    line: u64,
}

#[derive(Default)]
struct Page {
    text: String,
    count: u64,
    /// There is more of the file.
    more: bool,
    invalid: bool,
}

impl Lines {
    /// Goes over a line; `false` at the end.
    fn skip(&mut self) -> std::io::Result<bool> {
        let skipped = self.reader.skip_until(b'\n')?;
        self.line += u64::from(skipped > 0);
        Ok(skipped > 0)
    }

    fn page(&mut self, limit: u64) -> std::io::Result<Page> {
        let mut page = Page::default();
        loop {
            if self.reader.fill_buf()?.is_empty() {
                // Either the file ends here or the part of it that is gone through.
                page.more = self.reader.get_ref().limit() == 0;
                return Ok(page);
            }
            if page.count == limit || page.text.len() >= TEXT {
                page.more = true;
                return Ok(page);
            }
            self.one(&mut page)?;
        }
    }

    /// Adds one line, without holding more of it than is given.
    fn one(&mut self, page: &mut Page) -> std::io::Result<()> {
        let mut line = Vec::new();
        (&mut self.reader)
            .take(LINE as u64 + 1)
            .read_until(b'\n', &mut line)?;
        let whole = line.last() == Some(&b'\n') || line.len() <= LINE;
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        let mut cut = 0;
        if !whole {
            cut = self.reader.skip_until(b'\n')? as u64;
        }
        self.line += 1;
        page.count += 1;
        let text = String::from_utf8_lossy(&line);
        page.invalid |= matches!(text, std::borrow::Cow::Owned(_)) && whole;
        page.text.push_str(&format!("{:>6}\t{text}", self.line));
        if !whole {
            page.text.push_str(&format!(" [… {cut} more bytes]"));
        }
        page.text.push('\n');
        Ok(())
    }

    fn too_short(&self, shown: &str, size: u64) -> String {
        match size > SCANNED {
            true => format!(
                "{shown}: {} lines are in its first {} MiB, which is as far as this tool goes; shell can read on",
                self.line,
                SCANNED >> 20
            ),
            false => format!("{shown} has only {}", counted(self.line, "line")),
        }
    }
}

impl Page {
    fn output(mut self, shown: &str, size: u64, first: u64) -> ToolOutput {
        if self.count == 0 {
            return ToolOutput::text(format!("[{shown} is empty]"), "empty");
        }
        let last = first + self.count - 1;
        if self.more {
            self.text.push_str(&format!(
                "[lines {first} to {last}; the file has {size} bytes and goes on: offset {}]",
                last + 1
            ));
        }
        if self.invalid {
            self.text
                .push_str("[some bytes are no UTF-8: � stands for them]");
        }
        let summary = match (first, self.more) {
            (1, false) => counted(self.count, "line"),
            _ => format!("lines {first} to {last}"),
        };
        ToolOutput::text(self.text, summary)
    }
}

/// The media type of an image that a model can look at.
fn image(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

fn whole_image(
    file: File,
    mut bytes: Vec<u8>,
    size: u64,
    shown: &str,
    kind: &str,
) -> Result<ToolOutput, String> {
    if size <= IMAGE {
        file.take(IMAGE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| why(shown, &error))?;
    }
    if size > IMAGE || bytes.len() as u64 > IMAGE {
        return Ok(ToolOutput::text(
            format!("[{shown} is an image ({kind}) of {size} bytes; at most {IMAGE} are shown]"),
            "image, too large",
        ));
    }
    let url = format!("data:{kind};base64,{}", STANDARD.encode(&bytes));
    Ok(ToolOutput {
        content: json!([
            {"type": "input_text", "text": format!("[{shown}, {kind}, {} bytes]", bytes.len())},
            {"type": "input_image", "image_url": url, "detail": "auto"},
        ]),
        failed: false,
        summary: format!("{kind}, {} bytes", bytes.len()),
    })
}
