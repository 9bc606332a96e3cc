//! What a command may touch, held by the kernel: Landlock.
//!
//! Landlock names what is allowed and knows no exceptions, so "everything but respair's own directories" is written as
//! what lies beside the way there: of `/`, everything but `home`; of `/home`, everything but `me`; and so on. Names can
//! be listed everywhere; files beside that way which come into being while the command runs stay closed to it.
//!
//! It binds the thread that asks for it and what that starts: a command is started from a thread of its own (`process`).

use std::io;
use std::path::{Path, PathBuf};

use super::Settings;
use super::place::Places;

/// Whether commands run under Landlock, in a sentence for the start screen.
pub fn state(settings: &Settings) -> String {
    if !settings.sandbox {
        return "shell is not sandboxed: the configuration says so".to_owned();
    }
    let places = Places::new(&settings.cwd, &settings.allowed, &settings.protected);
    let cwd = places.cwd().display();
    match Sandbox::new(settings, &places).probe() {
        // What is new in a directory cannot be told from what is new in a closed one below it.
        Ok(()) if places.holds_protected() => format!(
            "shell runs under Landlock: it writes only to what exists below {cwd} and in temporary directories, and respair's own files, which lie there, are closed to it"
        ),
        Ok(()) => format!(
            "shell runs under Landlock: it writes only below {cwd} and in temporary directories, and respair's own files are closed to it"
        ),
        Err(error) if is_missing(&error) => format!("shell is not sandboxed: {error}"),
        Err(error) => format!(
            "shell cannot run: its sandbox cannot be made: {error} (`agent.sandbox: false` goes without one)"
        ),
    }
}

/// Whether there is no sandbox to be had here. Any other error is one of the moment, and no reason to go without.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// What a command may touch.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// Where it may write.
    writable: Vec<PathBuf>,
    /// What it may neither read nor write.
    protected: Vec<PathBuf>,
}

impl Sandbox {
    pub(super) fn new(settings: &Settings, places: &Places) -> Self {
        let mut writable = vec![places.cwd().to_owned()];
        writable.extend_from_slice(places.allowed());
        let temporary = settings.temporary.iter();
        writable.extend(temporary.filter_map(|path| path.canonicalize().ok()));
        let protected = places.protected().iter();
        Self {
            writable,
            // Landlock itself keeps a command out of other processes, and it needs its own.
            protected: protected
                .filter(|path| *path != Path::new("/proc"))
                .cloned()
                .collect(),
        }
    }

    /// Whether commands are to run in it: unless there is none to be had.
    pub(super) fn is_wanted(&self) -> bool {
        !self.probe().is_err_and(|error| is_missing(&error))
    }

    /// Whether the kernel can do it, tried on a thread of its own.
    fn probe(&self) -> io::Result<()> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("respair-try".to_owned());
            let tried = thread.spawn_scoped(scope, || self.restrict())?;
            let broke_down = |_| Err(io::Error::other("the thread that tries it broke down"));
            tried.join().unwrap_or_else(broke_down)
        })
    }

    /// Restricts the calling thread and everything that it starts from now on.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn restrict(&self) -> io::Result<()> {
        let why = "only Linux has Landlock";
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    }

    /// Restricts the calling thread and everything that it starts from now on.
    #[cfg(target_os = "linux")]
    pub(crate) fn restrict(&self) -> io::Result<()> {
        rules::restrict(&self.writable, &self.protected)
    }
}

#[cfg(target_os = "linux")]
mod rules {
    use std::io;
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, CreateRulesetError,
        PathBeneath, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _,
        RulesetError, RulesetStatus, Scope, make_bitflags,
    };
    use rustix::fs::{FileType, Mode, OFlags};
    use rustix::io::Errno;
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

    /// Entries of one directory on the way to a closed one. What is beyond them stays closed.
    const BESIDE: usize = 16_384;
    /// Devices that programs write to. The terminal is none of them.
    const DEVICES: [&str; 6] = [
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        "/dev/shm",
    ];

    /// What a rule grants on a directory; on a file only what files have of it.
    fn reading() -> BitFlags<AccessFs> {
        AccessFs::from_read(ABI::V1)
    }

    fn writing() -> BitFlags<AccessFs> {
        let devices = make_bitflags!(AccessFs::{MakeChar | MakeBlock});
        AccessFs::from_write(ABI::V3) & !devices
    }

    pub(super) fn restrict(writable: &[PathBuf], protected: &[PathBuf]) -> io::Result<()> {
        let status = ruleset(writable, protected)
            .and_then(RulesetCreated::restrict_self)
            .map_err(|error| told(&error))?;
        match status.ruleset {
            RulesetStatus::NotEnforced => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the kernel has no Landlock",
            )),
            // Signals and sockets came later; files are whole.
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(drop_sight()?),
        }
    }

    /// Landlock keeps a command from tracing us, but root may read a process's environment as somebody who measures its
    /// performance. Without new privileges, which Landlock asks for, what is dropped stays dropped.
    fn drop_sight() -> rustix::io::Result<()> {
        let sight = CapabilitySet::PERFMON | CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_PTRACE;
        let mut sets = capabilities(None)?;
        if !sets.permitted.intersects(sight) {
            return Ok(());
        }
        sets.effective -= sight;
        sets.permitted -= sight;
        sets.inheritable -= sight;
        set_capabilities(None, sets)
    }

    fn ruleset(
        writable: &[PathBuf],
        protected: &[PathBuf],
    ) -> Result<RulesetCreated, RulesetError> {
        let mut rules = Ruleset::default()
            // Before Linux 6.2 (ABI 3) a file could be emptied anywhere, which is no protection.
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(ABI::V3))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?;
        // Names everywhere: `ls /` and `ls ~` are no secret, and most programs need them.
        grant(&mut rules, Path::new("/"), AccessFs::ReadDir.into(), &[])?;
        grant(&mut rules, Path::new("/"), reading(), protected)?;
        for path in writable {
            grant(&mut rules, path, writing(), protected)?;
        }
        for device in DEVICES {
            grant(&mut rules, Path::new(device), writing(), &[])?;
        }
        Ok(rules)
    }

    /// Grants `access` below `path`, except below what is protected.
    fn grant(
        rules: &mut RulesetCreated,
        path: &Path,
        access: BitFlags<AccessFs>,
        protected: &[PathBuf],
    ) -> Result<(), RulesetError> {
        if protected.iter().any(|closed| path.starts_with(closed)) {
            return Ok(());
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(opened) = rustix::fs::open(path, flags, Mode::empty()) else {
            return Ok(());
        };
        let Ok(found) = rustix::fs::fstat(&opened) else {
            return Ok(());
        };
        match FileType::from_raw_mode(found.st_mode) {
            // What it leads to is granted where it is, or not.
            FileType::Symlink => return Ok(()),
            FileType::Directory if protected.iter().any(|closed| closed.starts_with(path)) => {
                let Ok(entries) = std::fs::read_dir(path) else {
                    return Ok(());
                };
                for entry in entries.flatten().take(BESIDE) {
                    grant(rules, &entry.path(), access, protected)?;
                }
                return Ok(());
            }
            FileType::Directory => {
                rules.add_rule(PathBeneath::new(opened, access))?;
            }
            _ => {
                let access = access & AccessFs::from_file(ABI::V5);
                if !access.is_empty() {
                    rules.add_rule(PathBeneath::new(opened, access))?;
                }
            }
        }
        Ok(())
    }

    /// The error for a person; unsupported where there is no Landlock to be had.
    fn told(error: &RulesetError) -> io::Error {
        match error {
            // No descriptor or no memory: the next one may be made.
            RulesetError::CreateRuleset(CreateRulesetError::CreateRulesetCall {
                source, ..
            }) if [Errno::MFILE, Errno::NFILE, Errno::NOMEM]
                .contains(&Errno::from_io_error(source).unwrap_or(Errno::NOSYS)) =>
            {
                io::Error::new(source.kind(), source.to_string())
            }
            RulesetError::HandleAccesses(_) | RulesetError::CreateRuleset(_) => io::Error::new(
                io::ErrorKind::Unsupported,
                "the kernel has no Landlock, or one from before Linux 6.2",
            ),
            other => io::Error::other(format!("Landlock refuses: {other}")),
        }
    }
}
