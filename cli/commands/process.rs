//! `process`: looks at footage, the root's backlog or files that are named.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use catalog::{Again, Catalog, Clock, SegmentId};
use clap::Args;
use config::Loaded;
use processor::{
    AfterNamed, AgainTally, BacklogRun, NamedFiles, Patience, Processing, Surroundings, WindowRule,
};
use tokio_util::sync::CancellationToken;

use crate::args::Global;
use crate::commands::process_notices::{self, Faults};
use crate::commands::process_report::{Form, Report};
use crate::commands::{decode_worker, events, retain};
use crate::hook::{Hook, Subjects};
use crate::open::{self, Store};
use crate::{output, runtime, service, signals};

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
    nightreel process --again --dry-run        what other settings would look at anew\n  \
    nightreel process --again --from 2026-11-20 --camera gate\n  \
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

    /// Look again at what was looked at with other settings (prompt, model, lens, labels …), then end as with
    /// --once. Earlier results stay in the catalogue; what was paid for is not paid again.
    #[arg(long, conflicts_with = "paths")]
    again: bool,

    /// With --again: only what this camera recorded; may be given more than once.
    #[arg(long, value_name = "ID", requires = "again")]
    camera: Vec<String>,

    /// With --again: only segments that start at this time or later; see `nightreel events --help`.
    #[arg(long, value_name = "TIME", requires = "again")]
    from: Option<String>,

    /// With --again: only segments that start before this time.
    #[arg(long, value_name = "TIME", requires = "again")]
    to: Option<String>,

    /// With --again: only say how much would be looked at again.
    #[arg(long, requires = "again")]
    dry_run: bool,

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
    if args.again && offer_again(&store, args, &ending).await? == Offered::Told {
        return Ok(ExitCode::SUCCESS);
    }
    let patience =
        if args.once || (args.again && !args.watch) { Patience::UntilDrained } else { Patience::Endless };
    let windows = if args.now { WindowRule::Ignore } else { WindowRule::Keep };
    let alive =
        tokio::spawn(service::keep_alive(store.catalog.clone(), || "processing".to_owned(), ending.clone()));
    service::ready();
    let hook = Hook::start(&loaded.settings, Subjects { recording: false, events: true });
    let run = BacklogRun { patience, windows };
    let worked = backlog((&store, &hook), run, report, &ending).await;
    ending.cancel();
    hook.end().await;
    alive.await.context("the watchdog's task failed")?;
    worked?;
    report.end()
}

/// Whether there is anything to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    Told,
    InQueue,
}

/// Says what is to be looked at again, and offers it unless only asked.
async fn offer_again(
    store: &Store,
    args: &ProcessArgs,
    ending: &CancellationToken,
) -> anyhow::Result<Offered> {
    let [from, to] = events::when(store).span(args.from.as_deref(), args.to.as_deref())?;
    let again = Again { from, to, cameras: args.camera.clone() };
    let known = store.catalog.summaries()?;
    if let Some(camera) = again.cameras.iter().find(|id| !known.contains_key(&Some((*id).clone()))) {
        anyhow::bail!("`--camera {camera}`: the catalogue has no footage of it");
    }
    let processing = processing(store, ending)?;
    let plan = processing.plan_again(&again)?;
    if args.dry_run {
        tell_again(&plan, args.json)?;
        return Ok(Offered::Told);
    }
    let root = store.root.clone();
    let offer = move || processing.offer_again(&root, &again);
    tokio::task::spawn_blocking(offer).await.context("offering failed")??;
    for (camera, AgainTally { segments, known }) in plan {
        tracing::info!(camera, segments, known, "offered again");
    }
    Ok(Offered::InQueue)
}

fn tell_again(plan: &BTreeMap<String, AgainTally>, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&serde_json::json!({ "again": plan }));
    }
    let row = |(camera, tally): (&String, &AgainTally)| {
        vec![camera.clone(), tally.segments.to_string(), tally.known.to_string()]
    };
    output::table(&["CAMERA", "TO LOOK AT", "KNOWN"], &plan.iter().map(row).collect::<Vec<_>>())
}

/// Works on the backlog until `run` says that it is over, or `ending` does.
pub(crate) async fn backlog(
    (store, hook): (&Store, &Hook),
    run: BacklogRun,
    report: &Arc<Report>,
    ending: &CancellationToken,
) -> anyhow::Result<()> {
    let processing = processing(store, ending)?;
    let done = CancellationToken::new();
    let telling = tokio::spawn(process_notices::tell_found(store.clone(), hook.clone(), done.clone()));
    let (store, report, faults) = (store.clone(), Arc::clone(report), Faults::new(hook.clone()));
    let work = move || {
        let after = |id: SegmentId| retain::after_processed(&store, id);
        let hear = |event: &processor::Event<'_>| {
            report.hear(event);
            faults.hear(event);
        };
        processing.run_backlog(&store.root, run, &after, &hear)
    };
    let worked = tokio::task::spawn_blocking(work).await.context("processing failed");
    done.cancel();
    telling.await.context("telling of events failed")?;
    Ok(worked??)
}

pub(crate) fn processing(store: &Store, ending: &CancellationToken) -> anyhow::Result<Processing> {
    let decoder = &decode_worker::program();
    let around = Surroundings { catalog: &store.catalog, clock: &store.clock, decoder, ending };
    Ok(Processing::new(&store.settings, around)?)
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
    let (clock, decoder) = (&Clock::system(), &decode_worker::program());
    let around = Surroundings { catalog: &catalog, clock, decoder, ending: &ending };
    let processing = Processing::new(&settings, around)?;
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
