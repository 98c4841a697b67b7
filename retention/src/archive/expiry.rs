//! The end of a bundle: it is deleted in the store when it has been there long enough, in two phases.

use catalog::{Bundle, BundleState, Catalog, Clock};
use chrono::{DateTime, TimeDelta, Utc};
use config::Archive;

use super::{ArchiveError, Store};
use crate::Tally;

/// Lists what may be deleted in the archive now: what is old enough, unless the clock is in doubt, and what was begun.
pub fn expired(catalog: &Catalog, settings: &Archive, clock: &Clock) -> Result<Vec<Bundle>, ArchiveError> {
    let age = settings.max_age.and_then(|age| TimeDelta::from_std(age).ok());
    let before = match catalog.clock_doubt()? {
        Some(_) => None,
        None => age.and_then(|age| clock.now().checked_sub_signed(age)),
    };
    let holds = catalog.holds(clock.now())?;
    let mut expired = Vec::new();
    for bundle in catalog.expired_bundles(&settings.address(), before.unwrap_or(DateTime::UNIX_EPOCH))? {
        let is_begun = bundle.state == BundleState::Leaving;
        let mut is_held = false;
        for member in catalog.bundle_members(bundle.id)? {
            is_held |= holds.of(&catalog.segment(member.segment)?).is_some();
        }
        if is_begun || !is_held {
            expired.push(bundle);
        }
    }
    Ok(expired)
}

/// Deletes them there. A kill leaves them `leaving`, to be deleted by the next pass.
pub(super) fn delete(
    catalog: &Catalog,
    store: &Store,
    (bundles, now): (&[Bundle], DateTime<Utc>),
) -> Result<Tally, ArchiveError> {
    let mut deleted = Tally::default();
    for bundle in bundles {
        catalog.begin_leaving(bundle.id, now)?;
        store.delete(&bundle.key)?;
        catalog.forget_bundle(bundle.id)?;
        tracing::info!(key = bundle.key, "bundle deleted in the archive");
        deleted.segments += bundle.segments;
        deleted.bytes = deleted.bytes.saturating_add(bundle.size);
    }
    Ok(deleted)
}
