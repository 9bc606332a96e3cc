//! `endpoints.json` on disk: read whole, written whole beside itself and renamed, so that a reader never sees half of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::MemoryEntry;
use crate::error::unnumbered;

/// The version of the file's form.
const SCHEMA: u64 = 1;
/// A file beyond this is not ours: five hundred entries take a fifth of it.
const LARGEST: u64 = 1024 * 1024;

/// Why the memory cannot be used. The turn goes on without.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryProblem {
    /// It is there, and cannot be read.
    #[error("{} cannot be read ({}); what was learnt about endpoints is not used", path.display(), unnumbered(&source.to_string()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else; the next turn that learns something writes it anew.
    #[error("{} is damaged ({why}); what was learnt about endpoints is not used", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A newer version of respair wrote it; it is left alone.
    #[error("{} was written by a newer version (schema {schema}); it is neither used nor changed", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        schema: u64,
    },
    /// It cannot be written: a full disk, a directory without permission.
    #[error("{} cannot be written ({}); what is learnt about endpoints is kept no longer than this process", path.display(), unnumbered(&source.to_string()))]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[derive(Deserialize)]
struct Version {
    schema: u64,
}

#[derive(Deserialize)]
struct Stored {
    endpoints: Vec<MemoryEntry>,
}

#[derive(Serialize)]
struct ToStore<'a> {
    schema: u64,
    endpoints: &'a [MemoryEntry],
}

/// The entries in the file; none when there is no file.
pub(super) fn read(path: &Path) -> Result<Vec<MemoryEntry>, MemoryProblem> {
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(MemoryProblem::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    let corrupt = |why: String| MemoryProblem::Corrupt {
        path: path.to_owned(),
        why,
    };
    if bytes.len() as u64 > LARGEST {
        return Err(corrupt(format!("more than {LARGEST} bytes")));
    }
    // The version first: what else a newer file holds is unknown.
    let version: Version =
        serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
    if version.schema > SCHEMA {
        return Err(MemoryProblem::Newer {
            path: path.to_owned(),
            schema: version.schema,
        });
    }
    let stored: Stored =
        serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
    Ok(stored.endpoints)
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces the file. It is not synced to the disk: a crash may cost what was learnt, and that costs one request.
pub(super) fn write(path: &Path, entries: &[MemoryEntry]) -> Result<(), MemoryProblem> {
    let unwritable = |source| MemoryProblem::Unwritable {
        path: path.to_owned(),
        source,
    };
    let mut text = serde_json::to_string_pretty(&ToStore {
        schema: SCHEMA,
        endpoints: entries,
    })
    .map_err(|error| unwritable(error.into()))?;
    text.push('\n');
    replace(path, text.as_bytes()).map_err(unwritable)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    make_dir(dir)?;
    let name = format!(
        ".endpoints.json.{}.{:016x}",
        std::process::id(),
        fastrand::u64(..)
    );
    let temporary = dir.join(name);
    let written = create(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Whatever of it is there: a half-written file helps nobody. The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::EndpointMemory;
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn with_content(content: &str) -> (tempfile::TempDir, EndpointMemory) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("endpoints.json"), content).unwrap();
        let memory = EndpointMemory::open(dir.path());
        (dir, memory)
    }

    #[test]
    fn a_damaged_file_is_named_and_written_anew() {
        for content in [
            "",
            "{",
            "[]",
            "\u{0}\u{0}",
            r#"{"schema":1}"#,
            r#"{"schema":1,"endpoints":[{"url":1}]}"#,
        ] {
            let (_dir, memory) = with_content(content);
            assert!(
                matches!(
                    memory.lookup("u", "m", NOW),
                    Err(MemoryProblem::Corrupt { .. })
                ),
                "{content}"
            );
            memory
                .learn("u", "m", &["created-missing".to_owned()], NOW)
                .unwrap();
            assert!(memory.lookup("u", "m", NOW).unwrap().is_some(), "{content}");
        }
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let content = r#"{"schema": 2, "endpoints": "something else"}"#;
        let (_dir, memory) = with_content(content);
        assert!(matches!(
            memory.lookup("u", "m", NOW),
            Err(MemoryProblem::Newer { schema: 2, .. })
        ));
        assert!(matches!(
            memory.learn("u", "m", &["created-missing".to_owned()], NOW),
            Err(MemoryProblem::Newer { .. })
        ));
        assert!(matches!(
            memory.forget_all(NOW),
            Err(MemoryProblem::Newer { .. })
        ));
        assert_eq!(fs::read_to_string(memory.path()).unwrap(), content);
    }

    #[test]
    fn a_directory_in_its_place_is_unreadable() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("endpoints.json")).unwrap();
        let memory = EndpointMemory::open(dir.path());
        assert!(matches!(
            memory.lookup("u", "m", NOW),
            Err(MemoryProblem::Unreadable { .. })
        ));
        assert!(
            memory
                .learn("u", "m", &["created-missing".to_owned()], NOW)
                .is_err()
        );
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_unwritable() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        fs::write(&state, "").unwrap();
        let memory = EndpointMemory::open(&state);
        assert!(
            memory
                .learn("u", "m", &["created-missing".to_owned()], NOW)
                .is_err()
        );
    }

    /// What a full disk leads to: the temporary file cannot become the file, and goes.
    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("endpoints.json");
        fs::create_dir_all(path.join("in-the-way")).unwrap();
        assert!(matches!(
            write(&path, &[]),
            Err(MemoryProblem::Unwritable { .. })
        ));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("a/b");
        let memory = EndpointMemory::open(&state);
        memory
            .learn("u", "m", &["created-missing".to_owned()], NOW)
            .unwrap();
        assert_eq!(
            fs::metadata(&state).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(
            fs::metadata(memory.path()).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1);
    }
}
