//! Reading bundles again, to know that they are still what was sent.

use catalog::{Bundle, Catalog, Clock};
use serde::Serialize;

use super::provider::ThawState;
use super::{ArchiveError, Store};

/// What a look at bundles came to.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    pub read: u64,
    pub bytes: u64,
    /// Frozen: only their size was compared.
    pub frozen: u64,
    pub faults: Vec<BundleFault>,
}

#[derive(Debug, Serialize)]
pub struct BundleFault {
    pub key: String,
    pub what: String,
}

/// Compares each bundle with what the catalogue knows of it. Ends early only where the store cannot be asked.
pub fn verify(
    catalog: &Catalog,
    store: &Store,
    clock: &Clock,
    bundles: &[Bundle],
) -> Result<Verified, ArchiveError> {
    let mut verified = Verified::default();
    for bundle in bundles {
        match look(store, bundle, &mut verified) {
            Ok(Looked::Read) => catalog.note_bundle_read(bundle.id, clock.now())?,
            Ok(Looked::Frozen) => {}
            Err(error) if error.is_of_the_store() => return Err(error),
            Err(error) => {
                verified.faults.push(BundleFault { key: bundle.key.clone(), what: error.to_string() });
            }
        }
    }
    Ok(verified)
}

enum Looked {
    Read,
    Frozen,
}

fn look(store: &Store, bundle: &Bundle, verified: &mut Verified) -> Result<Looked, ArchiveError> {
    let damaged = |what| ArchiveError::Damaged { key: bundle.key.clone(), what };
    if bundle.store != store.url() {
        return Err(ArchiveError::OtherStore { key: bundle.key.clone(), store: bundle.store.clone() });
    }
    match store.size(&bundle.key)? {
        None => return Err(ArchiveError::Absent { key: bundle.key.clone() }),
        Some(size) if size != bundle.size => return Err(damaged("its size is another")),
        Some(_) => {}
    }
    if !matches!(store.thaw_state(&bundle.key)?, ThawState::Readable { .. }) {
        verified.frozen += 1;
        return Ok(Looked::Frozen);
    }
    let (length, sha256) = store.read(&bundle.key, None, |_| Ok(()))?;
    if sha256 != bundle.sha256 {
        return Err(damaged("its SHA-256 is another"));
    }
    verified.read += 1;
    verified.bytes += length;
    Ok(Looked::Read)
}
