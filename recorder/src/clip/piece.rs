//! A piece: a closed segment that a clip is made of, open.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use chrono::{DateTime, Utc};

use super::ClipError;
use super::index::Index;
use crate::mp4::{Metadata, box_at};

/// A larger index is none: an hour at 60 frames/s comes to a tenth.
const MOST_INDEX_BYTES: u64 = 64 << 20;

#[derive(Debug)]
pub struct Piece {
    pub file: File,
    /// For messages.
    pub name: String,
    /// Of its first frame shown.
    pub start: DateTime<Utc>,
}

impl Piece {
    pub(super) fn index(&self) -> Result<(Index, Option<Metadata>), ClipError> {
        let moov = self.moov().map_err(|source| ClipError::File { name: self.name.clone(), source })?;
        let not_indexed = || ClipError::NotIndexed { name: self.name.clone() };
        let moov = moov.ok_or_else(not_indexed)?;
        let length = self.file.metadata().map_or(0, |stat| stat.len());
        let index = Index::read(&moov, length).ok_or_else(not_indexed)?;
        Ok((index, Metadata::read(&moov)))
    }

    /// Walks the boxes of the file up to its index, and reads that.
    fn moov(&self) -> io::Result<Option<Vec<u8>>> {
        let length = self.file.metadata()?.len();
        let mut at = 0;
        while at < length {
            let mut header = [0; 16];
            let read = header.len().min(usize::try_from(length - at).unwrap_or(usize::MAX));
            self.file.read_exact_at(&mut header[..read], at)?;
            let Some(found) = box_at(&header[..read]) else { return Ok(None) };
            if &found.kind == b"moov" {
                let content = found.length - found.header_length;
                if content > MOST_INDEX_BYTES || found.length > length - at {
                    return Ok(None);
                }
                let mut moov = vec![0; usize::try_from(content).unwrap_or(0)];
                self.file.read_exact_at(&mut moov, at + found.header_length)?;
                return Ok(Some(moov));
            }
            at = at.saturating_add(found.length);
        }
        Ok(None)
    }
}
