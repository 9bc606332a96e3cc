//! The streams that the tests run over.

use std::fs;
use std::path::{Path, PathBuf};

/// A stream and where it is from.
#[derive(Clone)]
pub(crate) struct Stream {
    pub name: String,
    pub body: Vec<u8>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder(path: &Path) -> Vec<Stream> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut streams: Vec<Stream> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "sse"))
        .map(|path| Stream {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            body: fs::read(&path).unwrap(),
        })
        .collect();
    streams.sort_by(|one, two| one.name.cmp(&two.name));
    assert!(!streams.is_empty(), "{} holds no stream", path.display());
    streams
}

/// Recorded from self-hosted servers.
pub(crate) fn captures() -> Vec<Stream> {
    folder(&root().join("fixtures/captures"))
}

/// One stream for each rule.
pub(crate) fn rules() -> Vec<Stream> {
    folder(&root().join("fixtures/rules"))
}

/// The bodies of the relay's scenarios, as far as they are answers with a body of events. Without the compressed one, which is
/// the transport's matter, and those of megabytes, which show nothing here and take each property minutes.
pub(crate) fn scenarios() -> Vec<Stream> {
    let elsewhere = ["gzip-sse", "huge-delta", "huge-completed"];
    respair_faults::scenarios()
        .iter()
        .filter(|scenario| !elsewhere.contains(&scenario.name()))
        .filter(|scenario| scenario.script(0).status_code() == 200)
        .map(|scenario| Stream {
            name: scenario.name().to_owned(),
            body: scenario.script(0).body().to_vec(),
        })
        .collect()
}

/// Recorded from the services themselves; `None` (said loudly) where they are not at hand.
pub(crate) fn native() -> Option<Vec<Stream>> {
    let Some(path) = std::env::var_os("RESPAIR_NATIVE_STREAMS") else {
        respair_oracle::skip(
            "RESPAIR_NATIVE_STREAMS is not set: the recordings of the services are not run",
        );
        return None;
    };
    Some(folder(Path::new(&path)))
}

/// Everything that is committed.
pub(crate) fn all() -> Vec<Stream> {
    [captures(), rules(), scenarios()].concat()
}
