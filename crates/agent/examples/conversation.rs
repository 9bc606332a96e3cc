//! A conversation with one tool, at a relay of your own: `cargo run -p respair-agent --example conversation`.

use std::sync::Arc;

use respair_agent::{
    Agent, AgentEvent, AgentOptions, BoxFuture, CallContext, Conversation, Input, Link, Permission,
    Preview, Tool, ToolOutput, ToolSpec,
};
use respair_client::{Client, ClientOptions, Endpoint, TurnEvent};
use serde_json::{Map, Value, json};

struct Weather(ToolSpec);

impl Weather {
    fn new() -> Self {
        let city = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let mut spec = ToolSpec::new("get_weather", "The weather in a city.", city);
        // It changes nothing: nobody is asked, and calls may run beside one another.
        spec.permission = Permission::Allow;
        spec.parallel = true;
        Self(spec)
    }
}

impl Tool for Weather {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn preview(&self, arguments: &Map<String, Value>) -> Preview {
        Preview::of(arguments.get("city").and_then(Value::as_str).unwrap_or("?"))
    }

    fn call(&self, arguments: Map<String, Value>, _: CallContext) -> BoxFuture<'_, ToolOutput> {
        Box::pin(async move {
            match arguments.get("city").and_then(Value::as_str) {
                Some(city) => ToolOutput::text(format!("Rain in {city}."), "rain"),
                None => ToolOutput::failed("`city` is missing"),
            }
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = Endpoint::custom("http://127.0.0.1:8383/v1".parse()?);
    let client = Client::new(endpoint, ClientOptions::default())?;
    let mut options = AgentOptions::new(Link::new(client, "gpt-5.4", None), "Be brief.");
    options.tools.add(Arc::new(Weather::new()));

    let mut conversation = Conversation::new(Agent::new(options));
    let mut turn = conversation.send(Input::text("How is the weather in Paris?"));
    while let Some(event) = turn.next().await {
        match event {
            AgentEvent::Response(TurnEvent::Text(text)) => print!("{text}"),
            AgentEvent::ToolEnded { tool, summary, .. } => eprintln!("{tool}: {summary}"),
            AgentEvent::BrokeOff { why, .. } => eprintln!("broke off: {why}"),
            AgentEvent::Finished(answer) => {
                let (status, requests) = (answer.status.as_str(), answer.totals.requests);
                println!("\n{status}, requests: {requests}");
            }
            _ => {}
        }
    }
    Ok(())
}
