//! Attending to connections, each for as long as it behaves.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What one client may take from the others.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Each has an open file and two buffers of 64 KiB: at most 32 MiB and 512 of the usual 1024 descriptors.
    /// Whoever comes then waits in the listen queue.
    connections: usize,
    /// For a whole request header, and for the wait for the next one.
    header: Duration,
    header_bytes: usize,
    /// After so long in which a client takes nothing of what is sent it is gone. A paused player may do that;
    /// it asks again for the rest.
    stalled: Duration,
    /// For answers that are being sent when the order to stop comes.
    drain: Duration,
}

const LIMITS: Limits = Limits {
    connections: 256,
    header: Duration::from_secs(15),
    header_bytes: 16 << 10,
    stalled: Duration::from_secs(60),
    drain: Duration::from_secs(5),
};

/// When there are no descriptors left, those in use must come back first.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// Serves until `shutdown`, then lets answers be sent for a few seconds more. HTTP/1.1 only: browsers speak
/// HTTP/2 over TLS alone, which is a proxy's work.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "serving");
    }
    serve_within(LIMITS, listener, router, shutdown).await;
}

async fn serve_within(limits: Limits, listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    while let Some((place, stream)) = shutdown.run_until_cancelled(accept(&listener, &places)).await {
        let (router, shutdown) = (router.clone(), shutdown.clone());
        connections.spawn(async move {
            attend(limits, stream, router, shutdown).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Waits for a place first: a connection that is accepted expects an answer.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (place, stream),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept a connection");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn attend(limits: Limits, stream: TcpStream, router: Router, shutdown: CancellationToken) {
    prepare(&stream, limits.stalled);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_header_size(limits.header_bytes)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let ended = match shutdown.run_until_cancelled(connection.as_mut()).await {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(limits.drain, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
    }
}

/// Neither is vital: without them a client is only slower, or keeps its place for longer.
fn prepare(stream: &TcpStream, stalled: Duration) {
    let milliseconds = u32::try_from(stalled.as_millis()).unwrap_or(u32::MAX);
    let prepared = set_tcp_user_timeout(stream, milliseconds).map_err(Into::into);
    if let Err(error) = prepared.and_then(|()| stream.set_nodelay(true)) {
        tracing::debug!(error = &error as &dyn std::error::Error, "cannot prepare a connection");
    }
}

#[cfg(test)]
mod tests;
