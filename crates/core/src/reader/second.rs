//! Second looks: the upstream's own stream judged strictly beside the tolerant reading, and what went out judged again.

use crate::ending::ResponseError;
use crate::event::Event;
use crate::rules::Finding;
use crate::violation::Profile;

use super::{Mode, Reader};

impl Reader {
    /// `openai-sdk` lets much pass that cannot be mended afterwards: ids and indices that were never there. So what goes
    /// out after a repair is judged once more, by a model of what went out.
    pub(super) fn cast_shadow(&mut self, findings: &[Finding]) {
        let touched = self.mode == Mode::Tolerant && findings.iter().any(Finding::is_violation);
        if touched
            && !self.judging
            && self.profile == Profile::OpenAiSdk
            && self.shadow.is_none()
            && !self.model.renumber
        {
            self.shadow = Some(self.model.clone());
        }
    }

    /// What would not pass the strict reading does not go out: the response fails.
    pub(super) fn check_shadow(&mut self) {
        let Some(shadow) = &mut self.shadow else {
            return;
        };
        let mut scrap = Vec::new();
        for (at, event) in self.sink.iter().enumerate() {
            let findings = shadow.inspect(event, Profile::OpenAiSdk, &self.without);
            if let Some(found) = findings.iter().find(|finding| finding.is_violation()) {
                let message = format!("the stream cannot be made whole: {}", found.message);
                self.model.failure = Some(ResponseError::local("upstream_contradiction", message));
                self.model.terminal = None;
                self.model.sequence = shadow.sequence;
                self.sink.truncate(at);
                return;
            }
            shadow.apply(
                event.clone(),
                &findings,
                Profile::OpenAiSdk,
                &self.without,
                &mut scrap,
            );
            scrap.clear();
        }
    }

    /// Judges the upstream's own event as openai-python would.
    pub(super) fn judge_beside(&mut self, event: &Event) {
        let Some(judge) = &mut self.judge else { return };
        if judge.pass(event, Profile::OpenAiSdk, &[]) {
            return;
        }
        let findings = judge.inspect(event, Profile::OpenAiSdk, &[]);
        if findings.iter().any(Finding::is_violation) {
            self.clean = false;
            self.judge = None;
            return;
        }
        judge.apply(
            event.clone(),
            &findings,
            Profile::OpenAiSdk,
            &[],
            &mut self.sink,
        );
        self.sink.clear();
    }
}
