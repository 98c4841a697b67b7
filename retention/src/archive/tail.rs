//! The end of a bundle, where its small files and its index lie: read first, and mostly all that is needed of it.

use std::cell::Cell;
use std::ops::Range;

use tar::{EntryType, Header};

use super::index::{INDEX_NAME, Index};
use super::{ArchiveError, Store};

const BLOCK: usize = 512;

/// Read at first: the index of an hour takes half of it.
const FIRST: u64 = 128 * 1024;

/// No index is longer: a bundle without one is not read as a whole.
const LONGEST: u64 = 64 << 20;

/// The end of a bundle, with what was read of it so far.
#[derive(Debug)]
pub(super) struct Tail<'a> {
    store: &'a Store,
    key: &'a str,
    /// Where in the bundle the bytes begin.
    begins: u64,
    bytes: Vec<u8>,
    requests: &'a Cell<u64>,
}

impl<'a> Tail<'a> {
    /// Reads as much of the end as the index takes. Counts its requests.
    pub(super) fn read(
        store: &'a Store,
        (key, size): (&'a str, u64),
        requests: &'a Cell<u64>,
    ) -> Result<(Self, Index), ArchiveError> {
        let damaged = |what| ArchiveError::Damaged { key: key.to_owned(), what };
        let mut length = FIRST;
        loop {
            let begins = size.saturating_sub(length) / BLOCK as u64 * BLOCK as u64;
            let mut tail = Self { store, key, begins, bytes: Vec::new(), requests };
            tail.bytes = tail.fetch(begins..size)?;
            if let Some(text) = index_in(&tail.bytes) {
                let index = Index::parse(text, size).map_err(damaged)?;
                return Ok((tail, index));
            }
            if begins == 0 || length >= LONGEST {
                return Err(damaged("it has no index"));
            }
            length *= 4;
        }
    }

    /// Returns a range of the bundle: of what was read already, or by a request of its own.
    pub(super) fn range(&self, range: Range<u64>) -> Result<Vec<u8>, ArchiveError> {
        match range.start.checked_sub(self.begins) {
            Some(from) => {
                let to = (range.end - self.begins) as usize;
                Ok(self.bytes.get(from as usize..to).unwrap_or_default().to_vec())
            }
            None => self.fetch(range),
        }
    }

    /// Reads what lies before it from there on, in one request.
    pub(super) fn reach_back(&mut self, to: u64) -> Result<(), ArchiveError> {
        if to < self.begins {
            let mut bytes = self.fetch(to..self.begins)?;
            bytes.append(&mut self.bytes);
            (self.begins, self.bytes) = (to, bytes);
        }
        Ok(())
    }

    fn fetch(&self, range: Range<u64>) -> Result<Vec<u8>, ArchiveError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        self.requests.set(self.requests.get() + 1);
        let mut bytes = Vec::new();
        self.store.read(self.key, Some(range), |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }
}

/// Finds the last member of that name; what comes after it is zeros.
fn index_in(bytes: &[u8]) -> Option<&[u8]> {
    let blocks = bytes.len() / BLOCK;
    (0..blocks).rev().find_map(|block| {
        let content = &bytes[(block + 1) * BLOCK..];
        let header = Header::from_byte_slice(&bytes[block * BLOCK..(block + 1) * BLOCK]);
        let is_index = header.path_bytes().as_ref() == INDEX_NAME.as_bytes()
            && header.entry_type() == EntryType::Regular
            && header.as_gnu().is_some();
        let length = usize::try_from(header.size().ok().filter(|_| is_index)?).ok()?;
        content.get(..length)
    })
}
