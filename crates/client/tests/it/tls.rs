//! TLS: the trust store, `ssl_ca_cert`, `ssl_verify`, and interrupts through it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use respair_client::{Endpoint, TurnStatus};
use respair_faults::{Relay, Script, Step};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::*;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

fn acceptor(protocols: &[&[u8]]) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(file("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).unwrap();
    let builder = ServerConfig::builder().with_no_client_auth();
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Takes TLS off in front of the relay; gives the address to ask.
async fn in_front_of(relay: &Relay) -> String {
    let acceptor = acceptor(&[]);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let address = format!("https://{}/v1", listener.local_addr().unwrap());
    let upstream = relay.address();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us hangs up in the handshake.
                let Ok(mut inside) = acceptor.accept(socket).await else {
                    return;
                };
                let mut outside = TcpStream::connect(upstream).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            });
        }
    });
    address
}

async fn endpoint(relay: &Relay) -> Endpoint {
    Endpoint::custom(in_front_of(relay).await.parse().unwrap())
}

/// `https://` in front of a port that speaks plain HTTP: it will be the same the next time.
#[tokio::test(start_paused = true)]
async fn a_port_without_tls_is_asked_once() {
    let relay = relay(Script::stream(&answer())).await;
    let address = relay.base_url().replace("http://", "https://");
    let run = run(&client(Endpoint::custom(address.parse().unwrap()))).await;
    let error = run.error();
    assert_eq!(run.code(), "connect_failed");
    assert!(
        error.message.ends_with("it does not speak TLS"),
        "{error:?}"
    );
    assert_eq!(error.hint.as_deref(), Some("is its address http://?"));
    assert_eq!(run.outcome.upstream_requests, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_authority_is_refused_and_not_asked_again() {
    let relay = relay(Script::stream(&answer())).await;
    let run = run(&client(endpoint(&relay).await)).await;
    assert_eq!(
        (run.outcome.status, run.code()),
        (TurnStatus::Failed, "tls_untrusted"),
        "{:?}",
        run.error()
    );
    assert_eq!(run.outcome.upstream_requests, 1);
    assert!(run.error().hint.as_ref().unwrap().contains("ssl_ca_cert"));
    let message = &run.error().message;
    assert!(
        message.ends_with("the authority that signed its certificate is not known here"),
        "{message}"
    );
    assert_eq!(relay.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_configured_authority_is_trusted() {
    let relay = relay(Script::stream(&answer())).await;
    let mut endpoint = endpoint(&relay).await;
    endpoint.ssl_ca_cert = Some(file("ca.pem"));
    let run = run(&client(endpoint)).await;
    run.assert_completed("Hello");
    assert_eq!(run.notices(), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn verification_can_be_off_and_that_is_said() {
    let relay = relay(Script::stream(&answer())).await;
    let mut endpoint = endpoint(&relay).await;
    endpoint.ssl_verify = false;
    let run = run(&client(endpoint)).await;
    run.assert_completed("Hello");
    assert!(run.notices()[0].contains("ssl_verify: false"));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_closes_the_connection() {
    let relay = relay(Script::stream(&answer()).after_first(TEXT_DELTA, Step::HoldOpen)).await;
    let mut endpoint = endpoint(&relay).await;
    endpoint.ssl_ca_cert = Some(file("ca.pem"));
    let client = client(endpoint);
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    until_text(&mut turn, &mut events).await;
    turn.cancel();
    let run = finish(turn, events).await;
    assert_eq!(run.outcome.status, TurnStatus::Interrupted);
    soon(relay.wait_peer_closed()).await;
}

/// Over HTTP/2 the connection may carry other turns, so an interrupt resets the stream alone.
/// On the real clock: a paused one moves on before HTTP/2's own tasks have read what is there.
#[tokio::test]
async fn an_interrupt_resets_the_stream_of_http_2() {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let mut endpoint = Endpoint::custom(
        format!("https://{}/v1", listener.local_addr().unwrap())
            .parse()
            .unwrap(),
    );
    endpoint.ssl_ca_cert = Some(file("ca.pem"));
    let (told, reset) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let tls = acceptor(&[b"h2"]).accept(socket).await.unwrap();
        let mut connection = h2::server::handshake(tls).await.unwrap();
        let (_, mut respond) = connection.accept().await.unwrap().unwrap();
        let mut body = respond
            .send_response(http::Response::new(()), false)
            .unwrap();
        body.send_data(answer().through(TEXT_DELTA).to_bytes(), false)
            .unwrap();
        tokio::spawn(async move {
            let reason = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
            let _ = told.send(reason.unwrap());
        });
        // The connection moves while it is asked for the next stream.
        while connection.accept().await.is_some() {}
    });

    let client = client(endpoint);
    let mut turn = client.turn(request());
    let mut events = Vec::new();
    assert_eq!(until_text(&mut turn, &mut events).await, "Hel");
    turn.cancel();
    let run = finish(turn, events).await;
    assert_eq!(run.outcome.status, TurnStatus::Interrupted);
    assert_eq!(soon(reset).await.unwrap(), h2::Reason::CANCEL);
}
