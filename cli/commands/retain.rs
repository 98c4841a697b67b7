//! `retain`: prints the plan and its reasons, and carries it out.

use std::ops::ControlFlow;
use std::process::ExitCode;

#[cfg(feature = "process")]
use catalog::SegmentId;
use catalog::{Hints, Scanner};
use clap::Args;
use retention::{Applied, Guarded, Retainer};

use crate::args::Global;
use crate::commands::retain_alarms::{self, Found};
use crate::commands::retain_plan::{Form, PlanPrinter};
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

    /// Carry it out also where the rules delete more at once than `retention.guard_share`.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,

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
    retainer.check_floor()?;
    let form = match (args.json, args.dry_run) {
        (true, _) => Form::Json,
        (false, true) => Form::All,
        (false, false) => Form::Changes,
    };
    let mut printer = PlanPrinter::new(form);
    let plan = retainer.plan(store.clock.now(), |entry| printer.entry(entry))?;
    let guarded = Guarded::of(&plan.totals, &store.settings.retention);
    printer.finish(&plan.totals, guarded.as_ref())?;
    if args.dry_run {
        #[cfg(feature = "archive")]
        if !args.json {
            super::archive_send::foretell(&store)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let found = Found { totals: &plan.totals, guarded: guarded.filter(|_| !args.yes), floor: None };
    retain_alarms::note(&store, &found)?;
    if let Some(guarded) = found.guarded {
        let pass = retainer.pass(store.clock.now(), |_, _| ControlFlow::Continue(()))?;
        anyhow::bail!(
            "only moves and what the floor needs were carried out ({}): {guarded}",
            done(&pass.applied)
        );
    }
    let applied = retainer.apply(&plan, store.clock.now(), |_, _| ControlFlow::Continue(()))?;
    if !args.json {
        output::line(done(&applied))?;
    }
    let sent = match () {
        #[cfg(feature = "archive")]
        () => super::archive_send::send(&store, &plan.due, !args.json)?,
        #[cfg(not(feature = "archive"))]
        () => true,
    };
    Ok(if applied.failed == 0 && sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn retainer(store: &Store) -> Retainer {
    Retainer::new(store.catalog.clone(), store.root.clone(), store.settings.retention.clone())
}

/// Does what follows processing by itself. A failure is made good by the next pass.
#[cfg(feature = "process")]
pub(crate) fn after_processed(store: &Store, id: SegmentId) {
    if let Err(error) = retainer(store).after_processed(id, store.clock.now()) {
        tracing::error!(segment = %id, error = &error as &dyn std::error::Error, "cannot retain a segment");
    }
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
