//! A server's tool as one of ours.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::server::Server;
use crate::{BoxFuture, CallContext, Preview, Tool, ToolOutput, ToolSpec};

/// Bytes of a description: each request carries it.
const DESCRIPTION: usize = 2 << 10;
/// Bytes of the schema of the arguments.
const SCHEMA: usize = 16 << 10;
/// Levels of it.
const DEPTH: usize = 32;

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
    if let Some(why) = misshapen(&schema) {
        return Some(why.to_owned());
    }
    let length = schema.to_string().len();
    (length > SCHEMA).then(|| format!("its schema has {length} bytes, at most {SCHEMA} are sent"))
}

/// What an endpoint would refuse the whole request for, with all the tools of the others: the shape of the outermost
/// schema (JSON Schema 2020-12, sections 10.3.2.1 and 6.5.3), and how deep it goes.
fn misshapen(schema: &Value) -> Option<&'static str> {
    let is_schema = |value: &Value| value.is_object() || value.is_boolean();
    let properties = schema.get("properties");
    let good = |map: &Value| {
        map.as_object()
            .is_some_and(|map| map.values().all(is_schema))
    };
    if !properties.is_none_or(good) {
        return Some("its `properties` are no schemas");
    }
    let names = |list: &Value| {
        list.as_array()
            .is_some_and(|list| list.iter().all(Value::is_string))
    };
    if !schema.get("required").is_none_or(names) {
        return Some("its `required` are no names");
    }
    (depth(schema) > DEPTH).then_some("its schema is nested too deep")
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
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
                output = called => output,
            }
        })
    }
}
