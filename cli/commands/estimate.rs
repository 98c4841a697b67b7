//! `estimate`: what the cameras bring per day and month, and when the disk is full.

use std::process::ExitCode;

use catalog::{Day, Estimate, days_until_full, estimate};
use clap::Args;
use config::{Camera, Recording};
use serde::Serialize;

use crate::args::Global;
use crate::commands::estimate_archive::ArchiveEstimate;
use crate::commands::estimate_held::{self, HeldLine};
use crate::commands::estimate_vision::VisionEstimate;
use crate::open::{self, Store};
use crate::output;

/// Estimate how much the cameras bring per day and month, in how many days the disk is full, what the backlog
/// will ask of the vision model, and what the archive costs.
///
/// The bitrate is what the running recorder measures; where none runs, that of the last seven days.
/// What the model will be asked, and how long it takes, is told by the latest results; without any, it is the most
/// that it may be.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel estimate\n  \
    nightreel estimate --json | jq .disk.days_until_full")]
pub(crate) struct EstimateArgs {
    /// Print one object; see docs/results.md.
    #[arg(long)]
    json: bool,
}

/// The object of `estimate --json`.
#[derive(Serialize)]
struct Estimates {
    cameras: Vec<CameraLine>,
    bytes_per_day: u64,
    bytes_per_month: u64,
    disk: DiskLine,
    /// Absent without `[vision]`.
    vision: Option<VisionEstimate>,
    /// Absent where nothing is archived.
    archive: Option<ArchiveEstimate>,
    /// What the archive holds already.
    archived: Vec<HeldLine>,
}

#[derive(Serialize)]
struct CameraLine {
    id: String,
    /// Absent where nothing was recorded lately.
    #[serde(flatten)]
    estimate: Option<Estimate>,
}

#[derive(Serialize)]
struct DiskLine {
    free_bytes: u64,
    /// With nothing deleted meanwhile; absent where nothing is recorded.
    days_until_full: Option<f64>,
    /// Until `retention.min_free_gb` is reached and footage is deleted for new one.
    days_until_floor: Option<f64>,
}

pub(crate) fn run(global: &Global, args: &EstimateArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let estimates = Estimates::of_all(&store)?;
    if args.json { output::json(&estimates) } else { estimates.print() }?;
    Ok(ExitCode::SUCCESS)
}

fn line(store: &Store, camera: &Camera) -> anyhow::Result<CameraLine> {
    let now = store.clock.now();
    let rate = store.catalog.rate(&camera.id, now)?;
    let open = match &camera.recording {
        Recording::During(windows) => Day::at(now, windows.zone()).open_for(windows),
        Recording::Off => std::time::Duration::ZERO,
    };
    Ok(CameraLine { id: camera.id.to_string(), estimate: rate.map(|rate| estimate(rate, open)) })
}

/// Returns what `estimate --json` prints.
#[cfg(feature = "dashboard")]
pub(super) fn figure(store: &Store) -> anyhow::Result<serde_json::Value> {
    Ok(serde_json::to_value(Estimates::of_all(store)?)?)
}

impl Estimates {
    fn of_all(store: &Store) -> anyhow::Result<Self> {
        let cameras = store.settings.cameras.iter().filter(|camera| camera.recording != Recording::Off);
        let cameras = cameras.map(|camera| line(store, camera)).collect::<anyhow::Result<Vec<_>>>()?;
        Self::of(store, cameras)
    }

    fn of(store: &Store, cameras: Vec<CameraLine>) -> anyhow::Result<Self> {
        let sum = |of: fn(&Estimate) -> u64| cameras.iter().filter_map(|c| c.estimate.as_ref()).map(of).sum();
        let (bytes_per_day, bytes_per_month) = (sum(|e| e.bytes_per_day), sum(|e| e.bytes_per_month));
        let free = retention::measure(store.root.path())?.free;
        let floor = store.settings.retention.min_free;
        let disk = DiskLine {
            free_bytes: free,
            days_until_full: days_until_full(free, bytes_per_day),
            days_until_floor: floor
                .and_then(|floor| days_until_full(free.saturating_sub(floor), bytes_per_day)),
        };
        let vision =
            store.settings.vision.as_ref().map(|vision| VisionEstimate::of(store, vision)).transpose()?;
        let months: Vec<_> = cameras
            .iter()
            .filter_map(|c| Some((c.id.as_str(), c.estimate.as_ref()?.bytes_per_month)))
            .collect();
        let archive = ArchiveEstimate::of(&store.settings, &months);
        let archived = estimate_held::held(store)?;
        Ok(Self { cameras, bytes_per_day, bytes_per_month, disk, vision, archive, archived })
    }

    fn print(&self) -> anyhow::Result<()> {
        let rows: Vec<_> = self.cameras.iter().map(CameraLine::row).collect();
        output::table(&["CAMERA", "PER DAY", "PER 30 DAYS", "FROM"], &rows)?;
        output::line("")?;
        let sum = |bytes| output::size(bytes);
        output::line(format!(
            "all       {} per day, {} per 30 days",
            sum(self.bytes_per_day),
            sum(self.bytes_per_month)
        ))?;
        let until = |days: Option<f64>| days.map_or("never".to_owned(), |days| format!("in {days:.1} days"));
        let mut text = format!(
            "disk      {} free, full {}",
            sum(self.disk.free_bytes),
            until(self.disk.days_until_full)
        );
        if self.disk.days_until_floor.is_some() {
            text.push_str(&format!(", at the floor {}", until(self.disk.days_until_floor)));
        }
        output::line(text)?;
        self.vision.iter().flat_map(VisionEstimate::lines).try_for_each(output::line)?;
        self.archive.iter().flat_map(ArchiveEstimate::lines).try_for_each(output::line)?;
        estimate_held::line(&self.archived).map_or(Ok(()), output::line)
    }
}

impl CameraLine {
    fn row(&self) -> Vec<String> {
        let size =
            |of: fn(&Estimate) -> u64| self.estimate.as_ref().map_or("-".to_owned(), |e| output::size(of(e)));
        let basis = match self.estimate.map(|estimate| estimate.basis) {
            Some(catalog::Basis::Measured) => "the stream",
            Some(catalog::Basis::Footage) => "the last 7 days",
            None => "nothing recorded lately",
        };
        vec![self.id.clone(), size(|e| e.bytes_per_day), size(|e| e.bytes_per_month), basis.to_owned()]
    }
}
