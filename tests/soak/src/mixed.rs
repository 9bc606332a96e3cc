//! Mixed traffic: clients that ask one case after the other, while upstreams restart and the configuration is read again.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::case::{Ask, Case, Moment, To};
use crate::client::{self, Went};
use crate::gateway::Gateway;
use crate::judge::{Outcome, Verdict, judge};
use crate::upstream::{Ledger, Upstream, left_at};
use crate::{Held, Options};

/// Longer than any case takes on a machine that is busy with something else. What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Mixed {
    /// Cases, by how they came out.
    pub(crate) outcomes: BTreeMap<Outcome, usize>,
    pub(crate) failures: Vec<String>,
    pub(crate) restarts: usize,
    pub(crate) reloads: usize,
    /// From a client's leaving until its upstream saw it, sorted: amid the traffic, and with nothing else under way.
    pub(crate) closed_amid: Vec<Duration>,
    pub(crate) closed_alone: Vec<Duration>,
    pub(crate) before: Held,
    pub(crate) after: Held,
}

struct Run {
    seed: u64,
    alone: AtomicBool,
    gateway: Gateway,
    ledger: Arc<Ledger>,
    next: AtomicUsize,
    /// How often the restless upstream went away or came back: odd while it is away.
    changes: watch::Sender<usize>,
    seen: Mutex<Mixed>,
}

/// For as long as the options say.
pub(crate) async fn run(options: &Options) -> io::Result<Mixed> {
    let (seed, clients) = (options.seed, options.clients);
    let ledger = Arc::new(Ledger::default());
    let (steady, brisk) = (
        Upstream::start(seed, &ledger).await?,
        Upstream::start(seed, &ledger).await?,
    );
    let restless = Upstream::start(seed, &ledger).await?;
    let upstreams: Vec<(To, SocketAddr)> = To::ALL
        .into_iter()
        .zip([steady.address(), brisk.address(), restless.address()])
        .collect();
    let run = Arc::new(Run {
        seed,
        alone: AtomicBool::new(false),
        gateway: Gateway::start(&options.binary, &upstreams)?,
        ledger,
        next: AtomicUsize::new(0),
        changes: watch::Sender::new(0),
        seen: Mutex::default(),
    });
    let until =
        |from: usize, until: Instant| move |next: usize| next < from || Instant::now() < until;
    clients_run(&run, clients, until(options.warm, Instant::now())).await?;
    let mut upstreams_alive = [steady, brisk];
    let mut restless = restless;
    let before = quiet(&run, &mut upstreams_alive, &mut restless).await?;
    let started = Instant::now();
    if !run.gateway.runs() {
        return Err(io::Error::other("the gateway's process is gone"));
    }
    let (stop, stopped) = watch::channel(false);
    let weather = tokio::spawn(weather(
        Arc::clone(&run),
        restless,
        upstreams.clone(),
        options.reloads,
        stopped,
    ));
    clients_run(&run, clients, until(0, started + options.mixed)).await?;
    stop.send_replace(true);
    if !run.gateway.runs() {
        return Err(io::Error::other("the gateway's process is gone"));
    }
    let mut restless = weather.await.map_err(io::Error::other)??;
    let after = quiet(&run, &mut upstreams_alive, &mut restless).await?;
    run.leaving_alone(options.leaving).await;
    quiet(&run, &mut upstreams_alive, &mut restless).await?;
    let mut seen = std::mem::take(&mut *run.seen.lock().unwrap_or_else(PoisonError::into_inner));
    seen.before = before;
    seen.after = after;
    seen.failures.extend(run.gateway.odd_lines());
    seen.reloads = run.gateway.reloads();
    if options.reloads && seen.reloads == 0 {
        seen.failures
            .push("the configuration was never read again".to_owned());
    }
    seen.closed_amid.sort_unstable();
    seen.closed_alone.sort_unstable();
    Ok(seen)
}

/// Nothing under way and no connection kept for later: what the gateway holds then.
async fn quiet(run: &Run, steady: &mut [Upstream], restless: &mut Upstream) -> io::Result<Held> {
    let idle = tokio::time::timeout(PATIENCE, run.ledger.idle()).await;
    if idle.is_err() {
        run.failed(format!(
            "still asked upstream: {:?}",
            run.ledger.under_way()
        ));
    }
    for upstream in steady.iter_mut().chain([restless]) {
        upstream.restart(Duration::ZERO).await?;
    }
    let settled = tokio::time::timeout(PATIENCE, run.gateway.settle()).await;
    settled.map_err(|_| io::Error::other("the gateway does not settle"))?
}

async fn clients_run(
    run: &Arc<Run>,
    clients: usize,
    goes_on: impl Fn(usize) -> bool + Clone + Send + 'static,
) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (run, goes_on) = (Arc::clone(run), goes_on.clone());
        tasks.spawn(async move {
            loop {
                let number = run.next.fetch_add(1, Ordering::Relaxed);
                if !goes_on(number) || !run.gateway.runs() {
                    return;
                }
                run.case(number).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(io::Error::other)?;
    }
    Ok(())
}

/// Restarts and reloads until it is told to stop; gives the restless upstream back, running.
async fn weather(
    run: Arc<Run>,
    mut restless: Upstream,
    upstreams: Vec<(To, SocketAddr)>,
    reloads: bool,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<Upstream> {
    let mut dice = Rng::with_seed(run.seed);
    for round in 1.. {
        let wait = Duration::from_millis(dice.u64(300..1500));
        if tokio::time::timeout(wait, stopped.wait_for(|stop| *stop))
            .await
            .is_ok()
        {
            break;
        }
        if reloads && dice.u8(..3) == 0 {
            run.gateway.reload(&upstreams, round)?;
            continue;
        }
        run.changes.send_modify(|changes| *changes += 1);
        restless
            .restart(Duration::from_millis(dice.u64(..300)))
            .await?;
        run.changes.send_modify(|changes| *changes += 1);
        run.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .restarts += 1;
    }
    Ok(restless)
}

impl Run {
    fn failed(&self, why: String) {
        eprintln!("soak: {why}\n");
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .failures
            .push(why);
    }

    /// Clients that leave one after the other.
    async fn leaving_alone(&self, count: usize) {
        self.alone.store(true, Ordering::Relaxed);
        let leaves = |number: &usize| match Case::new(self.seed, *number).ask {
            Ask::Left(moment) => moment != Moment::InRequest,
            _ => false,
        };
        let numbers = self.next.load(Ordering::Relaxed)..;
        for number in numbers.filter(leaves).take(count) {
            self.case(number).await;
        }
    }

    async fn case(&self, number: usize) {
        let case = Case::new(self.seed, number);
        let verdict = match tokio::time::timeout(PATIENCE, self.played(&case)).await {
            Ok(verdict) => verdict,
            Err(_) => Err("it hangs".to_owned()),
        };
        match verdict {
            Ok(outcome) => {
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                *seen.outcomes.entry(outcome).or_default() += 1;
            }
            Err(why) => self.failed(format!(
                "case {number} of seed {}: {why}\n{:?} {:?} to {} by {:?}, chunks {:?}, keep-alive {}",
                self.seed, case.ask, case.slowly, case.to.name(), case.manner, case.chunk, case.keep_alive
            )),
        }
    }

    async fn played(&self, case: &Case) -> Verdict {
        let changes = *self.changes.borrow();
        let went = client::play(case, self.gateway.address(), &self.ledger).await;
        let disturbed =
            case.to == To::Restless && (changes % 2 == 1 || changes != *self.changes.borrow());
        let attempts = self.ledger.over(case.number).await;
        let verdict = judge(case, &went, &attempts, disturbed)?;
        if let (Went::Left(left, _), Some(seen)) = (&went, left_at(&attempts))
            && !matches!(case.ask, Ask::Left(Moment::InRequest))
        {
            let after = seen.saturating_duration_since(*left);
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if self.alone.load(Ordering::Relaxed) {
                seen.closed_alone.push(after);
            } else {
                seen.closed_amid.push(after);
            }
        }
        if let Went::Got(got) = &went
            && let Some(id) = got.head.header("x-respair-request-id")
        {
            let told = self.gateway.ending(id).await;
            let told = told.ok_or("the log does not tell of it")?;
            let streamed = got.status == 200 && matches!(case.ask, Ask::Stream(_));
            if streamed && !verdict.is_told_as(&told) {
                return Err(format!("{}, and the log says {told}", verdict.words()));
            }
        }
        Ok(verdict)
    }
}
