//! When a segment began: the best of what its row, its metadata, its name and its file tell.

use std::time::Duration;

use catalog::{Segment, StartSource};
use chrono::{DateTime, TimeDelta, Utc};

use crate::video::FileStart;

/// Chooses the start: the recorder's word, then the file's metadata, then its name, then the time it was last
/// written to, less its length.
pub(crate) fn choose(
    segment: &Segment,
    told: Option<FileStart>,
    duration: Duration,
) -> (DateTime<Utc>, StartSource) {
    let known = (segment.start, segment.start_source);
    match (segment.start_source, told) {
        (StartSource::Recorder, _) => known,
        (_, Some(FileStart::Recorder(start))) => (start, StartSource::Recorder),
        (_, Some(FileStart::Metadata(start))) => (start, StartSource::Metadata),
        (StartSource::Metadata | StartSource::Name, None) => known,
        (StartSource::Mtime, None) => {
            let length = TimeDelta::from_std(duration).unwrap_or_default();
            (segment.stat.modified() - length, StartSource::Mtime)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use catalog::{FileStat, SegmentId, SegmentState};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn segment(start_source: StartSource) -> Segment {
        let mtime = at("2026-11-22T12:01:00Z");
        Segment {
            id: SegmentId(1),
            path: PathBuf::from("gate/a.mp4"),
            camera: None,
            state: SegmentState::Ready,
            start: at("2026-11-22T12:00:00Z"),
            start_source,
            duration: None,
            stat: FileStat { size: 1, mtime_ns: mtime.timestamp_nanos_opt().unwrap(), inode: 1 },
            reason: None,
        }
    }

    #[test]
    fn takes_the_most_trusted_start() {
        let created = Some(FileStart::Metadata(at("2026-11-22T11:00:00Z")));
        let recorded = Some(FileStart::Recorder(at("2026-11-22T11:00:00Z")));
        let minute = Duration::from_secs(60);
        let cases = [
            (StartSource::Recorder, created, "2026-11-22T12:00:00Z", StartSource::Recorder),
            (StartSource::Name, recorded, "2026-11-22T11:00:00Z", StartSource::Recorder),
            (StartSource::Name, created, "2026-11-22T11:00:00Z", StartSource::Metadata),
            (StartSource::Mtime, created, "2026-11-22T11:00:00Z", StartSource::Metadata),
            (StartSource::Name, None, "2026-11-22T12:00:00Z", StartSource::Name),
            (StartSource::Mtime, None, "2026-11-22T12:00:00Z", StartSource::Mtime),
        ];
        for (source, metadata, start, chosen) in cases {
            assert_eq!(choose(&segment(source), metadata, minute), (at(start), chosen), "{source}");
        }
    }
}
