//! `retain`: prints the plan and its reasons, and carries it out.

use std::ops::ControlFlow;
use std::process::ExitCode;

#[cfg(feature = "process")]
use catalog::SegmentId;
use catalog::{Hints, Scanner};
use clap::Args;
use retention::{Applied, Due, Entry, Plan, Retainer, Totals, Verdict};

use crate::args::Global;
use crate::open::{self, Store};
use crate::output;

/// Move, archive or delete footage by the rules of the settings.
///
/// With --dry-run the plan is printed, with the reasons for every segment, and nothing is touched. The same
/// plan is then carried out without it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel retain --dry-run\n  \
    nightreel retain\n  \
    nightreel retain --dry-run --json | jq '.plan[] | select(.verdict == \"delete\")'\n  \
    nightreel retain --confirm-clock   the time is right, although it jumped")]
pub(crate) struct RetainArgs {
    /// Print the plan, and touch nothing.
    #[arg(long)]
    dry_run: bool,

    /// Print the plan as one object; see docs/results.md.
    #[arg(long)]
    json: bool,

    /// Say that the clock is right, so that rules by age hold again. Does nothing else.
    #[arg(long, exclusive = true)]
    confirm_clock: bool,
}

pub(crate) fn run(global: &Global, args: &RetainArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    if args.confirm_clock {
        store.catalog.confirm_clock()?;
        output::line(format!("the clock is taken to be right: {}", store.clock.now().format("%F %T UTC")))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !args.dry_run {
        store.media().finish_intents()?;
    }
    // What another recorder brought counts for the floor as well.
    let found = Scanner::new(store.catalog.clone(), store.root.clone(), &store.settings)
        .scan(&Hints::default(), store.clock.now())?;
    tracing::debug!(added = found.added, missing = found.missing, "scanned");
    let retainer = retainer(&store);
    let plan = retainer.plan(store.clock.now())?;
    match args.json {
        true => output::json(&plan)?,
        false => print(&plan, args.dry_run)?,
    }
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let applied = retainer.apply(&plan, store.clock.now(), |_, _| ControlFlow::Continue(()))?;
    if !args.json {
        output::line(done(&applied))?;
    }
    let sent = match () {
        #[cfg(feature = "archive")]
        () => super::archive_send::send(&store, &Due::of(&plan), !args.json)?,
        #[cfg(not(feature = "archive"))]
        () => true,
    };
    Ok(if applied.failed == 0 && sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn retainer(store: &Store) -> Retainer {
    Retainer::new(store.catalog.clone(), store.root.clone(), store.settings.retention.clone())
}

/// Does what follows processing by itself. A failure is made good by the next pass.
#[cfg(feature = "process")]
pub(crate) fn after_processed(store: &Store, id: SegmentId) {
    if let Err(error) = retainer(store).after_processed(id, store.clock.now()) {
        tracing::error!(segment = %id, error = &error as &dyn std::error::Error, "cannot retain a segment");
    }
}

/// Makes one pass over everything that is held. Returns what is to be archived.
pub(crate) fn pass(store: &Store) -> anyhow::Result<Due> {
    Ok(retainer(store).pass(store.clock.now(), |_, _| ControlFlow::Continue(()))?.due)
}

/// Tells whether a pass is due at once. A disk that cannot be measured is told of by the pass.
pub(crate) fn floor_is_reached(store: &Store) -> bool {
    retainer(store).is_below_floor().unwrap_or(false)
}

/// Prints what changes; what is kept as it is, only as a sum. A dry run prints everything.
fn print(plan: &Plan, dry_run: bool) -> anyhow::Result<()> {
    let shown: Vec<_> =
        plan.entries.iter().filter(|e| dry_run || e.verdict != Verdict::Keep).map(row).collect();
    if !shown.is_empty() {
        output::table(&["VERDICT", "FILE", "REASONS"], &shown)?;
        output::line("")?;
    }
    output::line(summary(&plan.totals))
}

fn row(entry: &Entry) -> Vec<String> {
    let reasons = entry.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    vec![entry.verdict.to_string(), entry.file.display().to_string(), reasons]
}

fn summary(totals: &Totals) -> String {
    let Totals { keep, move_to_processed, archive, delete, disk, .. } = totals;
    let archive = match archive.segments {
        0 => String::new(),
        segments => format!("archive {segments} ({}), ", output::size(archive.bytes)),
    };
    let after = disk.free.saturating_add(delete.bytes);
    format!(
        "plan: keep {} ({}), move {}, {archive}delete {} ({}); {} free of {}, {} afterwards",
        keep.segments,
        output::size(keep.bytes),
        move_to_processed.segments,
        delete.segments,
        output::size(delete.bytes),
        output::size(disk.free),
        output::size(disk.total),
        output::size(after),
    )
}

fn done(applied: &Applied) -> String {
    let Applied { moved, deleted, left_alone, failed, .. } = applied;
    let mut text = format!(
        "done: moved {}, deleted {} ({} freed)",
        moved.segments,
        deleted.segments,
        output::size(deleted.bytes)
    );
    if *left_alone > 0 {
        text.push_str(&format!(", left alone {left_alone} that changed meanwhile"));
    }
    if *failed > 0 {
        text.push_str(&format!(", failed {failed}; see the log"));
    }
    text
}
