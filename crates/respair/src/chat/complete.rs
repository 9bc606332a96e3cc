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
    /// The word behind the last `@`, as a path.
    fn files(&self, before: &str) -> Vec<Suggestion> {
        let start = before.rfind(char::is_whitespace).map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        });
        let Some(typed) = before[start..].strip_prefix('@') else {
            return Vec::new();
        };
        let (folder, name) = typed
            .rsplit_once('/')
            .map_or(("", typed), |(folder, name)| (folder, name));
        let folder = if folder.is_empty() && typed.starts_with('/') {
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
                file.starts_with(name) && !hidden && !file.contains(char::is_whitespace)
            })
            .filter(|(file, _)| !file.chars().any(char::is_control))
            .collect();
        found.sort();
        found.truncate(MOST);
        let folder = match folder {
            "" | "/" => folder.to_owned(),
            folder => format!("{folder}/"),
        };
        let suggestions = found.into_iter().map(|(file, is_folder)| Suggestion {
            value: format!("@{folder}{file}{}", if is_folder { "/" } else { "" }),
            span: Span::new(start, before.len()),
            append_whitespace: !is_folder,
            ..Suggestion::default()
        });
        suggestions.collect()
    }
}

/// The files that a message names with `@`, each once; and what looks like the name of one and is none.
pub(super) fn named(text: &str, cwd: &Path) -> (Vec<PathBuf>, Vec<String>) {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let Some(name) = word.strip_prefix('@') else {
            continue;
        };
        // What stands behind it in a sentence is no part of it.
        let trimmed = name.trim_end_matches([',', '.', ';', ':', ')', '?', '!']);
        let found = [name, trimmed]
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .find(|path| cwd.join(path).is_file());
        match found {
            Some(path) if files.contains(&path) => {}
            Some(path) => files.push(path),
            // `@override` and `@someone` are words.
            None if !trimmed.contains(['/', '.']) || missing.iter().any(|m| m == trimmed) => {}
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
}
