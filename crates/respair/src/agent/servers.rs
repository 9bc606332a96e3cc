//! The tools of the MCP servers, as the user's own configuration has them: a cloned repository starts nothing.

use std::path::Path;
use std::time::Duration;

use respair_agent::Toolbox;
use respair_agent::mcp::{self, McpReach, McpServer};

use crate::config::{self, Reach, Settings};
use crate::term::counted;

/// Without a `timeout` of its own a server gets what the tools' crate gives it; with 0 a call may take as long as a turn.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// Adds what the servers offer; what is wrong with one is told, and the others go on.
pub(super) async fn connect(
    settings: &Settings,
    cwd: &Path,
    toolbox: &mut Toolbox,
    notices: &mut Vec<String>,
) {
    let keys = super::tools::key_variables(settings);
    let configured = settings.agent.servers.iter().flat_map(|all| &all.value);
    let servers: Vec<McpServer> = configured
        .filter(|server| server.enabled)
        .map(|configured| server(configured, cwd, &keys))
        .collect();
    if servers.is_empty() {
        return;
    }
    let connected = mcp::connect(servers).await;
    for tool in connected.tools {
        toolbox.add(tool);
    }
    for met in connected.servers {
        let name = &met.name;
        // Each names its server.
        notices.extend(met.problems.iter().cloned());
        if !met.missing {
            let tools = counted(met.tools.len(), "tool");
            notices.push(format!("MCP server {name}: {tools}"));
        }
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
