//! `record`: cameras to segment files, until it is told to stop.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use config::{Camera, Loaded};
use recorder::{CameraState, CameraStatus, Recorder, RecorderSetup, StatusBoard};
use tokio_util::sync::CancellationToken;

use crate::args::Global;
use crate::hook::{Hook, Subjects};
use crate::open::{self, Store};
#[cfg(feature = "archive")]
use crate::snapshots_send;
use crate::{pages, runtime, service, signals, snapshots};

/// Between two lines of the log that say how each camera is doing.
const REPORT: Duration = Duration::from_secs(60);

/// By then everything that starting needs has been done.
const SETTLED: Duration = Duration::from_secs(20);

/// Record the cameras of the settings, until Ctrl-C or SIGTERM.
///
/// Each segment is a `.partial` while it grows and gets its name when it is whole. The first signal finishes
/// the open segments and ends with 0.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel record\n  \
    nightreel record --camera gate     only this one")]
pub(crate) struct RecordArgs {
    /// Record only this camera; may be given more than once.
    #[arg(long, value_name = "ID")]
    camera: Vec<String>,
}

pub(crate) fn run(global: &Global, args: &RecordArgs) -> anyhow::Result<ExitCode> {
    pages::keep_few();
    let mut loaded = open::settings(global)?;
    let all = loaded.settings.clone();
    keep_only(&mut loaded, &args.camera)?;
    let cameras = recordable(&loaded)?;
    let store = Store::create(&loaded.settings)?;
    store.note_run()?;
    store.note_cameras(&all)?;
    store.media().finish_intents()?;
    runtime::block_on(async {
        let ending = signals::ending()?;
        let recorder = recorder(&store, cameras)?;
        let board = recorder.status();
        let alive = tokio::spawn(service::keep_alive(store.catalog.clone(), summary(board), ending.clone()));
        service::ready();
        let hook = Hook::start(&all, Subjects { recording: true, events: false });
        let recorded = record(recorder, &store, &hook, &ending).await;
        ending.cancel();
        hook.end().await;
        alive.await.context("the watchdog's task failed")?;
        recorded
    })?;
    Ok(ExitCode::SUCCESS)
}

fn keep_only(loaded: &mut Loaded, wanted: &[String]) -> anyhow::Result<()> {
    let cameras = &mut loaded.settings.cameras;
    if let Some(unknown) = wanted.iter().find(|id| !cameras.iter().any(|c| c.id.as_str() == id.as_str())) {
        anyhow::bail!("`--camera {unknown}`: the settings have no such camera");
    }
    cameras.retain(|camera| wanted.is_empty() || wanted.iter().any(|id| id == camera.id.as_str()));
    Ok(())
}

/// Returns the cameras that have a stream. One whose password is missing must not keep the others from being
/// recorded; only where none is left is it an error.
pub(crate) fn recordable(loaded: &Loaded) -> anyhow::Result<Vec<Camera>> {
    let cameras = loaded.settings.cameras.iter().filter(|camera| camera.source.is_some());
    let (left_out, recordable): (Vec<_>, Vec<_>) =
        cameras.partition(|camera| loaded.missing_secret_of(&camera.id).is_some());
    if recordable.is_empty() {
        loaded.require_camera_secrets()?;
    }
    for camera in left_out {
        let reason = loaded.missing_secret_of(&camera.id).map(|secret| secret.reason.as_str());
        tracing::error!(camera = %camera.id, reason, "not recorded, its password is missing");
    }
    Ok(recordable.into_iter().cloned().collect())
}

/// Takes the cameras; refused where another process records one of them.
pub(crate) fn recorder(store: &Store, cameras: Vec<Camera>) -> anyhow::Result<Recorder> {
    Ok(Recorder::new(RecorderSetup {
        cameras,
        root: store.root.clone(),
        state_dir: store.settings.storage.state_dir.clone(),
        name_timezone: store.settings.storage.name_timezone,
        catalog: store.catalog.clone(),
        clock: store.clock.clone(),
        snapshot_maker: snapshots::maker(&store.settings),
    })?)
}

/// Records until `ending`, sends snapshots where they are to go, logs how it goes, and tells the hook.
pub(crate) async fn record(
    recorder: Recorder,
    store: &Store,
    hook: &Hook,
    ending: &CancellationToken,
) -> anyhow::Result<()> {
    let board = recorder.status();
    tokio::spawn(hook.clone().tell_all(recorder.notices()));
    #[cfg(feature = "archive")]
    let sending = snapshots_send::Sending::start(&store.settings);
    #[cfg(not(feature = "archive"))]
    let _ = store;
    let recording = recorder.run(ending.clone());
    tokio::pin!(recording);
    let mut next = SETTLED;
    let ended = loop {
        tokio::select! {
            ended = &mut recording => break ended,
            () = tokio::time::sleep(next) => {
                if std::mem::replace(&mut next, REPORT) == REPORT {
                    report(&board);
                }
                give_back_pages();
            }
        }
    };
    #[cfg(feature = "archive")]
    if let Some(sending) = sending {
        sending.end().await;
    }
    Ok(ended?)
}

fn give_back_pages() {
    if let Err(error) = pages::give_back() {
        tracing::debug!(%error, "pages of the program stay in memory");
    }
}

fn report(board: &StatusBoard) {
    for status in board.cameras() {
        if status.state != CameraState::Recording {
            continue;
        }
        if status.in_hand.is_none() {
            tracing::info!(camera = %status.camera, "connected, nothing is to be recorded now");
            continue;
        }
        tracing::info!(
            camera = %status.camera, segments = status.segments, frames = status.frames,
            kbit_s = status.bits_per_second / 1000, lost = status.packets_lost,
            reconnects = status.reconnects, "recording"
        );
    }
}

/// Returns what tells a service manager in one line how the cameras are doing.
pub(crate) fn summary(board: StatusBoard) -> impl Fn() -> String {
    move || {
        let cameras = board.cameras();
        let is_recorded =
            |camera: &&CameraStatus| camera.state == CameraState::Recording && camera.in_hand.is_some();
        let recording = cameras.iter().filter(is_recorded).count();
        format!("recording {recording} of {} cameras", cameras.len())
    }
}
