//! A model that goes round in circles: it is told, and stopped when it does so again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use respair_agent::{AnswerStatus, Permission, Tool, ToolOutput};
use respair_faults::{Relay, Request, Script};
use serde_json::{Value, json};

use crate::support::*;

/// The cities that each response asks for; after the last it says that it is done.
async fn asks(responses: &'static [&'static [&'static str]]) -> Relay {
    relay(move |request: &Request| {
        let number = request.number as u64 + 1;
        let Some(cities) = responses.get(request.number) else {
            return says(number, "Done.");
        };
        let stream = cities.iter().fold(response(number), |stream, city| {
            let arguments = json!({ "city": city }).to_string();
            stream.call("weather", [arguments.as_str()])
        });
        Script::stream(&stream.complete())
    })
    .await
}

/// The tool, and the responses after which the model was told.
async fn told(
    responses: &'static [&'static [&'static str]],
    tool: Arc<dyn Tool>,
) -> (AnswerStatus, usize, Vec<usize>, Option<String>) {
    let relay = asks(responses).await;
    let run = say(&mut conversation(&relay, [tool]), "Go").await;
    let requests = relay.requests();
    let mut told = Vec::new();
    let mut known = 0;
    for (at, request) in requests.iter().enumerate() {
        let said = input(request).iter().filter(|item| says_so(item)).count();
        if said > known {
            told.push(at);
        }
        known = said;
    }
    let answer = run.answer;
    (answer.status, requests.len(), told, answer.message)
}

fn says_so(item: &Value) -> bool {
    item.to_string().contains("Do something else, or answer.")
}

const A: &[&str] = &["Oslo"];
const B: &[&str] = &["Rome"];
const SIX: &[&str] = &["Oslo"; 6];

#[tokio::test(start_paused = true)]
async fn told_once_and_stopped_when_it_is_done_again() {
    use AnswerStatus::{Completed, Stopped};
    type Case = (
        &'static str,
        &'static [&'static [&'static str]],
        AnswerStatus,
        usize,
        &'static [usize],
    );
    let table: &[Case] = &[
        ("four times", &[A; 4], Completed, 5, &[]),
        ("five times, then an answer", &[A; 5], Completed, 6, &[5]),
        ("six times", &[A; 6], Stopped, 6, &[5]),
        ("on and on", &[A; 40], Stopped, 6, &[5]),
        ("six beside one another", &[SIX], Completed, 2, &[]),
        (
            "beside one another, four times",
            &[SIX; 4],
            Completed,
            5,
            &[],
        ),
        ("beside one another, on and on", &[SIX; 9], Stopped, 6, &[5]),
        (
            "told, then something else",
            &[A, A, A, A, A, B, A, A],
            Completed,
            9,
            &[5],
        ),
        (
            "in turns, ten times",
            &[A, B, A, B, A, B, A, B, A, B, A],
            Completed,
            12,
            &[],
        ),
        (
            "in turns, on and on",
            &[A, B, A, B, A, B, A, B, A, B, A, B, A, B, A, B],
            Stopped,
            13,
            &[12],
        ),
        (
            "one alone, then both, in turns",
            &[
                A,
                &["Oslo", "Rome"],
                A,
                &["Oslo", "Rome"],
                A,
                &["Oslo", "Rome"],
            ],
            Completed,
            7,
            &[],
        ),
    ];
    for (name, responses, status, requests, when) in table {
        let (ended, asked, told, message) = told(responses, Made::echo("weather")).await;
        assert_eq!(
            (ended, asked, told.as_slice()),
            (*status, *requests, *when),
            "{name}: {message:?}"
        );
        if *status == Stopped {
            assert!(message.unwrap().contains("`weather`"), "{name}");
        }
    }
}

/// Waiting for something is no circle: the result is another one each time.
#[tokio::test(start_paused = true)]
async fn another_result_is_something_new() {
    let count = Arc::new(AtomicUsize::new(0));
    let tool = Made::new("weather", Permission::Allow, move |_, _| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { ToolOutput::text(format!("{n} %"), "ok") })
    });
    let (status, requests, told, _) = told(&[A; 30], tool).await;
    assert_eq!((status, requests), (AnswerStatus::Completed, 31));
    assert!(told.is_empty());
}

/// A result that is a list is told like a text.
#[tokio::test(start_paused = true)]
async fn a_list_is_told_as_well() {
    let tool = Made::new("weather", Permission::Allow, |_, _| {
        Box::pin(async {
            let mut output = ToolOutput::text("", "ok");
            output.content = json!([{"type": "input_text", "text": "Rain."}]);
            output
        })
    });
    let (status, requests, told, _) = told(&[A; 9], tool).await;
    assert_eq!((status, requests), (AnswerStatus::Stopped, 6));
    assert_eq!(told, [5]);
}
