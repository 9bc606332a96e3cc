//! Who goes on with a session: one process at a time, for as long as it lives.
//!
//! A file beside the database, `sessions.open/ID`, locked by the system: the lock ends with the process, however that ends.
//! Where no such file can be made nobody is kept out, and the second that writes the same place is told so.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// How often a file that its holder takes away at this moment is tried again.
const TRIES: usize = 100;

/// A session that is held. It is let go when this is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    path: PathBuf,
    /// Keeps the lock.
    file: File,
}

/// What came of trying to hold a session.
#[derive(Debug)]
pub(super) enum Held {
    /// It is held from here on.
    Yes(Hold),
    /// Another holds it.
    Elsewhere,
    /// That cannot be told here.
    Unknown,
}

impl Hold {
    /// Holds the session of this id, unless another does.
    pub(super) fn take(database: &Path, id: &str) -> Held {
        let directory = database.with_extension("open");
        // The id may be anybody's text, and a file's name is not.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if id.is_empty() || !id.chars().all(plain) {
            return Held::Unknown;
        }
        let mut made = std::fs::DirBuilder::new();
        made.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut made, 0o700);
        if let Err(error) = made.create(&directory) {
            tracing::debug!(%error, "sessions cannot be held");
            return Held::Unknown;
        }
        let path = directory.join(id);
        for _ in 0..TRIES {
            match locked(&path) {
                Ok(Some(file)) => return Held::Yes(Self { path, file }),
                Ok(None) => {}
                Err(TryLockError::WouldBlock) => return Held::Elsewhere,
                Err(TryLockError::Error(error)) => {
                    tracing::debug!(%error, "a session cannot be held");
                    return Held::Unknown;
                }
            }
        }
        Held::Unknown
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // While it is locked, so that nobody else's is taken away. Where that cannot be, an empty file stays.
        let _ = std::fs::remove_file(&self.path);
        // To close the file is not enough: a child process that is just being started has it open as well.
        let _ = self.file.unlock();
    }
}

/// The locked file; `None` when its holder took it away meanwhile.
fn locked(path: &Path) -> Result<Option<File>, TryLockError> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(is_at(&file, path).then_some(file))
}

/// Whether the file is still the one at this path.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let of = |meta: std::io::Result<std::fs::Metadata>| {
            meta.ok().map(|meta| (meta.dev(), meta.ino()))
        };
        of(file.metadata()) == of(std::fs::metadata(path))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}
