//! One server: started, asked, started once more.

use std::collections::HashMap;
use std::error::Error;
use std::process::Stdio;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig, Implementation,
    PaginatedRequestParams, Tool,
};
use rmcp::service::{
    ClientInitializeError, Peer, RoleClient, RunningService, ServiceError, ServiceExt as _,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransportConfig, StreamableHttpError,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::hidden::Hidden;
use super::{McpReach, McpServer, TOOLS, output};
use crate::ToolOutput;
use crate::tools::environment::scrubbed;
use crate::tools::output::cleaned;
use crate::tools::process::{self, Group};

/// Bytes of standard error that are kept.
const STDERR: usize = 8 << 10;
/// Pages of a list of tools.
const PAGES: usize = 32;
/// Bytes of one message of a server's.
const MESSAGE: usize = 4 << 20;
/// How long a program that closed its streams may take to end.
const ENDED: Duration = Duration::from_millis(500);
/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(10);

pub(super) struct Server {
    pub(super) config: McpServer,
    pub(super) hidden: Hidden,
    state: Mutex<State>,
    stderr: Arc<Lock<Vec<u8>>>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    started: u32,
}

/// A server that was met. Dropping it ends its process.
struct Live {
    service: RunningService<RoleClient, ClientConfig>,
    process: Option<(Child, Group)>,
}

impl Server {
    pub(super) fn new(config: McpServer) -> Self {
        Self {
            hidden: Hidden::of(&config),
            config,
            state: Mutex::default(),
            stderr: Arc::default(),
        }
    }

    /// Its tools, and whether it has more than are taken.
    pub(super) async fn listed(&self) -> Result<(Vec<Tool>, bool), String> {
        let listed = async {
            let peer = self.peer().await?;
            let mut tools = Vec::new();
            let mut cursor = None;
            for _ in 0..PAGES {
                let params = PaginatedRequestParams::default().with_cursor(cursor);
                let page = peer.list_tools(Some(params)).await.map_err(why)?;
                tools.extend(page.tools);
                cursor = page.next_cursor;
                if cursor.is_none() || tools.len() > TOOLS {
                    break;
                }
            }
            let more = cursor.is_some() || tools.len() > TOOLS;
            tools.truncate(TOOLS);
            Ok((tools, more))
        };
        let seconds = self.config.start.as_secs();
        timeout(self.config.start, listed)
            .await
            .unwrap_or_else(|_| Err(format!("it did not name its tools within {seconds} s")))
    }

    /// Calls one of its tools.
    pub(super) async fn call(&self, tool: &str, arguments: Map<String, Value>) -> ToolOutput {
        let called = self.called(tool, arguments).await;
        let mut output = called.unwrap_or_else(ToolOutput::failed);
        self.hidden.hide_in(&mut output.content);
        output.summary = self.hidden.hide(&output.summary);
        output
    }

    async fn called(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<ToolOutput, String> {
        let name = &self.config.name;
        let started = timeout(self.config.start, self.peer()).await;
        let peer = started
            .unwrap_or_else(|_| Err("it did not come up in time".to_owned()))
            .map_err(|why| format!("the MCP server `{name}` is gone: {why}"))?;
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let called = timeout(self.config.call, peer.call_tool_once(params)).await;
        let Ok(called) = called else {
            let seconds = self.config.call.as_secs();
            return Err(format!(
                "the MCP server `{name}` did not answer within {seconds} s"
            ));
        };
        match called {
            Ok(CallToolResponse::Complete(result)) => Ok(output::told(&result)),
            Ok(_) => Err(format!(
                "the MCP server `{name}` wants more than the arguments, which respair does not do"
            )),
            // Whether it did anything is unknown: it is not asked again.
            Err(error) => Err(format!("the MCP server `{name}`: {}", why(error))),
        }
    }

    /// What it calls itself.
    pub(super) async fn title(&self) -> String {
        let state = self.state.lock().await;
        let info = state
            .live
            .as_ref()
            .and_then(|live| live.service.peer().peer_info());
        let implementation = info.and_then(|info| info.server_info.clone());
        implementation.map_or_else(String::new, |is| {
            let title = format!("{} {}", is.name, is.version);
            self.hidden.hide(&bounded(&title))
        })
    }

    /// The end of what it wrote to standard error.
    pub(super) fn stderr(&self) -> String {
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        self.hidden.hide(&cleaned(&kept))
    }

    /// The one to ask; started when it is not there, and once more when it went away.
    async fn peer(&self) -> Result<Peer<RoleClient>, String> {
        let mut state = self.state.lock().await;
        if let Some(live) = &state.live
            && !live.service.is_closed()
            && !live.service.peer().is_transport_closed()
        {
            return Ok(live.service.peer().clone());
        }
        // Its process goes first.
        state.live = None;
        if state.started > 1 {
            return Err("it ended, and was started a second time before".to_owned());
        }
        state.started += 1;
        let live = match &self.config.reach {
            McpReach::Command { .. } => self.process().await?,
            McpReach::Url { url, headers } => over_http(url, headers).await?,
        };
        let peer = live.service.peer().clone();
        state.live = Some(live);
        Ok(peer)
    }

    async fn process(&self) -> Result<Live, String> {
        let McpReach::Command {
            command,
            args,
            env,
            environment,
            key_variables,
            cwd,
        } = &self.config.reach
        else {
            return Err("it is no process".to_owned());
        };
        let mut process = Command::new(command);
        process
            .args(args)
            .current_dir(cwd)
            .env_clear()
            .envs(scrubbed(environment, key_variables))
            .envs(
                env.iter()
                    .map(|(name, value)| (name, value.expose_secret())),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = process::start(process, None).await;
        let (mut child, group) = started.map_err(|error| {
            let why = without_number(&error.to_string());
            format!("{command}: {why}")
        })?;
        let streams = (child.stdout.take(), child.stdin.take(), child.stderr.take());
        let (Some(stdout), Some(stdin), Some(stderr)) = streams else {
            return Err("its streams are not there".to_owned());
        };
        let kept = tokio::spawn(keep(stderr, Arc::clone(&self.stderr)));
        let transport = rmcp::transport::async_rw::AsyncRwTransport::new_client(stdout, stdin)
            .with_max_line_length(MESSAGE);
        let service = us().serve(transport).await;
        let service = match service {
            Ok(service) => service,
            Err(error) => {
                // A program that ends at once says why in its own words, on standard error.
                let ended = timeout(ENDED, child.wait()).await;
                let _ = timeout(ENDED, kept).await;
                return Err(match ended {
                    Ok(Ok(status)) => format!("it ended before it answered ({status})"),
                    _ => not_met(error),
                });
            }
        };
        Ok(Live {
            service,
            process: Some((child, group)),
        })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some((_, group)) = &self.process {
            group.kill();
        }
    }
}

async fn over_http(url: &str, headers: &[(String, SecretString)]) -> Result<Live, String> {
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    config.max_sse_event_size = MESSAGE;
    config.max_json_response_size = MESSAGE;
    let mut custom = HashMap::new();
    for (name, value) in headers {
        let named = HeaderName::try_from(name.as_str());
        let value = HeaderValue::from_str(value.expose_secret());
        let (Ok(named), Ok(mut value)) = (named, value) else {
            return Err(format!("the header `{name}` cannot be sent"));
        };
        value.set_sensitive(true);
        custom.insert(named, value);
    }
    config.custom_headers = custom;
    let builder = || {
        reqwest::Client::builder()
            .connect_timeout(CONNECT)
            // Its headers are for this address.
            .redirect(reqwest::redirect::Policy::none())
    };
    let client = builder()
        .build()
        .or_else(|error| match url.starts_with("http://") {
            // Where the system trusts nobody, as in a small container, plain HTTP does without.
            true => builder().tls_certs_only(Vec::new()).build(),
            false => Err(error),
        });
    let client = client.map_err(|error| root(&error))?;
    let transport = StreamableHttpClientTransport::with_client(client, config);
    let service = us().serve(transport).await.map_err(not_met)?;
    Ok(Live {
        service,
        process: None,
    })
}

/// What a server is told of us.
fn us() -> ClientConfig {
    let respair = Implementation::new("respair", env!("CARGO_PKG_VERSION"));
    ClientConfig::new(ClientCapabilities::default(), respair)
}

/// Reads standard error to its end, and keeps the tail.
async fn keep(mut stderr: impl AsyncRead + Unpin, kept: Arc<Lock<Vec<u8>>>) {
    let mut chunk = vec![0; 4 << 10];
    while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&chunk[..length]);
        let over = kept.len().saturating_sub(STDERR);
        kept.drain(..over);
    }
}

fn not_met(error: ClientInitializeError) -> String {
    bounded(&match error {
        ClientInitializeError::ConnectionClosed(_) => "it ended before it answered".to_owned(),
        ClientInitializeError::TransportError { error, .. } => transport(error.error.as_ref()),
        other => other.to_string(),
    })
}

/// Why a request could not be made, without the names of the library's types around it.
fn transport(error: &(dyn Error + Send + Sync + 'static)) -> String {
    type Failed = StreamableHttpError<reqwest::Error>;
    let Some(Failed::Client(error)) = error.downcast_ref::<Failed>() else {
        return error.to_string();
    };
    let why = root(error);
    match error.is_connect() {
        true => format!("no connection: {why}"),
        false => why,
    }
}

/// What is behind an error of the library's.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    without_number(&cause.to_string())
}

/// What the system says of an error, without its number of it.
fn without_number(said: &str) -> String {
    let words = said.split(" (os error").next();
    words.unwrap_or_default().to_owned()
}

fn why(error: ServiceError) -> String {
    bounded(&match error {
        ServiceError::McpError(error) => format!("it says: {} ({})", error.message, error.code.0),
        ServiceError::TransportClosed => "it ended in the middle of it".to_owned(),
        ServiceError::UnexpectedResponse => "it answered with something else".to_owned(),
        other => other.to_string(),
    })
}

/// A server's own words, on one line and no longer than that.
fn bounded(text: &str) -> String {
    let text = cleaned(text.as_bytes()).replace('\n', " ");
    text[..text.floor_char_boundary(400)].to_owned()
}
