//! The terminal: colours, and text from elsewhere made harmless.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::args::When;

pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();

/// Sets the choice for every stream of this process.
pub(crate) fn set_color(when: When) {
    choice(when).write_global();
}

fn choice(when: When) -> ColorChoice {
    match when {
        When::Auto => ColorChoice::Auto,
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
    }
}

/// `--color` as it was typed, before the arguments are parsed: their own errors are coloured too.
pub(crate) fn color_in(args: impl IntoIterator<Item = OsString>) -> When {
    let mut wanted = String::new();
    let mut args = args
        .into_iter()
        .filter_map(|a| a.into_string().ok())
        .take_while(|a| a != "--");
    while let Some(arg) = args.next() {
        if arg == "--color" {
            wanted = args.next().unwrap_or_default();
        } else if let Some(value) = arg.strip_prefix("--color=") {
            wanted = value.to_owned();
        }
    }
    match wanted.as_str() {
        "always" => When::Always,
        "never" => When::Never,
        _ => When::Auto,
    }
}

/// The same choice for what clap prints.
pub(crate) fn for_clap(when: When) -> clap::ColorChoice {
    match when {
        When::Auto => clap::ColorChoice::Auto,
        When::Always => clap::ColorChoice::Always,
        When::Never => clap::ColorChoice::Never,
    }
}

/// Standard error, which drops styles where they are not wanted.
pub(crate) fn stderr() -> AutoStream<io::Stderr> {
    AutoStream::auto(io::stderr())
}

/// Standard output for text of our own (never for an answer), which drops styles where they are not wanted.
pub(crate) fn stdout() -> AutoStream<io::Stdout> {
    AutoStream::auto(io::stdout())
}

/// Whether standard output is shown with styles.
pub(crate) fn is_coloured() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Whether standard output is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The columns of the terminal that standard output is; `None` when it is none, or does not say.
pub(crate) fn columns() -> Option<usize> {
    #[cfg(unix)]
    let columns = rustix::termios::tcgetwinsize(io::stdout()).ok()?.ws_col;
    #[cfg(not(unix))]
    let columns = 0_u16;
    (columns > 0).then_some(usize::from(columns))
}

/// Forgets the lines that were typed and not read yet.
pub(crate) fn forget_typed() {
    #[cfg(unix)]
    {
        let typed = rustix::termios::QueueSelector::IFlush;
        // What is no terminal has nothing that was typed ahead.
        let _ = rustix::termios::tcflush(io::stdin(), typed);
    }
}

/// Whether standard error is a terminal.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Makes text harmless on a terminal: newline and tab stay, CRLF becomes a newline, every other control character and every
/// character that reorders text is shown as an escape. A carriage return at the end of a piece waits for the next one.
#[derive(Debug, Default)]
pub(crate) struct Neutral {
    carriage_return: bool,
}

impl Neutral {
    /// One piece.
    pub(crate) fn piece(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if std::mem::take(&mut self.carriage_return) && c != '\n' {
                out.push_str("\\r");
            }
            match c {
                '\n' | '\t' => out.push(c),
                '\r' => self.carriage_return = true,
                c if is_harmful(c) => out.push_str(&escaped(c)),
                c => out.push(c),
            }
        }
        out
    }

    /// What still waited.
    pub(crate) fn rest(&mut self) -> &'static str {
        if std::mem::take(&mut self.carriage_return) {
            "\\r"
        } else {
            ""
        }
    }
}

/// Text from elsewhere as one harmless line.
pub(crate) fn one_line(text: &str) -> String {
    visible(text.trim())
}

/// The same with its blanks at both ends.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            '\r' => {}
            c if is_harmful(c) => out.push_str(&escaped(c)),
            c => out.push(c),
        }
    }
    out
}

/// Text that somebody is to judge: nothing in it is invisible. What has no shape of its own, blanks other than the usual one,
/// and a newline are shown as escapes, and a long run of blanks is counted: what comes behind it must not be out of sight.
pub(crate) fn plainly(text: &str) -> String {
    const BLANKS: usize = 80;
    let mut out = String::with_capacity(text.len());
    let mut blanks = 0;
    let mut last = ' ';
    let flush = |out: &mut String, blanks: &mut usize| {
        match std::mem::take(blanks) {
            n @ 0..=BLANKS => out.extend(std::iter::repeat_n(' ', n)),
            n => out.push_str(&format!("[… {n} blanks …]")),
        };
    };
    for c in text.chars() {
        match c {
            ' ' | '\t' => blanks += 1,
            // One of them makes a sign colourful; more could be a message.
            '\u{fe0f}' if !is_unseen(last) && blanks == 0 => out.push(c),
            c if is_harmful(c) || is_unseen(c) => {
                flush(&mut out, &mut blanks);
                out.push_str(&escaped(c));
            }
            c => {
                flush(&mut out, &mut blanks);
                out.push(c);
            }
        }
        last = c;
    }
    if blanks > BLANKS {
        flush(&mut out, &mut blanks);
    }
    out
}

/// What has no shape: joiners, fillers, selectors, tags; and blanks that a shell takes for letters.
fn is_unseen(c: char) -> bool {
    c != ' ' && c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_harmful(c: char) -> bool {
    // Controls (C0, DEL, C1), then what reorders or hides text: marks, embeddings, overrides, isolates, line separators, a byte order mark.
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn escaped(c: char) -> String {
    let code = c as u32;
    if code < 0x100 {
        format!("\\x{code:02x}")
    } else {
        format!("\\u{{{code:x}}}")
    }
}

/// `1 line`, `2 lines`, `2 directories`.
pub(crate) fn counted(count: impl fmt::Display + PartialEq + From<u8>, noun: &str) -> String {
    match (count == 1.into(), noun.strip_suffix('y')) {
        (true, _) => format!("{count} {noun}"),
        (false, Some(stem)) => format!("{count} {stem}ies"),
        (false, None) => format!("{count} {noun}s"),
    }
}

/// What the system says of an error, without its number for it.
pub(crate) fn system(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Writes a whole text to standard output. A reader that has gone away is no error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = stdout();
    unless_gone(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// A reader that has gone away is no error.
pub(crate) fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// `notice: text` on standard error.
pub(crate) fn notice(text: &str) {
    say(DIM, "notice", text);
}

/// `warning: text` on standard error.
pub(crate) fn warning(text: &str) {
    say(WARN, "warning", text);
}

/// `error: text` on standard error.
pub(crate) fn error(text: &str) {
    say(BAD, "error", text);
}

/// `help: text` on standard error.
pub(crate) fn help(text: &str) {
    say(GOOD, "help", text);
}

/// The same as a text, for who writes it: with styles where standard error is shown with them.
pub(crate) fn warning_line(text: &str) -> String {
    match AutoStream::choice(&io::stderr()) {
        ColorChoice::Never => format!("warning: {text}\n"),
        _ => format!("{WARN}warning:{WARN:#} {text}\n"),
    }
}

/// A line as it is, on standard error.
pub(crate) fn plain(text: &str) {
    // Nothing is left to do when standard error is gone.
    let _ = writeln!(stderr(), "{text}");
}

fn say(style: Style, word: &str, text: &str) {
    // Nothing is left to do when standard error is gone.
    let _ = writeln!(stderr(), "{style}{word}:{style:#} {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        let mut neutral = Neutral::default();
        let shown = neutral.piece("a\x1b[31mb\u{9b}2Jc\x07\x7f\0\u{202e}d\te\nf");
        assert_eq!(shown, "a\\x1b[31mb\\x9b2Jc\\x07\\x7f\\x00\\u{202e}d\te\nf");
        assert_eq!(one_line("a\nb\x1b]0;x\x07"), "a b\\x1b]0;x\\x07");
    }

    #[test]
    fn nothing_that_is_judged_is_invisible() {
        for (text, shown) in [
            (
                "rm\u{200b} \u{2060}-rf\u{a0}x\r\n",
                "rm\\u{200b} \\u{2060}-rf\\xa0x\\x0d\\x0a",
            ),
            ("a\tb  c  ", "a b  c"),
            ("tag \u{e0041}\u{e0042}", "tag \\u{e0041}\\u{e0042}"),
            (
                "\u{2764}\u{fe0f} \u{fe0f}\u{fe0f}",
                "\u{2764}\u{fe0f} \\u{fe0f}\\u{fe0f}",
            ),
            ("a\u{202e}b\x1b[2J", "a\\u{202e}b\\x1b[2J"),
            ("naïve שלום 漢字", "naïve שלום 漢字"),
        ] {
            assert_eq!(plainly(text), shown);
        }
        let far = format!("true{};rm", " ".repeat(9_000));
        assert_eq!(plainly(&far), "true[… 9000 blanks …];rm");
    }

    #[test]
    fn carriage_returns_across_pieces() {
        let mut neutral = Neutral::default();
        assert_eq!(neutral.piece("a\r\nb\r"), "a\nb");
        assert_eq!(neutral.piece("\nc\r"), "\nc");
        assert_eq!(neutral.piece("d\r"), "\\rd");
        assert_eq!(neutral.rest(), "\\r");
        assert_eq!(neutral.rest(), "");
    }

    #[test]
    fn colour_is_found_before_parsing() {
        let find = |args: &[&str]| color_in(args.iter().map(OsString::from));
        assert_eq!(find(&["respair", "--color", "never"]), When::Never);
        assert_eq!(find(&["respair", "--color=always", "x"]), When::Always);
        assert_eq!(
            find(&["respair", "run", "--", "--color=always"]),
            When::Auto
        );
    }
}
