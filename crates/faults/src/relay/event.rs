//! What a watcher hears: the lines that the command prints.

use std::fmt;

use super::play::Ended;
use super::request::Request;

/// Something to tell whoever watches the relay. `Display` gives one line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RelayEvent<'a> {
    /// A request arrived and is answered with this status (0: bytes that are no HTTP).
    Asked {
        /// The request.
        request: &'a Request,
        /// The status of the answer.
        status: u16,
    },
    /// The answer to a request for a response ended.
    Ended {
        /// The request.
        request: &'a Request,
        /// How.
        ended: Ended,
    },
}

impl fmt::Display for RelayEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked { request, status } => {
                // Escaped: the path comes from the peer and goes to somebody's terminal.
                write!(
                    f,
                    "{} {} -> ",
                    request.method.escape_debug(),
                    request.path.escape_debug()
                )?;
                if *status == 0 {
                    f.write_str("raw bytes")?
                } else {
                    write!(f, "{status}")?
                }
                if request.is_turn() {
                    write!(f, " (request {})", request.number + 1)
                } else {
                    Ok(())
                }
            }
            Self::Ended { request, ended } => {
                let how = match ended {
                    Ended::Finished => "finished",
                    Ended::Cut => "cut",
                    Ended::Reset => "reset",
                    Ended::PeerClosed(_) => "closed by the peer",
                    Ended::Shutdown => "stopped",
                };
                write!(
                    f,
                    "request {} {how} after {} ms",
                    request.number + 1,
                    request.at.elapsed().as_millis()
                )
            }
        }
    }
}
