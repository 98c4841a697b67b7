//! A clip's bytes, read when they are wanted: the index from memory, the samples from the segments' files.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// Bytes of one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) file: usize,
    pub(super) at: u64,
    pub(super) length: u64,
}

#[derive(Debug)]
pub struct ClipReader {
    head: io::Cursor<Vec<u8>>,
    files: Vec<File>,
    /// What is left, the next one last.
    parts: Vec<Part>,
}

impl ClipReader {
    pub(super) fn new(head: Vec<u8>, files: Vec<File>, mut parts: Vec<Part>) -> Self {
        parts.reverse();
        Self { head: io::Cursor::new(head), files, parts }
    }
}

impl Read for ClipReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let of_head = self.head.read(buffer)?;
        if of_head > 0 || buffer.is_empty() {
            return Ok(of_head);
        }
        let Some(part) = self.parts.last_mut() else { return Ok(0) };
        let wanted = buffer.len().min(usize::try_from(part.length).unwrap_or(usize::MAX));
        let read = self.files[part.file].read_at(&mut buffer[..wanted], part.at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        part.at += read as u64;
        part.length -= read as u64;
        if part.length == 0 {
            self.parts.pop();
        }
        Ok(read)
    }
}
