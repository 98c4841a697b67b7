//! The store: objects in a bucket or a folder, asked one thing at a time. Its calls block: not for async threads.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use catalog::hex;
use chrono::{DateTime, Utc};
use config::{Archive, Thaw};
use futures::StreamExt;
use futures::stream::BoxStream;
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
    part: usize,
    /// Before every key.
    prefix: String,
    objects: Arc<dyn ObjectStore>,
    /// Absent: one of a test, which has nothing but the objects.
    provider: Option<Provider>,
    thaw: Thaw,
    runtime: Runtime,
    is_ending: Option<Ending>,
}

/// Tells whether the program ends.
pub type Ending = Arc<dyn Fn() -> bool + Send + Sync>;

/// An object as a listing tells of it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: u64,
    /// When the store got it.
    pub(super) modified: DateTime<Utc>,
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
        let (url, part, thaw, provider) = (settings.address(), settings.part, settings.thaw, Some(provider));
        Ok(Self { url, part, prefix, objects, provider, thaw, runtime, is_ending: None })
    }

    /// Returns a store that misbehaves as its test says.
    #[cfg(test)]
    pub(super) fn over(objects: Arc<dyn ObjectStore>, settings: &Archive) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let thaw = Thaw { tier: config::ThawTier::Bulk, days: 1 };
        let prefix = String::new();
        let (url, part) = (settings.address(), settings.part);
        Self { url, part, prefix, objects, provider: None, thaw, runtime, is_ending: None }
    }

    /// Gives up what it looks at or reads when the program ends: one that says nothing is waited for for long.
    pub(super) fn ending_with(self, is_ending: Ending) -> Self {
        Self { is_ending: Some(is_ending), ..self }
    }

    /// Returns its address, which tells one archive from another.
    pub fn url(&self) -> &str {
        &self.url
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

    fn wait_to_the_end<T>(&self, work: impl Future<Output = T>) -> Result<T, ArchiveError> {
        match &self.is_ending {
            Some(is_ending) => self.wait_unless(&**is_ending, work),
            None => Ok(self.wait(work)),
        }
    }

    pub(super) fn put_options(class: Option<&str>) -> PutOptions {
        PutOptions { attributes: attributes(class), ..PutOptions::default() }
    }

    pub(super) fn multipart_options(class: Option<&str>) -> PutMultipartOptions {
        PutMultipartOptions { attributes: attributes(class), ..PutMultipartOptions::default() }
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

    /// Lists all of its objects, page by page.
    pub(super) fn objects_listed(&self) -> impl Iterator<Item = Result<Listed, ArchiveError>> + '_ {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        let before = prefix.as_ref().map_or(0, |prefix| prefix.as_ref().len() + 1);
        let mut pages = self.objects.list(prefix.as_ref());
        std::iter::from_fn(move || self.wait(pages.next())).map(move |listed| {
            let listed = listed.map_err(|source| ArchiveError::of_store("list", &self.url, source))?;
            let key = listed.location.as_ref()[before..].to_owned();
            Ok(Listed { key, size: listed.size, modified: listed.last_modified })
        })
    }

    /// Returns the size of an object, or nothing where it is not there.
    pub(super) fn size(&self, key: &str) -> Result<Option<u64>, ArchiveError> {
        let path = self.path(key);
        match self
            .wait_to_the_end(self.objects.head(&path))?
            .map_err(|e| ArchiveError::of_store("look at", key, e))
        {
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
        let mut pieces = self.pieces(key, range)?;
        let (mut length, mut hash) = (0, Sha256::new());
        while let Some(piece) = self.wait_to_the_end(pieces.next())? {
            let piece = piece.map_err(failed)?;
            hash.update(&piece);
            length += piece.len() as u64;
            each(&piece)?;
        }
        Ok((length, hex(&hash.finalize())))
    }

    /// Begins to read an object, or a range of it.
    pub(super) fn pieces(
        &self,
        key: &str,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<BoxStream<'static, object_store::Result<Bytes>>, ArchiveError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let path = self.path(key);
        let found = self.wait_to_the_end(self.objects.get_opts(&path, options))?;
        Ok(found.map_err(|source| ArchiveError::of_store("read", key, source))?.into_stream())
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
        self.wait_to_the_end(provider.abort_uploads(self.path(key).as_ref()))?
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
}

fn attributes(class: Option<&str>) -> Attributes {
    let class = class.iter().map(|class| (Attribute::StorageClass, (*class).to_owned()));
    class.collect::<Vec<_>>().into_iter().collect()
}
