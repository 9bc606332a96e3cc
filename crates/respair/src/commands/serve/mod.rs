//! `respair serve`: the gateway, until it is interrupted.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use respair_gateway::{Gateway, GatewayOptions, Paste, Record, StartError, Upstream};
use tokio::sync::oneshot;

use crate::args::{self, Common, LogFormat, PasteInto};
use crate::config::{self, Flags, Settings, Unusable};
use crate::paths::Env;
use crate::run::endpoint::endpoint;
use crate::{USAGE, run, term};

/// How long the process may take to let go of what it holds.
const LETTING_GO: Duration = Duration::from_millis(200);

/// Runs it.
pub(crate) fn command(common: &Common, serve: &args::Serve) -> u8 {
    let address = match super::relay::listen_on(&serve.listen) {
        Ok(address) => address,
        Err(code) => return code,
    };
    if !address.ip().is_loopback() {
        return refused(&StartError::NotLoopback(address));
    }
    let upstreams = match upstreams(common, serve, &Env::Process) {
        Ok(upstreams) => upstreams,
        Err(code) => return code,
    };
    let pasting = Pasting::of(&upstreams);
    if let Some(client) = serve.print_config {
        return super::printed(term::print(&pasting.text(client.paste(), address)));
    }
    let json = common.json || serve.log == LogFormat::Json;
    let quiet = common.quiet;
    let mut options = GatewayOptions::new(upstreams);
    options.listen = address;
    options.drain = serve.drain;
    options.allow_origins.clone_from(&serve.allow_origin);
    options.log = Arc::new(move |record| {
        if !quiet {
            log(record, json);
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            term::error(&format!(
                "the runtime cannot be started: {}",
                term::system(&error)
            ));
            return 1;
        }
    };
    let code = runtime.block_on(serving(options, pasting, quiet));
    runtime.shutdown_timeout(LETTING_GO);
    code
}

/// The upstreams: the one that was named, else the configuration's default and its named entries.
fn upstreams(common: &Common, serve: &args::Serve, env: &Env) -> Result<Vec<Upstream>, u8> {
    let flags = Flags {
        upstream: serve.upstream.clone(),
        ..common.flags()
    };
    let file = common.config.as_deref();
    let mut loaded = config::load(file, &flags, env);
    let default = loaded.upstream(env);
    if !common.quiet {
        super::tell(&loaded.remarks, common.verbose > 0);
    }
    let mut upstreams = Vec::new();
    match default {
        Ok(settings) => upstreams.push(upstream(&settings)),
        Err(Unusable::Nothing) if !loaded.entries.is_empty() => {}
        Err(unusable) => return Err(super::refuse(unusable, loaded.file.as_deref())),
    }
    if flags.upstream.is_some() || flags.base_url.is_some() {
        return Ok(upstreams);
    }
    for name in &loaded.entries {
        if upstreams.iter().any(|known| known.name == *name) {
            continue;
        }
        match config::load_entry(file, name, env).upstream(env) {
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
        return Err(super::refuse(Unusable::Nothing, loaded.file.as_deref()));
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
struct Pasting {
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

    fn text(&self, paste: Paste, address: SocketAddr) -> String {
        paste.text(address, self.model.as_deref(), self.keyed)
    }

    /// What is printed at start.
    fn all(&self, address: SocketAddr) -> String {
        let shown = [Paste::Codex, Paste::Hermes, Paste::Env];
        let texts =
            shown.map(|paste| format!("# {}\n{}", paste.place(), self.text(paste, address)));
        texts.join("\n")
    }
}

impl PasteInto {
    fn paste(self) -> Paste {
        match self {
            Self::Codex => Paste::Codex,
            Self::Hermes => Paste::Hermes,
            Self::Env => Paste::Env,
            Self::AiSdk => Paste::AiSdk,
        }
    }
}

async fn serving(options: GatewayOptions, pasting: Pasting, quiet: bool) -> u8 {
    // Before the first line: who reads it may send a signal at once.
    let Ok(mut signals) = run::Signals::new() else {
        term::error("signals cannot be handled");
        return 1;
    };
    let drain = options.drain;
    let gateway = match Gateway::bind(options).await {
        Ok(gateway) => gateway,
        Err(error) => return refused(&error),
    };
    let address = gateway.address();
    let mut text = format!("listening on http://{address}\n");
    if !quiet {
        text.push('\n');
        text.push_str(&pasting.all(address));
    }
    if super::printed(term::print(&text)) != 0 {
        return 1;
    }
    // Signals, one after the other: stop, hurry, and enough.
    let (stop, stopped) = oneshot::channel::<()>();
    let (hurry, hurried) = oneshot::channel::<()>();
    let mut told = vec![hurry, stop];
    // An error is the other end that was dropped, which is the message.
    let wait = async |told: oneshot::Receiver<()>| drop(told.await);
    let mut serving = pin!(gateway.serve(wait(stopped), wait(hurried)));
    loop {
        tokio::select! {
            () = serving.as_mut() => return if told.is_empty() { run::INTERRUPTED } else { 0 },
            () = signals.next() => match told.pop() {
                Some(next) => {
                    drop(next);
                    if !quiet && !told.is_empty() {
                        term::notice(&format!(
                            "stopping: streams may go on for {} s; Ctrl-C again ends them now",
                            drain.as_secs_f64()
                        ));
                    }
                }
                None => return run::INTERRUPTED,
            },
        }
    }
}

fn refused(error: &StartError) -> u8 {
    match error {
        StartError::Listen(address, error) if error.kind() == io::ErrorKind::AddrInUse => {
            term::error(&format!("{address} is in use by another program"));
            term::help("take another with --listen, or a free one with --listen 127.0.0.1:0");
            1
        }
        StartError::Listen(address, error) => {
            term::error(&format!(
                "cannot listen on {address}: {}",
                term::system(error)
            ));
            1
        }
        StartError::NotLoopback(_) => {
            term::error(&format!("--listen: {error}"));
            USAGE
        }
        _ => {
            term::error(&term::one_line(&error.to_string()));
            USAGE
        }
    }
}

/// One line, in one write: requests end at the same time.
fn log(record: &Record, json: bool) {
    let line = match json {
        true => record.json(),
        false => term::one_line(&record.human()),
    };
    // Nothing is left to do when standard error is gone.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
