//! Names that core knows: profiles and the codes of rules. Each is completed by the shell, accepted with underscores, and
//! guessed at when it is misspelt.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};
use respair_core::{Code, Profile};

use crate::config::{alike, closest};
use crate::term::one_line;

/// Where the codes are.
const WHERE: &str = "`respair check` names the codes that it finds; docs/VIOLATIONS.md has all";

/// Reads a [`Profile`].
#[derive(Clone)]
pub(super) struct ProfileParser;

impl TypedValueParser for ProfileParser {
    type Value = Profile;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Profile, Error> {
        let names = || Profile::ALL.iter().map(|profile| profile.name());
        let known = value.to_str().and_then(Profile::parse);
        known.ok_or_else(|| {
            let mut error = refusal(command, arg, value, names());
            list(&mut error, names());
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = Profile::ALL.iter().map(|profile| profile.name());
        Some(Box::new(names.map(PossibleValue::new)))
    }
}

/// Reads a [`Code`].
#[derive(Clone)]
pub(super) struct CodeParser;

impl TypedValueParser for CodeParser {
    type Value = Code;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Code, Error> {
        let known = value.to_str().and_then(Code::parse);
        let names = || Code::all().map(Code::as_str);
        known.ok_or_else(|| {
            let mut error = refusal(command, arg, value, names());
            if error.get(ContextKind::SuggestedValue).is_none() {
                // There are ninety.
                let tip = match alike(&value.to_string_lossy(), names()) {
                    like if like.is_empty() => WHERE.to_owned(),
                    like => format!("codes with that in them: {}", like.join(", ")),
                };
                let tips = vec![tip.into()];
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
            }
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = Code::all().map(Code::as_str);
        Some(Box::new(names.map(PossibleValue::new)))
    }
}

/// Adds the possible values.
fn list(error: &mut Error, names: impl Iterator<Item = &'static str>) {
    let all = names.map(str::to_owned).collect();
    error.insert(ContextKind::ValidValue, ContextValue::Strings(all));
}

/// clap's own error for a value that is none of the possible ones, without the list of them.
fn refusal(
    command: &Command,
    arg: Option<&Arg>,
    value: &OsStr,
    names: impl Iterator<Item = &'static str>,
) -> Error {
    let value = one_line(&value.to_string_lossy());
    let mut error = Error::new(ErrorKind::InvalidValue).with_cmd(command);
    if let Some(arg) = arg {
        let shown = ContextValue::String(arg.to_string());
        error.insert(ContextKind::InvalidArg, shown);
    }
    if let Some(meant) = closest(&value.replace('_', "-"), names) {
        let meant = ContextValue::String(meant.to_owned());
        error.insert(ContextKind::SuggestedValue, meant);
    }
    error.insert(ContextKind::InvalidValue, ContextValue::String(value));
    error
}
