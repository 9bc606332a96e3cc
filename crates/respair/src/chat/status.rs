//! What is said of a conversation's state: while a turn runs, and at its end.

use std::time::Duration;

use respair_agent::{Answer, Conversation, Totals};

use crate::agent::words;
use crate::term::{counted, one_line};

/// Who is asked, `gpt-5.4 · custom`, and who stands in, in their order. The first is asked for `model`, where one was chosen.
pub(super) fn who(conversation: &Conversation, model: Option<&str>) -> Vec<String> {
    let links = conversation.agent().options().links.iter();
    let who = links.enumerate().map(|(at, link)| {
        let model = model.filter(|_| at == 0).unwrap_or(&link.model);
        let provider = one_line(&link.client.endpoint().provider);
        format!("{} · {provider}", one_line(model))
    });
    who.collect()
}

/// How much of the context is used: `3.1k of 128k tokens (2 %)`; `None` before the endpoint has told.
pub(super) fn context(totals: &Totals, window: Option<u64>) -> Option<String> {
    let used = totals.context_tokens;
    if used == 0 {
        return None;
    }
    Some(match window.filter(|window| *window > 0) {
        Some(window) => {
            let percent = used * 100 / window;
            let (used, window) = (count(used), count(window));
            format!("context {used} of {window} ({percent} %)")
        }
        None => format!("context {}", count(used)),
    })
}

/// What is said while a turn runs.
#[derive(Default)]
pub(super) struct Status {
    /// Whoever may be asked, and which of them is.
    pub(super) who: Vec<String>,
    pub(super) link: usize,
    pub(super) context: Option<String>,
    /// What is waited for before anything is asked.
    pub(super) awaits: Option<String>,
    pub(super) step: u32,
    /// A call that grows: its tool, and how many bytes there are.
    pub(super) growing: Option<(String, usize)>,
}

impl Status {
    /// Who is asked.
    pub(super) fn who(&self) -> &str {
        self.who.get(self.link).map_or("", String::as_str)
    }

    pub(super) fn text(&self) -> String {
        let mut parts = Vec::new();
        if let Some((tool, bytes)) = &self.growing {
            parts.push(format!("a call of {tool}, {}", counted(*bytes, "byte")));
        }
        if self.step > 1 {
            parts.push(format!("step {}", self.step));
        }
        match &self.awaits {
            Some(what) => parts.push(format!("waiting for {what}")),
            None => parts.push(self.who().to_owned()),
        }
        parts.extend(self.context.clone());
        parts.push("Ctrl-C stops".to_owned());
        parts.join(" · ")
    }
}

/// How a turn ended: what it took, how it was read, how much of the context is used.
pub(super) fn closing(
    answer: &Answer,
    who: &str,
    context: Option<String>,
    took: Duration,
) -> String {
    let mut parts = vec![words::closing_line(answer, None), who.to_owned()];
    parts.extend(context);
    parts.push(words::seconds(took));
    parts.join(" · ")
}

/// Words of a text that comes in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Words {
    count: usize,
    within: bool,
}

impl Words {
    pub(super) fn add(&mut self, piece: &str) {
        for c in piece.chars() {
            let within = !c.is_whitespace();
            self.count += usize::from(within && !self.within);
            self.within = within;
        }
    }

    /// `1 word`.
    pub(super) fn text(self) -> String {
        counted(self.count, "word")
    }
}

/// `950`, `1.2k`, `128k`, `1.1M`.
pub(crate) fn count(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..10_000 => format!("{:.1}k", tokens as f64 / 1e3),
        10_000..1_000_000 => format!("{}k", tokens / 1_000),
        _ => format!("{:.1}M", tokens as f64 / 1e6),
    }
}

/// `/usage`.
pub(super) fn usage(totals: &Totals, window: Option<u64>) -> String {
    let mut lines = vec![
        format!("requests   {}", totals.requests),
        format!("tokens in  {}", totals.input_tokens),
        format!("tokens out {}", totals.output_tokens),
    ];
    if totals.reasoning_tokens > 0 {
        lines.push(format!("reasoning  {}", totals.reasoning_tokens));
    }
    lines.extend(context(totals, window));
    match totals.uncounted {
        0 => {}
        1 => lines.push("one response came without its usage, and is not counted".to_owned()),
        n => lines.push(format!(
            "{n} responses came without their usage, and are not counted"
        )),
    }
    format!("```\n{}\n```\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_spelt_short() {
        for (tokens, text) in [
            (999, "999"),
            (1_250, "1.2k"),
            (128_000, "128k"),
            (1_100_000, "1.1M"),
        ] {
            assert_eq!(count(tokens), text);
        }
    }

    #[test]
    fn words_are_counted_across_pieces() {
        let mut words = Words::default();
        for piece in ["I th", "ink", " ab", "out", "\n it"] {
            words.add(piece);
        }
        assert_eq!(words.text(), "4 words");
    }

    #[test]
    fn the_context_is_shown_once_it_is_known() {
        let mut totals = Totals::default();
        assert_eq!(context(&totals, Some(100)), None);
        totals.context_tokens = 3_100;
        assert_eq!(context(&totals, None).as_deref(), Some("context 3.1k"));
        assert_eq!(
            context(&totals, Some(128_000)).as_deref(),
            Some("context 3.1k of 128k (2 %)")
        );
    }
}
