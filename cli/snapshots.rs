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
    let maker = Some(Arc::new(Stills::of(settings)) as Arc<dyn SnapshotMaker>);
    #[cfg(not(feature = "process"))]
    let maker = {
        let _ = settings;
        None
    };
    maker
}

/// What nobody may see, by the id of the camera.
#[cfg(feature = "process")]
#[derive(Debug)]
struct Stills(std::collections::HashMap<String, Vec<config::Mask>>);

#[cfg(feature = "process")]
impl Stills {
    fn of(settings: &Settings) -> Self {
        let masks = |camera: &config::Camera| (camera.id.to_string(), camera.masks.clone());
        Self(settings.cameras.iter().map(masks).collect())
    }
}

#[cfg(feature = "process")]
impl SnapshotMaker for Stills {
    fn jpeg(
        &self,
        camera: &config::CameraId,
        mp4: &[u8],
    ) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let masks = self.0.get(camera.as_str()).map_or(&[][..], Vec::as_slice);
        Ok(processor::still::jpeg(mp4, masks, QUALITY)?)
    }
}
