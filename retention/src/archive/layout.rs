//! The layout of a bundle: what lies where, as it turned out when the bundle was written once into nothing.
//!
//! A bundle is written twice, first to be measured and hashed, then to be sent: its key carries its SHA-256, which must
//! be known before the first byte goes out. A copy on the disk would do the same for 900 MB of room, at the moment when
//! room is what is short; the second read mostly comes out of the page cache.

use catalog::{Member, hex};
use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// What a bundle comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) members: Vec<Member>,
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
