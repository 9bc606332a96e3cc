//! Opening what [`super::place`] resolved, step by step from the root and without following a link.
//!
//! A directory that was swapped for a link meanwhile is no directory any more: the call fails. Each directory on the way
//! is compared with the closed ones by device and inode as well, so that a bind mount or a file system that ignores case
//! is no way round. A FIFO does not hang the open, and a device is not read.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::place::{Place, Places, closed, spelt, why};

/// A directory on the way is only walked through.
#[cfg(target_os = "linux")]
const THROUGH: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const THROUGH: OFlags = OFlags::RDONLY;

/// A directory, held open, and a name in it.
pub(super) struct Entry {
    pub(super) directory: OwnedFd,
    pub(super) name: std::ffi::OsString,
}

/// What a place turned out to be.
pub(super) enum Opened {
    File(File, Stat),
    Directory,
}

impl Places {
    /// The directory that a place is in; the ones that are missing are made where `make` says so.
    pub(super) fn entry(&self, place: &Place, make: bool) -> Result<Entry, String> {
        let Some(name) = place.path.file_name() else {
            return Err(format!("{}: it is a directory", place.shown));
        };
        let parent = place.path.parent().unwrap_or(Path::new("/"));
        let directory = self.walk(parent, make).map_err(|errno| match errno {
            Errno::ACCESS if self.leads_to_closed(parent) => closed(&place.shown),
            errno => moved(&place.shown, errno),
        })?;
        let entry = Entry {
            directory,
            name: name.to_owned(),
        };
        match entry.stat() {
            Ok(found) if self.is_closed(&found) || self.is_linked(&found) => {
                Err(closed(&place.shown))
            }
            _ => Ok(entry),
        }
    }

    /// Opens a place for reading: a regular file, or the news that it is a directory.
    pub(super) fn open(&self, place: &Place) -> Result<Opened, String> {
        if place.path.parent().is_none() {
            return Ok(Opened::Directory);
        }
        let entry = self.entry(place, false)?;
        entry.open(&place.shown)
    }

    fn walk(&self, path: &Path, make: bool) -> Result<OwnedFd, Errno> {
        let flags = THROUGH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at = rustix::fs::open("/", flags, Mode::empty())?;
        let closed = self.closed();
        for component in path.components() {
            let Component::Normal(name) = component else {
                continue;
            };
            let next = match rustix::fs::openat(&at, name, flags, Mode::empty()) {
                Err(Errno::NOENT) if make => {
                    match rustix::fs::mkdirat(&at, name, Mode::from_raw_mode(0o777)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(errno) => return Err(errno),
                    }
                    rustix::fs::openat(&at, name, flags, Mode::empty())?
                }
                opened => opened?,
            };
            let found = rustix::fs::fstat(&next)?;
            if closed.contains(&identity(&found)) {
                return Err(Errno::ACCESS);
            }
            at = next;
        }
        Ok(at)
    }

    /// The closed directories that exist, by device and inode.
    fn closed(&self) -> Vec<(u64, u64)> {
        let all = self.protected().iter();
        all.filter_map(|path| rustix::fs::stat(path).ok())
            .map(|found| identity(&found))
            .collect()
    }

    fn is_closed(&self, found: &Stat) -> bool {
        self.closed().contains(&identity(found))
    }

    /// Whether it is another name of a file of our own.
    fn is_linked(&self, found: &Stat) -> bool {
        if found.st_nlink < 2 || !matches!(kind(found), Kind::File) {
            return false;
        }
        // Not of /proc, which has no links to files on a disk.
        let own = self.protected().iter();
        let mut own = own.filter(|path| *path != Path::new("/proc"));
        own.any(|path| holds(path, identity(found), 0, &mut OWN.clone()))
    }

    fn leads_to_closed(&self, path: &Path) -> bool {
        let closed = self.closed();
        let mut ancestors = path.ancestors();
        ancestors.any(|path| {
            rustix::fs::lstat(path).is_ok_and(|found| closed.contains(&identity(&found)))
        })
    }
}

impl Entry {
    /// What is there, a link included.
    pub(super) fn stat(&self) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Opens it for reading.
    pub(super) fn open(&self, shown: &str) -> Result<Opened, String> {
        // Asked first: opening a device can do something (a tape rewinds), and nobody wants its bytes.
        let found = self.stat().map_err(|errno| why(shown, &errno.into()))?;
        match kind(&found) {
            Kind::File => {}
            Kind::Directory => return Ok(Opened::Directory),
            Kind::Link => return Err(moved(shown, Errno::LOOP)),
            Kind::Special(what) => return Err(format!("{shown} is {what}, not a file")),
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.directory, &self.name, flags, Mode::empty());
        let file = opened.map_err(|errno| moved(shown, errno))?;
        // And again: it may be another one now.
        let found = rustix::fs::fstat(&file).map_err(|errno| why(shown, &errno.into()))?;
        match kind(&found) {
            Kind::File => Ok(Opened::File(File::from(file), found)),
            _ => Err(moved(shown, Errno::LOOP)),
        }
    }
}

/// Entries of the closed directories that are compared, and how deep they are looked for.
const OWN: usize = 4_096;
const OWN_DEPTH: usize = 4;

/// Whether one of the files in `directory` is this one: a name of it elsewhere, a hard link, is no way round.
fn holds(directory: &Path, wanted: (u64, u64), depth: usize, left: &mut usize) -> bool {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        let path = entry.path();
        let Ok(found) = rustix::fs::lstat(&path) else {
            continue;
        };
        let is_below = matches!(kind(&found), Kind::Directory)
            && depth < OWN_DEPTH
            && holds(&path, wanted, depth + 1, left);
        if identity(&found) == wanted || is_below {
            return true;
        }
    }
    false
}

/// What a file is, as far as the tools care.
pub(super) enum Kind {
    File,
    Directory,
    Link,
    Special(&'static str),
}

pub(super) fn kind(found: &Stat) -> Kind {
    use rustix::fs::FileType;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Special("a FIFO"),
        FileType::Socket => Kind::Special("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Kind::Special("a device"),
        FileType::Unknown => Kind::Special("something else"),
    }
}

/// Names that a directory holds, sorted; those that are directories end with a slash. At most `most`, and whether there
/// are more.
pub(super) fn names(path: &Path, most: usize) -> io::Result<(Vec<String>, bool)> {
    let mut names = Vec::new();
    let mut more = false;
    for entry in std::fs::read_dir(path)? {
        if names.len() == most {
            more = true;
            break;
        }
        let entry = entry?;
        let mut name = spelt(Path::new(&entry.file_name()));
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            name.push('/');
        }
        names.push(name);
    }
    names.sort_unstable();
    Ok((names, more))
}

/// A name beside `name` for a file that is being written.
pub(super) fn beside(name: &OsStr) -> PathBuf {
    let mut temporary = std::ffi::OsString::from(".");
    // Names have a limit of 255 bytes; the head is enough to recognise it by.
    temporary.push(name.to_string_lossy().chars().take(40).collect::<String>());
    temporary.push(format!(".{:08x}.respair", fastrand::u32(..)));
    PathBuf::from(temporary)
}

#[allow(
    clippy::unnecessary_cast,
    reason = "their types differ between systems"
)]
fn identity(found: &Stat) -> (u64, u64) {
    (found.st_dev as u64, found.st_ino as u64)
}

/// The sentence for a path that is not what it was resolved to.
fn moved(shown: &str, errno: Errno) -> String {
    match errno {
        Errno::LOOP => format!("{shown} became a link while it was opened"),
        errno => why(shown, &errno.into()),
    }
}
