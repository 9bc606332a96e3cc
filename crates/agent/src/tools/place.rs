//! Where a path really leads, and whether a tool may go there.
//!
//! A path is resolved before it is judged: every symbolic link on the way, `..` behind one, and the directories that are
//! not there yet. What comes out has no link in it, and [`super::open`] goes there without following any: a link that
//! is put in the way between the judgement and the opening makes the call fail instead of leading it elsewhere.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

/// Links that one path may lead through: as many as Linux follows.
const LINKS: usize = 40;

/// What the file tools may touch.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The working directory, resolved.
    cwd: PathBuf,
    /// Directories besides it that need no question, resolved.
    allowed: Vec<PathBuf>,
    /// What no tool reads or writes, resolved.
    protected: Vec<PathBuf>,
}

/// A path that may be touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Absolute, without links and `..`.
    pub(super) path: PathBuf,
    /// As it is shown and as the user's rules match it: relative below the working directory.
    pub(super) shown: String,
    /// Why it has to be asked for, where it lies outside.
    pub(super) outside: Option<String>,
}

impl Place {
    /// Why a change here has to be asked for even where a rule allows it: git runs what stands among its own files, later,
    /// outside of the sandbox, and no diff of the repository shows it.
    pub(super) fn is_gits(&self) -> Option<String> {
        let is_git = |part: Component<'_>| part.as_os_str().eq_ignore_ascii_case(".git");
        let own = self.path.components().any(is_git);
        own.then(|| {
            format!(
                "{} is git's own: what stands there may run later, outside of the sandbox",
                self.shown
            )
        })
    }
}

impl Places {
    /// Reads the directories as they are now; one that does not exist yet is where it will be.
    pub(super) fn new(cwd: &Path, allowed: &[PathBuf], protected: &[PathBuf]) -> Self {
        let all = |paths: &[PathBuf]| paths.iter().map(|path| settled(path)).collect();
        let mut protected: Vec<PathBuf> = all(protected);
        // The environments and memories of processes, keys included: `/proc/self/environ`.
        protected.push(PathBuf::from("/proc"));
        Self {
            cwd: settled(cwd),
            allowed: all(allowed),
            protected,
        }
    }

    pub(super) fn cwd(&self) -> &Path {
        &self.cwd
    }

    pub(super) fn protected(&self) -> &[PathBuf] {
        &self.protected
    }

    pub(super) fn allowed(&self) -> &[PathBuf] {
        &self.allowed
    }

    /// Whether something closed lies below the working directory.
    pub(super) fn holds_protected(&self) -> bool {
        let mut protected = self.protected.iter();
        protected.any(|closed| closed.starts_with(&self.cwd))
    }

    /// Whether `path`, which is resolved, belongs to what is closed.
    pub(super) fn is_protected(&self, path: &Path) -> bool {
        self.protected.iter().any(|closed| path.starts_with(closed))
    }

    /// Where `text` leads; else why it may not be touched.
    pub(super) fn resolve(&self, text: &str) -> Result<Place, String> {
        if text.is_empty() {
            return Err("the path is empty".to_owned());
        }
        if text.contains('\0') {
            return Err("the path has a NUL in it".to_owned());
        }
        if text == "~" || text.starts_with("~/") {
            return Err(format!(
                "{text}: `~` is not expanded; write the directory out"
            ));
        }
        let path = resolved(&self.cwd.join(text)).map_err(|error| why(text, &error))?;
        if self.is_protected(&path) {
            return Err(closed(text));
        }
        let shown = match path.strip_prefix(&self.cwd) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => spelt(below),
            Err(_) => spelt(&path),
        };
        let inside = path.starts_with(&self.cwd)
            || self.allowed.iter().any(|allowed| path.starts_with(allowed));
        let outside = (!inside).then(|| {
            format!(
                "{shown} is outside the working directory ({})",
                self.cwd.display()
            )
        });
        Ok(Place {
            path,
            shown,
            outside,
        })
    }
}

/// A path on one line: a name may hold a newline, and what follows it would look like something else.
pub(super) fn spelt(path: &Path) -> String {
    let text = path.display().to_string();
    if !text.contains(char::is_control) {
        return text;
    }
    let spelt = text.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    spelt.collect()
}

/// The sentence for what no tool may touch.
pub(super) fn closed(shown: &str) -> String {
    format!(
        "{shown} is closed to tools: respair's own files and the kernel's view of processes are"
    )
}

/// The sentence for a path that the system refuses.
pub(super) fn why(shown: &str, error: &io::Error) -> String {
    let what = match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::NotADirectory => "a part of the path is not a directory".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        ErrorKind::StorageFull => "no space left on the device".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error")
                .next()
                .unwrap_or_default()
                .to_lowercase()
        }
    };
    format!("{shown}: {what}")
}

/// A configured directory, resolved as far as that goes.
fn settled(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    resolved(&absolute).unwrap_or(absolute)
}

/// An absolute path without links and `..`. What does not exist stays as it is written.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut todo: VecDeque<OsString> = VecDeque::new();
    let mut done = PathBuf::from("/");
    push_front(&mut todo, path);
    let (mut links, mut missing) = (0, false);
    while let Some(name) = todo.pop_front() {
        if name == OsStr::new("..") {
            // The kernel looks the directory up first, and so does this.
            if missing {
                return Err(ErrorKind::NotFound.into());
            }
            done.pop();
            continue;
        }
        let next = done.join(&name);
        if missing {
            done = next;
            continue;
        }
        match std::fs::symlink_metadata(&next) {
            Ok(found) if found.is_symlink() => {
                links += 1;
                if links > LINKS {
                    return Err(io::Error::other("too many symbolic links"));
                }
                let target = std::fs::read_link(&next)?;
                if target.is_absolute() {
                    done = PathBuf::from("/");
                }
                push_front(&mut todo, &target);
            }
            Ok(found) if !found.is_dir() && !todo.is_empty() => {
                return Err(ErrorKind::NotADirectory.into());
            }
            Ok(_) => done = next,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                missing = true;
                done = next;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn push_front(todo: &mut VecDeque<OsString>, path: &Path) {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => todo.push_front(name.to_owned()),
            Component::ParentDir => todo.push_front("..".into()),
            Component::RootDir | Component::Prefix(_) | Component::CurDir => {}
        }
    }
}
