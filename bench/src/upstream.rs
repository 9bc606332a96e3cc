//! The upstream: a thread a connection, which writes what the query of the request asks for.
//!
//! Each event is a chunk of its own, as servers write them. Threads keep time to some 50 µs and are independent of each other, as streams are. What they cost is nobody's concern here:
//! only the process under test is measured.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::load::Ask;
use crate::stream::{EVENT, Stream};
use crate::{Failure, now, options, pause};

/// How much is written at once where nothing waits for the clock. A fast relay's writes are about this large.
const BLOCK: usize = 16 << 10;

/// A thread's stack: 5,000 of them at once.
const STACK: usize = 128 << 10;

/// The longest line and the largest body of a request.
const REQUEST: u64 = 64 << 10;

pub(crate) fn command(args: &[String]) -> Result<(), Failure> {
    let options = options(args)?;
    let listen = options.iter().find(|(name, _)| *name == "listen");
    let listener = TcpListener::bind(listen.map_or("127.0.0.1:0", |(_, address)| address))?;
    println!("listening on http://{}", listener.local_addr()?);
    io::stdout().flush()?;
    for socket in listener.incoming() {
        let socket = socket?;
        let serve = || {
            // The other end may leave when it likes.
            let _ = serve(socket);
        };
        thread::Builder::new().stack_size(STACK).spawn(serve)?;
    }
    Ok(())
}

/// Answers the requests of one connection.
fn serve(mut socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 10, socket.try_clone()?);
    while let Some(ask) = request(&mut reader)? {
        answer(&mut socket, &ask)?;
    }
    Ok(())
}

/// Reads a request to its end; `None` when there is no more.
fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Ask>> {
    let (mut ask, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if reader.by_ref().take(REQUEST).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if ask.is_none() {
            let target = line.split(' ').nth(1).unwrap_or_default();
            let query = target.split_once('?').map_or("", |(_, query)| query);
            ask = Some(Ask::from_pairs(query.split('&')).map_err(io::Error::other)?);
        } else if line.is_empty() {
            io::copy(&mut reader.take(length), &mut io::sink())?;
            return Ok(ask);
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
}

fn answer(socket: &mut TcpStream, ask: &Ask) -> io::Result<()> {
    let mut stream = Stream::new(ask.deviant);
    let mut out = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    chunk(&mut out, &stream.beginning());
    socket.write_all(&out)?;
    out.clear();
    let mut event = Vec::with_capacity(EVENT);
    let gap = ask.gap * 1_000;
    let mut next = now() + fastrand::u64(0..=gap);
    for _ in 0..ask.events {
        if gap != 0 {
            pause(next.saturating_sub(now()));
            // Who is late does not hurry: that would be another load.
            next = (next + gap).max(now());
        }
        event.clear();
        stream.delta(&mut event, now());
        chunk(&mut out, &event);
        if gap != 0 || out.len() >= BLOCK {
            socket.write_all(&out)?;
            out.clear();
        }
    }
    chunk(&mut out, &stream.ending());
    out.extend_from_slice(b"0\r\n\r\n");
    socket.write_all(&out)
}

fn chunk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}
