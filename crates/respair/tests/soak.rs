//! Half a minute of `cargo xtask soak`, in the test command. Judged is what each client got and what the process then holds,
//! not how long it took. The seed is fixed: what fails once fails again, as far as timing does not matter.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use respair_soak::{Options, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_is_lost_or_mixed_up_and_nothing_leaks() {
    let options = Options {
        binary: env!("CARGO_BIN_EXE_respair").into(),
        streams: 200,
        pace: 20,
        warm: 200,
        mixed: Duration::from_secs(10),
        reloads: true,
        clients: 24,
        leaving: 10,
        seed: 1,
        judge_measures: false,
    };
    let report = run(&options).await.unwrap();
    println!("{report}");
    let failures = report.failures();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
