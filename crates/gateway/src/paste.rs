//! What to paste into clients, so that they use the gateway.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// A client, or a kind of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Paste {
    /// Codex CLI's `config.toml`.
    Codex,
    /// Hermes' `config.yaml`.
    Hermes,
    /// The variables that the OpenAI SDKs read.
    Env,
    /// The AI SDK.
    AiSdk,
}

impl Paste {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Codex, Self::Hermes, Self::Env, Self::AiSdk];

    /// Where it goes.
    #[must_use]
    pub fn place(self) -> &'static str {
        match self {
            Self::Codex => "Codex CLI: ~/.codex/config.toml",
            Self::Hermes => "Hermes: ~/.hermes/config.yaml",
            Self::Env => "OpenAI SDKs: the environment",
            Self::AiSdk => "AI SDK",
        }
    }

    /// The text. `model` is the upstream's, where it is known; `keyed` says that the gateway has the upstream's key itself.
    #[must_use]
    pub fn text(self, gateway: SocketAddr, model: Option<&str>, keyed: bool) -> String {
        let base = format!("http://{gateway}/v1");
        let quoted = model.map(|model| serde_json::Value::from(model).to_string());
        let model = quoted.as_deref().unwrap_or("\"your-model\"");
        // A client without a key of its own still has to send one; the gateway replaces it.
        let key = if keyed { "respair" } else { "your-key" };
        let mut text = String::new();
        // Writing into a String does not fail. `env_key` keeps a ChatGPT login from being sent to the upstream.
        let _ = match self {
            Self::Codex => write!(
                text,
                "model = {model}\nmodel_provider = \"respair\"\n\n[model_providers.respair]\nname = \"respair\"\n\
                 base_url = \"{base}\"\nenv_key = \"RESPAIR_KEY\"   # export RESPAIR_KEY={key}\nwire_api = \"responses\"\n"
            ),
            Self::Hermes => write!(
                text,
                "model:\n  provider: custom\n  default: {model}\n  base_url: {base}\n  api_key: {key}\n  \
                 api_mode: codex_responses\n"
            ),
            Self::Env => write!(
                text,
                "export OPENAI_BASE_URL={base}\nexport OPENAI_API_KEY={key}\n"
            ),
            Self::AiSdk => write!(
                text,
                "import {{ createOpenAI }} from '@ai-sdk/openai';\n\n\
                 const openai = createOpenAI({{ baseURL: '{base}', apiKey: '{key}' }});\n\
                 const model = openai.responses({model});\n"
            ),
        };
        text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_the_gateway_and_no_login_leaves_codex() {
        let gateway = "127.0.0.1:8484".parse().unwrap();
        for paste in Paste::ALL {
            assert!(
                paste
                    .text(gateway, Some("m"), false)
                    .contains("http://127.0.0.1:8484/v1"),
                "{paste:?}"
            );
        }
        let codex = Paste::Codex.text(gateway, Some("a\"b"), false);
        assert!(
            codex.contains("env_key = ") && codex.contains(r#"model = "a\"b""#),
            "{codex}"
        );
    }
}
