//! The sections that stand alone: storage, process, events and retention.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;

use super::retention::AFTER_PROCESSING;
use super::{Check, given};
use crate::raw::{RawCamera, RawEvents, RawProcess, RawReport, RawRetention, RawRetentionRule, RawStorage};
use crate::retention::KEEP_RESTORED;
use crate::{Events, Process, Retention, Sampling, Storage, Urgent, Windows};

pub(super) const SECONDS_PER_DAY: f64 = 86_400.0;
pub(super) const BYTES_PER_GB: f64 = 1e9;
const BYTES_PER_MB: u64 = 1_000_000;

impl Check<'_> {
    pub(super) fn storage(&mut self, raw: &mut RawStorage) -> Option<Storage> {
        let root = self
            .required("storage.root", raw.root.as_deref())
            .map(str::to_owned)
            .and_then(|root| self.folder("storage.root", &root));
        let state_dir = match &raw.state_dir {
            Some(folder) => {
                let folder = folder.clone();
                self.required("storage.state_dir", Some(&folder))
                    .and_then(|folder| self.folder("storage.state_dir", folder))
            }
            None => root.as_ref().map(|root| root.join(".nightreel")),
        };
        let name_timezone = self.zone("storage.name_timezone", &raw.name_timezone);
        let settle = self.whole("storage.settle_seconds", raw.settle_seconds, 1..=3600);
        let scan = self.whole("storage.scan_seconds", raw.scan_seconds, 1..=86_400);
        raw.root = root.as_ref().map(|path| path.display().to_string());
        raw.state_dir = state_dir.as_ref().map(|path| path.display().to_string());
        Some(Storage {
            root: root?,
            state_dir: state_dir?,
            name_timezone: name_timezone?,
            settle: Duration::from_secs(settle?),
            scan_interval: Duration::from_secs(scan?),
        })
    }

    pub(super) fn process(&mut self, raw: &mut RawProcess, zone: Option<Tz>) -> Option<Process> {
        let every_nth_frame = self.whole("process.every_nth_frame", raw.every_nth_frame, 1..=1_000_000);
        let samplings = [Sampling::Exact, Sampling::Activity, Sampling::Keyframes];
        let samplings = samplings.map(|sampling| (sampling.as_str(), sampling));
        let sampling = self.choice("process.sampling", &raw.sampling, &samplings);
        // Also where the zone is wrong, so that a wrong window is told of at the same time.
        let windows = Windows::parse(zone.unwrap_or_default(), &raw.windows)
            .map_err(|error| self.faults.add("process.windows", error.to_string()))
            .ok();
        let urgent = self.urgent(raw);
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(256));
        let workers = *raw.workers.get_or_insert(i64::try_from(cores).unwrap_or(1));
        let workers = self.whole("process.workers", workers, 1..=256);
        let max_attempts = self.whole("process.max_attempts", raw.max_attempts, 1..=100);
        zone?;
        Some(Process {
            every_nth_frame: NonZeroU32::new(every_nth_frame?)?,
            sampling: sampling?,
            windows: windows?,
            urgent: urgent?,
            workers: workers?,
            max_attempts: max_attempts?,
        })
    }

    fn urgent(&mut self, raw: &RawProcess) -> Option<Urgent> {
        let hours =
            raw.deadline_hours.map(|hours| self.number("process.deadline_hours", hours, 0.01..=87_600.0));
        let gb = raw
            .urgent_when_disk_below_gb
            .map(|gb| self.number("process.urgent_when_disk_below_gb", gb, 0.001..=1_000_000.0));
        Some(Urgent {
            older_than: given(hours)?.map(|hours| Duration::from_secs_f64(hours * 3600.0)),
            disk_below: given(gb)?.map(|gb| (gb * BYTES_PER_GB) as u64),
        })
    }

    pub(super) fn events(&mut self, raw: &RawEvents) -> Option<Events> {
        let gap_s = self.whole("events.gap_seconds", raw.gap_seconds, 1..=3600);
        let megabytes: Option<u64> = self.whole("events.thumbnails_mb", raw.thumbnails_mb, 0..=1_000_000);
        Some(Events { gap_s: gap_s?, thumbnails: megabytes? * BYTES_PER_MB })
    }

    pub(super) fn retention(&mut self, raw: &RawRetention, cameras: &[RawCamera]) -> Option<Retention> {
        let after = self.choice("retention.after_processing", &raw.after_processing, &AFTER_PROCESSING);
        let max_age = self.days("retention.max_age_days", raw.max_age_days);
        let min_age = self.days("retention.min_age_days", raw.min_age_days);
        let failed_max_age = self.days("retention.failed_max_age_days", raw.failed_max_age_days);
        let unprocessed = self.days("retention.max_unprocessed_age_days", raw.max_unprocessed_age_days);
        let min_free = self.gigabytes("retention.min_free_gb", raw.min_free_gb);
        let max_bytes = self.gigabytes("retention.max_gb", raw.max_gb);
        let guard_share = self.number("retention.guard_share", raw.guard_share, 0.01..=1.0);
        let archive_after = self.days("retention.archive_after_days", raw.archive_after_days);
        let delete_after = self.span("retention.delete_after_archive_days", raw.delete_after_archive_days);
        let keep_restored = self.span("retention.keep_restored_days", raw.keep_restored_days);
        let agree = self.ages_agree("retention", &RawRetentionRule::default(), raw);
        let rules = self.retention_rules(raw, cameras);
        Some(Retention {
            after_processing: after?,
            max_age: max_age?,
            min_free: min_free?,
            protect_unprocessed: raw.protect_unprocessed,
            min_age: min_age?,
            max_bytes: max_bytes?,
            failed_max_age: failed_max_age?,
            max_unprocessed_age: unprocessed?,
            guard_share: guard_share?,
            rules: rules?,
            archive_after: archive_after?,
            delete_after_archive: delete_after?.unwrap_or_default(),
            keep_restored: keep_restored?.unwrap_or(KEEP_RESTORED),
        })
        .filter(|_| agree)
    }

    /// A span that may be none at all.
    fn span(&mut self, key: &str, days: Option<f64>) -> Option<Option<Duration>> {
        let days = given(days.map(|days| self.number(key, days, 0.0..=36_500.0)))?;
        Some(days.map(|days| Duration::from_secs_f64(days * SECONDS_PER_DAY)))
    }

    pub(super) fn report_dir(&mut self, raw: &mut RawReport) -> Option<PathBuf> {
        match &mut raw.dir {
            Some(dir) => self.file("report.dir", dir),
            None => self.fault("report.dir", "is missing"),
        }
    }

    /// Makes a folder absolute.
    pub(super) fn folder(&mut self, key: &str, folder: &str) -> Option<PathBuf> {
        if folder.starts_with('~') {
            return self.fault(key, "must be a full path: only a shell knows what `~` is");
        }
        Some(self.base.join(folder).components().collect())
    }
}
