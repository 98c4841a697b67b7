//! The layout of a bundle: what lies where, as it turned out when the bundle was written once into nothing.
//!
//! A bundle is written twice, first to be measured and hashed, then to be sent: its key carries its SHA-256, which must
//! be known before the first byte goes out. A copy on the disk would do the same for 900 MB of room, at the moment when
//! room is what is short; the second read mostly comes out of the page cache.

use catalog::{Member, Plain, hex};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// Name of the member that lists the others; the last one.
pub(super) const INDEX_NAME: &str = "nightreel-index.json";

/// What a bundle comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) members: Vec<Member>,
}

/// The index as it lies in the bundle: with it and `tar` alone a minute can be found, read and checked.
#[derive(Serialize)]
pub(super) struct Index<'a> {
    pub(super) camera: &'a str,
    pub(super) hour: String,
    /// Public keys that the members are sealed for: whoever has a secret one can open them with `age -d`.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) recipients: &'a [String],
    pub(super) members: Vec<IndexEntry<'a>>,
}

#[derive(Serialize)]
pub(super) struct IndexEntry<'a> {
    pub(super) name: &'a str,
    /// Of the video's first frame.
    pub(super) start: String,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) sha256: &'a str,
    /// Of the file that was sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plain: Option<&'a Plain>,
}

/// Counts and hashes what passes through.
pub(super) struct Measured<W> {
    inner: W,
    hash: Sha256,
    written: u64,
}

impl<W: Write> Measured<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), written: 0 }
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Returns what was written into, the number of bytes and their SHA-256.
    pub(super) fn finish(self) -> (W, u64, String) {
        (self.inner, self.written, hex(&self.hash.finalize()))
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
