//! An object of the store, or a range of it, as a reader.

use std::io::{self, Read};
use std::ops::Range;

use bytes::{Buf, Bytes};
use futures::StreamExt;
use futures::stream::BoxStream;

use super::{ArchiveError, Store};

pub(super) struct ObjectReader<'a> {
    store: &'a Store,
    key: &'a str,
    pieces: BoxStream<'static, object_store::Result<Bytes>>,
    piece: Bytes,
    /// Why no more can be read; `Read` cannot tell it.
    failed: Option<ArchiveError>,
}

impl<'a> ObjectReader<'a> {
    pub(super) fn open(store: &'a Store, key: &'a str, range: Range<u64>) -> Result<Self, ArchiveError> {
        let pieces = store.pieces(key, Some(range))?;
        Ok(Self { store, key, pieces, piece: Bytes::new(), failed: None })
    }

    /// Returns why reading failed, where it was the store.
    pub(super) fn take_failure(&mut self) -> Option<ArchiveError> {
        self.failed.take()
    }
}

impl Read for ObjectReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.store.wait(self.pieces.next()) {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(source)) => {
                    self.failed = Some(ArchiveError::of_store("read", self.key, source));
                    return Err(io::Error::other("the archive gives no more"));
                }
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
