//! `respair serve`: the gateway, until it is interrupted.

#[cfg(unix)]
mod descriptors;
mod lines;
mod plan;

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use respair_gateway::{Control, Gateway, GatewayOptions, Record, StartError};
use tokio::sync::oneshot;

use crate::args::{self, Common, LogFormat};
use crate::{USAGE, run, term};
use lines::Lines;
use plan::Plan;

/// How long the process may take to let go of what it holds.
const LETTING_GO: Duration = Duration::from_millis(200);

/// Runs it.
pub(crate) fn command(common: &Common, serve: &args::Serve) -> u8 {
    let mut plan = match Plan::read(common, serve) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    if let Some(client) = serve.print_config {
        let text = plan.pasting.text(client.paste(), plan.options.listen);
        return super::printed(term::print(&text));
    }
    let json = common.json || serve.log == LogFormat::Json;
    let quiet = common.quiet;
    let lines = match Lines::start(io::stderr()) {
        Ok(lines) => Arc::new(lines),
        Err(error) => {
            term::error(&format!(
                "no thread can be started: {}",
                term::system(&error)
            ));
            return 1;
        }
    };
    let told = Arc::clone(&lines);
    plan.options.log = Arc::new(move |record| {
        if !quiet {
            told.tell(text(record, json));
        }
    });
    plan.options.notice = Arc::new(|text| term::warning(&term::one_line(text)));
    #[cfg(unix)]
    descriptors::raise();
    let runtime = match runtime(plan.threads) {
        Ok(runtime) => runtime,
        Err(error) => {
            term::error(&format!(
                "the runtime cannot be started: {}",
                term::system(&error)
            ));
            return 1;
        }
    };
    let code = runtime.block_on(serving(common, serve, plan));
    runtime.shutdown_timeout(LETTING_GO);
    lines.finish();
    code
}

/// One thread reads, judges and writes events without waking another; several hand them to each other.
fn runtime(threads: u32) -> io::Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(threads.max(1) as usize);
    builder.enable_all().build()
}

async fn serving(common: &Common, serve: &args::Serve, plan: Plan) -> u8 {
    let quiet = common.quiet;
    // Before the first line: who reads it may send a signal at once.
    let (Ok(mut signals), Ok(mut hangups)) = (run::Signals::new(), Hangups::new()) else {
        term::error("signals cannot be handled");
        return 1;
    };
    let threads = plan.threads;
    let copies = copies(&plan.options);
    let gateway = match Gateway::bind(plan.options).await {
        Ok(gateway) => gateway,
        Err(error) => return refused(&error),
    };
    let (address, control) = (gateway.address(), gateway.control());
    let mut text = format!("listening on http://{address}\n");
    if !quiet {
        text.push('\n');
        text.push_str(&plan.pasting.all(address));
    }
    if super::printed(term::print(&text)) != 0 {
        return 1;
    }
    // Also with -q: it is about what people said.
    copies.iter().for_each(|text| term::warning(text));
    // Signals, one after the other: stop, hurry, and enough.
    let (stop, stopped) = oneshot::channel::<()>();
    let (hurry, hurried) = oneshot::channel::<()>();
    let mut told = vec![hurry, stop];
    // An error is the other end that was dropped, which is the message.
    let wait = async |told: oneshot::Receiver<()>| drop(told.await);
    let mut serving = pin!(gateway.serve(wait(stopped), wait(hurried)));
    loop {
        let is_over = tokio::select! {
            () = serving.as_mut() => return if told.is_empty() { run::INTERRUPTED } else { 0 },
            () = signals.next() => true,
            () = hangups.next() => hangups.terminal_is_gone(),
        };
        if !is_over {
            reload(common, serve, &control, (address, threads));
            continue;
        }
        match told.pop() {
            Some(next) => {
                drop(next);
                if !quiet && !told.is_empty() {
                    let drain = control.drain().as_secs_f64();
                    term::notice(&format!(
                        "stopping: what is under way may go on for {drain} s; Ctrl-C again ends it now"
                    ));
                }
            }
            None => return run::INTERRUPTED,
        }
    }
}

/// Reads the configuration again. What is wrong with it was told; then the one before holds.
fn reload(
    common: &Common,
    serve: &args::Serve,
    control: &Control,
    (address, threads): (SocketAddr, u32),
) {
    let plan = match Plan::read(common, serve) {
        Ok(plan) => plan,
        Err(_) => return term::warning("not reloaded: what was configured before still holds"),
    };
    let Some(file) = plan.file else {
        return term::notice("nothing to reload: there is no configuration file");
    };
    let upstreams = &plan.options.upstreams;
    let names: Vec<String> = upstreams
        .iter()
        .map(|upstream| upstream.name.clone())
        .collect();
    match control.reload(plan.options) {
        Ok(mut kept) => {
            if plan.threads != threads {
                kept.push("serve.threads");
            }
            if !common.quiet {
                let names = names.join(", ");
                term::notice(&term::one_line(&format!(
                    "reloaded {file}: new requests go to {names}"
                )));
            }
            for key in kept {
                let now = match key {
                    "serve.listen" => format!(" (it listens on {address})"),
                    "serve.threads" => format!(" (now {threads})"),
                    _ => String::new(),
                };
                term::warning(&format!("`{key}` takes effect at the next start{now}"));
            }
        }
        Err(error) => {
            refused(&error);
            term::warning("not reloaded: what was configured before still holds");
        }
    }
}

/// SIGHUP.
struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
    /// Standard error is a terminal, which can go away.
    on_terminal: bool,
}

impl Hangups {
    fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
            on_terminal: io::stderr().is_terminal(),
        })
    }

    /// The next one.
    async fn next(&mut self) {
        #[cfg(unix)]
        self.signal.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }

    /// The window was closed: that is no request to reload.
    fn terminal_is_gone(&self) -> bool {
        self.on_terminal && !io::stderr().is_terminal()
    }
}

/// What is said at start about copies of what people say.
fn copies(options: &GatewayOptions) -> Vec<String> {
    let mut said = Vec::new();
    if options.log_bodies {
        said.push("prompts and answers are written to the log (--log-bodies)".to_owned());
    }
    if let Some(record) = &options.record {
        said.push(term::one_line(&format!(
            "answers are recorded in {}, the last {} of them",
            record.dir.display(),
            record.count
        )));
    }
    said
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
        StartError::Record(dir, error) => {
            let dir = term::one_line(&dir.display().to_string());
            term::error(&format!(
                "records cannot be kept in {dir}: {}",
                term::system(error)
            ));
            term::help("name another directory with --record or in `serve.record`");
            USAGE
        }
        _ => {
            term::error(&term::one_line(&error.to_string()));
            USAGE
        }
    }
}

/// What the log says of a request.
fn text(record: &Record, json: bool) -> String {
    let mut text = match json {
        true => record.json(),
        false => term::one_line(&record.human()),
    };
    text.push('\n');
    if let Some(bodies) = record.bodies.as_ref().filter(|_| !json) {
        for (side, body) in [("request", &bodies.request), ("answer", &bodies.answer)] {
            text.push_str(&format!("  {side}: {}\n", term::one_line(body)));
        }
    }
    text
}
