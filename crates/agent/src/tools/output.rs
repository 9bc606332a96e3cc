//! What a command printed: its head and its tail, as text without control sequences.

/// A string sequence (a window title, a link, the clipboard) that is longer is text that only begins like one.
const SEQUENCE: usize = 4 << 10;

/// The head and the tail of a stream of any length.
pub(crate) struct Kept {
    head: Vec<u8>,
    tail: Vec<u8>,
    head_most: usize,
    tail_most: usize,
    total: u64,
}

impl Kept {
    /// Keeps a third of `most` bytes of the head and two thirds of the tail, where errors are.
    pub(crate) fn new(most: usize) -> Self {
        let head_most = most / 3;
        Self {
            head: Vec::new(),
            tail: Vec::new(),
            head_most,
            tail_most: most - head_most,
            total: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_most - self.head.len()));
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(self.tail_most)..];
        self.tail.extend_from_slice(rest);
        // Moved together now and then only: each byte is copied twice at most.
        if self.tail.len() > 2 * self.tail_most {
            self.tail.drain(..self.tail.len() - self.tail_most);
        }
    }

    /// Bytes that came, all told.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// What is shown of it, and a line about what is not.
    pub(crate) fn text(&self) -> String {
        let tail = &self.tail[self.tail.len().saturating_sub(self.tail_most)..];
        if self.total == (self.head.len() + tail.len()) as u64 {
            let mut whole = self.head.clone();
            whole.extend_from_slice(tail);
            return cleaned(&whole);
        }
        // Cut between lines where there are lines.
        let head = match memchr::memrchr(b'\n', &self.head) {
            Some(at) => &self.head[..=at],
            None => &self.head[..],
        };
        let tail = match memchr::memchr(b'\n', tail) {
            Some(at) if at + 1 < tail.len() => &tail[at + 1..],
            _ => tail,
        };
        let left_out = self.total - (head.len() + tail.len()) as u64;
        let mut text = cleaned(head);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!(
            "[… {left_out} of {} bytes left out …]\n",
            self.total
        ));
        text.push_str(&cleaned(tail));
        text
    }
}

/// Terminal output as text: control sequences taken out, a line that was written over as it was last, bytes that are no
/// UTF-8 as `�`.
pub(crate) fn cleaned(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find(|c: char| c.is_control() && c != '\n' && c != '\t') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut chars = rest.chars();
        match chars.next() {
            Some('\x1b') => rest = &rest[sequence(rest)..],
            Some('\r') => {
                rest = chars.as_str();
                if !rest.starts_with(['\n', '\r']) && !rest.is_empty() {
                    plain.truncate(plain.rfind('\n').map_or(0, |at| at + 1));
                }
            }
            // Backspaces, bells, and the one-byte forms of the sequences.
            _ => rest = chars.as_str(),
        }
    }
    plain.push_str(rest);
    plain
}

/// How long the control sequence is that `text` begins with (ECMA-48); of what is none, its escape character.
fn sequence(text: &str) -> usize {
    let bytes = text.as_bytes();
    let run = |from: usize, of: std::ops::RangeInclusive<u8>| {
        bytes[from..]
            .iter()
            .take_while(|byte| of.contains(byte))
            .count()
    };
    match bytes.get(1) {
        Some(b'[') => {
            let parameters = 2 + run(2, 0x30..=0x3f);
            let end = parameters + run(parameters, 0x20..=0x2f);
            match bytes.get(end) {
                Some(0x40..=0x7e) => end + 1,
                _ => 1,
            }
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            let within = &bytes[..bytes.len().min(SEQUENCE)];
            let ends = within.iter().enumerate().skip(2);
            for (at, byte) in ends {
                match byte {
                    0x07 => return at + 1,
                    0x1b if bytes.get(at + 1) == Some(&b'\\') => return at + 2,
                    // One that nobody ends must not swallow what comes after it.
                    b'\n' | 0x1b => return 2,
                    _ => {}
                }
            }
            2
        }
        Some(0x20..=0x2f) => {
            let end = 1 + run(1, 0x20..=0x2f);
            match bytes.get(end) {
                Some(0x30..=0x7e) => end + 1,
                _ => 1,
            }
        }
        Some(0x30..=0x7e) => 2,
        _ => 1,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_are_taken_out() {
        for (bytes, expected) in [
            (&b"plain \xc3\xa4\tx\n"[..], "plain ä\tx\n"),
            (b"\x1b[1;31mred\x1b[0m", "red"),
            (b"\x1b]0;title\x07x\x1b]52;c;aGk=\x1b\\y", "xy"),
            (b"\x1b]never ended\nnext", "never ended\nnext"),
            (b"\x1bP1$r\x1b\\a\x1b(Bb\x1b=c\x1bcd", "abcd"),
            (b"\x1b[12", "[12"),
            (b"\x1b", ""),
            (b"10%\r50%\r100%\ndone\r\n", "100%\ndone\n"),
            (b"a\x08b\x07c\x00d\x7f", "abcd"),
            (b"\xc2\x9b31mx", "31mx"),
            (b"\xff\xfe ok", "\u{fffd}\u{fffd} ok"),
            (b"\x1b\xc3\xa4", "\u{e4}"),
        ] {
            assert_eq!(cleaned(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn any_chunking_keeps_the_same_and_says_what_is_missing() {
        let whole: Vec<u8> = (0..2_000)
            .flat_map(|n| format!("line {n}\n").into_bytes())
            .collect();
        let mut texts = Vec::new();
        for size in [1, 7, 300, 5_000, whole.len()] {
            let mut kept = Kept::new(900);
            whole.chunks(size).for_each(|chunk| kept.push(chunk));
            assert!(kept.tail.capacity() < 8_000 || size > 5_000);
            texts.push(kept.text());
        }
        assert!(texts.windows(2).all(|two| two[0] == two[1]));
        let text = &texts[0];
        assert!(text.starts_with("line 0\nline 1\n"));
        assert!(text.ends_with("line 1998\nline 1999\n"));
        let said = text.lines().find(|line| line.starts_with("[…")).unwrap();
        let shown: usize = text
            .lines()
            .filter(|l| *l != said)
            .map(|l| l.len() + 1)
            .sum();
        let expected = format!(
            "[… {} of {} bytes left out …]",
            whole.len() - shown,
            whole.len()
        );
        assert_eq!(said, expected);
    }

    #[test]
    fn what_fits_is_whole() {
        let mut kept = Kept::new(9);
        kept.push(b"123456789");
        assert_eq!(kept.text(), "123456789");
        kept.push(b"0");
        assert_eq!(kept.text(), "123\n[… 1 of 10 bytes left out …]\n567890");
    }
}
