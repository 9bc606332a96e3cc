//! The tools of the MCP servers, as the user's own configuration has them: a cloned repository starts nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use respair_agent::Tool;
use respair_agent::mcp::{self, McpReach, McpServer};

use crate::config::{self, Reach, Settings};
use crate::term::counted;

/// Without a `timeout` of its own a server gets what the tools' crate gives it; with 0 a call may take as long as a turn.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// The servers that are to be started.
pub(super) fn wanted(settings: &Settings, cwd: &Path) -> Vec<McpServer> {
    let configured = settings.agent.servers.iter().flat_map(|all| &all.value);
    let enabled = configured.filter(|server| server.enabled);
    let keys = super::tools::key_variables(settings);
    enabled
        .map(|configured| server(configured, cwd, &keys))
        .collect()
}

/// What servers offer, and what is to be said of them.
pub(crate) struct Offered {
    pub(crate) tools: Vec<Arc<dyn Tool>>,
    pub(crate) notices: Vec<String>,
}

/// Starts them; what is wrong with one is told, and the others go on.
pub(crate) async fn offered(servers: Vec<McpServer>) -> Offered {
    let connected = mcp::connect(servers).await;
    let mut notices = Vec::new();
    for met in connected.servers {
        let name = &met.name;
        // Each names its server.
        notices.extend(met.problems.iter().cloned());
        if !met.missing {
            let tools = counted(met.tools.len(), "tool");
            notices.push(format!("MCP server {name}: {tools}"));
        }
    }
    Offered {
        tools: connected.tools,
        notices,
    }
}

/// A server as the tools' crate takes it. What `keys` names is not in its environment, unless its own `env` has it.
pub(crate) fn server(configured: &config::McpServer, cwd: &Path, keys: &[String]) -> McpServer {
    let name = configured.name.as_str();
    let mut server = match &configured.reach {
        Reach::Command { command, args, env } => {
            McpServer::command(name, command, args.clone(), env.clone(), cwd)
        }
        Reach::Url { url, headers } => McpServer::url(name, url.as_str(), headers.clone()),
    };
    if let McpReach::Command { key_variables, .. } = &mut server.reach {
        key_variables.extend_from_slice(keys);
    }
    if let Some(timeout) = configured.timeout {
        server.call = timeout.unwrap_or(LONGEST);
    }
    server
}
