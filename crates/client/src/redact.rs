//! Takes the configured secrets out of whatever leaves the crate: messages, and the bytes of a trace.
//!
//! Upstreams echo keys, in error bodies above all (`Incorrect API key provided: sk-…`). The answer's own text is not
//! touched: what the model says is the caller's.

use secrecy::ExposeSecret as _;

use crate::Endpoint;

/// What stands in for a secret.
const MARK: &str = "[redacted]";

/// A configured value shorter than this is not looked for: taking out every `1` or `true` would hide nothing and
/// garble everything. Real keys are far longer.
const SHORTEST: usize = 6;

/// The secrets of one endpoint.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Longest first, so that a secret that contains another goes whole.
    secrets: Vec<String>,
}

impl Redactor {
    /// Everything about `endpoint` that must not be seen: key, header values, and what the address carries.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let mut secrets = Vec::new();
        if let Some(key) = &endpoint.api_key {
            secrets.push(key.expose_secret().to_owned());
        }
        for (_, value) in &endpoint.extra_headers {
            let value = value.expose_secret();
            // `Bearer TOKEN`: upstreams echo the token alone.
            secrets.extend(value.split_whitespace().last().map(str::to_owned));
            secrets.push(value.to_owned());
        }
        secrets.extend(endpoint.base_url.password().map(str::to_owned));
        secrets.extend(
            endpoint
                .base_url
                .query_pairs()
                .map(|(_, value)| value.into_owned()),
        );
        Self::new(secrets)
    }

    fn new(secrets: Vec<String>) -> Self {
        let mut secrets: Vec<String> = secrets
            .into_iter()
            .map(|s| s.trim().to_owned())
            .filter(|s| s.len() >= SHORTEST)
            .collect();
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self { secrets }
    }

    /// `text` without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MARK);
            }
        }
        text
    }

    /// The same for an optional text.
    pub(crate) fn option(&self, text: Option<String>) -> Option<String> {
        text.map(|text| self.text(&text))
    }

    /// A filter for bytes that come in pieces.
    pub(crate) fn stream(&self) -> RedactStream {
        RedactStream {
            redactor: self.clone(),
            held: Vec::new(),
        }
    }

    /// The secret that begins at the start of `bytes`.
    fn at(&self, bytes: &[u8]) -> Option<&str> {
        self.secrets
            .iter()
            .map(String::as_str)
            .find(|secret| bytes.starts_with(secret.as_bytes()))
    }

    /// Whether `bytes`, which end where the input ends so far, may be the beginning of a secret.
    fn may_begin(&self, bytes: &[u8]) -> bool {
        self.secrets
            .iter()
            .any(|secret| secret.len() > bytes.len() && secret.as_bytes().starts_with(bytes))
    }
}

/// See [`Redactor::stream`]. Holds back only bytes that may be the beginning of a secret: fewer than the longest has.
pub(crate) struct RedactStream {
    redactor: Redactor,
    held: Vec<u8>,
}

impl RedactStream {
    /// What of `chunk` and of what was held can go on.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        if self.redactor.secrets.is_empty() {
            return chunk.to_vec();
        }
        let mut input = std::mem::take(&mut self.held);
        input.extend_from_slice(chunk);
        let mut output = Vec::with_capacity(input.len());
        let mut rest = input.as_slice();
        while let Some(&byte) = rest.first() {
            // A longer secret may still be coming where a shorter one matches already, so this question is first.
            if self.redactor.may_begin(rest) {
                self.held = rest.to_vec();
                return output;
            }
            match self.redactor.at(rest) {
                Some(secret) => {
                    output.extend_from_slice(MARK.as_bytes());
                    rest = &rest[secret.len()..];
                }
                None => {
                    output.push(byte);
                    rest = &rest[1..];
                }
            }
        }
        output
    }

    /// What was held, at the end of the input.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        match std::str::from_utf8(&held) {
            Ok(text) => self.redactor.text(text).into_bytes(),
            // Part of a secret ends within a character: whatever it is, it is none of the secrets.
            Err(_) => held,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(
            ["sk-abcdef", "sk-abc", "tok-123456", "x"]
                .map(str::to_owned)
                .to_vec(),
        )
    }

    #[test]
    fn text() {
        for (text, expected) in [
            ("no secret", "no secret"),
            ("key sk-abcdef!", "key [redacted]!"),
            ("key sk-abc!", "key [redacted]!"),
            ("tok-123456tok-123456", "[redacted][redacted]"),
            ("x marks", "x marks"),
        ] {
            assert_eq!(redactor().text(text), expected);
        }
    }

    #[test]
    fn any_chunking_gives_the_same_bytes() {
        let input =
            b"a sk-abcdef b sk-abc c sk-ab tok-12345 tok-123456 sk-sk-abcd sk-abc".as_slice();
        let expected =
            "a [redacted] b [redacted] c sk-ab tok-12345 [redacted] sk-[redacted]d [redacted]";
        for size in 1..=input.len() {
            let mut stream = redactor().stream();
            let mut output = Vec::new();
            for chunk in input.chunks(size) {
                output.extend(stream.push(chunk));
            }
            output.extend(stream.finish());
            assert_eq!(
                String::from_utf8(output).unwrap(),
                expected,
                "chunks of {size}"
            );
        }
    }

    #[test]
    fn only_a_possible_beginning_is_held() {
        let mut stream = redactor().stream();
        assert_eq!(stream.push(b"data: sk"), b"data: ");
        assert_eq!(stream.push(b"ip"), b"skip");
    }

    #[test]
    fn an_endpoint_gives_up_all_its_secrets() {
        let mut endpoint = Endpoint::custom(
            "https://me:hunter2@r.example/v1?code=query-secret"
                .parse()
                .unwrap(),
        );
        endpoint.api_key = Some("sk-secret".to_owned().into());
        endpoint.extra_headers.push((
            "Authorization".to_owned(),
            "Bearer tok-secret".to_owned().into(),
        ));
        let text = Redactor::of(&endpoint)
            .text("hunter2 query-secret sk-secret tok-secret Bearer tok-secret");
        assert_eq!(
            text,
            "[redacted] [redacted] [redacted] [redacted] [redacted]"
        );
    }
}
