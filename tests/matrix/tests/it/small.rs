//! Five scenarios, each SDK both ways and Codex: what comes out of them through the gateway is right.

use respair_faults::scenario;
use respair_matrix::endpoint::{Served, Way};
use respair_matrix::judge::{Class, judge};
use respair_matrix::runner::Runner;

use crate::support::column;

/// The seed's stream, a call, a terminal that has lost the answer, an error in the text, a cut.
const SCENARIOS: [(&str, Class); 5] = [
    ("no-created", Class::Whole),
    ("tool-call", Class::Whole),
    ("output-empty", Class::Whole),
    ("error-flat", Class::Surfaced),
    ("eof-mid-text", Class::Cut),
];

async fn asked(name: &str) {
    let Some(column) = column(name) else {
        return;
    };
    let mut runner = Runner::new(column);
    for (scenario_name, expected) in SCENARIOS {
        let scenario = scenario(scenario_name).unwrap();
        let served = Served::start(*scenario, Way::Gateway).await.unwrap();
        let outcome = runner.ask(served, Way::Gateway).await.unwrap().outcome;
        let (class, reason) = judge(&column, &scenario.holds(), &outcome);
        assert_eq!(
            class, expected,
            "{name}, {scenario_name}: {reason} {outcome:?}"
        );
    }
}

#[tokio::test]
async fn openai_python_3() {
    asked("py3-stream").await;
    asked("py3-create-async").await;
}

#[tokio::test]
async fn openai_python_2() {
    asked("py2-stream").await;
    asked("py2-create").await;
}

#[tokio::test]
async fn openai_node_7() {
    asked("node7-stream").await;
    asked("node7-create").await;
}

#[tokio::test]
async fn codex() {
    asked("codex").await;
}

/// Direct, the same runners say what is wrong: a judge that calls everything right would show nothing.
#[tokio::test]
async fn direct_they_are_not_right() {
    for (name, scenario_name, expected) in [
        ("py3-stream", "no-created", Class::Error),
        ("py3-create-async", "eof-mid-text", Class::Silent),
        ("node7-stream", "unknown-mid", Class::Error),
        ("codex", "no-item-done", Class::Silent),
    ] {
        let Some(column) = column(name) else {
            continue;
        };
        let scenario = scenario(scenario_name).unwrap();
        let served = Served::start(*scenario, Way::Direct).await.unwrap();
        let answer = Runner::new(column).ask(served, Way::Direct).await;
        let outcome = answer.unwrap().outcome;
        let (class, reason) = judge(&column, &scenario.holds(), &outcome);
        assert_eq!(
            class, expected,
            "{name}, {scenario_name}: {reason} {outcome:?}"
        );
    }
}
