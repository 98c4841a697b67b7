//! The archive of a random life: a folder as its store, which is read back byte by byte.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use catalog::{BundleState, Catalog, Clock, MediaFolder, MemberKind, SegmentId, Span};
use chrono::{DateTime, TimeDelta, Utc};
use config::{Archive, Retention};
use nightreel_retention::Due;
use nightreel_retention::archive::{ArchiveError, Archiver, Ending};

pub(crate) struct Cold {
    pub(crate) settings: Archive,
    pub(crate) folder: PathBuf,
}

impl Cold {
    /// Sends what is due. With `looks` it is ended when it has asked so often whether to go on.
    pub(crate) fn send(
        &self,
        (media, policy): (&MediaFolder, &Retention),
        (due, now): (&Due, DateTime<Utc>),
        looks: Option<usize>,
    ) {
        let clock = Clock::standing(now);
        let archiver = Archiver { media, settings: &self.settings, policy, clock: &clock };
        let asked = AtomicUsize::new(0);
        let is_ending: Ending =
            Arc::new(move || looks.is_some_and(|looks| asked.fetch_add(1, Ordering::Relaxed) >= looks));
        match archiver.pass(due, &is_ending) {
            Ok(sent) => assert_eq!((sent.failed, sent.waits), (0, None), "{:?}", sent.failures),
            Err(error) => assert!(matches!(error, ArchiveError::Ended) && looks.is_some(), "{error}"),
        }
    }

    /// Tells whether a bundle that is stored has this content of a segment.
    pub(crate) fn holds(&self, catalog: &Catalog, id: SegmentId, content: &[u8]) -> bool {
        let always = Span::new(DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::days(36_500));
        let bundles = catalog.bundles(None, always).unwrap();
        bundles.iter().filter(|bundle| bundle.state == BundleState::Stored).any(|bundle| {
            let whole = std::fs::read(self.folder.join(&bundle.key)).unwrap();
            catalog.bundle_members(bundle.id).unwrap().iter().any(|member| {
                let bytes = whole.get(member.offset as usize..(member.offset + member.length) as usize);
                member.segment == id && member.kind == MemberKind::Video && bytes == Some(content)
            })
        })
    }
}
