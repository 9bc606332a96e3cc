//! Where a recorded body is cut into chunks.

use bytes::Bytes;

/// Splits a recording behind each blank line (any line ending).
pub(super) fn blocks(mut body: Bytes) -> Vec<Bytes> {
    let mut blocks = Vec::new();
    while let Some(end) = block_end(&body) {
        blocks.push(body.split_to(end));
    }
    if !body.is_empty() {
        blocks.push(body);
    }
    blocks
}

fn block_end(body: &[u8]) -> Option<usize> {
    let mut line_start = 0;
    let mut at = 0;
    while at < body.len() {
        let ending = match body[at] {
            b'\r' if body.get(at + 1) == Some(&b'\n') => 2,
            b'\r' | b'\n' => 1,
            _ => 0,
        };
        if ending == 0 {
            at += 1;
            continue;
        }
        let blank = at == line_start && at > 0;
        at += ending;
        line_start = at;
        if blank {
            return Some(at);
        }
    }
    None
}
