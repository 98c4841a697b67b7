//! `why`: the whole story of a file, and what retention will do with it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use catalog::{Archival, Segment, Story, StoryCall, StoryGap, StoryResults, StoryWork};
use chrono::{DateTime, Utc};
use clap::Args;
use retention::{Future, Verdict};
use serde::Serialize;

use crate::args::Global;
use crate::commands::events::when;
use crate::commands::hold::segment_named;
use crate::commands::retain::retainer;
use crate::commands::status::time;
use crate::open::{self, Store};
use crate::output;

/// Tell the whole story of a file: recorded, looked at, asked about, kept or deleted, and why.
///
/// The file may be gone, or lie elsewhere by now. Says also what the next run of retention will do with it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel why gate/segment_20261122_220000.mp4\n  \
    nightreel why --camera gate --at 'yesterday 03:00'\n  \
    nightreel why gate/segment_20261122_220000.mp4 --json | jq .next")]
pub(crate) struct WhyArgs {
    /// By its path in the media folder, or in full.
    #[arg(value_name = "FILE", required_unless_present = "camera", conflicts_with = "camera")]
    file: Option<PathBuf>,

    /// What became of this camera's footage of a time.
    #[arg(long, value_name = "ID", requires = "at")]
    camera: Option<String>,

    /// 2026-11-22T03:00, "yesterday 03:00", 03:00, or 2h ago as 2h.
    #[arg(long, value_name = "TIME", requires = "camera")]
    at: Option<String>,

    /// Print one object; see docs/results.md.
    #[arg(long)]
    json: bool,
}

/// The object of `why --json`.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    story: Story,
    /// Absent where its file is gone.
    next: Option<Next>,
}

/// What the next run of retention will do.
#[derive(Serialize)]
struct Next {
    verdict: Verdict,
    reasons: Vec<String>,
    /// When age deletes it, once it is processed, if nothing else is quicker.
    deleted_by_age_at: Option<DateTime<Utc>>,
}

impl Next {
    fn of(future: Future) -> Self {
        let Future { entry, deleted_by_age_at } = future;
        let reasons = entry.reasons.iter().map(ToString::to_string).collect();
        Self { verdict: entry.verdict, reasons, deleted_by_age_at }
    }
}

pub(crate) fn run(global: &Global, args: &WhyArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let now = store.clock.now();
    let segment = wanted(&store, args)?;
    let next = retainer(&store).future(segment.id, now)?.map(Next::of);
    let told = Told { story: store.catalog.story(&segment, now)?, next };
    if args.json { output::json(&told) } else { print(&told, &store) }?;
    Ok(ExitCode::SUCCESS)
}

fn wanted(store: &Store, args: &WhyArgs) -> anyhow::Result<Segment> {
    if let Some(file) = &args.file {
        return segment_named(store, file);
    }
    let [at, _] = when(store).span(args.at.as_deref(), None)?;
    let (camera, at) = args.camera.as_deref().zip(at).context("name a file, or a camera with `--at`")?;
    store.catalog.segment_of_time(camera, at)?.with_context(|| {
        format!("`{camera}` has no footage of {} UTC; `nightreel coverage` tells of gaps", time(at))
    })
}

fn print(told: &Told, store: &Store) -> anyhow::Result<()> {
    let Told { story, next } = told;
    output::line(store.root.path().join(&story.file).display().to_string())?;
    let mut lines = vec![("recorded", recorded(story))];
    lines.extend(story.gaps.iter().map(|gap| ("gap", gap_text(gap))));
    lines.push(("known", format!("since {} UTC", time(story.added))));
    lines.extend(story.work.iter().map(|work| ("work", work_text(work))));
    lines.extend(story.results.iter().map(|results| ("looked at", results_text(results))));
    lines.extend(story.calls.iter().map(|call| ("asked", call_text(call))));
    lines.extend(asked_in_all(&story.calls).map(|text| ("cost", text)));
    lines.extend(story.moved.map(|at| ("moved", format!("{} UTC", time(at)))));
    lines.extend(story.archived.iter().map(|archival| ("archived", archival_text(archival))));
    lines.extend(story.restored.map(|at| ("restored", format!("{} UTC", time(at)))));
    lines.push(("now", state_text(story)));
    if let Some(hold) = &story.hold {
        let until = hold.until.map_or_else(String::new, |until| format!(" until {} UTC", time(until)));
        let because = hold.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        lines.push(("on hold", format!("since {} UTC{until}{because}", time(hold.since))));
    }
    if let Some(deletion) = &story.deletion {
        lines.push(("deleted", format!("{} UTC: {}", time(deletion.at), deletion.why)));
    }
    lines.extend(next.iter().map(|next| ("next", format!("{}: {}", next.verdict, next.reasons.join("; ")))));
    let later = next.iter().filter(|next| next.verdict != Verdict::Delete);
    let at = later.filter_map(|next| next.deleted_by_age_at);
    lines.extend(at.map(|at| ("later", format!("{} UTC: age deletes it, if it is processed", time(at)))));
    lines.iter().try_for_each(|(what, text)| output::line(format!("{what:<10}{text}")))
}

fn recorded(story: &Story) -> String {
    let length = story.duration_s.map_or_else(String::new, |s| format!(", {}", output::time_span(s)));
    let camera = story.camera.as_deref().unwrap_or("no camera");
    let (start, source) = (time(story.start), &story.start_source);
    format!("{start} UTC (by its {source}){length}, {}, by {camera}", output::size(story.bytes))
}

fn gap_text(gap: &StoryGap) -> String {
    let to = gap.to.map_or_else(|| "now".to_owned(), |to| format!("{} UTC", time(to)));
    format!("{} UTC to {to}: {}", time(gap.from), gap.cause)
}

fn work_text(work: &StoryWork) -> String {
    let because = work.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{}, attempts {}{because}", work.state, work.attempts)
}

fn results_text(results: &StoryResults) -> String {
    let label = |seen: &catalog::StoryLabel| format!("{} ({:.2})", seen.label, seen.best_score);
    let labels: Vec<_> = results.labels.iter().map(label).collect();
    let seen = if labels.is_empty() { "nothing".to_owned() } else { labels.join(", ") };
    format!("{} UTC, {} frames, showing {seen}", time(results.finished), results.frames)
}

fn call_text(call: &StoryCall) -> String {
    let cost = call.cost_usd.map_or_else(|| "cost unknown".to_owned(), |usd| format!("${usd:.6}"));
    format!("{} UTC, {}, {}, {cost}", time(call.begun), call.model, call.status)
}

fn archival_text(archival: &Archival) -> String {
    let class = archival.class.as_ref().map_or_else(String::new, |class| format!(", {class}"));
    format!("{} UTC, in {} of {}{class}", time(archival.at), archival.bundle, archival.store)
}

fn asked_in_all(calls: &[StoryCall]) -> Option<String> {
    let known: f64 = calls.iter().filter_map(|call| call.cost_usd).sum();
    (calls.len() > 1).then(|| format!("${known:.6} in {} requests", calls.len()))
}

fn state_text(story: &Story) -> String {
    match &story.reason {
        Some(reason) => format!("{}: {reason}", story.state),
        None => story.state.to_string(),
    }
}
