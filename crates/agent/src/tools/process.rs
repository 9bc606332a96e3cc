//! A child process in a session of its own, which ends as a whole.
//!
//! A session has no terminal: the child cannot ask there, draw there, or be stopped for trying. What it starts is in
//! its process group, and the group is killed as one, also when the child itself is gone. A process that left the group
//! (a daemon) is found by a mark in its environment, on Linux.

use std::any::Any;
use std::io;
use std::sync::Arc;

use process_wrap::tokio::{CommandWrap, ProcessSession};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use super::sandbox::Sandbox;

/// The variable that marks what a call started.
const MARK: &str = "RESPAIR_CALL";

/// Everything that a child started. Dropping it kills what is left.
pub(crate) struct Group {
    leader: Pid,
    mark: String,
}

/// Starts a command; under a sandbox when there is one.
///
/// Landlock restricts a thread and what it starts from then on, so a thread is made for it, restricted, and gone when
/// the child runs: no code of ours runs between fork and exec.
pub(crate) async fn start(
    mut command: Command,
    sandbox: Option<Arc<Sandbox>>,
) -> io::Result<(Child, Group)> {
    let mark = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    command.env(MARK, &mark).kill_on_drop(true);
    let Some(sandbox) = sandbox else {
        return spawn(command, mark);
    };
    let runtime = tokio::runtime::Handle::current();
    let (started, child) = oneshot::channel();
    let restricted = move || {
        let _in_the_runtime = runtime.enter();
        let child = sandbox.restrict().and_then(|()| spawn(command, mark));
        // Nobody waits any more: the group is dropped, which ends it.
        let _ = started.send(child);
    };
    std::thread::Builder::new()
        .name("respair-start".to_owned())
        .spawn(restricted)?;
    child
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the thread that starts it broke down")))
}

fn spawn(command: Command, mark: String) -> io::Result<(Child, Group)> {
    let mut command = CommandWrap::from(command);
    command.wrap(ProcessSession);
    // The wrapper waits for the whole group; here the child's own end counts.
    let child: Box<dyn Any> = command.spawn()?.into_inner();
    let child = *child
        .downcast::<Child>()
        .map_err(|_| io::Error::other("the child is wrapped in something else"))?;
    // A session's leader leads its group too, under its own number.
    let leader = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("the child is gone already"))?;
    Ok((child, Group { leader, mark }))
}

impl Group {
    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        // It may be gone: then there is nobody to tell.
        let _ = kill_process_group(self.leader, Signal::TERM);
    }

    /// Ends it and whatever left it. Gives whether there was anything.
    ///
    /// The leader may be reaped by now, and its number free when the group is empty. Numbers are given in a circle, so
    /// that another group by the same number would need the whole circle to be gone round since.
    pub(crate) fn kill(&self) -> bool {
        let any = test_kill_process_group(self.leader).is_ok();
        let _ = kill_process_group(self.leader, Signal::KILL);
        let strays = strays::kill(&self.mark);
        any || strays
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(target_os = "linux")]
mod strays {
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    /// How often all processes are gone through: each time there may be new ones.
    const ROUNDS: usize = 8;

    /// Kills what carries the mark. A process is held before it is looked at, so that no other is hit.
    pub(super) fn kill(mark: &str) -> bool {
        let entry = format!("{}={mark}", super::MARK);
        let mut any = false;
        for _ in 0..ROUNDS {
            let found = round(entry.as_bytes());
            any |= found;
            if !found {
                break;
            }
        }
        any
    }

    fn round(entry: &[u8]) -> bool {
        let mut found = false;
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return false;
        };
        for process in processes.flatten() {
            let number = process.file_name();
            let number = number.to_str().and_then(|name| name.parse().ok());
            let Some(pid) = number.and_then(Pid::from_raw) else {
                continue;
            };
            let environment = process.path().join("environ");
            let is_ours = || {
                let environment = std::fs::read(&environment).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|e| e == entry)
            };
            if !is_ours() {
                continue;
            }
            let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else {
                continue;
            };
            if is_ours() {
                found |= pidfd_send_signal(&held, Signal::KILL).is_ok();
            }
        }
        found
    }
}

#[cfg(not(target_os = "linux"))]
mod strays {
    pub(super) fn kill(_mark: &str) -> bool {
        false
    }
}
