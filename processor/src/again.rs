//! Looking again: what was looked at under another profile than today's is offered once more.

use std::collections::BTreeMap;

use catalog::{Again, CatalogError, MediaFolder, MediaRoot, Outdated, Queue};
use serde::Serialize;

use crate::error::ProcessorError;
use crate::processing::Processing;

/// What looking again comes to, for one camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AgainTally {
    /// Segments to be looked at.
    pub segments: u64,
    /// Segments with results under today's profile, which count again without a look.
    pub known: u64,
}

impl Processing {
    /// Tells by camera what [`offer_again`](Self::offer_again) would offer.
    pub fn plan_again(&self, again: &Again) -> Result<BTreeMap<String, AgainTally>, ProcessorError> {
        let mut plan = BTreeMap::new();
        for (camera, outdated) in self.outdated(again)? {
            let known = outdated.iter().filter(|o| o.is_known).count() as u64;
            plan.insert(camera, AgainTally { segments: outdated.len() as u64 - known, known });
        }
        Ok(plan)
    }

    /// Offers what was looked at under another profile. Its results stay until there are newer ones, and what was
    /// paid for is not paid again.
    pub fn offer_again(&self, root: &MediaRoot, again: &Again) -> Result<(), ProcessorError> {
        let media = MediaFolder::new(self.catalog().clone(), Some(root.clone()));
        for (camera, outdated) in self.outdated(again)? {
            let profile = &self.profile(&camera).id;
            let (known, to_look): (Vec<_>, Vec<_>) = outdated.into_iter().partition(|o| o.is_known);
            let ids: Vec<_> = to_look.iter().map(|o| o.id).collect();
            self.queue().offer(&ids, self.now())?;
            for Outdated { id, .. } in known {
                media.promote(id, profile, self.now())?;
            }
        }
        Ok(())
    }

    fn outdated(&self, again: &Again) -> Result<Vec<(String, Vec<Outdated>)>, CatalogError> {
        let mut cameras = self.catalog().cameras_processed()?;
        cameras.retain(|camera| again.cameras.is_empty() || again.cameras.contains(camera));
        let list = |camera: String| {
            let outdated = self.catalog().outdated(&camera, (&self.profile(&camera).id, again))?;
            Ok((camera, outdated))
        };
        cameras.into_iter().map(list).collect()
    }
}
