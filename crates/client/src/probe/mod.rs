//! Probes: a few real requests that show how an endpoint behaves, each judged by itself.
//!
//! [`Plan`] says which are sent, [`Prober::ask`] sends one and gives its [`Answer`] (head, body, times, how the body ended),
//! and [`judge`] says whether the endpoint did what it was asked. How the stream itself stands is core's to say, of
//! [`Answer::body`]. Nothing is retried, nothing recovered: what is judged is the upstream's own answer.
//!
//! ```no_run
//! use respair_client::probe::{Plan, Prober, judge};
//! use respair_client::{CancellationToken, ClientOptions, Endpoint};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::custom("http://127.0.0.1:8383/v1".parse()?);
//! let prober = Prober::new(endpoint, ClientOptions::default())?;
//! for probe in Plan::within(3, false).probes {
//!     let answer = prober.ask(probe, "gpt-5.4", &CancellationToken::new(), |_| {}).await;
//!     println!("{probe}: {}", judge(&answer, prober.endpoint(), "gpt-5.4").says);
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod ask;
mod carried;
mod exchange;
mod judge;
mod limit;
mod plan;
mod prober;

pub use answer::{Answer, BodyEnd, Head, Length, Sent, Timing};
pub use exchange::Progress;
pub use judge::{Finding, Judgement, Outcome, judge, models};
pub use plan::{Plan, Probe};
pub use prober::Prober;

/// How much of one body is kept. The probes ask for short answers; what is longer is none.
pub const BODY_KEPT: usize = 16 << 20;
