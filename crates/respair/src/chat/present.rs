//! What the events of a turn look like.

use respair_agent::AgentEvent;
use respair_client::TurnEvent;

use super::draw::Draw;
use super::status::Status;
use crate::agent::words;
use crate::run::{Notices, Show};
use crate::term::one_line;

/// Bytes of folded reasoning that are kept to be shown.
const REASONING: usize = 1 << 20;

/// From events to what is drawn, over the turns of a conversation.
#[derive(Default)]
pub(super) struct Presenter {
    pub(super) status: Status,
    notices: Notices,
    /// A diff that was shown when it was asked about is not shown again.
    pub(super) asked: Option<String>,
    pub(super) folds: bool,
    /// `-q`: remarks about a turn are left out.
    pub(super) quiet: bool,
    /// The reasoning of the last turn that was folded.
    folded: String,
    /// It is more than is kept.
    cut: bool,
}

impl Presenter {
    /// A turn begins.
    pub(super) fn begin(&mut self, status: Status) {
        self.status = status;
        self.folded.clear();
        self.cut = false;
        // What went wrong is told in full in each turn.
        self.notices = Notices::default();
    }

    /// The reasoning of the last turn that was not shown, which is shown now.
    pub(super) fn unfold(&mut self) -> Vec<Draw> {
        let text = std::mem::take(&mut self.folded);
        let mut draws = Vec::new();
        if !text.trim().is_empty() {
            draws.push(Draw::Unfolded(text));
        }
        if std::mem::take(&mut self.cut) {
            let said = format!("the rest was not kept: above {} KiB", REASONING >> 10);
            draws.push(Draw::Notice(said));
        }
        draws
    }

    /// What an event looks like.
    pub(super) fn present(&mut self, event: AgentEvent) -> Vec<Draw> {
        let mut draws = self.draws(event);
        draws.retain(|draw| !(self.quiet && matches!(draw, Draw::Notice(_))));
        draws
    }

    fn draws(&mut self, event: AgentEvent) -> Vec<Draw> {
        let mut draws = Vec::new();
        match event {
            AgentEvent::Step { step, link, .. } => {
                self.status.step = step;
                self.status.link = link;
                draws.push(self.now());
            }
            AgentEvent::Switched { link, .. } => {
                self.status.link = link;
                draws.extend(words::notice(&event).map(Draw::Notice));
            }
            AgentEvent::Response(event) => return self.response(event),
            AgentEvent::StepEnded { .. } => draws.push(self.end()),
            AgentEvent::BrokeOff { .. } => {
                let end = self.end();
                draws.push(match words::is_superseded(&event) {
                    true => Draw::Superseded,
                    false => end,
                });
                draws.extend(words::notice(&event).map(Draw::Notice));
            }
            AgentEvent::ToolStarted {
                call_id,
                tool,
                subject,
                ..
            } => draws.push(Draw::ToolStarted {
                call_id,
                what: format!("{tool} {}", words::about(&subject)),
            }),
            AgentEvent::ToolProgress { call_id, line, .. } => {
                draws.push(Draw::ToolProgress { call_id, line });
            }
            AgentEvent::ToolEnded {
                ref call_id,
                ref diff,
                failed,
                ..
            } => {
                let line = words::tool(&event).unwrap_or_default();
                let diff = diff
                    .clone()
                    .filter(|diff| self.asked.as_ref() != Some(diff));
                self.asked = None;
                draws.push(Draw::ToolEnded {
                    call_id: call_id.clone(),
                    line,
                    failed,
                    diff,
                });
            }
            event => draws.extend(words::notice(&event).map(Draw::Notice)),
        }
        draws
    }

    fn response(&mut self, event: TurnEvent) -> Vec<Draw> {
        match event {
            TurnEvent::Text(text) => vec![Draw::Text(text)],
            TurnEvent::Commentary(text) => vec![Draw::Commentary(text)],
            TurnEvent::Reasoning(text) => {
                if self.folds {
                    self.keep(&text);
                }
                vec![Draw::Reasoning(text)]
            }
            TurnEvent::ItemAdded { item, .. } => {
                let item: serde_json::Value = serde_json::from_str(item.get()).unwrap_or_default();
                let is_call = item["type"]
                    .as_str()
                    .is_some_and(|kind| kind.ends_with("_call"));
                let name = item["name"].as_str().filter(|_| is_call);
                self.status.growing = name.map(|name| (one_line(name), 0));
                vec![self.now()]
            }
            TurnEvent::Arguments { text, .. } => {
                if let Some((_, bytes)) = &mut self.status.growing {
                    *bytes += text.len();
                }
                vec![self.now()]
            }
            TurnEvent::ItemDone(_) => {
                if self.status.growing.take().is_none() {
                    return Vec::new();
                }
                vec![self.now()]
            }
            other => match self.notices.of(&other) {
                Some(Show::Notice(text)) => vec![Draw::Notice(text)],
                _ => Vec::new(),
            },
        }
    }

    /// A response ends: the reasoning of the next one stands apart.
    fn end(&mut self) -> Draw {
        if !self.folded.is_empty() {
            self.keep("\n\n");
        }
        Draw::EndResponse
    }

    fn keep(&mut self, text: &str) {
        let room = REASONING - self.folded.len();
        let end = text.floor_char_boundary(room);
        self.cut |= end < text.len();
        self.folded.push_str(&text[..end]);
    }

    /// The status as it is now.
    fn now(&self) -> Draw {
        Draw::Status(Some(self.status.text()))
    }
}
