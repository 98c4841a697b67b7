//! What pages and API are made of: the catalogue, the settings, and figures that the program reckons elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use catalog::{Catalog, CatalogError, Clock, MediaFolder, When};
use chrono_tz::Tz;
use config::{CameraId, Recording, Settings, Windows};
use serde_json::Value;

use crate::makers::Makers;

/// Why a figure cannot be told.
pub type FigureError = Box<dyn std::error::Error + Send + Sync>;

/// Reckons what a subcommand prints with `--json`, or the like. Blocks.
pub type Figure = Arc<dyn Fn() -> Result<Value, FigureError> + Send + Sync>;

/// One definition of each number: pages show what the subcommands print. They are handed in, because what makes
/// them is not this crate's to know.
#[derive(Clone)]
pub struct Figures {
    /// `status --json`.
    pub status: Figure,
    /// `estimate --json`.
    pub estimate: Figure,
    /// The next pass of retention: sums by verdict, and what changes first.
    pub plan: Figure,
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures").finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
pub struct Site {
    /// Of its own connection: a long look must not hold up who writes.
    pub catalog: Catalog,
    pub media: MediaFolder,
    pub clock: Clock,
    pub settings: Settings,
    pub figures: Figures,
    pub makers: Makers,
}

impl Site {
    /// Times are read and shown in the zone of the windows.
    pub(crate) fn zone(&self) -> Tz {
        self.settings.process.windows.zone()
    }

    pub(crate) fn when(&self) -> When {
        When { now: self.clock.now(), zone: self.zone() }
    }

    /// Lists the cameras of the settings and those that only the catalogue knows, with when they are recorded.
    pub(crate) fn cameras(&self) -> Result<BTreeMap<CameraId, Windows>, CatalogError> {
        let always = || Windows::always(Tz::UTC);
        let recorded = self.catalog.recorded_cameras()?;
        let mut cameras: BTreeMap<CameraId, Windows> =
            recorded.into_iter().map(|id| (id, always())).collect();
        for camera in &self.settings.cameras {
            let windows = match &camera.recording {
                Recording::During(windows) => windows.clone(),
                Recording::Off => always(),
            };
            cameras.insert(camera.id.clone(), windows);
        }
        Ok(cameras)
    }
}
