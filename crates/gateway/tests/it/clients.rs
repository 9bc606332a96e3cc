//! The real SDKs, asked about what comes out of the gateway for every scenario.

use respair_faults::scenarios;
use respair_oracle::clients::{Client, ask};
use respair_oracle::{Profile, Terminal, judge};

use crate::support::{before, got, relay};

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
