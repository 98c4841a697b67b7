//! The finder: reads the store's bundles and makes rows of them, for a catalogue that does not know of them.
//!
//! It asks for as little as can be: one listing, then of each bundle that is unknown its end, which holds the index and
//! mostly all sidecars, and never a video.

use std::cell::Cell;
use std::io::Read;

use catalog::{Catalog, FoundBundle, FoundMember, FoundSegment, NewBundle, Results};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::hashed::Hashed;
use super::index::Index;
use super::keys::Lock;
use super::store::Listed;
use super::tail::Tail;
use super::{ArchiveError, BundleFault, Keys, Store};

/// Objects that one listing returns.
const PAGE: u64 = 1000;

/// No sidecar is longer.
const LONGEST_SIDECAR: u64 = 64 << 20;

/// What lies further before the end than so is read by itself: bundles of another hand may mix videos in.
const REACH: u64 = 32 << 20;

#[derive(Debug)]
pub struct Finder<'a> {
    pub catalog: &'a Catalog,
    pub store: &'a Store,
    pub keys: &'a Keys,
    pub frozen: Frozen,
}

/// What to do with a bundle whose index must be thawed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frozen {
    /// Only tell of it.
    Leave,
    /// Ask for it, which costs.
    Thaw,
}

/// What was found in the store.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    pub bundles: u64,
    pub segments: u64,
    /// Segments with results out of their sidecars.
    pub results: u64,
    /// Bundles that the catalogue knew.
    pub known: u64,
    /// Objects that are no bundles.
    pub passed_over: u64,
    /// Keys of bundles that must be thawed before their index can be read.
    pub frozen: Vec<String>,
    /// Sidecars that are sealed for another key, or without one here.
    pub unopened: u64,
    /// Why the first of them was not opened.
    pub unopened_because: Option<String>,
    pub faults: Vec<BundleFault>,
    /// Requests that the store was sent, as far as the store counts them.
    pub requests: u64,
}

impl Finder<'_> {
    /// Adopts what is not known. Ends early only where the store cannot be asked; again is as well, and goes on.
    pub fn adopt(&self) -> Result<Found, ArchiveError> {
        let (mut found, requests) = (Found::default(), Cell::new(0));
        let mut listed = 0;
        for object in self.store.objects_listed() {
            let object = object?;
            listed += 1;
            match self.look(&object, &requests, &mut found) {
                Ok(()) => {}
                Err(ArchiveError::Frozen { key }) => {
                    if self.frozen == Frozen::Thaw {
                        self.store.ask_for_thaw(&key)?;
                        requests.set(requests.get() + 1);
                    }
                    found.frozen.push(key);
                }
                Err(error) if error.is_of_the_store() || matches!(error, ArchiveError::Catalog(_)) => {
                    return Err(error);
                }
                Err(error) => found.faults.push(BundleFault { key: object.key, what: error.to_string() }),
            }
        }
        self.catalog.catch_up_events()?;
        found.requests = requests.get() + u64::max(listed, 1).div_ceil(PAGE);
        Ok(found)
    }

    fn look(&self, object: &Listed, requests: &Cell<u64>, found: &mut Found) -> Result<(), ArchiveError> {
        let Some(sha256) = sha256_of(&object.key) else {
            found.passed_over += 1;
            return Ok(());
        };
        if self.catalog.knows_bundle(self.store.url(), &object.key)? {
            found.known += 1;
            return Ok(());
        }
        let (mut tail, index) = Tail::read(self.store, (&object.key, object.size), requests)?;
        let mut segments = index.segments();
        let sidecars = segments.iter().filter_map(FoundSegment::sidecar).map(|sidecar| sidecar.offset);
        if let Some(first) = sidecars.min()
            && object.size - first <= REACH
        {
            tail.reach_back(first)?;
        }
        for segment in &mut segments {
            self.take_results(segment, (&tail, &index, object), found)?;
        }
        let adopted = self.catalog.adopt_bundle(&self.bundle(object, (sha256, index), segments))?;
        found.bundles += 1;
        found.segments += adopted.segments;
        found.results += adopted.results;
        Ok(())
    }

    fn bundle(
        &self,
        object: &Listed,
        (sha256, index): (&str, Index),
        segments: Vec<FoundSegment>,
    ) -> FoundBundle {
        let bundle = NewBundle {
            store: self.store.url().to_owned(),
            key: object.key.clone(),
            camera: index.camera,
            hour: index.hour,
            sha256: sha256.to_owned(),
            size: object.size,
            class: index.storage_class,
            recipients: index.recipients,
            members: Vec::new(),
        };
        FoundBundle { bundle, stored: object.modified, segments }
    }

    /// Reads a sidecar. One that cannot be opened or understood leaves a segment without results, and is told of.
    fn take_results(
        &self,
        segment: &mut FoundSegment,
        (tail, index, object): (&Tail<'_>, &Index, &Listed),
        found: &mut Found,
    ) -> Result<(), ArchiveError> {
        let Some(sidecar) = segment.sidecar().cloned() else { return Ok(()) };
        let key = format!("{}: {}", object.key, sidecar.name);
        let stored = tail.range(sidecar.offset..sidecar.offset + sidecar.length.min(LONGEST_SIDECAR))?;
        let lock = Lock { key: &key, recipients: &index.recipients };
        match self.open(&sidecar, &stored, lock).and_then(|text| results_in(&text, segment, &key)) {
            Ok(results) => {
                let written = index.modified(&sidecar.name).unwrap_or(object.modified);
                segment.results = Some((results, written));
            }
            Err(error @ (ArchiveError::NoKey { .. } | ArchiveError::OtherKey { .. })) => {
                found.unopened += 1;
                found.unopened_because.get_or_insert_with(|| error.to_string());
            }
            Err(ArchiveError::Damaged { key, what }) => {
                found.faults.push(BundleFault { key, what: what.to_owned() });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn open(&self, sidecar: &FoundMember, stored: &[u8], lock: Lock<'_>) -> Result<Vec<u8>, ArchiveError> {
        let damaged = |what| ArchiveError::Damaged { key: lock.key.to_owned(), what };
        let (mut text, expected) =
            (Vec::new(), sidecar.plain.as_ref().map_or(&sidecar.sha256, |plain| &plain.sha256));
        let sha256 = match sidecar.plain {
            None => read_all(stored, &mut text),
            Some(_) => read_all(self.keys.open(lock, stored)?, &mut text),
        };
        match sha256.map_err(|_| damaged("it cannot be opened"))? == *expected {
            true => Ok(text),
            false => Err(damaged("its SHA-256 is another")),
        }
    }
}

fn read_all(from: impl Read, into: &mut Vec<u8>) -> std::io::Result<String> {
    let mut from = Hashed::new(from.take(LONGEST_SIDECAR));
    from.read_to_end(into)?;
    Ok(from.finish().1)
}

/// What a sidecar says counts where it is about the video beside it.
fn results_in(text: &[u8], segment: &FoundSegment, key: &str) -> Result<Results, ArchiveError> {
    let damaged = |what| ArchiveError::Damaged { key: key.to_owned(), what };
    let results: Results = serde_json::from_slice(text).map_err(|_| damaged("it is no sidecar"))?;
    let video =
        segment.members.first().map(|video| video.plain.as_ref().map_or(&video.sha256, |p| &p.sha256));
    match video == Some(&results.segment.sha256) {
        true => Ok(results),
        false => Err(damaged("it is about another content")),
    }
}

/// Reads the SHA-256 out of `gate/2026/11/22/gate_2026-11-22T22Z_4f….tar`; nothing where that is no bundle's key.
fn sha256_of(key: &str) -> Option<&str> {
    let (_, sha256) = key.strip_suffix(".tar")?.rsplit_once('_')?;
    let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(sha256)
}

impl Index {
    fn modified(&self, name: &str) -> Option<DateTime<Utc>> {
        self.members.iter().find(|entry| entry.name == name).map(|entry| entry.modified)
    }
}
