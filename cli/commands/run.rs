//! `run`: record, process, retain and serve in one process.

use std::process::ExitCode;
use std::sync::Arc;
#[cfg(feature = "process")]
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use config::{Camera, Loaded};
use recorder::{Notice, Notices};
use retention::Due;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::args::Global;
use crate::commands::record;
#[cfg(feature = "dashboard")]
use crate::commands::run_report;
use crate::commands::run_retention::retain_on;
#[cfg(feature = "dashboard")]
use crate::commands::serve;
use crate::hook::{Hook, Subjects};
use crate::open::{self, Store};
use crate::{runtime, service, signals};

/// What stopped processing (a refused key, say) may be mended while recording goes on.
#[cfg(feature = "process")]
const PROCESS_AGAIN_AFTER: Duration = Duration::from_secs(5 * 60);

/// Record, process in the windows, retain, and serve the pages, until Ctrl-C or SIGTERM.
///
/// The pages are at `serve.listen`, see `nightreel serve`.
/// What is wrong with one part does not stop the others: recording comes first. The first signal finishes the
/// open segments, gives work in hand back, and ends with 0.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  nightreel run\n\nAs a service: nightreel init --systemd")]
pub(crate) struct RunArgs {}

pub(crate) fn run(global: &Global, _args: &RunArgs) -> anyhow::Result<ExitCode> {
    let loaded = open::settings(global)?;
    let cameras = record::recordable(&loaded)?;
    let store = Store::create(&loaded.settings)?;
    store.note_run()?;
    store.note_cameras(&loaded.settings)?;
    store.media().finish_intents()?;
    runtime::block_on(async {
        let ending = signals::ending()?;
        #[cfg(feature = "dashboard")]
        let serving = tokio::spawn(serve::serve_beside(loaded.settings.clone(), ending.clone()));
        let looking = looking(&loaded);
        let hook = Hook::start(&store.settings, subjects(looking));
        let parts = Parts { store, cameras, looking, hook: hook.clone() };
        let worked = parts.work(&ending).await;
        service::stopping();
        hook.end().await;
        #[cfg(feature = "dashboard")]
        serving.await.context("serving failed")?;
        worked
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether footage is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looking {
    On,
    Off,
}

/// Without the key of the vision model nothing is looked at, rather than some segments without it: what is
/// recorded waits.
fn looking(loaded: &Loaded) -> Looking {
    match loaded.require_vision_secret() {
        Ok(()) => Looking::On,
        Err(error) => {
            tracing::error!(%error, "nothing is processed, recording goes on");
            Looking::Off
        }
    }
}

fn subjects(looking: Looking) -> Subjects {
    Subjects { recording: true, events: cfg!(feature = "process") && looking == Looking::On }
}

struct Parts {
    store: Store,
    cameras: Vec<Camera>,
    looking: Looking,
    hook: Hook,
}

impl Parts {
    /// Runs the parts side by side until `ending`, or until the recorder cannot go on.
    async fn work(self, ending: &CancellationToken) -> anyhow::Result<()> {
        let Self { store, cameras, looking, hook } = self;
        let room = Arc::new(Notify::new());
        // One pass's worth: what is still to be sent when the next comes is in that one too.
        let (due, archive) = mpsc::channel(1);
        let archiving = tokio::spawn(archive_on(store.clone(), archive, ending.clone()));
        let told = (store.clone(), hook.clone());
        let retaining = tokio::spawn(retain_on(told.clone(), Arc::clone(&room), due, ending.clone()));
        let processing = tokio::spawn(process_on(told.clone(), looking, ending.clone()));
        #[cfg(feature = "dashboard")]
        let reporting = tokio::spawn(run_report::report_on(told, ending.clone()));
        let recorded = record_on((&store, &hook), cameras, room, ending).await;
        ending.cancel();
        processing.await.context("processing failed")?;
        retaining.await.context("retention failed")?;
        #[cfg(feature = "dashboard")]
        reporting.await.context("reporting failed")?;
        archiving.await.context("archiving failed")?;
        recorded
    }
}

async fn record_on(
    (store, hook): (&Store, &Hook),
    cameras: Vec<Camera>,
    room: Arc<Notify>,
    ending: &CancellationToken,
) -> anyhow::Result<()> {
    if cameras.is_empty() {
        tracing::info!("no camera has a url, other recorders fill the folders");
        service::ready();
        service::keep_alive(store.catalog.clone(), || "processing".to_owned(), ending.clone()).await;
        return Ok(());
    }
    let recorder = record::recorder(store, cameras)?;
    tokio::spawn(ask_for_room(recorder.notices(), room));
    let summary = record::summary(recorder.status());
    let alive = tokio::spawn(service::keep_alive(store.catalog.clone(), summary, ending.clone()));
    service::ready();
    let recorded = record::record(recorder, store, hook, ending).await;
    ending.cancel();
    alive.await.context("the watchdog's task failed")?;
    recorded
}

/// Wakes retention when the recorder finds the disk full; ends with the recorder.
async fn ask_for_room(mut notices: Notices, room: Arc<Notify>) {
    while let Some(notice) = notices.next().await {
        if matches!(notice, Notice::DiskFull { .. }) {
            room.notify_one();
        }
    }
}

#[cfg(not(feature = "process"))]
async fn process_on(_told: (Store, Hook), _looking: Looking, _ending: CancellationToken) {}

#[cfg(feature = "process")]
async fn process_on((store, hook): (Store, Hook), looking: Looking, ending: CancellationToken) {
    use crate::commands::process::backlog;
    use crate::commands::process_report::{Form, Report};
    use processor::{BacklogRun, Patience, WindowRule};

    let run = BacklogRun { patience: Patience::Endless, windows: WindowRule::Keep };
    let report = std::sync::Arc::new(Report::new(Form::Log));
    while looking == Looking::On && !ending.is_cancelled() {
        if let Err(error) = backlog((&store, &hook), run, &report, &ending).await {
            tracing::error!(
                error = format!("{error:#}"),
                "processing stopped, recording goes on; it is tried again"
            );
        }
        ending.run_until_cancelled(tokio::time::sleep(PROCESS_AGAIN_AFTER)).await;
    }
}

#[cfg(not(feature = "archive"))]
async fn archive_on(_store: Store, mut due: mpsc::Receiver<Due>, _ending: CancellationToken) {
    while due.recv().await.is_some() {}
}

/// Sends what the passes found, beside them: an upload takes hours, and the floor cannot wait.
#[cfg(feature = "archive")]
async fn archive_on(store: Store, mut due: mpsc::Receiver<Due>, ending: CancellationToken) {
    while let Some(due) = due.recv().await {
        let (store, ending) = (store.clone(), ending.clone());
        let sent = tokio::task::spawn_blocking(move || {
            let is_ending: retention::archive::Ending = std::sync::Arc::new(move || ending.is_cancelled());
            super::archive_send::send_beside(&store, &due, &is_ending);
        });
        if let Err(error) = sent.await {
            tracing::error!(%error, "archiving failed");
        }
    }
}
