//! What a service manager is told: ready, how it is going, alive, stopping. Silent where there is none.

use std::time::Duration;

use catalog::Catalog;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Between two signs of life where no watchdog asks for them more often.
const USUAL: Duration = Duration::from_secs(30);

pub(crate) fn ready() {
    notify(&[NotifyState::Ready]);
}

pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Gives signs of life until `ending`, each only after the runtime, a blocking thread and the catalogue have
/// answered: a watchdog fed by a timer would watch the timer.
pub(crate) async fn keep_alive(catalog: Catalog, status: impl Fn() -> String, ending: CancellationToken) {
    let pause = sd_notify::watchdog_enabled().map_or(USUAL, |limit| (limit / 2).min(USUAL));
    while ending.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        let catalog = catalog.clone();
        match tokio::task::spawn_blocking(move || catalog.clock_doubt()).await {
            Ok(Ok(_)) => notify(&[NotifyState::Watchdog, NotifyState::Status(&status())]),
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the catalogue does not answer");
            }
            Err(error) => tracing::error!(%error, "the catalogue cannot be asked"),
        }
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
