//! Takes the configured secrets out of whatever leaves the crate: messages, and the bytes of a trace.
//!
//! Upstreams echo keys, in error bodies above all (`Incorrect API key provided: sk-…`), and addresses too (`Cannot POST
//! /v1/responses?code=…`). What they echo has been through their encoders, so a secret is looked for in every spelling: each
//! of its characters may stand there plain, percent-encoded, or as JSON and HTML escape it. The answer's own text is not
//! touched: what the model says is the caller's.

use secrecy::ExposeSecret as _;
use url::form_urlencoded;

use crate::Endpoint;

/// What stands in for a secret.
const MARK: &str = "[redacted]";

/// A configured value shorter than this is not looked for: taking out every `1` or `true` would hide nothing and
/// garble everything. Real keys are far longer.
const SHORTEST: usize = 6;

/// The secrets of one endpoint.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<Secret>,
    /// The bytes that a spelling of one of them begins with.
    beginnings: Vec<u8>,
}

impl Redactor {
    /// Everything about `endpoint` that must not be seen: key, header values, and what the address carries.
    pub fn of(endpoint: &Endpoint) -> Self {
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
        let url = &endpoint.base_url;
        // A user without a password is a key in its place.
        let password = url.password().unwrap_or_else(|| url.username());
        // Also as configured, for whoever encodes that once more.
        secrets.push(password.to_owned());
        secrets.push(decoded(&password.replace('+', "%2B")));
        for pair in url.query().unwrap_or_default().split('&') {
            if let Some((_, value)) = pair.split_once('=') {
                secrets.push(value.to_owned());
                secrets.push(decoded(value));
            }
        }
        Self::new(secrets)
    }

    /// With one more: what is sent but is not configured as such.
    pub fn with(mut self, secret: &str) -> Self {
        self.add(secret);
        self
    }

    fn new(secrets: Vec<String>) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.add(&secret);
        }
        redactor
    }

    fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        // What pads base64 is often left off.
        let bare = secret.trim_end_matches('=');
        for secret in [secret, bare] {
            if secret.len() >= SHORTEST && !self.secrets.iter().any(|known| known.plain == secret) {
                let secret = Secret::new(secret);
                let first = secret.spellings.iter().take(1).flatten();
                self.beginnings
                    .extend(first.filter_map(|spelling| spelling.bytes().next()));
                self.beginnings.sort_unstable();
                self.beginnings.dedup();
                self.secrets.push(secret);
            }
        }
    }

    /// `text` without secrets.
    pub fn text(&self, text: &str) -> String {
        let (output, _) = self.scan(text.as_bytes(), true);
        String::from_utf8_lossy(&output).into_owned()
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

    /// `input` without secrets, and its rest, which may be the beginning of one. At the end of the input there is no rest.
    fn scan<'a>(&self, input: &'a [u8], is_end: bool) -> (Vec<u8>, &'a [u8]) {
        let mut output = Vec::with_capacity(input.len());
        let mut rest = input;
        while let Some(&byte) = rest.first() {
            // Almost every byte ends here.
            if !self.beginnings.contains(&byte) {
                output.push(byte);
                rest = &rest[1..];
                continue;
            }
            let mut found = Found::default();
            for secret in &self.secrets {
                found = found.or(secret.find(rest));
            }
            // A longer secret may still be coming where a shorter one is whole already, so this question is first.
            if found.may_begin && !is_end {
                break;
            }
            match found.len {
                0 => {
                    output.push(byte);
                    rest = &rest[1..];
                }
                len => {
                    output.extend_from_slice(MARK.as_bytes());
                    rest = &rest[len..];
                }
            }
        }
        (output, rest)
    }
}

/// A part of an address, decoded.
fn decoded(value: &str) -> String {
    // One name without a value, whatever is in it.
    form_urlencoded::parse(value.replace('&', "%26").replace('=', "%3D").as_bytes())
        .map(|(name, _)| name)
        .collect()
}

/// What of a secret is at the start of some bytes.
#[derive(Clone, Copy, Default)]
struct Found {
    /// The length of the longest spelling that is whole, 0 without one.
    len: usize,
    /// The bytes end within a spelling.
    may_begin: bool,
}

impl Found {
    fn or(self, other: Self) -> Self {
        Self {
            len: self.len.max(other.len),
            may_begin: self.may_begin || other.may_begin,
        }
    }
}

/// A secret, character by character.
#[derive(Clone)]
struct Secret {
    plain: String,
    /// The spellings of each character.
    spellings: Vec<Vec<String>>,
}

impl Secret {
    fn new(secret: &str) -> Self {
        Self {
            plain: secret.to_owned(),
            spellings: secret.chars().map(spellings).collect(),
        }
    }

    fn find(&self, bytes: &[u8]) -> Found {
        let mut found = Found::default();
        // Where the characters so far may end. More than one place only where one spelling begins another (`\`, `\\`).
        let mut ends = vec![0];
        for spellings in &self.spellings {
            let mut next = Vec::new();
            for at in ends {
                let rest = &bytes[at..];
                for spelling in spellings {
                    let spelling = spelling.as_bytes();
                    if rest.starts_with(spelling) {
                        next.push(at + spelling.len());
                    } else if spelling.starts_with(rest) {
                        found.may_begin = true;
                    }
                }
            }
            if next.is_empty() {
                return found;
            }
            next.sort_unstable();
            next.dedup();
            ends = next;
        }
        found.len = ends.last().copied().unwrap_or_default();
        found
    }
}

/// How a character may be written.
fn spellings(c: char) -> Vec<String> {
    let percent: String = c
        .encode_utf8(&mut [0; 4])
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let (mut upper, mut lower) = (String::new(), String::new());
    for unit in c.encode_utf16(&mut [0; 2]) {
        upper.push_str(&format!("\\u{unit:04X}"));
        lower.push_str(&format!("\\u{unit:04x}"));
    }
    let mut all = vec![
        c.to_string(),
        percent.to_ascii_lowercase(),
        percent,
        upper,
        lower,
    ];
    let special: &[&str] = match c {
        ' ' => &["+"],
        '"' => &["\\\"", "&quot;", "&#34;"],
        '\'' => &["&#39;", "&#x27;"],
        '/' => &["\\/", "&#x2F;"],
        '\\' => &["\\\\"],
        '&' => &["&amp;"],
        '<' => &["&lt;"],
        '>' => &["&gt;"],
        '=' => &["&#x3D;"],
        _ => &[],
    };
    all.extend(special.iter().map(|&spelling| spelling.to_owned()));
    all
}

/// See [`Redactor::stream`]. Holds back only bytes that may be the beginning of a secret: fewer than its longest spelling
/// has.
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
        self.held.extend_from_slice(chunk);
        let (output, rest) = self.redactor.scan(&self.held, false);
        self.held = rest.to_vec();
        output
    }

    /// What was held, at the end of the input.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        self.redactor.scan(&held, true).0
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

    /// However a secret was spelt on its way, it goes; in one piece or byte by byte.
    #[test]
    fn every_spelling_goes() {
        let mut endpoint = Endpoint::custom(
            "http://me:pa%2Fss%40w%C3%B6rd@r.example/v1?a=1&code=AbC%2Fdef+GHI%3D%3D&b=x%252Fyz12"
                .parse()
                .unwrap(),
        );
        endpoint.api_key = Some("k/e\"y\\+<1>&=".to_owned().into());
        let redactor = Redactor::of(&endpoint).with("bWU6cGFzcw==");
        for spelling in [
            // The query: as sent, decoded, encoded in small letters, encoded twice, decoded but for the plus.
            "AbC%2Fdef+GHI%3D%3D",
            "AbC/def GHI==",
            "AbC%2fdef%20GHI%3d%3d",
            "AbC%252Fdef+GHI%253D%253D",
            "AbC/def+GHI==",
            "x%252Fyz12",
            "x%2Fyz12",
            // The password.
            "pa%2Fss%40w%C3%B6rd",
            "pa%2fss@w%c3%b6rd",
            "pa/ss@wörd",
            "pa\\/ss@w\\u00f6rd",
            "pa\\/ss@w\\u00F6rd",
            // The key: plain, in JSON of several writers, in an address, in a page.
            "k/e\"y\\+<1>&=",
            "k/e\\\"y\\\\+<1>&=",
            "k\\/e\\\"y\\\\+<1>&=",
            "k/e\\u0022y\\u005C\\u002B\\u003C1\\u003E\\u0026=",
            "k/e\\u0022y\\\\+\\u003c1\\u003e\\u0026\\u003d",
            "k%2Fe%22y%5C%2B%3C1%3E%26%3D",
            "k/e&quot;y\\+&lt;1&gt;&amp;=",
            "bWU6cGFzcw",
            "bWU6cGFzcw%3D%3D",
            "bWU6cGFzcw==",
        ] {
            let text = format!("<{spelling}>");
            // The padding says nothing.
            let bare = |text: &str| text.replace("%3D", "").replace('=', "");
            assert_eq!(bare(&redactor.text(&text)), "<[redacted]>", "{spelling}");
            let mut stream = redactor.stream();
            let mut output = Vec::new();
            for byte in text.bytes() {
                output.extend(stream.push(&[byte]));
            }
            output.extend(stream.finish());
            assert_eq!(
                bare(std::str::from_utf8(&output).unwrap()),
                "<[redacted]>",
                "{spelling}"
            );
        }
        for text in ["a=1", "GHI", "k/e", "wörd", "%2F\\/\\u002f", "x%2Fyz"] {
            assert_eq!(redactor.text(text), text);
        }
    }

    #[test]
    fn a_user_without_a_password_is_the_key() {
        let of = |url: &str| Redactor::of(&Endpoint::custom(url.parse().unwrap()));
        assert_eq!(
            of("http://sk-secret@r.example").text("sk-secret"),
            "[redacted]"
        );
        assert_eq!(
            of("http://tester:hunter2@r.example").text("tester hunter2"),
            "tester [redacted]"
        );
    }

    /// Many ways to read a text as a secret are not many times the work.
    #[test]
    fn a_secret_of_escapes_is_found_in_time() {
        let redactor = Redactor::new(vec!["\\".repeat(200)]);
        assert_eq!(redactor.text(&"\\".repeat(400)), MARK);
        assert_eq!(redactor.text(&"\\".repeat(199)), "\\".repeat(199));
    }
}
