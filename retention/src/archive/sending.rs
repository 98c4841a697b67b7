//! Sending one bundle, and the look at what arrived.

use config::Archive;

use super::bundle::Bundle;
use super::layout::Layout;
use super::pace::Pace;
use super::sender::Sender;
use super::{ArchiveError, Store};

/// What the bundles of a pass are sent with.
pub(super) struct Sending<'a> {
    pub(super) store: &'a Store,
    /// For the class of the bundle.
    pub(super) settings: &'a Archive,
    pub(super) is_ending: &'a dyn Fn() -> bool,
}

impl Sending<'_> {
    /// Sends a bundle unless it is there already, and compares. What turns out damaged is taken away again.
    pub(super) fn bring(&self, key: &str, bundle: &Bundle, layout: &Layout) -> Result<(), ArchiveError> {
        if self.store.size(key)? != Some(layout.size) {
            self.send(key, bundle, layout)?;
        }
        let verified = self.verify(key, layout.size, &layout.sha256);
        if matches!(verified, Err(ArchiveError::Damaged { .. })) {
            self.store.delete(key)?;
        }
        verified
    }

    /// Asks for the size, and where that is possible reads all of it again. S3 itself compared each part with the
    /// SHA-256 that was sent with it.
    pub(super) fn verify(&self, key: &str, size: u64, sha256: &str) -> Result<(), ArchiveError> {
        let damaged = |what| ArchiveError::Damaged { key: key.to_owned(), what };
        match self.store.size(key)? {
            None => return Err(ArchiveError::Absent { key: key.to_owned() }),
            Some(found) if found != size => return Err(damaged("its size is another")),
            Some(_) => {}
        }
        if self.settings.read_back && self.store.read(key, None, |_| Ok(()))?.1 != sha256 {
            return Err(damaged("its SHA-256 is another"));
        }
        Ok(())
    }

    fn send(&self, key: &str, bundle: &Bundle, layout: &Layout) -> Result<(), ArchiveError> {
        let pace = Pace::new(self.settings.max_bytes_per_second, self.is_ending);
        let mut sender = Sender::new(self.store, key, self.settings.storage_class.as_deref(), pace);
        let written = bundle.write_to(&mut sender);
        let failed = match (sender.take_failure(), written) {
            (Some(failed), _) | (None, Err(failed)) => failed,
            (None, Ok(written)) if written == *layout => return sender.finish(),
            (None, Ok(_)) => ArchiveError::Moved { file: key.into() },
        };
        // Who ends does not wait for it: the next pass takes back what is left.
        if !matches!(failed, ArchiveError::Ended) {
            sender.abort();
        }
        Err(failed)
    }
}
