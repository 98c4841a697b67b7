//! What a plan wants to have archived: segments by hour, camera and storage class, which is how they are bundled.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::{SegmentId, Span};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::{Entry, Verdict};

/// Oldest hour first. A number per segment: of millions it fits into memory.
#[derive(Clone, Debug, Default)]
pub struct Due {
    bundles: BTreeMap<Key, Vec<SegmentId>>,
}

type Key = (DateTime<Utc>, Arc<str>, Option<Arc<str>>);

/// What goes into one bundle.
#[derive(Clone, Copy, Debug)]
pub struct DueBundle<'a> {
    pub camera: &'a str,
    pub hour: Span,
    /// Absent: that of the archive.
    pub class: Option<&'a str>,
    pub segments: &'a [SegmentId],
}

impl Due {
    /// Adds what the verdict is for; everything else is left out.
    pub fn add(&mut self, entry: &Entry) {
        let hour = entry.start.duration_trunc(TimeDelta::hours(1));
        if let (Verdict::Archive, Ok(hour)) = (entry.verdict, hour) {
            let key = (hour, entry.camera.clone(), entry.class.clone());
            self.bundles.entry(key).or_default().push(entry.id);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty()
    }

    pub fn bundles(&self) -> impl Iterator<Item = DueBundle<'_>> {
        self.bundles.iter().map(|((hour, camera, class), segments)| DueBundle {
            camera,
            hour: Span::new(*hour, *hour + TimeDelta::hours(1)),
            class: class.as_deref(),
            segments,
        })
    }
}
