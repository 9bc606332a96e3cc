//! `respair relay`: the misbehaving relay, until it is interrupted.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use respair_faults::{Pace, Relay, RelayBuilder, RelayEvent, Script, scenario, scenarios};

use crate::args::{self, Common};
use crate::config::{alike, closest};
use crate::{USAGE, input, run, term};

/// Runs it.
pub(crate) fn command(common: &Common, relay: &args::Relay) -> u8 {
    if relay.list {
        return list(common);
    }
    let builder = match (&relay.scenario, &relay.replay) {
        (Some(name), _) => named(name),
        (None, Some(file)) => replay(file),
        (None, None) => Err(USAGE),
    };
    let (Ok(builder), Ok(address)) = (
        builder,
        listen_on("--listen", &relay.listen, "127.0.0.1:8383"),
    ) else {
        return USAGE;
    };
    let quiet = common.quiet;
    let builder = builder
        .listen(address)
        .pace(Pace::LIVE)
        .watch(move |event| {
            if !quiet && matches!(event, RelayEvent::Asked { .. }) {
                use std::io::Write as _;
                // Nothing is left to do when standard error is gone.
                let _ = writeln!(io::stderr(), "{event}");
            }
        });
    serve(builder, address)
}

fn list(common: &Common) -> u8 {
    let width = scenarios()
        .iter()
        .map(|s| s.name().len())
        .max()
        .unwrap_or(0);
    let text: String = match common.json {
        true => scenarios()
            .iter()
            .map(|s| {
                format!(
                    "{}\n",
                    serde_json::json!({ "name": s.name(), "summary": s.summary() })
                )
            })
            .collect(),
        false => scenarios()
            .iter()
            .map(|s| format!("{:width$}  {}\n", s.name(), s.summary()))
            .collect(),
    };
    super::printed(term::print(&text))
}

fn named(name: &str) -> Result<RelayBuilder, u8> {
    if let Some(scenario) = scenario(name) {
        return Ok(Relay::builder(*scenario));
    }
    term::error(&format!("no scenario is called `{}`", term::one_line(name)));
    let plain = name.replace('_', "-");
    let names = || scenarios().iter().map(|s| s.name());
    let meant = match closest(&plain, names()) {
        Some(meant) => vec![meant],
        None => alike(&plain, names()),
    };
    match meant.is_empty() {
        false => term::help(&format!(
            "did you mean `{}`? `respair relay --list` names all",
            meant.join("`, `")
        )),
        true => term::help("`respair relay --list` names all"),
    }
    Err(USAGE)
}

fn replay(file: &Path) -> Result<RelayBuilder, u8> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Relay::builder(Script::replay(bytes))),
        Err(error) => {
            let name = term::one_line(&file.display().to_string());
            Err(input::unreadable(&name, &error))
        }
    }
}

/// `127.0.0.1:8383`, `localhost:8383`, `:8383` and `8383`.
pub(super) fn listen_on(name: &str, text: &str, example: &str) -> Result<SocketAddr, u8> {
    let port_only = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    let address = match port_only {
        Ok(port) => Some(SocketAddr::from(([127, 0, 0, 1], port))),
        Err(_) => text
            .to_socket_addrs()
            .ok()
            .and_then(|mut found| found.next()),
    };
    address.ok_or_else(|| {
        term::error(&format!("{name}: `{}` is no address", term::one_line(text)));
        term::help(&format!("write HOST:PORT, as in {example}"));
        USAGE
    })
}

fn serve(builder: RelayBuilder, address: SocketAddr) -> u8 {
    let runtime = match run::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    runtime.block_on(async move {
        // Before the first line: who reads it may send a signal at once.
        let Ok(mut signals) = run::Signals::new() else {
            return 1;
        };
        let relay = match builder.start().await {
            Ok(relay) => relay,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                term::error(&format!("{address} is in use by another program"));
                term::help("take another with --listen, or a free one with --listen 127.0.0.1:0");
                return 1;
            }
            Err(error) => {
                term::error(&format!(
                    "cannot listen on {address}: {}",
                    term::system(&error)
                ));
                return 1;
            }
        };
        if super::printed(term::print(&format!("listening on {}\n", relay.base_url()))) != 0 {
            return 1;
        }
        tokio::select! {
            () = signals.next() => run::INTERRUPTED,
            () = relay.serve_forever() => 0,
        }
    })
}
