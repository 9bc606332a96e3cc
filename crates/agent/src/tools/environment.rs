//! The environment of a command: this process's, without what could be a key.

use std::ffi::{OsStr, OsString};

/// Words that a variable's name is split into; one of these makes it a secret.
const SECRET_WORDS: &[&str] = &[
    "APIKEY",
    "AUTH",
    "AUTHORIZATION",
    "BEARER",
    "COOKIE",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "DSN",
    "JWT",
    "KEY",
    "KEYS",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "PRIVATE",
    "PWD",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
];
/// Endings of a word that make it one: `OPENAIKEY`, `DBPASSWORD`, `GHTOKEN`.
const SECRET_ENDINGS: &[&str] = &[
    "APIKEY",
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "ACCESSKEY",
];
/// Names that only look so: where one is, and how to reach the user's agent that signs and never tells.
const HARMLESS: &[&str] = &["PWD", "OLDPWD", "SSH_AUTH_SOCK"];
/// What keys begin with, whatever the variable is called.
const SECRET_BEGINNINGS: &[&str] = &[
    "sk-",
    "sk_live_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xai-",
    "AKIA",
    "ASIA",
    "AIza",
    "hf_",
    "npm_",
    "pypi-",
    "Bearer ",
    "Basic ",
    "-----BEGIN ",
];

/// The shortest value, in bytes, that is looked for in other variables: a shorter one is in some of them by chance.
const KEY: usize = 8;

/// What a command may know of `all`. `named` are the variables that keys are read from; one that holds the value of such a
/// variable is a key by another name.
pub(crate) fn scrubbed(
    all: &[(OsString, OsString)],
    named: &[String],
) -> Vec<(OsString, OsString)> {
    let is_named = |name: &OsStr| named.iter().any(|key| OsStr::new(key) == name);
    let keys = all.iter().filter(|(name, _)| is_named(name));
    let keys = keys.map(|(_, value)| value.to_string_lossy());
    let keys: Vec<_> = keys.filter(|key| key.len() >= KEY).collect();
    let open = all.iter().filter(|(name, value)| {
        let value = value.to_string_lossy();
        !is_named(name)
            && !is_secret(&name.to_string_lossy(), &value)
            && !keys.iter().any(|key| value.contains(&**key))
    });
    open.cloned().collect()
}

pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    if HARMLESS.contains(&name.as_str()) {
        return false;
    }
    let word_is_secret = |word: &str| {
        SECRET_WORDS.contains(&word) || SECRET_ENDINGS.iter().any(|ending| word.ends_with(ending))
    };
    name.starts_with("RESPAIR_")
        || name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(word_is_secret)
        || SECRET_BEGINNINGS
            .iter()
            .any(|beginning| value.starts_with(beginning))
        || has_password(value)
        || is_web_token(value)
}

/// `scheme://user:password@host`: proxies, databases.
fn has_password(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    })
}

/// `eyJ….eyJ….…`
fn is_web_token(value: &str) -> bool {
    value.starts_with("eyJ") && value.split('.').count() == 3
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_recognised_by_name_and_by_value() {
        for (name, value) in [
            ("OPENAI_API_KEY", "x"),
            ("openai_api_key", "x"),
            ("GH_TOKEN", "x"),
            ("OPENAIKEY", "sk-abc"),
            ("MYAPIKEY", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("PGPASSWORD", "x"),
            ("GITHUB_PAT", "x"),
            ("SENTRY_DSN", "x"),
            ("MYSQL_PWD", "x"),
            ("RESPAIR_BASE_URL", "https://relay.example"),
            ("X", "sk-proj-1"),
            ("Y", "Bearer abc"),
            ("DATABASE_URL", "postgres://me:hunter2@db/x"),
            ("https_proxy", "http://u:p@proxy:3128"),
            ("Z", "eyJhbGciOi.eyJzdWIi.c2ln"),
        ] {
            assert!(is_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("PATH", "/usr/bin:/bin"),
            ("HOME", "/home/me"),
            ("PWD", "/home/me"),
            ("SSH_AUTH_SOCK", "/run/agent"),
            ("KEYBOARD_LAYOUT", "de"),
            ("MONKEY", "x"),
            ("XDG_SESSION_ID", "1"),
            ("http_proxy", "http://proxy:3128"),
            ("URL", "https://a.example/x:y@z"),
            ("AUTHOR", "me"),
            ("COMPASS", "x"),
        ] {
            assert!(!is_secret(name, value), "{name}");
        }
    }

    #[test]
    fn the_named_ones_are_taken_out_as_well() {
        let all = [
            ("MY_RELAY", "abcdefgh"),
            ("COPY", "x=abcdefgh"),
            ("OTHER", "a"),
            ("PATH", "/bin:a"),
        ];
        let all = all.map(|(n, v)| (n.into(), v.into()));
        let left = scrubbed(&all, &["MY_RELAY".to_owned(), "OTHER".to_owned()]);
        assert_eq!(left, [("PATH".into(), "/bin:a".into())]);
    }
}
