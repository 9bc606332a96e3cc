//! How the layers are laid over one another, with the one rule that merging alone would break: a key goes to the base URL
//! it was configured with and nowhere else.

use super::address;
use super::options::{Key, Mode, Options, Origin, Sourced};
use super::problem::Problem;
use super::quantity;
use crate::paths::Env;

/// What the command line sets; flags that several commands share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// An endpoint's address where a command takes one as its argument; it wins over `--base-url`.
    pub(crate) target: Option<String>,
    /// The same for the gateway's `--upstream`.
    pub(crate) upstream: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) api_key_env: Option<String>,
    pub(crate) recovery: Option<Mode>,
    pub(crate) state_dir: Option<std::path::PathBuf>,
}

impl Flags {
    /// As a layer.
    pub(super) fn options(&self, problems: &mut Vec<Problem>) -> Options {
        fn set<T>(value: &Option<T>, name: &'static str) -> Option<Sourced<T>>
        where
            T: Clone,
        {
            value.clone().map(|v| Sourced::new(v, Origin::Flag(name)))
        }
        let key = self
            .api_key_env
            .as_deref()
            .map(|name| name.trim_start_matches('$'));
        let key = key.filter(|name| {
            let good = quantity::is_name(name);
            if !good {
                // Somebody may have given the key itself: it is not shown.
                let what = "expected the name of an environment variable, not its value";
                problems.push(Problem::new(what).key("--api-key-env"));
            }
            good
        });
        Options {
            model: set(&self.model, "--model"),
            base_url: set(&self.target, "TARGET")
                .or(set(&self.upstream, "--upstream"))
                .or(set(&self.base_url, "--base-url")),
            key: key
                .map(|n| Sourced::new(Key::Variable(n.to_owned()), Origin::Flag("--api-key-env"))),
            mode: set(&self.recovery, "--recovery"),
            state_dir: set(&self.state_dir, "--state-dir"),
            ..Options::default()
        }
    }
}

/// `RESPAIR_*`, as a layer.
pub(super) fn environment(env: &Env, problems: &mut Vec<Problem>) -> Options {
    let mut text = |name: &'static str| match env.text(name) {
        Ok(value) => value.map(|v| Sourced::new(v, Origin::Environment(name))),
        Err(_) => {
            problems.push(Problem::new("is not text").key(name));
            None
        }
    };
    let (model, base_url) = (text("RESPAIR_MODEL"), text("RESPAIR_BASE_URL"));
    let key = text("RESPAIR_API_KEY");
    let mode = text("RESPAIR_RECOVERY").and_then(|word| {
        match clap::ValueEnum::from_str(&word.value, true) {
            Ok(mode) => Some(Sourced::new(mode, word.origin)),
            Err(_) => {
                let what = "expected one of retry_then_fallback, inline, strict";
                problems.push(Problem::new(what).key("RESPAIR_RECOVERY"));
                None
            }
        }
    });
    Options {
        model,
        base_url,
        key: key.map(|k| Sourced::new(Key::Value(k.value.trim().into()), k.origin)),
        mode,
        state_dir: env
            .path("RESPAIR_STATE_DIR")
            .map(|p| Sourced::new(p, Origin::Environment("RESPAIR_STATE_DIR"))),
        ..Options::default()
    }
}

/// Lays environment and flags over the file's layers (the lowest first), and takes away what belongs to another address.
pub(super) fn bind(
    file: Vec<Options>,
    mut environment: Options,
    mut flags: Options,
    notices: &mut Vec<String>,
) -> Options {
    // A key in the environment without an address there goes with whatever address the command chooses.
    if environment.base_url.is_none() {
        flags.key = flags.key.or(environment.key.take());
    }
    // An entry and the `model:` block that chooses it are one hand's work: an entry without an address takes the block's.
    let mut merged = Options::default();
    let layers = file
        .into_iter()
        .map(|l| (l, false))
        .chain([(environment, true), (flags, true)]);
    for (layer, outside) in layers {
        if let Some(new) = &layer.base_url {
            let old = merged.base_url.as_ref();
            let elsewhere = old.map_or(outside, |old| !address::same(&old.value, &new.value));
            if elsewhere {
                keep_back(&mut merged, &layer, notices);
            }
        }
        merged = layer.over(merged);
    }
    merged
}

/// Drops what was configured for another address than `layer`'s, and says so.
fn keep_back(merged: &mut Options, layer: &Options, notices: &mut Vec<String>) {
    let mut kept_back = Vec::new();
    if let Some(key) = merged.key.take()
        && !matches!(key.value, Key::None)
        && layer.key.is_none()
    {
        kept_back.push(key.origin);
    }
    if let Some(headers) = merged.extra_headers.take()
        && layer.extra_headers.is_none()
    {
        kept_back.push(headers.origin);
    }
    if let Some(body) = merged.extra_body.take()
        && layer.extra_body.is_none()
    {
        kept_back.push(body.origin);
    }
    let Some(by) = &layer.base_url else { return };
    // An address that is none is told as that, and nothing goes there.
    if kept_back.is_empty() || !address::is_one(&by.value) {
        return;
    }
    let names: Vec<String> = kept_back
        .iter()
        .map(|o| format!("`{}` ({o})", o.name()))
        .collect();
    notices.push(format!(
        "{} kept back: configured for another address than {} gives; `--api-key-env NAME` names a key for this one",
        names.join(", "),
        by.origin.name()
    ));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn layer(url: Option<&str>, key: Option<&str>) -> Options {
        Options {
            base_url: url.map(|u| Sourced::new(u.into(), Origin::Default)),
            key: key.map(|k| Sourced::new(Key::Variable(k.into()), Origin::Environment("K"))),
            ..Options::default()
        }
    }

    #[test]
    fn a_key_stays_with_its_address() {
        const A: Option<&str> = Some("https://a.example/v1");
        const A2: Option<&str> = Some("https://a.example/v1/");
        const B: Option<&str> = Some("https://b.example/v1");
        let f = Some("F");
        let e = Some("E");
        let g = Some("G");
        // (file, environment, flags) → key that is sent
        for (n, (file, environment, flags, want)) in [
            ((A, f), (None, None), (None, None), f),
            ((A, f), (None, None), (B, None), None),
            ((A, f), (B, None), (None, None), None),
            ((A, f), (None, None), (A2, None), f),
            ((A, f), (None, None), (B, g), g),
            ((A, f), (None, e), (B, None), e),
            ((A, f), (None, e), (None, None), e),
            ((A, f), (B, e), (None, None), e),
            ((A, f), (B, e), (A, None), None),
            ((A, f), (None, e), (B, g), g),
            ((None, f), (None, None), (B, None), None),
        ]
        .into_iter()
        .enumerate()
        {
            let mut notices = Vec::new();
            let layers = vec![layer(file.0, file.1)];
            let merged = bind(
                layers,
                layer(environment.0, environment.1),
                layer(flags.0, flags.1),
                &mut notices,
            );
            let sent = merged.key.map(|k| match k.value {
                Key::Variable(name) => name,
                _ => unreachable!(),
            });
            assert_eq!(sent.as_deref(), want, "case {n}");
            assert_eq!(
                notices.len(),
                usize::from(want.is_none()),
                "case {n}: {notices:?}"
            );
        }
    }

    #[test]
    fn an_entry_and_its_block_are_one_hand() {
        let entry = layer(None, Some("K"));
        let block = layer(Some("https://a.example"), None);
        let merged = bind(
            vec![entry, block],
            Options::default(),
            Options::default(),
            &mut Vec::new(),
        );
        assert!(merged.key.is_some());
        let entry = layer(Some("https://b.example"), Some("K"));
        let block = layer(Some("https://a.example"), None);
        let merged = bind(
            vec![entry, block],
            Options::default(),
            Options::default(),
            &mut Vec::new(),
        );
        assert!(merged.key.is_none());
    }
}
