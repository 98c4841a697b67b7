//! The store: objects in a bucket or a folder, asked one thing at a time. Its calls block: not for async threads.

use std::fmt;
use std::sync::Arc;

use catalog::hex;
use config::{Archive, Thaw};
use futures::StreamExt;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions,
};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::ArchiveError;
use super::pace::LOOK_EVERY;
use super::provider::{Opened, Provider, ThawState};

pub struct Store {
    url: String,
    class: Option<String>,
    part: usize,
    /// Before every key.
    prefix: String,
    objects: Arc<dyn ObjectStore>,
    /// Absent: one of a test, which has nothing but the objects.
    provider: Option<Provider>,
    thaw: Thaw,
    runtime: Runtime,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store of the settings. Asks nothing of it yet.
    pub fn open(settings: &Archive) -> Result<Self, ArchiveError> {
        let Opened { objects, prefix, provider } = Opened::at(&settings.place)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| ArchiveError::Runtime { source })?;
        let (url, class) = (settings.address(), settings.storage_class.clone());
        let (part, thaw, provider) = (settings.part, settings.thaw, Some(provider));
        Ok(Self { url, class, part, prefix, objects, provider, thaw, runtime })
    }

    /// Returns a store that misbehaves as its test says.
    #[cfg(test)]
    pub(super) fn over(objects: Arc<dyn ObjectStore>, settings: &Archive) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let thaw = Thaw { tier: config::ThawTier::Bulk, days: 1 };
        let prefix = String::new();
        let (url, part) = (settings.address(), settings.part);
        Self { url, class: None, part, prefix, objects, provider: None, thaw, runtime }
    }

    /// Returns its address, which tells one archive from another.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn class(&self) -> Option<&str> {
        self.class.as_deref()
    }

    pub(super) fn part(&self) -> usize {
        self.part
    }

    pub(super) fn objects(&self) -> &dyn ObjectStore {
        &*self.objects
    }

    pub(super) fn path(&self, key: &str) -> Path {
        match self.prefix.as_str() {
            "" => Path::from(key),
            prefix => Path::from(format!("{prefix}/{key}")),
        }
    }

    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// As `wait`, but gives up when the program ends: a part over a slow line takes minutes.
    pub(super) fn wait_unless<T>(
        &self,
        is_ending: &dyn Fn() -> bool,
        work: impl Future<Output = T>,
    ) -> Result<T, ArchiveError> {
        self.runtime.block_on(async {
            let mut work = std::pin::pin!(work);
            loop {
                tokio::select! {
                    done = &mut work => return Ok(done),
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                if is_ending() {
                    return Err(ArchiveError::Ended);
                }
            }
        })
    }

    pub(super) fn put_options(&self) -> PutOptions {
        PutOptions { attributes: self.attributes(), ..PutOptions::default() }
    }

    pub(super) fn multipart_options(&self) -> PutMultipartOptions {
        PutMultipartOptions { attributes: self.attributes(), ..PutMultipartOptions::default() }
    }

    /// Lists one object, which costs next to nothing: is the store there, and may we?
    pub fn probe(&self) -> Result<(), ArchiveError> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        let first = async { self.objects.list(prefix.as_ref()).next().await };
        match self.wait(first) {
            Some(Err(source)) => Err(ArchiveError::of_store("list", &self.url, source)),
            _ => Ok(()),
        }
    }

    /// Returns the size of an object, or nothing where it is not there.
    pub(super) fn size(&self, key: &str) -> Result<Option<u64>, ArchiveError> {
        let path = self.path(key);
        match self.wait(self.objects.head(&path)).map_err(|e| ArchiveError::of_store("look at", key, e)) {
            Ok(found) => Ok(Some(found.size)),
            Err(ArchiveError::Absent { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads an object, or a range of it, piece by piece. Returns its length and SHA-256.
    pub(super) fn read(
        &self,
        key: &str,
        range: Option<std::ops::Range<u64>>,
        mut each: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(u64, String), ArchiveError> {
        let failed = |source| ArchiveError::of_store("read", key, source);
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let path = self.path(key);
        let mut pieces = self.wait(self.objects.get_opts(&path, options)).map_err(failed)?.into_stream();
        let (mut length, mut hash) = (0, Sha256::new());
        while let Some(piece) = self.wait(pieces.next()) {
            let piece = piece.map_err(failed)?;
            hash.update(&piece);
            length += piece.len() as u64;
            each(&piece)?;
        }
        Ok((length, hex(&hash.finalize())))
    }

    pub(super) fn delete(&self, key: &str) -> Result<(), ArchiveError> {
        let path = self.path(key);
        match self.wait(self.objects.delete(&path)).map_err(|e| ArchiveError::of_store("delete", key, e)) {
            Err(ArchiveError::Absent { .. }) => Ok(()),
            done => done,
        }
    }

    /// Takes back what a dead process left of sending this object.
    pub(super) fn abort_uploads(&self, key: &str) -> Result<(), ArchiveError> {
        let Some(provider) = &self.provider else { return Ok(()) };
        self.wait(provider.abort_uploads(self.path(key).as_ref()))
    }

    /// Tells whether a frozen object can be read.
    pub(super) fn thaw_state(&self, key: &str) -> Result<ThawState, ArchiveError> {
        let Some(provider) = &self.provider else { return Ok(ThawState::Readable { until: None }) };
        self.wait(provider.thaw_state(self.path(key).as_ref()))
    }

    /// Asks for a frozen object to be thawed. It costs, and takes hours.
    pub(super) fn ask_for_thaw(&self, key: &str) -> Result<(), ArchiveError> {
        let Some(provider) = &self.provider else { return Ok(()) };
        self.wait(provider.ask_for_thaw(self.path(key).as_ref(), self.thaw))
    }

    fn attributes(&self) -> Attributes {
        let class = self.class.iter().map(|class| (Attribute::StorageClass, class.clone()));
        class.collect::<Vec<_>>().into_iter().collect()
    }
}
