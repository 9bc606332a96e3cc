//! What the services and other servers really sent, within a conversation: every recording is the first answer of one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use respair_agent::{Agent, AnswerStatus, Conversation, Tool};
use respair_client::Endpoint;
use respair_faults::{Relay, Request, Script};
use serde_json::Value;

use crate::support::wire::faults;
use crate::support::*;

fn fixtures(directory: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    recordings(&root.join(directory))
}

fn recordings(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "sse"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no recording in {}", directory.display());
    files
}

/// The functions that a recording calls, wherever it names them.
fn called(body: &str) -> BTreeSet<String> {
    fn look(value: &Value, names: &mut BTreeSet<String>) {
        if value["type"] == "function_call"
            && let Some(name) = value["name"].as_str()
        {
            names.insert(name.to_owned());
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| look(item, names)),
            Value::Object(fields) => fields.values().for_each(|field| look(field, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
    for value in data.filter_map(|data| serde_json::from_str(data).ok()) {
        look(&value, &mut names);
    }
    names
}

/// A turn whose first answer is the recording, and one more turn. Gives what is wrong.
async fn converse(file: &Path, endpoint: impl Fn(&Relay) -> Endpoint) -> Vec<String> {
    let body = std::fs::read(file).unwrap();
    let tools: Vec<Arc<Made>> = called(&String::from_utf8_lossy(&body))
        .iter()
        .map(|name| Made::echo(name))
        .collect();
    let relay = relay(move |request: &Request| {
        let asked = input(request);
        let later =
            |item: &Value| item["type"] == "function_call_output" || item["role"] == "assistant";
        match request.number > 0 && asked.iter().any(later) {
            false => Script::replay(body.clone()),
            true => says(request.number as u64 + 1, "That is all."),
        }
    })
    .await;
    let boxed = tools.iter().map(|tool| Arc::clone(tool) as Arc<dyn Tool>);
    let mut options = options(&relay, boxed);
    options.links = vec![link(endpoint(&relay))];
    let mut conversation = Conversation::new(Agent::new(options));
    let run = say(&mut conversation, "Go").await;
    let mut wrong = Vec::new();
    let ran: usize = tools.iter().map(|tool| tool.count()).sum();
    let outputs = run.outputs();
    let whole = outputs
        .iter()
        .filter(|output| output.starts_with("echo"))
        .count();
    if ran != whole {
        wrong.push(format!("{ran} calls ran, {whole} outputs are there"));
    }
    if outputs
        .iter()
        .any(|output| output.contains("there is no tool"))
    {
        wrong.push(format!(
            "a call that the recording does not hold: {outputs:?}"
        ));
    }
    if run.answer.status == AnswerStatus::Completed && ran > 0 && run.answer.text != "That is all."
    {
        wrong.push(format!("the answer is {:?}", run.answer.text));
    }
    say(&mut conversation, "And?").await;
    for request in relay.requests() {
        let number = request.number;
        let faults = faults(&input(&request)).into_iter();
        wrong.extend(faults.map(|fault| format!("request {number}, item {fault}")));
    }
    wrong
}

async fn all(files: &[PathBuf], endpoint: impl Fn(&Relay) -> Endpoint) {
    let mut wrong = Vec::new();
    for file in files {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let faults = converse(file, &endpoint).await.into_iter();
        wrong.extend(faults.map(|fault| format!("{name}: {fault}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_other_servers_sent_goes_on_as_a_conversation() {
    all(&fixtures("captures"), custom).await;
}

#[tokio::test(start_paused = true)]
async fn so_does_every_stream_that_shows_a_rule() {
    all(&fixtures("rules"), custom).await;
}

#[tokio::test(start_paused = true)]
async fn so_does_what_the_services_sent_themselves() {
    let Some(directory) = std::env::var_os("RESPAIR_NATIVE_STREAMS") else {
        respair_oracle::skip(
            "recordings of the native services: RESPAIR_NATIVE_STREAMS is not set",
        );
        return;
    };
    let files = recordings(Path::new(&directory));
    all(&files, custom).await;
    let native = |relay: &Relay| {
        Endpoint::native(
            "openai",
            format!("{}/v1", relay.base_url()).parse().unwrap(),
        )
    };
    all(&files, native).await;
}
