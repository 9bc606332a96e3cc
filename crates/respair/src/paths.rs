//! Where things live: the environment, the home directory, the XDG directories.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The environment as this process sees it, or a made-up one for tests.
#[derive(Clone, Debug)]
pub(crate) enum Env {
    /// The process's own.
    Process,
    /// These variables and no others.
    #[cfg_attr(not(test), allow(dead_code))]
    Fixed(HashMap<String, OsString>),
}

impl Env {
    /// An empty one.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Env::Fixed(HashMap::new())
    }

    pub(crate) fn os(&self, name: &str) -> Option<OsString> {
        match self {
            Env::Process => std::env::var_os(name),
            Env::Fixed(vars) => vars.get(name).cloned(),
        }
    }

    /// A variable's text; an empty one counts as unset.
    ///
    /// # Errors
    /// When it is not Unicode.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        match self.os(name) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(value) => value.into_string().map(Some).map_err(|_| NotUnicode),
        }
    }

    /// A variable that holds a path; an empty one counts as unset.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
    }

    /// The home directory. A relative one is none: what a cloned repository has at that place must not choose where a key goes.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        let home = match self {
            Env::Process => std::env::home_dir(),
            Env::Fixed(_) => self.path("HOME"),
        };
        home.filter(|path| path.is_absolute())
    }
}

/// An environment variable that is not Unicode.
#[derive(Debug)]
pub(crate) struct NotUnicode;

/// `$XDG_CONFIG_HOME`, else `~/.config`.
pub(crate) fn config_home(env: &Env) -> Option<PathBuf> {
    xdg(env, "XDG_CONFIG_HOME", ".config")
}

/// `$XDG_STATE_HOME/respair`, else `~/.local/state/respair`.
pub(crate) fn state_dir(env: &Env) -> Option<PathBuf> {
    Some(xdg(env, "XDG_STATE_HOME", ".local/state")?.join("respair"))
}

/// The XDG specification has relative values ignored.
fn xdg(env: &Env, variable: &str, under_home: &str) -> Option<PathBuf> {
    env.path(variable)
        .filter(|p| p.is_absolute())
        .or_else(|| Some(env.home()?.join(under_home)))
}

/// A path as people write it: `~` for the home directory.
pub(crate) fn shown(path: &Path, env: &Env) -> String {
    match env
        .home()
        .and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned))
    {
        Some(rest) if !rest.as_os_str().is_empty() => {
            Path::new("~").join(rest).display().to_string()
        }
        _ => path.display().to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn xdg_wins_when_absolute() {
        let mut vars = HashMap::from([("HOME".to_owned(), OsString::from("/h"))]);
        assert_eq!(
            config_home(&Env::Fixed(vars.clone())).unwrap(),
            Path::new("/h/.config")
        );
        vars.insert("XDG_CONFIG_HOME".into(), "relative".into());
        assert_eq!(
            config_home(&Env::Fixed(vars.clone())).unwrap(),
            Path::new("/h/.config")
        );
        vars.insert("XDG_STATE_HOME".into(), "/x".into());
        let env = Env::Fixed(vars);
        assert_eq!(state_dir(&env).unwrap(), Path::new("/x/respair"));
        assert_eq!(shown(Path::new("/h/a/b"), &env), "~/a/b");
        assert_eq!(config_home(&Env::empty()), None);
        let relative = HashMap::from([("HOME".to_owned(), OsString::from("."))]);
        assert_eq!(config_home(&Env::Fixed(relative)), None);
    }
}
