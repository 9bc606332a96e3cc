//! The upstreams, ready to be asked. Which one a request goes to is the path's or the model's choice, never an address that
//! the client names.

use hyper::header::{AUTHORIZATION, HeaderMap};
use respair_client::wire::{self, Redactor};
use respair_client::{Endpoint, ProviderKind, SetupError};
use url::Url;

use crate::Upstream;
use crate::request::Terms;

/// One upstream.
pub(crate) struct Ready {
    pub(crate) name: String,
    pub(crate) model: Option<String>,
    pub(crate) endpoint: Endpoint,
    pub(crate) http: reqwest::Client,
    pub(crate) redactor: Redactor,
    /// What was configured: the key, and the extra headers. They win over the client's.
    pub(crate) headers: HeaderMap,
    /// What becomes of requests.
    pub(crate) terms: Terms,
}

impl Ready {
    fn new(upstream: Upstream) -> Result<Self, SetupError> {
        let Upstream {
            name,
            model,
            endpoint,
        } = upstream;
        let http = wire::build(&endpoint, HeaderMap::new())?;
        let configured = |name: &str| {
            endpoint
                .extra_headers
                .iter()
                .any(|(extra, _)| extra.eq_ignore_ascii_case(name))
        };
        // Without those that a client of our own would send.
        let headers = wire::headers(&endpoint)?;
        let headers = headers
            .iter()
            .filter(|(name, _)| **name == AUTHORIZATION || configured(name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Ok(Self {
            name,
            model,
            redactor: Redactor::of(&endpoint),
            terms: Terms::of(&endpoint),
            endpoint,
            http,
            headers,
        })
    }

    /// A native provider's stream is passed on byte for byte.
    pub(crate) fn is_native(&self) -> bool {
        self.endpoint.kind == ProviderKind::Native
    }

    /// The address for what a client appended to the base URL: both queries are kept.
    pub(crate) fn address(&self, rest: &str, query: Option<&str>) -> Url {
        let mut url = self.endpoint.base_url.clone();
        url.set_path(&format!("{}{rest}", url.path().trim_end_matches('/')));
        url.set_fragment(None);
        let own = url.query().filter(|own| !own.is_empty()).map(str::to_owned);
        match (own, query.filter(|query| !query.is_empty())) {
            (Some(own), Some(query)) => url.set_query(Some(&format!("{own}&{query}"))),
            (None, Some(query)) => url.set_query(Some(query)),
            _ => {}
        }
        if self.headers.contains_key(AUTHORIZATION) {
            // The address's own user would replace the header; neither fails for an address with a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        url
    }
}

/// All of them; the first is the default.
pub(crate) struct Upstreams(Vec<Ready>);

impl Upstreams {
    pub(crate) fn new(list: Vec<Upstream>) -> Result<Self, SetupError> {
        list.into_iter()
            .map(Ready::new)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0
            .iter()
            .map(|upstream| upstream.name.as_str())
            .collect()
    }

    /// The one that the path names, else the one for the model, else the first.
    pub(crate) fn choose(&self, by_path: Option<usize>, model: Option<&str>) -> Option<&Ready> {
        let by_model = || {
            self.0
                .iter()
                .find(|upstream| model.is_some() && upstream.model.as_deref() == model)
        };
        match by_path {
            Some(at) => self.0.get(at),
            None => by_model().or_else(|| self.0.first()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn upstreams() -> Upstreams {
        let custom = |url: &str| Endpoint::custom(url.parse().unwrap());
        let mut keyed = custom("http://127.0.0.1:1/v1?api-version=2");
        keyed.api_key = Some("sk-configured".to_owned().into());
        keyed
            .extra_headers
            .push(("X-Team".to_owned(), "t".to_owned().into()));
        Upstreams::new(vec![
            Upstream::new("plain", custom("http://127.0.0.1:1/openai/")),
            Upstream::new("keyed", keyed).for_model(Some("m".to_owned())),
        ])
        .unwrap()
    }

    #[test]
    fn the_path_comes_before_the_model_and_the_model_before_the_default() {
        let upstreams = upstreams();
        let chosen = |path, model| upstreams.choose(path, model).unwrap().name.clone();
        assert_eq!(chosen(None, None), "plain");
        assert_eq!(chosen(None, Some("m")), "keyed");
        assert_eq!(chosen(None, Some("other")), "plain");
        assert_eq!(chosen(Some(0), Some("m")), "plain");
    }

    #[test]
    fn addresses_and_queries() {
        let upstreams = upstreams();
        let address = |at, rest, query| {
            upstreams
                .choose(Some(at), None)
                .unwrap()
                .address(rest, query)
                .to_string()
        };
        assert_eq!(
            address(0, "/responses", None),
            "http://127.0.0.1:1/openai/responses"
        );
        assert_eq!(
            address(0, "/models", Some("after=m")),
            "http://127.0.0.1:1/openai/models?after=m"
        );
        assert_eq!(
            address(1, "/models", Some("a=b")),
            "http://127.0.0.1:1/v1/models?api-version=2&a=b"
        );
    }

    #[test]
    fn the_configured_key_wins() {
        let upstreams = upstreams();
        let mut given = HeaderMap::new();
        given.insert(AUTHORIZATION, "Bearer client".parse().unwrap());
        given.insert("user-agent", "codex_exec/1".parse().unwrap());
        let sent = |at| crate::headers::upstream(&given, upstreams.choose(Some(at), None).unwrap());
        assert_eq!(sent(0)[AUTHORIZATION], "Bearer client");
        assert_eq!(sent(1)[AUTHORIZATION], "Bearer sk-configured");
        assert_eq!(
            (&sent(1)["x-team"], &sent(1)["user-agent"]),
            (&"t".parse().unwrap(), &"codex_exec/1".parse().unwrap())
        );
    }
}
