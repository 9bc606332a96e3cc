//! The same repair for any client, over HTTP: what is behind `respair serve`.
//!
//! ```no_run
//! use respair_client::Endpoint;
//! use respair_gateway::{Gateway, GatewayOptions, Upstream};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let relay = Endpoint::custom("https://relay.example/openai".parse()?);
//! let gateway = Gateway::bind(GatewayOptions::new(vec![Upstream::new("relay", relay)])).await?;
//! println!("listening on http://{}", gateway.address());
//! gateway.serve(std::future::pending(), std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! # How a request runs, in the order of the source
//!
//! 1. [`Gateway`] accepts; `connection` serves one `socket`, and cuts it when the client takes nothing for too long. What holds
//!    for a request is taken when it begins: [`Control`] may put other settings in place while it is under way.
//! 2. `answer` names it. `guard` turns away what a page in a browser could send; `route` says where the rest goes.
//! 3. `pass` forwards everything that is not ours to touch, both ways as it comes.
//! 4. `responses` is the rest. A request for a response is read whole (`request` prepares what goes upstream), then:
//!    - `attempt` asks the upstream once, and again while nothing was sent downstream (the client crate decides);
//!    - `reading` feeds the answer to core's reader, with the clock and the end of the body as further inputs;
//!    - `begin` holds what comes until the first output event. Until then nothing is committed: an upstream that refuses,
//!      fails in the stream or sends no stream at all becomes the HTTP status that it stands for;
//!    - `stream` sends each mended event on as one chunk, or `fold` makes one JSON response of them.
//! 5. `record` is what is known of a request when it is over: the log line and the metrics are made from it; `ongoing` is that
//!    request until then. `copies` and `recorder` keep what passes, where somebody asked for it.
//!
//! A streamed body is polled by the connection itself: there is no task and no queue between upstream and client. So a slow
//! client slows the upstream down, and one that goes away takes the upstream's connection with it.

#![forbid(unsafe_code)]

mod answer;
mod connection;
mod copies;
mod cors;
mod gateway;
mod guard;
mod headers;
mod limits;
mod metrics;
mod ongoing;
mod options;
mod pass;
mod paste;
mod record;
mod recorder;
mod reply;
mod request;
mod responses;
mod route;
mod socket;
mod upstream;

pub use copies::Bodies;
pub use gateway::{Control, Gateway, StartError};
pub use limits::ServeLimits;
pub use options::{GatewayOptions, Upstream};
pub use paste::Paste;
pub use record::{Finish, Record};
pub use recorder::RecordOptions;
pub use request::{REQUEST_MENDS, RequestMend};
