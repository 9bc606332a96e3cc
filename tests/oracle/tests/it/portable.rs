//! Conforming streams are accepted under both profiles, with what they said.

use respair_oracle::{Profile, Terminal, judge};

use crate::wire;

#[test]
fn conforming_streams_are_accepted() {
    for (name, stream) in wire::conforming() {
        for profile in [Profile::Portable, Profile::OpenAiSdk] {
            let verdict = judge(stream.write().as_bytes(), profile);
            assert!(verdict.is_ok(), "{name} under {profile:?}: {verdict:#?}");
        }
    }
}

#[test]
fn what_a_stream_said() {
    let said = |stream: wire::Wire| judge(stream.write().as_bytes(), Profile::Portable).unwrap();
    assert_eq!(said(wire::text()).text, "Hello 🌍");
    assert_eq!(said(wire::text()).terminal, Some(Terminal::Completed));
    assert_eq!(said(wire::reasoning()).reasoning, "thinkinghard");
    assert_eq!(said(wire::calls()).arguments["call_0"], "{\"a\":1}");
    assert_eq!(said(wire::calls()).arguments["call_1"], "ls -l");
    assert_eq!(
        said(wire::incomplete()).terminal,
        Some(Terminal::Incomplete)
    );
    assert_eq!(said(wire::failed()).terminal, Some(Terminal::Failed));
}

#[test]
fn comments_and_the_sentinel_may_follow() {
    let body = format!(
        ": hello\n\n{}data: [DONE]\n\n: bye\n\n",
        wire::text().write()
    );
    assert!(judge(body.as_bytes(), Profile::Portable).is_ok());
    assert!(judge(body.as_bytes(), Profile::OpenAiSdk).is_ok());
}

#[test]
fn data_may_span_lines() {
    let body = wire::text().write().replace(",\"", ",\ndata: \"");
    assert!(judge(body.as_bytes(), Profile::Portable).is_ok());
    assert!(judge(body.as_bytes(), Profile::OpenAiSdk).is_ok());
}
