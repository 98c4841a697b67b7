//! The archiver: bundles what is due, hour by hour, and lets local copies go once the store was seen to hold them.
//!
//! Each step may have been done before by a process that was killed: a bundle that was begun is looked for in the
//! store first, and counts as stored when it is there whole, else it is forgotten and made anew.

use std::sync::Arc;

use catalog::Clock;
use catalog::{Bundle as BundleRow, Carried, MediaFolder, NewBundle, Planned, SegmentId, SegmentState, Span};
use chrono::TimeDelta;
use config::{Archive, Retention, WindowState};

use super::bundle::Bundle;
use super::expiry;
use super::layout::Layout;
use super::sending::Sending;
use super::store::Ending;
use super::{ArchiveError, Store};
use crate::{Due, Reason, Tally};

/// An hour whose footage still waits to be looked at is bundled all the same when it is so old: what comes later goes
/// into a second bundle.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(1);

/// Why a bundle failed is told so often; a store that takes nothing fails for each.
const FAILURES_TOLD: usize = 20;

#[derive(Debug)]
pub struct Archiver<'a> {
    pub media: &'a MediaFolder,
    pub settings: &'a Archive,
    pub policy: &'a Retention,
    pub clock: &'a Clock,
}

/// What one pass sent.
#[derive(Debug, Default)]
pub struct Sent {
    pub bundles: u64,
    pub archived: Tally,
    /// Local copies that went.
    pub freed: Tally,
    /// What was deleted in the archive for its age.
    pub expired: Tally,
    /// Bundles that could not be sent.
    pub failed: u64,
    pub failures: Vec<(String, ArchiveError)>,
    /// Hours that are not over, or whose footage waits to be looked at.
    pub unripe: u64,
    /// Nothing is sent now: `archive.windows` are closed, or another process is at it.
    pub waits: Option<&'static str>,
}

impl Archiver<'_> {
    /// Sends what is due. A bundle that fails does not hold up the others; a store that is out of reach does. Ends
    /// after the part in hand when `is_ending` says so.
    pub fn pass(&self, due: &Due, is_ending: &Ending) -> Result<Sent, ArchiveError> {
        let open = || Ok(Store::open(self.settings)?.ending_with(Arc::clone(is_ending)));
        self.pass_over(due, open, &**is_ending)
    }

    /// Opens the store only when there is something to ask of it.
    pub(super) fn pass_over(
        &self,
        due: &Due,
        open: impl FnOnce() -> Result<Store, ArchiveError>,
        is_ending: &dyn Fn() -> bool,
    ) -> Result<Sent, ArchiveError> {
        let mut sent = Sent::default();
        let unfinished = self.media.catalog().unfinished_bundles()?;
        let ripe: Vec<_> =
            due.bundles().filter(|due| self.is_ripe(due.camera, due.hour, &mut sent)).collect();
        let expired = expiry::expired(self.media.catalog(), self.settings, self.clock)?;
        if unfinished.is_empty() && ripe.is_empty() && expired.is_empty() {
            return Ok(sent);
        }
        if let Err(why) = self.may_send() {
            sent.waits = Some(why);
            return Ok(sent);
        }
        let Some(_turn) = self.media.catalog().archive_turn()? else {
            sent.waits = Some("another nightreel sends bundles");
            return Ok(sent);
        };
        let store = open()?;
        self.check_place(&store)?;
        for bundle in unfinished.iter().filter(|bundle| bundle.store == store.url()) {
            let settings = &self.settings.in_class(bundle.class.as_deref());
            self.finish(&Sending { store: &store, settings, is_ending }, bundle)?;
        }
        sent.expired = expiry::delete(self.media.catalog(), &store, (&expired, self.clock.now()))?;
        for due in ripe {
            if is_ending() || self.may_send().is_err() {
                break;
            }
            let settings = &self.settings.in_class(due.class);
            let sending = Sending { store: &store, settings, is_ending };
            let bundle = Bundle::gather(self.media, due.camera, due.hour, due.segments)?
                .of_class(settings.storage_class.as_deref())
                .sealed(&settings.recipients)?;
            if bundle.is_empty() {
                continue;
            }
            match self.send(&sending, &bundle, &mut sent) {
                Ok(()) => {}
                Err(error) if error.is_of_the_store() => return Err(error),
                Err(error) => {
                    sent.fail(format!("{} {}", due.camera, due.hour.from.format("%F %H:00")), error);
                }
            }
        }
        Ok(sent)
    }

    fn may_send(&self) -> Result<(), &'static str> {
        match self.settings.windows.at(self.clock.now()) {
            WindowState::Closed { .. } => Err("archive.windows are closed"),
            WindowState::Always | WindowState::Open { .. } => Ok(()),
        }
    }

    /// What the catalogue cannot tell is not ripe: the next pass asks again.
    fn is_ripe(&self, camera: &str, hour: Span, sent: &mut Sent) -> bool {
        let now = self.clock.now();
        let waits = || self.media.catalog().waits_within(camera, hour).unwrap_or(true);
        let is_ripe = hour.to <= now && (hour.to + LONGEST_WAIT <= now || !waits());
        sent.unripe += u64::from(!is_ripe);
        is_ripe
    }

    /// Refuses an empty mount point: where the catalogue knows of bundles, the newest of them must be there.
    fn check_place(&self, store: &Store) -> Result<(), ArchiveError> {
        match self.media.catalog().newest_stored_bundle(store.url())? {
            Some(known) if store.size(&known.key)?.is_none() => {
                Err(ArchiveError::Changed { url: store.url().to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Finds out what became of a bundle whose sender died.
    fn finish(&self, sending: &Sending<'_>, bundle: &BundleRow) -> Result<(), ArchiveError> {
        let (store, catalog) = (sending.store, self.media.catalog());
        // The key may lack the right to do so, which costs some storage and no footage.
        if let Err(error) = store.abort_uploads(&bundle.key) {
            tracing::warn!(
                key = bundle.key,
                error = &error as &dyn std::error::Error,
                "what is left of an unfinished upload cannot be taken back"
            );
        }
        if store.size(&bundle.key)?.is_some() {
            match sending.verify(&bundle.key, bundle.size, &bundle.sha256) {
                Ok(()) => return Ok(catalog.finish_bundle(bundle.id, self.clock.now())?),
                Err(ArchiveError::Damaged { .. }) => store.delete(&bundle.key)?,
                Err(error) => return Err(error),
            }
        }
        Ok(catalog.forget_bundle(bundle.id)?)
    }

    fn send(&self, sending: &Sending<'_>, bundle: &Bundle, sent: &mut Sent) -> Result<(), ArchiveError> {
        let layout = bundle.measure()?;
        let new = new_bundle(sending.store, bundle, &layout);
        let catalog = self.media.catalog();
        let id = catalog.begin_bundle(&new, self.clock.now())?;
        if let Err(error) = sending.bring(&new.key, bundle, &layout) {
            // What is not known to be away is looked for by the next pass.
            if !error.is_of_the_store() {
                catalog.forget_bundle(id)?;
            }
            return Err(error);
        }
        catalog.finish_bundle(id, self.clock.now())?;
        if sending.settings.read_back {
            catalog.note_bundle_read(id, self.clock.now())?;
        }
        sent.bundles += 1;
        tracing::info!(camera = bundle.camera, key = new.key, bytes = layout.size, "bundle stored");
        for (segment, bytes) in bundle.segments() {
            sent.archived.add(bytes);
            self.free(segment, bytes, sent)?;
        }
        Ok(())
    }

    /// Lets a local copy go at once, where the policy says so; what is being looked at again is left to a later pass.
    fn free(&self, id: SegmentId, bytes: u64, sent: &mut Sent) -> Result<(), ArchiveError> {
        if !self.policy.delete_after_archive.is_zero() {
            return Ok(());
        }
        let planned = Planned { id, state: SegmentState::Processed, now: self.clock.now() };
        if self.media.delete_planned(planned, &Reason::InArchive.to_string())? == Carried::Out {
            sent.freed.add(bytes);
        }
        Ok(())
    }
}

impl Sent {
    fn fail(&mut self, what: String, error: ArchiveError) {
        self.failed += 1;
        if self.failures.len() < FAILURES_TOLD {
            tracing::error!(
                bundle = what,
                error = &error as &dyn std::error::Error,
                "cannot archive a bundle"
            );
            self.failures.push((what, error));
        }
    }
}

fn new_bundle(store: &Store, bundle: &Bundle, layout: &Layout) -> NewBundle {
    NewBundle {
        store: store.url().to_owned(),
        key: bundle.key(layout),
        camera: bundle.camera.clone(),
        hour: bundle.hour,
        sha256: layout.sha256.clone(),
        size: layout.size,
        class: bundle.class.clone(),
        recipients: bundle.recipients.clone(),
        members: layout.members.clone(),
    }
}
