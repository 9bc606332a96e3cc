//! One turn at a relay of your own: `cargo run -p respair-client --example one_turn`.

use respair_client::{Client, ClientOptions, Endpoint, TurnEvent, TurnRequest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut endpoint = Endpoint::custom("http://127.0.0.1:8383/v1".parse()?);
    endpoint.api_key = std::env::var("RELAY_API_KEY").ok().map(Into::into);

    let client = Client::new(endpoint, ClientOptions::default())?;
    let mut turn = client.turn(TurnRequest::new("gpt-5.4", "Why is the sky blue?"));
    while let Some(event) = turn.next().await {
        match event {
            TurnEvent::Text(text) => print!("{text}"),
            TurnEvent::Reasoning(text) => eprint!("{text}"),
            TurnEvent::Finished(outcome) => {
                let (status, requests) = (outcome.status.as_str(), outcome.upstream_requests);
                println!(
                    "\n{status}, requests: {requests}, repairs: {:?}",
                    outcome.repairs
                );
            }
            _ => {}
        }
    }
    Ok(())
}
