//! What a plan wants to have archived: segments by hour and camera, which is how they are bundled.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::{SegmentId, Span};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::{Entry, Verdict};

/// Oldest hour first. A number per segment: of millions it fits into memory.
#[derive(Clone, Debug, Default)]
pub struct Due {
    hours: BTreeMap<(DateTime<Utc>, Arc<str>), Vec<SegmentId>>,
}

impl Due {
    /// Adds what the verdict is for; everything else is left out.
    pub fn add(&mut self, entry: &Entry) {
        let hour = entry.start.duration_trunc(TimeDelta::hours(1));
        if let (Verdict::Archive, Ok(hour)) = (entry.verdict, hour) {
            self.hours.entry((hour, entry.camera.clone())).or_default().push(entry.id);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }

    /// Lists camera, hour and segments.
    pub fn hours(&self) -> impl Iterator<Item = (&str, Span, &[SegmentId])> {
        self.hours.iter().map(|((hour, camera), segments)| {
            (&**camera, Span::new(*hour, *hour + TimeDelta::hours(1)), segments.as_slice())
        })
    }
}
