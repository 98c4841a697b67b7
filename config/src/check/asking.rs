//! `vision.mode` and `[vision.batch]`: how the vision model is asked.

use std::time::Duration;

use super::Check;
use crate::raw::RawBatch;
use crate::{Batches, VisionMode};

const MEGABYTE: f64 = 1e6;

impl Check<'_> {
    pub(super) fn vision_mode(&mut self, text: &str) -> Option<VisionMode> {
        let modes =
            [("direct", VisionMode::Direct), ("flex", VisionMode::Flex), ("batch", VisionMode::Batch)];
        self.choice("vision.mode", text, &modes)
    }

    pub(super) fn batches(&mut self, raw: &RawBatch) -> Option<Batches> {
        let max_lines = self.whole("vision.batch.max_lines", raw.max_lines, 1..=1_000_000);
        let megabytes = self.number("vision.batch.max_mb", raw.max_mb, 0.01..=100_000.0);
        let per_hour = self.whole("vision.batch.max_per_hour", raw.max_per_hour, 1..=1_000_000);
        let gather = self.number("vision.batch.gather_minutes", raw.gather_minutes, 0.0..=1440.0);
        let poll = self.number("vision.batch.poll_seconds", raw.poll_seconds, 0.1..=86_400.0);
        Some(Batches {
            max_lines: max_lines?,
            max_bytes: (megabytes? * MEGABYTE) as u64,
            per_hour: per_hour?,
            gather: Duration::from_secs_f64(gather? * 60.0),
            poll: Duration::from_secs_f64(poll?),
        })
    }
}
