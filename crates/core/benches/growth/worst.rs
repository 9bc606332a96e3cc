//! What each rule's fixture costs when its deltas come 100,000 times, beside a conforming stream in the same run.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use bytes::Bytes;
use respair_core::{Context, EndOfBody, Reader, ReaderOptions, Step};

use super::clock::now;
use super::scaled::{frames, scaled};

/// The dearest fixtures, as rows of a table: nanoseconds an event, and how many times that of `conforming`.
pub(crate) fn rows(conforming: &[u8], events: usize, most: usize) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rules");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("a folder that can be read").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "sse"))
        .collect();
    paths.sort();
    let mut costs: Vec<(f64, f64, String)> = paths
        .iter()
        .filter_map(|path| {
            let body = fs::read(path).expect("a fixture that can be read");
            let long = long(&body, events)?;
            // In turn, so that what else the machine does meets both.
            let (mut own, mut plain) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..3 {
                own = own.min(cost(&long));
                plain = plain.min(cost(conforming));
            }
            Some((
                own / plain,
                own,
                path.file_stem()?.to_string_lossy().into_owned(),
            ))
        })
        .collect();
    costs.sort_by(|one, other| other.0.total_cmp(&one.0));
    let half = costs.get(costs.len() / 2).map_or(0.0, |middle| middle.0);
    let mut out = String::new();
    for (ratio, cost, name) in costs.iter().take(most) {
        out.push_str(&format!("| {name} | {cost:.0} | {ratio:.1} |\n"));
    }
    out.push_str(&format!(
        "\n{} fixtures have deltas; the median is {half:.1}\n",
        costs.len()
    ));
    out
}

/// The fixture with so many deltas; `None` where it has none.
fn long(body: &[u8], events: usize) -> Option<Vec<u8>> {
    let once = frames(body).len();
    let deltas = frames(&scaled(body, 2)).len() - once;
    (deltas > 0).then(|| scaled(body, events / deltas))
}

/// Nanoseconds an event of a body that is read tolerantly in 16 KiB pieces.
fn cost(body: &[u8]) -> f64 {
    let pieces: Vec<Bytes> = body.chunks(16 << 10).map(Bytes::copy_from_slice).collect();
    let start = now();
    let mut reader = Reader::new(ReaderOptions::tolerant(), Context::new(0, 1));
    let drain = |reader: &mut Reader| {
        while let Some(step) = reader.poll() {
            if !matches!(step, Step::Ended(_)) {
                black_box(step);
            }
        }
    };
    for piece in pieces {
        reader.push(piece);
        drain(&mut reader);
    }
    reader.finish(EndOfBody::Eof);
    drain(&mut reader);
    (now() - start) / reader.events_in() as f64
}
