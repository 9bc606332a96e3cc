//! What the integration tests share: a relay that plays the model, an agent for it, and a turn to look at.
//!
//! Every test runs on tokio's paused clock, in one thread with its relay.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod wire;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use respair_agent::{
    Agent, AgentEvent, AgentOptions, Answer, BoxFuture, CallContext, Conversation, Decision, Input,
    Link, Permission, Preview, Tool, ToolOutput, ToolSpec, Toolbox, Work,
};
use respair_client::{Client, ClientOptions, Clock, Endpoint};
use respair_faults::{Answer as Play, Relay, Request, Script, Stream};
use serde_json::{Map, Value, json};

/// A relay that plays these responses, one a request; after the last it plays the last again.
pub async fn plays(scripts: impl IntoIterator<Item = Script>) -> Relay {
    let scripts: Vec<Script> = scripts.into_iter().collect();
    relay(move |request: &Request| scripts[request.number.min(scripts.len() - 1)].clone()).await
}

pub async fn relay(play: impl Play) -> Relay {
    Relay::start(play).await.unwrap()
}

pub fn custom(relay: &Relay) -> Endpoint {
    Endpoint::custom(format!("{}/v1", relay.base_url()).parse().unwrap())
}

/// tokio's clock, which is paused.
#[derive(Debug)]
pub struct TestClock(tokio::time::Instant);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix(&self) -> u64 {
        1_767_225_600 + self.0.elapsed().as_secs()
    }
}

pub fn link(endpoint: Endpoint) -> Link {
    let options = ClientOptions {
        seed: Some(7),
        clock: Some(TestClock::new()),
        ..ClientOptions::default()
    };
    Link::new(Client::new(endpoint, options).unwrap(), "relay-model", None)
}

/// An agent with these tools at this relay.
pub fn options(relay: &Relay, tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> AgentOptions {
    let mut options = AgentOptions::new(link(custom(relay)), "Be brief.");
    let mut toolbox = Toolbox::default();
    for tool in tools {
        toolbox.add(tool);
    }
    options.tools = toolbox;
    options.clock = TestClock::new();
    options
}

pub fn conversation(relay: &Relay, tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Conversation {
    Conversation::new(Agent::new(options(relay, tools)))
}

/// The `number`th response of a conversation, begun.
pub fn response(number: u64) -> Stream {
    Stream::new().turn(number).prelude()
}

/// A response that says something.
pub fn says(number: u64, text: &str) -> Script {
    Script::stream(&response(number).message([text]).complete())
}

/// A response that calls a tool.
pub fn calls(number: u64, name: &str, arguments: &Value) -> Script {
    let arguments = arguments.to_string();
    Script::stream(&response(number).call(name, [arguments.as_str()]).complete())
}

/// A finished turn.
#[derive(Debug)]
pub struct Run {
    pub events: Vec<AgentEvent>,
    pub answer: Answer,
}

impl Run {
    /// Runs it; every call that asks is answered so.
    pub async fn of(mut work: Work<'_>, decision: Decision) -> Self {
        let mut events = Vec::new();
        loop {
            match work.next().await.expect("a turn ends with its answer") {
                AgentEvent::Finished(answer) => {
                    return Self {
                        events,
                        answer: *answer,
                    };
                }
                AgentEvent::Approval(approval) => approval.answer(decision.clone()),
                event => events.push(event),
            }
        }
    }

    /// The outputs of the tools, in the order of their items.
    pub fn outputs(&self) -> Vec<String> {
        let items = self.answer.items.iter();
        let items = items.map(|item| serde_json::from_str::<Value>(item.get()).unwrap());
        items
            .filter(|item| item["type"] == "function_call_output")
            .map(|item| match &item["output"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect()
    }

    pub fn notices(&self) -> Vec<&str> {
        let notices = self.events.iter().filter_map(|event| match event {
            AgentEvent::Notice(text) => Some(text.as_str()),
            _ => None,
        });
        notices.collect()
    }
}

pub async fn say(conversation: &mut Conversation, text: &str) -> Run {
    Run::of(conversation.send(Input::text(text)), Decision::Allow).await
}

/// The `input` of a request.
pub fn input(request: &Request) -> Vec<Value> {
    request.json().unwrap()["input"].as_array().unwrap().clone()
}

/// The types of the items of an input.
pub fn types(request: &Request) -> Vec<String> {
    let items = input(request);
    let types = items.iter().map(|item| match &item["type"] {
        Value::String(kind) if kind == "message" => item["role"].as_str().unwrap().to_owned(),
        other => other.as_str().unwrap().to_owned(),
    });
    types.collect()
}

type Body = dyn Fn(Map<String, Value>, CallContext) -> BoxFuture<'static, ToolOutput> + Send + Sync;

/// A tool made of a function.
pub struct Made {
    spec: ToolSpec,
    body: Box<Body>,
    pub called: Mutex<Vec<Value>>,
}

impl Made {
    /// A tool that gives its arguments' `city` back, and may run beside others.
    pub fn echo(name: &str) -> Arc<Self> {
        Self::new(name, Permission::Allow, |arguments, _| {
            Box::pin(async move {
                let city = arguments.get("city").and_then(Value::as_str);
                ToolOutput::text(format!("echo {}", city.unwrap_or("nothing")), "ok")
            })
        })
    }

    pub fn new(
        name: &str,
        permission: Permission,
        body: impl Fn(Map<String, Value>, CallContext) -> BoxFuture<'static, ToolOutput>
        + Send
        + Sync
        + 'static,
    ) -> Arc<Self> {
        let mut spec = ToolSpec::new(name, "A tool.", json!({"type": "object"}));
        spec.parallel = permission == Permission::Allow;
        spec.permission = permission;
        Arc::new(Self {
            spec,
            body: Box::new(body),
            called: Mutex::default(),
        })
    }

    pub fn count(&self) -> usize {
        self.called.lock().unwrap().len()
    }
}

impl Tool for Made {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn preview(&self, arguments: &Map<String, Value>) -> Preview {
        Preview::of(Value::Object(arguments.clone()).to_string())
    }

    fn call(
        &self,
        arguments: Map<String, Value>,
        context: CallContext,
    ) -> BoxFuture<'_, ToolOutput> {
        let called = Value::Object(arguments.clone());
        self.called.lock().unwrap().push(called);
        (self.body)(arguments, context)
    }
}

/// The outputs of a request, each the only one of a call before it, no two calls under one id, arguments that are an object.
pub fn joined(items: &[Value], name: &str) -> Vec<String> {
    let mut open: Vec<&Value> = Vec::new();
    let mut ids: Vec<&Value> = Vec::new();
    let mut outputs = Vec::new();
    for item in items {
        let kind = item["type"].as_str().unwrap();
        let id = &item["call_id"];
        if kind.ends_with("_call") {
            assert!(!ids.contains(&id), "{name}: two calls {id}");
            ids.push(id);
            open.push(id);
            if let Some(arguments) = item["arguments"].as_str() {
                let arguments: Value = serde_json::from_str(arguments).unwrap();
                assert!(arguments.is_object(), "{name}: {arguments}");
            }
        } else if kind.ends_with("_output") {
            let at = open.iter().position(|open| *open == id);
            open.remove(at.unwrap_or_else(|| panic!("{name}: an output for {id}")));
            outputs.push(item["output"].as_str().unwrap().to_owned());
        }
    }
    assert!(open.is_empty(), "{name}: no output for {open:?}");
    outputs
}
