//! The warm-up: how a gate that cannot look ahead learns its background, from what comes first.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Background, Grid};

/// So many grids show what is usual…
const GRIDS: usize = 11;
/// …if they are so far apart: who passes is in a few of them alone.
const APART: TimeDelta = TimeDelta::seconds(1);

#[derive(Clone, Debug, Default)]
pub(super) struct WarmUp {
    grids: Vec<Grid>,
    last: Option<DateTime<Utc>>,
}

impl WarmUp {
    /// Takes one in; returns what was learnt, once there are enough.
    pub(super) fn take(&mut self, grid: &Grid, time: DateTime<Utc>) -> Option<Background> {
        if self.last.is_some_and(|last| time - last < APART && time >= last) {
            return None;
        }
        self.last = Some(time);
        if self.grids.first().is_some_and(|first| first.size != grid.size) {
            self.grids.clear();
        }
        self.grids.push(grid.clone());
        if self.grids.len() < GRIDS { None } else { Background::learn(&self.grids) }
    }
}
