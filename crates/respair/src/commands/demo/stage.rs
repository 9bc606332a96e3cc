//! The relays of the demonstration, and the client's endpoints there.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use respair_client::{
    Client, ClientOptions, Endpoint, EndpointMemory, ProviderKind, SetupError, Turn, TurnRequest,
    Url,
};
use respair_faults::{Answer, Gate, Pace, Relay, Request, Scenario, Script, Step, scenario};

use super::acts::{ACTS, Act};

const TEXT_DELTA: &str = "response.output_text.delta";
const REASONING_DELTA: &str = "response.reasoning_summary_text.delta";

/// The gates at which the relay waits until the first piece of the turn under way is shown.
#[derive(Default)]
struct Gates {
    text: Gate,
    reasoning: Gate,
}

/// One relay for each scenario.
pub(super) struct Stage {
    relays: Vec<(&'static str, Relay)>,
    gates: Arc<Mutex<Gates>>,
    memory: EndpointMemory,
}

impl Stage {
    /// Starts the relays.
    ///
    /// # Errors
    /// When no port of 127.0.0.1 can be had.
    pub(super) async fn build(memory: EndpointMemory) -> io::Result<Self> {
        let gates = Arc::new(Mutex::new(Gates::default()));
        let mut relays: Vec<(&'static str, Relay)> = Vec::new();
        for act in ACTS {
            if relays.iter().any(|(name, _)| *name == act.scenario) {
                continue;
            }
            let Some(scenario) = scenario(act.scenario) else {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("no scenario {}", act.scenario),
                ));
            };
            let held = Held {
                scenario,
                gates: Arc::clone(&gates),
            };
            let relay = Relay::builder(move |request: &Request| held.script(request))
                .pace(Pace::LIVE)
                .start()
                .await?;
            relays.push((act.scenario, relay));
        }
        Ok(Self {
            relays,
            gates,
            memory,
        })
    }

    /// Begins the turn of an act.
    pub(super) fn turn(&mut self, act: &Act) -> Result<Turn, SetupError> {
        *self.gates.lock().unwrap_or_else(PoisonError::into_inner) = Gates::default();
        let base_url = self.relay(act).map_or_else(String::new, Relay::base_url);
        let Ok(url) = base_url.parse::<Url>() else {
            return Err(SetupError::Transport("no relay".into()));
        };
        let endpoint = match act.kind {
            ProviderKind::Custom => Endpoint::custom(url),
            ProviderKind::Native => Endpoint::native("openai", url),
        };
        // With a seed, made-up ids and waits are the same on every run.
        let options = ClientOptions {
            memory: Some(self.memory.clone()),
            seed: Some(1),
            ..ClientOptions::default()
        };
        Ok(Client::new(endpoint, options)?.turn(TurnRequest::new("demo", "Say hello.")))
    }

    /// How many requests the act's relay was asked so far.
    pub(super) fn asked(&self, act: &Act) -> usize {
        self.relay(act).map_or(0, |relay| relay.requests().len())
    }

    pub(super) fn text_shown(&self) {
        self.gates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .text
            .open();
    }

    pub(super) fn reasoning_shown(&self) {
        self.gates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reasoning
            .open();
    }

    fn relay(&self, act: &Act) -> Option<&Relay> {
        self.relays
            .iter()
            .find(|(name, _)| *name == act.scenario)
            .map(|(_, relay)| relay)
    }
}

/// A scenario that waits after its first delta, and after its first piece of reasoning, until these were shown. A client that
/// showed nothing before the end would hang here, and fail.
struct Held {
    scenario: &'static Scenario,
    gates: Arc<Mutex<Gates>>,
}

impl Held {
    fn script(&self, request: &Request) -> Script {
        let script = self.scenario.answer(request);
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let script = script.after_first(TEXT_DELTA, Step::Gate(gates.text.clone()));
        match script
            .body()
            .windows(REASONING_DELTA.len())
            .any(|at| at == REASONING_DELTA.as_bytes())
        {
            true => script.after_first(REASONING_DELTA, Step::Gate(gates.reasoning.clone())),
            false => script,
        }
    }
}
