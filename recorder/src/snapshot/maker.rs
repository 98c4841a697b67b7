//! The maker: turns a coded picture into a JPEG, where there is a decoder.

use std::error::Error;
use std::fmt::Debug;

use config::{Camera, CameraId};

/// Makes pictures of keyframes. One thread per camera may ask at the same time.
pub trait SnapshotMaker: Debug + Send + Sync {
    /// Makes a JPEG of `mp4`, which is a whole file of one frame of this camera, with what nobody may see of it
    /// hidden. Blocks for as long as that takes.
    fn jpeg(&self, camera: &CameraId, mp4: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;
}

/// Says what a build without a maker cannot do for a camera, and what to do about it.
pub fn lacks_decoder(camera: &Camera) -> Option<String> {
    camera.snapshots.as_ref()?;
    Some(format!(
        "camera `{}` gets no snapshots: this build has no decoder; use the full build, or take out `snapshot_seconds`",
        camera.id
    ))
}
