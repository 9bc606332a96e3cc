//! What an upstream refuses is changed, and what it refused once goes out right the next time (DEVIATIONS, groups 7 and 8).

use respair_client::{Endpoint, RecoveryMode};
use respair_faults::{Answer, Relay, Request, Script, Stream, conforming_text, ev};
use respair_gateway::Upstream;
use serde_json::{Value, json};

use crate::support::{before, endpoint, got, relay, serve};

/// Refuses a body as long as this says why; answers it as it asks then.
fn refusing(why: fn(&Value) -> Option<(u16, String)>) -> impl Answer {
    move |request: &Request| {
        let body = request.json().unwrap();
        match why(&body) {
            Some((status, why)) => Script::text(status, "application/json", why),
            None => answer(&body),
        }
    }
}

fn answer(body: &Value) -> Script {
    let stream = conforming_text(["Hi"]);
    match body["stream"] == true {
        true => Script::stream(&stream),
        false => Script::json(200, &stream.response().unwrap()),
    }
}

fn error(message: &str) -> String {
    json!({"error": {"message": message, "type": "invalid_request_error"}}).to_string()
}

fn history() -> Value {
    json!({"model": "m", "stream": true, "instructions": "Be kind.", "reasoning": {"effort": "minimal"}, "input": [
        {"type": "message", "role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "gA", "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\":"},
        {"type": "function_call_output", "call_id": "c1", "output": "x"},
        {"type": "tool_search_call", "call_id": "t1", "arguments": {}},
        {"type": "tool_search_output", "call_id": "t1", "tools": []},
    ]})
}

fn has(body: &Value, says: impl Fn(&Value) -> bool) -> bool {
    body["input"].as_array().unwrap().iter().any(says)
}

type Why = fn(&Value) -> Option<(u16, String)>;

/// Each of the catalogue's refusals: learnt, mended, remembered, said; in streams and in whole responses.
#[tokio::test(start_paused = true)]
async fn each_refusal_costs_one_request_once() {
    let refusals: [(&str, Why); 11] = [
        ("request-store-set", |body| {
            (body["store"] != false)
                .then(|| (400, r#"{"detail":"Store must be set to false"}"#.to_owned()))
        }),
        ("request-effort-clamped:low", |body| {
            (body["reasoning"]["effort"] == "minimal").then(|| {
                let why = r#"{"error":{"message":"Unsupported value: 'minimal' is not supported with the 'm' model. Supported values are: 'low', 'medium', and 'high'.","param":"reasoning.effort"}}"#;
                (400, why.to_owned())
            })
        }),
        ("request-role-changed:developer", |body| {
            has(body, |item| item["role"] == "developer").then(|| {
                (
                    400,
                    error("Invalid value: 'developer'. Supported values are: 'system', 'user'."),
                )
            })
        }),
        ("request-role-changed:instructions", |body| {
            has(body, |item| {
                item["role"] == "developer" || item["role"] == "system"
            })
            .then(|| (400, error("System messages are not allowed")))
        }),
        ("request-role-changed:instructions", |body| {
            body.get("instructions")
                .map(|_| (400, error("Unsupported parameter: instructions")))
        }),
        (
            "request-item-dropped:tool_search_call+tool_search_output×2",
            |body| {
                has(body, |item| {
                    item["type"].as_str().unwrap().starts_with("tool_search")
                })
                .then(|| (400, error("Invalid input")))
            },
        ),
        ("request-reasoning-content-dropped", |body| {
            has(body, |item| item["type"] == "reasoning" && item.get("content").is_some()).then(|| {
                (400, error("Invalid 'input[2].content': array too long. Expected an array with maximum length 0, but got an array with length 1 instead."))
            })
        }),
        ("request-id-dropped×2", |body| {
            has(body, |item| item.get("id").is_some()).then(|| {
                (404, error("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."))
            })
        }),
        ("request-id-dropped×2", |body| {
            has(body, |item| item.get("id").is_some()).then(|| {
                (400, error("Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'."))
            })
        }),
        ("request-arguments-replaced:f", |body| {
            has(body, |item| item["arguments"] == "{\"a\":").then(|| {
                (
                    500,
                    error("Failed to parse tool call arguments as JSON: unexpected end of input"),
                )
            })
        }),
        ("request-field-dropped:reasoning", |body| {
            body.get("reasoning")
                .map(|_| (400, error("Unsupported parameter: 'reasoning'")))
        }),
    ];
    for (told, why) in refusals {
        let relay = relay(refusing(why)).await;
        let gateway = before(&relay).await;
        for (n, stream) in [(1, true), (2, false), (3, true)] {
            let mut request = history();
            request["stream"] = stream.into();
            let answered = got(gateway.post(&request)).await;
            assert_eq!(answered.status, 200, "{told}: {}", answered.text());
            assert_eq!(relay.requests().len(), n + 1, "{told}");
            let record = gateway.records(n).await[n - 1].clone();
            let mends: Vec<String> = record.request.iter().map(ToString::to_string).collect();
            let expected = if n == 1 {
                told.to_owned()
            } else {
                format!("{told}(known)")
            };
            assert_eq!(mends, [expected], "{told}");
            assert!(
                answered
                    .header("x-respair-request-mends")
                    .starts_with(told.trim_end_matches("×2"))
            );
        }
        let asked = relay.requests().pop().unwrap().json().unwrap();
        let kinds = |body: &Value| -> Vec<Value> {
            let items = body["input"].as_array().unwrap().iter();
            items
                .map(|item| item["type"].clone())
                .filter(|kind| {
                    kind != "message" && !kind.as_str().unwrap().starts_with("tool_search")
                })
                .collect()
        };
        assert_eq!(
            kinds(&asked),
            kinds(&history()),
            "the conversation is whole: {told}"
        );
        for said in ["Be kind.", "Be brief."] {
            assert!(asked.to_string().contains(said), "{told}");
        }
    }
}

/// Several things at once, one refusal each, within the budget; the next request has it all.
#[tokio::test(start_paused = true)]
async fn one_lesson_after_the_other() {
    let relay = relay(refusing(|body| {
        let named = ["user", "metadata", "service_tier"]
            .into_iter()
            .find(|name| body.get(*name).is_some())?;
        Some((400, error(&format!("Unknown parameter: '{named}'."))))
    }))
    .await;
    let gateway = before(&relay).await;
    let mut request = json!({"model": "m", "stream": true, "input": "Hi", "user": "u", "metadata": {}, "service_tier": "flex"});
    assert_eq!(got(gateway.post(&request)).await.judged().text, "Hi");
    assert_eq!(relay.requests().len(), 4);
    got(gateway.post(&request)).await.judged();
    assert_eq!(relay.requests().len(), 5);
    // One more than the budget has: what was learnt is not lost, so that the next request gets further.
    request["model"] = "other".into();
    request["safety_identifier"] = "s".into();
    let relay = self::relay(refusing(|body| {
        let all = ["user", "metadata", "service_tier", "safety_identifier"];
        let named = all.into_iter().find(|name| body.get(*name).is_some())?;
        Some((400, error(&format!("Unknown parameter: '{named}'."))))
    }))
    .await;
    let gateway = before(&relay).await;
    assert_eq!(got(gateway.post(&request)).await.status, 400);
    assert_eq!(got(gateway.post(&request)).await.judged().text, "Hi");
}

const UNREADABLE: &str = "The encrypted content gA could not be verified.";

/// 8.1 as the first thing in a stream, flat, nested or as `response.failed`, and as a whole response that failed.
#[tokio::test(start_paused = true)]
async fn a_refusal_in_the_stream_is_one_as_well() {
    let code = "invalid_encrypted_content";
    let failed = || Stream::new().prelude().push(ev::failed(code, UNREADABLE));
    let forms: [(bool, Box<dyn Fn() -> Script + Send + Sync>); 5] = [
        (
            true,
            Box::new(move || Script::stream(&Stream::new().push(ev::error_flat(code, UNREADABLE)))),
        ),
        (
            true,
            Box::new(move || {
                Script::stream(&Stream::new().push(ev::error_nested(code, UNREADABLE)))
            }),
        ),
        (true, Box::new(move || Script::stream(&failed()))),
        (false, Box::new(move || Script::stream(&failed()))),
        (
            false,
            Box::new(move || {
                let error = json!({"code": code, "message": UNREADABLE});
                let mut response = conforming_text(["Hi"]).response().unwrap();
                (response["status"], response["error"], response["output"]) =
                    (json!("failed"), error, json!([]));
                Script::json(200, &response)
            }),
        ),
    ];
    for (stream, form) in forms {
        let relay = relay(move |request: &Request| {
            let body = request.json().unwrap();
            match has(&body, |item| item["encrypted_content"] == "gA") {
                true => form(),
                false => answer(&body),
            }
        })
        .await;
        let gateway = before(&relay).await;
        let mut request = history();
        request["stream"] = stream.into();
        for requests in [2, 3] {
            let got = got(gateway.post(&request)).await;
            assert_eq!(got.status, 200);
            assert!(
                got.text().contains("Hi") && !got.text().contains("failed"),
                "{}",
                got.text()
            );
            assert_eq!(relay.requests().len(), requests);
        }
        // What the upstream gave later is its own, and stays.
        request["input"]
            .as_array_mut()
            .unwrap()
            .push(json!({"type": "reasoning", "encrypted_content": "gB", "summary": []}));
        got(gateway.post(&request)).await;
        let asked = relay.requests().pop().unwrap().json().unwrap();
        assert!(has(&asked, |item| item["encrypted_content"] == "gB"));
        assert!(!has(&asked, |item| item["encrypted_content"] == "gA"));
    }
}

/// Behind the first output nothing is asked again.
#[tokio::test(start_paused = true)]
async fn what_was_sent_is_not_taken_back() {
    let stream = conforming_text(["Hi", " there"])
        .through("response.output_text.delta")
        .push(ev::failed("invalid_encrypted_content", UNREADABLE));
    let relay = relay(Script::stream(&stream)).await;
    let gateway = before(&relay).await;
    let got = got(gateway.post(&history())).await;
    assert!(got.text().contains("response.failed"));
    assert_eq!(relay.requests().len(), 1);
}

async fn asked_with(change: impl FnOnce(&mut Endpoint), request: &str) -> (Relay, String) {
    let relay = relay(Script::stream(&conforming_text(["Hi"]))).await;
    let mut endpoint = endpoint(&relay);
    change(&mut endpoint);
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    let request = gateway.post(&json!({})).body(request.to_owned());
    assert_eq!(got(request).await.status, 200);
    let body = relay.requests()[0].body.clone();
    (relay, String::from_utf8(body.to_vec()).unwrap())
}

const PLAIN: &str =
    r#"{ "model":"m", "stream":true, "store":true, "input":"hi", "temperature":1.50 }"#;

#[tokio::test(start_paused = true)]
async fn what_is_configured_for_an_upstream_applies_to_what_goes_through() {
    let extra = json!({"service_tier": "flex", "store": null, "metadata": {"n": [1]}});
    let extra = extra.as_object().unwrap().clone();
    let (_, body) = asked_with(|endpoint| endpoint.extra_body = extra.clone(), PLAIN).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        body,
        json!({"model": "m", "stream": true, "input": "hi", "temperature": 1.50, "service_tier": "flex", "metadata": {"n": [1]}})
    );
    // Where nothing is repaired, nothing is changed.
    let (_, body) = asked_with(
        |endpoint| {
            endpoint.extra_body = extra;
            endpoint.refused_tools = vec!["custom".to_owned()];
            endpoint.recovery.mode = RecoveryMode::Strict;
        },
        PLAIN,
    )
    .await;
    assert_eq!(body, PLAIN);
}

#[tokio::test(start_paused = true)]
async fn a_strict_upstream_is_heard_as_it_is() {
    let why = r#"{"error":{"message":"Unsupported parameter: store"}}"#;
    let relay = relay(Script::text(400, "application/json", why)).await;
    let mut endpoint = endpoint(&relay);
    endpoint.recovery.mode = RecoveryMode::Strict;
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    let got = got(gateway.post(&json!({})).body(PLAIN)).await;
    assert_eq!((got.status, got.text().as_str()), (400, why));
    assert_eq!(relay.requests().len(), 1);
}
