//! The thread that draws: what it is told becomes a page, and the page goes onto the terminal.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::draw::Draw;
use super::page::Page;
use super::paint::Terminal;
use super::tty;

/// Events that may wait for a slow terminal before the turn, and with it the upstream, is slowed down.
const WAITING: usize = 256;

enum Order {
    Draw(Draw),
    /// Everything is to be on the terminal, and nothing live.
    Settle(oneshot::Sender<()>),
}

/// A thread that draws.
pub(super) struct Screen {
    orders: mpsc::Sender<Order>,
    gone: CancellationToken,
    failed: Arc<OnceLock<io::Error>>,
}

impl Screen {
    /// Starts it, on standard output.
    pub(super) fn start(color: bool) -> Self {
        let (orders, waiting) = mpsc::channel(WAITING);
        let gone = CancellationToken::new();
        let failed = Arc::new(OnceLock::new());
        let (gone_too, failed_too) = (gone.clone(), Arc::clone(&failed));
        std::thread::spawn(move || {
            let (columns, rows) = tty::size();
            let page = Page::new(columns, rows, color);
            let mut terminal = Terminal::new(io::stdout(), columns, color);
            if let Err(error) = serve(page, &mut terminal, waiting) {
                // Set once, here.
                let _ = failed_too.set(error);
                gone_too.cancel();
            }
        });
        Self {
            orders,
            gone,
            failed,
        }
    }

    /// Hands something over; waits while too much waits already.
    pub(super) async fn show(&self, draw: Draw) {
        let _ = self.orders.send(Order::Draw(draw)).await;
    }

    /// Hands something over if that is possible at once, and drops it otherwise. Says whether it was.
    pub(super) fn offer(&self, draw: Draw) -> bool {
        self.orders.try_send(Order::Draw(draw)).is_ok()
    }

    /// Waits until everything is on the terminal, and nothing of it is live.
    pub(super) async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.orders.send(Order::Settle(done)).await.is_ok() {
            let _ = settled.await;
        }
    }

    /// Resolves when the terminal takes nothing more.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Why it takes nothing more.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.failed.get()
    }
}

fn serve<W: Write>(
    mut page: Page,
    terminal: &mut Terminal<W>,
    mut waiting: mpsc::Receiver<Order>,
) -> io::Result<()> {
    let mut woken = tty::woken();
    while let Some(order) = waiting.blocking_recv() {
        let mut settled = Vec::new();
        let mut next = Some(order);
        let (columns, rows) = tty::size();
        page.draw(Draw::Size(columns, rows));
        if std::mem::replace(&mut woken, tty::woken()) != woken {
            terminal.forget();
        }
        // What waits together is drawn together, but for what comes meanwhile.
        let mut taken = 0;
        while let Some(order) = next {
            match order {
                Order::Draw(draw) => page.draw(draw),
                Order::Settle(done) => {
                    page.draw(Draw::Status(None));
                    settled.push(done);
                }
            }
            taken += 1;
            next = (taken < WAITING).then(|| waiting.try_recv().ok()).flatten();
        }
        let finished = page.finished();
        terminal.draw(&finished, page.live(), columns)?;
        for done in settled {
            // Whoever waited may have been interrupted.
            let _ = done.send(());
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The screen of a terminal of this size after these events, drawn one by one.
    fn drawn(columns: u16, rows: u16, draws: impl IntoIterator<Item = Draw>) -> vt100::Parser {
        let mut parser = vt100::Parser::new(rows, columns, 1000);
        let mut page = Page::new(columns.into(), rows.into(), true);
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, columns.into(), true);
        for draw in draws {
            page.draw(draw);
            let finished = page.finished();
            terminal
                .draw(&finished, page.live(), columns.into())
                .unwrap();
        }
        parser.process(&out);
        parser
    }

    fn everything(parser: &mut vt100::Parser) -> String {
        let (rows, columns) = parser.screen().size();
        let mut text = Vec::new();
        // From the oldest line that has scrolled away to the last on the screen.
        parser.screen_mut().set_scrollback(usize::MAX);
        let mut offset = parser.screen().scrollback();
        loop {
            parser.screen_mut().set_scrollback(offset);
            let lines: Vec<String> = parser.screen().rows(0, columns).collect();
            if offset == 0 {
                text.extend(lines);
                break;
            }
            text.push(lines[0].clone());
            offset -= 1;
        }
        let _ = rows;
        let text: Vec<&str> = text.iter().map(|line| line.trim_end()).collect();
        text.join("\n").trim_end().to_owned()
    }

    fn text(piece: &str) -> Draw {
        Draw::Text(piece.to_owned())
    }

    #[test]
    fn a_turn_is_drawn_once_however_it_comes() {
        let answer = "# Hello\n\nSome *words* that are longer than one line of this terminal.\n\n```\ncode\n```\n\n- one\n- two\n";
        let begun = || Draw::Status(Some("asking".into()));
        let whole = [begun(), text(answer), Draw::Status(None)];
        let expected = everything(&mut drawn(30, 8, whole));
        for size in [1, 2, 7] {
            let pieces = answer.as_bytes().chunks(size);
            let pieces = pieces.map(|piece| text(std::str::from_utf8(piece).unwrap()));
            let draws = [begun()]
                .into_iter()
                .chain(pieces)
                .chain([Draw::Status(None)]);
            assert_eq!(everything(&mut drawn(30, 8, draws)), expected, "{size}");
        }
        insta::assert_snapshot!(expected);
    }

    /// More lines than the terminal has: none is lost, none is there twice.
    #[test]
    fn what_scrolls_away_is_whole() {
        let words: Vec<String> = (0..200).map(|n| format!("word{n}")).collect();
        let source = words.join(" ");
        let pieces = source.as_bytes().chunks(5);
        let pieces = pieces.map(|piece| text(std::str::from_utf8(piece).unwrap()));
        let draws = [Draw::Status(Some("asking".into()))]
            .into_iter()
            .chain(pieces)
            .chain([Draw::Status(None)]);
        let shown = everything(&mut drawn(40, 6, draws));
        let shown: Vec<&str> = shown.split_whitespace().collect();
        assert_eq!(shown, words);
    }

    #[test]
    fn tools_and_what_is_typed_stand_below() {
        let draws = [
            Draw::Status(Some("step 2 · gpt-5.4".into())),
            text("Let me look."),
            Draw::EndResponse,
            Draw::ToolStarted {
                call_id: "a".into(),
                what: "shell cargo test".into(),
            },
            Draw::ToolStarted {
                call_id: "b".into(),
                what: "read_file a\u{1b}[2Jb".into(),
            },
            Draw::Tick(Duration::from_millis(2_300)),
            Draw::ToolProgress {
                call_id: "a".into(),
                line: "3 tests".into(),
            },
            Draw::Typed {
                text: "and then".into(),
                queued: 1,
            },
        ];
        let parser = drawn(60, 12, draws.clone());
        insta::assert_snapshot!(parser.screen().contents());
        let ended = Draw::ToolEnded {
            call_id: "a".into(),
            line: "shell cargo test · exit 0 · 2.3 s".into(),
            failed: false,
            diff: Some("@@ -1 +1 @@\n-old\n+new\n".into()),
        };
        let parser = drawn(60, 12, draws.into_iter().chain([ended]));
        insta::assert_snapshot!(parser.screen().contents());
    }

    #[test]
    fn reasoning_can_be_folded() {
        let draws = [
            Draw::Status(Some("gpt".into())),
            Draw::Fold(true),
            Draw::Reasoning("one two".into()),
            Draw::Tick(Duration::from_secs(3)),
            Draw::Reasoning(" three".into()),
            Draw::Commentary("I look first.".into()),
            text("Answer."),
            Draw::Closing("completed".into()),
            Draw::Status(None),
        ];
        let parser = drawn(60, 12, draws);
        insta::assert_snapshot!(parser.screen().contents());
    }

    /// What is there already is not written again: a word costs a word.
    #[test]
    fn what_stands_there_is_not_written_again() {
        let words: Vec<String> = (0..400).map(|n| format!("word{n}")).collect();
        let source = words.join(" ");
        let mut page = Page::new(80, 24, true);
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, 80, true);
        page.draw(Draw::Status(Some("asking".into())));
        for piece in source.as_bytes().chunks(4) {
            page.draw(text(std::str::from_utf8(piece).unwrap()));
            let finished = page.finished();
            terminal.draw(&finished, page.live(), 80).unwrap();
        }
        for n in [0, 150, 390] {
            let word = format!("word{n} ");
            let times = String::from_utf8_lossy(&out).matches(&word).count();
            // The line that grows is written with every piece: there are 20 to a line.
            assert!(times <= 24, "{word} was written {times} times");
        }
        let frames = source.len() / 4;
        assert!(out.len() < frames * 160, "{} bytes", out.len() / frames);
    }

    #[test]
    fn a_terminal_that_becomes_narrower() {
        let mut page = Page::new(40, 10, false);
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, 40, false);
        page.draw(Draw::Status(Some("a status that is rather long".into())));
        page.draw(text("Some words that fill the line."));
        let finished = page.finished();
        terminal.draw(&finished, page.live(), 40).unwrap();
        page.draw(Draw::Size(20, 10));
        let finished = page.finished();
        terminal.draw(&finished, page.live(), 20).unwrap();
        let drawn = String::from_utf8(out).unwrap();
        // Two lines that take four rows now.
        assert!(drawn.contains("\r\x1b[3A"), "{drawn:?}");
    }
}
