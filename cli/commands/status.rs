//! `status`: cameras, segments by state, backlog, disk, and what the night holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use catalog::{
    CameraHealth, ClockDoubt, GateTally, Health, HealthState, Pause, Queue, QueueStats, RecorderLife,
    SqliteQueue, Summary, Urgency,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use config::{Recording, WindowState};
use serde::Serialize;

use crate::args::Global;
use crate::commands::status_retention::RetentionLine;
use crate::commands::status_troubles::Troubles;
use crate::commands::status_vision::{VisionLine, backlog_done, pause_line};
use crate::commands::status_window::{WindowLine, urgent};
use crate::open::{self, Store};
use crate::output;

/// A camera whose open file was written to this lately is being recorded: fragments are 2 s long, or one GOP.
const RECORDING: TimeDelta = TimeDelta::seconds(30);

/// How far back the gate's decisions are summed up.
const GATED: TimeDelta = TimeDelta::days(7);

/// Show the cameras, the segments by state, the backlog and the disk.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nightreel status\n  \
    nightreel status --json | jq .backlog")]
pub(crate) struct StatusArgs {
    /// Print one object; see docs/results.md.
    #[arg(long)]
    json: bool,
}

/// The object of `status --json`.
#[derive(Serialize)]
struct Status {
    cameras: Vec<CameraLine>,
    /// All cameras together, by state.
    segments: BTreeMap<String, u64>,
    backlog: u64,
    queue: QueueStats,
    disk: DiskLine,
    window: WindowLine,
    /// Why work is begun although the window is closed; absent where it is not.
    urgent: Option<Urgency>,
    /// As `nightreel pause` said; absent where processing goes on.
    paused: Option<Pause>,
    /// When the backlog is done at the speed of past runs; absent where none tells, or no end is in sight.
    backlog_done: Option<DateTime<Utc>>,
    vision: Option<VisionLine>,
    /// Of all cameras together.
    gate: Option<GateLine>,
    clock_doubt: Option<ClockDoubt>,
    #[serde(flatten)]
    retention: RetentionLine,
    #[serde(flatten)]
    troubles: Troubles,
}

#[derive(Serialize)]
struct CameraLine {
    id: String,
    recording: bool,
    /// Of `record_windows`; absent where there are none.
    record_window: Option<WindowLine>,
    segments: BTreeMap<String, u64>,
    bytes: u64,
    newest: Option<DateTime<Utc>>,
    /// Absent where no recorder of ours ever had the camera.
    health: Option<HealthLine>,
    /// Absent where the gate decided of nothing lately.
    gate: Option<GateLine>,
}

/// What the gate decided in the last seven days.
#[derive(Serialize)]
struct GateLine {
    #[serde(flatten)]
    tally: GateTally,
    /// Share of the quiet frames that showed something; absent where none was audited.
    miss_rate: Option<f64>,
    /// Between which rates the true one lies, 19 times of 20; absent likewise.
    miss_interval: Option<[f64; 2]>,
}

/// What the camera's recorder said last; counts are since it started.
#[derive(Serialize)]
struct HealthLine {
    /// The recorder runs, and this is how things are.
    live: bool,
    state: Doing,
    /// Why it waits.
    reason: Option<String>,
    seen: DateTime<Utc>,
    last_frame: Option<DateTime<Utc>>,
    bits_per_second: u64,
    frames: u64,
    packets_lost: u64,
    reconnects: u64,
}

/// A camera's state, and what becomes of its stream while there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Doing {
    Connecting,
    Recording,
    /// The stream is there, and nothing of it is recorded before the next of `record_windows` opens.
    OutsideWindow,
    /// The stream is there, and is not to be recorded.
    NotRecorded,
    Waiting,
    Stopped,
}

#[derive(Serialize)]
struct DiskLine {
    path: String,
    total_bytes: u64,
    free_bytes: u64,
    /// `retention.min_free_gb`.
    floor_bytes: Option<u64>,
}

pub(crate) fn run(global: &Global, args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let store = Store::existing(&open::settings(global)?.settings)?;
    let status = Status::of(&store)?;
    if args.json { output::json(&status) } else { status.print() }?;
    Ok(ExitCode::SUCCESS)
}

/// Returns what `status --json` prints.
#[cfg(feature = "dashboard")]
pub(super) fn figure(store: &Store) -> anyhow::Result<serde_json::Value> {
    Ok(serde_json::to_value(Status::of(store)?)?)
}

impl Status {
    fn of(store: &Store) -> anyhow::Result<Self> {
        let (settings, now) = (&store.settings, store.clock.now());
        let queue = SqliteQueue::new(store.catalog.clone(), settings.process.max_attempts);
        let (troubles, queue) = (Troubles::of(store, &queue)?, queue.stats(now)?);
        let disk = retention::measure(store.root.path())?;
        let gates = store.catalog.gate_tallies(now - GATED)?;
        let cameras = cameras(store, (&gates, now))?;
        let mut segments = BTreeMap::new();
        for (state, count) in cameras.iter().flat_map(|camera| &camera.segments) {
            *segments.entry(state.clone()).or_default() += count;
        }
        let windows = &settings.process.windows;
        let vision = match &settings.vision {
            Some(vision) => Some(VisionLine::of(store, vision)?),
            None => None,
        };
        Ok(Self {
            cameras,
            segments,
            backlog: queue.backlog(),
            queue,
            disk: DiskLine {
                path: store.root.path().display().to_string(),
                total_bytes: disk.total,
                free_bytes: disk.free,
                floor_bytes: settings.retention.min_free,
            },
            window: WindowLine::at(windows, now),
            urgent: urgent(store, now)?,
            paused: store.catalog.paused()?,
            backlog_done: backlog_done(store)?,
            vision,
            gate: GateLine::of(gates.into_values().sum()),
            clock_doubt: store.catalog.clock_doubt()?,
            retention: RetentionLine::of(store, now)?,
            troubles,
        })
    }

    fn print(&self) -> anyhow::Result<()> {
        let rows: Vec<_> = self.cameras.iter().map(CameraLine::row).collect();
        output::table(&["CAMERA", "NOW", "READY", "PROCESSED", "FAILED", "SIZE", "NEWEST (UTC)"], &rows)?;
        output::line("")?;
        let streams: Vec<_> = self.cameras.iter().filter_map(CameraLine::stream).collect();
        if !streams.is_empty() {
            let head =
                ["CAMERA", "STREAM", "FRAMES", "LOST", "RECONNECTS", "LAST FRAME (UTC)", "WAITS BECAUSE"];
            output::table(&head, &streams)?;
            output::line("")?;
        }
        let QueueStats { queued, delayed, leased, dead, .. } = self.queue;
        output::line(format!(
            "backlog   {} ({queued} queued, {delayed} put off, {leased} in hand), {dead} given up",
            self.backlog
        ))?;
        if let Some(done) = self.backlog_done.filter(|_| self.backlog > 0) {
            output::line(format!("done      {} UTC, at the speed of past runs", time(done)))?;
        }
        output::line(format!("window    {}", self.window.text()))?;
        if let Some(urgency) = self.urgent {
            output::line(format!("urgent    work goes on all the same, because of `{}`", urgency.key()))?;
        }
        self.paused.iter().map(pause_line).try_for_each(output::line)?;
        if let Some(vision) = &self.vision {
            vision.lines().iter().try_for_each(output::line)?;
        }
        if let Some(gate) = &self.gate {
            output::line(format!("gate      {}", gate.text()))?;
        }
        output::line(format!("disk      {}", self.disk.text()))?;
        if let Some(doubt) = self.clock_doubt {
            let (before, now) = (time(doubt.before), time(doubt.now));
            output::line(format!(
                "clock     in doubt: it said {now} after {before}; nothing is deleted by age until \
                 `nightreel retain --confirm-clock`"
            ))?;
        }
        self.retention.print()?;
        self.troubles.print()
    }
}

/// Lists the cameras of the settings, then those only the catalogue knows.
fn cameras(
    store: &Store,
    (gates, now): (&BTreeMap<Option<String>, GateTally>, DateTime<Utc>),
) -> anyhow::Result<Vec<CameraLine>> {
    let mut summaries = store.catalog.summaries()?;
    let mut healths: BTreeMap<String, CameraHealth> = store
        .catalog
        .health()?
        .into_iter()
        .map(|health| (health.health.camera.to_string(), health))
        .collect();
    let mut line = |id: String, summary: Summary, recording: Option<&Recording>| CameraLine {
        recording: is_recording(&store.root.path().join(&id), now),
        record_window: recording.and_then(|recording| record_window(recording, now)),
        health: healths.remove(&id).map(|health| HealthLine::of(health, recording, now)),
        gate: gates.get(&Some(id.clone())).copied().and_then(GateLine::of),
        segments: summary.by_state,
        bytes: summary.bytes,
        newest: summary.newest,
        id,
    };
    let mut lines: Vec<_> = store
        .settings
        .cameras
        .iter()
        .map(|camera| {
            let id = camera.id.to_string();
            let summary = summaries.remove(&Some(id.clone())).unwrap_or_default();
            line(id, summary, Some(&camera.recording))
        })
        .collect();
    lines.extend(summaries.into_iter().filter_map(|(id, summary)| Some(line(id?, summary, None))));
    Ok(lines)
}

fn record_window(recording: &Recording, now: DateTime<Utc>) -> Option<WindowLine> {
    let Recording::During(windows) = recording else { return None };
    Some(WindowLine::at(windows, now)).filter(|window| window.until.is_some())
}

fn is_recording(folder: &Path, now: DateTime<Utc>) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "partial")).any(|entry| {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|at| now - DateTime::<Utc>::from(at) < RECORDING)
    })
}

impl CameraLine {
    fn row(&self) -> Vec<String> {
        let count = |state: &str| self.segments.get(state).copied().unwrap_or(0).to_string();
        vec![
            self.id.clone(),
            self.now(),
            count("ready"),
            count("processed"),
            count("failed"),
            output::size(self.bytes),
            self.newest.map_or("-".to_owned(), time),
        ]
    }

    fn now(&self) -> String {
        match self.health.as_ref().filter(|health| health.live && health.state != Doing::Stopped) {
            Some(health) => health.state.words().to_owned(),
            None if self.recording => "recording".to_owned(),
            None => "-".to_owned(),
        }
    }

    /// Returns what the recorder says of the stream, where it runs.
    fn stream(&self) -> Option<Vec<String>> {
        let health = self.health.as_ref().filter(|health| health.live)?;
        Some(vec![
            self.id.clone(),
            format!("{} kbit/s", health.bits_per_second / 1000),
            health.frames.to_string(),
            health.packets_lost.to_string(),
            health.reconnects.to_string(),
            health.last_frame.map_or("-".to_owned(), time),
            self.waits_because(health).unwrap_or_else(|| "-".to_owned()),
        ])
    }

    fn waits_because(&self, health: &HealthLine) -> Option<String> {
        let opens = self.record_window.and_then(|window| window.until);
        match (health.state, opens) {
            (Doing::OutsideWindow, Some(opens)) => Some(format!("opens {} UTC", time(opens))),
            _ => health.reason.clone(),
        }
    }
}

impl Doing {
    /// A recorder that has a segment in hand finishes it, whatever the settings say by now.
    fn of(health: &Health, recording: Option<&Recording>, now: DateTime<Utc>) -> Self {
        match (health.state, recording) {
            (HealthState::Recording, _) if health.in_hand.is_some() => Self::Recording,
            (HealthState::Recording, Some(Recording::Off)) => Self::NotRecorded,
            (HealthState::Recording, Some(Recording::During(windows)))
                if matches!(windows.at(now), WindowState::Closed { .. }) =>
            {
                Self::OutsideWindow
            }
            (HealthState::Recording, _) => Self::Recording,
            (HealthState::Connecting, _) => Self::Connecting,
            (HealthState::Waiting, _) => Self::Waiting,
            (HealthState::Stopped, _) => Self::Stopped,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Recording => "recording",
            Self::OutsideWindow => "waiting for its window",
            Self::NotRecorded => "live, not recorded",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

impl HealthLine {
    fn of(found: CameraHealth, recording: Option<&Recording>, now: DateTime<Utc>) -> Self {
        let CameraHealth { health, recorder } = found;
        Self {
            live: recorder == RecorderLife::Alive,
            state: Doing::of(&health, recording, now),
            reason: health.reason,
            seen: health.seen,
            last_frame: health.last_frame,
            bits_per_second: health.bits_per_second,
            frames: health.frames,
            packets_lost: health.packets_lost,
            reconnects: health.reconnects,
        }
    }
}

impl GateLine {
    fn of(tally: GateTally) -> Option<Self> {
        let (miss_rate, miss_interval) = (tally.miss_rate(), tally.miss_interval());
        (tally.samples > 0).then_some(Self { tally, miss_rate, miss_interval })
    }

    fn text(&self) -> String {
        let GateTally { samples, kept, audited, missed } = self.tally;
        let percent = |(rate, [low, high]): (f64, [f64; 2])| {
            format!(" ({:.1} %, between {:.1} and {:.1} %)", 100.0 * rate, 100.0 * low, 100.0 * high)
        };
        let rate = self.miss_rate.zip(self.miss_interval).map(percent).unwrap_or_default();
        format!(
            "{kept} of {samples} frames looked at in seven days; of {audited} quiet ones audited, {missed} showed \
             something{rate}"
        )
    }
}

impl DiskLine {
    fn text(&self) -> String {
        let (free, total) = (output::size(self.free_bytes), output::size(self.total_bytes));
        let floor =
            self.floor_bytes.map(|bytes| format!(", floor {}", output::size(bytes))).unwrap_or_default();
        format!("{free} free of {total}{floor} ({})", self.path)
    }
}

pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true).replace('T', " ").replace('Z', "")
}
