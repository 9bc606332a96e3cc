//! Bodies: chunk boundaries, gates, and every way to end.

use std::time::{Duration, Instant};

use bytes::Bytes;
use respair_faults::{BodyLength, Ended, Gate, Pace, Relay, Script, Step, conforming_text, ev};

use crate::client::{Client, Close, ask};

#[tokio::test]
async fn each_send_is_one_chunk() {
    let stream = conforming_text(["Hel", "lo"]);
    let relay = Relay::start(Script::stream(&stream)).await.unwrap();
    let reply = ask(&relay).await;
    assert_eq!(reply.chunks, stream.frames());
    assert_eq!(reply.close, Close::Proper);
    assert!(reply.head.contains("content-type: text/event-stream"));
}

#[tokio::test]
async fn a_body_comes_in_chunks_of_n_bytes() {
    let stream = conforming_text(["Hel", "lo"]);
    let relay = Relay::start(Script::stream(&stream).in_chunks_of(1))
        .await
        .unwrap();
    let reply = ask(&relay).await;
    assert_eq!(reply.body(), stream.to_bytes());
    assert!(reply.chunks.iter().all(|chunk| chunk.len() == 1));
}

#[tokio::test]
async fn nothing_passes_a_gate_before_it_is_opened() {
    let gate = Gate::new();
    let script = Script::stream(&conforming_text(["Hel", "lo"]))
        .after_first("response.output_text.delta", Step::Gate(gate.clone()));
    let relay = Relay::start(script).await.unwrap();
    let mut client = Client::to(&relay).await;
    client.post("/responses", "{}").await;
    client.head().await.unwrap();
    for _ in 0..5 {
        client.chunk().await.unwrap();
    }
    gate.reached().await;
    assert_eq!(
        client.socket.try_read(&mut [0]).unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
    gate.open();
    let mut rest = 0;
    while client.chunk().await.unwrap().is_some() {
        rest += 1;
    }
    assert_eq!(rest, 5);
}

#[tokio::test]
async fn a_gate_may_stand_before_the_head() {
    let gate = Gate::new();
    let relay = Relay::start(Script::sse().before_head(Step::Gate(gate.clone())))
        .await
        .unwrap();
    let mut client = Client::to(&relay).await;
    client.post("/responses", "{}").await;
    gate.reached().await;
    assert_eq!(
        client.socket.try_read(&mut [0]).unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
    gate.open();
    assert_eq!(client.reply().await.close, Close::Proper);
}

#[tokio::test]
async fn bodies_end_in_every_way() {
    let event = || ev::text_delta("Hi").to_bytes();
    let cases = [
        (Script::sse().send(event()), Close::Proper, Ended::Finished),
        (Script::sse().send(event()).cut(), Close::Fin, Ended::Cut),
        (
            Script::sse().send(event()).reset(),
            Close::Reset,
            Ended::Reset,
        ),
        (
            Script::sse().length(BodyLength::Counted).send(event()),
            Close::Proper,
            Ended::Finished,
        ),
        (
            Script::sse()
                .length(BodyLength::Declared(9999))
                .send(event()),
            Close::Fin,
            Ended::Finished,
        ),
        (
            Script::sse().length(BodyLength::UntilClose).send(event()),
            Close::Fin,
            Ended::Finished,
        ),
    ];
    for (script, close, ended) in cases {
        let what = format!("{close:?} {ended:?}");
        let relay = Relay::start(script).await.unwrap();
        let reply = ask(&relay).await;
        assert_eq!(reply.close, close, "{what}");
        assert_eq!(reply.body(), event(), "{what}");
        assert_eq!(
            relay.wait_closed(1).await[0].ended.unwrap().0,
            ended,
            "{what}"
        );
    }
}

#[tokio::test]
async fn raw_scripts_write_half_a_head_or_none() {
    let relay = Relay::start([
        Script::raw().send("HTTP/1.1 200 OK\r\nContent-Ty"),
        Script::raw().reset(),
    ])
    .await
    .unwrap();
    let reply = ask(&relay).await;
    assert_eq!(
        (reply.body(), reply.close),
        (b"HTTP/1.1 200 OK\r\nContent-Ty".to_vec(), Close::Fin)
    );
    let reply = ask(&relay).await;
    assert_eq!((reply.body(), reply.close), (Vec::new(), Close::Reset));
}

#[tokio::test]
async fn the_peer_s_close_is_noticed_while_holding() {
    let relay = Relay::start(Script::stream(&conforming_text(["Hi"])).hold_open())
        .await
        .unwrap();
    let mut client = Client::to(&relay).await;
    client.post("/responses", "{}").await;
    client.head().await.unwrap();
    for _ in 0..9 {
        client.chunk().await.unwrap();
    }
    let closing = Instant::now();
    drop(client);
    let exchange = relay.wait_peer_closed().await;
    let closed = exchange.peer_closed_at().unwrap();
    assert!(closed >= closing && closed - closing < Duration::from_secs(5));
    assert!(exchange.duration().is_some());
}

#[tokio::test]
async fn the_peer_s_close_is_noticed_while_sending_and_at_a_gate() {
    let flood = Step::Repeat {
        bytes: Bytes::from(vec![b'x'; 65536]),
        every: Duration::ZERO,
        times: None,
    };
    for script in [
        Script::sse().step(flood),
        Script::sse().gate(&Gate::new()),
        Script::raw().hold_open(),
    ] {
        let relay = Relay::start(script).await.unwrap();
        let mut client = Client::to(&relay).await;
        client.post("/responses", "{}").await;
        relay.wait_for_requests(1).await;
        drop(client);
        assert!(relay.wait_peer_closed().await.peer_closed_at().is_some());
    }
}

#[tokio::test]
async fn a_repeat_stops_after_its_times() {
    let step = Step::Repeat {
        bytes: Bytes::from_static(b": c\n\n"),
        every: Duration::ZERO,
        times: Some(3),
    };
    let relay = Relay::start(Script::sse().step(step)).await.unwrap();
    assert_eq!(ask(&relay).await.body(), b": c\n\n: c\n\n: c\n\n");
}

#[tokio::test]
async fn a_pace_delays_each_delta() {
    let script = Script::stream(&conforming_text(["a", "b", "c"]));
    let relay = Relay::builder(script)
        .pace(Pace(Duration::from_millis(5)))
        .start()
        .await
        .unwrap();
    let start = Instant::now();
    ask(&relay).await;
    assert!(start.elapsed() >= Duration::from_millis(15));
}

#[tokio::test]
async fn a_replay_sends_the_recording() {
    let body = conforming_text(["Hi"]).to_bytes();
    let relay = Relay::start(Script::replay(body.clone())).await.unwrap();
    let reply = ask(&relay).await;
    assert_eq!(reply.body(), body);
    assert_eq!(reply.chunks.len(), 9);
}

#[tokio::test]
async fn dropping_the_relay_closes_its_sockets() {
    let relay = Relay::start(Script::sse().hold_open()).await.unwrap();
    let mut client = Client::to(&relay).await;
    client.post("/responses", "{}").await;
    client.head().await.unwrap();
    drop(relay);
    assert_eq!(client.chunk().await, Err(Close::Fin));
}
