//! What of a server's configuration is secret, and is shown nowhere: not in what it says itself, in errors or on standard
//! error, and not to the model.

use serde_json::Value;

use super::{McpReach, McpServer};
use crate::tools::environment::is_secret;
use secrecy::ExposeSecret as _;

/// What stands for a secret.
const MASK: &str = "********";
/// The shortest text that is taken for one, in bytes: a shorter one is in other words by chance.
const SHORTEST: usize = 4;

/// The secrets of a server, the longest first.
pub(super) struct Hidden(Vec<String>);

impl Hidden {
    pub(super) fn of(server: &McpServer) -> Self {
        let mut words = Vec::new();
        match &server.reach {
            McpReach::Command { args, env, .. } => {
                words.extend(secret_words(args));
                let env = env
                    .iter()
                    .map(|(name, value)| (name, value.expose_secret()));
                words.extend(
                    env.filter(|(name, value)| is_secret(name, value))
                        .map(|(_, value)| value.to_owned()),
                );
            }
            McpReach::Url { url, headers } => {
                words.extend(secret_words(std::slice::from_ref(url)));
                // A whole query in an error's address; what of it is secret is not always plain.
                words.extend(url.split_once('?').map(|(_, query)| query.to_owned()));
                for (name, value) in headers {
                    let value = value.expose_secret();
                    if is_secret(name, value) {
                        words.push(value.to_owned());
                        words.extend(value.split_once(' ').map(|(_, key)| key.to_owned()));
                    }
                }
            }
        }
        words.retain(|word| word.len() >= SHORTEST);
        words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
        Self(words)
    }

    pub(super) fn hide(&self, text: &str) -> String {
        let words = self.0.iter();
        words.fold(text.to_owned(), |text, word| match text.contains(word) {
            true => text.replace(word, MASK),
            false => text,
        })
    }

    /// The same in what the model is told: a text, or the texts among its parts.
    pub(super) fn hide_in(&self, content: &mut Value) {
        match content {
            Value::String(text) => *text = self.hide(text),
            Value::Array(parts) => {
                let texts = parts.iter_mut().filter_map(|part| part.get_mut("text"));
                texts.for_each(|text| self.hide_in(text));
            }
            _ => {}
        }
    }
}

/// What in a command's arguments is a key, as far as that can be told: `--token X`, `--token=X`, `Authorization: Bearer X`,
/// `https://host/?api_key=X`, and what looks like one by itself.
pub fn secret_words(args: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    let mut flag = "";
    for arg in args {
        let named = arg.split_once('=').or_else(|| arg.split_once(": "));
        let told = |name: &str| !flag.contains('=') && flag.starts_with('-') && is_secret(name, "");
        if arg.contains("://") {
            words.extend(in_address(arg));
        } else if let Some((name, value)) = named {
            let value = value.trim();
            if is_secret(name, value) {
                words.extend(value.split_once(' ').map(|(_, key)| key.to_owned()));
                words.push(value.to_owned());
            }
        } else if is_secret("", arg) || told(flag) && !arg.starts_with('-') {
            words.push(arg.clone());
        }
        flag = arg;
    }
    let number = |word: &String| word.len() < 8 && word.bytes().all(|byte| byte.is_ascii_digit());
    // A reference shows nothing, and says where it comes from.
    let reference = |word: &String| word.starts_with("${") && word.ends_with('}');
    words.retain(|word| !number(word) && !reference(word));
    words
}

fn in_address(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((user, _)) = authority.rsplit_once('@') {
        words.push(
            user.split_once(':')
                .map_or(user, |(_, password)| password)
                .to_owned(),
        );
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let pairs = query
        .split(['&', '#'])
        .filter_map(|pair| pair.split_once('='));
    words.extend(
        pairs
            .filter(|(name, value)| is_secret(name, value))
            .map(|(_, value)| value.to_owned()),
    );
    words
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_among_arguments_are_seen() {
        for (args, secret) in [
            (&["--token", "abcd"][..], &["abcd"][..]),
            (&["--token=abcd", "-v"], &["abcd"]),
            (
                &["--header", "Authorization: Bearer abcd"],
                &["abcd", "Bearer abcd"],
            ),
            (
                &[
                    "mcp-remote",
                    "https://u:pass@a.example/x?region=eu&apiKey=abcd",
                ],
                &["pass", "abcd"],
            ),
            (&["sk-abcd"], &["sk-abcd"]),
            (&["--token", "${TOKEN}", "--key=${KEY}"], &[]),
            (
                &[
                    "--max-tokens",
                    "4096",
                    "--token",
                    "-v",
                    "-y",
                    "@scope/files",
                    ".",
                ],
                &[],
            ),
        ] {
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
            assert_eq!(secret_words(&args), secret, "{args:?}");
        }
    }

    #[test]
    fn what_is_hidden_is_hidden_everywhere() {
        let headers = vec![(
            "Authorization".to_owned(),
            "Bearer the-key".to_owned().into(),
        )];
        let server = McpServer::url("s", "https://a.example/?k=123456", headers);
        let hidden = Hidden::of(&server);
        assert_eq!(
            hidden.hide("Bearer the-key, the-key at /?k=123456"),
            "********, ******** at /?********"
        );
        let env = vec![
            ("LEVEL".to_owned(), "debug".to_owned().into()),
            ("A_KEY".to_owned(), "hush".to_owned().into()),
        ];
        let server = McpServer::command(
            "s",
            "x",
            vec!["--token".to_owned(), "abcd".to_owned()],
            env,
            "/",
        );
        let mut content = serde_json::json!([{"type": "input_text", "text": "debug hush abcd"}, {"type": "input_image"}]);
        Hidden::of(&server).hide_in(&mut content);
        assert_eq!(content[0]["text"], "debug ******** ********");
    }
}
