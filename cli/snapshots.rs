//! Pictures for snapshots: the recorder has the frames, the processor the decoder; they meet here.

use std::sync::Arc;

use config::Settings;
use recorder::SnapshotMaker;

/// Of the JPEGs, for people to look at.
#[cfg(feature = "process")]
const QUALITY: u8 = 85;

/// Returns what makes pictures, where this binary can.
pub(crate) fn maker(settings: &Settings) -> Option<Arc<dyn SnapshotMaker>> {
    #[cfg(feature = "process")]
    let maker = Some(Arc::new(Pictures::of(settings)) as Arc<dyn SnapshotMaker>);
    #[cfg(not(feature = "process"))]
    let maker = {
        let _ = settings;
        None
    };
    maker
}

/// Decodes in a process of its own, and knows what nobody may see, by the id of the camera.
#[cfg(feature = "process")]
#[derive(Debug)]
struct Pictures {
    stills: processor::still::Stills,
    masks: std::collections::HashMap<String, Vec<config::Mask>>,
}

#[cfg(feature = "process")]
impl Pictures {
    fn of(settings: &Settings) -> Self {
        let masks = |camera: &config::Camera| (camera.id.to_string(), camera.masks.clone());
        Self {
            stills: processor::still::Stills::new(crate::commands::decode_worker::program()),
            masks: settings.cameras.iter().map(masks).collect(),
        }
    }
}

#[cfg(feature = "process")]
impl SnapshotMaker for Pictures {
    fn jpeg(
        &self,
        camera: &config::CameraId,
        mp4: &[u8],
    ) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let masks = self.masks.get(camera.as_str()).map_or(&[][..], Vec::as_slice);
        Ok(self.stills.jpeg(mp4, masks, QUALITY)?)
    }
}
