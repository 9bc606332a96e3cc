//! Running a reader over a whole body, and how many cases are generated.

pub(crate) use respair_mutations::{Outcome, context, read, read_chunked, strict, tolerant};

/// The text that was shown without refusals, which clients report apart from it.
pub(crate) fn without_refusals(outcome: &Outcome) -> String {
    let mut text = outcome.text.clone();
    for raw in &outcome.response.output {
        let item: serde_json::Value = serde_json::from_str(raw.get()).unwrap();
        let parts = item["content"].as_array().into_iter().flatten();
        for refusal in parts.filter_map(|part| part["refusal"].as_str()) {
            assert!(text.contains(refusal), "{refusal} was not shown");
            text = text.replacen(refusal, "", 1);
        }
    }
    text
}

/// So many generated cases, always the same ones, so that the gate does not depend on luck; or as many as
/// `PROPTEST_CASES` asks for, new ones each time.
pub(crate) fn cases(usual: u32) -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, RngSeed};
    match std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|asked| asked.parse().ok())
    {
        Some(cases) => Config {
            cases,
            ..Config::default()
        },
        None => Config {
            cases: usual,
            rng_seed: RngSeed::Fixed(0x7265_7370),
            ..Config::default()
        },
    }
}
