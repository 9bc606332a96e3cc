//! What is typed while a turn runs: the line under way, and what waits to be sent.

use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;

use super::draw::Draw;

/// What is typed ahead beyond this is a paste of the wrong thing.
const LONGEST: usize = 1 << 20;
/// Messages that wait. The next one stays in the line.
const WAITING: usize = 100;

/// The line under way, and what waits.
#[derive(Default)]
pub(super) struct Typing {
    pub(super) text: String,
    pub(super) queue: VecDeque<String>,
}

impl Typing {
    /// What it looks like.
    pub(super) fn draw(&self) -> Draw {
        Draw::Typed {
            text: self.text.clone(),
            queued: self.queue.len(),
        }
    }

    /// Takes what was pasted. What would make it too long is left out.
    pub(super) fn paste(&mut self, text: &str) {
        if self.text.len() + text.len() <= LONGEST {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            self.text.push_str(&text);
        }
    }

    /// Puts the line behind what waits.
    pub(super) fn send(&mut self) {
        let blank = self.text.trim().is_empty();
        if blank || self.queue.len() < WAITING {
            let text = std::mem::take(&mut self.text);
            self.queue.extend(Some(text).filter(|_| !blank));
        }
    }

    /// All of it in one text, which is taken.
    pub(super) fn everything(&mut self) -> String {
        let last = std::mem::take(&mut self.text);
        self.queue
            .extend(Some(last).filter(|text| !text.is_empty()));
        let all: Vec<String> = self.queue.drain(..).collect();
        all.join("\n")
    }

    /// Puts a message that was not sent back before what was typed since.
    pub(super) fn give_back(&mut self, text: &str) {
        let since = std::mem::take(&mut self.text);
        self.text = match since.is_empty() {
            true => text.to_owned(),
            false => format!("{text}\n{since}"),
        };
    }

    /// A key other than those that send or stop.
    pub(super) fn edit(&mut self, key: KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => self.text.clear(),
            KeyCode::Char('w') if control => {
                let kept = self.text.trim_end();
                let space = kept.char_indices().rev().find(|(_, c)| c.is_whitespace());
                let end = space.map_or(0, |(at, c)| at + c.len_utf8());
                self.text.truncate(end);
            }
            KeyCode::Char('j') if control => self.push('\n'),
            KeyCode::Enter => self.push('\n'),
            KeyCode::Char(c) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.push(c);
            }
            KeyCode::Tab => self.push(' '),
            KeyCode::Backspace => self.back(),
            KeyCode::Esc => self.text.clear(),
            KeyCode::Up if self.text.is_empty() => {
                self.text = self.queue.pop_back().unwrap_or_default();
            }
            _ => {}
        }
    }

    fn push(&mut self, c: char) {
        if self.text.len() < LONGEST {
            self.text.push(c);
        }
    }

    /// Takes back what stands as one character: a letter with its marks, an emoji of several.
    fn back(&mut self) {
        let last = self.text.grapheme_indices(true).next_back();
        self.text.truncate(last.map_or(0, |(at, _)| at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, keys: &[(KeyCode, KeyModifiers)]) -> String {
        let mut typing = Typing::default();
        typing.paste(text);
        for (code, modifiers) in keys {
            typing.edit(KeyEvent::new(*code, *modifiers));
        }
        typing.text
    }

    #[test]
    fn keys_take_back_what_stands_there() {
        let back = (KeyCode::Backspace, KeyModifiers::NONE);
        let word = (KeyCode::Char('w'), KeyModifiers::CONTROL);
        for (text, keys, left) in [
            ("ab", &[back][..], "a"),
            ("", &[back], ""),
            // A letter with its mark, a family of three.
            ("ae\u{301}", &[back], "a"),
            ("a👨\u{200d}👩\u{200d}👧", &[back], "a"),
            ("one two ", &[word], "one "),
            ("one\u{3000}two", &[word], "one\u{3000}"),
            ("a\r\nb\rc", &[], "a\nb\nc"),
        ] {
            assert_eq!(typed(text, keys), left, "{text:?}");
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut typing = Typing::default();
        typing.paste(&"x".repeat(LONGEST));
        typing.paste("y");
        typing.edit(KeyEvent::new(KeyCode::Char('z'), KeyModifiers::NONE));
        assert_eq!(typing.text.len(), LONGEST);
        typing.text.clear();
        for n in 0..=WAITING {
            typing.paste(&n.to_string());
            typing.send();
        }
        assert_eq!((typing.queue.len(), typing.text.as_str()), (WAITING, "100"));
        assert!(typing.everything().ends_with("\n99\n100"));
    }
}
