//! The file of a batch: bodies out of the spool, each in its line, sent as they are read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use catalog::{BatchLine, CatalogError, Spool};
use futures::Stream;
use futures::stream;
use reqwest::Body;

use super::line::{TAIL, head};

/// Returns what is sent, and its length. One line at a time is held in memory.
pub(super) fn body(lines: Vec<BatchLine>, spool: Spool) -> (Body, u64) {
    let length =
        lines.iter().map(|line| (head(&line.request_id).len() + TAIL.len()) as u64 + line.length).sum();
    (Body::wrap_stream(pieces(lines, spool)), length)
}

fn pieces(lines: Vec<BatchLine>, spool: Spool) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let reading = Reading { spool, open: None };
    stream::unfold((lines.into_iter(), Some(reading)), |(mut lines, reading)| async move {
        let (line, reading) = (lines.next()?, reading?);
        let read = tokio::task::spawn_blocking(move || reading.line(&line)).await;
        Some(match read.map_err(io::Error::other).and_then(|read| read) {
            Ok((bytes, reading)) => (Ok(bytes), (lines, Some(reading))),
            Err(error) => (Err(error), (lines, None)),
        })
    })
}

struct Reading {
    spool: Spool,
    /// The file of the line before: lines that were gathered together lie together.
    open: Option<(String, File)>,
}

impl Reading {
    fn line(mut self, line: &BatchLine) -> io::Result<(Bytes, Self)> {
        let file = match &mut self.open {
            Some((name, file)) if *name == line.spool => file,
            open => {
                let file =
                    self.spool.open(&line.spool).map_err(|error: CatalogError| io::Error::other(error))?;
                &mut open.insert((line.spool.clone(), file)).1
            }
        };
        let mut bytes = head(&line.request_id).into_bytes();
        file.seek(SeekFrom::Start(line.offset))?;
        let read = file.take(line.length).read_to_end(&mut bytes)? as u64;
        if read != line.length {
            return Err(io::Error::other("a file of the spool is too short"));
        }
        bytes.extend_from_slice(TAIL.as_bytes());
        Ok((bytes.into(), self))
    }
}
