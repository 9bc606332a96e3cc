//! The tools of a conversation, as the configuration has them.

use std::path::{Path, PathBuf};

use respair_agent::Toolbox;
use respair_agent::tools::{self, sandbox};

use crate::config::{self, Key, Settings, Tools};
use crate::paths::{self, Env};

/// What the state directory holds, and may hold as links.
const STATE: [&str; 2] = ["sessions.db", "endpoints.json"];

/// The tools that are wanted. How the shell is confined is told.
pub(super) fn toolbox(
    settings: &Settings,
    wanted: &Tools,
    cwd: &Path,
    env: &Env,
    notices: &mut Vec<String>,
) -> Toolbox {
    let mut toolbox = Toolbox::default();
    if *wanted == Tools::Off {
        return toolbox;
    }
    let given = given(settings, cwd, env);
    for tool in tools::builtin(&given) {
        let name = &tool.spec().name;
        let is_wanted = match wanted {
            Tools::Named(names) => names.contains(name),
            _ => true,
        };
        if is_wanted {
            toolbox.add(tool);
        }
    }
    guard_ourselves();
    if toolbox.get("shell").is_some() {
        notices.push(sandbox::state(&given));
    }
    toolbox
}

/// Keeps what runs as the same user, a server or a command without a sandbox, out of our memory and our environment, in
/// which there are keys: a process that leaves no core dump is nobody's to trace. And lets nothing that it starts outlive it.
pub(crate) fn guard_ourselves() {
    tools::adopt_orphans();
    #[cfg(target_os = "linux")]
    // The kernel knows this since 2.4; without it the sandbox is what there is.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// What the tools are to know.
fn given(settings: &Settings, cwd: &Path, env: &Env) -> tools::Settings {
    let agent = &settings.agent;
    let mut given = tools::Settings::new(cwd);
    if let Some(directories) = &agent.directories {
        given.allowed.clone_from(&directories.value);
    }
    given.protected = protected(settings, env);
    given.key_variables = key_variables(settings);
    if let Some(time) = &agent.shell_timeout {
        given.shell_time = time.value;
    }
    if let Some(time) = &agent.shell_longest {
        given.shell_time_most = time.value.max(given.shell_time);
    }
    if let Some(output) = &agent.shell_output {
        given.shell_output = usize::try_from(output.value).unwrap_or(usize::MAX);
    }
    if let Some(sandbox) = &agent.sandbox {
        given.sandbox = sandbox.value;
    }
    given
}

/// The variables that no command and no server is to have: those that the file reads keys from, and that of the endpoint in
/// use, which a flag may have named.
pub(super) fn key_variables(settings: &Settings) -> Vec<String> {
    let mut names = settings.agent.key_variables.clone();
    if let Some(Key::Variable(name)) = settings.options.key.as_ref().map(|key| &key.value) {
        names.push(name.clone());
    }
    names
}

/// What no tool reads or writes: the configuration, the state, and the login that keys are taken from.
///
/// Files are named besides their directories: in a home directory that is kept in a repository of its own they are links, and
/// what they lead to lies elsewhere. There a file is protected alone: its directory may be the one that is worked in.
fn protected(settings: &Settings, env: &Env) -> Vec<PathBuf> {
    let home = paths::config_home(env).map(|dir| dir.join("respair"));
    let mut protected: Vec<PathBuf> = settings.file.iter().cloned().collect();
    protected.extend(home.iter().map(|home| home.join("config.yaml")));
    protected.extend(home);
    if let Some(state) = &settings.state_dir {
        protected.extend(STATE.map(|name| state.join(name)));
        protected.push(state.clone());
    }
    protected.extend(config::codex_login(env));
    protected
}
