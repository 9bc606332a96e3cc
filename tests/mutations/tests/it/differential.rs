//! What comes out is accepted by judges that share nothing with the reader: the real SDKs and async-openai's types.

use respair_mutations::differential::{Healed, by_client, by_types};
use respair_mutations::{damaged_by_seed, not_yet};
use respair_oracle::clients::Client;

/// The same ones on every run. `cargo xtask mutate N --seed S` tries others.
const SEED: u64 = 0x7265_7370;
const CASES: u64 = 500;

fn healed() -> Vec<Healed> {
    let one = |case| Healed::new(case, &damaged_by_seed(SEED, case));
    (0..CASES).map(one).collect()
}

#[test]
fn real_clients_and_typed_events_accept_what_comes_out() {
    let streams = healed();
    let mut faults = by_types(&streams);
    for client in Client::ALL {
        faults.extend(by_client(client, &streams).unwrap_or_default());
    }
    faults.retain(|fault| !not_yet::is_known(fault));
    assert!(
        faults.is_empty(),
        "{}\n{} faults",
        faults.join("\n"),
        faults.len()
    );
}
