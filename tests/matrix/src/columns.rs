//! The columns: which client, in which of its ways, and how it is started.

use std::path::{Path, PathBuf};

/// One client in one way of using it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its short name, as `--clients` takes it.
    pub name: &'static str,
    /// What it is, for a person.
    pub label: &'static str,
    /// The directory of the client below `target/clients`.
    pub client: &'static str,
    /// How it is asked.
    pub kind: Kind,
    /// Whether it runs the tools that are called and asks again: its answer is that of the last turn.
    pub agent: bool,
}

/// How a column is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `clients/python/cells.py` with this argument.
    Python(&'static str),
    /// `clients/node/cells.mjs` with this argument, by the Node of the machine.
    Node(&'static str),
    /// The same by Node 22.
    Node22(&'static str),
    /// `codex exec`, a process a cell.
    Codex,
}

const fn column(
    name: &'static str,
    label: &'static str,
    client: &'static str,
    kind: Kind,
) -> Column {
    Column {
        name,
        label,
        client,
        kind,
        agent: false,
    }
}

const fn agent(
    name: &'static str,
    label: &'static str,
    client: &'static str,
    kind: Kind,
) -> Column {
    Column {
        agent: true,
        ..column(name, label, client, kind)
    }
}

/// Every column, in the order of the table.
#[rustfmt::skip] // one column, one line
pub const COLUMNS: &[Column] = &[
    column("py3-stream", "openai-python 3.54.0 `responses.stream()`", "openai-python-3.54.0", Kind::Python("stream")),
    column("py3-create", "openai-python 3.54.0 `create(stream=True)`", "openai-python-3.54.0", Kind::Python("create")),
    column("py3-stream-async", "openai-python 3.54.0 async `responses.stream()`", "openai-python-3.54.0", Kind::Python("stream-async")),
    column("py3-create-async", "openai-python 3.54.0 async `create(stream=True)`", "openai-python-3.54.0", Kind::Python("create-async")),
    column("py2-stream", "openai-python 2.24.0 `responses.stream()`", "openai-python-2.24.0", Kind::Python("stream")),
    column("py2-create", "openai-python 2.24.0 `create(stream=True)`", "openai-python-2.24.0", Kind::Python("create")),
    column("py2-stream-async", "openai-python 2.24.0 async `responses.stream()`", "openai-python-2.24.0", Kind::Python("stream-async")),
    column("py2-create-async", "openai-python 2.24.0 async `create(stream=True)`", "openai-python-2.24.0", Kind::Python("create-async")),
    column("node7-stream", "openai-node 7.57.0 `responses.stream()` (Node 22.23.3)", "openai-node-7.57.0", Kind::Node22("stream")),
    column("node7-create", "openai-node 7.57.0 `create({stream: true})` (Node 22.23.3)", "openai-node-7.57.0", Kind::Node22("create")),
    column("node6-stream", "openai-node 6.49.0 `responses.stream()` (Node 20)", "openai-node-6.49.0", Kind::Node("stream")),
    column("node6-create", "openai-node 6.49.0 `create({stream: true})` (Node 20)", "openai-node-6.49.0", Kind::Node("create")),
    agent("codex", "Codex CLI 0.169.0 `codex exec --json`", "codex-0.169.0", Kind::Codex),
    agent("agents", "openai-agents 0.24.0 `Runner.run_streamed` (openai 3.54.0)", "openai-agents-0.24.0", Kind::Python("agents")),
    column("ai7", "AI SDK 7.0.173 `streamText` (@ai-sdk/openai 4.0.118, Node 22.23.3)", "ai-sdk-7.0.173", Kind::Node22("ai-sdk")),
    column("ai6", "AI SDK 6.0.326 `streamText` (@ai-sdk/openai 3.0.141, Node 20)", "ai-sdk-6.0.326", Kind::Node("ai-sdk")),
    column("langchain", "langchain-openai 1.7.3 `ChatOpenAI.stream` (openai 3.54.0)", "langchain-openai-1.7.3", Kind::Python("langchain")),
    column("pydantic", "pydantic-ai 2.68.0 `direct.model_request_stream` (openai 3.54.0)", "pydantic-ai-2.68.0", Kind::Python("pydantic")),
    agent("pydantic-agent", "pydantic-ai 2.68.0 `Agent.iter` (openai 3.54.0)", "pydantic-ai-2.68.0", Kind::Python("pydantic-agent")),
    column("litellm", "LiteLLM 1.106.2 `litellm.responses(stream=True)` (openai 2.54.0)", "litellm-1.106.2", Kind::Python("litellm")),
];

/// The column of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name == name)
}

impl Column {
    /// The program and its arguments; for Codex the binary alone. `None` where the client, or its Node, is not installed.
    #[must_use]
    pub fn program(&self) -> Option<(PathBuf, Vec<PathBuf>)> {
        let home = installed(self.client)?;
        let runners = workspace().join("clients");
        let node = |program: PathBuf, way: &str| {
            let script = runners.join("node/cells.mjs");
            (program, vec![script, way.into(), home.clone()])
        };
        Some(match self.kind {
            Kind::Python(way) => {
                let python = if cfg!(windows) {
                    "Scripts/python.exe"
                } else {
                    "bin/python"
                };
                (
                    home.join(python),
                    vec![runners.join("python/cells.py"), way.into()],
                )
            }
            Kind::Node(way) => node("node".into(), way),
            Kind::Node22(way) => node(node_22()?, way),
            Kind::Codex => (codex(&home)?, Vec::new()),
        })
    }
}

/// Where the client of this name is, if it is.
fn installed(client: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("RESPAIR_CLIENTS_DIR")
        .map_or_else(|| workspace().join("target/clients"), PathBuf::from);
    let home = directory.join(client);
    home.join("installed-from.lock").is_file().then_some(home)
}

/// The Node that npm carries, for whichever platform it was installed.
fn node_22() -> Option<PathBuf> {
    let modules = installed("node-22.23.3")?.join("node_modules");
    let found = std::fs::read_dir(modules).ok()?.filter_map(Result::ok);
    let program = if cfg!(windows) {
        "bin/node.exe"
    } else {
        "bin/node"
    };
    found
        .map(|package| package.path().join(program))
        .find(|program| program.is_file())
}

/// Codex's own binary, without the launcher in front, which is a Node of its own to start and to kill.
fn codex(home: &Path) -> Option<PathBuf> {
    let scope = home.join("node_modules/@openai");
    let packages = std::fs::read_dir(scope).ok()?.filter_map(Result::ok);
    let vendors =
        packages.filter_map(|package| std::fs::read_dir(package.path().join("vendor")).ok());
    let program = if cfg!(windows) {
        "bin/codex.exe"
    } else {
        "bin/codex"
    };
    vendors
        .flatten()
        .filter_map(Result::ok)
        .map(|target| target.path().join(program))
        .find(|program| program.is_file())
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}
