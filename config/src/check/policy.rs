//! Policies that contradict themselves: what would be archived is deleted before, or as soon as it is there.

use std::time::Duration;

use super::Check;
use super::sections::SECONDS_PER_DAY;
use crate::{AfterProcessing, Archive, Retention};

/// What holds for the segments of one rule, or for those that no rule fits.
struct Place {
    after: AfterProcessing,
    max_age: Option<Duration>,
}

impl Check<'_> {
    /// Refuses an archive that nothing would ever get to, and one that keeps nothing.
    pub(super) fn archive_makes_sense(&mut self, retention: &Retention, archive: Option<&Archive>) {
        let places = places(retention);
        self.something_is_archived(retention, &places);
        self.copies_stay_as_said(retention, &places);
        let Some(age) = archive.and_then(|archive| archive.max_age) else { return };
        let from = retention.archive_after.unwrap_or_default();
        if retention.archives() && age <= from {
            let text = format!(
                "is {}, and footage gets there at `retention.archive_after_days` = {}: it would be deleted at once",
                days(age),
                days(from)
            );
            self.faults.add("archive.max_age_days", text);
        }
    }

    fn something_is_archived(&mut self, retention: &Retention, places: &[Place]) {
        let Some(after) = retention.archive_after else { return };
        let is_late = |place: &Place| {
            place.after == AfterProcessing::Delete || place.max_age.is_some_and(|age| age <= after)
        };
        if places.iter().all(is_late) {
            let text = format!(
                "is {}, and all is deleted before: by `max_age_days`, or since `after_processing = 'delete'`",
                days(after)
            );
            self.faults.add("retention.archive_after_days", text);
        }
    }

    fn copies_stay_as_said(&mut self, retention: &Retention, places: &[Place]) {
        let stay = retention.delete_after_archive;
        let ends_before = |place: &Place| place.max_age.is_some_and(|age| age <= stay);
        if stay > Duration::ZERO && !retention.archives() {
            let text = "has no effect: nothing is archived; set `after_processing = 'archive'` or `archive_after_days`";
            self.faults.add("retention.delete_after_archive_days", text);
        } else if stay > Duration::ZERO && places.iter().all(ends_before) {
            let text = format!("is {}, and `max_age_days` deletes every copy before", days(stay));
            self.faults.add("retention.delete_after_archive_days", text);
        }
        if retention.keep_restored == Duration::ZERO {
            let text = "is 0: what `nightreel restore` brings back would be deleted at once";
            self.faults.add("retention.keep_restored_days", text);
        }
    }
}

fn places(retention: &Retention) -> Vec<Place> {
    let Retention { after_processing: after, max_age, rules, .. } = retention;
    let of_rules = rules.iter().map(|rule| Place {
        after: rule.after_processing.unwrap_or(*after),
        max_age: rule.max_age.or(*max_age),
    });
    // A rule for all cameras and whatever was seen leaves nothing to the section.
    let is_last = |rule: &crate::RetentionRule| rule.cameras.is_empty() && rule.labels.is_empty();
    let rest = (!rules.iter().any(is_last)).then_some(Place { after: *after, max_age: *max_age });
    of_rules.chain(rest).collect()
}

fn days(span: Duration) -> f64 {
    (span.as_secs_f64() / SECONDS_PER_DAY * 1e6).round() / 1e6
}
