//! A [`Prober`]: an endpoint that is asked twice over, as its user and as a stranger.

use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::ask::NO_KEY;
use super::exchange::{self, Progress};
use super::{Answer, Probe};
use crate::client::Shared;
use crate::{ClientOptions, Endpoint, SetupError};

/// The only parameter of an address that a stranger keeps: without it some endpoints answer nothing at all.
const HARMLESS: &str = "api-version";

/// Asks one endpoint.
pub struct Prober {
    user: Shared,
    /// The same address, and nothing that was configured to be sent there.
    stranger: Shared,
    /// How often it was asked.
    asked: AtomicU32,
}

impl Prober {
    /// Checks the endpoint and prepares to ask it. Nothing is sent yet. The memory among the options is not used.
    ///
    /// # Errors
    /// When the endpoint cannot be used as configured.
    pub fn new(endpoint: Endpoint, options: ClientOptions) -> Result<Self, SetupError> {
        let stranger = Shared::new(stranger(&endpoint), options.clone())?;
        let user = Shared::new(endpoint, options)?;
        Ok(Self {
            user,
            stranger,
            asked: AtomicU32::new(0),
        })
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.user.endpoint
    }

    /// Sends one request and reads its answer to the end, as long as the endpoint's timers and limits allow. `progress`
    /// hears what comes meanwhile.
    pub async fn ask(
        &self,
        probe: Probe,
        model: &str,
        cancel: &CancellationToken,
        progress: impl FnMut(Progress),
    ) -> Answer {
        let shared = match probe {
            Probe::WrongKey => &self.stranger,
            _ => &self.user,
        };
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        exchange::run(shared, number, probe, model, cancel, progress).await
    }
}

impl std::fmt::Debug for Prober {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prober")
            .field("endpoint", &self.user.endpoint)
            .finish_non_exhaustive()
    }
}

/// The endpoint as somebody knows it who has no key: none of the configured headers, nothing in the address that could
/// be one.
fn stranger(endpoint: &Endpoint) -> Endpoint {
    let mut stranger = endpoint.clone();
    stranger.api_key = Some(SecretString::from(NO_KEY));
    stranger.key_source = None;
    stranger.extra_headers.clear();
    let url = &mut stranger.base_url;
    // Both fail only for addresses that cannot carry them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name == HARMLESS)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&kept)
        .finish();
    url.set_query(
        Some(&query)
            .filter(|query| !query.is_empty())
            .map(String::as_str),
    );
    stranger
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_stranger_knows_the_address_only() {
        let url = "https://me:hunter2@r.example/v1?code=sk-query&api-version=2025-04-01";
        let mut endpoint = Endpoint::custom(url.parse().unwrap());
        endpoint.api_key = Some("sk-secret".to_owned().into());
        endpoint
            .extra_headers
            .push(("api-key".to_owned(), "sk-header".to_owned().into()));
        let stranger = stranger(&endpoint);
        assert_eq!(
            stranger.base_url.as_str(),
            "https://r.example/v1?api-version=2025-04-01"
        );
        assert_eq!(stranger.api_key.unwrap().expose_secret(), NO_KEY);
        assert!(stranger.extra_headers.is_empty() && stranger.key_source.is_none());
        endpoint.base_url.set_query(Some("code=1"));
        assert_eq!(super::stranger(&endpoint).base_url.query(), None);
    }
}
