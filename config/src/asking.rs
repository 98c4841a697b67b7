//! How the vision model is asked: at once, by the provider's flex tier, or by batches.

use std::time::Duration;

use crate::{Price, Rates};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VisionMode {
    /// One request, one answer, at the full price.
    #[default]
    Direct,
    /// One request, one answer, at the price of batches, when the provider has time.
    Flex,
    /// Files of many requests that are answered within a day, at the price of batches.
    Batch,
}

/// What becomes of a request for which the flex tier has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlexFallback {
    /// It is asked at the full price.
    Direct,
    /// It waits.
    Never,
}

/// The provider's limits for batches, and how patiently they are gathered and followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    pub max_lines: u64,
    pub max_bytes: u64,
    pub per_hour: u64,
    /// The oldest question waits no longer for others to go along.
    pub gather: Duration,
    /// Between two looks at what has become of a batch.
    pub poll: Duration,
}

impl Price {
    pub fn rates_by(&self, mode: VisionMode) -> Rates {
        match mode {
            VisionMode::Direct => self.rates,
            VisionMode::Flex | VisionMode::Batch => self.batch,
        }
    }
}
