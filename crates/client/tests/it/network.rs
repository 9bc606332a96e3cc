//! The request on the wire, proxies, redirects, connections.

use respair_client::{Client, ClientOptions, Endpoint, SetupError, TurnRequest, TurnStatus};
use respair_faults::Script;
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn nothing_private_is_sent_unless_configured() {
    let relay = relay(Script::stream(&answer())).await;
    run(&client(custom(&relay))).await.assert_completed("Hello");
    let asked = &relay.requests()[0];
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("POST", "/v1/responses")
    );
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(
        body,
        json!({"model": "relay-model", "input": "Say hello.", "stream": true, "store": false})
    );
    let mut names: Vec<&str> = asked
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "content-length",
            "content-type",
            "host",
            "user-agent"
        ]
    );
    assert_eq!(asked.header("accept"), Some("text/event-stream"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(
        asked.header("user-agent"),
        Some(concat!("respair/", env!("CARGO_PKG_VERSION")))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_configured_is_sent() {
    let relay = relay(Script::stream(&answer())).await;
    let mut endpoint = Endpoint::custom(
        format!("{}/v1/?api-version=7", relay.base_url())
            .parse()
            .unwrap(),
    );
    endpoint.api_key = Some("sk-secret".to_owned().into());
    endpoint
        .extra_headers
        .push(("X-Title".to_owned(), "respair tests".to_owned().into()));
    endpoint
        .extra_body
        .insert("prompt_cache_key".to_owned(), json!("mine"));
    endpoint.extra_body.insert("store".to_owned(), Value::Null);
    let mut request = TurnRequest::new("m", json!([{"role": "user", "content": "hi"}]));
    request.instructions = Some("Be brief.".to_owned());
    request.reasoning_effort = Some("high".to_owned());
    request.reasoning_summary = Some("auto".to_owned());
    request.max_output_tokens = Some(64);
    let client = client(endpoint);
    finish(client.turn(request), Vec::new())
        .await
        .assert_completed("Hello");

    let asked = &relay.requests()[0];
    assert_eq!(asked.path, "/v1/responses?api-version=7");
    assert_eq!(asked.header("authorization"), Some("Bearer sk-secret"));
    assert_eq!(asked.header("x-title"), Some("respair tests"));
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(
        body,
        json!({
            "model": "m",
            "instructions": "Be brief.",
            "input": [{"role": "user", "content": "hi"}],
            "stream": true,
            "reasoning": {"effort": "high", "summary": "auto"},
            "max_output_tokens": 64,
            "prompt_cache_key": "mine",
        })
    );
}

/// A user in the address is sent as HTTP has it, unless there is a key.
#[tokio::test(start_paused = true)]
async fn a_user_in_the_address_gives_way_to_the_key() {
    for (key, expected) in [
        (None, "Basic bWU6cHc="),
        (Some("sk-secret"), "Bearer sk-secret"),
    ] {
        let relay = relay(Script::stream(&answer())).await;
        let mut endpoint = custom(&relay);
        endpoint.base_url.set_username("me").unwrap();
        endpoint.base_url.set_password(Some("pw")).unwrap();
        endpoint.api_key = key.map(|key| key.to_owned().into());
        run(&client(endpoint)).await.assert_completed("Hello");
        assert_eq!(relay.requests()[0].header("authorization"), Some(expected));
    }
}

/// The key goes where it was configured to and nowhere else.
#[tokio::test(start_paused = true)]
async fn redirects_are_not_followed() {
    let target = relay(Script::stream(&answer())).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/v1/responses?token=t", target.base_url());
        let from = relay(Script::status(status).header("location", &location)).await;
        let mut endpoint = custom(&from);
        endpoint.api_key = Some("sk-secret".to_owned().into());
        let run = run(&client(endpoint)).await;
        assert_eq!(
            (run.outcome.status, run.code()),
            (TurnStatus::Failed, "redirect")
        );
        assert!(
            run.error()
                .message
                .contains(&format!("{}/v1/responses", target.base_url())),
            "{}",
            run.error().message
        );
        assert!(!run.error().message.contains("token="));
        assert_eq!(run.outcome.upstream_requests, 1);
    }
    assert_eq!((target.requests().len(), target.connections()), (0, 0));
}

/// One connection serves turn after turn where the relay keeps it open.
#[tokio::test(start_paused = true)]
async fn a_connection_is_used_again() {
    let relay = relay(Script::stream(&answer()).keep_alive()).await;
    let client = client(custom(&relay));
    for turn in 1..=3 {
        run(&client).await.assert_completed("Hello");
        soon(relay.wait_closed(turn)).await;
        // The last bytes of the body are read in the background.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!((relay.requests().len(), relay.connections()), (3, 1));
}

#[test]
fn an_endpoint_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let new = |change: &dyn Fn(&mut Endpoint)| {
        let mut endpoint = Endpoint::custom("https://r.example/v1".parse().unwrap());
        change(&mut endpoint);
        Client::new(endpoint, ClientOptions::default()).map(drop)
    };
    assert!(new(&|_| {}).is_ok());
    assert!(matches!(
        new(&|e| e.base_url = "ftp://r.example".parse().unwrap()),
        Err(SetupError::Address { .. })
    ));
    assert!(matches!(
        new(&|e| e.base_url = "mailto:a@b".parse().unwrap()),
        Err(SetupError::Address { .. })
    ));
    assert!(matches!(
        new(&|e| e.api_key = Some("a\nb".to_owned().into())),
        Err(SetupError::HeaderValue { .. })
    ));
    assert!(matches!(
        new(&|e| e.ssl_ca_cert = Some("/nowhere/ca.pem".into())),
        Err(SetupError::CaFile { .. })
    ));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no certificate").unwrap();
    assert!(matches!(
        new(&|e| e.ssl_ca_cert = Some(file.path().to_owned())),
        Err(SetupError::NoCertificate { .. })
    ));
    assert!(new(&|e| e.ssl_verify = false).is_ok());
}

#[tokio::test(start_paused = true)]
async fn certificates_that_are_not_verified_are_said() {
    let relay = relay(Script::stream(&answer())).await;
    let mut endpoint = custom(&relay);
    endpoint.ssl_verify = false;
    let run = run(&client(endpoint)).await;
    assert!(run.notices()[0].contains("ssl_verify: false"));
}

/// Loopback never goes through a proxy.
#[test]
fn loopback_works_whatever_the_proxy() {
    let nonsense = "http://127.0.0.1:1".to_owned();
    let variables = [
        ("http_proxy", nonsense.clone()),
        ("HTTP_PROXY", nonsense.clone()),
        ("ALL_PROXY", nonsense),
    ];
    in_a_process_with("network::a_turn_over_loopback", &variables);
}

#[tokio::test]
#[ignore = "run by loopback_works_whatever_the_proxy"]
async fn a_turn_over_loopback() {
    let relay = relay(Script::stream(&answer())).await;
    let port = relay.address().port();
    for host in ["127.0.0.1", "localhost"] {
        let endpoint = Endpoint::custom(format!("http://{host}:{port}/v1").parse().unwrap());
        let client = Client::new(endpoint, ClientOptions::default()).unwrap();
        run(&client).await.assert_completed("Hello");
    }
}

/// Any other host does, as the system says.
#[test]
fn other_hosts_go_through_the_systems_proxy() {
    let relay = respair_faults::Relay::builder(Script::stream(&answer()))
        .start_on_thread()
        .unwrap();
    in_a_process_with(
        "network::a_turn_over_a_proxy",
        &[("http_proxy", relay.base_url())],
    );
    let asked = &relay.requests()[0];
    assert_eq!(asked.header("host"), Some("relay.example"));
}

#[tokio::test]
#[ignore = "run by other_hosts_go_through_the_systems_proxy"]
async fn a_turn_over_a_proxy() {
    let endpoint = Endpoint::custom("http://relay.example/v1".parse().unwrap());
    let client = Client::new(endpoint, ClientOptions::default()).unwrap();
    run(&client).await.assert_completed("Hello");
}
