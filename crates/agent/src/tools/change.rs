//! Changing a file as a whole: read, compared with what was shown, written beside it, and put in its place.

use std::fs::File;
use std::io::{Read as _, Write as _};

use rustix::fs::{Access, AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;
use serde_json::{Map, Value};

use super::diff;
use super::open::{Entry, Kind, Opened, beside, kind};
use super::place::{Place, Places, why};
use super::seen::{Seen, Version};
use crate::Preview;

/// A file that is changed as a whole, in bytes: what a person can still look over, by far.
pub(super) const LARGEST: u64 = 8 << 20;

/// A file and what is to become of it.
pub(super) struct Change {
    pub(super) place: Place,
    /// What is there; `None` is nothing.
    pub(super) before: Option<Vec<u8>>,
    pub(super) after: Vec<u8>,
}

/// The bytes at a place; `None` when there is nothing.
pub(super) fn read(places: &Places, place: &Place) -> Result<Option<Vec<u8>>, String> {
    if std::fs::symlink_metadata(&place.path)
        .is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
    {
        return Ok(None);
    }
    match places.open(place)? {
        Opened::Directory => Err(format!("{} is a directory", place.shown)),
        Opened::File(file, found) => whole(file, &found, &place.shown).map(Some),
    }
}

fn whole(file: File, found: &Stat, shown: &str) -> Result<Vec<u8>, String> {
    let too_large = || format!("{shown} is larger than {} MiB", LARGEST >> 20);
    if u64::try_from(found.st_size).is_ok_and(|size| size > LARGEST) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    let mut file = file.take(LARGEST + 1);
    file.read_to_end(&mut bytes)
        .map_err(|error| why(shown, &error))?;
    match bytes.len() as u64 > LARGEST {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

impl Change {
    /// What is shown before it happens, and remembered.
    pub(super) fn preview(&self, arguments: &Map<String, Value>, seen: &Seen) -> Preview {
        let version = Version::of(self.before.as_deref());
        seen.shown(arguments, &self.place, Some(version));
        Preview {
            subject: self.place.shown.clone(),
            diff: diff::unified(&self.place.shown, self.before.as_deref(), &self.after),
            outside: self.place.outside.clone().or_else(|| self.place.is_gits()),
            note: self.is_nothing().then(|| "it is so already".to_owned()),
            wrong: None,
        }
    }

    /// Whether the file would be what it is.
    fn is_nothing(&self) -> bool {
        self.before.as_deref() == Some(self.after.as_slice())
    }

    /// Makes it so, if the file is still the one that was shown.
    pub(super) fn apply(
        &self,
        places: &Places,
        arguments: &Map<String, Value>,
        seen: &Seen,
    ) -> Result<(), String> {
        let shown = &self.place.shown;
        let now = Version::of(self.before.as_deref());
        seen.check(arguments, &self.place, Some(now))?;
        let entry = places.entry(&self.place, true)?;
        let found = match entry.stat() {
            Ok(found) => Some(found),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(why(shown, &errno.into())),
        };
        self.check(&entry, found.as_ref())?;
        self.replace(&entry, found.as_ref())
            .map_err(|errno| match errno {
                Errno::EXIST => format!("{shown} appeared meanwhile; nothing was written"),
                errno => why(shown, &errno.into()),
            })
    }

    /// Whether what is there is what was read, and may be written.
    fn check(&self, entry: &Entry, found: Option<&Stat>) -> Result<(), String> {
        let shown = &self.place.shown;
        let Some(found) = found else {
            return match self.before {
                None => Ok(()),
                Some(_) => Err(format!(
                    "{shown} was removed meanwhile; nothing was written"
                )),
            };
        };
        if !matches!(kind(found), Kind::File) {
            return Err(format!("{shown} is not a file; nothing was written"));
        }
        // A rename would get past the file's own mode.
        rustix::fs::accessat(
            &entry.directory,
            &entry.name,
            Access::WRITE_OK,
            AtFlags::EACCESS,
        )
        .map_err(|errno| why(shown, &errno.into()))?;
        let now = match entry.open(shown)? {
            Opened::File(file, found) => whole(file, &found, shown)?,
            Opened::Directory => return Err(format!("{shown} is a directory")),
        };
        match self.before.as_deref() == Some(&now) {
            true => Ok(()),
            false => Err(format!("{shown} changed meanwhile; nothing was written")),
        }
    }

    /// Writes beside it and renames: whoever reads sees the old file or the new one.
    fn replace(&self, entry: &Entry, found: Option<&Stat>) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        // Of a new file the mask decides, as of any other program's; an old one keeps its mode.
        let mode = Mode::from_raw_mode(if found.is_some() { 0o600 } else { 0o666 });
        let name = beside(&entry.name);
        let file = rustix::fs::openat(&entry.directory, &name, flags, mode)?;
        let written = self
            .fill(file, found)
            .and_then(|()| self.rename(entry, &name, found));
        if written.is_err() {
            let _ = rustix::fs::unlinkat(&entry.directory, &name, AtFlags::empty());
        }
        written
    }

    fn fill(&self, file: std::os::fd::OwnedFd, found: Option<&Stat>) -> Result<(), Errno> {
        let mut file = File::from(file);
        let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        file.write_all(&self.after).map_err(errno)?;
        if let Some(found) = found {
            let (uid, gid) = (
                rustix::fs::Uid::from_raw(found.st_uid),
                rustix::fs::Gid::from_raw(found.st_gid),
            );
            // Only root may give a file away; another owner's file becomes the writer's, as with any editor.
            let _ = rustix::fs::fchown(&file, Some(uid), Some(gid));
            rustix::fs::fchmod(&file, Mode::from_raw_mode(found.st_mode & 0o7777))?;
        }
        // A crash after the rename must not leave an empty file.
        file.sync_all().map_err(errno)
    }

    #[cfg(target_os = "linux")]
    fn rename(
        &self,
        entry: &Entry,
        name: &std::path::Path,
        found: Option<&Stat>,
    ) -> Result<(), Errno> {
        use rustix::fs::RenameFlags;
        let directory = &entry.directory;
        if found.is_none() {
            let only_new = RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(directory, name, directory, &entry.name, only_new) {
                // Some file systems cannot.
                Err(Errno::INVAL | Errno::NOSYS) => {}
                done => return done,
            }
        }
        rustix::fs::renameat(directory, name, directory, &entry.name)
    }

    #[cfg(not(target_os = "linux"))]
    fn rename(
        &self,
        entry: &Entry,
        name: &std::path::Path,
        _found: Option<&Stat>,
    ) -> Result<(), Errno> {
        rustix::fs::renameat(&entry.directory, name, &entry.directory, &entry.name)
    }
}
