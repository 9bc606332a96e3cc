//! From [`Loaded`] to what a turn is made with. Every problem is collected; the key is fetched here and nowhere else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::address::{self, Address};
use super::options::{Key, Options, Origin, Sourced};
use super::problem::{Problem, Remark};
use super::providers::{self, Provider};
use super::{Loaded, codex_login};
use crate::paths::{self, Env};

/// Everything a turn needs, checked.
pub(crate) struct Settings {
    pub(crate) provider: Provider,
    pub(crate) model: String,
    pub(crate) base_url: Url,
    pub(crate) api_key: Option<SecretString>,
    /// Where the key came from, in words; for messages about a refused key.
    pub(crate) key_source: Option<String>,
    pub(crate) extra_headers: Vec<(String, SecretString)>,
    pub(crate) state_dir: Option<std::path::PathBuf>,
    /// The rest, every default filled in.
    pub(crate) options: Options,
    /// The conversation's, every default filled in.
    pub(crate) agent: super::Agent,
    /// The configuration file, or where it would be.
    pub(crate) file: Option<std::path::PathBuf>,
}

/// Why there are no settings.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// No file, no variable, no flag says where to go.
    Nothing,
    Problems(Vec<Problem>),
}

impl Loaded {
    /// Checks the address, fetches the key and the login.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub(crate) fn settings(&mut self, env: &Env) -> Result<Settings, Unusable> {
        self.checked(env, Self::model)
    }

    /// The same for the gateway, whose clients name the model: without one it is empty.
    ///
    /// # Errors
    /// As [`Loaded::settings`].
    pub(crate) fn upstream(&mut self, env: &Env) -> Result<Settings, Unusable> {
        let model = |loaded: &Self, _: &mut Vec<Problem>| {
            let named = loaded
                .options
                .model
                .as_ref()
                .map(|model| model.value.clone());
            Some(
                named
                    .filter(|name| address::placeholder(name).is_none())
                    .unwrap_or_default(),
            )
        };
        self.checked(env, model)
    }

    fn checked(
        &mut self,
        env: &Env,
        model: impl FnOnce(&Self, &mut Vec<Problem>) -> Option<String>,
    ) -> Result<Settings, Unusable> {
        let Some(provider) = self.provider.clone() else {
            return Err(match self.problems.is_empty() {
                true => Unusable::Nothing,
                false => {
                    self.problems.sort_by_key(Problem::position);
                    Unusable::Problems(std::mem::take(&mut self.problems))
                }
            });
        };
        let mut problems = std::mem::take(&mut self.problems);
        let address = match &self.options.base_url {
            Some(url) => address::read(url, &mut self.remarks)
                .map_err(|p| problems.push(p))
                .ok(),
            None => {
                // A misspelt or refused value was named already.
                if problems.is_empty() {
                    problems.push(self.no_address(&provider));
                }
                None
            }
        };
        let model = model(self, &mut problems);
        let credentials = match &address {
            Some(address) => self
                .credentials(&provider, address, env)
                .map_err(|p| problems.push(p))
                .ok(),
            None => {
                // Without an address nothing is sent, but what is wrong with the key is told along with the rest.
                if let Some(key) = &self.options.key {
                    fetch(key, env, &mut self.remarks)
                        .map_err(|p| problems.push(p))
                        .ok();
                }
                None
            }
        };
        match (address, model, credentials) {
            (Some(address), Some(model), Some(credentials)) if problems.is_empty() => {
                Ok(Settings {
                    provider,
                    model,
                    base_url: address.url,
                    api_key: credentials.key,
                    key_source: credentials.source,
                    extra_headers: credentials.headers,
                    state_dir: self.state_dir(env),
                    options: self.options.clone(),
                    agent: self.agent.clone(),
                    file: self.path.clone(),
                })
            }
            _ => {
                problems.sort_by_key(Problem::position);
                Err(Unusable::Problems(problems))
            }
        }
    }

    /// `--state-dir`, `$RESPAIR_STATE_DIR`, else the XDG state directory.
    pub(crate) fn state_dir(&self, env: &Env) -> Option<std::path::PathBuf> {
        self.options
            .state_dir
            .as_ref()
            .map(|s| s.value.clone())
            .or_else(|| paths::state_dir(env))
    }

    fn no_address(&self, provider: &Provider) -> Problem {
        let problem = Problem::new(format!("provider `{}` has no base_url", provider.name()));
        if !self.first {
            return problem.help("give it a `base_url`, as in https://relay.example/v1");
        }
        let file = self.file.as_deref().unwrap_or("the configuration");
        problem.help(format!(
            "set model.base_url in {file}, RESPAIR_BASE_URL or --base-url"
        ))
    }

    fn model(&self, problems: &mut Vec<Problem>) -> Option<String> {
        let Some(model) = &self.options.model else {
            if !problems.is_empty() {
                return None;
            }
            let file = self.file.as_deref().unwrap_or("the configuration");
            problems.push(Problem::new("no model is configured").help(format!(
                "set model.default in {file}, RESPAIR_MODEL or --model"
            )));
            return None;
        };
        if let Some(placeholder) = address::placeholder(&model.value) {
            let problem = Problem::new(format!("still holds the placeholder `{placeholder}`"));
            problems.push(address::blame(
                problem.help("put the model's name there"),
                &model.origin,
            ));
            return None;
        }
        Some(model.value.clone())
    }

    fn credentials(
        &mut self,
        provider: &Provider,
        address: &Address,
        env: &Env,
    ) -> Result<Credentials, Problem> {
        let mut headers = self
            .options
            .extra_headers
            .as_ref()
            .map(|h| h.value.clone())
            .unwrap_or_default();
        let at_home = provider
            .default_url()
            .is_some_and(|url| address::same(url, address.url.as_str()));
        let mut key = None;
        let mut source = None;
        match &self.options.key {
            Some(configured) => {
                key = fetch(configured, env, &mut self.remarks)?;
                source = key
                    .is_some()
                    .then(|| match (&configured.value, &configured.origin) {
                        (Key::Variable(name), _) => format!("${name}"),
                        (_, Origin::Environment(name)) => format!("${name}"),
                        (_, origin) => format!("{} ({origin})", origin.name()),
                    });
            }
            None if at_home && *provider == Provider::OpenAi => {
                let text = env.text("OPENAI_API_KEY").ok().flatten().ok_or_else(|| {
                    Problem::new("provider `openai` needs a key")
                        .help("set OPENAI_API_KEY, or name one with api_key_env")
                })?;
                let origin = Origin::Environment("OPENAI_API_KEY");
                key = checked(&text, &origin, &mut self.remarks)?;
                source = Some("$OPENAI_API_KEY".into());
            }
            None if at_home => {
                let login = codex_login::read(env)?;
                headers.extend(
                    login
                        .account
                        .map(|account| ("chatgpt-account-id".to_owned(), account.into())),
                );
                key = Some(login.token);
                source = Some(login.source);
            }
            None if *provider == Provider::OpenAi && env.os("OPENAI_API_KEY").is_some() => {
                let what = format!(
                    "OPENAI_API_KEY goes to {} only; `api_key_env: OPENAI_API_KEY` sends it to {}",
                    providers::OPENAI,
                    address::shown(&address.url)
                );
                self.remarks.push(Remark::Notice(what));
            }
            None => {}
        }
        if let Some(userinfo) = &address.userinfo {
            let taken = headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
            if key.is_some() || taken {
                let what = "the user name and password in base_url are not sent: there is a key";
                self.remarks.push(Remark::Notice(what.into()));
            } else {
                let basic = format!("Basic {}", STANDARD.encode(userinfo.expose_secret()));
                headers.push(("Authorization".into(), basic.into()));
            }
        }
        Ok(Credentials {
            key,
            source,
            headers,
        })
    }
}

struct Credentials {
    key: Option<SecretString>,
    source: Option<String>,
    headers: Vec<(String, SecretString)>,
}

fn fetch(
    key: &Sourced<Key>,
    env: &Env,
    remarks: &mut Vec<Remark>,
) -> Result<Option<SecretString>, Problem> {
    match &key.value {
        Key::None => Ok(None),
        Key::Value(value) => checked(value.expose_secret(), &key.origin, remarks),
        Key::Variable(name) => match env.text(name) {
            Ok(Some(text)) => checked(&text, &key.origin, remarks),
            Ok(None) => {
                let problem = Problem::new(format!("the environment variable {name} is not set"))
                    .help(format!("`export {name}=…`, with the key"));
                Err(address::blame(problem, &key.origin))
            }
            Err(_) => Err(address::blame(
                Problem::new(format!("{name} is not text")),
                &key.origin,
            )),
        },
    }
}

/// A key that can be sent. It is never shown, also not when it is refused, unless it is a placeholder and nothing else.
fn checked(
    text: &str,
    origin: &Origin,
    remarks: &mut Vec<Remark>,
) -> Result<Option<SecretString>, Problem> {
    let mut text = text.trim();
    if let Some(rest) = text
        .get(..7)
        .filter(|p| p.eq_ignore_ascii_case("bearer "))
        .and_then(|_| text.get(7..))
    {
        remarks.push(Remark::Notice(format!(
            "{}: the leading `Bearer` is left out",
            origin.name()
        )));
        text = rest.trim();
    }
    if let Some(placeholder) = address::placeholder(text) {
        let what = match placeholder == text && text.len() <= 24 || placeholder.starts_with('<') {
            true => format!("still holds the placeholder `{placeholder}`"),
            false => "still holds a placeholder".to_owned(),
        };
        return Err(address::blame(
            Problem::new(what).help("put your key there, or remove the line"),
            origin,
        ));
    }
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        let what = "holds a space or a character that a header cannot carry";
        return Err(address::blame(Problem::new(what), origin));
    }
    Ok(Some(text.into()))
}
