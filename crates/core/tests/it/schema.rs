//! Under `open-responses` what comes out fits the public schema, as another project reads it: the types that
//! openresponses-types generates from the specification's OpenAPI document.

use respair_core::Profile;
use respair_mutations::damaged_by_seed;
use respair_oracle::clients::misfits;

use crate::corpus;
use crate::run::tolerant;

/// Damaged streams besides the committed ones: always the same.
const SEED: u64 = 0x7265_7370;
const DAMAGED: u64 = 200;

fn faults(streams: &[(String, Vec<u8>)]) -> Option<Vec<String>> {
    let healed: Vec<(&str, Vec<u8>)> = streams
        .iter()
        .map(|(name, body)| (name.as_str(), tolerant(Profile::OpenResponses, body).out))
        .collect();
    let batch: Vec<(&str, &[u8])> = healed
        .iter()
        .map(|(name, out)| (*name, out.as_slice()))
        .collect();
    let misfits = misfits(&batch)?;
    let faults = batch.iter().zip(misfits).flat_map(|((name, _), faults)| {
        let line = move |fault| format!("{name}: {fault}");
        faults.into_iter().map(line).collect::<Vec<String>>()
    });
    Some(faults.collect())
}

#[test]
fn everything_that_comes_out_fits_the_public_schema() {
    let committed = corpus::all()
        .into_iter()
        .map(|stream| (stream.name, stream.body));
    let damaged = (0..DAMAGED).map(|case| {
        let damaged = damaged_by_seed(SEED, case);
        (format!("case {case}, {}", damaged.name), damaged.body)
    });
    let streams: Vec<(String, Vec<u8>)> = committed.chain(damaged).collect();
    let Some(faults) = faults(&streams) else {
        return;
    };
    assert!(
        faults.is_empty(),
        "{}\n{} faults in {} streams",
        faults.join("\n"),
        faults.len(),
        streams.len()
    );
}

#[test]
fn a_stream_that_does_not_fit_is_seen() {
    let body = b"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":\"7\"}\n\n";
    let Some(faults) = misfits(&[("bent", body)]) else {
        return;
    };
    let said = faults.concat().join("\n");
    for field in ["sequence_number", "item_id", "output_index", "delta"] {
        assert!(said.contains(field), "{field}: {said}");
    }
}
