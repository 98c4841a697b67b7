//! Pictures for snapshots: the recorder has the frames, the processor the decoder; they meet here.

use std::sync::Arc;

use recorder::SnapshotMaker;

/// Of the JPEGs, for people to look at.
#[cfg(feature = "process")]
const QUALITY: u8 = 85;

/// Returns what makes pictures, where this binary can.
pub(crate) fn maker() -> Option<Arc<dyn SnapshotMaker>> {
    #[cfg(feature = "process")]
    let maker = Some(Arc::new(Stills) as Arc<dyn SnapshotMaker>);
    #[cfg(not(feature = "process"))]
    let maker = None;
    maker
}

#[cfg(feature = "process")]
#[derive(Debug)]
struct Stills;

#[cfg(feature = "process")]
impl SnapshotMaker for Stills {
    fn jpeg(&self, mp4: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(processor::still::jpeg(mp4, QUALITY)?)
    }
}
