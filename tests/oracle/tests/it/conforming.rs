//! Conforming streams are accepted under both profiles, with what they said.

use respair_oracle::{Profile, Summary, Terminal, corpus, judge};

fn stream(name: &str) -> String {
    let found = corpus::conforming()
        .into_iter()
        .find(|(one, _)| *one == name);
    String::from_utf8(found.unwrap().1).unwrap()
}

#[test]
fn conforming_streams_are_accepted() {
    for (name, bytes) in corpus::conforming() {
        for profile in [Profile::Portable, Profile::OpenAiSdk] {
            let verdict = judge(&bytes, profile);
            assert!(verdict.is_ok(), "{name} under {profile:?}: {verdict:#?}");
        }
    }
}

#[test]
fn what_a_stream_said() {
    let said =
        |name: &str| -> Summary { judge(stream(name).as_bytes(), Profile::Portable).unwrap() };
    assert_eq!(said("text").text, "Hello 🌍");
    assert_eq!(said("text").terminal, Some(Terminal::Completed));
    assert_eq!(said("reasoning").reasoning, "thinkinghard");
    assert_eq!(said("calls").arguments["call_0"], "{\"a\":1}");
    assert_eq!(said("calls").arguments["call_1"], "ls -l");
    assert_eq!(said("incomplete").terminal, Some(Terminal::Incomplete));
    assert_eq!(said("failed").terminal, Some(Terminal::Failed));
}

#[test]
fn comments_and_the_sentinel_may_follow() {
    let body = format!(": hello\n\n{}data: [DONE]\n\n: bye\n\n", stream("text"));
    assert!(judge(body.as_bytes(), Profile::Portable).is_ok());
    assert!(judge(body.as_bytes(), Profile::OpenAiSdk).is_ok());
}

#[test]
fn data_may_span_lines() {
    let body = stream("text").replace(",\"", ",\ndata: \"");
    assert!(judge(body.as_bytes(), Profile::Portable).is_ok());
    assert!(judge(body.as_bytes(), Profile::OpenAiSdk).is_ok());
}

#[test]
fn blank_lines_may_stand_between_events() {
    let text = stream("text");
    for body in [format!("\n\n\n{text}"), text.replace("\n\n", "\n\n\n\n")] {
        assert!(judge(body.as_bytes(), Profile::Portable).is_ok());
        assert!(judge(body.as_bytes(), Profile::OpenAiSdk).is_ok());
    }
}
