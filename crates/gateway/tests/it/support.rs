//! A gateway before a relay, a clock that both follow, and a client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use respair_client::{Clock, Endpoint};
use respair_core::Limits;
use respair_faults::{Answer, Relay};
use respair_gateway::{Gateway, GatewayOptions, Record, Upstream};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// tokio's clock.
#[derive(Debug)]
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix(&self) -> u64 {
        1_767_225_600 + self.0.elapsed().as_secs()
    }
}

/// A gateway that runs, and what it said.
pub struct Running {
    pub address: SocketAddr,
    pub http: reqwest::Client,
    records: watch::Receiver<Vec<Record>>,
    stop: Option<oneshot::Sender<()>>,
    hurry: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// A custom endpoint at the relay. Frames are bounded so that an endless one ends soon, and a large one does not.
pub fn endpoint(relay: &Relay) -> Endpoint {
    let mut endpoint = Endpoint::custom(format!("{}/base", relay.base_url()).parse().unwrap());
    endpoint.limits = Limits::default().with_frame(12 << 20);
    endpoint
}

pub async fn relay(answer: impl Answer) -> Relay {
    Relay::start(answer).await.unwrap()
}

/// A gateway before the relay, with every default.
pub async fn before(relay: &Relay) -> Running {
    serve(vec![Upstream::new("relay", endpoint(relay))], |_| {}).await
}

pub async fn serve(upstreams: Vec<Upstream>, change: impl FnOnce(&mut GatewayOptions)) -> Running {
    let (sender, records) = watch::channel(Vec::new());
    let mut options = GatewayOptions::new(upstreams);
    options.listen = "127.0.0.1:0".parse().unwrap();
    options.clock = Arc::new(Paused(Instant::now()));
    options.log =
        Arc::new(move |record: &Record| sender.send_modify(|records| records.push(record.clone())));
    change(&mut options);
    let gateway = Gateway::bind(options).await.unwrap();
    let address = gateway.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let (hurry, hurried) = oneshot::channel::<()>();
    let wait = async |other: oneshot::Receiver<()>| drop(other.await);
    let served = tokio::spawn(async move { gateway.serve(wait(stopped), wait(hurried)).await });
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only(Vec::new())
        .build()
        .unwrap();
    Running {
        address,
        http,
        records,
        stop: Some(stop),
        hurry: Some(hurry),
        served,
    }
}

/// What came back, whole.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Bytes,
    /// The body ended properly.
    pub whole: bool,
}

impl Got {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The events of a stream, as JSON.
    pub fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The body as the oracle reads it.
    pub fn judged(&self) -> respair_oracle::Summary {
        assert_eq!(self.status, 200, "{}", self.text());
        respair_oracle::judge(&self.body, respair_oracle::Profile::Portable)
            .unwrap_or_else(|faults| panic!("{faults:?}\n{}", self.text()))
    }
}

impl Running {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request for a stream.
    pub fn ask(&self) -> reqwest::RequestBuilder {
        self.post(&json!({"model": "relay-model", "input": "Say hello.", "stream": true}))
    }

    pub fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        let request = self.http.post(self.url("/v1/responses"));
        request
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    pub async fn stream(&self) -> Got {
        got(self.ask()).await
    }

    /// The records of requests that are over, once there are so many.
    pub async fn records(&self, count: usize) -> Vec<Record> {
        let mut records = self.records.clone();
        let records = records
            .wait_for(|records| records.len() >= count)
            .await
            .unwrap();
        records.clone()
    }

    /// Tells the gateway to stop.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Tells it not to wait for streams any longer.
    pub fn hurry(&mut self) {
        drop(self.hurry.take());
    }

    /// Waits until it has.
    pub async fn stopped(self) {
        self.served.await.unwrap();
    }

    /// A connection without a client.
    pub async fn raw(&self, bytes: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        socket
    }

    /// What is answered to these bytes, until the connection closes.
    pub async fn exchange(&self, bytes: &[u8]) -> String {
        let mut socket = self.raw(bytes).await;
        let mut answer = Vec::new();
        // A reset after the answer ends it as well.
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

pub async fn got(request: reqwest::RequestBuilder) -> Got {
    let mut response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    let whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    Got {
        status,
        headers,
        body: body.into(),
        whole,
    }
}
