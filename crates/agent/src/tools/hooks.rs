//! What git runs by itself, watched while a command runs.
//!
//! A hook or a setting (`core.fsmonitor`, an alias, a filter) runs the next time that somebody uses git, outside of the
//! sandbox, and no diff of the repository shows it. Landlock cannot close a file in a directory that a commit has to
//! write to, so what a command changed there is looked at when it has ended, and put aside: under a name that git does not
//! run, with what was there before in its place. githooks(5), git-config(1), gitrepository-layout(5).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::settings::risky;

/// What git never runs, and what there is most of.
const PASSED: [&str; 5] = ["objects", "refs", "logs", "lfs", "rr-cache"];
/// Entries of a repository that are looked at, and how deep: submodules lie below `modules`.
const ENTRIES: usize = 8_192;
const DEPTH: usize = 6;
/// Bytes of a file that are kept, to be put back.
const KEPT: u64 = 256 << 10;

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Was {
    File {
        bytes: Vec<u8>,
        mode: u32,
    },
    Link(PathBuf),
    /// Too large to keep, or neither: its length and when it changed.
    Else(u64, Option<std::time::SystemTime>),
}

/// The repositories that a command could write to, as they were before it.
pub(super) struct Watched {
    /// Each `.git` that is there or could come to be there.
    gits: Vec<PathBuf>,
    before: BTreeMap<PathBuf, Was>,
    done: bool,
}

impl Drop for Watched {
    /// The call was dropped: its command is ended by now, and what it left is not to be.
    fn drop(&mut self) {
        if !self.done {
            self.put_aside();
        }
    }
}

impl Watched {
    /// Looks at the repositories that `workdir` lies in, up to `top`, above which nothing may be written.
    pub(super) fn look(workdir: &Path, top: &Path) -> Self {
        let within = workdir.ancestors().take_while(|path| path.starts_with(top));
        let gits: Vec<PathBuf> = within.map(|path| path.join(".git")).collect();
        let before = all(&gits);
        let done = false;
        Self { gits, before, done }
    }

    /// Puts aside what would run, and gives the names that it had.
    pub(super) fn put_aside(&mut self) -> Vec<PathBuf> {
        self.done = true;
        let after = all(&self.gits);
        let changed = after.iter().filter(|(path, now)| {
            let before = self.before.get(*path);
            before != Some(*now) && would_run(path, before, now)
        });
        changed
            .filter_map(|(path, _)| self.restore(path).ok())
            .collect()
    }

    fn restore(&self, path: &Path) -> io::Result<PathBuf> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".put-aside");
        std::fs::rename(path, &aside)?;
        match self.before.get(path) {
            Some(Was::File { bytes, mode }) => {
                let new = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(*mode)
                    .open(path);
                new?.write_all(bytes)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(*mode))?;
            }
            Some(Was::Link(target)) => std::os::unix::fs::symlink(target, path)?,
            Some(Was::Else(..)) | None => {}
        }
        Ok(path.to_owned())
    }
}

/// Whether git would run something because of this change.
fn would_run(path: &Path, before: Option<&Was>, now: &Was) -> bool {
    let is_settings = path
        .file_name()
        .is_some_and(|name| name == "config" || name == "config.worktree");
    match (is_settings, now) {
        (true, Was::File { bytes, .. }) => {
            let old = match before {
                Some(Was::File { bytes, .. }) => bytes.as_slice(),
                _ => &[],
            };
            risky(old, bytes)
        }
        _ => true,
    }
}

fn all(gits: &[PathBuf]) -> BTreeMap<PathBuf, Was> {
    let mut found = BTreeMap::new();
    let mut left = ENTRIES;
    for git in gits {
        // A directory on the way that is a link by now leads to what is not this command's.
        let parent = git.parent().unwrap_or(git);
        if parent.canonicalize().is_ok_and(|real| real == parent) {
            gather(git, 0, &mut left, &mut found);
        }
    }
    found
}

fn gather(path: &Path, depth: usize, left: &mut usize, found: &mut BTreeMap<PathBuf, Was>) {
    let Ok(kind) = path.symlink_metadata().map(|found| found.file_type()) else {
        return;
    };
    if *left == 0 {
        return;
    }
    *left -= 1;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !kind.is_dir() {
        let among_hooks = path
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|name| name == "hooks");
        let is_watched = depth == 0
            || kind.is_symlink()
            || ["config", "config.worktree", "commondir"].contains(&&*name)
            || among_hooks && !name.ends_with(".sample");
        if is_watched && !name.ends_with(".put-aside") {
            found.extend(was(path).map(|was| (path.to_owned(), was)));
        }
        return;
    }
    if depth == DEPTH || depth == 1 && PASSED.contains(&&*name) {
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        gather(&entry.path(), depth + 1, left, found);
    }
}

fn was(path: &Path) -> Option<Was> {
    let found = path.symlink_metadata().ok()?;
    if found.is_symlink() {
        return std::fs::read_link(path).ok().map(Was::Link);
    }
    if !found.is_file() || found.len() > KEPT {
        return Some(Was::Else(found.len(), found.modified().ok()));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(KEPT)
        .read_to_end(&mut bytes)
        .ok()?;
    let mode = found.permissions().mode() & 0o7777;
    Some(Was::File { bytes, mode })
}
