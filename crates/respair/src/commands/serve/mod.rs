//! `respair serve`: the gateway, until it is interrupted.

#[cfg(unix)]
mod descriptors;
mod lines;
mod plan;

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use respair_gateway::{Control, Gateway, GatewayOptions, Record, StartError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::args::{self, Common, LogFormat};
use crate::{USAGE, run, term};
use lines::Lines;
use plan::Plan;

/// How long the process may take to let go of what it holds.
const LETTING_GO: Duration = Duration::from_millis(200);

/// The exit code where the thread that serves broke down, and has said so.
const BROKE_DOWN: u8 = 1;

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
    let told = Arc::clone(&lines);
    plan.options.notice =
        Arc::new(move |text| told.tell(term::warning_line(&term::one_line(text))));
    #[cfg(unix)]
    descriptors::raise();
    let code = match (runtime(plan.threads), run::runtime()) {
        (Ok(serving), Ok(own)) => own.block_on(talk(common, serve, plan, serving)),
        (Err(error), _) => {
            term::error(&format!(
                "the runtime cannot be started: {}",
                term::system(&error)
            ));
            1
        }
        (_, Err(code)) => code,
    };
    lines.finish();
    code
}

/// One thread reads, judges and writes events without waking another; several hand them to each other.
fn runtime(threads: Option<u32>) -> io::Result<Runtime> {
    let mut builder = match threads {
        Some(1) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if let Some(threads) = threads {
        builder.worker_threads(threads as usize);
    }
    builder.enable_all().build()
}

/// Has the gateway served on a thread of its own. This one has the signals and says what there is to say: a terminal that
/// takes nothing, or a slow disk under the configuration, holds up no stream.
async fn talk(common: &Common, serve: &args::Serve, plan: Plan, runtime: Runtime) -> u8 {
    let quiet = common.quiet;
    // Before the first line: who reads it may send a signal at once.
    let (Ok(mut signals), Ok(mut hangups)) = (run::Signals::new(), Hangups::new()) else {
        term::error("signals cannot be handled");
        return 1;
    };
    let threads = plan.threads;
    let copies = copies(&plan.options);
    // Signals, one after the other: stop, hurry, and enough.
    let (stop, stopped) = oneshot::channel();
    let (hurry, hurried) = oneshot::channel();
    let mut told = vec![hurry, stop];
    let Serving { bound, mut over } = match Serving::start(runtime, plan.options, stopped, hurried)
    {
        Ok(serving) => serving,
        Err(error) => {
            term::error(&format!(
                "no thread can be started: {}",
                term::system(&error)
            ));
            return 1;
        }
    };
    let (address, control) = match bound.await {
        Ok(Ok(bound)) => bound,
        Ok(Err(error)) => return refused(&error),
        Err(_) => return BROKE_DOWN,
    };
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
    loop {
        let is_over = tokio::select! {
            ended = &mut over => return match ended {
                Ok(()) if told.is_empty() => run::INTERRUPTED,
                Ok(()) => 0,
                Err(_) => BROKE_DOWN,
            },
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

/// The thread that serves.
struct Serving {
    /// Where it listens, and what changes it while it runs.
    bound: oneshot::Receiver<Result<(SocketAddr, Control), StartError>>,
    /// It has ended.
    over: oneshot::Receiver<()>,
}

impl Serving {
    /// Starts it. The other ends of `stopped` and `hurried` say so by being dropped.
    fn start(
        runtime: Runtime,
        options: GatewayOptions,
        stopped: oneshot::Receiver<()>,
        hurried: oneshot::Receiver<()>,
    ) -> io::Result<Self> {
        let (binding, bound) = oneshot::channel();
        let (ending, over) = oneshot::channel();
        let wait = async |told: oneshot::Receiver<()>| drop(told.await);
        let serve = async move {
            let gateway = match Gateway::bind(options).await {
                Ok(gateway) => gateway,
                Err(error) => return drop(binding.send(Err(error))),
            };
            let bound = (gateway.address(), gateway.control());
            if binding.send(Ok(bound)).is_ok() {
                gateway.serve(wait(stopped), wait(hurried)).await;
            }
        };
        std::thread::Builder::new()
            .name("respair-serve".to_owned())
            .spawn(move || {
                runtime.block_on(serve);
                runtime.shutdown_timeout(LETTING_GO);
                // Nobody waits for it any more after a third signal.
                let _ = ending.send(());
            })?;
        Ok(Self { bound, over })
    }
}

/// Reads the configuration again. What is wrong with it was told; then the one before holds.
fn reload(
    common: &Common,
    serve: &args::Serve,
    control: &Control,
    (address, threads): (SocketAddr, Option<u32>),
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
                    "serve.threads" => match threads {
                        Some(threads) => format!(" (now {threads})"),
                        None => " (now one a core)".to_owned(),
                    },
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
