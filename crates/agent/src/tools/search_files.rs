//! `search_files`: lines that match a pattern, and files whose names match one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use globset::{GlobBuilder, GlobMatcher};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use ignore::{DirEntry, Walk, WalkBuilder};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::arguments::Arguments;
use super::open::Opened;
use super::place::{Place, Places, spelt};
use super::seen::Seen;
use super::{blocking, counted, preview_of_path};
use crate::{BoxFuture, CallContext, Permission, Preview, Tool, ToolOutput, ToolSpec};

/// Lines, or names, that are given.
const FOUND: usize = 200;
/// Bytes of a line that are given.
const LINE: usize = 300;
/// Bytes that are given, all told.
const TEXT: usize = 32 << 10;
/// A file that is searched, in bytes; larger ones are logs and data, for which there is the shell.
const FILE: u64 = 64 << 20;
/// A line that is searched, in bytes.
const HEAP: usize = 4 << 20;
/// How deep the search goes below its start.
const DEPTH: usize = 128;
/// How long it takes.
const TIME: Duration = Duration::from_secs(20);
/// A pattern, compiled, in bytes.
const PATTERN: usize = 4 << 20;
/// A pattern or a glob as it is written, in bytes: nested deep enough, reading one takes all of a stack.
const WRITTEN: usize = 4 << 10;
/// A file that says what to ignore, in bytes: all of it is read and held.
const IGNORES: u64 = 256 << 10;
/// The files that say what to ignore, where the walk looks for them.
const IGNORE_FILES: [&str; 4] = [".gitignore", ".ignore", ".git/info/exclude", ".git/config"];

pub(super) struct SearchFiles {
    spec: ToolSpec,
    places: Places,
    seen: Arc<Seen>,
}

impl SearchFiles {
    pub(super) fn new(places: Places) -> Self {
        let parameters = json!({
            "type": "object",
            "properties": {
                "pattern": {"type": "string", "description": "Regular expression for lines; without it files are listed"},
                "name": {"type": "string", "description": "Glob for file names or, with a slash, paths"},
                "path": {"type": "string", "description": "Where; default the working directory"},
                "ignore_case": {"type": "boolean"},
            },
        });
        let about =
            "Search the lines of files, or list files by name. What .gitignore names is left out.";
        let mut spec = ToolSpec::new("search_files", about, parameters);
        spec.parallel = true;
        spec.permission = Permission::Allow;
        Self {
            spec,
            places,
            seen: Arc::default(),
        }
    }
}

impl Tool for SearchFiles {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn preview(&self, arguments: &Map<String, Value>) -> Preview {
        let mut preview = preview_of_path(&self.places, arguments, &self.seen);
        let wanted = ["pattern", "name"].iter();
        let wanted: Vec<_> = wanted
            .filter_map(|name| arguments.get(*name).and_then(Value::as_str))
            .collect();
        // The path first: rules are written for it.
        preview.subject = format!("{} {}", preview.subject, wanted.join(" "));
        preview
    }

    fn call(
        &self,
        arguments: Map<String, Value>,
        context: CallContext,
    ) -> BoxFuture<'_, ToolOutput> {
        let (places, seen) = (self.places.clone(), Arc::clone(&self.seen));
        blocking(context, move |cancel| {
            let map = arguments;
            let arguments = Arguments::of(&map, &["pattern", "name", "path", "ignore_case"])?;
            let ignore_case = arguments.flag("ignore_case")?;
            let pattern = arguments.optional_text("pattern")?;
            let name = arguments.optional_text("name")?;
            if pattern.is_none() && name.is_none() {
                return Err("give a `pattern`, a `name`, or both".to_owned());
            }
            let place = places.resolve(arguments.optional_text("path")?.unwrap_or("."))?;
            seen.check(&map, &place, None)?;
            let mut search = Search {
                place,
                places,
                pattern: pattern.map(|text| matcher(text, ignore_case)).transpose()?,
                name: name.map(|text| glob(text, ignore_case)).transpose()?,
                cancel: cancel.clone(),
                begun: Instant::now(),
                found: Vec::new(),
                bytes: 0,
                files: 0,
                left_out: LeftOut::default(),
            };
            search.run()?;
            Ok(search.output())
        })
    }
}

/// Whether an argument is of a length that somebody would write.
fn written<'a>(name: &str, text: &'a str) -> Result<&'a str, String> {
    match text.len() <= WRITTEN {
        true => Ok(text),
        false => Err(format!("`{name}` is longer than {WRITTEN} bytes")),
    }
}

fn matcher(text: &str, ignore_case: bool) -> Result<RegexMatcher, String> {
    let text = written("pattern", text)?;
    RegexMatcherBuilder::new()
        .case_insensitive(ignore_case)
        .line_terminator(Some(b'\n'))
        .size_limit(PATTERN)
        .dfa_size_limit(PATTERN)
        .build(text)
        .map_err(|error| format!("`pattern`: {error}"))
}

fn glob(text: &str, ignore_case: bool) -> Result<(GlobMatcher, bool), String> {
    let text = written("name", text)?;
    let text = text.strip_prefix("./").unwrap_or(text);
    let glob = GlobBuilder::new(text)
        .case_insensitive(ignore_case)
        .literal_separator(true)
        .build()
        .map_err(|error| format!("`name`: {error}"))?;
    Ok((glob.compile_matcher(), text.contains('/')))
}

/// A search under way.
struct Search {
    places: Places,
    place: Place,
    pattern: Option<RegexMatcher>,
    /// The glob, and whether it is for the path.
    name: Option<(GlobMatcher, bool)>,
    cancel: CancellationToken,
    begun: Instant,
    /// What is given: the path, the line's number or 0, the line.
    found: Vec<(String, u64, String)>,
    bytes: usize,
    files: usize,
    left_out: LeftOut,
}

/// What was not searched, or not given.
#[derive(Default)]
struct LeftOut {
    large: usize,
    long_lines: usize,
    deep: usize,
    unreadable: usize,
    more: bool,
    time: bool,
}

impl Search {
    fn run(&mut self) -> Result<(), String> {
        match self.places.open(&self.place)? {
            Opened::File(file, found) => {
                let size = u64::try_from(found.st_size).unwrap_or(0);
                let shown = self.place.shown.clone();
                self.look_into(file, size, shown);
                return Ok(());
            }
            Opened::Directory => {}
        }
        // The walk reads these of the root and all above it, whatever it is told.
        if let Some((trap, what)) = self.place.path.ancestors().find_map(trap) {
            return Err(format!(
                "{} {what}: nothing was searched",
                self.shown(&trap)
            ));
        }
        let trapped = Arc::new(AtomicUsize::new(0));
        for entry in self.walk(&trapped) {
            if self.cancel.is_cancelled() {
                return Err("interrupted".to_owned());
            }
            self.left_out.time = self.begun.elapsed() > TIME;
            if self.left_out.more || self.left_out.time {
                break;
            }
            match entry {
                Ok(entry) => self.look_at(&entry),
                Err(_) => self.left_out.unreadable += 1,
            }
        }
        self.left_out.unreadable += trapped.load(Ordering::Relaxed);
        self.found.sort();
        Ok(())
    }

    /// `trapped` counts the directories that are left out for what they say is to be ignored.
    fn walk(&self, trapped: &Arc<AtomicUsize>) -> Walk {
        let (places, root) = (self.places.clone(), self.place.path.clone());
        let trapped = Arc::clone(trapped);
        let mut walk = WalkBuilder::new(&root);
        walk.hidden(false)
            // A .gitignore says the same outside a repository.
            .require_git(false)
            .follow_links(false)
            .max_depth(Some(DEPTH))
            .filter_entry(move |entry| {
                let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
                // The root itself is what was asked for.
                let own = entry.depth() == 0 || entry.file_name() != ".git";
                if places.is_protected(entry.path()) || is_dir && !own {
                    return false;
                }
                let is_trap = is_dir && trap(entry.path()).is_some();
                trapped.fetch_add(usize::from(is_trap), Ordering::Relaxed);
                !is_trap
            });
        walk.build()
    }

    fn look_at(&mut self, entry: &DirEntry) {
        let Some(kind) = entry.file_type() else {
            return;
        };
        if kind.is_dir() && entry.depth() == DEPTH {
            self.left_out.deep += 1;
        }
        // FIFOs, sockets, devices and links are no files to search.
        if !kind.is_file() || !self.is_named(entry.path()) {
            return;
        }
        let shown = self.shown(entry.path());
        if self.pattern.is_none() {
            self.files += 1;
            self.add(shown, 0, String::new());
            return;
        }
        let place = Place {
            path: entry.path().to_owned(),
            shown: shown.clone(),
            outside: None,
        };
        match self.places.open(&place) {
            Ok(Opened::File(file, found)) => {
                let size = u64::try_from(found.st_size).unwrap_or(0);
                self.look_into(file, size, shown);
            }
            _ => self.left_out.unreadable += 1,
        }
    }

    fn is_named(&self, path: &Path) -> bool {
        let Some((glob, whole)) = &self.name else {
            return true;
        };
        match whole {
            true => {
                let below = |root: &Path| path.strip_prefix(root).is_ok_and(|p| glob.is_match(p));
                below(&self.place.path) || below(self.places.cwd())
            }
            false => path.file_name().is_some_and(|name| glob.is_match(name)),
        }
    }

    fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.places.cwd()).unwrap_or(path);
        spelt(below)
    }

    fn look_into(&mut self, file: File, size: u64, shown: String) {
        if size > FILE {
            self.left_out.large += 1;
            return;
        }
        let Some(pattern) = self.pattern.clone() else {
            self.add(shown, 0, String::new());
            return;
        };
        self.files += 1;
        let mut searcher = SearcherBuilder::new()
            .line_number(true)
            .heap_limit(Some(HEAP))
            .binary_detection(BinaryDetection::quit(0))
            .build();
        // It may grow while it is read.
        let file = io::Read::take(file, FILE);
        let sink = Lines {
            search: self,
            shown: &shown,
        };
        if searcher.search_reader(&pattern, file, sink).is_err() {
            self.left_out.long_lines += 1;
        }
    }

    /// Gives one more; `false` when that is enough.
    fn add(&mut self, shown: String, line: u64, text: String) -> bool {
        if self.found.len() == FOUND || self.bytes > TEXT {
            self.left_out.more = true;
            return false;
        }
        self.bytes += shown.len() + text.len() + 8;
        self.found.push((shown, line, text));
        true
    }

    fn output(self) -> ToolOutput {
        let mut text = String::new();
        for (path, line, found) in &self.found {
            match line {
                0 => text.push_str(&format!("{path}\n")),
                _ => text.push_str(&format!("{path}:{line}: {found}\n")),
            }
        }
        let kind = match &self.pattern {
            Some(_) => "line",
            None => "file",
        };
        let count = counted(self.found.len(), kind);
        if self.found.is_empty() {
            let files = counted(self.files, "file");
            text.push_str(&format!("[nothing found in {files}]\n"));
        }
        self.left_out.say(&mut text);
        let more = if self.left_out.more { " and more" } else { "" };
        ToolOutput::text(text, format!("{count}{more}"))
    }
}

impl LeftOut {
    fn say(&self, text: &mut String) {
        let mut say = |what: String| text.push_str(&format!("[{what}]\n"));
        if self.more {
            say("there is more; narrow the search".to_owned());
        }
        if self.time {
            say(format!(
                "stopped after {} s; narrow the search",
                TIME.as_secs()
            ));
        }
        if self.large > 0 {
            say(format!(
                "{} above {} MiB not searched",
                counted(self.large, "file"),
                FILE >> 20
            ));
        }
        if self.long_lines > 0 {
            let most = HEAP >> 20;
            say(format!(
                "{} not searched to the end: a line above {most} MiB, or an error",
                counted(self.long_lines, "file")
            ));
        }
        if self.deep > 0 {
            say(format!(
                "{} below {DEPTH} levels not searched",
                counted(self.deep, "directory")
            ));
        }
        if self.unreadable > 0 {
            say(format!(
                "{} could not be read",
                counted(self.unreadable, "path")
            ));
        }
    }
}

/// One of the files that the walk reads by itself, whole, and what is wrong with it: a FIFO would hold it for ever, and
/// one of a gigabyte would be held.
fn trap(directory: &Path) -> Option<(PathBuf, String)> {
    let files = IGNORE_FILES.iter().map(|name| directory.join(name));
    let mut found = files.filter_map(|file| Some((std::fs::metadata(&file).ok()?, file)));
    found.find_map(|(found, file)| match found.is_file() {
        true if found.len() > IGNORES => {
            Some((file, format!("is larger than {} KiB", IGNORES >> 10)))
        }
        false if !found.is_dir() => Some((file, "is not a file".to_owned())),
        _ => None,
    })
}

/// Takes the lines that match.
struct Lines<'a> {
    search: &'a mut Search,
    shown: &'a str,
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, io::Error> {
        let line = String::from_utf8_lossy(found.bytes());
        let line = line.trim_end();
        let cut = line.floor_char_boundary(LINE);
        let mut text = line[..cut].to_owned();
        if cut < line.len() {
            text.push_str(" […]");
        }
        let number = found.line_number().unwrap_or(0);
        let over = self.search.cancel.is_cancelled() || self.search.begun.elapsed() > TIME;
        Ok(self.search.add(self.shown.to_owned(), number, text) && !over)
    }
}
