//! `respair`: arguments in, exit code out. What each command does is in [`commands`]; a turn is in [`run`].

// They panic where a stream takes nothing; [`term`] has what does not.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod agent;
mod args;
mod chat;
mod check;
mod commands;
mod config;
mod inherited;
mod input;
mod log;
mod paths;
mod repair;
mod report;
mod run;
mod term;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command};

/// Usage or configuration: nothing was asked.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    inherited::hear_signals();
    let color = term::color_in(std::env::args_os());
    let command = Cli::command().color(term::for_clap(color));
    let cli = match command
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            let error = args::suggest(error, std::env::args_os().skip(1));
            let code = u8::try_from(error.exit_code()).unwrap_or(USAGE);
            let printed = term::unless_gone(error.print());
            // What was asked for, the help or the version, goes to standard output. Of an error the exit code says enough.
            return ExitCode::from(if code == 0 {
                commands::printed(printed)
            } else {
                code
            });
        }
    };
    term::set_color(cli.common.color);
    log::start(cli.common.verbose);
    let common = &cli.common;
    ExitCode::from(match cli.command {
        None => commands::printed(term::print(args::WELCOME)),
        Some(Command::Run(run)) => run::command(common, &run),
        Some(Command::Chat(chat)) => chat::command(common, &chat),
        Some(Command::Repair(repair)) => repair::command(common, &repair),
        Some(Command::Check(check)) => check::command(common, &check),
        Some(Command::Serve(serve)) => commands::serve::command(common, &serve),
        Some(Command::Relay(relay)) => commands::relay::command(common, &relay),
        Some(Command::Demo { agent }) => commands::demo::command(agent),
        Some(Command::Config(config)) => commands::config::command(common, &config),
        Some(Command::Endpoints { what }) => {
            commands::endpoints::command(common, &what.unwrap_or_default())
        }
        Some(Command::Mcp { what }) => commands::mcp::command(common, &what.unwrap_or_default()),
        Some(Command::Sessions { what }) => {
            commands::sessions::command(common, &what.unwrap_or_default())
        }
        Some(Command::Completions { shell }) => commands::completions(shell),
    })
}
