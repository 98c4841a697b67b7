//! The thread that tells the catalogue. Apart from the writers of files, so that a catalogue held by another
//! process never delays footage on its way to the disk.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use catalog::{Catalog, Clock, ClosedSegment, Gap};

use crate::RecorderError;
use crate::thread::{self, Ended};

/// Two hours of eight cameras. Beyond it segments are left for the catalogue's next walk over the folder.
const ENTRIES: usize = 1024;

/// Each attempt waits 5 s for other processes by itself.
const ATTEMPTS: usize = 12;

#[derive(Debug)]
enum Entry {
    Closed(ClosedSegment),
    Gap(Gap),
}

#[derive(Clone, Debug)]
pub(crate) struct Register {
    entries: SyncSender<Entry>,
}

impl Register {
    /// The thread ends when the last clone is dropped and everything is told.
    pub(crate) fn start(catalog: Catalog, clock: Clock) -> Result<(Self, Ended), RecorderError> {
        let (entries, received) = sync_channel(ENTRIES);
        let ended = thread::start("register", move || run(&catalog, &clock, &received))?;
        Ok((Self { entries }, ended))
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

    pub(crate) fn gap(&self, gap: Gap) {
        self.offer(Entry::Gap(gap));
    }

    fn offer(&self, entry: Entry) {
        if let Err(e) = self.entries.try_send(entry) {
            tracing::warn!(error = %e, "catalogue takes no more entries, this one is left to its next walk");
        }
    }
}

fn run(catalog: &Catalog, clock: &Clock, entries: &Receiver<Entry>) {
    for entry in entries {
        let tell = || match &entry {
            Entry::Closed(segment) => catalog.add_recorded(segment, clock.now()).map(drop),
            Entry::Gap(gap) => catalog.add_gap(gap),
        };
        let mut told = tell();
        for _ in 1..ATTEMPTS {
            match &told {
                Err(e) if e.is_retryable() => told = tell(),
                _ => break,
            }
        }
        if let Err(e) = told {
            let error = &e as &dyn std::error::Error;
            tracing::warn!(error, "segment or gap is not in the catalogue yet");
        }
    }
}
