//! A client: plays one case at the gateway, and says what it got.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use serde_json::json;

use crate::case::{Ask, Case, HEADER, Manner, Moment, Pass};
use crate::refused::REFUSED;
use crate::upstream::Ledger;
use crate::wire::{Framing, Head, Wire};

/// What a client got.
#[derive(Debug, Default)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// The body ended properly; else what broke it.
    pub(crate) broke: Option<String>,
    /// What came before it on the same connection: the answer to a request that was sent with it.
    pub(crate) before: Option<(u16, Vec<u8>)>,
    /// The connection stayed open, where it should have been closed, or the other way round.
    pub(crate) odd: Option<&'static str>,
}

/// How a case went for its client.
#[derive(Debug)]
pub(crate) enum Went {
    Got(Got),
    /// It left then, with this much of the body.
    Left(Instant, Vec<u8>),
    /// It could not even ask, or what came is no HTTP.
    Broke(String),
}

/// Plays a case.
pub(crate) async fn play(case: &Case, gateway: SocketAddr, ledger: &Ledger) -> Went {
    match attempt(case, gateway, ledger).await {
        Ok(went) => went,
        Err(error) => Went::Broke(error.to_string()),
    }
}

async fn attempt(case: &Case, gateway: SocketAddr, ledger: &Ledger) -> io::Result<Went> {
    let mut wire = Wire::connect(gateway, case.slowly).await?;
    if let Ask::Refused(at) = case.ask {
        wire.send(&REFUSED[at].request(gateway)).await?;
        return Ok(Went::Got(answer(&mut wire, "POST").await?));
    }
    let request = Request::of(case, gateway);
    if let Ask::Left(moment) = case.ask {
        return leave(case, moment, wire, &request, ledger).await;
    }
    let mut before = None;
    // A request may be answered before it is sent whole, and then the rest is not taken: the answer counts.
    match case.manner {
        Manner::Plain | Manner::Old => drop(wire.send(&request.whole()).await),
        Manner::Pieces(size) => drop(wire.send_in_pieces(&request.whole(), size).await),
        Manner::Continue => {
            wire.send(request.head.as_bytes()).await?;
            if !request.body.is_empty() {
                let head = wire.head().await?;
                if head.status != 100 {
                    return Ok(Went::Got(rest(&mut wire, head, request.method).await));
                }
                drop(wire.send(&request.body).await);
            }
        }
        Manner::Pipelined => {
            let mut both = format!("GET /healthz HTTP/1.1\r\nhost: {gateway}\r\n\r\n").into_bytes();
            both.extend_from_slice(&request.whole());
            wire.send(&both).await?;
            let first = answer(&mut wire, "GET").await?;
            before = Some((first.status, first.body));
        }
    }
    let mut got = answer(&mut wire, request.method).await?;
    got.before = before;
    if got.broke.is_none() && !got.head.stays() && !wire.closes().await {
        got.odd = Some("something follows an answer that closes the connection");
    }
    Ok(Went::Got(got))
}

async fn answer(wire: &mut Wire, method: &str) -> io::Result<Got> {
    let head = wire.head().await?;
    Ok(rest(wire, head, method).await)
}

/// The answer whose head this is.
async fn rest(wire: &mut Wire, head: Head, method: &str) -> Got {
    let mut framing = head.framing(method);
    let mut got = Got {
        status: head.status,
        head,
        ..Got::default()
    };
    loop {
        match wire.next(&mut framing).await {
            Ok(Some(piece)) => got.body.extend_from_slice(&piece),
            Ok(None) => break,
            Err(error) => {
                got.broke = Some(error.to_string());
                break;
            }
        }
    }
    got
}

async fn leave(
    case: &Case,
    moment: Moment,
    mut wire: Wire,
    request: &Request,
    ledger: &Ledger,
) -> io::Result<Went> {
    let whole = request.whole();
    let mut body = Vec::new();
    match moment {
        Moment::InRequest => wire.send(&whole[..whole.len() - 7]).await?,
        Moment::BeforeHead | Moment::InPrelude => {
            wire.send(&whole).await?;
            ledger.begun(case.number).await;
        }
        Moment::InText(deltas) => {
            wire.send(&whole).await?;
            let head = wire.head().await?;
            if head.status != 200 {
                return Ok(Went::Broke(format!("{} in place of a stream", head.status)));
            }
            let mut framing = Framing::Chunked;
            while count(&body) < deltas.min(case.words.text().count()) {
                match wire.next(&mut framing).await? {
                    Some(chunk) => body.extend_from_slice(&chunk),
                    None => return Ok(Went::Broke("a stream ended that is held".to_owned())),
                }
            }
        }
    }
    let at = Instant::now();
    wire.leave(case.reset);
    Ok(Went::Left(at, body))
}

fn count(body: &[u8]) -> usize {
    const DELTA: &[u8] = b"event: response.output_text.delta\n";
    body.windows(DELTA.len())
        .filter(|part| *part == DELTA)
        .count()
}

/// A request's bytes.
struct Request {
    method: &'static str,
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn of(case: &Case, gateway: SocketAddr) -> Self {
        let (method, path, kind, body) = match case.ask {
            Ask::Stream(_) | Ask::Left(_) => {
                ("POST", "/responses", "application/json", turn(case, true))
            }
            Ask::Whole(_) | Ask::Refused(_) => {
                ("POST", "/responses", "application/json", turn(case, false))
            }
            Ask::Pass(pass) => match pass {
                Pass::Models => ("GET", "/models", "", Vec::new()),
                Pass::Head => ("HEAD", "/models", "", Vec::new()),
                Pass::Counted => ("GET", "/responses/resp_1?include=x", "", Vec::new()),
                Pass::Chunked | Pass::Cut => {
                    let body = b"{\"messages\":[]}".to_vec();
                    ("POST", "/chat/completions", "application/json", body)
                }
                Pass::Echo => (
                    "POST",
                    "/files",
                    "multipart/form-data; boundary=b",
                    case.bytes(),
                ),
            },
        };
        let version = if case.manner == Manner::Old {
            "1.0"
        } else {
            "1.1"
        };
        let mut head = format!(
            "{method} /{}/v1{path} HTTP/{version}\r\nhost: {gateway}\r\nuser-agent: soak/1\r\n{HEADER}: {}\r\n",
            case.to.name(),
            case.number
        );
        if !kind.is_empty() {
            head.push_str(&format!(
                "content-type: {kind}\r\ncontent-length: {}\r\n",
                body.len()
            ));
        }
        if case.manner == Manner::Continue && !body.is_empty() {
            head.push_str("expect: 100-continue\r\n");
        }
        head.push_str("\r\n");
        Self { method, head, body }
    }

    fn whole(&self) -> Vec<u8> {
        let mut whole = self.head.clone().into_bytes();
        whole.extend_from_slice(&self.body);
        whole
    }
}

fn turn(case: &Case, stream: bool) -> Vec<u8> {
    let mut body = json!({"model": case.model(), "input": "Say it.", "stream": stream});
    if matches!(case.ask, Ask::Stream(row) if row.scenario.name() == "http-400-store") {
        body["store"] = false.into();
    }
    body.to_string().into_bytes()
}

/// A page of the gateway's own.
pub(crate) async fn get(gateway: SocketAddr, path: &str) -> io::Result<String> {
    let mut wire = Wire::connect(gateway, None).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {gateway}\r\nconnection: close\r\n\r\n");
    wire.send(request.as_bytes()).await?;
    let got = answer(&mut wire, "GET").await?;
    match (got.status, got.broke) {
        (200, None) => Ok(String::from_utf8_lossy(&got.body).into_owned()),
        (status, broke) => Err(io::Error::other(format!("{path}: {status} {broke:?}"))),
    }
}
