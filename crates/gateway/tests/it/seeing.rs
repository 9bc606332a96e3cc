//! What is seen from outside: trailers, log lines, metrics.

use std::time::Duration;

use respair_faults::{Script, Step, conforming_text, scenario};
use respair_gateway::Upstream;
use serde_json::json;

use crate::support::{before, endpoint, got, relay, serve};

fn post(more: &str) -> String {
    let body = r#"{"input":1,"stream":true}"#;
    format!(
        "POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nuser-agent: test/1 (x)\r\n\
         content-length: {}\r\n{more}\r\n{body}",
        body.len()
    )
}

#[tokio::test(start_paused = true)]
async fn repairs_stand_behind_the_stream_where_the_client_reads_trailers() {
    let relay = relay(*scenario("no-created").unwrap()).await;
    let gateway = before(&relay).await;
    for te in ["te: trailers\r\n", "te: gzip, Trailers\r\n"] {
        let answer = gateway.exchange(post(te).as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains("trailer: x-respair-ending, x-respair-repairs"),
            "{head}"
        );
        let (_, trailers) = body.split_once("\r\n0\r\n").unwrap();
        let mut lines: Vec<&str> = trailers.trim_end().lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "x-respair-ending: completed",
                "x-respair-repairs: created-missing=1"
            ]
        );
    }
    let plain = gateway.exchange(post("").as_bytes()).await;
    assert!(
        !plain.contains("x-respair-repairs") && plain.ends_with("\r\n0\r\n\r\n"),
        "{plain}"
    );
}

#[tokio::test(start_paused = true)]
async fn repairs_stand_before_what_is_whole() {
    let response =
        json!({"id": "resp_1", "object": "response", "status": "completed", "output": []});
    let relay = relay(Script::text(200, "application/json", response.to_string())).await;
    let gateway = before(&relay).await;
    let got = got(gateway.post(&json!({"model": "m", "input": "x"}))).await;
    assert_eq!(got.header("x-respair-ending"), "completed");
    let repairs = &gateway.records(1).await[0].repairs;
    assert!(!repairs.is_empty());
    for repair in repairs {
        let told = format!("{}={}", repair.code, repair.count);
        assert!(got.header("x-respair-repairs").contains(&told), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_line_has_everything() {
    let stream = conforming_text(["Hi"]).drop_type("response.created");
    let script = Script::stream(&stream).before_head(Step::Delay(Duration::from_millis(70)));
    let relay = relay([Script::text(503, "text/plain", "busy"), script]).await;
    let gateway = before(&relay).await;
    gateway.exchange(post("").as_bytes()).await;
    let record = &gateway.records(1).await[0];
    let line = record.human();
    for part in [
        "POST /v1/responses 200 completed ",
        " upstream=relay ",
        " client=test/1 ",
        " events=",
        " repairs=created-missing×1",
        " requests=2 ",
        " first=",
        " total=",
        " tokens=",
        &format!(" id={}", record.id),
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let line: serde_json::Value = serde_json::from_str(&record.json()).unwrap();
    for (key, value) in [
        ("type", json!("request")),
        ("method", json!("POST")),
        ("route", json!("responses")),
        ("path", json!("/v1/responses")),
        ("upstream", json!("relay")),
        ("client", json!("test/1")),
        ("status", json!(200)),
        ("ending", json!("completed")),
        ("repairs", json!({"created-missing": 1})),
        ("upstream_requests", json!(2)),
        ("terminal_seen", json!(true)),
        ("terminal_delivered", json!(true)),
        ("id", json!(record.id)),
    ] {
        assert_eq!(line[key], value, "{key}: {line}");
    }
    for key in [
        "events",
        "first_byte_ms",
        "total_ms",
        "input_tokens",
        "output_tokens",
        "bytes",
    ] {
        assert!(line[key].as_u64().is_some_and(|n| n > 0), "{key}: {line}");
    }
    assert!(line["first_byte_ms"].as_u64() >= Some(70), "{line}");
}

#[tokio::test(start_paused = true)]
async fn pauses_between_events_are_counted() {
    let pause = Step::Delay(Duration::from_secs(3));
    let script = Script::stream(&conforming_text(["Hel", "lo"]))
        .after_first("response.output_text.delta", pause.clone())
        .after_first("response.output_text.done", pause);
    let relay = relay(script).await;
    let gateway = before(&relay).await;
    gateway.stream().await;
    gateway.records(1).await;
    let page = got(gateway.http.get(gateway.url("/metrics"))).await.text();
    let value = |line: &str| -> f64 {
        let prefix = format!("respair_event_gap_seconds{line} ");
        let line = page.lines().find_map(|have| have.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("{prefix}\n{page}"))
            .parse()
            .unwrap()
    };
    let all = value("_count{upstream=\"relay\"}");
    assert_eq!(all - value("_bucket{upstream=\"relay\",le=\"1\"}"), 2.0);
    assert_eq!(value("_bucket{upstream=\"relay\",le=\"5\"}"), all);
    assert!((6.0..6.5).contains(&value("_sum{upstream=\"relay\"}")));
}

/// Whatever clients and upstreams say, no label takes it.
#[tokio::test(start_paused = true)]
async fn labels_are_bounded() {
    let answer = |request: &respair_faults::Request| {
        let status = 400 + u16::try_from(request.number).unwrap() % 200;
        Script::text(
            status,
            "application/json",
            format!("{{\"error\":{{\"code\":\"c{}\"}}}}", request.number),
        )
    };
    let relay = relay(answer).await;
    let mut endpoint = endpoint(&relay);
    endpoint.recovery.max_requests = 1;
    let gateway = serve(vec![Upstream::new("relay", endpoint)], |_| {}).await;
    for n in 0..200 {
        let body = json!({"model": format!("model-{n}"), "input": "x", "stream": true});
        let request = gateway
            .post(&body)
            .header("user-agent", format!("agent-{n}"));
        got(request).await;
        got(gateway.http.get(gateway.url(&format!("/somewhere/{n}")))).await;
    }
    gateway.records(400).await;
    let page = got(gateway.http.get(gateway.url("/metrics"))).await.text();
    let lines = page.lines().filter(|line| !line.starts_with('#')).count();
    assert!(lines < 120, "{lines}\n{page}");
    assert!(page.contains("status=\"other\""), "{page}");
    for word in ["model-", "agent-", "somewhere", "c1"] {
        assert!(!page.contains(word), "{word}\n{page}");
    }
}
