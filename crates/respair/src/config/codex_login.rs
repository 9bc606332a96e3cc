//! The token that `codex login` stored. It is read, never refreshed and never written.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;

use super::problem::{Place, Problem};
use crate::paths::{self, Env};

/// What `auth.json` gives.
pub(super) struct Login {
    pub(super) token: SecretString,
    pub(super) account: Option<String>,
    /// The file, for messages.
    pub(super) source: String,
}

#[derive(Deserialize)]
struct AuthFile {
    tokens: Option<Tokens>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<String>,
    account_id: Option<String>,
}

/// The claims that matter here. The signature is the server's business.
#[derive(Deserialize, Default)]
struct Claims {
    exp: Option<u64>,
    #[serde(rename = "https://api.openai.com/auth")]
    auth: Option<AuthClaim>,
}

#[derive(Deserialize)]
struct AuthClaim {
    chatgpt_account_id: Option<String>,
}

/// `$CODEX_HOME/auth.json`, else `~/.codex/auth.json`.
pub(crate) fn file(env: &Env) -> Option<PathBuf> {
    let home = env
        .path("CODEX_HOME")
        .or_else(|| Some(env.home()?.join(".codex")));
    Some(home?.join("auth.json"))
}

/// Reads the login.
///
/// # Errors
/// A [`Problem`] that says to run `codex login`, when there is no usable token.
pub(super) fn read(env: &Env) -> Result<Login, Problem> {
    let Some(path) = file(env) else {
        return Err(
            Problem::new("openai-codex: no home directory to find the login in")
                .help("set CODEX_HOME"),
        );
    };
    let source = paths::shown(&path, env);
    let refuse = |what: &str| {
        let place = Place {
            file: source.clone(),
            line: 0,
            column: 0,
        };
        Problem::new(format!("openai-codex: {what}"))
            .at(place)
            .help("run `codex login`")
    };
    let text = std::fs::read_to_string(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => refuse("nobody is logged in"),
        _ => refuse(&format!("the login cannot be read: {e}")),
    })?;
    // serde_json's message would quote what stands there.
    let file: AuthFile = serde_json::from_str(&text)
        .map_err(|_| refuse("the login is not what `codex login` writes"))?;
    let tokens = file
        .tokens
        .ok_or_else(|| refuse("the login holds no access token"))?;
    let token = tokens
        .access_token
        .filter(|t| !t.is_empty())
        .ok_or_else(|| refuse("the login holds no access token"))?;
    let claims = claims(&token).unwrap_or_default();
    if claims.exp.is_some_and(|exp| exp <= now()) {
        return Err(refuse("the login has expired"));
    }
    let account = tokens
        .account_id
        .filter(|a| !a.is_empty())
        .or_else(|| claims.auth?.chatgpt_account_id);
    Ok(Login {
        token: token.into(),
        account,
        source,
    })
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::collections::HashMap;

    use secrecy::ExposeSecret;

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
    }

    fn read_text(text: &str) -> Result<Login, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("auth.json"), text).unwrap();
        read(&Env::Fixed(HashMap::from([(
            "CODEX_HOME".to_owned(),
            dir.path().into(),
        )])))
        .map_err(|p| p.to_string())
    }

    #[test]
    fn a_login() {
        let token =
            jwt(r#"{"exp":4000000000,"https://api.openai.com/auth":{"chatgpt_account_id":"acc"}}"#);
        let login = read_text(&format!(
            r#"{{"tokens":{{"access_token":"{token}"}},"other":1}}"#
        ))
        .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(login.token.expose_secret(), token);
        assert_eq!(login.account.as_deref(), Some("acc"));
    }

    #[test]
    fn no_login() {
        let old = jwt(r#"{"exp":1}"#);
        for text in [
            "",
            "{",
            "{}",
            r#"{"tokens":{}}"#,
            r#"{"OPENAI_API_KEY":"sk-secret","tokens":null}"#,
            &format!(r#"{{"tokens":{{"access_token":"{old}"}}}}"#),
        ] {
            let error = read_text(text).err().unwrap();
            assert!(error.contains("run `codex login`"), "{error}");
            assert!(
                !error.contains("secret") && !error.contains(&old),
                "{error}"
            );
        }
        let env = Env::Fixed(HashMap::from([("HOME".to_owned(), "/nonexistent".into())]));
        assert!(
            read(&env)
                .err()
                .unwrap()
                .to_string()
                .starts_with("~/.codex/auth.json: ")
        );
    }
}
