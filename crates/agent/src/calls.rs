//! The calls of a response: looked at, asked for, run, and written down in their order.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use respair_client::Clock;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::turn::Turn;
use crate::{AgentEvent, Approval, CallContext, Decision, Permission, Preview, Tool, ToolOutput};

/// How long a tool may take to end once it was told to.
const GRACE: Duration = Duration::from_secs(2);
/// Lines of progress that wait for the screen.
const PROGRESS: usize = 16;

/// A call that the model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) call_id: String,
    name: String,
    /// The arguments as they came, or a custom call's input.
    arguments: String,
    custom: bool,
}

impl Call {
    /// The call that an item is; `None` for any other item.
    pub(crate) fn of(item: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Item {
            r#type: String,
            #[serde(default)]
            call_id: String,
            #[serde(default)]
            name: String,
            #[serde(default)]
            arguments: Option<String>,
            #[serde(default)]
            input: Option<String>,
        }
        let item: Item = serde_json::from_str(item).ok()?;
        let custom = match item.r#type.as_str() {
            "function_call" => false,
            "custom_tool_call" => true,
            _ => return None,
        };
        // Without an id the output could not be joined to it.
        (!item.call_id.is_empty()).then(|| Self {
            call_id: item.call_id,
            name: item.name,
            arguments: if custom { item.input } else { item.arguments }.unwrap_or_default(),
            custom,
        })
    }

    fn output(&self, output: &ToolOutput) -> Box<RawValue> {
        let kind = match self.custom {
            true => "custom_tool_call_output",
            false => "function_call_output",
        };
        let item = json!({"type": kind, "call_id": self.call_id, "output": output.content});
        to_raw_value(&item).unwrap_or_default()
    }
}

/// What became of the calls of a response.
pub(crate) enum Called {
    /// At least one ran.
    Ran,
    /// None could be run.
    None,
    /// The user interrupted them.
    Interrupted,
    /// The same call gave the same result too often.
    Repeating(String),
}

/// The same call with the same result, in a row.
#[derive(Default)]
pub(crate) struct Repeats {
    last: Option<(String, String, String)>,
    count: u32,
}

impl Repeats {
    /// How often this has happened in a row, this time included.
    fn count(&mut self, call: &Call, output: &ToolOutput) -> u32 {
        let this = (
            call.name.clone(),
            call.arguments.clone(),
            output.content.to_string(),
        );
        if self.last.as_ref() == Some(&this) {
            self.count += 1;
        } else {
            (self.last, self.count) = (Some(this), 1);
        }
        self.count
    }
}

/// A call, ready to be run.
struct Ready {
    call: Call,
    tool: Arc<dyn Tool>,
    arguments: Map<String, Value>,
    preview: Preview,
    permission: Permission,
}

impl Ready {
    /// It may run beside others.
    fn beside(&self) -> bool {
        self.permission == Permission::Allow && self.tool.spec().parallel
    }
}

/// What is known of a call before it runs.
enum Planned {
    Ready(Box<Ready>),
    /// It is not run, and the model is told why.
    Wrong(Call, String),
}

/// A call that is over.
struct Over {
    call: Call,
    subject: String,
    diff: Option<String>,
    output: ToolOutput,
    took: Duration,
    /// It was run.
    ran: bool,
}

impl Turn<'_> {
    /// Runs the calls of a response, in order; those that may run beside one another do.
    pub(crate) async fn run_calls(&mut self, calls: Vec<Call>) -> Called {
        let mut called = Called::None;
        let mut planned = self.plan(calls).into_iter().peekable();
        while let Some(first) = planned.next() {
            let over = match first {
                Planned::Wrong(call, why) => vec![Over {
                    subject: String::new(),
                    diff: None,
                    output: ToolOutput::failed(why),
                    took: Duration::ZERO,
                    ran: false,
                    call,
                }],
                Planned::Ready(ready) if ready.beside() => {
                    let mut group = vec![*ready];
                    while let Some(next) =
                        planned.next_if(|next| matches!(next, Planned::Ready(r) if r.beside()))
                    {
                        if let Planned::Ready(ready) = next {
                            group.push(*ready);
                        }
                    }
                    self.run_beside(group).await
                }
                Planned::Ready(ready) => vec![self.run_alone(*ready).await],
            };
            for over in over {
                if over.ran {
                    called = Called::Ran;
                }
                if let Some(stop) = self.write_down(over).await {
                    return stop;
                }
            }
            if self.cancel.is_cancelled() {
                return Called::Interrupted;
            }
        }
        called
    }

    fn plan(&self, calls: Vec<Call>) -> Vec<Planned> {
        let most = self.limits.calls;
        let planned = calls.into_iter().enumerate();
        planned
            .map(|(at, call)| match at < most {
                true => self.look_at(call),
                false => Planned::Wrong(
                    call,
                    format!("not run: at most {most} calls of one response are"),
                ),
            })
            .collect()
    }

    fn look_at(&self, call: Call) -> Planned {
        let options = self.conversation.agent.options();
        let Some(tool) = options.tools.get(&call.name).filter(|_| !call.custom) else {
            let names = options.tools.iter().map(|tool| tool.spec().name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            let why = format!("there is no tool `{}`; there are: {names}", call.name);
            return Planned::Wrong(call, why);
        };
        let arguments = match call.arguments.trim() {
            "" => Ok(Value::Object(Map::new())),
            text => serde_json::from_str(text),
        };
        let arguments = match arguments {
            Ok(Value::Object(arguments)) => arguments,
            Ok(_) => return Planned::Wrong(call, "the arguments are no JSON object".to_owned()),
            Err(error) => {
                let why = format!("the arguments are no JSON: {error}");
                return Planned::Wrong(call, why);
            }
        };
        let preview = tool.preview(&arguments);
        Planned::Ready(Box::new(Ready {
            permission: self.permission(tool.as_ref(), &preview),
            tool: Arc::clone(tool),
            arguments,
            preview,
            call,
        }))
    }

    /// What applies to a call that is about to do this.
    fn permission(&self, tool: &dyn Tool, preview: &Preview) -> Permission {
        let spec = tool.spec();
        let default = match self.conversation.allowed.contains(&spec.name) {
            true => Permission::Allow,
            false => spec.permission,
        };
        let permissions = &self.conversation.agent.options().permissions;
        match permissions.of(&spec.name, &preview.subject, default) {
            Permission::Allow if preview.outside.is_some() && !permissions.yes => Permission::Ask,
            permission => permission,
        }
    }

    /// Several at once; given in their order.
    async fn run_beside(&mut self, group: Vec<Ready>) -> Vec<Over> {
        let (events, cancel) = (self.events(), self.cancel.clone());
        let clock = &self.conversation.agent.options().clock;
        let running = group.into_iter().map(|ready| {
            let (events, cancel) = (events.clone(), cancel.clone());
            run(ready, events, cancel, clock.as_ref())
        });
        let running = stream::iter(running);
        running
            .buffered(self.limits.parallel.max(1))
            .collect()
            .await
    }

    async fn run_alone(&mut self, mut ready: Ready) -> Over {
        // The call before it may have changed what this one is about.
        ready.preview = ready.tool.preview(&ready.arguments);
        ready.permission = self.permission(ready.tool.as_ref(), &ready.preview);
        if let Err(why) = self.allowed(&ready).await {
            return Over {
                subject: ready.preview.subject,
                diff: None,
                output: ToolOutput::failed(why),
                took: Duration::ZERO,
                // The user's word is no fault of the model's.
                ran: true,
                call: ready.call,
            };
        }
        let clock = &self.conversation.agent.options().clock;
        run(ready, self.events(), self.cancel.clone(), clock.as_ref()).await
    }

    /// Whether the call may run; else what the model is told.
    async fn allowed(&mut self, ready: &Ready) -> Result<(), String> {
        match ready.permission {
            Permission::Allow => return Ok(()),
            Permission::Deny => return Err("not run: the user's rules forbid it".to_owned()),
            Permission::Ask => {}
        }
        let name = &ready.tool.spec().name;
        // The call before it may have brought the answer for this one.
        if self.conversation.allowed.contains(name) && ready.preview.outside.is_none() {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        let preview = ready.preview.clone();
        self.tell(AgentEvent::Approval(Approval {
            tool: name.clone(),
            subject: preview.subject,
            diff: preview.diff,
            outside: preview.outside,
            reply,
        }))
        .await;
        let decision = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err("not run: interrupted".to_owned()),
            decision = answer => decision,
        };
        match decision {
            Ok(Decision::Allow) => Ok(()),
            Ok(Decision::AllowTool) => {
                self.conversation.allowed.insert(name.clone());
                Ok(())
            }
            Ok(Decision::Deny(Some(why))) => Err(format!("not run: the user says: {why}")),
            Ok(Decision::Deny(None)) => Err("not run: the user refused it".to_owned()),
            Err(_) => Err("not run: nobody was there to allow it".to_owned()),
        }
    }

    /// The output becomes an entry. Gives what ends the turn.
    async fn write_down(&mut self, mut over: Over) -> Option<Called> {
        let count = self.repeats.count(&over.call, &over.output);
        let most = self.limits.repeats;
        if count == most
            && let Value::String(text) = &mut over.output.content
        {
            text.push_str(&format!(
                "\n\n[This call has given the same result {count} times in a row. Do something else, or answer.]"
            ));
        }
        let item = over.call.output(&over.output);
        let kept = self.conversation.append_item(item.clone(), None).await;
        self.kept(kept).await;
        let name = over.call.name.clone();
        self.tell(AgentEvent::ToolEnded {
            call_id: over.call.call_id,
            tool: over.call.name,
            subject: over.subject,
            summary: over.output.summary,
            diff: over.diff,
            failed: over.output.failed,
            took: over.took,
            item,
        })
        .await;
        (count > most).then(|| {
            Called::Repeating(format!(
                "`{name}` was called {count} times in a row with the same arguments and the same result"
            ))
        })
    }
}

/// Runs one call to its end, or to the end of its grace when it was told to end.
async fn run(
    ready: Ready,
    events: mpsc::Sender<AgentEvent>,
    cancel: CancellationToken,
    clock: &dyn Clock,
) -> Over {
    let (progress, mut lines) = mpsc::channel(PROGRESS);
    let call_id = ready.call.call_id.clone();
    let subject = ready.preview.subject.clone();
    let started = AgentEvent::ToolStarted {
        call_id: call_id.clone(),
        tool: ready.call.name.clone(),
        subject: subject.clone(),
    };
    let _ = events.send(started).await;
    let begun = clock.now();
    let context = CallContext::new(call_id.clone(), cancel.clone(), progress);
    let ended = async {
        let mut call = ready.tool.call(ready.arguments, context);
        let patience = async {
            cancel.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::pin!(patience);
        loop {
            tokio::select! {
                output = &mut call => return output,
                () = &mut patience => return ToolOutput::failed("interrupted"),
                Some(line) = lines.recv() => {
                    let call_id = call_id.clone();
                    let _ = events.send(AgentEvent::ToolProgress { call_id, line }).await;
                }
            }
        }
    };
    let output = ended.await;
    Over {
        subject,
        diff: ready.preview.diff.filter(|_| !output.failed),
        took: clock.now().saturating_sub(begun),
        output,
        ran: true,
        call: ready.call,
    }
}
