//! What is typed.
//!
//! Lines are kept below 100 columns by hand: clap does not wrap them here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::Mode;

mod kept;
mod names;
mod serve;
mod streams;

pub(crate) use kept::{Config, Endpoints, Export, Mcp, Sessions};
pub(crate) use serve::{LogFormat, PasteInto, Serve};
pub(crate) use streams::{Check, Format, Repair};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// What bare `respair` prints.
pub(crate) const WELCOME: &str = "\
respair makes any endpoint that speaks the OpenAI Responses API usable,
also when what it streams is not quite the protocol.

  respair demo                          everything at once: no key, no network
  respair config init                   write a configuration, then:
  respair run \"Why is the sky blue?\"    one turn, answered live
  respair chat                          the conversation, with tools

`respair --help` lists all commands.
";

const AFTER_HELP: &str = "\
Exit codes of `run`: 0 completed, 1 failed, 2 usage or configuration, 3 truncated, 4 incomplete,
130 interrupted.";

const AFTER_CHAT: &str = "\
/help says what can be typed. Without a terminal each line of standard input is a message; the
answers go to standard output, everything else to standard error, and what would be asked for is
refused unless --yes is given.

Exit codes: 0 left by Ctrl-D or /quit, without a terminal that of the last turn as `run` has them,
2 usage or configuration, 130 interrupted twice.";

const AFTER_REPAIR: &str = "\
Each event is written as soon as it is decided, and the command ends with the stream, also when
the pipe stays open:  curl -sN … | respair repair | your-client
What was mended is said on standard error. `--report -` is standard output, and goes with -o.

Exit codes: 0 the upstream completed its response, or left it incomplete; 1 it reported a
failure, or the input is no stream; 2 usage, unreadable input; 3 the stream was cut or empty,
and what is written ends in `response.failed`; 130 interrupted: what was read so far is
written, and ends in `response.failed`. A reader that closes the pipe is no error.";

const AFTER_SERVE: &str = "\
Point any client at http://127.0.0.1:8484/v1; each upstream of the configuration is also at
/NAME/v1. Streams of custom providers are mended for every strict reader, native providers are
passed on byte for byte. The client's key goes to the upstream, unless one is configured for it.
/healthz, /readyz and /metrics say how it is.

It serves until it is interrupted; streams then finish within --drain, and a second Ctrl-C ends
them at once. SIGHUP reads the configuration again, and drops no stream.

Exit codes: 0 stopped, 1 it cannot listen, 2 usage or configuration, 130 a second Ctrl-C.";

const AFTER_CHECK: &str = "\
A stream is recorded with `curl -sN … > FILE` or `respair run --trace FILE`; `-` is standard input.
An endpoint is asked a few real questions; how many, it is said beforehand. Nothing is retried.
With -q only the verdict is printed.

Exit codes: 0 it conforms, 1 it does not, 2 it could not be checked.";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "respair",
    version,
    about = "Makes any endpoint that speaks the OpenAI Responses API usable,\n\
             also when what it streams is not quite the protocol.",
    after_help = AFTER_HELP,
    styles = STYLES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that work before and after every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Configuration file [default: ~/.config/respair/config.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The model to ask
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// The endpoint; `/responses` is added to it
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The environment variable that holds the key
    #[arg(long, global = true, value_name = "VARIABLE")]
    pub(crate) api_key_env: Option<String>,
    /// retry_then_fallback (the default), inline or strict
    #[arg(long, global = true, value_name = "MODE", hide_possible_values = true)]
    pub(crate) recovery: Option<Mode>,
    /// Where learnt behaviour is kept [default: ~/.local/state/respair]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Only the answer and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say what happens on standard error; twice for more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Copy the upstream's raw bytes to FILE, keys redacted
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Machine-readable output: one JSON object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// auto (the default; NO_COLOR is honoured), always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: When,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask once; the answer goes to standard output, live
    #[command(after_help = AFTER_HELP)]
    Run(Run),
    /// Talk with the model, with tools; what is said is kept
    #[command(after_help = AFTER_CHAT)]
    Chat(Chat),
    /// Mend a stream: standard input to standard output, live
    #[command(after_help = AFTER_REPAIR)]
    Repair(Repair),
    /// Judge a stream or an endpoint: what is wrong, where, who breaks on it
    #[command(after_help = AFTER_CHECK)]
    Check(Check),
    /// Stand between any client and an endpoint, and mend what goes through
    #[command(after_help = AFTER_SERVE)]
    Serve(Serve),
    /// A relay that misbehaves on purpose, to try clients against
    Relay(Relay),
    /// Show everything at once: no key, no network
    Demo {
        /// A conversation with tools instead of single turns
        #[arg(long)]
        agent: bool,
    },
    /// Write, show and check the configuration
    #[command(subcommand)]
    Config(Config),
    /// What was learnt about endpoints; alone it lists them
    Endpoints {
        #[command(subcommand)]
        what: Option<Endpoints>,
    },
    /// Conversations that were kept; alone it lists them
    Sessions {
        #[command(subcommand)]
        what: Option<Sessions>,
    },
    /// Servers whose tools a conversation may use; alone it lists them
    Mcp {
        #[command(subcommand)]
        what: Option<Mcp>,
    },
    /// Print a completion script
    #[command(
        after_help = "Example: respair completions bash > ~/.local/share/bash-completion/completions/respair"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `respair run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What to ask; `-` reads it from standard input, as does none when that is no terminal
    pub(crate) prompt: Option<String>,
    /// Send a text, image or file along (`-`: standard input); again for more
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
    /// Let the model use tools: those of the configuration, or these, with commas
    #[arg(
        long,
        value_name = "NAMES",
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = ""
    )]
    pub(crate) tools: Option<Vec<String>>,
    /// Allow what would be asked for; what the configuration denies stays denied
    #[arg(long)]
    pub(crate) yes: bool,
    /// Go on with a session, by its id, or begin one with `new`; `last` is the latest
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
}

/// `respair chat`.
#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// Go on with a session: by its id or the beginning of one; without, the latest
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", conflicts_with = "last")]
    pub(crate) resume: Option<String>,
    /// Go on with the latest session
    #[arg(long = "continue")]
    pub(crate) last: bool,
    /// The tools: these, with commas, or `off` [default: those of the configuration]
    #[arg(
        long,
        value_name = "NAMES",
        require_equals = true,
        value_delimiter = ','
    )]
    pub(crate) tools: Option<Vec<String>>,
    /// Allow what would be asked for; what the configuration denies stays denied
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `respair relay`.
#[derive(Debug, Args)]
#[command(
    after_help = "Point any client at it: base_url http://127.0.0.1:8383, any key, any model.\n\
                        What was asked is at http://127.0.0.1:8383/_relay/requests.\n\
                        It serves until it is interrupted (Ctrl-C), and then exits with 130."
)]
#[command(group(ArgGroup::new("what").required(true).args(["scenario", "list", "replay"])))]
pub(crate) struct Relay {
    /// How to misbehave; --list names all ways
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Option<String>,
    /// List the scenarios
    #[arg(long)]
    pub(crate) list: bool,
    /// Send the bytes of FILE as the stream
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8383")]
    pub(crate) listen: String,
}

/// The subcommand that was typed and is none.
fn unknown(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(typed)) => Some(typed),
        _ => None,
    }
}

/// What to say of a second word behind `run`, where the prompt is one word to the shell only in quotes, and of what another
/// command has.
fn elsewhere(error: &clap::Error, args: &[OsString]) -> Option<&'static str> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let typed = |what: &str| args.iter().any(|arg| arg == what);
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let goes_on = |flag: &str| word.starts_with(flag);
    match word.as_str() {
        "-" if typed("run") => return Some("`-f -` sends standard input along"),
        _ if typed("run") && (goes_on("--continue") || goes_on("--resume")) => {
            return Some(
                "`--session last` goes on with the latest session, `--session ID` with another",
            );
        }
        _ if typed("chat") && goes_on("--session") => {
            return Some(
                "`--continue` goes on with the latest session, `--resume ID` with another",
            );
        }
        _ if typed("chat") && !goes_on("-") && !typed("--tools") => {
            return Some("say it at the prompt, or ask once: respair run \"…\"");
        }
        _ if goes_on("-") || !typed("run") => return None,
        _ => {}
    }
    Some(match typed("--tools") {
        true => {
            "the names of tools stand behind `=`, the prompt in quotes: respair run --tools=shell \"…\""
        }
        false => "put the prompt in quotes: respair run \"…\"",
    })
}

/// Adds what was probably meant where clap finds nothing near: its measure misses `rnu` for `run`, and it does not look for
/// `init` below `config`.
pub(crate) fn suggest(
    mut error: clap::Error,
    args: impl IntoIterator<Item = OsString>,
) -> clap::Error {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(tip) = elsewhere(&error, &args) {
        let tips = vec![tip.to_owned().into()];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        // `--config` is near to `--continue`, and not what was meant.
        if error.remove(ContextKind::SuggestedArg).is_some() {
            error.remove(ContextKind::Usage);
        }
        return error;
    }
    let Some(typed) = unknown(&error).map(str::to_owned) else {
        return error;
    };
    if error.get(ContextKind::SuggestedSubcommand).is_some() {
        return error;
    }
    let root = Cli::command();
    // The command that `typed` was looked for in.
    let mut words = args.into_iter().filter_map(|arg| arg.into_string().ok());
    let within = words
        .find_map(|word| match word == typed {
            true => Some(None),
            false => root
                .find_subcommand(&word)
                .filter(|c| c.has_subcommands())
                .map(Some),
        })
        .flatten();
    let names = within
        .unwrap_or(&root)
        .get_subcommands()
        .map(clap::Command::get_name);
    let meant = crate::config::closest(&typed, names)
        .map(str::to_owned)
        .or_else(|| {
            let mut groups = root.get_subcommands();
            let group = groups.find(|group| group.find_subcommand(&typed).is_some())?;
            within
                .is_none()
                .then(|| format!("{} {typed}", group.get_name()))
        });
    if let Some(meant) = meant {
        let meant = ContextValue::Strings(vec![meant]);
        error.insert(ContextKind::SuggestedSubcommand, meant);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds() {
        Cli::command().debug_assert();
    }
}
