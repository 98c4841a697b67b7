//! A reader that hashes what is read through it.

use std::io::{self, Read};

use catalog::hex;
use sha2::{Digest, Sha256};

pub(super) struct Hashed<R> {
    inner: R,
    hash: Sha256,
    read: u64,
}

impl<R> Hashed<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), read: 0 }
    }

    /// Returns the number of bytes and their SHA-256.
    pub(super) fn finish(self) -> (u64, String) {
        (self.read, hex(&self.hash.finalize()))
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.read += read as u64;
        Ok(read)
    }
}
