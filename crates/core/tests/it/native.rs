//! Recordings of the services: the native one passes the strict reading, and passes the tolerant one unchanged.

use respair_core::{Ending, Profile, ReaderOptions};

use crate::corpus::{self, Stream};
use crate::run::{read, strict, tolerant};

/// Files that hold several responses, one of them with a cut in its middle.
const SEVERAL: &[&str] = &[
    "vercel--openai-reasoning-encrypted-content.1",
    "vercel--openai-shell-tool.1",
];
/// Not event streams of the native service: event objects in a wrapper; a relay that rotates ids.
const NO_STREAM: &str = "vercel--parallel-tool-call-wrapper.1";
const RELAY: &str = "vercel--github-copilot-id-rotation.1";

/// The responses in a recording, each from its `created` on.
fn responses(stream: &Stream) -> Vec<Stream> {
    if !SEVERAL.contains(&stream.name.as_str()) {
        return vec![stream.clone()];
    }
    let text = String::from_utf8(stream.body.clone()).unwrap();
    let mut starts: Vec<usize> = text
        .match_indices("event: response.created\n")
        .map(|(at, _)| at)
        .collect();
    starts.push(text.len());
    let parts = starts.windows(2).enumerate();
    parts
        .map(|(at, ends)| Stream {
            name: format!("{}#{at}", stream.name),
            body: text.as_bytes()[ends[0]..ends[1]].to_vec(),
        })
        .collect()
}

fn native() -> Option<Vec<Stream>> {
    let streams = corpus::native()?
        .into_iter()
        .filter(|stream| stream.name != NO_STREAM && stream.name != RELAY);
    Some(streams.flat_map(|stream| responses(&stream)).collect())
}

fn options(stream: &Stream, options: ReaderOptions) -> ReaderOptions {
    if stream.name.contains("starting_after") {
        options.resumed()
    } else {
        options
    }
}

#[test]
fn native_streams_are_accepted_under_openai_sdk() {
    let Some(streams) = native() else { return };
    assert!(streams.len() > 50, "{}", streams.len());
    for stream in streams {
        let outcome = read(options(&stream, ReaderOptions::strict()), &stream.body);
        assert!(
            outcome.refused.is_none(),
            "{}: {:?}",
            stream.name,
            outcome.refused
        );
        let failed = stream.name.contains("openai-error");
        let ended = match outcome.ending {
            Some(Ending::Failed(_)) => failed,
            Some(Ending::Completed { .. } | Ending::Incomplete { .. }) => !failed,
            _ => false,
        };
        assert!(ended, "{}: {:?}", stream.name, outcome.ending);
    }
}

#[test]
fn native_streams_pass_the_tolerant_reading_unchanged() {
    let Some(streams) = native() else { return };
    for stream in streams {
        let mending = ReaderOptions::tolerant().with_profile(Profile::OpenAiSdk);
        let outcome = read(options(&stream, mending), &stream.body);
        assert!(
            outcome.repairs.is_empty(),
            "{}: {:?}",
            stream.name,
            outcome.repairs
        );
        assert!(
            outcome.out == stream.body,
            "{} came out changed",
            stream.name
        );
    }
}

#[test]
fn portable_completes_native_streams_and_keeps_their_content() {
    let Some(streams) = native() else { return };
    for stream in streams
        .iter()
        .filter(|stream| !stream.name.contains("starting_after"))
    {
        let as_is = strict(Profile::OpenAiSdk, &stream.body);
        let healed = read(ReaderOptions::tolerant(), &stream.body);
        assert_eq!(healed.text, as_is.text, "{}", stream.name);
        assert_eq!(healed.reasoning, as_is.reasoning, "{}", stream.name);
        assert_eq!(healed.arguments, as_is.arguments, "{}", stream.name);
        if let Err(faults) = respair_oracle::judge(&healed.out, respair_oracle::Profile::Portable) {
            panic!("{}: {}", stream.name, faults[0]);
        }
        let refused = strict(Profile::Portable, &healed.out).refused;
        assert!(refused.is_none(), "{}: {refused:?}", stream.name);
    }
}

/// The public schema has neither the service's hosted tools nor its nulls: a native stream is brought to it, and says
/// the same.
#[test]
fn open_responses_keeps_what_native_streams_say() {
    let Some(streams) = native() else { return };
    let whole = |stream: &&Stream| !stream.name.contains("starting_after");
    for stream in streams.iter().filter(whole) {
        let as_is = strict(Profile::OpenAiSdk, &stream.body);
        let healed = tolerant(Profile::OpenResponses, &stream.body);
        assert_eq!(healed.ending, as_is.ending, "{}", stream.name);
        assert_eq!(healed.text, as_is.text, "{}", stream.name);
        assert_eq!(healed.reasoning, as_is.reasoning, "{}", stream.name);
        assert_eq!(
            healed.response.output.len(),
            as_is.response.output.len(),
            "{}",
            stream.name
        );
        let judge = respair_oracle::Profile::OpenResponses;
        if let Err(faults) = respair_oracle::judge(&healed.out, judge) {
            panic!("{}: {}", stream.name, faults[0]);
        }
        let refused = strict(Profile::OpenResponses, &healed.out).refused;
        assert!(refused.is_none(), "{}: {refused:?}", stream.name);
        let again = tolerant(Profile::OpenResponses, &healed.out);
        assert!(
            again.out == healed.out,
            "{}: {:?}",
            stream.name,
            again.repairs
        );
    }
}

#[test]
fn a_relay_that_rotates_ids_is_healed() {
    let Some(streams) = corpus::native() else {
        return;
    };
    let stream = streams
        .into_iter()
        .find(|stream| stream.name == RELAY)
        .unwrap();
    assert!(strict(Profile::OpenAiSdk, &stream.body).refused.is_some());
    let healed = read(ReaderOptions::tolerant(), &stream.body);
    assert!(matches!(
        healed.ending,
        Some(Ending::Completed { empty: false })
    ));
    respair_oracle::judge(&healed.out, respair_oracle::Profile::Portable).unwrap();
}
