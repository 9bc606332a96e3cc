//! What is typed.
//!
//! Lines are kept below 100 columns by hand: clap does not wrap them here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use respair_core::{Code, Profile};

use crate::config::Mode;

mod names;

use names::{CodeParser, ProfileParser};

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
    /// What was learnt about endpoints
    #[command(subcommand)]
    Endpoints(Endpoints),
    /// Conversations that were kept
    #[command(subcommand)]
    Sessions(Sessions),
    /// Servers whose tools a conversation may use
    #[command(subcommand)]
    Mcp(Mcp),
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
    /// Send FILE along: a text, an image or another file; again for more
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

/// `respair repair`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Repair {
    /// The stream: a file, or `-` for standard input [default: -]
    #[arg(value_name = "IN")]
    pub(crate) input: Option<PathBuf>,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Mend to openai-sdk, portable (the default) or open-responses
    #[arg(long, value_name = "PROFILE", value_parser = ProfileParser, hide_possible_values = true)]
    pub(crate) profile: Option<Profile>,
    /// Leave a rule out, by its code; again, or with commas, for more
    #[arg(long, value_name = "CODE", value_parser = CodeParser, value_delimiter = ',', hide_possible_values = true)]
    pub(crate) without: Vec<Code>,
    /// Deltas repeat the whole text so far: take off what was written before
    #[arg(long)]
    pub(crate) cumulative_deltas: bool,
    /// Write what was found and mended to FILE, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// The JSON body of the request: what the response lacks is copied from it
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
}

/// `respair check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A recorded stream, `-`, or an endpoint's URL [default: the configured one]
    pub(crate) target: Option<OsString>,
    /// Judge by openai-sdk, portable (the default) or open-responses
    #[arg(long, value_name = "PROFILE", value_parser = ProfileParser, hide_possible_values = true)]
    pub(crate) profile: Option<Profile>,
    /// terminal (the default), json, or markdown for a relay's issue tracker
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Option<Format>,
    /// Send an endpoint at most N requests [default: all 9 of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_requests: Option<u16>,
    /// Print the page of a rule, and check nothing
    #[arg(long, value_name = "CODE", value_parser = CodeParser, hide_possible_values = true)]
    pub(crate) explain: Option<Code>,
}

/// How a judgement is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Terminal,
    Json,
    Markdown,
}

/// `respair serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The upstream; `/responses` is added to it [default: the configured ones]
    #[arg(long, value_name = "URL", conflicts_with = "base_url")]
    pub(crate) upstream: Option<String>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8484]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Print what to paste into codex, hermes, env or aisdk, and do not serve
    #[arg(long, value_name = "CLIENT", hide_possible_values = true)]
    pub(crate) print_config: Option<PasteInto>,
    /// How long streams may go on when it is told to stop [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) drain: Option<std::time::Duration>,
    /// One line a request on standard error: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) log: LogFormat,
    /// A web page that may use it, as in http://localhost:3000; again for more
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// Keep both sides of each stream in DIR, for check, repair and relay
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,
    /// Write prompts and answers to the log as well, keys redacted
    #[arg(long)]
    pub(crate) log_bodies: bool,
}

/// A client that can be told to use the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PasteInto {
    Codex,
    Hermes,
    Env,
    #[value(name = "aisdk")]
    AiSdk,
}

/// How a request is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Human,
    Json,
}

/// `30` and `30s`.
fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    let wrong = || "expected seconds, as in 30".to_owned();
    let number: f64 = number.parse().map_err(|_| wrong())?;
    std::time::Duration::try_from_secs_f64(number).map_err(|_| wrong())
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

/// `respair config`.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Write a commented configuration; --model, --base-url, --api-key-env and --recovery fill it in
    Init {
        /// Replace the file that is there
        #[arg(long)]
        force: bool,
    },
    /// Every setting with its value and where it came from; keys are masked
    Show,
    /// The file that is read, or would be
    Path,
    /// Say what is wrong with the configuration (exit 2), or that nothing is (exit 0)
    Check,
    /// What a conversation sends as instructions, AGENTS.md included
    Instructions,
}

/// `respair endpoints`.
#[derive(Debug, Subcommand)]
pub(crate) enum Endpoints {
    /// The endpoints that are known to break the protocol
    List,
    /// Forget one: the next turn there starts strictly again
    Forget {
        /// The endpoint's base URL [default: the configured one]
        url: Option<String>,
        /// Forget all of them
        #[arg(long, conflicts_with = "url")]
        all: bool,
    },
}

/// `respair mcp`.
#[derive(Debug, Subcommand)]
pub(crate) enum Mcp {
    /// Those that are configured; none is started
    List,
    /// Start them, and show their tools or why there are none
    Test {
        /// Only this one
        name: Option<String>,
    },
}

/// `respair sessions`.
#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// The latest first
    List {
        /// At most N
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// A conversation, to be read
    Show {
        /// Its id, or the beginning of it [default: the latest]
        id: Option<String>,
    },
    /// A conversation as Markdown or JSON
    Export {
        /// Its id, or the beginning of it [default: the latest]
        id: Option<String>,
        /// markdown (the default) or json
        #[arg(
            long,
            value_name = "FORMAT",
            default_value = "markdown",
            hide_default_value = true,
            hide_possible_values = true
        )]
        format: Export,
        /// Write to FILE instead of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Delete conversations
    Delete {
        /// Their ids, or the beginnings of them
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// The form of an exported conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Export {
    Markdown,
    Json,
}

/// The subcommand that was typed and is none.
fn unknown(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(typed)) => Some(typed),
        _ => None,
    }
}

/// Adds what was probably meant where clap finds nothing near: its measure misses `rnu` for `run`, and it does not look for
/// `init` below `config`.
pub(crate) fn suggest(
    mut error: clap::Error,
    args: impl IntoIterator<Item = OsString>,
) -> clap::Error {
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
