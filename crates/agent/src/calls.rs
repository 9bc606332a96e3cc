//! The calls of a response: looked at, asked for, run, and written down in their order.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use respair_client::Clock;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::call::Call;
use crate::repeats::Verdict;
use crate::turn::Turn;
use crate::{AgentEvent, Approval, CallContext, Decision, Permission, Preview, Tool, ToolOutput};

/// How long a tool may take to end once it was told to.
const GRACE: Duration = Duration::from_secs(2);
/// Lines of progress that wait for the screen.
const PROGRESS: usize = 16;

/// What became of the calls of a response.
pub(crate) enum Called {
    /// At least one ran.
    Ran,
    /// None could be run.
    None,
    /// The user interrupted them.
    Interrupted,
    /// The model was told that it repeats itself, and did it again.
    Repeating(String),
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

impl Planned {
    fn call(&self) -> &Call {
        match self {
            Self::Ready(ready) => &ready.call,
            Self::Wrong(call, _) => call,
        }
    }
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

impl Over {
    fn not_run(call: Call, why: String) -> Self {
        Self {
            call,
            subject: String::new(),
            diff: None,
            output: ToolOutput::failed(why),
            took: Duration::ZERO,
            ran: false,
        }
    }

    /// Adds something for the model to its output.
    fn tell(&mut self, what: &str) {
        match &mut self.output.content {
            Value::String(text) => {
                text.push_str("\n\n");
                text.push_str(what);
            }
            Value::Array(parts) => parts.push(json!({"type": "input_text", "text": what})),
            _ => {}
        }
    }
}

impl Turn<'_> {
    /// Runs the calls of a response, in order; those that may run beside one another do.
    pub(crate) async fn run_calls(&mut self, calls: Vec<Call>) -> Called {
        let mut called = Called::None;
        let mut planned = self.plan(calls).into_iter().peekable();
        while let Some(first) = planned.next() {
            let last = match first {
                Planned::Wrong(call, why) => Some(Over::not_run(call, why)),
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
                Planned::Ready(ready) => Some(self.run_alone(*ready).await),
            };
            let Some(mut last) = last else {
                continue;
            };
            if last.ran {
                called = Called::Ran;
            }
            self.repeats.note(&last.call, &last.output);
            if self.cancel.is_cancelled() {
                self.write_down(last).await;
                let left: Vec<_> = planned
                    .map(|next| next.call().output(&interrupted()))
                    .collect();
                self.answered(left).await;
                return Called::Interrupted;
            }
            if planned.peek().is_none() {
                match self.repeats.judge(self.limits.repeats) {
                    Verdict::GoOn => {}
                    Verdict::Tell(what) => last.tell(&what),
                    Verdict::Stop(why) => called = Called::Repeating(why),
                }
            }
            self.write_down(last).await;
        }
        called
    }

    /// Answers calls that nothing is run for.
    pub(crate) async fn not_run(&mut self, calls: &[Call], why: &str) {
        let output = ToolOutput::failed(format!("not run: {why}"));
        let outputs = calls.iter().map(|call| call.output(&output)).collect();
        self.answered(outputs).await;
    }

    async fn answered(&mut self, outputs: Vec<Box<RawValue>>) {
        for output in outputs {
            let kept = self.conversation.append_item(output, None).await;
            self.kept(kept).await;
        }
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
        if call.name.is_empty() {
            return Planned::Wrong(call, "not run: the call names no tool".to_owned());
        }
        let Some(tool) = options.tools.get(&call.name).filter(|_| !call.custom) else {
            let names = options.tools.iter().map(|tool| tool.spec().name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            let why = format!("there is no tool `{}`; there are: {names}", call.name);
            return Planned::Wrong(call, why);
        };
        let arguments = match call.arguments() {
            Ok(arguments) => arguments,
            Err(why) => return Planned::Wrong(call, why),
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

    /// Several at once, written down in their order, each as soon as those before it are. Gives the last one, which is not
    /// written down yet.
    async fn run_beside(&mut self, group: Vec<Ready>) -> Option<Over> {
        let (events, cancel) = (self.events(), self.cancel.clone());
        let clock = Arc::clone(&self.conversation.agent.options().clock);
        let running = group.into_iter().map(|ready| {
            let (events, cancel, clock) = (events.clone(), cancel.clone(), Arc::clone(&clock));
            async move { run(ready, events, cancel, clock.as_ref()).await }
        });
        let mut left = running.len();
        let mut running = stream::iter(running).buffered(self.limits.parallel.max(1));
        while let Some(over) = running.next().await {
            left -= 1;
            if left == 0 {
                return Some(over);
            }
            self.repeats.note(&over.call, &over.output);
            self.write_down(over).await;
        }
        None
    }

    async fn run_alone(&mut self, mut ready: Ready) -> Over {
        // The call before it may have changed what this one is about.
        ready.preview = ready.tool.preview(&ready.arguments);
        ready.permission = self.permission(ready.tool.as_ref(), &ready.preview);
        if let Err(why) = self.allowed(&ready).await {
            return Over {
                subject: ready.preview.subject,
                // The user's word is no fault of the model's.
                ran: true,
                ..Over::not_run(ready.call, why)
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
        if let (Some(why), None) = (&ready.preview.wrong, &ready.preview.outside) {
            return Err(why.clone());
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
            note: preview.note,
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

    /// The output becomes an entry.
    async fn write_down(&mut self, over: Over) {
        let item = over.call.output(&over.output);
        self.answered(vec![item.clone()]).await;
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
    }
}

/// The output of a call that was not begun any more.
fn interrupted() -> ToolOutput {
    ToolOutput::failed("not run: interrupted")
}

/// Runs one call to its end, or to the end of its grace when it was told to end.
async fn run(
    ready: Ready,
    events: mpsc::Sender<AgentEvent>,
    cancel: CancellationToken,
    clock: &dyn Clock,
) -> Over {
    let subject = ready.preview.subject.clone();
    if cancel.is_cancelled() {
        // One that waited for its place while others ran.
        return Over {
            subject,
            ..Over::not_run(ready.call, interrupted().summary)
        };
    }
    let (progress, mut lines) = mpsc::channel(PROGRESS);
    let call_id = ready.call.call_id.clone();
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
