//! Calls and their outputs, step after step.

use respair_agent::AnswerStatus;
use serde_json::json;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_call_is_run_and_its_output_goes_back() {
    let relay = plays([
        calls(1, "weather", &json!({"city": "Oslo"})),
        says(2, "Rain."),
    ])
    .await;
    let tool = Made::echo("weather");
    let mut conversation = conversation(&relay, [tool.clone() as _]);
    let run = say(&mut conversation, "How is Oslo?").await;
    assert_eq!(run.answer.status, AnswerStatus::Completed);
    assert_eq!(run.answer.text, "Rain.");
    assert_eq!((run.answer.steps, run.answer.totals.requests), (2, 2));
    assert_eq!(*tool.called.lock().unwrap(), [json!({"city": "Oslo"})]);
    let requests = relay.requests();
    assert_eq!(types(&requests[0]), ["user"]);
    assert_eq!(
        types(&requests[1]),
        ["user", "function_call", "function_call_output"]
    );
    let second = input(&requests[1]);
    assert_eq!(second[1]["call_id"], second[2]["call_id"]);
    assert_eq!(second[2]["output"], "echo Oslo");
    assert!(
        second.iter().all(|item| item.get("id").is_none()),
        "{second:?}"
    );
}
