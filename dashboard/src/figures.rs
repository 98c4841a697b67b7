//! The figures as the pages read them: of what the subcommands print, the parts that are shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::{Fault, Made};
use crate::kept::Holds;
use crate::pages::Pages;

/// Which figure is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    Status,
    Estimate,
    Plan,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) cameras: Vec<StatusCamera>,
    pub(crate) backlog: u64,
    pub(crate) queue: Queue,
    pub(crate) disk: StatusDisk,
    pub(crate) window: Window,
    pub(crate) urgent: Option<String>,
    pub(crate) paused: Option<Paused>,
    pub(crate) backlog_done: Option<DateTime<Utc>>,
    pub(crate) vision: Option<Vision>,
    pub(crate) gate: Option<Gate>,
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) stuck_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Alarm {
    pub(crate) since: DateTime<Utc>,
    pub(crate) text: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StatusCamera {
    pub(crate) id: String,
    pub(crate) segments: BTreeMap<String, u64>,
    pub(crate) bytes: u64,
    pub(crate) health: Option<Health>,
    pub(crate) gate: Option<Gate>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Health {
    pub(crate) live: bool,
    pub(crate) state: String,
    pub(crate) last_frame: Option<DateTime<Utc>>,
    pub(crate) bits_per_second: u64,
    pub(crate) frames: u64,
    pub(crate) packets_lost: u64,
    pub(crate) reconnects: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Queue {
    pub(crate) queued: u64,
    pub(crate) delayed: u64,
    pub(crate) leased: u64,
    pub(crate) dead: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StatusDisk {
    pub(crate) total_bytes: u64,
    pub(crate) free_bytes: u64,
    pub(crate) floor_bytes: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Window {
    pub(crate) open: bool,
    pub(crate) until: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Paused {
    pub(crate) since: DateTime<Utc>,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Vision {
    pub(crate) calls_today: u64,
    pub(crate) max_calls_per_day: Option<u64>,
    pub(crate) tokens_today: u64,
    pub(crate) max_tokens_per_day: Option<u64>,
    pub(crate) usd_today: f64,
    pub(crate) max_usd_per_day: Option<f64>,
    pub(crate) deferred: Vec<Deferred>,
    pub(crate) batches: Batches,
    pub(crate) digests: Vec<Digest>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Batches {
    pub(crate) under_way: u64,
    pub(crate) asked: u64,
    pub(crate) gathered: u64,
    pub(crate) segments: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Digest {
    pub(crate) night: NaiveDate,
    pub(crate) camera: String,
    pub(crate) text: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deferred {
    pub(crate) camera: Option<String>,
    pub(crate) cap: String,
    pub(crate) until: DateTime<Utc>,
    pub(crate) segments: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Gate {
    pub(crate) samples: u64,
    pub(crate) kept: u64,
    pub(crate) audited: u64,
    pub(crate) missed: u64,
    pub(crate) miss_rate: Option<f64>,
    pub(crate) miss_interval: Option<[f64; 2]>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Estimate {
    pub(crate) cameras: Vec<EstimateCamera>,
    pub(crate) bytes_per_day: u64,
    pub(crate) disk: EstimateDisk,
    pub(crate) archived: Vec<Held>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Held {
    pub(crate) camera: String,
    pub(crate) storage_class: Option<String>,
    pub(crate) bundles: u64,
    pub(crate) bytes: u64,
    pub(crate) usd_per_month: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EstimateCamera {
    pub(crate) id: String,
    pub(crate) bytes_per_day: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EstimateDisk {
    pub(crate) days_until_full: Option<f64>,
    pub(crate) days_until_floor: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Plan {
    pub(crate) keep: Tally,
    #[serde(rename = "move")]
    pub(crate) moved: Tally,
    pub(crate) archive: Tally,
    pub(crate) delete: Tally,
    pub(crate) shortfall_bytes: u64,
    pub(crate) changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Tally {
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) file: String,
    pub(crate) verdict: String,
    pub(crate) reasons: Vec<String>,
}

impl Pages {
    /// Returns a figure as it is told to programs.
    pub(crate) fn figure(&self, wanted: Wanted) -> Made<Arc<Value>> {
        let figures = &self.site.figures;
        let make = match wanted {
            Wanted::Status => &figures.status,
            Wanted::Estimate => &figures.estimate,
            Wanted::Plan => &figures.plan,
        };
        self.figures.get(&wanted, || Ok(()), || Ok((Arc::new(make()?), Holds::AWhile)))
    }

    /// Returns a figure as the pages read it.
    pub(crate) fn read_figure<T: DeserializeOwned>(&self, wanted: Wanted) -> Made<T> {
        let figure = self.figure(wanted)?;
        T::deserialize(figure.as_ref()).map_err(|error| Fault::Figure(error.into()))
    }
}
