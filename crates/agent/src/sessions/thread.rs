//! The thread that owns the database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};

use tokio::sync::oneshot;

use super::database::{Database, Unkept};
use super::{SessionInfo, SessionsError};
use crate::entry::Entry;
use crate::journal::{JournalError, Shown};

/// Orders that are written in one transaction at most: a crash loses no more than what is not acknowledged anyway.
const TOGETHER: usize = 512;

type Question = Box<dyn FnOnce(&mut Database) + Send>;

/// Something for the thread to do.
pub(super) enum Order {
    /// Writes an entry, and says when it is written.
    Append {
        session: SessionInfo,
        entry: Entry,
        done: oneshot::Sender<Result<(), JournalError>>,
    },
    /// Writes a piece that was shown, and says when that is over.
    Shown {
        session: String,
        piece: Shown,
        done: oneshot::Sender<()>,
    },
    /// Anything else.
    Ask(Question),
}

/// The way to the thread. It ends when the last way to it is gone, after everything ordered was done.
pub(super) struct Writer {
    path: PathBuf,
    orders: Option<Sender<Order>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(path: &Path) -> Result<Self, SessionsError> {
        let database = Database::open(path)?;
        let (orders, waiting) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("sessions".to_owned())
            .spawn(move || serve(database, &waiting))
            .map_err(|error| SessionsError::Database {
                path: path.to_owned(),
                why: error.to_string(),
            })?;
        Ok(Self {
            path: path.to_owned(),
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// The database's file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // Fails when the thread ended; whoever waits for an answer sees that.
            let _ = orders.send(order);
        }
    }

    /// Asks something and waits for the answer.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Database) -> Result<T, SessionsError> + Send + 'static,
    ) -> Result<T, SessionsError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Ask(Box::new(move |database| {
            // Nobody may wait any more.
            let _ = answer.send(question(database));
        })));
        answered.await.unwrap_or_else(|_| {
            Err(SessionsError::Database {
                path: self.path.clone(),
                why: "its thread ended".to_owned(),
            })
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // What was ordered is written before the process ends.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.path).finish()
    }
}

fn serve(mut database: Database, orders: &Receiver<Order>) {
    let mut waiting = Vec::new();
    while let Ok(first) = orders.recv() {
        waiting.push(first);
        waiting.extend(orders.try_iter().take(TOGETHER));
        let mut writes = Vec::new();
        for order in waiting.drain(..) {
            match order {
                Order::Ask(question) => {
                    write(&mut database, &mut writes);
                    question(&mut database);
                }
                write => writes.push(write),
            }
        }
        write(&mut database, &mut writes);
    }
}

/// Writes in one transaction; where that fails, one by one, so that each is told what became of it. Whoever holds the database
/// is waited for once.
fn write(database: &mut Database, writes: &mut Vec<Order>) {
    if writes.is_empty() {
        return;
    }
    let whole = database.write(writes);
    let alone = writes.len() == 1 || whole.as_ref().is_err_and(Unkept::waited);
    for order in writes.drain(..) {
        let kept = match &whole {
            Err(_) if !alone => {
                let once_more = database.write(std::slice::from_ref(&order));
                once_more.map_err(|unkept| JournalError::from(&unkept))
            }
            Err(unkept) => Err(JournalError::from(unkept)),
            Ok(()) => Ok(()),
        };
        answer(order, kept);
    }
}

/// Says what became of an order.
fn answer(order: Order, kept: Result<(), JournalError>) {
    match order {
        Order::Append { done, .. } => {
            // Nobody may wait any more.
            let _ = done.send(kept);
        }
        Order::Shown { done, .. } => {
            // A piece that is not kept is not told: the entry after it is, or the process goes on well.
            if let Err(error) = kept {
                tracing::debug!(%error, "a shown piece is not kept");
            }
            let _ = done.send(());
        }
        Order::Ask(_) => {}
    }
}
