//! Sending snapshots to a store, beside the recorder.

use anyhow::Context;
use config::Settings;
use retention::archive::PictureSender;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Sends until it is told to end.
pub(crate) struct Sending {
    work: JoinHandle<anyhow::Result<()>>,
    ending: DropGuard,
}

impl Sending {
    /// Begins, where the settings name a store.
    pub(crate) fn start(settings: &Settings) -> Option<Self> {
        let sender = PictureSender::new(settings.snapshot_store.clone()?, &settings.cameras);
        let ended = CancellationToken::new();
        let ending = ended.clone().drop_guard();
        // Reads files and hashes what it sends: not for the threads of the others.
        let work = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.context("cannot start the runtime that sends snapshots")?;
            runtime.block_on(sender.run(ended.cancelled()));
            Ok(())
        });
        Some(Self { work, ending })
    }

    /// Lets the last pictures go, as far as the store is there. Recording is over by then.
    pub(crate) async fn end(self) {
        drop(self.ending);
        let ended = self.work.await.context("sending snapshots failed").flatten();
        if let Err(error) = ended {
            tracing::error!(
                error = format!("{error:#}"),
                "snapshots were not sent, they wait in their folders"
            );
        }
    }
}
