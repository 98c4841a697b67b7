//! The tap: picks the newest keyframe of each interval and puts it where it is fetched from.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::cut::slot;
use crate::mp4::{FileHead, FragmentHead, Origins, Run, Sample, TrackHead};
use crate::segment::Fragment;
use crate::tap::Tap;

/// A keyframe, as a file of its own.
#[derive(Debug)]
pub(super) struct Still {
    pub(super) taken: DateTime<Utc>,
    pub(super) mp4: Vec<u8>,
}

/// One still waits at most: a newer one takes its place.
pub(super) type Newest = watch::Sender<Option<Arc<Still>>>;

#[derive(Debug)]
pub(super) struct SnapshotTap {
    every: Duration,
    newest: Newest,
    head: Option<FileHead>,
    /// The interval of the last still.
    last: Option<i64>,
}

impl SnapshotTap {
    pub(super) fn new(every: Duration, newest: Newest) -> Self {
        Self { every, newest, head: None, last: None }
    }
}

impl Tap for SnapshotTap {
    fn opened(&mut self, head: &FileHead, _finished: Option<&Path>) {
        let tracks = head.tracks.iter().take(1).cloned().collect();
        self.head = Some(FileHead { metadata: head.metadata.clone(), tracks, origins: Origins::default() });
    }

    fn appended(&mut self, fragment: &Fragment, _bytes: Option<Range<u64>>) {
        let Some(head) = &self.head else { return };
        let (Some(video), Some((keyframe, data))) = (head.tracks.first(), last_keyframe(fragment)) else {
            return;
        };
        let taken = head.metadata.start + shown_after(keyframe, video);
        let interval = slot(taken, self.every);
        if self.last.replace(interval) == Some(interval) {
            return;
        }
        let still = Still { taken, mp4: alone(head, keyframe, fragment.data.part(data)) };
        self.newest.send_replace(Some(Arc::new(still)));
    }

    fn closed(&mut self, _finished: Option<&Path>) {}
}

/// Returns the sample, and where it lies in the fragment's data.
fn last_keyframe(fragment: &Fragment) -> Option<(&Sample, Range<usize>)> {
    let video = fragment.runs.first().filter(|run| run.track == 0)?;
    let number = video.samples.iter().rposition(|sample| sample.keyframe)?;
    let begin = video.samples[..number].iter().map(|sample| sample.size as usize).sum();
    let keyframe = &video.samples[number];
    Some((keyframe, begin..begin + keyframe.size as usize))
}

/// Counted from the beginning of its file.
fn shown_after(sample: &Sample, video: &TrackHead) -> TimeDelta {
    let ticks = i128::from(sample.dts) + i128::from(sample.offset);
    let millis = ticks * 1000 / i128::from(video.time_scale.max(1));
    TimeDelta::milliseconds(i64::try_from(millis).unwrap_or(0))
}

fn alone<'a>(head: &FileHead, keyframe: &Sample, data: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let sample = Sample { dts: 0, offset: 0, ..*keyframe };
    let mut mp4 = head.opening();
    let runs = [Run { track: 0, samples: vec![sample] }];
    mp4.extend_from_slice(&FragmentHead::of(1, &runs, &head.origins).bytes);
    data.for_each(|slice| mp4.extend_from_slice(slice));
    mp4
}

#[cfg(test)]
mod tests {
    use catalog::ClockSource;

    use super::*;
    use crate::blocks::{BlockPool, Blocks};
    use crate::mp4::{Metadata, TrackKind};
    use crate::segment::Next;

    fn head() -> FileHead {
        let metadata = Metadata {
            camera: "gate".parse().unwrap(),
            start: "2026-11-22T11:54:42.500Z".parse().unwrap(),
            clock: ClockSource::ReceiveTime,
        };
        let kind = TrackKind::Video { width: 320, height: 240 };
        FileHead {
            metadata,
            tracks: vec![TrackHead { kind, time_scale: 1000, sample_entry: b"\0\0\0\x08avc1".to_vec() }],
            origins: Origins::default(),
        }
    }

    /// Makes samples of `(decode time in ms, keyframe)`, each of three bytes of its number.
    fn fragment(samples: &[(u64, bool)]) -> Fragment {
        let mut data = Blocks::new(&BlockPool::default());
        (0u8..).zip(samples).for_each(|(number, _)| data.push(&[number; 3]));
        let sample =
            |&(dts, keyframe): &(u64, bool)| Sample { dts, duration: 40, offset: 0, size: 3, keyframe };
        Fragment {
            runs: vec![Run { track: 0, samples: samples.iter().map(sample).collect() }],
            data,
            next: Next::Keyframe,
        }
    }

    #[test]
    fn the_newest_keyframe_of_each_interval_is_taken_once() {
        let (newest, mut fetched) = watch::channel(None);
        let mut tap = SnapshotTap::new(Duration::from_secs(2), newest);
        tap.opened(&head(), None);
        let mut take = |samples: &[(u64, bool)]| {
            tap.appended(&fragment(samples), None);
            let changed = fetched.has_changed().unwrap();
            let still: Option<Arc<Still>> = fetched.borrow_and_update().clone();
            still.filter(|_| changed).map(|still| (still.taken.to_rfc3339(), still.mp4.last().copied()))
        };
        let at = |second: &str| format!("2026-11-22T11:54:{second}+00:00");
        assert_eq!(take(&[(0, true), (40, true), (80, false)]), Some((at("42.540"), Some(1))));
        assert_eq!(take(&[(1000, true), (1040, false)]), None, "the same two seconds");
        assert_eq!(take(&[(1600, false)]), None, "no keyframe");
        assert_eq!(take(&[(1900, false), (1940, false), (2000, true)]), Some((at("44.500"), Some(2))));
    }
}
