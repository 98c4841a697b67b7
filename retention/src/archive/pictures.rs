//! Sending snapshots: each camera's folder is the queue, which a picture leaves when the store holds it. So nothing has
//! to be remembered over a restart, and what a dead process sent is recognised by what the store holds.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::pictures;
use config::{Camera, CameraId, StorePlace};
use futures::{StreamExt, stream};
use object_store::path::Path as Key;
use object_store::{Attribute, Attributes, ObjectStore, ObjectStoreExt, PutOptions};

use super::ArchiveError;
use super::provider::Opened;

/// Between two looks into the folders.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A store that is away is asked again after it.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Of one picture; then the store counts as away.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the last pictures have when the program ends; the next start sends what is left.
const FAREWELL: Duration = Duration::from_secs(5);

/// Pictures under way at once, each in memory: enough for 64 cameras with one a second at 100 ms a picture.
const ABREAST: usize = 8;

/// Names of a folder in memory at once.
const BATCH: usize = 1000;

/// Sends the snapshots of some cameras to a store.
pub struct PictureSender {
    place: StorePlace,
    folders: Vec<(CameraId, PathBuf)>,
    /// Absent before the first pass: the disk of a folder may be mounted later.
    shelf: Option<Shelf>,
    /// Since a failure that was told of.
    is_away: bool,
}

impl std::fmt::Debug for PictureSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PictureSender").field("store", &self.place.address()).finish_non_exhaustive()
    }
}

impl PictureSender {
    /// Takes the cameras that make snapshots. Asks nothing of the store yet.
    pub fn new(place: StorePlace, cameras: &[Camera]) -> Self {
        let folder = |camera: &Camera| Some((camera.id.clone(), camera.snapshots.as_ref()?.dir.clone()));
        Self { place, folders: cameras.iter().filter_map(folder).collect(), shelf: None, is_away: false }
    }

    /// Sends until `ended`, and then for a moment what is still there. Never fails: what cannot be sent waits.
    pub async fn run(mut self, ended: impl Future<Output = ()>) {
        let mut ended = pin!(ended);
        loop {
            let passed = tokio::select! {
                passed = self.pass() => passed,
                () = &mut ended => break,
            };
            let rest = self.note(passed);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = &mut ended => break,
            }
        }
        if !self.is_away
            && let Ok(passed) = tokio::time::timeout(FAREWELL, self.pass()).await
        {
            self.note(passed);
        }
    }

    /// Sends what waits, and returns how many. What cannot be read is passed over; a store that is away ends it.
    async fn pass(&mut self) -> Result<u64, ArchiveError> {
        let shelf = match &self.shelf {
            Some(shelf) => shelf,
            None => self.shelf.insert(Shelf::open(&self.place)?),
        };
        let (mut sent, mut passed_over) = (0, None);
        for (camera, folder) in &self.folders {
            let waiting = stream::iter(pictures::waiting(folder, BATCH)?);
            let mut sending = waiting.map(|file| shelf.bring(camera, file)).buffer_unordered(ABREAST);
            while let Some(brought) = sending.next().await {
                match brought {
                    Ok(()) => sent += 1,
                    Err(error) if error.is_of_the_store() => return Err(error),
                    Err(error) => drop(passed_over.get_or_insert(error)),
                }
            }
        }
        passed_over.map_or(Ok(sent), Err)
    }

    /// Tells of the first failure in a row, and of its end. Returns how long to rest.
    fn note(&mut self, passed: Result<u64, ArchiveError>) -> Duration {
        let store = self.place.address();
        match passed {
            Ok(sent) => {
                if std::mem::take(&mut self.is_away) {
                    tracing::info!(store, sent, "snapshots are sent again");
                }
                if sent == 0 { LOOK_EVERY } else { Duration::ZERO }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(
                        store,
                        error = &error as &dyn Error,
                        "snapshots cannot be sent, they wait in their folders"
                    );
                }
                AGAIN_AFTER
            }
        }
    }
}

/// Lists one object, which costs next to nothing: is the store there, and may we?
pub async fn probe_for_pictures(place: &StorePlace) -> Result<(), ArchiveError> {
    let shelf = Shelf::open(place)?;
    let prefix = (!shelf.prefix.is_empty()).then(|| Key::from(shelf.prefix.as_str()));
    match shelf.objects.list(prefix.as_ref()).next().await {
        Some(Err(source)) => Err(ArchiveError::of_store("list", &place.address(), source)),
        _ => Ok(()),
    }
}

/// Where snapshots lie in the store.
struct Shelf {
    objects: Arc<dyn ObjectStore>,
    prefix: String,
    attributes: Attributes,
}

/// What the store has under a key.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    ThisPicture,
    Another,
}

impl Shelf {
    fn open(place: &StorePlace) -> Result<Self, ArchiveError> {
        let Opened { objects, prefix, .. } = Opened::at(place)?;
        // A folder has no types of content.
        let content_type = (!matches!(place, StorePlace::Folder(_))).then_some("image/jpeg");
        let attributes = content_type.into_iter().map(|kind| (Attribute::ContentType, kind));
        Ok(Self { objects, prefix, attributes: attributes.collect() })
    }

    /// Sees to it that the store holds a picture, and removes the file.
    async fn bring(&self, camera: &CameraId, file: PathBuf) -> Result<(), ArchiveError> {
        let jpeg = match std::fs::read(&file) {
            // Somebody else has taken it away.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            read => read.map_err(|source| ArchiveError::Read { file: file.clone(), source })?,
        };
        let jpeg = Bytes::from(jpeg);
        for name in names(&file) {
            let key = Key::from_iter(
                self.prefix.split('/').filter(|part| !part.is_empty()).chain([camera.as_str(), &name]),
            );
            let put = tokio::time::timeout(PATIENCE, self.put(&key, &jpeg)).await;
            let silent =
                || object_store::Error::Generic { store: "snapshots", source: "no answer in time".into() };
            match put.unwrap_or_else(|_| Err(ArchiveError::of_store("send", key.as_ref(), silent())))? {
                Held::Nothing | Held::ThisPicture => return Ok(pictures::remove(&file)?),
                Held::Another => {}
            }
        }
        Ok(())
    }

    /// Puts a picture where nothing is, and returns what was there. What a dead process sent is not sent again, and
    /// what has the name already, of a second that the clock passed twice, is not replaced.
    async fn put(&self, key: &Key, jpeg: &Bytes) -> Result<Held, ArchiveError> {
        let held = self.held(key, jpeg).await?;
        if held == Held::Nothing {
            let options = PutOptions { attributes: self.attributes.clone(), ..PutOptions::default() };
            let put = self.objects.put_opts(key, jpeg.clone().into(), options).await;
            put.map_err(|source| ArchiveError::of_store("send", key.as_ref(), source))?;
        }
        Ok(held)
    }

    async fn held(&self, key: &Key, jpeg: &Bytes) -> Result<Held, ArchiveError> {
        let failed = |source| ArchiveError::of_store("look at", key.as_ref(), source);
        let found = match self.objects.head(key).await.map_err(failed) {
            Err(ArchiveError::Absent { .. }) => return Ok(Held::Nothing),
            found => found?,
        };
        if found.size != jpeg.len() as u64 {
            return Ok(Held::Another);
        }
        let held = self.objects.get(key).await.map_err(failed)?.bytes().await.map_err(failed)?;
        Ok(if held == *jpeg { Held::ThisPicture } else { Held::Another })
    }
}

/// Returns the name of a file, then `…_2.jpg`, `…_3.jpg` without end.
fn names(file: &Path) -> impl Iterator<Item = String> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    std::iter::once(format!("{stem}.jpg")).chain((2u64..).map(move |number| format!("{stem}_{number}.jpg")))
}

#[cfg(test)]
#[path = "tests/pictures.rs"]
mod tests;
