//! What can go wrong: before the first request ([`SetupError`]) and in a turn ([`TurnError`]).

use std::path::PathBuf;
use std::time::Duration;

pub use respair_core::{ErrorSource, RetryVerdict};

/// The endpoint cannot be used as configured; nothing was sent. No variant shows a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The address is neither `http` nor `https`, or has no host.
    #[error("`{url}` is no http or https address")]
    Address {
        /// The address, without anything secret.
        url: String,
    },
    /// A header's name is not one that HTTP can carry.
    #[error("`{name}` is no header name (extra_headers)")]
    HeaderName {
        /// The name as configured.
        name: String,
    },
    /// A header's value, or the key, holds what HTTP cannot carry: a line break, a control character.
    #[error("the value of {name} holds a character that a header cannot carry")]
    HeaderValue {
        /// Which header, or `the API key`.
        name: String,
    },
    /// The file of `ssl_ca_cert` cannot be read.
    #[error("ssl_ca_cert {}: {}", path.display(), unnumbered(&source.to_string()))]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of `ssl_ca_cert` holds no certificate in PEM form.
    #[error("ssl_ca_cert {} holds no certificate in PEM form", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The system knows no certificate authority, so that nothing could be trusted.
    #[error(
        "https needs certificate authorities, and {}: `ssl_ca_cert` names a PEM file of them",
        named.map_or_else(
            || "none are installed here (the package is often `ca-certificates`)".to_owned(),
            |named| format!("where {named} points there are none"),
        )
    )]
    NoAuthority {
        /// The environment variable that says where they are.
        named: Option<&'static str>,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be set up: {0}")]
    Transport(String),
}

/// What the system says of an error, without its number for it.
pub(crate) fn unnumbered(text: &str) -> &str {
    text.split(" (os error").next().unwrap_or(text)
}

/// Why a turn did not complete.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TurnError {
    /// The upstream's code, the rule's code (`created-missing`), or one of our own (`empty_stream`).
    pub code: Option<String>,
    /// One sentence; the upstream's own where there is one, with every configured secret taken out.
    pub message: String,
    /// Who says so: the upstream, or we.
    pub source: ErrorSource,
    /// The HTTP status, when it was not a success.
    pub status: Option<u16>,
    /// Whether the same request may be sent again.
    pub retry: RetryVerdict,
    /// How long the upstream asked to wait.
    pub retry_after: Option<Duration>,
    /// The position of the event in its stream, for a broken rule: 0 is the first.
    pub event: Option<u64>,
    /// `x-request-id`, for the upstream's support.
    pub request_id: Option<String>,
    /// `cf-ray`, when Cloudflare stands between.
    pub cf_ray: Option<String>,
    /// What to do about it, when something can be done.
    pub hint: Option<String>,
    /// The field of the request that the upstream says it does not know.
    pub refused_field: Option<String>,
}

impl TurnError {
    /// An error that we state ourselves.
    pub(crate) fn local(
        code: impl Into<String>,
        message: impl Into<String>,
        retry: RetryVerdict,
    ) -> Self {
        Self::new(Some(code.into()), message.into(), ErrorSource::Local, retry)
    }

    pub(crate) fn new(
        code: Option<String>,
        message: String,
        source: ErrorSource,
        retry: RetryVerdict,
    ) -> Self {
        Self {
            code,
            message,
            source,
            status: None,
            retry,
            retry_after: None,
            event: None,
            request_id: None,
            cf_ray: None,
            hint: None,
            refused_field: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The code as it is shown: the code itself, else `http_503`, else `error`.
    pub fn label(&self) -> String {
        match (&self.code, self.status) {
            (Some(code), _) => code.clone(),
            (None, Some(status)) => format!("http_{status}"),
            (None, None) => "error".to_owned(),
        }
    }
}
