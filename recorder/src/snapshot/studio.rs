//! The studio: a camera's thread on which stills become JPEGs in its folder. It may take as long as it likes.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use catalog::{CatalogError, files};
use config::{Camera, CameraId};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::maker::{SnapshotMaker, lacks_decoder};
use super::tap::{SnapshotTap, Still};
use crate::recorder::Aside;
use crate::segment::Place;
use crate::tap::Tap;
use crate::{RecorderError, name, thread};

struct Studio {
    camera: CameraId,
    dir: PathBuf,
    place: Place,
    maker: Arc<dyn SnapshotMaker>,
    /// In a row.
    failures: u64,
}

/// Takes snapshots of a camera if that is asked for: returns what has to hear of its footage.
pub(crate) fn start(camera: &Camera, aside: &mut Aside) -> Result<Option<Box<dyn Tap>>, RecorderError> {
    let Some(snapshots) = &camera.snapshots else { return Ok(None) };
    let Some(maker) = aside.snapshot_maker.clone() else {
        let reason = lacks_decoder(camera).unwrap_or_default();
        tracing::warn!(camera = %camera.id, reason, "no snapshots are taken");
        return Ok(None);
    };
    let (newest, stills) = watch::channel(None);
    let studio = Studio {
        camera: camera.id.clone(),
        dir: snapshots.dir.clone(),
        place: aside.place.clone(),
        maker,
        failures: 0,
    };
    let runtime = Handle::current();
    let ended = thread::start(&format!("snapshots {}", camera.id), move || studio.run(&runtime, stills))?;
    aside.tasks.spawn(async move { ended.cancelled().await });
    Ok(Some(Box::new(SnapshotTap::new(snapshots.every, newest))))
}

impl Studio {
    /// Works until the tap is gone and its last still is done.
    fn run(mut self, runtime: &Handle, mut stills: watch::Receiver<Option<Arc<Still>>>) {
        while runtime.block_on(stills.changed()).is_ok() {
            let still = stills.borrow_and_update().clone();
            if let Some(still) = still {
                let kept = self.keep(&still);
                self.note(kept);
            }
        }
    }

    fn keep(&self, still: &Still) -> Result<PathBuf, RecorderError> {
        // a decoder's own fault must not end the pictures for good
        let made = catch_unwind(AssertUnwindSafe(|| self.maker.jpeg(&self.camera, &still.mp4)));
        let made = made.unwrap_or_else(|_| Err("a fault of the decoder itself".into()));
        let jpeg =
            made.map_err(|source| RecorderError::NoPicture { camera: self.camera.to_string(), source })?;
        if self.dir.starts_with(self.place.root.path()) {
            self.place.root.check()?;
        }
        files::create_folder(&self.dir)?;
        for name in name::picture_candidates(still.taken, self.place.name_timezone) {
            let path = self.dir.join(name);
            match files::create_atomically(&path, &jpeg) {
                Err(CatalogError::NameTaken { .. }) => {}
                created => return Ok(created.map(|()| path)?),
            }
        }
        Err(CatalogError::NameTaken { path: self.dir.clone() }.into())
    }

    /// Tells of the first failure in a row, and of its end.
    fn note(&mut self, kept: Result<PathBuf, RecorderError>) {
        let camera = &self.camera;
        match kept {
            Ok(path) => {
                tracing::debug!(%camera, path = %path.display(), "snapshot");
                let failed = std::mem::take(&mut self.failures);
                if failed > 0 {
                    tracing::info!(%camera, failed, "snapshots are taken again");
                }
            }
            Err(error) => {
                self.failures += 1;
                if self.failures == 1 {
                    tracing::warn!(%camera, error = &error as &dyn Error, "no snapshot could be taken");
                }
            }
        }
    }
}
