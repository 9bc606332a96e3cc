//! What the gateway is to do, from the file and the flags. It is read at start, and again at each SIGHUP.

use std::net::SocketAddr;

use respair_gateway::{GatewayOptions, Paste, StartError, Upstream};

use crate::args::{self, Common, PasteInto};
use crate::commands::{refuse, relay, tell};
use crate::config::{self, Flags, Key, Loaded, Settings, Unusable};
use crate::paths::Env;
use crate::run::endpoint::endpoint;
use crate::term;

/// What was read.
pub(super) struct Plan {
    pub(super) options: GatewayOptions,
    pub(super) pasting: Pasting,
    /// Threads that serve; `None`: one for each core.
    pub(super) threads: Option<u32>,
    /// The configuration file, as it is shown; `None` where there is none to read again.
    pub(super) file: Option<String>,
}

impl Plan {
    /// Reads everything; what is wrong is told.
    ///
    /// # Errors
    /// The exit code.
    pub(super) fn read(common: &Common, serve: &args::Serve) -> Result<Self, u8> {
        let env = Env::Process;
        let flags = Flags {
            upstream: serve.upstream.clone(),
            ..common.flags()
        };
        let mut loaded = config::load(common.config.as_deref(), &flags, &env);
        // What a client is to be told is whether there is one, and nothing of the key itself: it may not be there yet.
        if serve.print_config.is_some()
            && let Some(key) = &mut loaded.options.key
            && matches!(key.value, Key::Variable(_))
        {
            key.value = Key::Value("there-will-be-one".to_owned().into());
        }
        let upstreams = upstreams(common, &flags, &mut loaded, &env)?;
        let listen = listen(serve, &loaded)?;
        let pasting = Pasting::of(&upstreams);
        let mut options = GatewayOptions::new(upstreams);
        options.listen = listen;
        options.limits = loaded.serve.limits();
        options.record = loaded.serve.recording();
        if let Some(dir) = &serve.record {
            let mut record = respair_gateway::RecordOptions::new(dir);
            if let Some(size) = &loaded.serve.record_size {
                record.size = size.value;
            }
            if let Some(count) = &loaded.serve.record_count {
                record.count = count.value as usize;
            }
            options.record = Some(record);
        }
        if let Some(drain) = serve
            .drain
            .or(loaded.serve.drain.as_ref().map(|set| set.value))
        {
            options.drain = drain;
        }
        options.allow_origins = match (serve.allow_origin.as_slice(), &loaded.serve.allow_origins) {
            ([], Some(set)) => set.value.clone(),
            (flags, _) => flags.to_vec(),
        };
        for origin in &mut options.allow_origins {
            // As it stands in an address bar; a browser sends it without.
            origin.truncate(origin.trim_end_matches('/').len());
        }
        options.log_bodies = serve.log_bodies;
        let set = loaded.serve.threads.as_ref().map(|set| set.value);
        let threads = serve.threads.or(set);
        let file = loaded.file.filter(|_| loaded.present);
        Ok(Self {
            options,
            pasting,
            threads,
            file,
        })
    }
}

/// Where to listen: the flag's address, else the file's.
fn listen(serve: &args::Serve, loaded: &Loaded) -> Result<SocketAddr, u8> {
    let set = loaded.serve.listen.as_ref();
    let (text, name) = match (&serve.listen, set) {
        (Some(flag), _) => (flag.as_str(), "--listen".to_owned()),
        (None, Some(set)) => {
            let name = match set.origin.place() {
                Some(place) => format!("{place}: serve.listen"),
                None => "--listen".to_owned(),
            };
            (set.value.as_str(), name)
        }
        (None, None) => ("127.0.0.1:8484", "--listen".to_owned()),
    };
    let address = relay::listen_on(&name, text, "127.0.0.1:8484")?;
    if !address.ip().is_loopback() {
        let error = StartError::NotLoopback(address);
        term::error(&term::one_line(&format!("{name}: {error}")));
        return Err(crate::USAGE);
    }
    Ok(address)
}

/// The upstreams: the one that was named, else the configuration's default and its named entries.
fn upstreams(
    common: &Common,
    flags: &Flags,
    loaded: &mut Loaded,
    env: &Env,
) -> Result<Vec<Upstream>, u8> {
    let default = loaded.upstream(env);
    if !common.quiet {
        tell(&loaded.remarks, common.verbose > 0);
    }
    let mut upstreams = Vec::new();
    match default {
        Ok(settings) => upstreams.push(upstream(&settings)),
        Err(Unusable::Nothing) if !loaded.entries.is_empty() => {}
        Err(unusable) => return Err(refuse(unusable, loaded)),
    }
    if flags.upstream.is_some() || flags.base_url.is_some() {
        return Ok(upstreams);
    }
    for name in &loaded.entries {
        if upstreams.iter().any(|known| known.name == *name) {
            continue;
        }
        let mut entry = config::load_entry(common.config.as_deref(), name, env);
        match entry.upstream(env) {
            Ok(settings) => upstreams.push(upstream(&settings)),
            Err(Unusable::Problems(problems)) => {
                let why = problems
                    .first()
                    .map_or_else(String::new, |problem| problem.headline());
                term::warning(&term::one_line(&format!(
                    "upstream `{name}` is left out: {why}"
                )));
            }
            Err(Unusable::Nothing) => {}
        }
    }
    if upstreams.is_empty() {
        return Err(refuse(Unusable::Nothing, loaded));
    }
    Ok(upstreams)
}

fn upstream(settings: &Settings) -> Upstream {
    let name = settings.provider.name();
    let name = name.strip_prefix("custom:").unwrap_or(name);
    let model = Some(settings.model.clone()).filter(|model| !model.is_empty());
    Upstream::new(name, endpoint(settings)).for_model(model)
}

/// What the texts to paste depend on.
pub(super) struct Pasting {
    model: Option<String>,
    keyed: bool,
}

impl Pasting {
    fn of(upstreams: &[Upstream]) -> Self {
        let first = upstreams.first();
        Self {
            model: first.and_then(|upstream| upstream.model.clone()),
            keyed: first.is_some_and(|upstream| upstream.endpoint.api_key.is_some()),
        }
    }

    pub(super) fn text(&self, paste: Paste, address: SocketAddr) -> String {
        paste.text(address, self.model.as_deref(), self.keyed)
    }

    /// What is printed at start.
    pub(super) fn all(&self, address: SocketAddr) -> String {
        let shown = [Paste::Codex, Paste::Hermes, Paste::Env];
        let texts =
            shown.map(|paste| format!("# {}\n{}", paste.place(), self.text(paste, address)));
        texts.join("\n")
    }
}

impl PasteInto {
    pub(super) fn paste(self) -> Paste {
        match self {
            Self::Codex => Paste::Codex,
            Self::Hermes => Paste::Hermes,
            Self::Env => Paste::Env,
            Self::AiSdk => Paste::AiSdk,
        }
    }
}
