//! Two trivial splits of a body into blocks: the strict one of `portable`, and openai-python's own.

use crate::Fault;

/// One block that carries data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The `event:` field; `None` without one.
    pub(crate) event: Option<String>,
    /// The `data:` lines, joined by a line feed.
    pub(crate) data: String,
    /// How many `data:` lines there were.
    pub(crate) lines: usize,
}

/// LF alone, a blank line after every block, nothing but comments and blocks with data. `ids_linger`: nor a comment
/// behind an `id:`.
pub(crate) fn strict(bytes: &[u8], ids_linger: bool, faults: &mut Vec<Fault>) -> Vec<Block> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            faults.push(Fault::new("invalid-utf8", 0, format!("not UTF-8: {error}")));
            return Vec::new();
        }
    };
    for (code, odd) in [
        ("bom", text.starts_with('\u{feff}')),
        ("crlf", text.contains("\r\n")),
        ("bare-cr", text.replace("\r\n", "").contains('\r')),
    ] {
        if odd {
            faults.push(Fault::new(
                code,
                0,
                "only LF ends a line, and nothing comes before the first",
            ));
        }
    }
    if faults
        .iter()
        .any(|fault| matches!(fault.code, "bom" | "crlf" | "bare-cr"))
    {
        return Vec::new();
    }
    let mut blocks = Vec::new();
    let mut pieces = text.split("\n\n").peekable();
    let mut id_seen = false;
    while let Some(piece) = pieces.next() {
        let piece = piece.trim_start_matches('\n');
        if pieces.peek().is_none() {
            if !piece.is_empty() {
                let message = "the last block is not followed by a blank line";
                faults.push(Fault::new(
                    "final-blank-line-missing",
                    blocks.len(),
                    message,
                ));
            }
            break;
        }
        let mut block = Block {
            event: None,
            data: String::new(),
            lines: 0,
        };
        let mut only_comments = true;
        // Blank lines in a row dispatch nothing.
        let said = |line: &&str| !line.starts_with(':') && !line.is_empty();
        for line in piece.split('\n').filter(said) {
            only_comments = false;
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => block.event = Some(value.to_owned()),
                "data" => {
                    if block.lines > 0 {
                        block.data.push('\n');
                    }
                    block.data.push_str(value);
                    block.lines += 1;
                }
                "id" => id_seen = ids_linger,
                _ => {}
            }
        }
        if block.lines > 0 {
            blocks.push(block);
        } else if !only_comments || id_seen {
            // After an `id:` openai-python dispatches every blank line, comments included (DEVIATIONS 6.11).
            faults.push(Fault::new(
                "data-empty",
                blocks.len(),
                "a block without data",
            ));
        }
    }
    blocks
}

/// What openai-python's decoder would dispatch next.
pub(crate) enum Dispatch {
    /// An event.
    Block(Block),
    /// A line that is no UTF-8.
    NotUtf8,
}

/// As openai-python 3.54.0 reads (`_streaming.py`): any line ending, no byte order mark removed, a block dispatched at
/// a blank line when *anything* was set, an `id:` included, which it never forgets; the unterminated last block dropped.
pub(crate) fn openai_python(bytes: &[u8]) -> Vec<Dispatch> {
    let mut dispatched = Vec::new();
    let mut event: Option<String> = None;
    let mut data: Vec<String> = Vec::new();
    let (mut id_seen, mut retry_seen) = (false, false);
    for line in lines(bytes) {
        let Ok(line) = std::str::from_utf8(line) else {
            dispatched.push(Dispatch::NotUtf8);
            return dispatched;
        };
        if line.is_empty() {
            let named = event.as_ref().is_some_and(|name| !name.is_empty());
            if named || !data.is_empty() || id_seen || retry_seen {
                let lines = data.len();
                dispatched.push(Dispatch::Block(Block {
                    event: event.filter(|name| !name.is_empty()),
                    data: data.join("\n"),
                    lines,
                }));
            }
            (event, data, retry_seen) = (None, Vec::new(), false);
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => event = Some(value.to_owned()),
            "data" => data.push(value.to_owned()),
            "id" if !value.contains('\0') => id_seen = !value.is_empty(),
            "retry" => retry_seen |= value.trim().parse::<i64>().is_ok(),
            _ => {}
        }
    }
    dispatched
}

/// The terminated lines: LF, CR LF, or a CR alone.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        if matches!(bytes[at], b'\n' | b'\r') {
            lines.push(&bytes[start..at]);
            at += usize::from(bytes[at..].starts_with(b"\r\n"));
            start = at + 1;
        }
        at += 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_endings() {
        let expected: [&[u8]; 4] = [b"a", b"b", b"", b"c"];
        assert_eq!(lines(b"a\r\nb\r\rc\nd"), expected);
    }

    #[test]
    fn openai_python_dispatches_a_comment_after_an_id() {
        let count = |body: &str| openai_python(body.as_bytes()).len();
        assert_eq!(count("data: 1\n\n: ping\n\n"), 1);
        assert_eq!(count("id: 1\ndata: 1\n\n: ping\n\n"), 2);
        assert_eq!(count("event: x\n\nretry: 5\n\nretry: soon\n\ndata: cut"), 2);
    }

    #[test]
    fn blocks_without_data_are_faults() {
        for body in [
            "event: x\n\n",
            "retry: 5\n\n",
            "id: 1\ndata: 1\n\n: ping\n\n",
        ] {
            let mut faults = Vec::new();
            strict(body.as_bytes(), true, &mut faults);
            assert_eq!(faults.len(), 1, "{body:?}");
            assert_eq!(faults[0].code, "data-empty");
        }
        let mut faults = Vec::new();
        assert_eq!(
            strict(b": ping\n\ndata: 1\n\n\n: bye\n\n", true, &mut faults).len(),
            1
        );
        assert!(faults.is_empty());
    }
}
