//! A child process in a session of its own, which ends as a whole.
//!
//! A session has no terminal: the child cannot ask there, draw there, or be stopped for trying. What it starts is in
//! its process group, and the group is killed as one, also when the child itself is gone. On Linux a process that left the
//! group (a daemon) is found as well: [`super::orphans`].

use std::any::Any;
use std::io;
use std::sync::{Arc, Once};

use process_wrap::tokio::{CommandWrap, ProcessSession};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::sandbox::Sandbox;

/// The variable that marks what a call started.
pub(super) const MARK: &str = "RESPAIR_CALL";

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

/// Whoever started us may have children ignored, which is inherited: the kernel then forgets how they ended, and there is
/// nothing to wait for. A handler of any kind ends that.
fn care_for_children() {
    static CARE: Once = Once::new();
    // Where it fails, what a command printed is told without how it ended.
    CARE.call_once(|| drop(signal(SignalKind::child())));
}

fn spawn(command: Command, mark: String) -> io::Result<(Child, Group)> {
    care_for_children();
    let mut command = CommandWrap::from(command);
    command.wrap(ProcessSession);
    #[cfg(target_os = "linux")]
    let birth = super::orphans::birth();
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
    #[cfg(target_os = "linux")]
    birth.of(leader, &mark);
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
        #[cfg(target_os = "linux")]
        let any = super::orphans::end(&self.mark) || any;
        any
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        #[cfg(target_os = "linux")]
        super::orphans::forget(&self.mark);
    }
}
