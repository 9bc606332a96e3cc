//! The bodies of a trace: `respair run --trace` sets each request's answer after the first off by a comment,
//! `: respair attempt 2`.

use bytes::{Bytes, BytesMut};

use super::stream::Origin;

const MARK: &[u8] = b": respair attempt ";
/// A longer line is none of ours.
const LONGEST: usize = MARK.len() + 12;

/// A part of a trace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Of the body in hand.
    Bytes(Bytes),
    /// Another body begins here, behind this comment.
    Attempt { number: u32, origin: Origin },
}

/// Cuts a trace where a body begins. What is no trace comes through whole.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    /// The line in progress, as long as it may be a mark.
    line: BytesMut,
    /// The line in progress is no mark: its rest is passed on.
    plain: bool,
    /// Bytes of the chunks before.
    bytes: u64,
    /// Lines that have ended.
    lines: u64,
}

impl Splitter {
    /// Takes a chunk in.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Vec<Piece> {
        let mut pieces = Vec::new();
        // What goes on as it is begins here.
        let mut start = 0;
        let mut at = 0;
        while let Some(byte) = chunk.get(at).copied() {
            if self.line.is_empty() && byte != MARK[0] {
                self.plain = true;
            }
            if self.plain {
                let Some(length) = chunk[at..].iter().position(|byte| *byte == b'\n') else {
                    break;
                };
                at += length + 1;
                self.lines += 1;
                self.plain = false;
                continue;
            }
            if self.line.is_empty() {
                pieces.extend(piece(chunk.slice(start..at)));
            }
            at += 1;
            start = at;
            self.line.extend_from_slice(&[byte]);
            if byte == b'\n' {
                self.lines += 1;
                let line = self.line.split().freeze();
                pieces.extend(match number(&line) {
                    Some(number) => {
                        let byte = self.bytes + at as u64;
                        let line = self.lines + 1;
                        let origin = Origin { byte, line };
                        Some(Piece::Attempt { number, origin })
                    }
                    None => piece(line),
                });
            } else if !self.may_be_mark() {
                pieces.extend(piece(self.line.split().freeze()));
                self.plain = true;
            }
        }
        if self.line.is_empty() {
            pieces.extend(piece(chunk.slice(start..)));
        }
        self.bytes += chunk.len() as u64;
        pieces
    }

    fn may_be_mark(&self) -> bool {
        let common = self.line.len().min(MARK.len());
        self.line[..common] == MARK[..common] && self.line.len() <= LONGEST
    }

    /// The rest.
    pub(crate) fn finish(mut self) -> Option<Bytes> {
        (!self.line.is_empty()).then(|| self.line.split().freeze())
    }
}

fn piece(bytes: Bytes) -> Option<Piece> {
    (!bytes.is_empty()).then_some(Piece::Bytes(bytes))
}

fn number(line: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(line.strip_prefix(MARK)?).ok()?;
    digits.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bodies with where they begin, cut into chunks of this size.
    fn bodies(trace: &str, size: usize) -> Vec<(u32, Origin, String)> {
        let mut splitter = Splitter::default();
        let mut bodies = vec![(1, Origin::default(), String::new())];
        let mut take = |piece| match piece {
            Piece::Attempt { number, origin } => bodies.push((number, origin, String::new())),
            Piece::Bytes(bytes) => {
                if let Some(last) = bodies.last_mut() {
                    last.2.push_str(&String::from_utf8_lossy(&bytes));
                }
            }
        };
        for chunk in trace.as_bytes().chunks(size) {
            splitter
                .push(Bytes::copy_from_slice(chunk))
                .into_iter()
                .for_each(&mut take);
        }
        splitter
            .finish()
            .map(Piece::Bytes)
            .into_iter()
            .for_each(take);
        bodies
    }

    #[test]
    fn bodies_are_told_apart_however_they_are_cut() {
        let first = ": ping\n\ndata: one\n\n";
        let second = ": respair attempts\n\ndata: two : respair attempt 9\n: respair attempt x\n:";
        let trace = format!("{first}: respair attempt 2\n{second}");
        for size in 1..=trace.len() {
            let bodies = bodies(&trace, size);
            assert_eq!(bodies.len(), 2, "{size}");
            assert_eq!(bodies[0].2, first, "{size}");
            assert_eq!((bodies[1].0, bodies[1].2.as_str()), (2, second), "{size}");
            let origin = bodies[1].1;
            let before = &trace[..usize::try_from(origin.byte).unwrap_or(0)];
            assert!(before.ends_with("attempt 2\n"), "{size}");
            assert_eq!(
                origin.line,
                before.matches('\n').count() as u64 + 1,
                "{size}"
            );
        }
    }
}
