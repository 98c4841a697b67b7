//! `hold`: footage that no rule may touch.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use catalog::{Hold, OnHold, Segment, Span};
use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use crate::args::Global;
use crate::commands::events::when;
use crate::commands::status::time;
use crate::open::{self, Store};
use crate::output;

/// Keep footage from being moved or deleted by any rule, also for want of room.
///
/// Without anything named all holds are listed. A camera's footage is held between two times, whether it is recorded
/// already or not.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel hold gate/processed/segment_20261122_220000.mp4 --reason 'police'\n  \
    nightreel hold --camera gate --from 'yesterday 22:00' --to 'yesterday 23:00' --until 2027-06-30\n  \
    nightreel hold --camera gate --from 'yesterday 22:00' --to 'yesterday 23:00' --off\n  \
    nightreel hold                     lists them")]
pub(crate) struct HoldArgs {
    /// Hold this file of the media folder; by its path there, or in full.
    #[arg(value_name = "FILE", conflicts_with_all = ["camera", "from", "to"])]
    file: Option<PathBuf>,

    /// Hold footage of this camera.
    #[arg(long, value_name = "ID", requires_all = ["from", "to"])]
    camera: Option<String>,

    /// From then: 2026-11-22, 2026-11-22T22:00, today, "yesterday 22:00", 22:00, or 2h ago as 2h.
    #[arg(long, value_name = "TIME", requires = "camera")]
    from: Option<String>,

    /// Until then; a day counts to its end.
    #[arg(long, value_name = "TIME", requires = "camera")]
    to: Option<String>,

    /// Take the hold back.
    #[arg(long, conflicts_with_all = ["until", "reason"])]
    off: bool,

    /// When the hold ends by itself; a day counts to its end.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    /// Why, for those who wonder.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// List the holds, an object per line.
    #[arg(long, conflicts_with_all = ["file", "camera"])]
    json: bool,
}

/// An object of `hold --json`.
#[derive(Serialize)]
struct Line {
    file: Option<PathBuf>,
    camera: Option<String>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    #[serde(flatten)]
    hold: Hold,
}

pub(crate) fn run(global: &Global, args: &HoldArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    match (wanted(&store, args)?, args.off) {
        (None, _) => list(&store, args.json)?,
        (Some(what), true) => output::line(match store.catalog.release_hold(&what)? {
            0 => "nothing of it was on hold",
            _ => "it is no longer on hold",
        })?,
        (Some(what), false) => {
            let until = until(&store, args.until.as_deref())?;
            let hold = Hold { since: store.clock.now(), until, reason: args.reason.clone() };
            store.catalog.hold(&what, &hold)?;
            output::line(match until {
                Some(until) => format!("on hold until {} UTC", time(until)),
                None => "on hold until `nightreel hold --off`".to_owned(),
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted(store: &Store, args: &HoldArgs) -> anyhow::Result<Option<OnHold>> {
    if let Some(file) = &args.file {
        return Ok(Some(OnHold::Segment(segment_named(store, file)?.id)));
    }
    let [from, to] = when(store).span(args.from.as_deref(), args.to.as_deref())?;
    let (Some(camera), Some(from), Some(to)) = (&args.camera, from, to) else {
        let says_more = args.off || args.until.is_some() || args.reason.is_some();
        anyhow::ensure!(!says_more, "name a file, or a camera with `--from` and `--to`");
        return Ok(None);
    };
    anyhow::ensure!(from < to, "`--from` must be before `--to`");
    let known = store.settings.cameras.iter().any(|known| known.id.as_str() == camera);
    let known = known || store.catalog.summaries()?.contains_key(&Some(camera.clone()));
    anyhow::ensure!(known, "`--camera {camera}`: neither settings nor catalogue know such a camera");
    Ok(Some(OnHold::Footage { camera: camera.clone(), span: Span { from, to } }))
}

fn until(store: &Store, text: Option<&str>) -> anyhow::Result<Option<DateTime<Utc>>> {
    let [_, until] = when(store).span(None, text)?;
    anyhow::ensure!(until.is_none_or(|until| until > store.clock.now()), "`--until` is over already");
    Ok(until)
}

/// Finds the segment of a file that a person names.
pub(super) fn segment_named(store: &Store, file: &Path) -> anyhow::Result<Segment> {
    let root = store.root.path();
    let in_full = std::path::absolute(file).ok();
    let under_root = file.strip_prefix(root).ok().or_else(|| in_full.as_deref()?.strip_prefix(root).ok());
    let places = [Some(file), under_root];
    for place in places.into_iter().flatten().filter(|place| place.is_relative()) {
        if let Some(segment) = store.catalog.segment_meant(place)? {
            return Ok(segment);
        }
    }
    let file = file.display();
    Err(anyhow::anyhow!("the catalogue knows no `{file}`")).with_context(|| {
        format!("name it by its path under `{}`, such as `gate/segment_….mp4`", root.display())
    })
}

fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for (what, hold) in store.catalog.all_holds()? {
        lines.push(match what {
            OnHold::Segment(id) => {
                let file = Some(store.catalog.segment(id)?.path);
                Line { file, camera: None, from: None, to: None, hold }
            }
            OnHold::Footage { camera, span } => {
                let (from, to) = (Some(span.from), Some(span.to));
                Line { file: None, camera: Some(camera), from, to, hold }
            }
        });
    }
    if json {
        return lines.iter().try_for_each(output::json);
    }
    let rows: Vec<_> = lines.iter().map(Line::row).collect();
    output::table(&["WHAT", "FROM (UTC)", "TO (UTC)", "HELD SINCE (UTC)", "UNTIL (UTC)", "BECAUSE"], &rows)
}

impl Line {
    fn row(&self) -> Vec<String> {
        let at = |at: Option<DateTime<Utc>>| at.map_or_else(|| "-".to_owned(), time);
        let file = self.file.as_ref().map(|file| file.display().to_string());
        vec![
            file.or_else(|| self.camera.clone()).unwrap_or_default(),
            at(self.from),
            at(self.to),
            time(self.hold.since),
            at(self.hold.until),
            self.hold.reason.clone().unwrap_or_default(),
        ]
    }
}
