//! What is wrong with a configuration, and where: `file:line:column: key: what`, then what to do. And what is only remarkable.

use std::fmt;

use super::reader::UnknownKey;

/// Ignored keys that are named one by one where nobody asked for all of them.
const NAMED: usize = 4;

/// Something that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    Notice(String),
    Warning(String),
    /// Keys that respair does not know, the misspelt ones first.
    Ignored {
        file: String,
        keys: Vec<UnknownKey>,
    },
}

impl Remark {
    /// In words; with every ignored key, or with a few and where to see all.
    pub(crate) fn text(&self, whole: bool) -> String {
        let (file, keys) = match self {
            Remark::Notice(text) | Remark::Warning(text) => return text.clone(),
            Remark::Ignored { file, keys } => (file, keys),
        };
        let named = if whole || keys.len() <= NAMED + 1 {
            keys.len()
        } else {
            NAMED
        };
        let list: Vec<String> = keys[..named].iter().map(UnknownKey::to_string).collect();
        let rest = match keys.len() - named {
            0 => String::new(),
            n => format!(" and {n} more (`respair config check` lists them)"),
        };
        format!("{file}: not respair's, ignored: {}{rest}", list.join(", "))
    }
}

/// A place in the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    /// 1-based; 0 when only the file is known.
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

/// One thing that has to be put right before a request is made. Never holds a secret.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    place: Option<Place>,
    /// The key's path, or the flag's or variable's name.
    key: Option<String>,
    what: String,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            place: None,
            key: None,
            what: what.into(),
            help: None,
        }
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Under this key, where it has none.
    pub(crate) fn or_key(mut self, key: &str) -> Self {
        self.key.get_or_insert_with(|| key.to_owned());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The first line, without the help.
    pub(crate) fn headline(&self) -> String {
        let mut line = String::new();
        if let Some(place) = &self.place {
            line.push_str(&format!("{place}: "));
        }
        if let Some(key) = &self.key {
            line.push_str(&format!("{key}: "));
        }
        line + &self.what
    }

    /// Line and column, for sorting; what has no place comes last.
    pub(crate) fn position(&self) -> (u64, u64) {
        self.place
            .as_ref()
            .map_or((u64::MAX, 0), |place| (place.line, place.column))
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        match &self.help {
            Some(help) => write!(f, "\n  {help}"),
            None => Ok(()),
        }
    }
}
