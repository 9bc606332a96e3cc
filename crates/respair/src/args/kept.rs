//! The commands about what is configured and kept.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

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
#[derive(Debug, Default, Subcommand)]
pub(crate) enum Endpoints {
    /// The endpoints that are known to break the protocol
    #[default]
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
#[derive(Debug, Default, Subcommand)]
pub(crate) enum Mcp {
    /// Those that are configured; none is started
    #[default]
    List,
    /// Start them, and show their tools or why there are none
    Test {
        /// Only this one
        name: Option<String>,
    },
}

/// How many sessions are listed.
const LISTED: usize = 20;

/// `respair sessions`.
#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// The latest first
    List {
        /// At most N
        #[arg(long, value_name = "N", default_value_t = LISTED)]
        limit: usize,
    },
    /// A conversation, to be read
    Show {
        /// Its id, or the beginning of it or of its letters [default: the latest]
        id: Option<String>,
    },
    /// A conversation as Markdown or JSON
    Export {
        /// Its id, or the beginning of it or of its letters [default: the latest]
        id: Option<String>,
        /// markdown or json [default: json for a FILE.json, else markdown]
        #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
        format: Option<Export>,
        /// Write to FILE instead of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Delete conversations, for good
    Delete {
        /// Their ids, or the beginnings of them
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

impl Default for Sessions {
    fn default() -> Self {
        Self::List { limit: LISTED }
    }
}

/// The form of an exported conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Export {
    Markdown,
    Json,
}
