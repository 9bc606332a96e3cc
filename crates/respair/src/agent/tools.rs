//! The tools of a conversation, as the configuration has them.

use std::path::{Path, PathBuf};

use respair_agent::Toolbox;
use respair_agent::tools::{self, sandbox};

use crate::config::{Key, Settings, Tools};
use crate::paths::{self, Env};

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
    if toolbox.get("shell").is_some() {
        notices.push(sandbox::state(&given));
    }
    toolbox
}

/// What the tools are to know.
fn given(settings: &Settings, cwd: &Path, env: &Env) -> tools::Settings {
    let agent = &settings.agent;
    let mut given = tools::Settings::new(cwd);
    if let Some(directories) = &agent.directories {
        given.allowed.clone_from(&directories.value);
    }
    given.protected = protected(settings, env);
    if let Some(Key::Variable(name)) = settings.options.key.as_ref().map(|key| &key.value) {
        given.key_variables.push(name.clone());
    }
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

/// What no tool reads or writes: the configuration and the state. A configuration that lies elsewhere is protected alone: its
/// directory may be the one that is worked in.
fn protected(settings: &Settings, env: &Env) -> Vec<PathBuf> {
    let home = paths::config_home(env).map(|dir| dir.join("respair"));
    let mut protected: Vec<PathBuf> = settings.state_dir.iter().cloned().collect();
    let elsewhere = settings
        .file
        .as_ref()
        .filter(|file| home.as_ref().is_none_or(|home| !file.starts_with(home)));
    protected.extend(elsewhere.cloned());
    protected.extend(home);
    protected
}
