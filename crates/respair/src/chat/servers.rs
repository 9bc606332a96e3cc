//! The MCP servers, which start while the prompt stands there; the first request waits for them.

use respair_agent::mcp::McpServer;
use tokio::task::JoinHandle;

use super::Chat;
use super::draw::Draw;
use super::ui::Leave;
use crate::agent::servers::{Offered, offered};
use crate::term::one_line;

/// Servers under way. Dropping it ends them.
pub(super) struct Starting {
    names: Vec<String>,
    task: JoinHandle<Offered>,
}

impl Starting {
    /// Starts them; `None` where there are none.
    pub(super) fn begin(servers: Vec<McpServer>) -> Option<Self> {
        let names: Vec<String> = servers
            .iter()
            .map(|server| one_line(&server.name))
            .collect();
        (!names.is_empty()).then(|| Self {
            names,
            task: tokio::spawn(offered(servers)),
        })
    }

    fn what(&self) -> String {
        match self.names.as_slice() {
            [name] => format!("the MCP server {name}"),
            names => format!("the MCP servers {}", names.join(", ")),
        }
    }

    /// What is said of them at the beginning.
    pub(super) fn notice(&self) -> String {
        let verb = if self.names.len() == 1 {
            "starts"
        } else {
            "start"
        };
        format!("{} {verb} meanwhile; the first message waits", self.what())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Chat {
    /// Waits for the servers that are still to start, and takes their tools. `false`: the user would not wait.
    pub(super) async fn meet(&mut self) -> Result<bool, Leave> {
        let Some(mut starting) = self.servers.take() else {
            return Ok(true);
        };
        let ended = match starting.task.is_finished() {
            true => Some((&mut starting.task).await),
            false => {
                let what = starting.what();
                if !self.ui.drawn {
                    let said = format!("waiting for {what}");
                    self.ui.say(Draw::Notice(said)).await?;
                }
                let task = std::pin::Pin::new(&mut starting.task);
                self.ui.wait_for(what, task).await?
            }
        };
        let Some(ended) = ended else {
            let said = "not sent: the MCP servers are still starting";
            self.ui.say(Draw::Notice(said.to_owned())).await?;
            self.servers = Some(starting);
            return Ok(false);
        };
        match ended {
            Ok(offered) => {
                let agent = self.conversation.agent().with_tools(offered.tools);
                self.conversation.set_agent(agent);
                for notice in offered.notices {
                    self.ui.say(Draw::Notice(one_line(&notice))).await?;
                }
            }
            Err(error) => {
                let said = format!("the MCP servers could not be started: {error}");
                self.ui.say(Draw::Error(one_line(&said))).await?;
            }
        }
        Ok(true)
    }
}
