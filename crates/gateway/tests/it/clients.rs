//! The real SDKs, asked about what comes out of the gateway for every scenario.

use respair_faults::{scenario, scenarios};
use respair_oracle::clients::{Client, ask};
use respair_oracle::{Profile, Terminal, judge};

use serde_json::json;

use crate::support::{before, got, relay};

/// The call of a custom tool that the upstream knew as a function.
async fn given_back() -> Vec<u8> {
    let relay = relay(*scenario("functions-only").unwrap()).await;
    let gateway = before(&relay).await;
    let tools = json!([{"type": "custom", "name": "apply_patch"}]);
    let request = json!({"model": "m", "input": "x", "stream": true, "tools": tools});
    let got = got(gateway.post(&request)).await;
    assert!(got.text().contains("response.custom_tool_call_input.done"));
    got.body.to_vec()
}

#[tokio::test(start_paused = true)]
async fn each_sdk_reads_what_comes_out() {
    let mut streams: Vec<(&str, Vec<u8>)> = Vec::new();
    for scenario in scenarios() {
        let relay = relay(*scenario).await;
        let gateway = before(&relay).await;
        let got = got(gateway.ask()).await;
        if got.status == 200 {
            streams.push((scenario.name(), got.body.to_vec()));
        }
    }
    streams.push(("a call that was given back", given_back().await));
    let batch: Vec<(&str, &[u8])> = streams
        .iter()
        .map(|(name, body)| (*name, body.as_slice()))
        .collect();
    for client in Client::ALL {
        // Starting an interpreter is nothing that a paused clock waits for.
        let Some(verdicts) = ask(client, &batch) else {
            continue;
        };
        for (verdict, (name, body)) in verdicts.iter().zip(&streams) {
            let summary = judge(body, Profile::Portable).unwrap();
            let who = client.name();
            if summary.terminal == Some(Terminal::Completed) {
                assert!(verdict.accepted, "{who}, {name}: {:?}", verdict.error);
                assert_eq!(
                    verdict.final_text.as_deref(),
                    Some(summary.text.as_str()),
                    "{who}, {name}"
                );
            } else {
                assert!(
                    verdict.terminal || !verdict.accepted,
                    "{who}, {name}: nobody was told"
                );
            }
            assert!(
                verdict.text == summary.text || !verdict.accepted,
                "{who}, {name}"
            );
        }
    }
}
