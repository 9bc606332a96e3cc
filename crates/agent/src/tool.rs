//! What a tool is.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{BoxFuture, Permission};

/// Something that the model may call.
pub trait Tool: Send + Sync {
    /// Its name, description and parameters, as the model is told them.
    fn spec(&self) -> &ToolSpec;

    /// What a call is about to do, for whoever is asked whether it may. It must not do anything yet; it may read.
    fn preview(&self, arguments: &Map<String, Value>) -> Preview;

    /// Runs a call. What goes wrong is an output too ([`ToolOutput::failed`]): the model is told. Dropping the future or
    /// cancelling the context's token must end whatever it started.
    fn call(
        &self,
        arguments: Map<String, Value>,
        context: CallContext,
    ) -> BoxFuture<'_, ToolOutput>;
}

/// A tool as the model and the permissions know it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ToolSpec {
    /// 1 to 64 of `a-z A-Z 0-9 _ -`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments: an object.
    pub parameters: Value,
    /// It changes nothing, so that calls may run beside one another.
    pub parallel: bool,
    /// What applies where no rule of the user's does.
    pub permission: Permission,
}

impl ToolSpec {
    /// A tool that may not run beside others and has to be asked for.
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            parameters,
            parallel: false,
            permission: Permission::Ask,
        }
    }

    /// As a request's `tools` has it.
    pub fn to_json(&self) -> Value {
        json!({
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
            "strict": false,
        })
    }
}

/// What a call is about to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// What it is about, on one line: the command, the path. The user's rules match it.
    pub subject: String,
    /// More to look at before it is allowed, where there is more: a diff in unified form.
    pub diff: Option<String>,
    /// Why it needs to be asked for even where the rules allow it: it reaches outside the working directory.
    pub outside: Option<String>,
    /// What the subject does not say and whoever is asked should know, on one line: where a command runs.
    pub note: Option<String>,
    /// Why it cannot work as it is: an argument is missing, or the text to replace is not there. Nobody is asked about such a
    /// call, the model is told; except one that reaches outside, of which a failure would tell what is there.
    pub wrong: Option<String>,
}

impl Preview {
    /// A preview of one line.
    pub fn of(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            ..Self::default()
        }
    }
}

/// What a call gets besides its arguments.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallContext {
    /// The call's id.
    pub call_id: String,
    /// Cancelled when the user interrupts the turn.
    pub cancel: CancellationToken,
    /// Where lines about its progress may go; nobody waits for them, and they may be dropped.
    pub progress: mpsc::Sender<String>,
}

impl CallContext {
    /// A context of its own, for tests and for calls outside a turn.
    pub fn new(
        call_id: impl Into<String>,
        cancel: CancellationToken,
        progress: mpsc::Sender<String>,
    ) -> Self {
        Self {
            call_id: call_id.into(),
            cancel,
            progress,
        }
    }
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolOutput {
    /// What the model is told: a string, or a list of `input_text`, `input_image` and `input_file` parts.
    pub content: Value,
    /// It did not work. The model is told the same; the screen shows it.
    pub failed: bool,
    /// What the screen says of it, on one line: `exit 0, 12 lines`.
    pub summary: String,
}

impl ToolOutput {
    /// It worked, and this is what it gave.
    pub fn text(content: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            content: Value::String(content.into()),
            failed: false,
            summary: summary.into(),
        }
    }

    /// It did not work, and this is why.
    pub fn failed(why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            summary: why.lines().next().unwrap_or_default().to_owned(),
            content: Value::String(why),
            failed: true,
        }
    }
}

/// The tools of an agent.
#[derive(Clone, Default)]
pub struct Toolbox {
    tools: Vec<Arc<dyn Tool>>,
}

impl Toolbox {
    /// Adds a tool; one of the same name is replaced.
    pub fn add(&mut self, tool: Arc<dyn Tool>) {
        self.tools
            .retain(|other| other.spec().name != tool.spec().name);
        self.tools.push(tool);
    }

    /// The tool of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.iter().find(|tool| tool.spec().name == name)
    }

    /// All of them, in the order in which the model is told them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Tool>> {
        self.tools.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }
}

impl std::fmt::Debug for Toolbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.tools.iter().map(|tool| &tool.spec().name);
        f.debug_set().entries(names).finish()
    }
}
