//! What the tabulator completes: `/commands` at the beginning of a message, `@files` anywhere in it.

use std::path::{Path, PathBuf};

use reedline::{Completer, CompletionResult, Span, Suggestion};

use super::commands::COMMANDS;

/// Names that are offered.
const MOST: usize = 200;

/// Completes below this directory.
pub(super) struct Complete {
    pub(super) cwd: PathBuf,
}

impl Completer for Complete {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        let before = line.get(..position).unwrap_or(line);
        let found = match before.strip_prefix('/') {
            Some(typed) if !typed.contains(char::is_whitespace) => commands(typed, position),
            _ => self.files(before),
        };
        CompletionResult::fresh(found)
    }
}

fn commands(typed: &str, position: usize) -> Vec<Suggestion> {
    let named = COMMANDS
        .iter()
        .filter(|command| command.name.starts_with(typed));
    let suggestions = named.map(|command| Suggestion {
        value: format!("/{}", command.name),
        description: Some(command.does.to_owned()),
        span: Span::new(0, position),
        append_whitespace: !command.takes.is_empty(),
        ..Suggestion::default()
    });
    suggestions.collect()
}

impl Complete {
    /// The word behind the last `@`, as a path. A name with blanks stands between quotes.
    fn files(&self, before: &str) -> Vec<Suggestion> {
        let Some((start, typed)) = under_way(before) else {
            return Vec::new();
        };
        let (path, quoted) = match typed.strip_prefix('"') {
            Some(path) => (path, true),
            None => (typed, false),
        };
        let (folder, name) = path
            .rsplit_once('/')
            .map_or(("", path), |(folder, name)| (folder, name));
        let folder = if folder.is_empty() && path.starts_with('/') {
            "/"
        } else {
            folder
        };
        let Ok(entries) = self.cwd.join(folder).read_dir() else {
            return Vec::new();
        };
        let mut found: Vec<(String, bool)> = entries
            .flatten()
            .filter_map(|entry| {
                let is_folder = entry.path().is_dir();
                Some((entry.file_name().into_string().ok()?, is_folder))
            })
            .filter(|(file, _)| {
                let hidden = file.starts_with('.') && !name.starts_with('.');
                file.starts_with(name) && !hidden
            })
            .filter(|(file, _)| !file.contains(|c: char| c.is_control() || c == '"'))
            .collect();
        found.sort();
        found.truncate(MOST);
        let folder = match folder {
            "" | "/" => folder.to_owned(),
            folder => format!("{folder}/"),
        };
        let suggestions = found.into_iter().map(|(file, is_folder)| {
            let blank = quoted || file.contains(char::is_whitespace);
            let (open, close) = match (blank, is_folder) {
                (true, false) => ("\"", "\""),
                // What is in it is still to be typed.
                (true, true) => ("\"", "/"),
                (false, false) => ("", ""),
                (false, true) => ("", "/"),
            };
            Suggestion {
                value: format!("@{open}{folder}{file}{close}"),
                span: Span::new(start, before.len()),
                append_whitespace: !is_folder,
                ..Suggestion::default()
            }
        });
        suggestions.collect()
    }
}

/// What stands behind the `@` of a name that is still being typed, and where that `@` is.
fn under_way(before: &str) -> Option<(usize, &str)> {
    let (start, name) = words(before, true).last()?;
    let is_closed = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
    (start + 1 + name.len() == before.len() && !is_closed).then_some((start, name))
}

/// Each `@NAME` and `@"NAME"` that begins a word: where, and what stands behind the `@`, quotes and all. One whose quote is not
/// closed on its line is a word like any other; or goes on to the end, where it is `typed`.
fn words(text: &str, typed: bool) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + text[from..].find('@')?;
            let behind = &text[at + 1..];
            let begins = text[..at].chars().next_back();
            if begins.is_some_and(|before| !before.is_whitespace()) {
                from = at + 1;
                continue;
            }
            let quoted = behind.strip_prefix('"');
            let end = quoted.and_then(|name| name.find(['"', '\n']));
            let length = match (quoted, end) {
                (Some(name), Some(end)) if name[end..].starts_with('"') => end + 2,
                (Some(_), None) if typed => behind.len(),
                _ => behind.find(char::is_whitespace).unwrap_or(behind.len()),
            };
            from = at + 1 + length;
            return Some((at, &behind[..length]));
        }
    })
}

/// The files that a message names with `@`, each once; and what looks like the name of one and is none.
pub(super) fn named(text: &str, cwd: &Path) -> (Vec<PathBuf>, Vec<String>) {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for (_, name) in words(text, false) {
        let quoted = name.strip_prefix('"');
        let quoted = quoted.and_then(|name| name.strip_suffix('"'));
        // What stands behind it in a sentence is no part of it.
        let trimmed = name.trim_end_matches([',', '.', ';', ':', ')', '?', '!']);
        let found = [quoted.unwrap_or(name), trimmed]
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .find(|path| cwd.join(path).is_file());
        match found {
            Some(path) if files.contains(&path) => {}
            Some(path) => files.push(path),
            None if missing.iter().any(|m| m == trimmed) => {}
            // `@override` and `@someone` are words.
            None if quoted.is_none() && !trimmed.contains(['/', '.']) => {}
            None => missing.push(trimmed.to_owned()),
        }
    }
    (files, missing)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn offered(line: &str, cwd: &Path) -> Vec<String> {
        let mut complete = Complete {
            cwd: cwd.to_owned(),
        };
        let found = complete.complete(line, line.len());
        let found = found.suggestions().iter();
        found.map(|found| found.value.clone()).collect()
    }

    #[test]
    fn commands_and_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("src")).unwrap();
        for file in ["src/main.rs", "src/more.rs", "small.txt", ".hidden"] {
            std::fs::write(dir.path().join(file), "x").unwrap();
        }
        let offered = |line| offered(line, dir.path());
        assert_eq!(offered("/re"), ["/retry", "/reasoning"]);
        assert_eq!(offered("look at @s"), ["@small.txt", "@src/"]);
        assert_eq!(offered("@src/m"), ["@src/main.rs", "@src/more.rs"]);
        assert_eq!(offered("@."), ["@.hidden"]);
        assert!(offered("s").is_empty() && offered("a@s").is_empty());

        let (files, missing) = named(
            "see @src/main.rs, @small.txt. and @gone @small.txt @src/ @gone.md. @gone.md",
            dir.path(),
        );
        assert_eq!(
            files,
            [PathBuf::from("src/main.rs"), PathBuf::from("small.txt")]
        );
        assert_eq!(missing, ["src/", "gone.md"]);
    }

    #[test]
    fn names_with_blanks_stand_between_quotes() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("my notes")).unwrap();
        for file in ["my notes/day one.md", "my file.txt", "mine.txt", "a\"b"] {
            std::fs::write(dir.path().join(file), "x").unwrap();
        }
        let offered = |line| offered(line, dir.path());
        let all = ["@mine.txt", "@\"my file.txt\"", "@\"my notes/"];
        assert_eq!(offered("@m"), all);
        assert_eq!(offered("see @\"my "), all[1..]);
        assert_eq!(offered("see @\"mi"), ["@\"mine.txt\""]);
        let inner = ["@\"my notes/day one.md\""];
        assert_eq!(offered("see @\"my notes/"), inner);
        assert_eq!(offered("see @\"my notes/day o"), inner);
        assert!(offered("see @\"mine.txt\"").is_empty());
        assert!(offered("see @\"mine.txt\" m").is_empty());
        assert!(offered("@a").is_empty());

        let (files, missing) = named(
            "@\"my file.txt\", @\"my notes/day one.md\"; @mine.txt @\"mine.txt\" @\"gone\" x@\"my file.txt\"",
            dir.path(),
        );
        assert_eq!(
            files,
            ["my file.txt", "my notes/day one.md", "mine.txt"].map(PathBuf::from)
        );
        assert_eq!(missing, ["\"gone\""]);
        let (files, missing) = named("@\"my file and @mine.txt\n\"", dir.path());
        assert_eq!(files, [PathBuf::from("mine.txt")]);
        assert!(missing.is_empty(), "{missing:?}");
    }
}
