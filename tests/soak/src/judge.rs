//! What a client got, against what the upstream did: by content alone, never by how long it took.

use respair_faults::{Ended, Ends, Holds};
use respair_oracle::{Profile, Summary, Terminal};
use serde_json::Value;

use crate::case::{Ask, Case, Manner, Moment, Pass};
use crate::client::{Got, Went};
use crate::refused::REFUSED;
use crate::table::Row;
use crate::upstream::Attempt;

/// What breaks the silence of a stream: the gateway's own comment.
const HEARTBEAT: &str = ": respair\n\n";

const CUT: &str = "upstream_truncated";

/// The same before any content.
const EMPTY: &str = "empty_stream";

/// How a case came out that came out right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Same,
    Repaired,
    Incomplete,
    Failed,
    Cut,
    CutByRestart,
    Error,
    ErrorByRestart,
    WholeSame,
    Folded,
    Passed,
    PassedCut,
    Refused,
    Left,
}

impl Outcome {
    /// In words, for the table.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Same => "streams whole, byte for byte",
            Self::Repaired => "streams whole, repaired",
            Self::Incomplete => "streams incomplete, as the upstream says",
            Self::Failed => "streams failed, as the upstream says",
            Self::Cut => "streams cut, and told so",
            Self::CutByRestart => "streams cut by a restart, and told so",
            Self::Error => "an HTTP error, where no stream began",
            Self::ErrorByRestart => "502 while the upstream restarted",
            Self::WholeSame => "`stream: false`, byte for byte",
            Self::Folded => "`stream: false`, folded from a stream",
            Self::Passed => "passed on, byte for byte",
            Self::PassedCut => "passed on, cut, and told so",
            Self::Refused => "turned away",
            Self::Left => "left by the client, upstream closed",
        }
    }

    /// What the log has to call a stream that came out so.
    pub(crate) fn is_told_as(self, ending: &str) -> bool {
        match self {
            Self::Same | Self::Repaired => ending == "completed",
            Self::Incomplete => ending == "incomplete",
            Self::Failed => ending == "failed",
            Self::Cut | Self::CutByRestart => matches!(ending, "truncated" | "empty"),
            _ => true,
        }
    }
}

/// How a case came out, or what is wrong.
pub(crate) type Verdict = Result<Outcome, String>;

/// Judges a case. `disturbed`: its upstream was restarted meanwhile.
pub(crate) fn judge(case: &Case, went: &Went, attempts: &[Attempt], disturbed: bool) -> Verdict {
    let got = match went {
        Went::Broke(why) => return Err(why.clone()),
        Went::Left(_, body) => return left(case, body, attempts),
        Went::Got(got) => got,
    };
    if let Some(odd) = got.odd {
        return Err(odd.to_owned());
    }
    if let Some((status, body)) = &got.before
        && (*status, body.as_slice()) != (200, b"ok\n")
    {
        return Err(format!("the request before it got {status}"));
    }
    match case.ask {
        Ask::Refused(at) => {
            let wanted = REFUSED[at].status;
            expect(attempts.is_empty(), "an upstream was asked")?;
            expect_status(got, wanted)?;
            Ok(Outcome::Refused)
        }
        Ask::Pass(pass) => passed(case, pass, got, disturbed),
        Ask::Stream(row) => stream(case, row, got, attempts, disturbed),
        Ask::Whole(row) => whole(case, row, got, attempts, disturbed),
        Ask::Left(_) => Err("a client that leaves got an answer".to_owned()),
    }
}

fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

fn expect_status(got: &Got, status: u16) -> Result<(), String> {
    let shown = String::from_utf8_lossy(&got.body);
    expect(
        got.status == status,
        &format!("status {} in place of {status}: {shown}", got.status),
    )?;
    expect(
        got.broke.is_none(),
        &format!("the answer broke: {:?}", got.broke),
    )
}

fn left(case: &Case, body: &[u8], attempts: &[Attempt]) -> Verdict {
    let Ask::Left(moment) = case.ask else {
        return Err("a client left that was to stay".to_owned());
    };
    let closed = |attempt: &Attempt| matches!(attempt.ended, Some(Ended::PeerClosed(_)));
    match moment {
        Moment::InRequest => expect(attempts.is_empty(), "half a request went upstream")?,
        _ => expect(
            attempts.len() == 1 && attempts.iter().all(closed),
            &format!("the upstream's connection was not closed once: {attempts:?}"),
        )?,
    }
    let sent = attempts
        .first()
        .map(|attempt| attempt.sent.as_ref())
        .unwrap_or_default();
    expect(
        sent.starts_with(&plain(body)),
        "what came before leaving is not what was sent",
    )?;
    Ok(Outcome::Left)
}

fn passed(case: &Case, pass: Pass, got: &Got, disturbed: bool) -> Verdict {
    if disturbed && got.status == 502 && got.broke.is_none() {
        return Ok(Outcome::ErrorByRestart);
    }
    let cut = pass == Pass::Cut;
    let whole = got.broke.is_none() || cut && case.manner != Manner::Old;
    if disturbed && !whole {
        return Ok(Outcome::PassedCut);
    }
    expect(got.status == 200, &format!("status {}", got.status))?;
    match pass {
        Pass::Models => expect(got.body.starts_with(b"{\"data\":["), "no list of models")?,
        Pass::Head => expect(got.body.is_empty(), "HEAD has a body")?,
        _ => {
            let bytes = case.bytes();
            let at = got
                .body
                .iter()
                .zip(&bytes)
                .position(|(one, two)| one != two);
            expect(at.is_none(), &format!("another byte at {at:?}"))?;
            let id = got.head.header("x-request-id");
            expect(id == Some(&case.model()), "a header is missing")?;
            expect(cut || got.body.len() == bytes.len(), "the length differs")?;
        }
    }
    if cut {
        expect(got.broke.is_some(), "a cut was passed on as an end")?;
        return Ok(Outcome::PassedCut);
    }
    expect(
        got.broke.is_none(),
        &format!("the answer broke: {:?}", got.broke),
    )?;
    Ok(Outcome::Passed)
}

/// The body without the gateway's heartbeats.
fn plain(body: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(body) {
        Ok(text) if text.contains(HEARTBEAT) => text.replace(HEARTBEAT, "").into_bytes(),
        _ => body.to_vec(),
    }
}

/// Nothing of another case is in it.
fn is_own(case: &Case, body: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(body);
    for (mark, own) in [
        ("soak-", case.number),
        ("_relay", case.number + 1),
        (" c", case.number),
        (" r", case.number),
    ] {
        for (at, _) in text.match_indices(mark) {
            let digits: String = text[at + mark.len()..]
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            let other = digits.parse::<usize>().is_ok_and(|number| number != own);
            expect(!other, &format!("`{mark}{digits}` belongs to another case"))?;
        }
    }
    Ok(())
}

fn summary(got: &Got) -> Result<Summary, String> {
    respair_oracle::judge(&got.body, Profile::Portable).map_err(|faults| {
        format!(
            "not a stream: {faults:?}\n{}",
            String::from_utf8_lossy(&got.body)
        )
    })
}

fn stream(case: &Case, row: Row, got: &Got, attempts: &[Attempt], disturbed: bool) -> Verdict {
    let (name, holds) = (row.name(), row.holds(&case.words));
    if got.status != 200 {
        return status(row, &holds, got, disturbed);
    }
    expect(
        got.broke.is_none(),
        &format!("{name}: the answer broke: {:?}", got.broke),
    )?;
    is_own(case, &got.body).map_err(|why| format!("{name}: {why}"))?;
    let last = attempts.last();
    let shut = last.is_some_and(|attempt| attempt.ended == Some(Ended::Shutdown));
    let summary = summary(got).map_err(|why| format!("{name}: {why}"))?;
    let wrong = |why: &str| {
        let shown = String::from_utf8_lossy(&got.body);
        format!("{name}: {why}\nheld {:?}\n{shown}", holds.text)
    };
    let is_prefix = holds.text.starts_with(&summary.text);
    let says_cut = has(&got.body, CUT) || has(&got.body, EMPTY) && summary.text.is_empty();
    let cut = summary.terminal == Some(Terminal::Failed) && says_cut;
    if cut && (disturbed || shut) {
        let why = "what came before the cut is not what was sent";
        expect(is_prefix, &wrong(why))?;
        return Ok(Outcome::CutByRestart);
    }
    let terminal = match holds.ends {
        Ends::Completed => Terminal::Completed,
        Ends::Incomplete => Terminal::Incomplete,
        _ => Terminal::Failed,
    };
    expect(summary.terminal == Some(terminal), &wrong("another ending"))?;
    let right = summary.text == holds.text || row.early && is_prefix;
    expect(right, &wrong("another text"))?;
    match holds.ends {
        Ends::Completed => {
            let calls: Vec<&str> = summary.arguments.values().map(String::as_str).collect();
            let call = [Holds::WEATHER.1];
            let made: &[&str] = if holds.call { &call } else { &[] };
            expect(calls == made, &wrong("another call"))?;
            if !row.same {
                return Ok(Outcome::Repaired);
            }
            let sent = last.map(|attempt| attempt.sent.clone()).unwrap_or_default();
            expect(plain(&got.body) == sent, &wrong("not the same bytes"))?;
            Ok(Outcome::Same)
        }
        Ends::Incomplete => Ok(Outcome::Incomplete),
        Ends::Failed => {
            let shown = String::from_utf8_lossy(&got.body);
            expect(shown.contains(holds.words), &wrong("another error"))?;
            expect(!cut, &wrong("their error is called a cut"))?;
            Ok(Outcome::Failed)
        }
        _ => {
            expect(cut, &wrong("a cut that does not say so"))?;
            Ok(Outcome::Cut)
        }
    }
}

fn has(body: &[u8], code: &str) -> bool {
    let code = format!("\"code\":\"{code}\"");
    String::from_utf8_lossy(body).contains(&code)
}

/// An answer that is an error.
fn status(row: Row, holds: &Holds, got: &Got, disturbed: bool) -> Verdict {
    let name = row.name();
    let shown = String::from_utf8_lossy(&got.body);
    expect(
        got.broke.is_none(),
        &format!("{name}: the error broke: {:?}", got.broke),
    )?;
    let json = serde_json::from_slice::<Value>(&got.body).unwrap_or_default();
    let told = json["error"]["message"].is_string() && got.status >= 400;
    expect(told, &format!("{name}: no error: {shown}"))?;
    match got.status {
        _ if row.is_refusal(holds) => Ok(Outcome::Error),
        502 if disturbed => Ok(Outcome::ErrorByRestart),
        // What would have been asked again was the last request that the budget allows.
        _ if disturbed && !holds.words.is_empty() && shown.contains(holds.words) => {
            Ok(Outcome::ErrorByRestart)
        }
        502 | 504 if row.early => Ok(Outcome::Error),
        status => Err(format!("{name}: status {status}: {shown}")),
    }
}

fn whole(case: &Case, row: Row, got: &Got, attempts: &[Attempt], disturbed: bool) -> Verdict {
    if got.status != 200 {
        return status(row, &row.holds(&case.words), got, disturbed);
    }
    let name = row.name();
    expect(
        got.broke.is_none(),
        &format!("{name}: the answer broke: {:?}", got.broke),
    )?;
    is_own(case, &got.body)?;
    let sent = attempts
        .last()
        .map(|attempt| attempt.sent.clone())
        .unwrap_or_default();
    if sent.starts_with(b"{") {
        expect(got.body == sent, &format!("{name}: not the same bytes"))?;
        return Ok(Outcome::WholeSame);
    }
    let json: Value = serde_json::from_slice(&got.body)
        .map_err(|error| format!("{name}: {error}: {}", String::from_utf8_lossy(&got.body)))?;
    let items = json["output"].as_array().into_iter().flatten();
    let text: String = items
        .filter_map(|item| item["content"][0]["text"].as_str())
        .collect();
    let held = row.holds(&case.words).text;
    expect(text == held, &format!("{name}: another text: {json}"))?;
    expect(
        json["status"] == "completed",
        &format!("{name}: not completed"),
    )?;
    Ok(Outcome::Folded)
}
