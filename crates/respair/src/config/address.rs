//! The rules for `base_url`: what is refused, what is taken off, what is warned about; and placeholders anywhere.

use respair_client::Endpoint;
use url::Url;

use super::options::{Origin, Sourced};
use super::problem::{Problem, Remark};

/// A checked base URL. The URL itself never holds a user name or a password.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) url: Url,
    /// `user:password` from the URL, decoded: what Basic authentication sends.
    pub(crate) userinfo: Option<secrecy::SecretString>,
}

/// Reads a base URL.
///
/// # Errors
/// A [`Problem`] that never quotes the text: what stands there may be a key, or hold a password.
pub(super) fn read(
    written: &Sourced<String>,
    remarks: &mut Vec<Remark>,
) -> Result<Address, Problem> {
    let name = written.origin.name();
    let text = written.value.trim();
    if let Some(placeholder) = placeholder(text) {
        return Err(blame(
            Problem::new(format!("still holds the placeholder `{placeholder}`"))
                .help("put the address of your endpoint there, as in https://relay.example/v1"),
            &written.origin,
        ));
    }
    let wrong = |what: &str| {
        blame(
            Problem::new(what).help("write the whole address, as in https://relay.example/v1"),
            &written.origin,
        )
    };
    let schemeless = || wrong("does not begin with http:// or https://");
    let mut url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => schemeless(),
        error => wrong(&format!("is no address ({error})")),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(schemeless());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("names no host"));
    }
    let userinfo = take_userinfo(&mut url);
    if url.fragment().is_some() {
        url.set_fragment(None);
        remarks.push(Remark::Notice(format!(
            "{name}: what follows `#` is left out"
        )));
    }
    strip_pasted(&mut url, name, remarks);
    if url.scheme() == "http" && !Endpoint::custom(url.clone()).is_loopback() {
        let what = "is plain http: the key and the conversation can be read on the way";
        remarks.push(Remark::Warning(format!("{} {what}", shown(&url))));
    }
    Ok(Address { url, userinfo })
}

/// An address as it may be shown: no query, no trailing slash.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// What somebody typed, as addresses are shown and stored; `None` when it is none.
pub(crate) fn plain(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    take_userinfo(&mut url);
    url.set_fragment(None);
    strip_pasted(&mut url, "", &mut Vec::new());
    matches!(url.scheme(), "http" | "https").then(|| shown(&url))
}

/// Whether two written addresses are the same place.
pub(super) fn same(a: &str, b: &str) -> bool {
    let plain = |text: &str| {
        let mut url = Url::parse(text.trim()).ok()?;
        take_userinfo(&mut url);
        url.set_fragment(None);
        strip_pasted(&mut url, "", &mut Vec::new());
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Some(url)
    };
    plain(a).is_some_and(|a| plain(b).is_some_and(|b| a == b))
}

/// Whether this is an http or https address at all.
pub(super) fn is_one(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Says whose fault it is: a place in the file, a variable or a flag.
pub(super) fn blame(problem: Problem, origin: &Origin) -> Problem {
    let problem = problem.key(origin.name());
    match origin.place() {
        Some(place) => problem.at(place.clone()),
        None => problem,
    }
}

/// The endpoint's path is often pasted along with its base.
fn strip_pasted(url: &mut Url, name: &str, remarks: &mut Vec<Remark>) {
    let path = url.path().trim_end_matches('/').to_owned();
    for (tail, of) in [
        ("/responses", ""),
        ("/chat/completions", " (respair speaks the Responses API)"),
    ] {
        if let Some(base) = path.strip_suffix(tail) {
            url.set_path(base);
            let what = format!(
                "{name}: the trailing `{tail}` is left out: `/responses` is added to the base URL{of}"
            );
            remarks.push(Remark::Notice(what));
            return;
        }
    }
}

fn take_userinfo(url: &mut Url) -> Option<secrecy::SecretString> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let pair = format!(
        "{}:{}",
        percent_decoded(url.username()),
        percent_decoded(url.password().unwrap_or_default())
    );
    // Neither fails for an http address with a host, which was checked before.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(pair.into())
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The placeholder that `text` holds: `<key>`, `YOUR_API_KEY`, `sk-...`.
pub(super) fn placeholder(text: &str) -> Option<&str> {
    if let Some(start) = text.find('<')
        && let Some(len) = text[start..].find('>')
        && len > 1
    {
        return Some(&text[start..=start + len]);
    }
    let plain = text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let asks = [
        "yourapikey",
        "yourkey",
        "youropenaikey",
        "yourtoken",
        "yourmodel",
        "yourendpoint",
        "apikeyhere",
    ];
    if asks.iter().any(|a| plain.contains(a)) {
        return Some(text);
    }
    // `sk-...`, `sk-xxxx`, `xxx`, `***`: filler and nothing else.
    let filler = text.strip_prefix("sk-").unwrap_or(text);
    let all = |c: char| filler.chars().all(|f| f == c);
    (filler.len() >= 3 && (all('.') || all('…') || all('x') || all('X') || all('*')))
        .then_some(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn address(text: &str) -> (Result<Address, Problem>, Vec<Remark>) {
        let mut remarks = Vec::new();
        let read = read(
            &Sourced::new(text.into(), Origin::Flag("--base-url")),
            &mut remarks,
        );
        (read, remarks)
    }

    #[test]
    fn pasted_tails_go() {
        for (text, want) in [
            ("https://r.example/v1/responses", "https://r.example/v1"),
            ("https://r.example/v1/responses/", "https://r.example/v1"),
            (
                "https://r.example/responses?api-version=1",
                "https://r.example/?api-version=1",
            ),
            (
                "https://r.example/v1/chat/completions",
                "https://r.example/v1",
            ),
        ] {
            let (read, remarks) = address(text);
            assert_eq!(read.unwrap().url.as_str(), want);
            assert_eq!(remarks.len(), 1, "{text}");
        }
        assert!(address("https://r.example/v1").1.is_empty());
        assert!(same(
            "https://r.example/v1/responses",
            "https://R.example/v1/"
        ));
        assert!(!same("https://r.example/v1", "http://r.example/v1"));
    }

    #[test]
    fn plain_http_is_warned_about_beyond_loopback() {
        for text in [
            "http://127.0.0.1:1/v1",
            "http://localhost",
            "http://[::1]:2",
            "https://r.example",
        ] {
            assert!(address(text).1.is_empty(), "{text}");
        }
        assert!(matches!(
            &address("http://r.example/v1").1[..],
            [Remark::Warning(_)]
        ));
    }

    #[test]
    fn userinfo_is_taken_out() {
        let read = address("https://me:p%40ss@r.example/v1").0.unwrap();
        assert_eq!(read.url.as_str(), "https://r.example/v1");
        assert_eq!(read.userinfo.unwrap().expose_secret(), "me:p@ss");
    }

    #[test]
    fn what_is_no_address_is_not_quoted() {
        for text in [
            "sk-secret",
            "localhost:8080/v1",
            "//secret",
            "ftp://secret/x",
            "https://",
            "http://secret:99999/",
            "",
        ] {
            let problem = address(text).0.unwrap_err().to_string();
            assert!(!problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn placeholders() {
        for text in [
            "<key>",
            "https://<endpoint>/v1",
            "YOUR_API_KEY",
            "your-api-key",
            "sk-...",
            "sk-xxxx",
            "xxxxxxxx",
            "sk-your-key-here",
        ] {
            assert!(placeholder(text).is_some(), "{text}");
        }
        for text in [
            "sk-proj-abc",
            "no-key-required",
            "gpt-5.4",
            "https://r.example/v1",
            "a<b",
            "xx",
            "key",
        ] {
            assert!(placeholder(text).is_none(), "{text}");
        }
        assert_eq!(placeholder("https://<endpoint>/v1"), Some("<endpoint>"));
    }
}
