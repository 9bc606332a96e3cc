//! The keys that are pressed while a turn runs: a thread that waits for them.
//!
//! crossterm's own stream of events leaves a thread behind that may still hold the terminal's input when the line editor asks
//! where the cursor is, which then waits two seconds for nothing. This one has ended before anybody else reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{self, Event};
use tokio::sync::mpsc;

/// How long it takes to notice that nobody wants keys any more.
const NOTICED: Duration = Duration::from_millis(20);
/// How long it may take to end.
const ENDED: Duration = Duration::from_millis(500);
/// Keys that may wait to be looked at.
const WAITING: usize = 256;

/// A thread that reads keys. Dropping it ends it.
pub(super) struct Keys {
    events: mpsc::Receiver<Event>,
    stop: Arc<AtomicBool>,
}

impl Keys {
    pub(super) fn start() -> Self {
        let (sender, events) = mpsc::channel(WAITING);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let read = match event::poll(NOTICED) {
                    Ok(true) => event::read(),
                    Ok(false) => continue,
                    Err(error) => Err(error),
                };
                // A terminal that is gone is noticed by whoever writes to it.
                if !read.is_ok_and(|event| sender.blocking_send(event).is_ok()) {
                    return;
                }
            }
        });
        Self { events, stop }
    }

    /// The next one; never when there will be none.
    pub(super) async fn next(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Ends it. Gives what was pressed and not looked at.
    pub(super) async fn end(mut self) -> Vec<Event> {
        self.stop.store(true, Ordering::Relaxed);
        let mut events = Vec::new();
        let ended = async {
            while let Some(event) = self.events.recv().await {
                events.push(event);
            }
        };
        // On a terminal that went away crossterm reads for ever.
        let _ = tokio::time::timeout(ENDED, ended).await;
        events
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
