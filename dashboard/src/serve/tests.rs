//! Clients that take more than their share, and the end.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::routing::get;
use futures::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

/// Far more than any of the limits in these tests: reaching it is the failure.
const NEVER: Duration = Duration::from_secs(20);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct Running {
    address: std::net::SocketAddr,
    shutdown: CancellationToken,
    served: JoinHandle<()>,
}

impl Running {
    async fn with(limits: Limits, router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve_within(limits, listener, router, shutdown.clone()));
        Self { address, shutdown, served }
    }

    async fn send(&self, request: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream
    }
}

/// One limit at a time is near, the others are far.
fn far() -> Limits {
    Limits { header: NEVER * 2, stalled: NEVER * 2, drain: NEVER * 2, ..LIMITS }
}

fn plain() -> Router {
    Router::new().route("/", get("here"))
}

/// Reads until the other side closes or resets.
async fn rest(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    match timeout(NEVER, stream.read_to_end(&mut read)).await.expect("the connection is closed in time") {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8(read).unwrap()
}

/// Reads one answer of a connection that stays.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"here") {
        assert_ne!(timeout(NEVER, stream.read_buf(&mut read)).await.unwrap().unwrap(), 0, "closed early");
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn whoever_sends_no_header_to_the_end_is_cut_off() {
    let limits = Limits { header: Duration::from_millis(100), ..far() };
    let running = Running::with(limits, plain()).await;
    for begun in ["", "GET /", "GET / HTTP/1.1\r\nX-Slow: "] {
        let mut stream = running.send(begun.as_bytes()).await;
        assert!(!rest(&mut stream).await.contains("here"), "{begun}");
    }
    let mut kept = running.send(REQUEST).await;
    one_answer(&mut kept).await;
    assert_eq!(rest(&mut kept).await, "", "an idle connection is closed");
}

#[tokio::test]
async fn headers_are_bounded() {
    let running = Running::with(far(), plain()).await;
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(LIMITS.header_bytes));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(200));
    for request in [long, many] {
        let mut stream = running.send(request.as_bytes()).await;
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431"));
    }
}

#[tokio::test]
async fn whoever_comes_when_all_places_are_taken_waits() {
    let running = Running::with(Limits { connections: 1, ..far() }, plain()).await;
    let mut first = running.send(REQUEST).await;
    one_answer(&mut first).await;
    let mut second = running.send(REQUEST).await;
    let early = timeout(Duration::from_millis(200), second.readable()).await;
    assert!(early.is_err(), "answered though the one place is taken");
    drop(first);
    assert!(one_answer(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn whoever_stops_reading_loses_the_place() {
    let endless = || async {
        Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[0; 65536]))))
    };
    let router = plain().route("/endless", get(endless));
    let limits = Limits { connections: 1, stalled: Duration::from_millis(300), ..far() };
    let running = Running::with(limits, router).await;
    let _deaf = running.send(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut second = running.send(REQUEST).await;
    assert!(one_answer(&mut second).await.starts_with("HTTP/1.1 200"));
}

/// A route that says when a request is there, and answers when told.
fn gated() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enter, left) = (Arc::clone(&entered), Arc::clone(&leave));
    let handler = move || async move {
        enter.notify_one();
        left.notified().await;
        "here"
    };
    (Router::new().route("/", get(handler)), entered, leave)
}

#[tokio::test]
async fn at_the_end_answers_are_sent_and_idle_connections_closed() {
    let (router, entered, leave) = gated();
    let running = Running::with(far(), router).await;
    let mut idle = running.send(b"").await;
    let mut busy = running.send(REQUEST).await;
    entered.notified().await;
    running.shutdown.cancel();
    assert_eq!(rest(&mut idle).await, "");
    assert!(!running.served.is_finished());
    leave.notify_one();
    assert!(rest(&mut busy).await.ends_with("here"));
    timeout(NEVER, running.served).await.unwrap().unwrap();
    TcpStream::connect(running.address).await.expect_err("nobody listens any more");
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let (router, entered, _leave) = gated();
    let running = Running::with(Limits { drain: Duration::from_millis(100), ..far() }, router).await;
    let mut busy = running.send(REQUEST).await;
    entered.notified().await;
    running.shutdown.cancel();
    timeout(NEVER, running.served).await.expect("serving ends").unwrap();
    assert_eq!(rest(&mut busy).await, "");
}
