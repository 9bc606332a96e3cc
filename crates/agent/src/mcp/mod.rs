//! Tools of others: servers of the Model Context Protocol, as processes or over streamable HTTP.
//!
//! [`connect`] starts them, all at once and in bounded time, and gives their tools. A server that does not come up, lies
//! about a tool or goes away is named; its tools are left out, or its call fails, and the rest goes on. One that went away
//! is started once more, when it is next needed; the call that it took with it is not made again.

mod hidden;
mod names;
mod output;
mod server;
mod tool;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::SecretString;

use crate::Tool;

pub use hidden::secret_words;
use server::Server;

/// Tools of one server that are offered.
const TOOLS: usize = 128;

/// A server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct McpServer {
    /// What its tools are called by: `mcp__NAME__TOOL`.
    pub name: String,
    /// Where it is.
    pub reach: McpReach,
    /// How long it may take to come up and name its tools.
    pub start: Duration,
    /// How long a call may take.
    pub call: Duration,
}

/// Where a server is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum McpReach {
    /// A process of ours, over its standard streams.
    #[non_exhaustive]
    Command {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables for it, over `environment`.
        env: Vec<(String, SecretString)>,
        /// The environment it starts from; what looks like a key is taken out.
        environment: Vec<(OsString, OsString)>,
        /// Names of variables that keys are read from, which are taken out as well.
        key_variables: Vec<String>,
        /// Where it runs.
        cwd: PathBuf,
    },
    /// Streamable HTTP.
    #[non_exhaustive]
    Url {
        /// The endpoint.
        url: String,
        /// Headers for each request.
        headers: Vec<(String, SecretString)>,
    },
}

impl McpServer {
    /// A process; 30 s to start, 120 s a call.
    pub fn command(
        name: impl Into<String>,
        command: impl Into<String>,
        args: Vec<String>,
        env: Vec<(String, SecretString)>,
        cwd: impl Into<PathBuf>,
    ) -> Self {
        Self::new(
            name,
            McpReach::Command {
                command: command.into(),
                args,
                env,
                environment: std::env::vars_os().collect(),
                key_variables: Vec::new(),
                cwd: cwd.into(),
            },
        )
    }

    /// An address; 30 s to answer, 120 s a call.
    pub fn url(
        name: impl Into<String>,
        url: impl Into<String>,
        headers: Vec<(String, SecretString)>,
    ) -> Self {
        let url = url.into();
        Self::new(name, McpReach::Url { url, headers })
    }

    fn new(name: impl Into<String>, reach: McpReach) -> Self {
        Self {
            name: name.into(),
            reach,
            start: Duration::from_secs(30),
            call: Duration::from_secs(120),
        }
    }
}

/// What the servers offer.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Connected {
    /// The tools of all of them.
    pub tools: Vec<Arc<dyn Tool>>,
    /// One for each server, in their order.
    pub servers: Vec<Met>,
}

/// How a server was met.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Met {
    /// Its name.
    pub name: String,
    /// What it calls itself, with its version.
    pub title: String,
    /// The names of its tools as the model knows them.
    pub tools: Vec<String>,
    /// What went wrong, a sentence each: why it is missing, which of its tools are left out.
    pub problems: Vec<String>,
    /// It is missing altogether.
    pub missing: bool,
    /// The end of what it wrote to standard error.
    pub stderr: String,
}

/// Starts the servers, all at once, and asks each for its tools.
pub async fn connect(servers: Vec<McpServer>) -> Connected {
    let met = servers.into_iter().map(|config| async {
        let server = Arc::new(Server::new(config));
        let listed = server.listed().await;
        (server, listed)
    });
    let mut connected = Connected::default();
    let mut taken = Vec::new();
    for (server, listed) in join_all(met).await {
        let name = server.config.name.clone();
        let mut met = Met {
            title: server.title().await,
            stderr: server.stderr(),
            tools: Vec::new(),
            problems: Vec::new(),
            missing: listed.is_err(),
            name: name.clone(),
        };
        match listed {
            Err(why) => {
                let why = server.hidden.hide(&why);
                let problem = format!("the MCP server `{name}` is missing: {why}");
                met.problems.push(problem);
            }
            Ok((tools, more)) => {
                for listed in tools {
                    let unusable = tool::unusable(&listed);
                    if let Some(why) = unusable {
                        let tool: String = listed.name.chars().take(64).collect();
                        met.problems.push(format!(
                            "the tool `{tool}` of the MCP server `{name}` is left out: {why}"
                        ));
                        continue;
                    }
                    let called = names::called(&name, &listed.name, &taken);
                    taken.push(called.clone());
                    met.tools.push(called.clone());
                    let tool = tool::McpTool::new(Arc::clone(&server), called, &listed);
                    connected.tools.push(Arc::new(tool));
                }
                if more {
                    met.problems.push(format!(
                        "the MCP server `{name}` has more than {TOOLS} tools; the rest is left out"
                    ));
                }
            }
        }
        connected.servers.push(met);
    }
    connected
}
