//! What a user may do, in any order, at relays that do anything, in a process that dies at any point: every request is what it
//! has to be, and the events, the database, the transcript and the next request agree about each item.
//!
//! The history that is expected is kept by [`model`] from the events alone. `RESPAIR_ORDERS` draws more conversations than the
//! test does by itself; a failure names the seed.

mod looks;
mod model;
mod plays;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use respair_agent::sessions::{Session, Sessions, SessionsError};
use respair_agent::{
    Agent, AgentEvent, Answer, Body, BoxFuture, CallContext, Conversation, Decision, Entry, Input,
    Journal, JournalError, Limits, Link, Permission, Shown, TakenBack, ToolOutput, Work,
};
use respair_client::TurnEvent;
use respair_faults::Relay;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use self::looks::texts;
use self::model::{Expected, History, Response, Said};
use self::plays::Plan;
use crate::support::*;

/// Conversations that are drawn, and what is done in each.
const CONVERSATIONS: u64 = 40;
const DONE: usize = 14;

/// A session on tokio's paused clock: while it is written, the clock stands.
struct Kept(Arc<Session>);

impl Journal for Kept {
    fn append<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        let (session, entry) = (Arc::clone(&self.0), entry.clone());
        Box::pin(standing(async move { session.append(&entry).await }))
    }

    fn shown(&self, piece: Shown) -> BoxFuture<'_, ()> {
        let session = Arc::clone(&self.0);
        Box::pin(standing(async move { session.shown(piece).await }))
    }
}

async fn standing<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
    let handle = Handle::current();
    spawn_blocking(move || handle.block_on(task)).await.unwrap()
}

/// Where an operation is broken off.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Break {
    Never,
    /// The user interrupts it at this event.
    Interrupt(usize),
    /// The process dies at this event.
    Die(usize),
}

/// What a user may have changed since the process before.
#[derive(Clone, Debug)]
struct Set {
    swapped: bool,
    no_tools: bool,
    models: [&'static str; 2],
    key: Option<&'static str>,
    limits: Limits,
}

impl Default for Set {
    fn default() -> Self {
        let mut limits = Limits::default();
        limits.steps = 6;
        Self {
            swapped: false,
            no_tools: false,
            models: ["relay-model", "other-model"],
            key: None,
            limits,
        }
    }
}

impl Set {
    fn drawn(random: &mut fastrand::Rng) -> Self {
        let mut set = Self {
            swapped: random.u8(..4) == 0,
            no_tools: random.u8(..6) == 0,
            key: (random.u8(..4) == 0).then_some("another account"),
            ..Self::default()
        };
        if random.u8(..4) == 0 {
            set.models[0] = "renamed-model";
        }
        set.limits.steps = random.u32(0..7);
        set.limits.retry_truncated = random.u32(..3);
        set.limits.continuations = random.u32(..4);
        set.limits.kept_exchanges = random.usize(..3);
        set.limits.tokens = if random.u8(..6) == 0 { 40 } else { 0 };
        set.limits.parallel = random.usize(..4);
        set
    }
}

struct World {
    name: String,
    random: fastrand::Rng,
    plan: Arc<Mutex<Plan>>,
    relays: [Relay; 2],
    tools: [Arc<Made>; 3],
    /// How the process under way is configured.
    set: Set,
    dir: tempfile::TempDir,
    id: String,
    conversation: Option<Conversation>,
    session: Option<Arc<Session>>,
    history: History,
    /// What the requests of the operation under way have to be.
    snapshots: Vec<Expected>,
    /// What was shown in it.
    shown: String,
    /// Whose words must be found nowhere any more.
    gone: Vec<String>,
    said: usize,
    /// The operation before was not broken off.
    settled: bool,
    log: Vec<String>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let plan = Plan::new(seed);
        let relays = [plays::plays(&plan).await, plays::plays(&plan).await];
        let tool = |name: &str, permission, takes: u64| {
            Made::new(name, permission, move |arguments, context: CallContext| {
                let city = arguments["city"].as_str().unwrap().to_owned();
                Box::pin(async move {
                    tokio::select! {
                        () = context.cancel.cancelled(), if takes > 0 => ToolOutput::failed("interrupted"),
                        () = tokio::time::sleep(Duration::from_secs(takes)) => {
                            let long = if takes > 0 { " long".repeat(1_000) } else { String::new() };
                            ToolOutput::text(format!("out {city}{long}"), "ok")
                        }
                    }
                })
            })
        };
        let tools = [
            tool("weather", Permission::Allow, 0),
            tool("asks", Permission::Ask, 0),
            tool("takes_long", Permission::Allow, 30),
        ];
        let mut world = Self {
            name: format!("seed {seed}"),
            random: fastrand::Rng::with_seed(seed ^ 0x5eed),
            plan,
            relays,
            tools,
            set: Set::default(),
            dir: tempfile::tempdir().unwrap(),
            id: String::new(),
            conversation: None,
            session: None,
            history: History::default(),
            snapshots: Vec::new(),
            shown: String::new(),
            gone: Vec::new(),
            said: 0,
            settled: false,
            log: Vec::new(),
        };
        let sessions = world.sessions();
        let session = Arc::new(sessions.begin(world.dir.path(), 1));
        session.id().clone_into(&mut world.id);
        world.take_up(session, Vec::new());
        world
    }

    fn sessions(&self) -> Sessions {
        Sessions::open(&self.dir.path().join("sessions.db")).unwrap()
    }

    fn agent(&self) -> Agent {
        let set = &self.set;
        let tools = self.tools.iter().map(|tool| Arc::clone(tool) as _);
        let mut options = options(
            &self.relays[0],
            tools.take(if set.no_tools { 0 } else { 3 }),
        );
        let links = self.relays.iter().enumerate().map(|(at, relay)| {
            let link = link(custom(relay));
            let model = set.models[at];
            Link::new(link.client, model, set.key)
        });
        options.links = links.collect();
        if set.swapped {
            options.links.swap(0, 1);
        }
        options.limits = set.limits.clone();
        Agent::new(options)
    }

    fn take_up(&mut self, session: Arc<Session>, entries: Vec<Entry>) {
        let conversation = Conversation::resume(self.agent(), entries);
        let kept = Arc::new(Kept(Arc::clone(&session)));
        self.conversation = Some(conversation.with_journal(kept));
        self.session = Some(session);
    }

    fn talk(&mut self) -> &mut Conversation {
        self.conversation.as_mut().unwrap()
    }

    /// Another process goes on with the session.
    async fn reopen(&mut self) {
        self.conversation = None;
        self.set = Set::drawn(&mut self.random);
        let mut session = self.session.take().unwrap();
        // What the first was writing it may still write.
        while let Err(still) = Arc::try_unwrap(session) {
            session = still;
            tokio::task::yield_now().await;
        }
        let (sessions, id) = (self.sessions(), self.id.clone());
        let begun = sessions.begin(self.dir.path(), 1);
        let opened = standing(async move { sessions.resume(Some(&id)).await });
        let (session, entries) = match opened.await {
            Err(SessionsError::Unknown(_)) => (begun, Vec::new()),
            opened => opened.unwrap(),
        };
        session.id().clone_into(&mut self.id);
        self.take_up(Arc::new(session), entries);
    }

    fn breaks(&mut self) -> Break {
        let at = self.random.usize(..25);
        match self.random.u8(..10) {
            0 | 1 => Break::Interrupt(at),
            2 | 3 => Break::Die(at),
            _ => Break::Never,
        }
    }

    async fn does_something(&mut self) {
        let breaks = self.breaks();
        let what = self.random.u8(..20);
        self.log.push(format!("{what} {breaks:?}"));
        match what {
            0 | 1 => self.retry(breaks).await,
            2 | 3 => {
                self.undo().await;
            }
            4 | 5 => self.compact(breaks).await,
            6 => {
                let other = self.random.bool().then(|| "chosen-model".to_owned());
                self.talk().set_model(other);
            }
            7 => tokio::time::advance(Duration::from_secs(61)).await,
            8 => self.reopen().await,
            _ => {
                self.said += 1;
                let text = format!("<said {}>", self.said);
                self.turn(Input::text(&text), &text, breaks).await;
            }
        }
        self.agree().await;
    }

    async fn retry(&mut self, breaks: Break) {
        let Some(input) = self.talk().last_input() else {
            return;
        };
        let text = self.history.turns().last().unwrap().user.clone();
        while self.undo().await == Some(TakenBack::Compaction) {}
        self.gone.retain(|gone| *gone != text);
        self.turn(input, &text, breaks).await;
    }

    async fn undo(&mut self) -> Option<TakenBack> {
        let took = self.talk().undo().await;
        let expected = match self.history.entries.pop() {
            None => None,
            Some(model::Entry::Compaction(_)) => Some(TakenBack::Compaction),
            // A process that died behind a compaction: that is taken back first.
            Some(model::Entry::Turn(mut turn)) if took == Some(TakenBack::Compaction) => {
                turn.summaries.pop().expect(&self.name);
                self.history.entries.push(model::Entry::Turn(turn));
                Some(TakenBack::Compaction)
            }
            Some(model::Entry::Turn(turn)) => {
                self.gone.push(turn.user.clone());
                for response in &turn.responses {
                    self.gone.extend(texts(response));
                }
                Some(TakenBack::Turn(turn.user))
            }
        };
        assert_eq!(took, expected, "{}", self.name);
        took
    }

    async fn compact(&mut self, breaks: Break) {
        let mut conversation = self.conversation.take().unwrap();
        let answer = self.watch(conversation.compact(), breaks, false).await;
        self.conversation = Some(conversation);
        self.settled &= breaks == Break::Never;
        if answer.is_none() {
            self.reopen().await;
            let live = self.talk().live();
            let last = live.last().map(|entry| &entry.body);
            if let Some(Body::Compacted(compacted)) = last {
                let summary = compacted.summary.clone();
                if self.history.summary() != Some(&summary) {
                    let found = model::Entry::Compaction(summary);
                    self.history.entries.push(found);
                }
            }
            self.rebuild_unreadable();
        }
    }

    async fn turn(&mut self, input: Input, text: &str, breaks: Break) {
        let from = self.plan.lock().unwrap().asked.len();
        self.history.begin(text);
        self.snapshots.clear();
        self.shown.clear();
        let mut conversation = self.conversation.take().unwrap();
        let answer = self.watch(conversation.send(input), breaks, true).await;
        self.conversation = Some(conversation);
        match &answer {
            Some(answer) => self.ended(answer, breaks, from),
            None => {
                self.settled = false;
                self.reopen().await;
                self.rebuild(text);
            }
        }
    }

    /// Follows a turn to its end, or to where its process dies.
    async fn watch(
        &mut self,
        mut work: Work<'_>,
        breaks: Break,
        is_turn: bool,
    ) -> Option<Box<Answer>> {
        let cancel = work.cancel_token();
        for at in 0.. {
            match breaks {
                Break::Interrupt(when) if when == at => cancel.cancel(),
                Break::Die(when) if when == at => return None,
                _ => {}
            }
            match work.next().await.unwrap() {
                AgentEvent::Finished(answer) => return Some(answer),
                AgentEvent::Approval(asked) => match self.random.u8(..6) {
                    0 => cancel.cancel(),
                    1 => asked.answer(Decision::Deny(None)),
                    2 => asked.answer(Decision::AllowTool),
                    3 => drop(asked),
                    _ => asked.answer(Decision::Allow),
                },
                event => self.note(event, is_turn),
            }
        }
        unreachable!("a turn ends");
    }

    /// Who answers, as the items that it sends are marked.
    fn issuer(&self, endpoint: &str, model: &str) -> String {
        let agent = self.agent();
        let issuers = agent.options().links.iter().map(Link::issuer);
        let mut of = issuers.filter(|issuer| issuer.starts_with(&format!("{endpoint} ")));
        let issuer = of.next().unwrap();
        let (_, account) = issuer.rsplit_once(' ').unwrap();
        format!("{endpoint} {model} {account}")
    }

    fn note(&mut self, event: AgentEvent, is_turn: bool) {
        match event {
            AgentEvent::Response(TurnEvent::Started {
                model, endpoint, ..
            }) => {
                let issuer = self.issuer(&endpoint, &model);
                self.snapshots.push(self.history.expected(&issuer));
                let response = Response {
                    serial: self.history.next(),
                    issuer,
                    ..Response::default()
                };
                self.history.turn().responses.push(response);
            }
            AgentEvent::Response(TurnEvent::Text(text) | TurnEvent::Commentary(text)) => {
                self.shown += &text;
            }
            AgentEvent::Response(TurnEvent::ItemDone(item)) => {
                let item: Value = serde_json::from_str(item.get()).unwrap();
                let response = self.history.turn().responses.last_mut().unwrap();
                response.items.push(Said::of(&item));
            }
            AgentEvent::BrokeOff {
                superseded: true, ..
            } => {
                let lost = self.history.turn().responses.pop().unwrap();
                assert_eq!(lost.calls(), 0, "{}: calls are asked again", self.name);
            }
            AgentEvent::ToolEnded { item, .. } => {
                let item: Value = serde_json::from_str(item.get()).unwrap();
                let output = item["output"].as_str().unwrap().to_owned();
                let response = self.history.turn().responses.last_mut().unwrap();
                response.outputs.push(output);
            }
            AgentEvent::Compacted { summary, .. } if is_turn => {
                self.history.turn().summaries.push(summary);
            }
            AgentEvent::Compacted { summary, .. } => {
                let compaction = model::Entry::Compaction(summary);
                self.history.entries.push(compaction);
            }
            AgentEvent::Notice(text) if text.contains("the encrypted reasoning of before") => {
                self.history.forget();
            }
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_done_in_whatever_order() {
    let more = std::env::var("RESPAIR_ORDERS").ok();
    let (from, count) = match more.as_deref().map(|more| more.split_once('+')) {
        Some(Some((from, count))) => (from.parse().unwrap(), count.parse().unwrap()),
        _ => (1, CONVERSATIONS),
    };
    for seed in from..from + count {
        let mut world = World::new(seed).await;
        for _ in 0..DONE {
            world.does_something().await;
        }
        // Nothing goes wrong any more, and it goes on.
        world.plan.lock().unwrap().calm = true;
        tokio::time::advance(Duration::from_secs(3601)).await;
        world.log.push("calm".to_owned());
        world
            .turn(Input::text("<the end>"), "<the end>", Break::Never)
            .await;
        world.agree().await;
    }
}
