//! The tap: copies what is written into the queue, and puts files behind one another on one time line.

use std::sync::Arc;
use std::time::Duration;

use std::ops::Range;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::pieces::duration;
use super::queue::{Footage, Queue};
use crate::blocks::{BlockPool, Blocks};
use crate::mp4::{FileHead, Origins};
use crate::segment::Fragment;
use crate::tap::Tap;

/// Files of one session follow one another without a gap; what is less than this is only an uneven network.
const GAP_MIN: Duration = Duration::from_millis(500);

/// A longer gap is shortened to this: watchers need not wait it out, and the clock may have been set.
const GAP_MAX: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct RepublishTap {
    queue: Arc<Queue>,
    pool: BlockPool,
    file: Option<File>,
}

/// The file in hand, or the last one.
#[derive(Debug)]
struct File {
    head: Arc<FileHead>,
    at: Duration,
    /// How long it is so far.
    length: Duration,
}

impl RepublishTap {
    pub(super) fn new(queue: Arc<Queue>, pool: BlockPool) -> Self {
        Self { queue, pool, file: None }
    }
}

impl Tap for RepublishTap {
    fn opened(&mut self, head: &FileHead, _finished: Option<&Path>) {
        let at = self.file.as_ref().map_or(Duration::ZERO, |file| file.end_before(head.metadata.start));
        // the stream has a time line of its own
        let head = FileHead { origins: Origins::default(), ..head.clone() };
        self.file = Some(File { head: Arc::new(head), at, length: Duration::ZERO });
    }

    fn appended(&mut self, fragment: &Fragment, _bytes: Option<Range<u64>>) {
        let Some(file) = &mut self.file else { return };
        file.grow(fragment);
        let mut data = Blocks::new(&self.pool);
        fragment.data.slices().for_each(|slice| data.push(slice));
        self.queue.push(Footage {
            head: Arc::clone(&file.head),
            file_at: file.at,
            runs: fragment.runs.clone(),
            data,
        });
    }

    fn closed(&mut self, _finished: Option<&Path>) {}
}

impl File {
    fn grow(&mut self, fragment: &Fragment) {
        let video = fragment.runs.first().and_then(|run| run.samples.last());
        let scale = self.head.tracks.first().map_or(1, |track| track.time_scale);
        if let Some(last) = video {
            self.length = duration(last.dts + u64::from(last.duration), scale);
        }
    }

    /// Returns where a file begins that follows this one.
    fn end_before(&self, next: DateTime<Utc>) -> Duration {
        let since = (next - self.head.metadata.start).to_std().unwrap_or_default();
        let gap = since.saturating_sub(self.length);
        let gap = if gap < GAP_MIN { Duration::ZERO } else { gap.min(GAP_MAX) };
        self.at + self.length + gap
    }
}

#[cfg(test)]
mod tests {
    use super::super::pieces::tests::{footage, head};
    use super::*;
    use crate::segment::Next;

    #[tokio::test]
    async fn files_follow_one_another_with_the_gaps_that_were() {
        let queue = Arc::new(Queue::default());
        queue.open();
        let mut tap = RepublishTap::new(Arc::clone(&queue), BlockPool::default());
        let mut head = head();
        let mut places = Vec::new();
        // each file is 80 ms long, and begins so long after the one before
        for after_ms in [0, 80, 100, -3_600_000, 3080, 7_200_000] {
            head.metadata.start += chrono::TimeDelta::milliseconds(after_ms);
            let Footage { runs, data, .. } = footage(&[(0, 0, true), (40, 0, false)], 30);
            tap.opened(&head, None);
            tap.appended(&Fragment { runs, data, next: Next::Keyframe }, None);
            tap.closed(None);
            let taken = queue.next().await;
            assert_eq!(taken.data.len(), 30);
            places.push(taken.file_at.as_millis());
        }
        assert_eq!(places, [0, 80, 160, 240, 3320, 13_400]);
    }
}
