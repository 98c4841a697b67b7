//! From raw to checked settings. Every section is looked at, whatever is wrong with the others, and what is
//! found out on the way (absolute folders, credentials out of URLs) is written back, for `config show`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;

use chrono_tz::{TZ_VARIANTS, Tz};

use self::outputs::Surroundings;
use crate::credentials::Whereabouts;
use crate::raw::RawSettings;
use crate::{Environment, Faults, MissingSecret, Origin, Secret, Settings, reading};

mod address;
mod archive;
mod asking;
mod camera;
mod caps;
mod connection;
mod detect;
mod hook;
mod lens;
mod lens_table;
mod mqtt;
mod outputs;
mod placement;
mod policy;
mod retention;
mod seal;
mod sections;
mod serve;
mod store;
mod stream;
mod view;
mod vision;
mod wording;
mod zone;

#[cfg(test)]
mod tests;

/// What a check knows and finds.
pub(crate) struct Check<'a> {
    pub(crate) environment: &'a Environment,
    /// Relative paths are meant from here.
    pub(crate) base: &'a Path,
    pub(crate) origins: &'a mut BTreeMap<String, Origin>,
    pub(crate) faults: &'a mut Faults,
    pub(crate) warnings: Vec<String>,
    pub(crate) missing: Vec<MissingSecret>,
    /// Labels are the own model's, and so not known here.
    pub(crate) has_own_labels: bool,
}

impl Check<'_> {
    /// Returns the checked settings; `None` where something is wrong, which then is among the faults.
    pub(crate) fn settings(&mut self, raw: &mut RawSettings) -> Option<Settings> {
        self.has_own_labels = raw.detect.has_own_labels();
        let storage = self.storage(&mut raw.storage);
        let zone = self.zone("process.timezone", &raw.process.timezone);
        // Also where these are wrong, so that what is wrong with the cameras is told of at the same time.
        let around = Surroundings {
            root: storage.as_ref().map(|storage| storage.root.as_path()),
            zone: zone.unwrap_or_default(),
        };
        let cameras = self.cameras(&mut raw.camera, around);
        let process = self.process(&mut raw.process, zone);
        let gate = self.gate(&raw.gate);
        let detect = self.detect(&mut raw.detect);
        let vision = raw.vision.as_mut().map(|raw| self.vision(raw));
        let vision = vision.map(|vision| self.with_camera_caps(vision, &raw.camera));
        let events = self.events(&raw.events);
        let retention = self.retention(&raw.retention, &raw.camera);
        let waits = !raw.process.windows.is_empty();
        let retention = retention.filter(|_| self.unprocessed_has_time(&raw.retention, waits));
        self.archive_for(&raw.retention, raw.archive.is_some());
        let archive = raw.archive.as_mut().map(|raw| self.archive(raw, zone.unwrap_or_default()));
        if let Some(retention) = &retention {
            self.archive_makes_sense(retention, archive.as_ref().and_then(Option::as_ref));
        }
        if let (Some(Some(archive)), Some(retention)) = (&archive, &retention) {
            self.rule_classes(&raw.retention, &archive.place);
            self.billed_longer(archive, retention);
        }
        let snapshots = raw.snapshots.as_ref().map(|snapshots| self.snapshot_store(snapshots, &raw.camera));
        let hook = raw.hook.as_mut().map(|raw| self.hook(raw));
        let mqtt = raw.mqtt.as_mut().map(|raw| self.mqtt(raw));
        let report_dir = raw.report.as_mut().map(|raw| self.report_dir(raw));
        let serve = self.serve(&mut raw.serve);
        Some(Settings {
            storage: storage?,
            cameras: cameras?,
            process: process?,
            gate: gate?,
            detect: detect?.into(),
            vision: given(vision)?,
            events: events?,
            retention: retention?,
            archive: given(archive)?,
            snapshot_store: given(snapshots)?,
            hook: given(hook)?,
            mqtt: given(mqtt)?,
            report_dir: given(report_dir)?,
            serve: serve?,
        })
    }

    fn fault<T>(&mut self, key: &str, text: impl Into<String>) -> Option<T> {
        self.faults.add(key, text);
        None
    }

    /// Tells whether a key is given, be it of the wrong type, so that it was taken out.
    fn is_given(&self, section: &str, name: &str, given: bool) -> bool {
        given || self.faults.has(&format!("{section}.{name}"))
    }

    /// Refuses each of these keys that is given, because it would have no effect.
    fn refuse_given(&mut self, section: &str, keys: &[(&str, bool)], why: &str) {
        for (name, _) in keys.iter().filter(|(_, given)| *given) {
            self.faults.add(format!("{section}.{name}"), format!("has no effect {why}"));
        }
    }

    fn whole<T: TryFrom<i64>>(&mut self, key: &str, value: i64, range: RangeInclusive<i64>) -> Option<T> {
        let checked = if range.contains(&value) { T::try_from(value).ok() } else { None };
        checked.or_else(|| self.fault(key, outside(value, &range)))
    }

    fn number(&mut self, key: &str, value: f64, range: RangeInclusive<f64>) -> Option<f64> {
        if range.contains(&value) { Some(value) } else { self.fault(key, outside(value, &range)) }
    }

    fn required<'r>(&mut self, key: &str, value: Option<&'r str>) -> Option<&'r str> {
        match value {
            None => self.fault(key, "is missing"),
            Some(text) if text.trim().is_empty() => self.fault(key, "must not be empty"),
            Some(text) => Some(text),
        }
    }

    fn choice<T: Copy>(&mut self, key: &str, value: &str, choices: &[(&str, T)]) -> Option<T> {
        if let Some((_, chosen)) = choices.iter().find(|(name, _)| *name == value) {
            return Some(*chosen);
        }
        let names = choices.iter().map(|(name, _)| *name);
        let known: Vec<_> = names.clone().map(|name| format!("`{name}`")).collect();
        let hint = reading::nearest(value, names).map(|name| format!("; did you mean `{name}`?"));
        self.fault(key, format!("must be {}{}", known.join(" or "), hint.unwrap_or_default()))
    }

    fn zone(&mut self, key: &str, name: &str) -> Option<Tz> {
        let zone = name.parse().ok();
        zone.or_else(|| {
            let hint = reading::nearest(name, TZ_VARIANTS.iter().map(|zone| zone.name()));
            let hint = hint.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            self.fault(key, format!("is no time zone, such as `Europe/Berlin`{hint}"))
        })
    }

    /// Finds a secret, or notes why it is not there, or that it is given twice.
    fn secret(&mut self, whereabouts: &Whereabouts<'_>) -> Option<Secret> {
        let given = whereabouts.given();
        if let [first, .., last] = given.as_slice() {
            return self.fault(last, format!("and `{first}` say the same thing; keep one"));
        }
        if whereabouts.itself.is_some_and(|secret| secret.expose().is_empty()) {
            return self.fault(&whereabouts.key, "must not be empty");
        }
        if let (Some(""), _) | (_, Some("")) = (whereabouts.file, whereabouts.variable) {
            return self.fault(&given[0], "must not be empty");
        }
        let found = whereabouts.find(self.base, self.environment);
        self.warnings.extend(found.warning);
        self.missing.extend(found.missing);
        found.secret
    }
}

/// Turns what is wrong, where it is given, into nothing at all.
fn given<T>(checked: Option<Option<T>>) -> Option<Option<T>> {
    checked.map_or(Some(None), |checked| checked.map(Some))
}

fn outside<T: Display>(value: T, range: &RangeInclusive<T>) -> String {
    format!("must be from {} to {}, but is {value}", range.start(), range.end())
}
