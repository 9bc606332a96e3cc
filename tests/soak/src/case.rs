//! One request: what is asked, how the upstream answers, and how the client behaves. All of it follows from the run's seed and
//! the case's number, so that the relay, the client and the judge each work it out for themselves.

use std::time::Duration;

use fastrand::Rng;
use respair_faults::Words;

use crate::table::{Row, rows};
use crate::wire::Slowly;

/// The header that names the case, on both sides of the gateway.
pub(crate) const HEADER: &str = "x-soak-case";

/// The upstreams of the gateway's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// Long timeouts, never restarted.
    Steady,
    /// Short timeouts: for silence.
    Brisk,
    /// Long timeouts, and restarted all the time.
    Restless,
}

impl To {
    pub(crate) const ALL: [Self; 3] = [Self::Steady, Self::Brisk, Self::Restless];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Brisk => "brisk",
            Self::Restless => "restless",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    /// A stream.
    Stream(Row),
    /// One JSON response.
    Whole(Row),
    /// A stream, left at this moment.
    Left(Moment),
    /// Something that is passed on.
    Pass(Pass),
    /// Something that is turned away, by its place in `client::REFUSED`.
    Refused(usize),
}

/// When a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// In the middle of its request's body.
    InRequest,
    /// The upstream has the request, and has not answered.
    BeforeHead,
    /// The upstream has sent its prelude.
    InPrelude,
    /// So many deltas of text have come.
    InText(usize),
}

/// What is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// `GET …/models`.
    Models,
    /// `HEAD …/models`.
    Head,
    /// `GET …/responses/{id}`: a counted body.
    Counted,
    /// `POST …/chat/completions`: a chunked body, as long as it comes.
    Chunked,
    /// `POST …/files`, answered with what came.
    Echo,
    /// A chunked body that is cut.
    Cut,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Plain,
    /// In pieces of so many bytes.
    Pieces(usize),
    /// The body only when the gateway asks for it.
    Continue,
    /// By an HTTP/1.0 client.
    Old,
    /// Behind another request, in the same segment.
    Pipelined,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) number: usize,
    pub(crate) ask: Ask,
    pub(crate) to: To,
    pub(crate) manner: Manner,
    pub(crate) slowly: Option<Slowly>,
    /// A client leaves with RST.
    pub(crate) reset: bool,
    /// The upstream keeps its connection.
    pub(crate) keep_alive: bool,
    /// The upstream's chunks, where they are not its events.
    pub(crate) chunk: Option<usize>,
    pub(crate) words: Words,
    /// Bytes of what is passed on.
    pub(crate) bulk: usize,
    seed: u64,
}

impl Case {
    pub(crate) fn new(seed: u64, number: usize) -> Self {
        let mut dice = Rng::with_seed(seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let ask = ask(&mut dice);
        let text = words(&mut dice, number);
        let summary = (0..dice.usize(1..6)).map(|n| format!("r{number}.{n} "));
        let slowly = (dice.u8(..10) == 0).then(|| Slowly {
            piece: dice.usize(64..2000),
            wait: Duration::from_millis(dice.u64(1..5)),
        });
        Self {
            number,
            to: to(&ask, &mut dice),
            manner: manner(&ask, &mut dice),
            slowly,
            reset: dice.bool(),
            keep_alive: dice.bool(),
            chunk: (dice.u8(..4) == 0).then(|| dice.usize(1..600)),
            words: Words::new(text, summary.collect()),
            bulk: dice.usize(1..100_000),
            seed: dice.u64(..),
            ask,
        }
    }

    /// The model that is asked for, and echoed.
    pub(crate) fn model(&self) -> String {
        format!("soak-{}", self.number)
    }

    /// The bytes of what is passed on: of the answer, or of an upload.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut dice = Rng::with_seed(self.seed);
        std::iter::repeat_with(|| dice.u8(..))
            .take(self.bulk)
            .collect()
    }
}

fn ask(dice: &mut Rng) -> Ask {
    let rows = rows();
    match dice.u8(..100) {
        0..60 => Ask::Stream(rows[dice.usize(..rows.len())]),
        60..68 => Ask::Whole(whole(&rows, dice)),
        68..80 => Ask::Left(match dice.u8(..6) {
            0 => Moment::InRequest,
            1 => Moment::BeforeHead,
            2 => Moment::InPrelude,
            _ => Moment::InText(dice.usize(1..12)),
        }),
        80..92 => Ask::Pass(match dice.u8(..6) {
            0 => Pass::Models,
            1 => Pass::Head,
            2 => Pass::Counted,
            3 => Pass::Chunked,
            4 => Pass::Echo,
            _ => Pass::Cut,
        }),
        _ => Ask::Refused(dice.usize(..crate::refused::REFUSED.len())),
    }
}

/// Scenarios that say something also where no stream is asked for.
fn whole(rows: &[Row], dice: &mut Rng) -> Row {
    const NAMES: [&str; 8] = [
        "text",
        "reasoning",
        "tool-call",
        "sse-for-json",
        "http-500-once",
        "http-401",
        "reset-before-headers",
        "html",
    ];
    let name = NAMES[dice.usize(..NAMES.len())];
    let row = rows.iter().find(|row| row.name() == name);
    *row.unwrap_or(&rows[0])
}

fn to(ask: &Ask, dice: &mut Rng) -> To {
    match ask {
        Ask::Stream(row) if row.silent => To::Brisk,
        Ask::Left(_) | Ask::Refused(_) => To::Steady,
        _ if dice.u8(..3) == 0 => To::Restless,
        _ => To::Steady,
    }
}

fn manner(ask: &Ask, dice: &mut Rng) -> Manner {
    match (ask, dice.u8(..20)) {
        (Ask::Refused(_), _) => Manner::Plain,
        (Ask::Pass(_), 0) => Manner::Pieces(dice.usize(100..4000)),
        (_, 0) => Manner::Pieces(dice.usize(1..40)),
        (Ask::Stream(_) | Ask::Whole(_), 2) => Manner::Old,
        (Ask::Left(_), _) => Manner::Plain,
        (_, 1) => Manner::Continue,
        (_, 3) => Manner::Pipelined,
        _ => Manner::Plain,
    }
}

/// Deltas that say whose they are and which.
fn words(dice: &mut Rng, number: usize) -> Vec<String> {
    let most = if dice.u8(..40) == 0 { 900 } else { 40 };
    let long = if dice.u8(..10) == 0 { 300 } else { 12 };
    let spice = [
        "",
        "\u{e9}",
        "\u{1f600}",
        "\"",
        "\\",
        "\n",
        "\u{2028}",
        "<",
        "data:",
    ];
    (0..dice.usize(3..most))
        .map(|n| {
            let length = dice.usize(..long);
            let filler: String = (0..length).map(|_| dice.lowercase()).collect();
            format!(" c{number}.{n}{}{filler}", spice[dice.usize(..spice.len())])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_number_give_the_same_case() {
        for number in 0..200 {
            let (one, two) = (Case::new(7, number), Case::new(7, number));
            assert_eq!(format!("{one:?}"), format!("{two:?}"));
            assert_eq!(one.bytes(), two.bytes());
            let other = Case::new(7, number + 1);
            assert_ne!(one.words.text().next(), other.words.text().next());
        }
    }

    #[test]
    fn a_thousand_cases_hold_every_scenario_and_every_other_thing() {
        let cases: Vec<Case> = (0..2000).map(|number| Case::new(1, number)).collect();
        for row in rows() {
            let name = row.name();
            let asks = |case: &&Case| matches!(case.ask, Ask::Stream(row) if row.name() == name);
            assert!(cases.iter().any(|case| asks(&case)), "{name}");
        }
        for ask in [
            "Whole",
            "Left(InRequest",
            "Left(BeforeHead",
            "Left(InText",
            "Pass(Cut",
            "Pass(Echo",
            "Refused",
        ] {
            let have = cases
                .iter()
                .any(|case| format!("{:?}", case.ask).starts_with(ask));
            assert!(have, "{ask}");
        }
    }
}
