//! `process`: looks at footage, the root's backlog or files that are named.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use catalog::{Catalog, Clock, SegmentId};
use clap::Args;
use config::Loaded;
use processor::{AfterNamed, BacklogRun, NamedFiles, Patience, Processing, Surroundings, WindowRule};
use tokio_util::sync::CancellationToken;

use crate::args::Global;
use crate::commands::process_report::{Form, Report};
use crate::commands::{decode_worker, retain};
use crate::open::{self, Store};
use crate::{runtime, service, signals};

/// Look at footage: sample, dewarp, detect, ask.
///
/// Without PATH it works on the backlog of the root: it stays, waits for the windows, and takes new segments
/// as they come. With PATHs it looks at these files and folders now, needs no settings, leaves the originals
/// where they are, and skips what is done.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel process                          stay, and work in the windows\n  \
    nightreel process --once                   drain the backlog, then end\n  \
    nightreel process --once --now             also outside the windows\n  \
    nightreel process ~/old-footage --out ~/results\n  \
    nightreel process clip.mp4 --every 10 --json")]
pub(crate) struct ProcessArgs {
    /// Files or folders to look at instead of the backlog.
    paths: Vec<PathBuf>,

    /// Stay and wait for windows and new footage (the default).
    #[arg(long, conflicts_with_all = ["once", "paths"])]
    watch: bool,

    /// End when the backlog is drained or the window closes.
    #[arg(long, conflicts_with = "paths")]
    once: bool,

    /// Do not wait for a window.
    #[arg(long, conflicts_with = "paths")]
    now: bool,

    /// Write the results of PATHs under DIR instead of beside the files.
    #[arg(long, value_name = "DIR", requires = "paths")]
    out: Option<PathBuf>,

    /// Move each of PATHs into a folder `processed` beside it when it is done.
    #[arg(long = "move", requires = "paths")]
    move_done: bool,

    /// Look at every Nth frame instead of `process.every_nth_frame`.
    #[arg(long, value_name = "N", requires = "paths")]
    every: Option<std::num::NonZeroU32>,

    /// End with one line of sums as JSON; see docs/results.md.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(global: &Global, args: &ProcessArgs) -> anyhow::Result<ExitCode> {
    let form = if args.json { Form::Json } else { Form::Text };
    runtime::block_on(async {
        let ending = signals::ending()?;
        match args.paths.is_empty() {
            true => run_backlog(global, args, &Arc::new(Report::new(form)), ending).await,
            false => run_named(global, args, &Arc::new(Report::new(form)), ending).await,
        }
    })
}

async fn run_backlog(
    global: &Global,
    args: &ProcessArgs,
    report: &Arc<Report>,
    ending: CancellationToken,
) -> anyhow::Result<ExitCode> {
    let loaded = open::settings(global)?;
    loaded.require_vision_secret()?;
    let store = Store::create(&loaded.settings)?;
    store.note_run()?;
    let patience = if args.once { Patience::UntilDrained } else { Patience::Endless };
    let windows = if args.now { WindowRule::Ignore } else { WindowRule::Keep };
    let alive =
        tokio::spawn(service::keep_alive(store.catalog.clone(), || "processing".to_owned(), ending.clone()));
    service::ready();
    let worked = backlog(&store, BacklogRun { patience, windows }, report, &ending).await;
    ending.cancel();
    alive.await.context("the watchdog's task failed")?;
    worked?;
    report.end()
}

/// Works on the backlog until `run` says that it is over, or `ending` does.
pub(crate) async fn backlog(
    store: &Store,
    run: BacklogRun,
    report: &Arc<Report>,
    ending: &CancellationToken,
) -> anyhow::Result<()> {
    let processing = Processing::new(
        &store.settings,
        Surroundings {
            catalog: &store.catalog,
            clock: &store.clock,
            decoder: &decode_worker::program(),
            ending,
        },
    )?;
    let (store, report) = (store.clone(), Arc::clone(report));
    let work = move || {
        let after = |id: SegmentId| retain::after_processed(&store, id);
        processing.run_backlog(&store.root, run, &after, &|event| report.hear(event))
    };
    Ok(tokio::task::spawn_blocking(work).await.context("processing failed")??)
}

async fn run_named(
    global: &Global,
    args: &ProcessArgs,
    report: &Arc<Report>,
    ending: CancellationToken,
) -> anyhow::Result<ExitCode> {
    let Loaded { mut settings, .. } = {
        let loaded = open::settings_or_defaults(global)?;
        loaded.require_vision_secret()?;
        loaded
    };
    settings.process.every_nth_frame = args.every.unwrap_or(settings.process.every_nth_frame);
    let catalog = Catalog::open(&open::personal_state_dir()?)?;
    let processing = Processing::new(
        &settings,
        Surroundings {
            catalog: &catalog,
            clock: &Clock::system(),
            decoder: &decode_worker::program(),
            ending: &ending,
        },
    )?;
    let after = if args.move_done { AfterNamed::Move } else { AfterNamed::Leave };
    let out = args.out.as_deref().map(std::path::absolute).transpose().context("cannot resolve `--out`")?;
    let files = NamedFiles::find(&args.paths, out.as_deref(), after);
    if files.is_empty() {
        tracing::warn!("no footage was found in what was named");
    }
    let heard = Arc::clone(report);
    let work = move || processing.run_named(&files, &|event| heard.hear(event));
    tokio::task::spawn_blocking(work).await.context("processing failed")??;
    if ending.is_cancelled() {
        tracing::warn!("stopped before the end; the same command goes on from here");
        report.end()?;
        return Ok(ExitCode::FAILURE);
    }
    report.fail_waiting();
    report.end()
}
