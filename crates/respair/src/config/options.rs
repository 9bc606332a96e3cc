//! Everything that can be set, each value with where it came from, and how layers are laid over one another.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use secrecy::SecretString;

use super::problem::Place;

/// A value and who set it.
#[derive(Clone, Debug)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Sourced<T> {
    pub(crate) fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// Who set a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// A key of the configuration file.
    File {
        place: Place,
        key: String,
    },
    Environment(&'static str),
    Flag(&'static str),
}

impl Origin {
    /// The name by which a message calls the setting: the key's path, the variable, the flag.
    pub(crate) fn name(&self) -> &str {
        match self {
            Origin::Default => "the default",
            Origin::File { key, .. } => key,
            Origin::Environment(name) | Origin::Flag(name) => name,
        }
    }

    /// The place, when it is in the file.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Origin::File { place, .. } => Some(place),
            _ => None,
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { place, .. } => write!(f, "{}:{}", place.file, place.line),
            Origin::Environment(name) => write!(f, "${name}"),
            Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// Where the key comes from.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    /// Written down (or expanded from `${NAME}`).
    Value(SecretString),
    /// The name of the environment variable that holds it.
    Variable(String),
    /// An empty `api_key`: there is none.
    None,
}

/// `recovery.mode`: what a custom provider's violation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    // Plain comments: clap would print doc comments in every help screen.
    // Read strictly, retry once, then read the stream in hand tolerantly.
    #[value(name = "retry_then_fallback", alias = "retry-then-fallback")]
    RetryThenFallback,
    // Read tolerantly from the first byte: one request, always.
    Inline,
    // Never repair: the first violation is the error.
    Strict,
}

/// `recovery.fallback`: what the tolerant reading reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fallback {
    // The stream in hand, from the event that the strict reading refused.
    #[value(name = "in_hand", alias = "in-hand")]
    InHand,
    // A further request.
    Request,
}

/// What `extra_body` holds: as sent, and as shown (with `${NAME}` left standing).
#[derive(Clone, Debug, Default)]
pub(crate) struct ExtraBody {
    pub(crate) sent: serde_json::Map<String, serde_json::Value>,
    pub(crate) shown: serde_json::Map<String, serde_json::Value>,
}

/// A wait in seconds; `None` is off (0).
pub(crate) type Wait = Option<Duration>;

macro_rules! layer {
    ($(#[$meta:meta])* $name:ident { $( $field:ident: $ty:ty, )* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        pub(crate) struct $name {
            $( pub(crate) $field: Option<Sourced<$ty>>, )*
        }

        impl $name {
            /// This layer over `lower`: what is set here wins.
            pub(crate) fn over(self, lower: $name) -> $name {
                $name { $( $field: self.$field.or(lower.$field), )* }
            }
        }
    };
}

pub(super) use layer;

layer! {
/// One layer of settings, or several laid over one another.
Options {
    provider: String,
    model: String,
    base_url: String,
    key: Key,
    api_mode: String,
    extra_headers: Vec<(String, SecretString)>,
    extra_body: ExtraBody,
    ssl_ca_cert: PathBuf,
    ssl_verify: bool,
    reasoning_effort: String,
    reasoning_summary: String,
    max_output_tokens: u64,
    context_length: u64,
    connect: Wait,
    first_byte: Wait,
    idle: Wait,
    progress: Wait,
    frame: u64,
    response: u64,
    drain: Duration,
    mode: Mode,
    strict_retries: u32,
    fallback: Fallback,
    max_requests: u32,
    without: Vec<String>,
    cumulative_deltas: bool,
    drop_fields: Vec<String>,
    refused_tools: Vec<String>,
    state_dir: PathBuf,
}
}

impl Options {
    /// What holds when nobody says anything (CONTRACT.md, `recovery`, `timeouts`, `limits`).
    pub(crate) fn defaults() -> Self {
        fn set<T>(value: T) -> Option<Sourced<T>> {
            Some(Sourced::new(value, Origin::Default))
        }
        let seconds = |n| set(Some(Duration::from_secs(n)));
        Self {
            api_mode: set("codex_responses".into()),
            extra_headers: set(Vec::new()),
            extra_body: set(ExtraBody::default()),
            ssl_verify: set(true),
            connect: seconds(15),
            first_byte: seconds(120),
            idle: seconds(300),
            progress: seconds(900),
            frame: set(64 << 20),
            response: set(256 << 20),
            drain: set(Duration::from_millis(250)),
            mode: set(Mode::RetryThenFallback),
            strict_retries: set(1),
            fallback: set(Fallback::InHand),
            max_requests: set(4),
            without: set(Vec::new()),
            cumulative_deltas: set(false),
            drop_fields: set(Vec::new()),
            refused_tools: set(Vec::new()),
            ..Self::default()
        }
    }
}
