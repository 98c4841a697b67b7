//! The reasons of a verdict: each names the setting it comes from.

use std::fmt;
use std::time::Duration;

use config::AfterProcessing;
use serde::{Serialize, Serializer};

/// Why a segment gets its verdict: what it is, the rules that led there, and those that were held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    AfterProcessing(AfterProcessing),
    /// It lies where `move` would bring it.
    AlreadyMoved,
    /// Somebody works on it.
    Leased,
    Queued,
    QueuedAgain,
    NotQueued,
    Failed,
    Gone,
    TooOld(Duration),
    /// Old enough, but only what is processed and needs no more work goes by age.
    SparedByAge(Duration),
    ClockInDoubt(Duration),
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
            Self::AfterProcessing(what) => {
                write!(f, "processed, and retention.after_processing = \"{}\"", word(*what))
            }
            Self::AlreadyMoved => f.write_str("processed, and in processed/ already"),
            Self::Leased => f.write_str("being processed now"),
            Self::Queued => f.write_str("waits to be processed"),
            Self::QueuedAgain => f.write_str("processed, and waits to be processed again"),
            Self::NotQueued => f.write_str("not processed, and in no queue"),
            Self::Failed => f.write_str("not processed, since it failed"),
            Self::Gone => f.write_str("its file is gone"),
            Self::TooOld(age) => write!(f, "older than {}", MaxAge(*age)),
            Self::SparedByAge(age) => write!(f, "older than {}, which spares unfinished work", MaxAge(*age)),
            Self::ClockInDoubt(age) => write!(
                f,
                "older than {}, but the clock is in doubt until nightreel retain --confirm-clock",
                MaxAge(*age)
            ),
            Self::Floor(bytes) => write!(
                f,
                "among the oldest, and less is free than retention.min_free_gb = {}",
                rounded(*bytes as f64 / BYTES_PER_GB)
            ),
            Self::Protected => f.write_str("safe from the floor, since retention.protect_unprocessed = true"),
            Self::Unprotected => {
                f.write_str("open to the floor, since retention.protect_unprocessed = false")
            }
            Self::ArchiveAfter(age) => write!(f, "older than retention.archive_after_days = {}", days(*age)),
            Self::InArchive => f.write_str("in the archive"),
            Self::CopyOfArchived(stay) => {
                let stay = days(*stay);
                write!(f, "in the archive, but not longer than retention.delete_after_archive_days = {stay}")
            }
            Self::Restored(stay) => {
                let stay = days(*stay);
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

struct MaxAge(Duration);

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retention.max_age_days = {}", days(self.0))
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

fn days(span: Duration) -> f64 {
    rounded(span.as_secs_f64() / SECONDS_PER_DAY)
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
        let after = Reason::AfterProcessing;
        let cases = [
            (after(AfterProcessing::Move), "processed, and retention.after_processing = \"move\""),
            (after(AfterProcessing::Keep), "processed, and retention.after_processing = \"keep\""),
            (after(AfterProcessing::Delete), "processed, and retention.after_processing = \"delete\""),
            (Reason::TooOld(days(30.0)), "older than retention.max_age_days = 30"),
            (Reason::TooOld(days(0.1)), "older than retention.max_age_days = 0.1"),
            (
                Reason::SparedByAge(days(7.0)),
                "older than retention.max_age_days = 7, which spares unfinished work",
            ),
            (
                Reason::ClockInDoubt(days(7.0)),
                "older than retention.max_age_days = 7, but the clock is in doubt until nightreel retain --confirm-clock",
            ),
            (
                Reason::Floor((0.3 * BYTES_PER_GB) as u64),
                "among the oldest, and less is free than retention.min_free_gb = 0.3",
            ),
            (Reason::Protected, "safe from the floor, since retention.protect_unprocessed = true"),
            (Reason::Unprotected, "open to the floor, since retention.protect_unprocessed = false"),
        ];
        for (reason, text) in cases {
            assert_eq!(reason.to_string(), text);
        }
    }
}
