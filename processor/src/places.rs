//! The two places that footage is worked on in: the media folder, and wherever named files lie.

use std::path::PathBuf;
use std::time::Duration;

use catalog::{CatalogError, Lease, MediaFolder, MediaRoot, PROCESSED, SegmentId, sidecar_of};

use crate::error::chain;
use crate::named::{AfterNamed, NamedFiles};
use crate::unfinished::Unfinished;

/// A file of another recorder that does not parse counts as being written until it stood still for so long.
const GRACE: Duration = Duration::from_secs(30);

/// Where results and bad files go.
pub(crate) trait Place: Sync {
    /// Returns where the segment's file lies.
    fn file(&self, lease: &Lease) -> PathBuf;

    /// Returns the path of the segment's sidecar.
    fn sidecar(&self, lease: &Lease) -> PathBuf;

    /// Is called when the results are stored.
    fn processed(&self, id: SegmentId) -> Result<(), CatalogError>;

    /// Is called when a segment is given up.
    fn failed(&self, id: SegmentId, reason: &str) -> Result<(), CatalogError>;

    /// Notes that a segment is given up, without touching its file.
    fn mark_failed(&self, id: SegmentId, reason: &str) -> Result<(), CatalogError>;

    /// Fails when the place itself is gone, so that nothing that happens there says anything of a segment.
    fn check(&self) -> Result<(), CatalogError>;

    /// How long a file must have stood still before it is given up as unreadable.
    fn grace(&self) -> Duration;

    /// Says what follows when a sidecar cannot be written.
    fn unwritable(&self, error: CatalogError) -> Unfinished;

    /// Tells whether segments may wait for the answers of a batch: whoever named a file waits for its results.
    fn has_batches(&self) -> bool;
}

/// The media folder: bad files are quarantined, and retention decides about good ones.
pub(crate) struct RootPlace<'a> {
    pub(crate) root: &'a MediaRoot,
    pub(crate) media: &'a MediaFolder,
    pub(crate) after: &'a (dyn Fn(SegmentId) + Sync),
}

impl Place for RootPlace<'_> {
    fn file(&self, lease: &Lease) -> PathBuf {
        self.media.absolute(&lease.segment)
    }

    fn sidecar(&self, lease: &Lease) -> PathBuf {
        sidecar_of(&self.file(lease))
    }

    fn processed(&self, id: SegmentId) -> Result<(), CatalogError> {
        (self.after)(id);
        Ok(())
    }

    fn failed(&self, id: SegmentId, reason: &str) -> Result<(), CatalogError> {
        self.media.quarantine(id, reason).map(drop)
    }

    fn mark_failed(&self, id: SegmentId, reason: &str) -> Result<(), CatalogError> {
        self.media.mark_failed(id, reason)
    }

    fn check(&self) -> Result<(), CatalogError> {
        self.root.check()
    }

    fn grace(&self) -> Duration {
        GRACE
    }

    /// A disk that is full or read-only is so for every segment.
    fn unwritable(&self, error: CatalogError) -> Unfinished {
        error.into()
    }

    fn has_batches(&self) -> bool {
        true
    }
}

/// Wherever the files lie that were named: bad ones are reported and left alone.
pub(crate) struct NamedPlace<'a> {
    pub(crate) media: &'a MediaFolder,
    pub(crate) files: &'a NamedFiles,
}

impl Place for NamedPlace<'_> {
    fn file(&self, lease: &Lease) -> PathBuf {
        lease.segment.path.clone()
    }

    fn sidecar(&self, lease: &Lease) -> PathBuf {
        self.files.sidecar_of(&lease.segment.path)
    }

    fn processed(&self, id: SegmentId) -> Result<(), CatalogError> {
        match self.files.after() {
            AfterNamed::Leave => Ok(()),
            AfterNamed::Move => self.media.move_into(id, Some(PROCESSED)).map(drop),
        }
    }

    fn failed(&self, id: SegmentId, reason: &str) -> Result<(), CatalogError> {
        self.mark_failed(id, reason)
    }

    fn mark_failed(&self, id: SegmentId, reason: &str) -> Result<(), CatalogError> {
        self.media.mark_failed(id, reason)
    }

    fn check(&self) -> Result<(), CatalogError> {
        Ok(())
    }

    fn grace(&self) -> Duration {
        Duration::ZERO
    }

    /// The next file may lie in a folder that can be written to.
    fn unwritable(&self, error: CatalogError) -> Unfinished {
        let text = chain(&error);
        Unfinished::Unreadable(format!("{text}; `--out DIR` keeps the results elsewhere"))
    }

    fn has_batches(&self) -> bool {
        false
    }
}
