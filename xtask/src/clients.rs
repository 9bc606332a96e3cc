//! `cargo xtask clients install`: the pinned third-party clients of `clients/`, under `target/clients/NAME`.
//!
//! An installed client keeps a copy of its lock file as a stamp: equal to the lock means up to date.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::run::{check, exists, root};

/// How a client is installed.
#[derive(Clone, Copy)]
enum Kind {
    Python,
    Node,
}

/// Name, kind and lock file.
type Client = (&'static str, Kind, &'static str);

/// Those that tests run. The names are those of `tests/oracle/src/clients.rs` and `tests/matrix/src/columns.rs`.
#[rustfmt::skip] // one client, one line
const TESTED: &[Client] = &[
    ("openai-python-2.24.0", Kind::Python, "python/requirements-2.24.0.txt"),
    ("openai-python-3.54.0", Kind::Python, "python/requirements-3.54.0.txt"),
    ("openai-node-7.57.0", Kind::Node, "node/package-lock.json"),
    ("codex-0.169.0", Kind::Node, "codex/package-lock.json"),
    ("mcp-everything-2026.8.31", Kind::Node, "mcp-everything/package-lock.json"),
    ("openresponses-types-2.4.0", Kind::Python, "python/requirements-openresponses-types-2.4.0.txt"),
];

/// Those of the matrix besides.
#[rustfmt::skip] // one client, one line
const MEASURED: &[Client] = &[
    ("node-22.23.3", Kind::Node, "node-22/package-lock.json"),
    ("openai-node-6.49.0", Kind::Node, "openai-node-6/package-lock.json"),
    ("ai-sdk-7.0.173", Kind::Node, "ai-sdk-7/package-lock.json"),
    ("ai-sdk-6.0.326", Kind::Node, "ai-sdk-6/package-lock.json"),
    ("openai-agents-0.24.0", Kind::Python, "python/requirements-openai-agents-0.24.0.txt"),
    ("langchain-openai-1.7.3", Kind::Python, "python/requirements-langchain-openai-1.7.3.txt"),
    ("pydantic-ai-2.68.0", Kind::Python, "python/requirements-pydantic-ai-2.68.0.txt"),
    ("litellm-1.106.2", Kind::Python, "python/requirements-litellm-1.106.2.txt"),
];

/// What `cargo xtask hermes` compares with.
const HERMES: Client = (
    "hermes-agent-0.19.0",
    Kind::Python,
    "python/requirements-hermes-agent-0.19.0.txt",
);

const STAMP: &str = "installed-from.lock";

pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["install"] => install().map(|_| ()),
        ["install", "--all"] => install_all().map(|_| ()),
        _ => Err(Failure::Usage(
            "`clients` takes: install [--all]".to_owned(),
        )),
    }
}

/// Installs what tests run and is missing or out of date. Gives the clients that cannot be had here, each with the reason;
/// with `RESPAIR_REQUIRE_CLIENTS=1` that is an error instead.
pub(crate) fn install() -> Result<Vec<String>, Failure> {
    install_these(TESTED.iter())
}

/// The same for every client.
pub(crate) fn install_all() -> Result<Vec<String>, Failure> {
    install_these(TESTED.iter().chain(MEASURED))
}

/// Installs the real Hermes, and gives where it is.
pub(crate) fn install_hermes() -> Result<PathBuf, Failure> {
    match install_these(std::iter::once(&HERMES))?.pop() {
        None => Ok(directory().join(HERMES.0)),
        Some(why) => Err(Failure::Task(why)),
    }
}

fn install_these(clients: impl Iterator<Item = &'static Client>) -> Result<Vec<String>, Failure> {
    let mut skipped = Vec::new();
    for (name, kind, lock) in clients {
        let lock = root().join("clients").join(lock);
        let wanted = std::fs::read_to_string(&lock)
            .map_err(|error| Failure::Task(format!("cannot read {}: {error}", lock.display())))?;
        let home = directory().join(name);
        if std::fs::read_to_string(home.join(STAMP)).is_ok_and(|have| have == wanted) {
            continue;
        }
        let missing = match kind {
            Kind::Python => install_python(&home, &lock)?,
            Kind::Node => install_node(&home, &lock)?,
        };
        match missing {
            None => write(&home.join(STAMP), &wanted)?,
            Some(reason) => skipped.push(format!("{name}: {reason}")),
        }
    }
    for line in &skipped {
        eprintln!("SKIPPED client {line}");
    }
    if !skipped.is_empty()
        && std::env::var_os("RESPAIR_REQUIRE_CLIENTS").is_some_and(|value| value == "1")
    {
        return Err(Failure::Task(
            "RESPAIR_REQUIRE_CLIENTS=1, and a client could not be installed".to_owned(),
        ));
    }
    Ok(skipped)
}

/// `RESPAIR_CLIENTS_DIR`, else `target/clients`.
pub(crate) fn directory() -> PathBuf {
    std::env::var_os("RESPAIR_CLIENTS_DIR")
        .map_or_else(|| root().join("target").join("clients"), PathBuf::from)
}

/// A fresh virtual environment with exactly what the lock names, or the reason why there can be none.
fn install_python(home: &Path, lock: &Path) -> Result<Option<String>, Failure> {
    let Some(python) = ["python3", "python"].into_iter().find(|name| exists(name)) else {
        return Ok(Some("no python3 on this machine".to_owned()));
    };
    clear(home)?;
    if let Err(Failure::Task(error)) = check(Command::new(python).args(["-m", "venv"]).arg(home)) {
        return Ok(Some(format!(
            "{error} (Debian and Ubuntu: apt-get install python3-venv)"
        )));
    }
    let pip = if cfg!(windows) {
        home.join("Scripts").join("python.exe")
    } else {
        home.join("bin").join("python")
    };
    check(
        Command::new(pip)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-input",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
            ])
            .arg(lock),
    )?;
    Ok(None)
}

/// `npm ci` in a directory of its own, so that the work tree stays clean, or the reason why that cannot be.
fn install_node(home: &Path, lock: &Path) -> Result<Option<String>, Failure> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    if let Some(program) = ["node", npm].into_iter().find(|name| !exists(name)) {
        return Ok(Some(format!("no {program} on this machine")));
    }
    clear(home)?;
    for file in ["package.json", "package-lock.json"] {
        let from = lock.with_file_name(file);
        std::fs::copy(&from, home.join(file))
            .map_err(|error| Failure::Task(format!("cannot copy {}: {error}", from.display())))?;
    }
    check(
        Command::new(npm)
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(home),
    )?;
    Ok(None)
}

/// An empty directory: what a half-finished installation left is of no use.
fn clear(home: &Path) -> Result<(), Failure> {
    if home.exists() {
        std::fs::remove_dir_all(home)
            .map_err(|error| Failure::Task(format!("cannot clear {}: {error}", home.display())))?;
    }
    std::fs::create_dir_all(home)
        .map_err(|error| Failure::Task(format!("cannot make {}: {error}", home.display())))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::Task(format!("cannot write {}: {error}", path.display())))
}
