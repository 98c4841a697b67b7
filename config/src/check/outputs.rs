//! What is made of a camera's stream: each output by itself, and that there is one at all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;
use url::Url;

use super::Check;
use super::address::has_secret_in_query;
use crate::credentials::Whereabouts;
use crate::raw::RawCamera;
use crate::{Hls, Recording, Republish, Snapshots, Windows};

/// Far less than a disk holds, and as much as a player takes in one playlist.
const MOST_HLS_HOURS: f64 = 168.0;

const SECONDS_PER_HOUR: f64 = 3600.0;
const DEFAULT_HLS_HOURS: f64 = 1.0;
const DEFAULT_HLS_PART: i64 = 2;

/// RFC 8216 wants as many in a live playlist.
const FEWEST_HLS_PARTS: f64 = 3.0;

/// What the outputs of a camera need of the other sections.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'r> {
    /// Absent where it is wrong.
    pub(super) root: Option<&'r Path>,
    /// Of all windows.
    pub(super) zone: Tz,
}

pub(super) struct Outputs {
    pub(super) recording: Recording,
    pub(super) hls: Option<Hls>,
    pub(super) republish: Option<Republish>,
    pub(super) snapshots: Option<Snapshots>,
}

impl Check<'_> {
    /// Checks a camera that another recorder records: there is nothing to make anything of.
    pub(super) fn no_outputs(&mut self, section: &str, raw: &RawCamera) -> Outputs {
        self.refuse_given(section, &recording_keys(raw), "without `url`");
        self.refuse_given(section, &hls_keys(raw), "without `url`");
        self.refuse_given(section, &republish_keys(raw), "without `url`");
        self.refuse_given(section, &snapshot_keys(raw), "without `url`");
        Outputs { recording: Recording::Off, hls: None, republish: None, snapshots: None }
    }

    pub(super) fn outputs(
        &mut self,
        section: &str,
        raw: &mut RawCamera,
        around: Surroundings<'_>,
    ) -> Option<Outputs> {
        let others = [
            ("hls", raw.hls == Some(true)),
            ("republish", raw.republish.is_some()),
            ("snapshot_seconds", raw.snapshot_seconds.is_some()),
        ];
        let has_others = others.iter().any(|(name, given)| self.is_given(section, name, *given));
        if raw.record == Some(false) && !has_others {
            let text =
                "leaves nothing to do: set `hls`, `republish` or `snapshot_seconds`, or take the camera out";
            self.faults.add(format!("{section}.record"), text);
        }
        let recording = self.recording(section, raw, around.zone);
        let hls = self.hls(section, raw);
        let republish = self.republish(section, raw);
        let snapshots = self.snapshots(section, raw, around.root);
        Some(Outputs { recording: recording?, hls: hls?, republish: republish?, snapshots: snapshots? })
    }

    fn recording(&mut self, section: &str, raw: &mut RawCamera, zone: Tz) -> Option<Recording> {
        let key = format!("{section}.record_windows");
        let windows =
            Windows::parse(zone, &raw.record_windows).map_err(|e| self.faults.add(&key, e.to_string())).ok();
        if *raw.record.get_or_insert(true) {
            return windows.map(Recording::During);
        }
        if !raw.record_windows.is_empty() {
            return self.fault(&key, "has no effect with `record = false`");
        }
        Some(Recording::Off)
    }

    fn hls(&mut self, section: &str, raw: &mut RawCamera) -> Option<Option<Hls>> {
        if !*raw.hls.get_or_insert(false) {
            let [_, details @ ..] = hls_keys(raw);
            if !self.is_given(section, "hls", false) {
                self.refuse_given(section, &details, "without `hls = true`");
            }
            return Some(None);
        }
        let part = self.hls_part(section, raw);
        // Where the part is wrong, the hours can be too.
        let shortest = shortest_hls_hours(part.unwrap_or_default());
        let key = format!("{section}.hls_hours");
        let hours = *raw.hls_hours.get_or_insert(DEFAULT_HLS_HOURS.max(shortest));
        let hours = self.number(&key, hours, 0.01..=MOST_HLS_HOURS)?;
        if hours < shortest {
            return self.fault(&key, format!("must hold three parts, so at least {shortest} with these"));
        }
        Some(Some(Hls { keep: Duration::from_secs_f64(hours * SECONDS_PER_HOUR), part: part? }))
    }

    /// A part is a piece of one file.
    fn hls_part(&mut self, section: &str, raw: &mut RawCamera) -> Option<Duration> {
        let key = format!("{section}.hls_part_seconds");
        let segment = raw.segment_seconds;
        let part = *raw.hls_part_seconds.get_or_insert(DEFAULT_HLS_PART.min(segment.max(1)));
        let seconds = self.whole(&key, part, 1..=3600)?;
        if part > segment && segment >= 1 {
            return self
                .fault(&key, format!("must not be longer than `segment_seconds`, which is {segment}"));
        }
        Some(Duration::from_secs(seconds))
    }

    fn republish(&mut self, section: &str, raw: &mut RawCamera) -> Option<Option<Republish>> {
        let Some(text) = raw.republish.clone() else {
            let [_, login @ ..] = republish_keys(raw);
            if !self.is_given(section, "republish", false) {
                self.refuse_given(section, &login, "without `republish`");
            }
            return Some(None);
        };
        let url = self.republish_url(&format!("{section}.republish"), &text, raw.url.as_deref());
        raw.republish = url.as_ref().map(Url::to_string);
        if raw.republish_username.as_deref() == Some("") {
            self.faults.add(format!("{section}.republish_username"), "must not be empty");
        }
        let password = self.secret(&Whereabouts {
            key: format!("{section}.republish_password"),
            itself: raw.republish_password.as_ref(),
            file: raw.republish_password_file.as_deref(),
            variable: raw.republish_password_env.as_deref(),
            credential: format!("{}.republish_password", raw.id.as_deref().unwrap_or_default()),
        });
        Some(Some(Republish { url: url?, username: raw.republish_username.clone(), password }))
    }

    fn republish_url(&mut self, key: &str, text: &str, source: Option<&str>) -> Option<Url> {
        let url = self.url(key, text)?;
        if url.scheme() != "rtsp" {
            return self.fault(key, "must begin with `rtsp://`");
        }
        if !url.username().is_empty() || url.password().is_some() || has_secret_in_query(&url, None) {
            return self.fault(
                key,
                "must not carry credentials: use `republish_username` and one of `republish_password_file` and \
                 `republish_password_env`",
            );
        }
        if source == Some(url.as_str()) {
            return self.fault(key, "is the camera's own `url`: name the server that others shall watch");
        }
        self.with_host(key, url)
    }

    fn snapshots(
        &mut self,
        section: &str,
        raw: &mut RawCamera,
        root: Option<&Path>,
    ) -> Option<Option<Snapshots>> {
        let Some(seconds) = raw.snapshot_seconds else {
            let [_, dir] = snapshot_keys(raw);
            if !self.is_given(section, "snapshot_seconds", false) {
                self.refuse_given(section, &[dir], "without `snapshot_seconds`");
            }
            return Some(None);
        };
        let seconds = self.whole(&format!("{section}.snapshot_seconds"), seconds, 1..=86_400);
        let dir = self.snapshot_dir(&format!("{section}.snapshot_dir"), raw, root)?;
        raw.snapshot_dir = Some(dir.display().to_string());
        Some(Some(Snapshots { every: Duration::from_secs(seconds?), dir }))
    }

    fn snapshot_dir(&mut self, key: &str, raw: &RawCamera, root: Option<&Path>) -> Option<PathBuf> {
        match raw.snapshot_dir.as_deref() {
            Some(dir) => {
                let dir = self.required(key, Some(dir))?;
                self.folder(key, dir)
            }
            None => Some(root?.join(raw.id.as_deref()?).join("snapshots")),
        }
    }
}

/// In whole hundredths, to be written.
fn shortest_hls_hours(part: Duration) -> f64 {
    (100.0 * FEWEST_HLS_PARTS * part.as_secs_f64() / SECONDS_PER_HOUR).ceil() / 100.0
}

fn recording_keys(raw: &RawCamera) -> [(&'static str, bool); 2] {
    [("record", raw.record.is_some()), ("record_windows", !raw.record_windows.is_empty())]
}

fn hls_keys(raw: &RawCamera) -> [(&'static str, bool); 3] {
    [
        ("hls", raw.hls.is_some()),
        ("hls_hours", raw.hls_hours.is_some()),
        ("hls_part_seconds", raw.hls_part_seconds.is_some()),
    ]
}

fn republish_keys(raw: &RawCamera) -> [(&'static str, bool); 5] {
    [
        ("republish", raw.republish.is_some()),
        ("republish_username", raw.republish_username.is_some()),
        ("republish_password", raw.republish_password.is_some()),
        ("republish_password_file", raw.republish_password_file.is_some()),
        ("republish_password_env", raw.republish_password_env.is_some()),
    ]
}

fn snapshot_keys(raw: &RawCamera) -> [(&'static str, bool); 2] {
    [("snapshot_seconds", raw.snapshot_seconds.is_some()), ("snapshot_dir", raw.snapshot_dir.is_some())]
}
