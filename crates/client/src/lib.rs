//! One turn at one Responses API endpoint.
//!
//! A [`Client`] is an [`Endpoint`] ready to be asked; [`Client::turn`] gives a [`Turn`], whose events come live and whose
//! last one is the [`Outcome`]:
//!
//! ```no_run
//! use respair_client::{Client, ClientOptions, Endpoint, TurnEvent, TurnRequest};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut endpoint = Endpoint::custom("http://127.0.0.1:8383/v1".parse()?);
//! endpoint.api_key = std::env::var("RELAY_KEY").ok().map(Into::into);
//!
//! let client = Client::new(endpoint, ClientOptions::default())?;
//! let mut turn = client.turn(TurnRequest::new("gpt-5.2", "Say hello."));
//! while let Some(event) = turn.next().await {
//!     match event {
//!         TurnEvent::Text(text) => print!("{text}"),
//!         TurnEvent::Finished(outcome) => println!("\n{:?}", outcome.status),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! How a turn runs, in the order of the source:
//!
//! 1. [`request`](TurnRequest) builds the body, `transport` the HTTP client; `attempt` sends and waits for the head.
//! 2. `stream` reads the answer: `body` decodes the bytes, `watch` times the silences, `reading` feeds core's reader and
//!    accumulator.
//! 3. When something happens, `recovery::decide` says what is next; `drive` carries it out.
//! 4. `closing` puts the end into words and tells the [`EndpointMemory`].
//!
//! [`probe`] asks an endpoint a few questions that show how it behaves, for `respair check`.
//!
//! An endpoint that the user declared as custom is read strictly, retried once when its prelude is out of order, and then
//! read tolerantly, in place and live ([`Recovery`]). Every other endpoint gets the strict protocol and its errors.

#![forbid(unsafe_code)]

mod attempt;
mod body;
mod client;
mod clock;
mod closing;
mod drive;
mod endpoint;
mod error;
mod http_error;
mod memory;
mod outcome;
pub mod probe;
mod reading;
mod recovery;
mod redact;
mod refused_field;
mod request;
mod retry;
mod stream;
mod trace;
mod transport;
mod turn;
mod watch;
pub mod wire;

pub use client::{Client, ClientOptions};
pub use clock::{Clock, SystemClock};
pub use endpoint::{Endpoint, ProviderKind, TimeoutSettings};
pub use error::{ErrorSource, RetryVerdict, SetupError, TurnError};
pub use memory::{EndpointMemory, MemoryEntry, MemoryProblem};
pub use outcome::{Outcome, Path, RecoveryAction, TurnEvent, TurnStatus};
pub use recovery::{Fallback, Recovery, RecoveryMode, UnknownSetting};
pub use request::TurnRequest;
pub use trace::Trace;
pub use turn::Turn;

pub use respair_core::{Code, Limits, Repair, Severity, Violation};
pub use secrecy::SecretString;
pub use tokio_util::sync::CancellationToken;
pub use url::Url;
