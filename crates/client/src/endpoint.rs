//! Where a turn goes, and how it may behave there.
//!
//! An [`Endpoint`] is plain data: whoever reads the configuration fills it in, [`crate::Client::new`] checks it. What it
//! must never do is show a key, so its `Debug` is written by hand and the address that people see is
//! [`Endpoint::display_url`], which leaves out user names, passwords and queries.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use respair_core::{Code, Limits};
use secrecy::SecretString;
use url::{Host, Url};

use crate::Recovery;

/// Whether the user declared the endpoint as a relay of their own, or named one of the native providers.
///
/// It is what was configured that decides, never the host's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// `openai`, `openai-codex`: the strict protocol and its errors; nothing is retried but transport.
    Native,
    /// Anything the user configured as custom: read strictly first, then as [`Recovery`] says.
    Custom,
}

/// One Responses API endpoint and the terms on which a turn is made there.
#[derive(Clone)]
#[non_exhaustive]
pub struct Endpoint {
    /// Native or custom.
    pub kind: ProviderKind,
    /// The provider's name as configured: `openai`, `openai-codex`, `custom`, `custom:NAME`.
    pub provider: String,
    /// The address that `/responses` is appended to, nothing in between. A query is kept.
    pub base_url: Url,
    /// The key sent as `Authorization: Bearer`; without one the header is not sent.
    pub api_key: Option<SecretString>,
    /// Where the key came from, in the user's words (`$RELAY_KEY`, `api_key in config.yaml`); named when it is refused.
    pub key_source: Option<String>,
    /// Headers sent besides our own; they win over ours.
    pub extra_headers: Vec<(String, SecretString)>,
    /// Fields merged into the request body at its top level; they win, and a `null` removes the field.
    pub extra_body: serde_json::Map<String, serde_json::Value>,
    /// A PEM file with certificate authorities to trust besides the system's.
    pub ssl_ca_cert: Option<PathBuf>,
    /// `false` accepts any certificate; each turn says so.
    pub ssl_verify: bool,
    /// The four waits.
    pub timeouts: TimeoutSettings,
    /// The buffers.
    pub limits: Limits,
    /// What is done about a stream that breaks the protocol; read for custom endpoints only.
    pub recovery: Recovery,
    /// Deltas repeat the whole text so far: what was shown is taken off them. Read for custom endpoints only.
    pub cumulative_deltas: bool,
    /// Types of tools that the endpoint is known to refuse (`custom`, `namespace`, `web_search`, …); read by the gateway, for
    /// custom endpoints only.
    pub refused_tools: Vec<String>,
    /// Mends of requests that are switched off, by their codes; read by the gateway, for custom endpoints only.
    pub requests_without: Vec<String>,
}

impl Endpoint {
    /// An endpoint that the user configured as their own, with every default.
    pub fn custom(base_url: Url) -> Self {
        Self::new(ProviderKind::Custom, "custom", base_url)
    }

    /// A native provider, named as in the configuration, with every default.
    pub fn native(provider: impl Into<String>, base_url: Url) -> Self {
        Self::new(ProviderKind::Native, provider, base_url)
    }

    fn new(kind: ProviderKind, provider: impl Into<String>, base_url: Url) -> Self {
        Self {
            kind,
            provider: provider.into(),
            base_url,
            api_key: None,
            key_source: None,
            extra_headers: Vec::new(),
            extra_body: serde_json::Map::new(),
            ssl_ca_cert: None,
            ssl_verify: true,
            timeouts: TimeoutSettings::default(),
            limits: Limits::default(),
            recovery: Recovery::default(),
            cumulative_deltas: false,
            refused_tools: Vec::new(),
            requests_without: Vec::new(),
        }
    }

    /// The address that is posted to: `base_url` + `/responses`, its query kept.
    pub fn responses_url(&self) -> Url {
        self.url_of("responses")
    }

    /// `base_url` + `/` + this, its query kept.
    pub(crate) fn url_of(&self, tail: &str) -> Url {
        let mut url = self.base_url.clone();
        let path = format!("{}/{tail}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.set_fragment(None);
        url
    }

    /// The address as it may be shown and stored: no user name, no password, no query.
    pub fn display_url(&self) -> String {
        bare(&self.base_url)
    }

    /// Whether deltas may repeat the whole text so far: never at a native endpoint.
    pub(crate) fn deltas_are_cumulative(&self) -> bool {
        self.kind == ProviderKind::Custom && self.cumulative_deltas
    }

    /// The rules that are switched off here: none at a native endpoint, whatever [`Recovery::without`] says.
    pub(crate) fn rules_off(&self) -> &[Code] {
        match self.kind {
            ProviderKind::Native => &[],
            ProviderKind::Custom => &self.recovery.without,
        }
    }

    /// Whether the host is this machine (`localhost`, `*.localhost`, 127.0.0.0/8, `::1`). Such a host is never
    /// reached through a proxy.
    pub fn is_loopback(&self) -> bool {
        match self.base_url.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => {
                address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
            }
            None => false,
        }
    }
}

/// `url` without what must not be shown or stored.
pub(crate) fn bare(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot carry them, which then hold nothing to hide.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self
            .extra_headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let fields: Vec<&str> = self.extra_body.keys().map(String::as_str).collect();
        f.debug_struct("Endpoint")
            .field("kind", &self.kind)
            .field("provider", &self.provider)
            .field("base_url", &self.display_url())
            .field("api_key", &self.api_key.as_ref().map(|_| "[redacted]"))
            .field("key_source", &self.key_source)
            .field("extra_headers", &headers)
            .field("extra_body", &fields)
            .field("ssl_ca_cert", &self.ssl_ca_cert)
            .field("ssl_verify", &self.ssl_verify)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("recovery", &self.recovery)
            .finish()
    }
}

/// How long each kind of silence may last; `None` waits for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutSettings {
    /// Until the connection stands, TLS included.
    pub connect: Option<Duration>,
    /// From sending the request to the first byte of the body. Long prefills are normal, so this is generous.
    pub first_byte: Option<Duration>,
    /// Between two bytes of the body, comments included.
    pub idle: Option<Duration>,
    /// Between two events that carry the turn on; comments and keep-alive events do not count.
    pub progress: Option<Duration>,
}

impl Default for TimeoutSettings {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(15)),
            first_byte: Some(Duration::from_secs(120)),
            idle: Some(Duration::from_secs(300)),
            progress: Some(Duration::from_secs(900)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn endpoint(base: &str) -> Endpoint {
        Endpoint::custom(base.parse().unwrap())
    }

    #[test]
    fn responses_is_appended_and_nothing_else() {
        for (base, expected) in [
            ("http://r.example", "http://r.example/responses"),
            ("http://r.example/", "http://r.example/responses"),
            ("http://r.example/v1", "http://r.example/v1/responses"),
            ("http://r.example/v1//", "http://r.example/v1/responses"),
            (
                "https://r.example/a/b?api-version=2",
                "https://r.example/a/b/responses?api-version=2",
            ),
            ("https://r.example/v1#top", "https://r.example/v1/responses"),
        ] {
            assert_eq!(endpoint(base).responses_url().as_str(), expected, "{base}");
        }
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let mut endpoint = endpoint("https://me:hunter2@r.example/v1?key=sk-query");
        endpoint.api_key = Some("sk-secret".to_owned().into());
        endpoint
            .extra_headers
            .push(("X-Token".to_owned(), "tok-secret".to_owned().into()));
        endpoint
            .extra_body
            .insert("user".to_owned(), "body-secret".into());
        assert_eq!(endpoint.display_url(), "https://r.example/v1");
        let shown = format!("{endpoint:?}");
        for secret in [
            "hunter2",
            "sk-query",
            "sk-secret",
            "tok-secret",
            "body-secret",
        ] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("X-Token"));
    }

    #[test]
    fn loopback_is_recognised() {
        for (base, expected) in [
            ("http://127.0.0.1:8383", true),
            ("http://127.9.9.9", true),
            ("http://localhost:1/v1", true),
            ("http://LOCALHOST.:1/v1", true),
            ("http://relay.localhost", true),
            ("http://[::1]:8383", true),
            ("http://[::ffff:127.0.0.1]:8383", true),
            ("http://192.168.0.2", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(endpoint(base).is_loopback(), expected, "{base}");
        }
    }
}
