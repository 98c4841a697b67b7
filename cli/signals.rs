//! Ctrl-C and SIGTERM: the first asks for a clean end, the second stops at once.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What arrives so soon after the first is the same signal once more: `timeout` sends it to its child and to the group.
const SAME: Duration = Duration::from_millis(500);

/// Exit status of a program that was stopped by SIGINT, by the shell's convention.
const STOPPED: i32 = 130;

/// Returns a token that is cancelled by the first signal. Call it inside the runtime.
pub(crate) fn ending() -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let ending = CancellationToken::new();
    let token = ending.clone();
    // Lives as long as the runtime: there is nothing to await at its end.
    tokio::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        tracing::info!("finishing what is under way; a second signal stops at once");
        token.cancel();
        let first = Instant::now();
        while first.elapsed() < SAME {
            either(&mut interrupt, &mut terminate).await;
        }
        std::process::exit(STOPPED);
    });
    Ok(ending)
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
