//! The plot: CPU time an event, by the events of the stream, both logarithmic.

use std::fmt::Write as _;

use super::Curve;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 500.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 370.0;
/// The decades of the axes: events, and nanoseconds.
const EVENTS: (f64, f64) = (3.0, 6.0);
const COST: (f64, f64) = (2.0, 6.0);
const COLOURS: [&str; 7] = [
    "#1b6ca8", "#2a9d8f", "#6a4c93", "#e07a1f", "#b5892b", "#c0392b", "#7f8c8d",
];

/// What this project measured of other readers, over 373-byte deltas of one text (PEERS.md): openai-python's
/// `responses.stream` took 2 s of CPU for 10,000 events and 49 s for 100,000, async-openai read 74,000 in a second.
fn peers() -> [Curve; 2] {
    let curve = |name, points: &[(usize, f64)]| Curve {
        name,
        points: points.to_vec(),
    };
    [
        curve(
            "openai-python `stream`",
            &[(10_000, 200_000.0), (100_000, 490_000.0)],
        ),
        curve("async-openai", &[(100_000, 13_500.0)]),
    ]
}

pub(crate) fn svg(own: &[Curve]) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    axes(&mut out);
    let all = peers();
    let mut labels: Vec<(f64, &str, &str)> = Vec::new();
    for (curve, colour) in own.iter().chain(&all).zip(COLOURS) {
        let points: Vec<(f64, f64)> = curve
            .points
            .iter()
            .map(|&(events, cost)| (across(events as f64), up(cost)))
            .collect();
        let line: String = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1} "))
            .collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.trim_end()
        );
        for (x, y) in &points {
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
        labels.extend(points.last().map(|(_, y)| (*y, curve.name, colour)));
    }
    // Each label beside the end of its line, and below the one before it.
    labels.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut free = f64::NEG_INFINITY;
    for (y, name, colour) in labels {
        free = y.max(free + 16.0);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>",
            RIGHT + 12.0,
            free + 4.0
        );
    }
    out.push_str("</svg>\n");
    out
}

fn axes(out: &mut String) {
    let grid = |out: &mut String, from: (f64, f64), to: (f64, f64)| {
        let _ = writeln!(
            out,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
            from.0, from.1, to.0, to.1
        );
    };
    for (decade, label) in [(3, "1 k"), (4, "10 k"), (5, "100 k"), (6, "1 M")] {
        let x = across(10f64.powi(decade));
        grid(out, (x, TOP), (x, BOTTOM));
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            BOTTOM + 18.0
        );
    }
    for (decade, label) in [
        (2, "100 ns"),
        (3, "1 µs"),
        (4, "10 µs"),
        (5, "100 µs"),
        (6, "1 ms"),
    ] {
        let y = up(10f64.powi(decade));
        grid(out, (LEFT, y), (RIGHT, y));
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"18\">CPU time an event, by the events of the stream</text>"
    );
}

fn across(events: f64) -> f64 {
    LEFT + (events.log10() - EVENTS.0) / (EVENTS.1 - EVENTS.0) * (RIGHT - LEFT)
}

fn up(cost: f64) -> f64 {
    BOTTOM - (cost.log10() - COST.0) / (COST.1 - COST.0) * (BOTTOM - TOP)
}
