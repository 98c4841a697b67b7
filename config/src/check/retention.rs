//! `[[retention.rule]]`: rules that can hold, and say something.

use std::time::Duration;

use super::sections::{BYTES_PER_GB, SECONDS_PER_DAY};
use super::{Check, given};
use crate::raw::{RawCamera, RawRetention, RawRetentionRule};
use crate::{AfterProcessing, CameraId, RetentionRule, reading};

pub(super) const AFTER_PROCESSING: [(&str, AfterProcessing); 4] = [
    ("move", AfterProcessing::Move),
    ("keep", AfterProcessing::Keep),
    ("archive", AfterProcessing::Archive),
    ("delete", AfterProcessing::Delete),
];

/// More would make each plan slow, and nobody would know which one holds.
const MOST_RULES: usize = 100;

impl Check<'_> {
    pub(super) fn retention_rules(
        &mut self,
        raw: &RawRetention,
        cameras: &[RawCamera],
    ) -> Option<Vec<RetentionRule>> {
        if raw.rule.len() > MOST_RULES {
            let text = format!("at most {MOST_RULES} rules, but there are {}", raw.rule.len());
            return self.fault("retention.rule", text);
        }
        let mut rules: Vec<RetentionRule> = Vec::new();
        let mut sound = true;
        for (index, raw_rule) in raw.rule.iter().enumerate() {
            let section = format!("retention.rule[{index}]");
            let checked = self.retention_rule(&section, raw_rule, cameras);
            sound &= checked.is_some() && self.ages_agree(&section, raw_rule, raw);
            let Some(rule) = checked else { continue };
            if let Some(earlier) = rules.iter().position(|earlier| earlier.covers(&rule)) {
                let text =
                    format!("never holds: `retention.rule[{earlier}]` before it takes all of it; swap them");
                self.faults.add(section, text);
                sound = false;
            }
            rules.push(rule);
        }
        sound.then_some(rules)
    }

    fn retention_rule(
        &mut self,
        section: &str,
        raw: &RawRetentionRule,
        cameras: &[RawCamera],
    ) -> Option<RetentionRule> {
        let key = |name: &str| format!("{section}.{name}");
        let says_something = raw.after_processing.is_some()
            || raw.max_age_days.is_some()
            || raw.min_age_days.is_some()
            || raw.max_gb.is_some()
            || raw.storage_class.is_some();
        if !says_something {
            self.faults.add(
                section,
                "says nothing; give `after_processing`, `max_age_days`, `min_age_days`, `max_gb` or `storage_class`",
            );
        }
        let ids = self.rule_cameras(&key("cameras"), &raw.cameras, cameras);
        let labels = self.labels(&key("labels"), &raw.labels);
        if raw.min_score.is_some() && raw.labels.is_empty() {
            self.faults.add(key("min_score"), "has no effect without `labels`");
        }
        let min_score = raw.min_score.map(|score| self.number(&key("min_score"), score, 0.0..=1.0));
        let after = raw.after_processing.as_ref();
        let after = after.map(|after| self.choice(&key("after_processing"), after, &AFTER_PROCESSING));
        let max_age = self.days(&key("max_age_days"), raw.max_age_days);
        let min_age = self.days(&key("min_age_days"), raw.min_age_days);
        let max_bytes = self.gigabytes(&key("max_gb"), raw.max_gb);
        Some(RetentionRule {
            cameras: ids?,
            labels: labels?,
            min_score: given(min_score)?.unwrap_or(0.0) as f32,
            after_processing: given(after)?,
            max_age: max_age?,
            min_age: min_age?,
            max_bytes: max_bytes?,
            storage_class: raw.storage_class.clone(),
        })
        .filter(|_| says_something)
    }

    fn rule_cameras(&mut self, key: &str, named: &[String], cameras: &[RawCamera]) -> Option<Vec<CameraId>> {
        let known: Vec<&str> = cameras.iter().filter_map(|camera| camera.id.as_deref()).collect();
        let mut ids = Vec::new();
        for name in named {
            let Ok(id) = name.parse() else {
                return self.fault(key, format!("`{name}` cannot be the id of a camera"));
            };
            // Without cameras every folder is one's.
            if !known.is_empty() && !known.contains(&name.as_str()) {
                let hint = reading::nearest(name, known).map(|name| format!("; did you mean `{name}`?"));
                return self.fault(key, format!("no camera is `{name}`{}", hint.unwrap_or_default()));
            }
            ids.push(id);
        }
        Some(ids)
    }

    /// Refuses to keep for longer than until it is deleted.
    pub(super) fn ages_agree(
        &mut self,
        section: &str,
        rule: &RawRetentionRule,
        around: &RawRetention,
    ) -> bool {
        let least = rule.min_age_days.or(around.min_age_days);
        let most = rule.max_age_days.or(around.max_age_days);
        let (Some(least), Some(most)) = (least, most) else { return true };
        if least < most {
            return true;
        }
        let name = if rule.min_age_days.is_some() { "min_age_days" } else { "max_age_days" };
        let text = format!("nothing can be kept for {least} days and be deleted after {most}");
        self.faults.add(format!("{section}.{name}"), text);
        false
    }

    /// Refuses to delete what had no time to be looked at.
    pub(super) fn unprocessed_has_time(&mut self, raw: &RawRetention, waits_for_windows: bool) -> bool {
        const A_NIGHT_LATER_DAYS: f64 = 1.0;
        let key = "retention.max_unprocessed_age_days";
        match raw.max_unprocessed_age_days {
            Some(days) if waits_for_windows && days <= A_NIGHT_LATER_DAYS => {
                let text = format!(
                    "is {days}, and footage waits for `process.windows` for up to a day: it would be deleted before"
                );
                self.faults.add(key, text);
                false
            }
            _ => true,
        }
    }

    pub(super) fn days(&mut self, key: &str, days: Option<f64>) -> Option<Option<Duration>> {
        let days = days.map(|days| self.number(key, days, 0.001..=36_500.0));
        Some(given(days)?.map(|days| Duration::from_secs_f64(days * SECONDS_PER_DAY)))
    }

    pub(super) fn gigabytes(&mut self, key: &str, gb: Option<f64>) -> Option<Option<u64>> {
        let gb = gb.map(|gb| self.number(key, gb, 0.001..=1_000_000.0));
        Some(given(gb)?.map(|gb| (gb * BYTES_PER_GB) as u64))
    }
}
