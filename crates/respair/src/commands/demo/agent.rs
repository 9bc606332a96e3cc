//! `respair demo --agent`: a conversation with tools over the relay that plays a model and breaks the protocol. The files are
//! those of a temporary directory; nothing of the user's is touched.
//!
//! As with the turns, everything told is checked.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use respair_agent::sessions::Sessions;
use respair_agent::tools::{self, Settings};
use respair_agent::{
    Agent, AgentEvent, AgentOptions, Answer, AnswerStatus, Conversation, Input, Link,
};
use respair_client::{Client, ClientOptions, Endpoint, EndpointMemory, TurnEvent};
use respair_faults::{Pace, Relay, scenario};

use super::{Kind, Line, PATIENCE, StateDir, say};
use crate::agent::words;
use crate::run::{self, Notices, Show};
use crate::term::{self, BAD, BOLD, GOOD};

const README: &str = "# A small project\n\nIt says hello.\n";
const ASKED: &str = "What is here? Leave a note.";

/// Runs it.
pub(super) fn command(state: &StateDir) -> u8 {
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let code = runtime.block_on(async {
        match perform(&state.0).await {
            Ok(code) => code,
            Err(why) => {
                term::error(&why);
                1
            }
        }
    });
    runtime.shutdown_background();
    code
}

async fn perform(state: &Path) -> Result<u8, String> {
    let system = |error: std::io::Error| term::system(&error);
    let work = state.join("work");
    fs::create_dir(&work).map_err(system)?;
    fs::write(work.join("README.md"), README).map_err(system)?;
    let played = scenario("agent").ok_or("the relay cannot play a model")?;
    let relay = Relay::builder(*played).pace(Pace::LIVE).start().await;
    let relay = relay.map_err(system)?;
    let sessions = Sessions::open(&state.join("sessions.db")).map_err(|e| e.to_string())?;
    let session = sessions.begin(&work, 0);
    let mut conversation =
        Conversation::new(agent(&relay, state, &work)?).with_journal(Arc::new(session));

    say(
        "A relay that plays a model and breaks the protocol, in this process, and respair's agent.\n",
    );
    say(
        "It never sends response.created, empties the terminal's output, and cuts its fourth answer.\n",
    );
    say(&format!("\n{BOLD}> {ASKED}{BOLD:#}\n"));
    let shown = tokio::time::timeout(PATIENCE, turn(&mut conversation)).await;
    let Ok(Some(answer)) = shown else {
        say(&format!("   {BAD}✗ the conversation did not end{BAD:#}\n"));
        return Ok(1);
    };
    // Read, not resumed: this conversation still holds its session.
    let kept = sessions.find(None).await.map_err(|e| e.to_string())?.id;
    let kept = sessions.entries(&kept).await.map_err(|e| e.to_string())?;
    say("\n");
    let checks = [
        (
            "the answer is whole, and was not glued to the half before it",
            whole(&answer),
        ),
        ("each call ran once", calls(&answer) == 3),
        (
            "the note was written",
            fs::read_to_string(work.join("NOTES.md")).is_ok_and(|text| text.starts_with("# Notes")),
        ),
        (
            "five requests: the prelude cost one once, the cut another",
            relay.requests().len() == 5,
        ),
        (
            "the conversation is on disk",
            kept.len() == conversation.entries().len(),
        ),
    ];
    for (what, good) in &checks {
        match good {
            true => say(&format!("   {GOOD}✓{GOOD:#} {what}\n")),
            false => say(&format!("   {BAD}✗ {what}{BAD:#}\n")),
        }
    }
    let good = checks.iter().all(|(_, good)| *good);
    if good {
        say("\nYour own: `respair config init`, then `respair chat`.\n");
    }
    Ok(u8::from(!good))
}

fn agent(relay: &Relay, state: &Path, work: &Path) -> Result<Agent, String> {
    let url = relay.base_url().parse().map_err(|_| "no relay")?;
    let options = ClientOptions {
        memory: Some(EndpointMemory::open(state)),
        seed: Some(1),
        ..ClientOptions::default()
    };
    let client = Client::new(Endpoint::custom(url), options).map_err(|e| e.to_string())?;
    let mut options = AgentOptions::new(Link::new(client, "demo", None), "Be brief.");
    for tool in tools::builtin(&Settings::new(work)) {
        options.tools.add(tool);
    }
    options.permissions.yes = true;
    Ok(Agent::new(options))
}

async fn turn(conversation: &mut Conversation) -> Option<Answer> {
    let mut work = conversation.send(Input::text(ASKED));
    let (mut line, mut notices) = (Line::default(), Notices::default());
    while let Some(event) = work.next().await {
        match event {
            AgentEvent::Finished(answer) => {
                line.end();
                return Some(*answer);
            }
            AgentEvent::Response(TurnEvent::Text(text)) => line.piece(Kind::Text, &text),
            AgentEvent::Response(TurnEvent::Commentary(text)) => {
                line.piece(Kind::Commentary, &text);
            }
            AgentEvent::Response(TurnEvent::Reasoning(text)) => {
                line.piece(Kind::Reasoning, &text);
            }
            AgentEvent::Response(event) => {
                if let Some(show) = notices.of(&event) {
                    line.whole(&show);
                }
            }
            AgentEvent::ToolEnded {
                tool,
                subject,
                summary,
                ..
            } => {
                let told = [tool, subject, summary].map(|text| term::one_line(&text));
                line.whole(&Show::Plain(format!(
                    "• {} {}: {}",
                    told[0], told[1], told[2]
                )));
            }
            event => {
                if let Some(notice) = words::notice(&event) {
                    line.whole(&Show::Notice(notice));
                }
            }
        }
    }
    None
}

/// The half that was cut is no part of it.
fn whole(answer: &Answer) -> bool {
    answer.status == AnswerStatus::Completed
        && answer.text.matches("## What is here").count() == 1
        && answer.text.ends_with("```\n")
}

fn calls(answer: &Answer) -> usize {
    let items = answer.items.iter();
    let outputs = items.filter(|item| item.get().contains("\"function_call_output\""));
    outputs.count()
}
