//! Processes that left their group, and whoever started them: found and ended, on Linux.
//!
//! Two nets. A mark in the environment, which a process inherits and may put off. And the family, where the program wants
//! that ([`adopt`]): this process takes in what is nobody's child any more (`PR_SET_CHILD_SUBREAPER`), so that whatever a call
//! started is a child of ours by the time that the call has ended, whatever it did to hide. Children of ours are told apart by
//! their sessions: each leader begins one of its own and is known here, and nothing comes back from another session into ours.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, pidfd_send_signal,
    set_child_subreaper, waitpid,
};

/// How often all processes are gone through: each time there may be new ones.
const ROUNDS: usize = 16;
/// How long a process that was killed may take to be gone, in nanoseconds; longer only where a disk does not answer.
const GONE: i64 = 20_000_000;

/// The leaders that are alive, with their marks.
static LEADERS: Mutex<Vec<(Pid, String)>> = Mutex::new(Vec::new());

/// Nothing is looked for while this is held: a child is one of nobody's until it is known.
pub(super) struct Birth(MutexGuard<'static, Vec<(Pid, String)>>);

/// Whether what is nobody's child becomes ours.
static ADOPTED: AtomicBool = AtomicBool::new(false);

/// From now on it does. Without it there is the mark, as before Linux 3.4.
pub(super) fn adopt() {
    if set_child_subreaper(Some(getpid())).is_ok() {
        ADOPTED.store(true, Ordering::Relaxed);
    }
}

/// A child is about to be started.
pub(super) fn birth() -> Birth {
    Birth(LEADERS.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Birth {
    /// It was, and leads a session.
    pub(super) fn of(mut self, leader: Pid, mark: &str) {
        self.0.push((leader, mark.to_owned()));
    }
}

/// It is over.
pub(super) fn forget(mark: &str) {
    let mut leaders = LEADERS.lock().unwrap_or_else(PoisonError::into_inner);
    leaders.retain(|(_, other)| other != mark);
}

/// Ends what carries this mark, and, of those taken in, whoever is no living leader's. Gives whether there was anything.
pub(super) fn end(mark: &str) -> bool {
    let leaders = LEADERS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut any = false;
    // What it leaves is not left before it is gone; it was killed.
    let leader = leaders.iter().find(|(_, other)| other == mark);
    if let Some(held) = leader.and_then(|(pid, _)| pidfd_open(*pid, PidfdFlags::empty()).ok()) {
        wait_for(&held);
    }
    for _ in 0..ROUNDS {
        let killed = self::round(mark, &leaders);
        // Whose an orphan was cannot be told where several leaders live; that it has to go can.
        any |= killed.iter().any(|(_, marked)| *marked) || !killed.is_empty() && leaders.len() == 1;
        if killed.is_empty() {
            break;
        }
    }
    any
}

/// Goes through all processes once; gives those that were killed, and whether they carried the mark.
fn round(mark: &str, leaders: &[(Pid, String)]) -> Vec<(OwnedFd, bool)> {
    let mut killed = Vec::new();
    let (Some(ours), Ok(processes)) = (session(), std::fs::read_dir("/proc")) else {
        return killed;
    };
    for process in processes.flatten() {
        let number = process.file_name();
        let number = number.to_str().and_then(|name| name.parse().ok());
        let Some(pid) = number.and_then(Pid::from_raw) else {
            continue;
        };
        let path = process.path();
        if !carries(&path, mark) && !is_orphan(&path, pid, ours, mark, leaders) {
            continue;
        }
        // One that ended is ours to bury, and nobody else's: its leader is gone.
        if is_over(&path) {
            let is_leader = leaders.iter().any(|(leader, _)| *leader == pid);
            if !is_leader {
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
            continue;
        }
        // It is held before it is looked at again, so that no other is hit.
        let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let marked = carries(&path, mark);
        if (marked || is_orphan(&path, pid, ours, mark, leaders))
            && pidfd_send_signal(&held, Signal::KILL).is_ok()
        {
            killed.push((held, marked));
        }
    }
    // What they leave is ours when they are gone.
    killed.iter().for_each(|(held, _)| wait_for(held));
    killed
}

/// Waits until a process that was killed is gone, but not for long.
fn wait_for(held: &OwnedFd) {
    let patience = Timespec {
        tv_sec: 0,
        tv_nsec: GONE,
    };
    let _ = poll(&mut [PollFd::new(held, PollFlags::IN)], Some(&patience));
}

fn carries(process: &Path, mark: &str) -> bool {
    let entry = format!("{}={mark}", super::process::MARK);
    let environment = std::fs::read(process.join("environ")).unwrap_or_default();
    let mut entries = environment.split(|byte| *byte == 0);
    entries.any(|other| other == entry.as_bytes())
}

/// Whether it is a child of ours that we did not start, and that belongs to no leader but this one.
fn is_orphan(process: &Path, pid: Pid, ours: i32, mark: &str, leaders: &[(Pid, String)]) -> bool {
    let adopted = ADOPTED.load(Ordering::Relaxed);
    let Some((_, parent, session)) = adopted.then(|| state(process)).flatten() else {
        return false;
    };
    parent == getpid().as_raw_pid()
        && session != ours
        && !leaders.iter().any(|(leader, other)| {
            let theirs = || leader.as_raw_pid() == session || carries(process, other);
            *leader == pid || other != mark && theirs()
        })
}

/// Our own session: 0 where it was begun outside of our process namespace, as in a container that something was started in.
/// None where /proc shows another namespace: its numbers are other processes' here.
fn session() -> Option<i32> {
    let own = std::fs::read_link("/proc/self").ok()?;
    let is_ours = own.to_str()?.parse() == Ok(getpid().as_raw_pid());
    let (.., session) = is_ours.then(|| state(Path::new("/proc/self")))??;
    Some(session)
}

fn is_over(process: &Path) -> bool {
    state(process).is_some_and(|(state, ..)| state == "Z")
}

/// Its state, its parent and its session: proc(5), `stat`. A name may hold anything, parentheses too.
fn state(process: &Path) -> Option<(String, i32, i32)> {
    let stat = std::fs::read(process.join("stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    let state = fields.next()?.to_owned();
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some((state, parent, session))
}
