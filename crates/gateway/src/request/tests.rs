#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

async fn prepared(body: &str) -> Result<Prepared, Refusal> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    prepare(&HeaderMap::new(), body, 1 << 20).await
}

#[tokio::test]
async fn the_body_goes_on_as_it_came() {
    let body = "\u{feff}{ \"model\":\"m\",\"input\":\"hi\", \"stream\" : true,\"temperature\":1e0}";
    let prepared = prepared(body).await.unwrap();
    assert!(prepared.stream);
    assert_eq!(prepared.facts.model.as_deref(), Some("m"));
    let endpoint = Endpoint::custom("http://127.0.0.1:1".parse().unwrap());
    let terms = Terms::of(&endpoint);
    let outgoing = Outgoing::new(&terms, &prepared, 0);
    assert_eq!(outgoing.body(), body);
    assert!(outgoing.mends().is_empty() && outgoing.tools().is_none());
}

#[tokio::test]
async fn no_stream_is_the_default_and_null_is_none() {
    for body in [
        r#"{"model":"m"}"#,
        r#"{"stream":null}"#,
        r#"{"stream":false}"#,
    ] {
        assert!(!prepared(body).await.unwrap().stream, "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    for body in ["", "[]", "{", "{\"stream\":\"yes\"}", "{\"a\":\"\u{0}\"}"] {
        assert_eq!(prepared(body).await.unwrap_err().status, 400, "{body:?}");
    }
}

/// Whatever is known, a request that it does not concern goes on byte for byte.
#[tokio::test]
async fn what_is_known_changes_nothing_that_it_does_not_concern() {
    let body = r#"{ "model":"m", "tools": [ {"type":"function","name":"f"} ],"input":[ {"role":"user","content":"x"} ] }"#;
    let prepared = prepared(body).await.unwrap();
    let mut endpoint = Endpoint::custom("http://127.0.0.1:1".parse().unwrap());
    endpoint.refused_tools = vec!["custom".to_owned(), "web_search".to_owned()];
    let terms = Terms::of(&endpoint);
    let mut known = Known::configured(&["namespace".to_owned()]);
    (known.nulls, known.ids, known.arguments) = (true, true, true);
    terms.memory.learn("m", &known, 0);
    let outgoing = Outgoing::new(&terms, &prepared, 0);
    assert_eq!(outgoing.body(), body);
    assert!(outgoing.mends().is_empty());
}

/// A lesson changes the request, or is none: what is refused again and again ends soon.
#[tokio::test]
async fn lessons_come_to_an_end() {
    let body = r#"{"model":"m","store":true,"user":"u","input":"hi"}"#;
    let prepared = prepared(body).await.unwrap();
    let endpoint = Endpoint::custom("http://127.0.0.1:1".parse().unwrap());
    let terms = Terms::of(&endpoint);
    let mut outgoing = Outgoing::new(&terms, &prepared, 0);
    outgoing.accepted(0);
    let refusal =
        |field: &str| format!(r#"{{"error":{{"message":"Unsupported parameter: {field}"}}}}"#);
    let status = StatusCode::BAD_REQUEST;
    for (field, again) in [
        ("store", true),
        ("store", false),
        ("model", false),
        ("user", true),
        ("user", false),
    ] {
        let next = outgoing.refused(status, refusal(field).as_bytes(), 0);
        assert_eq!(matches!(next, Next::Again), again, "{field}: {next:?}");
    }
    assert_eq!(outgoing.body(), r#"{"model":"m","input":"hi"}"#);
    let told: Vec<String> = outgoing.mends().iter().map(ToString::to_string).collect();
    assert_eq!(told, ["request-field-dropped:store+user×2"]);
    // The first was followed by another reason, so it was right; of the second nobody knows yet.
    let next = Outgoing::new(&terms, &prepared, 1);
    assert_eq!(next.body(), r#"{"model":"m","user":"u","input":"hi"}"#);
    outgoing.accepted(1);
    let next = Outgoing::new(&terms, &prepared, 1);
    assert_eq!(next.body(), r#"{"model":"m","input":"hi"}"#);
    assert!(next.mends()[0].known);
    // Using it does not make it true for longer.
    const DAY: u64 = 24 * 60 * 60;
    Outgoing::new(&terms, &prepared, DAY).accepted(DAY);
    assert_eq!(Outgoing::new(&terms, &prepared, DAY).body(), next.body());
    assert_eq!(Outgoing::new(&terms, &prepared, DAY + 1).body(), body);
}
