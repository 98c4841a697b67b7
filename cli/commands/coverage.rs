//! `coverage`: how much of each day was recorded and looked at, and why the rest is missing.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use catalog::{Coverage, CoverageRows, Day, coverage};
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use clap::Args;
use config::{CameraId, Recording, Windows};
use serde::Serialize;

use crate::args::Global;
use crate::open::{self, Store};
use crate::output;

/// Show how much of a day of each camera was recorded and processed, and why the rest is missing.
///
/// Expected is the time in which the camera was to be recorded: since it came into the settings, within its
/// windows, up to now. What was deleted since counts as recorded.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel coverage\n  \
    nightreel coverage --day yesterday --camera gate\n  \
    nightreel coverage --day 2026-11-22 --json | jq '.missing'")]
pub(crate) struct CoverageArgs {
    /// Show this day: 2026-11-22, today or yesterday. May be given more than once.
    #[arg(long, value_name = "DAY", default_value = "today")]
    day: Vec<String>,

    /// Show only this camera; may be given more than once.
    #[arg(long, value_name = "ID")]
    camera: Vec<CameraId>,

    /// Begin days at midnight in this time zone, such as Europe/Berlin, instead of `process.timezone`.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<Tz>,

    /// Print one object per camera and day; see docs/results.md.
    #[arg(long)]
    json: bool,
}

/// A line of `coverage --json`.
#[derive(Serialize)]
struct Line {
    camera: String,
    day: NaiveDate,
    timezone: &'static str,
    #[serde(flatten)]
    coverage: Coverage,
}

pub(crate) fn run(global: &Global, args: &CoverageArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let zone = args.timezone.unwrap_or_else(|| store.settings.process.windows.zone());
    let today = store.clock.now().with_timezone(&zone).date_naive();
    let days = args.day.iter().map(|text| parse_day(text, today)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut cameras = cameras(&store)?;
    if let Some(unknown) = args.camera.iter().find(|id| !cameras.contains_key(id.as_str())) {
        anyhow::bail!("`--camera {unknown}`: neither the settings nor the catalogue know it");
    }
    cameras.retain(|id, _| args.camera.is_empty() || args.camera.iter().any(|wanted| wanted.as_str() == id));
    let mut lines = Vec::new();
    for date in days {
        let day = Day::of(date, zone);
        for (id, windows) in &cameras {
            let rows = rows(&store, id, day)?;
            let coverage = coverage(&rows, windows, day.span);
            lines.push(Line { camera: id.clone(), day: date, timezone: zone.name(), coverage });
        }
    }
    match args.json {
        true => lines.iter().try_for_each(output::json)?,
        false => print(&lines)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_day(text: &str, today: NaiveDate) -> anyhow::Result<NaiveDate> {
    match text {
        "today" => Ok(today),
        "yesterday" => today.checked_sub_days(Days::new(1)).context("there is no day before this one"),
        _ => text.parse().with_context(|| {
            format!("`--day {text}` is not a day: write 2026-11-22, `today` or `yesterday`")
        }),
    }
}

fn rows(store: &Store, camera: &str, day: Day) -> anyhow::Result<CoverageRows> {
    Ok(store.catalog.coverage_rows(&camera.parse()?, day.span, store.clock.now())?)
}

/// Lists the cameras of the settings and those that only the catalogue knows, with when they are recorded.
fn cameras(store: &Store) -> anyhow::Result<BTreeMap<String, Windows>> {
    let always = || Windows::always(Tz::UTC);
    let known = store.catalog.recorded_cameras()?;
    let mut cameras: BTreeMap<String, Windows> =
        known.into_iter().map(|id| (id.to_string(), always())).collect();
    for camera in &store.settings.cameras {
        let windows = match &camera.recording {
            Recording::During(windows) => windows.clone(),
            Recording::Off => always(),
        };
        cameras.insert(camera.id.to_string(), windows);
    }
    Ok(cameras)
}

fn print(lines: &[Line]) -> anyhow::Result<()> {
    let head = ["CAMERA", "DAY", "EXPECTED", "RECORDED", "PROCESSED", "ARCHIVED", "MISSING"];
    output::table(&head, &lines.iter().map(Line::row).collect::<Vec<_>>())
}

impl Line {
    fn row(&self) -> Vec<String> {
        let Coverage { expected_s, recorded_s, processed_s, archived_s, .. } = self.coverage;
        vec![
            self.camera.clone(),
            self.day.to_string(),
            output::time_span(expected_s),
            output::time_span(recorded_s),
            output::time_span(processed_s),
            output::time_span(archived_s),
            self.missing(),
        ]
    }

    fn missing(&self) -> String {
        let Coverage { missing, unexplained_s, clock_in_doubt, .. } = &self.coverage;
        let causes = missing.iter().map(|cause| (cause.cause.to_string(), cause.seconds));
        let causes = causes.chain([("unexplained".to_owned(), *unexplained_s)]);
        let mut parts: Vec<String> = causes
            .filter(|(_, seconds)| *seconds >= 0.5)
            .map(|(cause, seconds)| format!("{cause} {}", output::time_span(seconds)))
            .collect();
        if *clock_in_doubt {
            parts.push("clock in doubt".to_owned());
        }
        if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
    }
}
