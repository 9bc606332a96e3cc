//! A sign of life for readers whose timers only events reset.

use crate::event::Event;

use super::{Mode, Reader};

impl Reader {
    /// A `response.in_progress` that says nothing new: it carries the response as it stands, so that a reader that takes
    /// its snapshot from it loses nothing (PROTOCOL, safe choices; DEVIATIONS 6.1). The events behind it are numbered
    /// anew. `None` while it would be out of place: before `response.created`, behind the end, while the end of an error
    /// is waited for, and in the strict reading, which makes up nothing.
    ///
    /// Only for readers that need it: for others a comment does the same, and changes no event.
    pub fn heartbeat(&mut self) -> Option<Event> {
        let open = self.ending.is_none() && self.model.terminal.is_none() && !self.is_draining();
        let silent = self.queue.is_empty() && self.pending.is_empty();
        if self.mode != Mode::Tolerant || !self.model.created || !open || !silent {
            return None;
        }
        let demands = self.demands();
        self.model.beat(demands, &mut self.sink);
        self.sink.pop()
    }
}
