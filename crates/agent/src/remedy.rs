//! What can be done about a response that failed before anything of it was shown: asking without the reasoning that the
//! upstream cannot read, with a shorter conversation, or somebody else.

use std::time::Duration;

use respair_client::TurnError;
use serde_json::Value;

use crate::entry::Body;
use crate::fallback::{Trouble, trouble};
use crate::step::Came;
use crate::turn::Turn;
use crate::{AgentEvent, Link, compact};

/// What was asked so far for the response of one step.
#[derive(Default)]
pub(crate) struct Asked {
    /// Requests to the endpoint in use: one budget, whatever they were made for (`recovery.max_requests`).
    pub(crate) requests: u32,
    /// How often a truncated response was asked for again.
    pub(crate) truncated: u32,
    /// The endpoints that could not, in order, and why. None is asked twice.
    failed: Vec<(usize, String)>,
}

impl Asked {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A sentence about all of them, where there were several.
    pub(crate) fn in_vain(&self) -> Option<String> {
        let all: Vec<&str> = self.failed.iter().map(|(_, why)| why.as_str()).collect();
        (all.len() > 1).then(|| format!("no endpoint could answer: {}", all.join("; ")))
    }
}

impl Turn<'_> {
    /// Whether another request is worth it.
    pub(crate) async fn remedied(&mut self, came: &Came) -> bool {
        let Some(error) = came.outcome.error.as_ref().filter(|_| !came.shown) else {
            return false;
        };
        if self.cancel.is_cancelled() {
            return false;
        }
        match trouble(error) {
            Trouble::Final => false,
            Trouble::Reasoning => self.without_reasoning(error).await,
            Trouble::Context => self.compacted(error).await,
            Trouble::Elsewhere(wait) => self.elsewhere(error, wait).await,
        }
    }

    /// Whether the endpoint in use may be asked no more for this response.
    pub(crate) fn is_spent(&self) -> bool {
        let link = &self.conversation.agent.options().links[self.link];
        self.asked.requests >= link.client.endpoint().recovery.max_requests
    }

    pub(crate) async fn without_reasoning(&mut self, error: &TurnError) -> bool {
        if self.reasoning_dropped {
            return false;
        }
        self.reasoning_dropped = true;
        let kept = self.conversation.append(Body::ReasoningDropped).await;
        self.kept(kept).await;
        // Where no request is left the next turn can do with what is known now.
        let spent = self.is_spent();
        let what = match spent {
            true => "the encrypted reasoning of before is left out from here on",
            false => "asking again without the encrypted reasoning of before",
        };
        let why = error.message.trim_end_matches('.');
        self.tell(AgentEvent::Notice(format!("{why}; {what}")))
            .await;
        !spent
    }

    async fn compacted(&mut self, error: &TurnError) -> bool {
        if std::mem::replace(&mut self.compacted, true) {
            // It was, and that was not enough.
            return self.shortened(error).await;
        }
        let notice = format!("{}; compacting", error.message.trim_end_matches('.'));
        self.tell(AgentEvent::Notice(notice)).await;
        match compact::compact(self, compact::Why::TooLong).await {
            Ok(()) => {
                // What is asked now is something else.
                self.asked.requests = 0;
                // Whoever it is asked of.
                self.compacted = true;
                true
            }
            Err(_) if self.cancel.is_cancelled() => false,
            Err(why) => {
                self.tell(AgentEvent::Notice(why)).await;
                self.shortened(error).await
            }
        }
    }

    /// Sends long outputs by their heads and tails from here on. Says no where there is none that is not sent so yet.
    async fn shortened(&mut self, error: &TurnError) -> bool {
        let live = self.conversation.live();
        let done = live.iter().map(|entry| match &entry.body {
            Body::Shortened => entry.seq,
            Body::Compacted(compacted) => compacted.until,
            _ => 0,
        });
        let done = done.max().unwrap_or(0);
        let fresh = live.iter().filter(|entry| entry.seq >= done);
        let mut items = fresh.filter_map(|entry| match &entry.body {
            Body::Item(item) if item.issuer.is_none() => {
                serde_json::from_str::<Value>(item.raw.get()).ok()
            }
            _ => None,
        });
        if !items.any(|item| compact::is_long(&item)) {
            return false;
        }
        let kept = self.conversation.append(Body::Shortened).await;
        self.kept(kept).await;
        let why = error.message.trim_end_matches('.');
        let what = "the heads and tails of long outputs are sent from here on";
        self.tell(AgentEvent::Notice(format!("{why}; {what}")))
            .await;
        self.asked.requests = 0;
        true
    }

    /// The endpoint that is asked where the one in use cannot answer.
    pub(crate) fn another(&self) -> Option<usize> {
        let asked = |link: &usize| self.asked.failed.iter().any(|(other, _)| other == link);
        let mut awake = self.conversation.agent.awake().into_iter();
        awake.find(|link| *link != self.link && !asked(link))
    }

    pub(crate) async fn elsewhere(&mut self, error: &TurnError, wait: Option<Duration>) -> bool {
        let agent = &self.conversation.agent;
        let (least, most) = (self.limits.cool_down, self.limits.longest_rest);
        let rest = wait.unwrap_or(least).clamp(least, most.max(least));
        agent.rest(self.link, rest);
        let from = agent.options().links[self.link].label();
        let why = error.message.trim_end_matches('.');
        self.asked
            .failed
            .push((self.link, format!("{from}: {why}")));
        let Some(next) = self.another() else {
            return false;
        };
        let links = &agent.options().links;
        let (from, to) = labels(&links[self.link], &links[next]);
        self.link = next;
        self.asked.requests = 0;
        // Its context may be a smaller one.
        self.compacted = false;
        let why = error.message.clone();
        let link = next;
        self.tell(AgentEvent::Switched {
            from,
            to,
            why,
            link,
        })
        .await;
        true
    }

    /// Says that the endpoint that is preferred is not the one that is asked, where that is so.
    pub(crate) async fn told_who_is_asked(&self) {
        let agent = &self.conversation.agent;
        let links = &agent.options().links;
        if self.link == 0 {
            return;
        }
        let (first, to) = labels(&links[0], &links[self.link]);
        let left = agent.rests(0).unwrap_or_default().as_secs().max(1);
        let notice = format!("{first} is left alone for another {left} s; asking {to}");
        self.tell(AgentEvent::Notice(notice)).await;
    }
}

/// What two endpoints are called beside one another: by their addresses too where all else is the same.
fn labels(from: &Link, to: &Link) -> (String, String) {
    let (one, other) = (from.label(), to.label());
    if one != other {
        return (one, other);
    }
    let at = |link: &Link| {
        format!(
            "{} at {}",
            link.label(),
            link.client.endpoint().display_url()
        )
    };
    (at(from), at(to))
}
