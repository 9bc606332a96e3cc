//! Codex CLI's WebSockets and its login, at the gateway and at the relay behind it.

use respair_faults::{Holds, Relay, scenario};
use respair_matrix::endpoint::{Served, Way};
use respair_matrix::heard::Outcome;
use respair_matrix::runner::Codex;
use serde_json::json;

use crate::support::column;

fn installed() -> Option<Codex> {
    let (program, _) = column("codex")?.program()?;
    Some(Codex::new(program).unwrap())
}

async fn served() -> Served {
    Served::start(*scenario("text").unwrap(), Way::Gateway)
        .await
        .unwrap()
}

fn text(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Heard(heard) => heard.r#final.as_ref()?.text.as_deref(),
        _ => None,
    }
}

/// Told that the provider speaks WebSockets, it asks for one first. After the gateway's 426 it asks by HTTP at once, with its
/// reconnecting left on.
#[tokio::test]
async fn it_falls_back_from_a_websocket() {
    let Some(mut codex) = installed() else {
        return;
    };
    let served = served().await;
    let more = "supports_websockets = true\n";
    let outcome = codex
        .exec(served.address(), more, Way::Gateway.limit())
        .await
        .unwrap();
    assert_eq!(
        text(&outcome),
        Some(Holds::after_the_call().as_str()),
        "{outcome:?}"
    );
    let records = served.records();
    let upgrades = records
        .iter()
        .filter(|record| record.method == "GET" && record.path == "/v1/responses");
    let statuses: Vec<u16> = upgrades.map(|record| record.status).collect();
    assert_eq!(statuses, [426], "{records:?}");
    assert_eq!(served.relay().requests().len(), 1);
    assert!(
        served.relay().other_requests().is_empty(),
        "an upgrade reached the relay"
    );
}

/// What the printed configuration makes it send, and what it would send without its `env_key`.
#[tokio::test]
async fn a_chatgpt_login_never_goes_to_the_relay() {
    let Some(mut codex) = installed() else {
        return;
    };
    std::fs::write(codex.home().join("auth.json"), login()).unwrap();
    let served = served().await;
    let outcome = codex
        .exec(served.address(), "", Way::Gateway.limit())
        .await
        .unwrap();
    assert_eq!(
        text(&outcome),
        Some(Holds::after_the_call().as_str()),
        "{outcome:?}"
    );
    let request = &served.relay().requests()[0];
    assert_eq!(request.header("authorization"), Some("Bearer key"));
    assert!(
        told(served.relay()).is_empty(),
        "{:?}",
        told(served.relay())
    );

    // The other way round, so that this test would see it: with its own login asked for, it is sent.
    let served = Served::start(*scenario("text").unwrap(), Way::Direct)
        .await
        .unwrap();
    let config = format!(
        "model = \"gpt-5.4\"\nmodel_provider = \"open\"\n\n[model_providers.open]\nname = \"open\"\nbase_url = \"{}\"\n\
         wire_api = \"responses\"\nrequires_openai_auth = true\n",
        served.base_url()
    );
    codex.run(&config, Way::Gateway.limit()).await.unwrap();
    assert!(
        !told(served.relay()).is_empty(),
        "the login would not be seen"
    );
}

/// A login's secrets, by names that stand nowhere else.
const ACCOUNT: &str = "account-of-the-login";
const ACCESS: &str = "c2lnbmF0dXJlLW9mLXRoZS1sb2dpbg";

/// `auth.json` as `codex login` writes it. The tokens are unsigned, for nobody, and valid for long, so that none is renewed.
fn login() -> String {
    // {"alg":"none"}.{"email":"nobody@example.com","exp":4102444800,"https://api.openai.com/auth":{"chatgpt_plan_type":"plus",
    // "chatgpt_account_id":"account-of-the-login","chatgpt_user_id":"user"}}
    let claims = "eyJlbWFpbCI6Im5vYm9keUBleGFtcGxlLmNvbSIsImV4cCI6NDEwMjQ0NDgwMCwiaHR0cHM6Ly9hcGkub3BlbmFpLmNvbS9hdXRoIjp7ImNoYXRncHRfcGxhbl90eXBlIjoicGx1cyIsImNoYXRncHRfYWNjb3VudF9pZCI6ImFjY291bnQtb2YtdGhlLWxvZ2luIiwiY2hhdGdwdF91c2VyX2lkIjoidXNlciJ9fQ";
    let token = format!("eyJhbGciOiJub25lIn0.{claims}.{ACCESS}");
    let tokens = json!({"id_token": token, "access_token": token, "refresh_token": ACCESS, "account_id": ACCOUNT});
    let login = json!({
        "auth_mode": "chatgpt", "OPENAI_API_KEY": null, "tokens": tokens, "last_refresh": "2099-01-01T00:00:00Z",
    });
    login.to_string()
}

/// Where the login stands in what the relay was sent.
fn told(relay: &Relay) -> Vec<String> {
    let requests = relay.requests().into_iter().chain(relay.other_requests());
    let mut found = Vec::new();
    for request in requests {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        for (place, text) in headers.chain([("body".to_owned(), body)]) {
            if text.contains(ACCESS) || text.contains(ACCOUNT) {
                found.push(format!("{} {place}", request.path));
            }
        }
    }
    found
}
