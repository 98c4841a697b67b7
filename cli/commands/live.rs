//! `live`: a running stream looked at as it comes, a line for each sampled frame.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use config::{Camera, Lens, Loaded, Settings, Source};
use processor::{Live, LiveFault, LiveSetup, LiveTally};
use recorder::{ConnectFault, reconnect_delay};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::live_lines::Lines;
use super::{decode_worker, view};
use crate::args::Global;
use crate::hook::{Hook, Subjects};
use crate::{open, runtime, signals};

/// Look at a running stream as it comes, until Ctrl-C or SIGTERM.
///
/// Each sampled frame goes the way of a segment's: masks, gate, views, detection. The vision model is never asked, so
/// that it costs nothing, and nothing is stored. A line says of each frame when it came, what the gate decided, what
/// is seen, how far behind that is, and how many frames were dropped: what cannot be looked at in time is left out,
/// so that the lines are never long behind. On a terminal the lines are for people, else JSON.
///
/// When something begins to be seen, the `[hook]` is told: `object_seen`, once for an event (`events.gap_seconds`).
/// A camera that goes away is connected to again. This is a connection of its own, beside that of a recorder.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel live gate\n  \
    nightreel live gate --every 10 --json | jq .views\n  \
    nightreel live rtsp://192.168.1.20:554/stream")]
pub(crate) struct LiveArgs {
    /// A camera of the settings by its id, or an address such as rtsp://192.168.1.20:554/stream. A password in an
    /// address can be read by everyone on this machine: name a camera instead.
    #[arg(value_name = "CAMERA|URL")]
    stream: String,

    /// Look at each Nth frame, instead of `process.every_nth_frame`.
    #[arg(long, value_name = "N")]
    every: Option<NonZeroU32>,

    /// Print JSON, also on a terminal.
    #[arg(long)]
    json: bool,
}

/// What is watched, and by which settings.
struct Subject {
    settings: Settings,
    camera: Option<Camera>,
    source: Source,
}

pub(crate) fn run(global: &Global, args: &LiveArgs) -> anyhow::Result<ExitCode> {
    let Subject { settings, camera, source } = subject(global, &args.stream)?;
    let live = Live::new(LiveSetup {
        settings: &settings,
        camera: camera.as_ref(),
        source: &source,
        every: args.every.unwrap_or(settings.process.every_nth_frame),
        decoder: &decode_worker::program(),
    })?;
    let tally = runtime::block_on(watch(live, &settings, args.json))?;
    summarise(&tally);
    Ok(ExitCode::SUCCESS)
}

fn subject(global: &Global, stream: &str) -> anyhow::Result<Subject> {
    if stream.contains("://") {
        let source = Source::parse(stream)?;
        if source.password.is_some() {
            tracing::warn!(
                "everyone on this machine can read a password on the command line; name a camera of the settings"
            );
        }
        let settings = open::settings_or_defaults(global)?.settings;
        return Ok(Subject { settings, camera: None, source });
    }
    let loaded = open::settings(global)?;
    let mut camera = view::camera(&loaded.settings, stream)?.clone();
    let source = source(&loaded, &camera)?;
    if camera.lens.as_ref().is_some_and(|lens| lens.placement.is_none()) {
        let remembered = view::remembered(&loaded.settings, &camera)?;
        camera.lens = camera.lens.map(|lens| Lens { placement: remembered, ..lens });
    }
    Ok(Subject { settings: loaded.settings, camera: Some(camera), source })
}

fn source(loaded: &Loaded, camera: &Camera) -> anyhow::Result<Source> {
    if let Some(missing) = loaded.missing_secret_of(&camera.id) {
        anyhow::bail!("the password of camera `{}` is missing: {}", camera.id, missing.reason);
    }
    let source = camera.source.clone().with_context(|| {
        format!(
            "camera `{}` has no `url`: another recorder records it, and there is nothing to watch",
            camera.id
        )
    })?;
    anyhow::ensure!(
        source.local_path().is_none(),
        "camera `{}` is a file or device of this machine; `live` watches streams of the network",
        camera.id
    );
    Ok(source)
}

async fn watch(live: Live, settings: &Settings, json: bool) -> anyhow::Result<LiveTally> {
    let ending = signals::ending()?;
    let hook = Hook::start(settings, Subjects::default());
    let lines = Lines::new(json, ending.clone(), hook.clone());
    let watching = spawn_blocking(move || watch_on_this_thread(live, &ending, lines));
    let tally = watching.await.context("the watch failed; this is a fault of nightreel")??;
    hook.end().await;
    Ok(tally)
}

fn watch_on_this_thread(
    live: Live,
    ending: &CancellationToken,
    mut lines: Lines,
) -> anyhow::Result<LiveTally> {
    let mut failed = None;
    let tally = live.watch(ending, &reconnect, &mut |sample| {
        if let Err(error) = lines.tell(sample) {
            ending.cancel();
            failed = Some(error);
        }
    })?;
    failed.map_or(Ok(tally), Err)
}

fn reconnect(fault: LiveFault, attempt: u32, down_for: Duration) -> Duration {
    let fault = match fault {
        LiveFault::Passing => ConnectFault::Passing,
        LiveFault::Lasting => ConnectFault::Lasting,
    };
    reconnect_delay(fault, attempt, down_for)
}

fn summarise(tally: &LiveTally) {
    let LiveTally { samples, looked_at, dropped, events, reconnects, longest_lag_ms } = *tally;
    tracing::info!(samples, looked_at, dropped, events, reconnects, longest_lag_ms, "the watch is over");
}
