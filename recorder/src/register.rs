//! The thread that tells the catalogue. Apart from the writers of files, so that a catalogue held by another
//! process never delays footage on its way to the disk.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use catalog::{Catalog, CatalogError, Clock, ClosedSegment, Gap, Health, OpenGap};
use chrono::{DateTime, Utc};
use config::CameraId;

use crate::RecorderError;
use crate::thread::{self, Ended};
use crate::wall::ClockStep;

/// Two hours of eight cameras. Beyond it segments are left for the catalogue's next walk over the folder.
const ENTRIES: usize = 1024;

/// What the catalogue does not take now, because its disk is full or another process holds it, is offered again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug)]
enum Entry {
    Begun(Vec<CameraId>),
    Resumed(CameraId, DateTime<Utc>),
    Closed(ClosedSegment),
    Open(OpenGap),
    Gaps(Vec<Gap>),
    Health(Vec<Health>),
    Step(ClockStep),
}

#[derive(Clone, Debug)]
pub(crate) struct Register {
    entries: SyncSender<Entry>,
}

impl Register {
    /// The thread ends when the last clone is dropped and everything is told.
    pub(crate) fn start(catalog: Catalog, clock: Clock) -> Result<(Self, Ended), RecorderError> {
        let (entries, received) = sync_channel(ENTRIES);
        let ended = thread::start("register", move || Teller { catalog, clock }.run(&received))?;
        Ok((Self { entries }, ended))
    }

    /// Ends what an earlier recorder of these cameras left open.
    pub(crate) fn begun(&self, cameras: Vec<CameraId>) {
        self.offer(Entry::Begun(cameras));
    }

    /// A camera is in hand since `at`.
    pub(crate) fn resumed(&self, camera: CameraId, at: DateTime<Utc>) {
        self.offer(Entry::Resumed(camera, at));
    }

    pub(crate) fn closed(&self, segment: ClosedSegment) {
        tracing::debug!(
            camera = %segment.camera,
            path = %segment.path.display(),
            seconds = segment.duration.as_secs_f64(),
            "segment closed"
        );
        self.offer(Entry::Closed(segment));
    }

    pub(crate) fn open_gap(&self, gap: OpenGap) {
        self.offer(Entry::Open(gap));
    }

    pub(crate) fn gaps(&self, gaps: Vec<Gap>) {
        if !gaps.is_empty() {
            self.offer(Entry::Gaps(gaps));
        }
    }

    pub(crate) fn health(&self, cameras: Vec<Health>) {
        self.offer(Entry::Health(cameras));
    }

    pub(crate) fn clock_step(&self, step: ClockStep) {
        self.offer(Entry::Step(step));
    }

    fn offer(&self, entry: Entry) {
        if let Err(e) = self.entries.try_send(entry) {
            tracing::warn!(error = %e, "catalogue takes no more entries, this one is left to its next walk");
        }
    }
}

struct Teller {
    catalog: Catalog,
    clock: Clock,
}

impl Teller {
    fn run(&self, entries: &Receiver<Entry>) {
        // in their order, since one may rest upon another
        let mut waiting: VecDeque<Entry> = VecDeque::new();
        let mut tried = Instant::now();
        loop {
            let was_empty = waiting.is_empty();
            let next = match was_empty {
                true => entries.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => entries.recv_timeout(AGAIN_AFTER),
            };
            match next {
                // what is said every ten seconds need not be kept
                Ok(Entry::Health(_)) if !was_empty => {}
                Ok(entry) => waiting.push_back(entry),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if was_empty || tried.elapsed() >= AGAIN_AFTER {
                self.tell_all(&mut waiting);
                tried = Instant::now();
            }
            if waiting.len() >= ENTRIES {
                waiting.pop_front();
                tracing::error!("the catalogue takes nothing, its oldest entry is given up");
            }
        }
        self.tell_all(&mut waiting);
        if !waiting.is_empty() {
            tracing::error!(entries = waiting.len(), "the catalogue takes nothing, entries are given up");
        }
    }

    /// Tells until one has to wait.
    fn tell_all(&self, waiting: &mut VecDeque<Entry>) {
        while let Some(entry) = waiting.front() {
            match self.tell(entry) {
                Err(e) if e.is_retryable() || e.is_of_the_disk() => {
                    tracing::debug!(error = &e as &dyn std::error::Error, "the catalogue has to wait");
                    return;
                }
                Err(e) => {
                    let error = &e as &dyn std::error::Error;
                    tracing::warn!(error, "segment or gap is not in the catalogue yet");
                }
                Ok(()) => {}
            }
            waiting.pop_front();
        }
    }

    fn tell(&self, entry: &Entry) -> Result<(), CatalogError> {
        let catalog = &self.catalog;
        match entry {
            Entry::Begun(cameras) => catalog.end_left_open(cameras),
            Entry::Resumed(camera, at) => catalog.note_resumed(camera, *at),
            Entry::Closed(segment) => catalog.add_recorded(segment, self.clock.now()).map(drop),
            Entry::Open(gap) => catalog.open_gap(gap),
            Entry::Gaps(gaps) => catalog.add_gaps(gaps),
            Entry::Health(cameras) => catalog.note_health(cameras),
            Entry::Step(step) => catalog.note_clock_step(step.before, step.after),
        }
    }
}
