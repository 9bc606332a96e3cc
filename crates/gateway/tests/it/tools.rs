//! Tools that an upstream does not take (DEVIATIONS 7.2, 9.7): converted, and their calls given back; or refused by name.

use respair_faults::{Answer, Relay, Request, Script, Stream, ev, scenario};
use respair_gateway::{Record, Upstream};
use serde_json::{Value, json};

use crate::support::{Running, before, endpoint, got, relay, serve};

const ONLY: &str =
    r#"{"error":{"message":"Only type:\"function\" tools are supported","param":"tools"}}"#;

/// Takes functions alone, and answers with this.
fn functions_only(answer: impl Fn(&Request) -> Script + Send + Sync + 'static) -> impl Answer {
    move |request: &Request| {
        let tools = request.field("tools").unwrap_or_default();
        let tools = tools.as_array().cloned().unwrap_or_default();
        if tools.iter().any(|tool| tool["type"] != "function") {
            Script::text(400, "application/json", ONLY)
        } else {
            answer(request)
        }
    }
}

/// A stream with one call, its arguments in these pieces.
fn call(name: &str, pieces: &[&str]) -> Stream {
    let pieces = pieces.iter().copied();
    Stream::new().prelude().call(name, pieces).complete()
}

fn asking(tools: &Value, stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "tools": tools, "input": "Patch it."})
}

fn patch() -> Value {
    json!([{"type": "custom", "name": "apply_patch", "description": "Patches.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin"}}])
}

fn of_type<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    let is = |event: &&Value| event["type"] == kind;
    events.iter().filter(is).collect()
}

async fn last_record(gateway: &Running, count: usize) -> Record {
    gateway.records(count).await.pop().unwrap()
}

const PIECES: [&str; 8] = [
    "{\"in",
    "put\": \"",
    "*** Begin\\",
    "n+\\\"\\ud83d",
    "\\ude00",
    "é\\u00",
    "e9 end",
    "\"}",
];
const INPUT: &str = "*** Begin\n+\"😀éé end";

#[tokio::test(start_paused = true)]
async fn a_custom_tool_is_converted_and_its_call_given_back_live() {
    let relay = relay(functions_only(|_| {
        Script::stream(&call("apply_patch", &PIECES))
    }))
    .await;
    let gateway = before(&relay).await;
    let got = got(gateway.post(&asking(&patch(), true))).await;
    got.judged();
    let events = got.events();
    assert!(!got.text().contains("function_call"), "{}", got.text());
    let added = &of_type(&events, "response.output_item.added")[0]["item"];
    assert_eq!(
        (&added["type"], &added["name"], &added["input"]),
        (
            &json!("custom_tool_call"),
            &json!("apply_patch"),
            &json!("")
        )
    );
    let deltas: Vec<&str> = of_type(&events, "response.custom_tool_call_input.delta")
        .iter()
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    assert_eq!(deltas, ["*** Begin", "\n+\"", "😀", "é", "é end"]);
    let done = of_type(&events, "response.custom_tool_call_input.done");
    assert_eq!((done.len(), &done[0]["input"]), (1, &json!(INPUT)));
    let item = &of_type(&events, "response.output_item.done")[0]["item"];
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"][0], *item);
    assert_eq!(
        (
            &item["type"],
            &item["input"],
            &item["id"],
            item.get("arguments")
        ),
        (
            &json!("custom_tool_call"),
            &json!(INPUT),
            &added["id"],
            None
        )
    );
    let asked = relay.requests();
    assert_eq!(asked.len(), 2);
    let tool = asked[1].field("tools").unwrap()[0].clone();
    assert_eq!(tool["type"], "function");
    assert!(
        tool["description"]
            .as_str()
            .unwrap()
            .ends_with("start: begin")
    );
    let record = last_record(&gateway, 1).await;
    assert!(
        record.human().contains(
            " mended=request-tool-converted:apply_patch,request-call-restored requests=2 "
        ),
        "{}",
        record.human()
    );
    assert_eq!(
        got.header("x-respair-request-mends"),
        "request-tool-converted:apply_patch"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_learnt_is_remembered_for_the_model_alone() {
    let relay = relay(functions_only(|_| {
        Script::stream(&call("apply_patch", &PIECES))
    }))
    .await;
    let gateway = before(&relay).await;
    for (model, requests) in [("m", 2), ("m", 3), ("other", 5), ("m", 6)] {
        let mut request = asking(&patch(), true);
        request["model"] = model.into();
        got(gateway.post(&request)).await.judged();
        assert_eq!(relay.requests().len(), requests);
    }
    let record = last_record(&gateway, 4).await;
    assert!(
        record
            .human()
            .contains("request-tool-converted:apply_patch(known)"),
        "{}",
        record.human()
    );
    let metrics = got(gateway.http.get(gateway.url("/metrics"))).await.text();
    for code in ["request-tool-converted", "request-call-restored"] {
        let line = format!("respair_repairs_total{{upstream=\"relay\",code=\"{code}\"}} 4");
        assert!(metrics.lines().any(|have| have == line), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_response_is_converted_as_well_and_so_is_the_history() {
    let relay = relay(functions_only(|_| {
        Script::json(200, &call("apply_patch", &PIECES).response().unwrap())
    }))
    .await;
    let gateway = before(&relay).await;
    let mut request = asking(&patch(), false);
    let first = got(gateway.post(&request)).await.json();
    let item = first["output"][0].clone();
    assert_eq!(
        (&item["type"], &item["input"]),
        (&json!("custom_tool_call"), &json!(INPUT))
    );
    let output =
        json!({"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "Done"});
    request["input"] = json!([{"role": "user", "content": "Patch it."}, item, output]);
    got(gateway.post(&request)).await.json();
    let asked = relay.requests();
    let input = asked[2].field("input").unwrap();
    let arguments: Value = serde_json::from_str(input[1]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(
        (
            &input[1]["type"],
            &input[1]["id"],
            arguments,
            &input[2]["type"]
        ),
        (
            &json!("function_call"),
            &item["id"],
            json!({"input": INPUT}),
            &json!("function_call_output")
        )
    );
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_input_fail_the_response_and_nothing_is_invented() {
    for (pieces, code, shown) in [
        (
            &["{\"patch\":", "\"x\"}"][..],
            "upstream_call_unconvertible",
            "",
        ),
        (
            &["{\"input\":\"a", "b\",\"timeout\":5}"],
            "upstream_call_unconvertible",
            "a",
        ),
        (&["{}"], "upstream_call_unconvertible", ""),
        (
            &["{\"input\":\"cut sho"],
            "upstream_call_incomplete",
            "cut sho",
        ),
    ] {
        let stream = call("apply_patch", pieces);
        let whole = Script::json(200, &stream.response().unwrap());
        let relay = relay(functions_only(move |request| {
            match request.field("stream") {
                Some(Value::Bool(true)) => Script::stream(&stream),
                _ => whole.clone(),
            }
        }))
        .await;
        let gateway = before(&relay).await;
        let streamed = got(gateway.post(&asking(&patch(), true))).await;
        let json = got(gateway.post(&asking(&patch(), false))).await;
        assert_eq!(
            (json.status, &json.json()["error"]["code"]),
            (502, &json!(code))
        );
        let record = gateway.records(2).await[0].clone();
        assert_eq!(record.error.as_deref(), Some(code), "{pieces:?}");
        if streamed.status != 200 {
            assert_eq!(
                (streamed.status, &streamed.json()["error"]["code"]),
                (502, &json!(code))
            );
            continue;
        }
        streamed.judged();
        let events = streamed.events();
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.failed");
        assert_eq!(last["response"]["error"]["code"], code);
        assert_eq!(of_type(&events, "response.output_item.done").len(), 0);
        assert_eq!(
            of_type(&events, "response.custom_tool_call_input.done").len(),
            0
        );
        let delivered: String = of_type(&events, "response.custom_tool_call_input.delta")
            .iter()
            .map(|event| event["delta"].as_str().unwrap())
            .collect();
        assert_eq!(delivered, shown);
    }
}

/// A call that the limit cut: it is said to be incomplete, and nobody is told that it is done.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_by_a_limit_is_not_done() {
    let cut = "{\"input\":\"rm -r";
    let item = || ev::Item::call("apply_patch", cut).with("status", "incomplete");
    let stream = Stream::new()
        .prelude()
        .push(ev::call_added("apply_patch"))
        .push(ev::arguments_delta(cut))
        .push(ev::arguments_done(cut))
        .push(ev::item_done(item()))
        .push(ev::incomplete("max_output_tokens").with("response.output", json!([item().value()])));
    let whole = Script::json(200, &stream.response().unwrap());
    let relay = relay(functions_only(move |request| {
        match request.field("stream") {
            Some(Value::Bool(true)) => Script::stream(&stream),
            _ => whole.clone(),
        }
    }))
    .await;
    let gateway = before(&relay).await;
    let json = got(gateway.post(&asking(&patch(), false))).await;
    let got = got(gateway.post(&asking(&patch(), true))).await;
    let events = got.events();
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.incomplete", "{}", got.text());
    let item = &last["response"]["output"][0];
    assert_eq!(
        (
            json.json()["status"].clone(),
            json.json()["output"][0].clone()
        ),
        (json!("incomplete"), item.clone())
    );
    assert_eq!(
        (&item["type"], &item["status"], &item["input"]),
        (
            &json!("custom_tool_call"),
            &json!("incomplete"),
            &json!("rm -r")
        )
    );
    assert_eq!(of_type(&events, "response.output_item.done").len(), 0);
    assert_eq!(
        of_type(&events, "response.custom_tool_call_input.done").len(),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn namespaces_are_flattened_and_hosted_tools_left_out_and_said() {
    let tools = json!([
        {"type": "namespace", "name": "agents", "description": "Agents.", "tools": [
            {"type": "function", "name": "spawn", "parameters": {}}, {"type": "custom", "name": "say"}]},
        {"type": "web_search", "external_web_access": false},
        {"type": "function", "name": "agents__spawn", "parameters": {}},
    ]);
    let relay = relay(functions_only(|request| {
        let name = request.field("tools").unwrap()[0]["name"]
            .as_str()
            .unwrap()
            .to_owned();
        Script::stream(&call(&name, &["{\"task\":", "\"t\"}"]))
    }))
    .await;
    let gateway = before(&relay).await;
    let first = got(gateway.post(&asking(&tools, true))).await;
    first.judged();
    let names: Vec<Value> = relay.requests()[1]
        .field("tools")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    assert_eq!(names, ["agents__spawn_2", "agents__say", "agents__spawn"]);
    let events = first.events();
    let item = &events.last().unwrap()["response"]["output"][0];
    assert_eq!(
        (
            &item["type"],
            &item["namespace"],
            &item["name"],
            &item["arguments"]
        ),
        (
            &json!("function_call"),
            &json!("agents"),
            &json!("spawn"),
            &json!("{\"task\":\"t\"}")
        )
    );
    assert_eq!(
        first.header("x-respair-request-mends"),
        "request-tool-converted:say, request-namespace-flattened:agents, request-tool-dropped:web_search"
    );
    let mut next = asking(&tools, true);
    next["input"] = json!([{"role": "user", "content": "x"}, item, {"type": "function_call_output", "call_id": item["call_id"], "output": ""}]);
    got(gateway.post(&next)).await.judged();
    let up = relay.requests()[2].field("input").unwrap()[1].clone();
    assert_eq!(
        (&up["name"], up.get("namespace")),
        (&json!("agents__spawn_2"), None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_the_client_runs_is_refused_by_name_and_never_lost() {
    let relay = relay(functions_only(|_| Script::stream(&call("f", &["{}"])))).await;
    let gateway = before(&relay).await;
    for (tools, choice, tool, requests) in [
        (
            json!([{"type": "local_shell"}, {"type": "custom", "name": "p"}]),
            json!("auto"),
            "`local_shell`",
            1,
        ),
        // Each time the upstream has the word: it may have learnt the tool meanwhile.
        (
            json!([{"type": "local_shell"}]),
            json!("auto"),
            "`local_shell`",
            2,
        ),
        (
            json!([{"type": "web_search"}]),
            json!("required"),
            "`web_search`",
            3,
        ),
        (
            json!([{"type": "web_search"}, {"type": "function", "name": "f"}]),
            json!({"type": "web_search"}),
            "`web_search`",
            4,
        ),
    ] {
        let mut request = asking(&tools, true);
        request["tool_choice"] = choice;
        let got = got(gateway.post(&request)).await;
        let error = &got.json()["error"];
        let message = error["message"].as_str().unwrap();
        assert_eq!(
            (got.status, &error["code"]),
            (400, &json!("tool_not_supported"))
        );
        assert!(
            message.contains(tool) && message.contains("`relay`") && message.contains("Only type"),
            "{message}"
        );
        assert_eq!(relay.requests().len(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn refused_tools_can_be_configured_and_mends_switched_off() {
    let answer = || functions_only(|_| Script::stream(&call("apply_patch", &PIECES)));
    let upstream = |relay: &Relay, change: fn(&mut respair_client::Endpoint)| {
        let mut endpoint = endpoint(relay);
        change(&mut endpoint);
        vec![Upstream::new("relay", endpoint)]
    };
    let configured = relay(answer()).await;
    let gateway = serve(
        upstream(&configured, |endpoint| {
            endpoint.refused_tools = vec!["custom".to_owned()]
        }),
        |_| {},
    )
    .await;
    got(gateway.post(&asking(&patch(), true))).await.judged();
    assert_eq!(configured.requests().len(), 1);
    let off = relay(answer()).await;
    let gateway = serve(
        upstream(&off, |endpoint| {
            endpoint.requests_without = vec!["request-tool-converted".to_owned()];
        }),
        |_| {},
    )
    .await;
    let got = got(gateway.post(&asking(&patch(), true))).await;
    assert_eq!((got.status, got.text().as_str()), (400, ONLY));
    assert_eq!(off.requests().len(), 1);
}

/// A tool that the upstream takes stays what it is.
#[tokio::test(start_paused = true)]
async fn what_is_taken_is_not_converted() {
    let stream = Stream::new()
        .prelude()
        .push(ev::custom_call_added("apply_patch"))
        .push(ev::custom_input_delta("x"))
        .push(ev::custom_input_done("x"))
        .push(ev::custom_call_done("apply_patch", "x"))
        .push(ev::completed_with_done_items());
    let bytes = stream.to_bytes();
    let relay = relay(Script::stream(&stream)).await;
    let gateway = before(&relay).await;
    let request = asking(&patch(), true);
    let got = got(gateway.post(&request)).await;
    assert_eq!(got.body, bytes);
    assert_eq!(got.header("x-respair-request-mends"), "");
    assert_eq!(relay.requests()[0].body, request.to_string());
}

#[tokio::test(start_paused = true)]
async fn the_relays_own_scenario() {
    let relay = relay(*scenario("functions-only").unwrap()).await;
    let gateway = before(&relay).await;
    let mut request = asking(&patch(), true);
    let first = got(gateway.post(&request)).await;
    first.judged();
    let item = first.events().pop().unwrap()["response"]["output"][0].clone();
    assert_eq!(item["input"], "echo hello\n");
    request["input"] = json!([item, {"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "hello"}]);
    let second = got(gateway.post(&request)).await.judged();
    assert_eq!(second.text, "Hello from the relay.");
    assert_eq!(relay.requests().len(), 3);
}
