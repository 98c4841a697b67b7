//! The reasons of a verdict: each names the setting it comes from.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use config::AfterProcessing;
use serde::{Serialize, Serializer};

/// Which section of the settings says it: `[retention]`, or the rule of this number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Section(Option<u16>);

impl Section {
    pub const DEFAULTS: Self = Self(None);

    pub fn rule(number: usize) -> Self {
        Self(u16::try_from(number).ok())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(f, "retention.rule[{number}]"),
            None => f.write_str("retention"),
        }
    }
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a segment gets its verdict: what it is, the rules that led there, and those that were held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    AfterProcessing(Section, AfterProcessing),
    /// It lies where `move` would bring it.
    AlreadyMoved,
    /// Somebody works on it.
    Leased,
    Queued,
    QueuedAgain,
    NotQueued,
    Failed,
    Gone,
    /// Somebody said that it stays, until then or for good.
    OnHold(Option<DateTime<Utc>>),
    TooOld(Section, Duration),
    /// Not old enough yet for what would follow processing.
    TooYoung(Section, Duration),
    /// Old enough, but only what is processed and needs no more work goes by age.
    SparedByAge(Section, Duration),
    ClockInDoubt(Section, Duration),
    FailedTooOld(Duration),
    UnprocessedTooOld(Duration),
    /// More is held than may be, and it is among the oldest.
    OverSize(Section, u64),
    /// Room is needed, and it is among the oldest.
    Floor(u64),
    /// Room is needed, but not from what was not looked at.
    Protected,
    Unprotected,
    /// It is old enough for the archive.
    ArchiveAfter(Duration),
    /// The archive holds it, and its local copy has stayed long enough.
    InArchive,
    /// The archive holds it, and its local copy stays for so long.
    CopyOfArchived(Duration),
    /// It was restored, and stays for so long.
    Restored(Duration),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AfterProcessing(section, what) => {
                write!(f, "processed, and {section}.after_processing = \"{}\"", word(*what))
            }
            Self::AlreadyMoved => f.write_str("processed, and in processed/ already"),
            Self::Leased => f.write_str("being processed now"),
            Self::Queued => f.write_str("waits to be processed"),
            Self::QueuedAgain => f.write_str("processed, and waits to be processed again"),
            Self::NotQueued => f.write_str("not processed, and in no queue"),
            Self::Failed => f.write_str("not processed, since it failed"),
            Self::Gone => f.write_str("its file is gone"),
            Self::OnHold(None) => f.write_str("on hold until nightreel hold --off"),
            Self::OnHold(Some(until)) => {
                write!(f, "on hold until {}", until.to_rfc3339_opts(SecondsFormat::Secs, true))
            }
            Self::TooOld(section, age) => write!(f, "older than {section}.max_age_days = {}", Days(*age)),
            Self::TooYoung(section, age) => {
                write!(f, "processed, and younger than {section}.min_age_days = {}", Days(*age))
            }
            Self::SparedByAge(section, age) => {
                write!(f, "older than {section}.max_age_days = {}, which spares unfinished work", Days(*age))
            }
            Self::ClockInDoubt(section, age) => write!(
                f,
                "older than {section}.max_age_days = {}, but the clock is in doubt until nightreel retain --confirm-clock",
                Days(*age)
            ),
            Self::FailedTooOld(age) => write!(f, "older than retention.failed_max_age_days = {}", Days(*age)),
            Self::UnprocessedTooOld(age) => {
                write!(f, "older than retention.max_unprocessed_age_days = {}", Days(*age))
            }
            Self::OverSize(section, bytes) => {
                write!(f, "among the oldest, and more is held than {section}.max_gb = {}", Gigabytes(*bytes))
            }
            Self::Floor(bytes) => write!(
                f,
                "among the oldest, and less is free than retention.min_free_gb = {}",
                Gigabytes(*bytes)
            ),
            Self::Protected => f.write_str("safe from the floor, since retention.protect_unprocessed = true"),
            Self::Unprotected => {
                f.write_str("open to the floor, since retention.protect_unprocessed = false")
            }
            Self::ArchiveAfter(age) => write!(f, "older than retention.archive_after_days = {}", Days(*age)),
            Self::InArchive => f.write_str("in the archive"),
            Self::CopyOfArchived(stay) => {
                let stay = Days(*stay);
                write!(f, "in the archive, but not longer than retention.delete_after_archive_days = {stay}")
            }
            Self::Restored(stay) => {
                let stay = Days(*stay);
                write!(
                    f,
                    "restored from the archive, not longer than retention.keep_restored_days = {stay} ago"
                )
            }
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes reasons one after another, as they are shown and kept.
pub fn in_words(reasons: &[Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

struct Days(Duration);

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rounded(self.0.as_secs_f64() / SECONDS_PER_DAY).fmt(f)
    }
}

struct Gigabytes(u64);

impl fmt::Display for Gigabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rounded(self.0 as f64 / BYTES_PER_GB).fmt(f)
    }
}

const SECONDS_PER_DAY: f64 = 86_400.0;
const BYTES_PER_GB: f64 = 1e9;

fn word(after: AfterProcessing) -> &'static str {
    match after {
        AfterProcessing::Keep => "keep",
        AfterProcessing::Move => "move",
        AfterProcessing::Archive => "archive",
        AfterProcessing::Delete => "delete",
    }
}

/// As a person wrote it: the way to bytes and seconds and back leaves crumbs behind the sixth digit.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_key_as_it_was_written() {
        let days = |days: f64| Duration::from_secs_f64(days * SECONDS_PER_DAY);
        let bytes = |gb: f64| (gb * BYTES_PER_GB) as u64;
        let all = Section::DEFAULTS;
        let after = |what| Reason::AfterProcessing(all, what);
        let cases = [
            (after(AfterProcessing::Move), "processed, and retention.after_processing = \"move\""),
            (after(AfterProcessing::Keep), "processed, and retention.after_processing = \"keep\""),
            (after(AfterProcessing::Delete), "processed, and retention.after_processing = \"delete\""),
            (Reason::TooOld(all, days(30.0)), "older than retention.max_age_days = 30"),
            (Reason::TooOld(Section::rule(2), days(0.1)), "older than retention.rule[2].max_age_days = 0.1"),
            (
                Reason::TooYoung(Section::rule(0), days(7.0)),
                "processed, and younger than retention.rule[0].min_age_days = 7",
            ),
            (
                Reason::SparedByAge(all, days(7.0)),
                "older than retention.max_age_days = 7, which spares unfinished work",
            ),
            (
                Reason::ClockInDoubt(all, days(7.0)),
                "older than retention.max_age_days = 7, but the clock is in doubt until nightreel retain --confirm-clock",
            ),
            (Reason::FailedTooOld(days(60.0)), "older than retention.failed_max_age_days = 60"),
            (Reason::UnprocessedTooOld(days(60.0)), "older than retention.max_unprocessed_age_days = 60"),
            (
                Reason::OverSize(Section::rule(1), bytes(0.5)),
                "among the oldest, and more is held than retention.rule[1].max_gb = 0.5",
            ),
            (
                Reason::Floor(bytes(0.3)),
                "among the oldest, and less is free than retention.min_free_gb = 0.3",
            ),
            (Reason::OnHold(DateTime::from_timestamp(0, 0)), "on hold until 1970-01-01T00:00:00Z"),
            (Reason::Protected, "safe from the floor, since retention.protect_unprocessed = true"),
            (Reason::Unprotected, "open to the floor, since retention.protect_unprocessed = false"),
        ];
        for (reason, text) in cases {
            assert_eq!(reason.to_string(), text);
        }
    }
}
