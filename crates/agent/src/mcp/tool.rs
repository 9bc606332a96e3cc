//! A server's tool as one of ours.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::server::Server;
use crate::{BoxFuture, CallContext, Preview, Tool, ToolOutput, ToolSpec};

/// Bytes of a description: each request carries it.
const DESCRIPTION: usize = 2 << 10;
/// Bytes of the schema of the arguments.
const SCHEMA: usize = 16 << 10;

pub(super) struct McpTool {
    spec: ToolSpec,
    server: Arc<Server>,
    /// As the server knows it.
    name: String,
}

/// Why a tool cannot be offered.
pub(super) fn unusable(tool: &rmcp::model::Tool) -> Option<String> {
    let schema = Value::Object(tool.input_schema.as_ref().clone());
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => {}
        _ => return Some("its arguments are no object".to_owned()),
    }
    let length = schema.to_string().len();
    (length > SCHEMA).then(|| format!("its schema has {length} bytes, at most {SCHEMA} are sent"))
}

impl McpTool {
    pub(super) fn new(server: Arc<Server>, called: String, tool: &rmcp::model::Tool) -> Self {
        let about = tool.description.as_deref().unwrap_or_default();
        let about = about[..about.floor_char_boundary(DESCRIPTION)].to_owned();
        // What the server says of its tool (that it only reads) is the server's word: it is asked for like any other.
        Self {
            spec: ToolSpec::new(
                called,
                about,
                Value::Object(tool.input_schema.as_ref().clone()),
            ),
            name: tool.name.to_string(),
            server,
        }
    }
}

impl Tool for McpTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn preview(&self, arguments: &Map<String, Value>) -> Preview {
        // All of them: what is cut off would be allowed unseen.
        Preview::of(Value::Object(arguments.clone()).to_string())
    }

    fn call(
        &self,
        arguments: Map<String, Value>,
        context: CallContext,
    ) -> BoxFuture<'_, ToolOutput> {
        Box::pin(async move {
            let called = self.server.call(&self.name, arguments);
            tokio::select! {
                biased;
                // Dropping the call tells the server that nobody waits for it any more.
                () = context.cancel.cancelled() => ToolOutput::failed("interrupted"),
                output = called => output.unwrap_or_else(ToolOutput::failed),
            }
        })
    }
}
