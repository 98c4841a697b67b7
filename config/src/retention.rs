//! `[[retention.rule]]`: what becomes of some of the footage, told by its camera and by what it shows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::{AfterProcessing, CameraId, Retention};

/// Who restores footage wants to look at it.
pub(crate) const KEEP_RESTORED: Duration = Duration::from_secs(7 * 86_400);

/// The first rule that fits a segment holds for it. What the rule does not say, `[retention]` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetentionRule {
    /// Empty: all.
    pub cameras: Vec<CameraId>,
    /// One of them was seen; empty: whatever was seen, and what was not looked at too.
    pub labels: Vec<String>,
    /// What scores less does not count as seen.
    pub min_score: f32,
    pub after_processing: Option<AfterProcessing>,
    pub max_age: Option<Duration>,
    pub min_age: Option<Duration>,
    /// Bytes of all segments that the rule holds for.
    pub max_bytes: Option<u64>,
    /// Class that they are archived in; absent: that of the archive.
    pub storage_class: Option<String>,
}

impl RetentionRule {
    /// Tells whether the rule holds for a camera's segment in which `seen` was seen, with scores.
    pub fn fits(&self, camera: &str, seen: &[(Arc<str>, f64)]) -> bool {
        let camera_fits = self.cameras.is_empty() || self.cameras.iter().any(|id| id.as_str() == camera);
        let is_wanted = |(label, score): &(Arc<str>, f64)| {
            *score as f32 >= self.min_score && self.labels.iter().any(|wanted| **wanted == **label)
        };
        camera_fits && (self.labels.is_empty() || seen.iter().any(is_wanted))
    }

    /// Tells whether every segment that fits `other` fits this one too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let all = |ours: &[CameraId], theirs: &[CameraId]| {
            ours.is_empty() || (!theirs.is_empty() && theirs.iter().all(|id| ours.contains(id)))
        };
        let seen = self.labels.is_empty()
            || (!other.labels.is_empty()
                && other.labels.iter().all(|label| self.labels.contains(label))
                && self.min_score <= other.min_score);
        all(&self.cameras, &other.cameras) && seen
    }
}

impl Retention {
    /// Returns the number of the first rule that fits; `None` where `[retention]` alone holds.
    pub fn rule_of(&self, camera: &str, seen: &[(Arc<str>, f64)]) -> Option<usize> {
        self.rules.iter().position(|rule| rule.fits(camera, seen))
    }

    /// Returns the classes that rules name for what is archived, each once.
    pub fn storage_classes(&self) -> BTreeSet<&str> {
        self.rules.iter().filter_map(|rule| rule.storage_class.as_deref()).collect()
    }

    /// Returns the labels that matter, each once.
    pub fn labels(&self) -> Vec<&str> {
        let all = self.rules.iter().flat_map(|rule| &rule.labels);
        all.map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            after_processing: AfterProcessing::Move,
            max_age: None,
            min_free: None,
            protect_unprocessed: true,
            min_age: None,
            max_bytes: None,
            failed_max_age: None,
            max_unprocessed_age: None,
            guard_share: 0.5,
            rules: Vec::new(),
            archive_after: None,
            delete_after_archive: Duration::ZERO,
            keep_restored: KEEP_RESTORED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(cameras: &[&str], labels: &[&str], min_score: f32) -> RetentionRule {
        RetentionRule {
            cameras: cameras.iter().map(|id| id.parse().unwrap()).collect(),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            min_score,
            ..RetentionRule::default()
        }
    }

    #[test]
    fn a_rule_fits_by_camera_and_by_what_was_seen() {
        let seen = [("person".into(), 0.8), ("car".into(), 0.45)];
        let cases = [
            (rule(&[], &[], 0.0), true),
            (rule(&["gate", "yard"], &[], 0.0), true),
            (rule(&["yard"], &["person"], 0.0), false),
            (rule(&["gate"], &["dog", "person"], 0.8), true),
            (rule(&[], &["car"], 0.5), false),
        ];
        for (rule, fits) in cases {
            assert_eq!(rule.fits("gate", &seen), fits, "{rule:?}");
        }
        assert!(!rule(&[], &["person"], 0.0).fits("gate", &[]));
    }

    #[test]
    fn the_first_rule_that_fits_holds() {
        let rules = vec![rule(&[], &["person"], 0.0), rule(&["gate"], &[], 0.0)];
        let policy = Retention { rules, ..Retention::default() };
        let seen = [("person".into(), 0.5)];
        assert_eq!(policy.rule_of("gate", &seen), Some(0));
        assert_eq!(policy.rule_of("gate", &[]), Some(1));
        assert_eq!(policy.rule_of("yard", &[]), None);
    }

    #[test]
    fn a_rule_covers_what_is_narrower() {
        let (all, gate) = (rule(&[], &[], 0.0), rule(&["gate"], &[], 0.0));
        let (people, sure) = (rule(&[], &["person"], 0.0), rule(&["gate"], &["person"], 0.7));
        assert!(all.covers(&gate) && all.covers(&sure) && gate.covers(&sure) && people.covers(&sure));
        assert!(!gate.covers(&all) && !people.covers(&all) && !sure.covers(&people) && !gate.covers(&people));
    }
}
