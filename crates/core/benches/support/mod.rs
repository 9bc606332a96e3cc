//! What the benchmarks share: a clock that only counts this thread's work, and a stream to read.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used
)]

mod clock;

use std::time::Duration;

use bytes::Bytes;
use clock::now;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Bencher, Criterion, SamplingMode, Throughput};

/// Events in the generated stream; together they have about 72 MB.
pub const EVENTS: usize = 200_000;

/// Nanoseconds of CPU time that this thread used. On a shared machine the wall clock also counts
/// what others do.
pub struct ThreadCpu;

impl Measurement for ThreadCpu {
    type Intermediate = f64;
    type Value = f64;

    fn start(&self) -> f64 {
        now()
    }

    fn end(&self, start: f64) -> f64 {
        now() - start
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        // criterion hands out its formatter of nanoseconds only through the wall clock.
        static WALL: WallTime = WallTime;
        WALL.formatter()
    }
}

/// criterion with this clock, and few samples: an iteration reads a whole stream, so each is an
/// average already.
pub fn criterion() -> Criterion<ThreadCpu> {
    Criterion::default()
        .with_measurement(ThreadCpu)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args()
}

/// Measures `run`, which does `count` things, and reports the time of **one** of them.
pub fn each(bencher: &mut Bencher<'_, ThreadCpu>, count: usize, mut run: impl FnMut()) {
    bencher.iter_custom(|iterations| {
        let start = now();
        for _ in 0..iterations {
            run();
        }
        (now() - start) / count as f64
    });
}

/// For a group whose iterations are long.
pub fn group<'a>(
    criterion: &'a mut Criterion<ThreadCpu>,
    name: &str,
    throughput: Option<Throughput>,
) -> criterion::BenchmarkGroup<'a, ThreadCpu> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    if let Some(throughput) = throughput {
        group.throughput(throughput);
    }
    group
}

/// The text deltas of one long message, as the native service frames them: `count` events of 360
/// bytes on average, an eighth of them with text beyond ASCII.
pub fn deltas(count: usize) -> Bytes {
    const TEXT: [&str; 8] = [
        " the",
        " stream",
        " of",
        " événements",
        " is",
        " read",
        " once",
        ".",
    ];
    const TYPE: &str = "response.output_text.delta";
    const PADDING: &str = "8RkwUpyXdVw2Lz5Tn0fQJ6aMbHs3gYcKiEeDtOxWqZvrPlNj7uGmBSh9IoCF41A";
    let item = "msg_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b";
    let mut body = String::with_capacity(count * 361);
    for sequence in 0..count {
        let text = TEXT[sequence % TEXT.len()];
        let obfuscation = [PADDING, &PADDING[..48 - text.len() + sequence % 16]].concat();
        body.push_str(&format!(
            "event: {TYPE}\ndata: {{\"type\":\"{TYPE}\",\"sequence_number\":{sequence},\"item_id\":\"{item}\",\
             \"output_index\":0,\"content_index\":0,\"delta\":\"{text}\",\"logprobs\":[],\"obfuscation\":\"{obfuscation}\"}}\n\n"
        ));
    }
    Bytes::from(body)
}

/// `body` in chunks of `size`, as a transport gives them: each with a buffer of its own.
pub fn chunks(body: &[u8], size: usize) -> Vec<Bytes> {
    body.chunks(size).map(Bytes::copy_from_slice).collect()
}
