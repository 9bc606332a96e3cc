//! SIGKILL at any point: the database is whole, at most the event in flight is lost, and the conversation goes on with a valid
//! request. `cargo xtask soak --kills 200` does the same with more of them.

use respair_soak::kills::{Options, run};

#[test]
fn a_killed_turn_loses_at_most_the_event_in_flight() {
    let report = run(&Options {
        binary: crate::bin::binary().into(),
        kills: 20,
        seed: 1,
    });
    let report = report.unwrap();
    println!("{report}");
    let failures = report.failures();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert_eq!(report.count(), 20);
}
